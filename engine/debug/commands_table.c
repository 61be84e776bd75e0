/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_table: every command of the debugger with its help. doc/debugger.md has the same table; a test compares them.
 */
#include "engine/debug/commands_private.h"

#define NEEDS_NAMES DEBUG_NEEDS_PROGRAM
#define NEEDS_RUN (DEBUG_NEEDS_PROGRAM | DEBUG_NEEDS_TARGET)
#define NEEDS_HALT (DEBUG_NEEDS_PROGRAM | DEBUG_NEEDS_TARGET | DEBUG_NEEDS_HALT)

static const char break_details[] =
	"It halts where all that is said agrees: at a node, at nodes of an op, on a worker, in one execution or from "
	"one on; without any of these at "
	"the node where it stands. 'before' compute is usual; 'after' is after compute and before anybody sees the "
	"outputs, where they can be "
	"changed with 'set'; behind compute of one rank of a collective all its ranks stand there. "
	"A condition compares numbers: node, op, worker, execution, duration, wait, min, max, "
	"mean, norm, std, n_nan, n_inf, "
	"has_nan, has_inf of the outputs, in.max of the inputs, max(NODE.out[0]) of any value, elements such as "
	"NODE.out[0,3]; with "
	"== != < <= > >= && || ! + - * / ( ). One that looks at outputs halts after compute.\n"
	"  break layer3              break layer3@7 after          break op all_reduce worker w1\n"
	"  break from 100 if execution == 100 || wait > 2ms        break layer3 if max > 40";

static const char print_details[] =
	"A value is NODE, NODE.out, NODE.OUTPUT, NODE.out.1, NODE.in, NODE.INPUT or NODE.in.2, with a slice as numpy "
	"has them, then @EXECUTION, or @-1 for "
	"the one before. -x prints the bytes, -s statistics, -h a histogram with so many bins; -r marks the elements "
	"within a range; -n prints so "
	"many elements instead of 200. What is not held any more is said so, with the executions that are. Anything "
	"else is computed as a condition "
	"of 'break' is.\n"
	"  print layer3.out[0,:4]    print -s pool.in.x@-1         print max(layer3) / mean(layer3)";

static const char list_details[] =
	"In the order in which an execution goes through the graph; again to go on, -a for all of it. => is what a "
	"worker does next. The state: "
	"H its value is held where it was made, C it is captured in history, F it failed, P somebody is at it, O a "
	"'set' waits for it, B it has a breakpoint.";

static const char twin_details[] =
	"The second run gets the arguments of this one, a mode or settings in place of its own, and what follows "
	"'--'. Both are halted at each node after "
	"compute and its outputs compared, bit for bit or within --abs plus --rel times the second's value, until a "
	"node differs; 'twin' goes on from there. "
	"With --digests both run freely and only digests of values are compared, exactly. --keep-going fills the "
	"table of all nodes instead of halting, "
	"--skip NODE leaves one out, --executions N compares so many. --until-divergence ends a script with exit "
	"status 1 when they differ, and 0 when not. "
	"'twin table' shows every node's errors, 'twin where' both runs, 'twin off' ends the second.";

const struct debug_command debug_commands[] = {
	/* -- motion -- */
	{ "run", "r", "", "start the run and go to the first stop, or to its end",
		"A run that is under way is ended first.", DEBUG_THEME_MOTION,
		.run = commands_do_run },
	{ "start", NULL, "", "start the run and halt at 'input' of execution 0",
		"A run that is under way is ended first.", DEBUG_THEME_MOTION,
		.run = commands_do_start },
	{ "continue", "c", "[N]", "go on to the next stop",
		"With N the next N-1 hits of the stop at which it stands are passed over.", DEBUG_THEME_MOTION,
			NEEDS_HALT, true,
		.run = commands_do_continue },
	{ "step", "s", "[N]", "let the process that stands earliest go on by one gate",
		"The earliest has the lowest execution and comes first in the graph; the others stay where they are.",
			DEBUG_THEME_MOTION, NEEDS_HALT,
		true, .run = commands_do_step },
	{ "next", "n", "[N]", "let the selected worker go on to its next node; the others move meanwhile", NULL,
		DEBUG_THEME_MOTION, NEEDS_HALT, true,
		.run = commands_do_next },
	{ "node", NULL, "[N]", "let the process that stands earliest finish its node; the others stay", NULL,
		DEBUG_THEME_MOTION, NEEDS_HALT, true,
		.run = commands_do_node },
	{ "until", "u", "NODE | EXECUTION | NODE@EXECUTION", "go on to a node, or to the first node of an execution",
		"'until 7' and 'until execution 7' mean execution 7 or a later one, when it is over already.",
			DEBUG_THEME_MOTION, NEEDS_HALT,
		.offers = DEBUG_OFFERS_NODES, .words = "execution", .run = commands_do_until },
	{ "finish", "fin", "", "go on until the results of this execution are there", NULL, DEBUG_THEME_MOTION,
		NEEDS_HALT, true,
		.run = commands_do_finish },
	{ "interrupt", NULL, "", "halt a run that moves, as Ctrl-C does", NULL, DEBUG_THEME_MOTION,
		.run = commands_do_interrupt },
	{ "hold", NULL, "WORKER", "keep one worker at its next gate, whatever the others do",
		"'where' then shows whom that holds up.",
		DEBUG_THEME_MOTION, NEEDS_RUN, .offers = DEBUG_OFFERS_WORKERS, .run = commands_do_hold },
	{ "release", NULL, "WORKER", "let a held worker move with the others again", NULL, DEBUG_THEME_MOTION, NEEDS_RUN,
		.offers = DEBUG_OFFERS_WORKERS, .run = commands_do_release },
	{ "attach", NULL, "PID", "debug a 'tandem run' that goes on; it is halted",
		"It must be yours. 'detach' lets it go on, unharmed.",
		DEBUG_THEME_MOTION, .run = commands_do_attach },
	{ "detach", NULL, "", "let the run go on without the debugger", "What it prints comes as it is from then on.", DEBUG_THEME_MOTION,
		.run = commands_do_detach },
	{ "kill", "k", "", "end the run", NULL, DEBUG_THEME_MOTION, .run = commands_do_kill },

	/* -- stops -- */
	{ "break", "b br", "[NODE] [op OP] [worker WORKER] [before|after] [execution N | from N] [if CONDITION]",
		"halt at a place", break_details,
		DEBUG_THEME_STOPS, NEEDS_NAMES, .has_condition = true, .offers = DEBUG_OFFERS_VALUES | DEBUG_OFFERS_WORKERS,
		.words = "op worker node before after execution from if", .run = commands_do_break },
	{ "tbreak", "tb", "[NODE] [op OP] [worker WORKER] [before|after] [execution N | from N] [if CONDITION]",
		"halt at a place once",
		"As 'break', but gone when it was hit.", DEBUG_THEME_STOPS, NEEDS_NAMES, .has_condition = true,
		.offers = DEBUG_OFFERS_VALUES | DEBUG_OFFERS_WORKERS,
			.words = "op worker node before after execution from if", .run = commands_do_tbreak },
	{ "watch", NULL, "VALUE [tolerance X] [if CONDITION]", "halt when a value differs from that of the execution before",
		"With a tolerance, when an element differs by more than that.", DEBUG_THEME_STOPS, NEEDS_NAMES,
			.has_condition = true,
		.offers = DEBUG_OFFERS_VALUES, .words = "tolerance if", .run = commands_do_watch },
	{ "catch", NULL, "error | nan | inf | duration LIMIT | wait LIMIT [NODE] [op OP] [worker WORKER] [if CONDITION]",
		"halt when a node fails, makes NaN or infinity, takes or waits too long",
		"It halts after compute of the node that it happens to. LIMIT is a time such as 250us or 2ms.",
			DEBUG_THEME_STOPS, NEEDS_NAMES,
		.has_condition = true, .offers = DEBUG_OFFERS_NODES | DEBUG_OFFERS_WORKERS,
		.words = "error nan inf duration wait op worker node execution from if", .run = commands_do_catch },
	{ "delete", "d", "[STOP…]", "delete stops, or all of them", NULL, DEBUG_THEME_STOPS, .offers = DEBUG_OFFERS_STOPS,
		.run = commands_do_delete },
	{ "enable", "en", "[STOP…]", "let stops halt again, or all of them", NULL, DEBUG_THEME_STOPS,
		.offers = DEBUG_OFFERS_STOPS,
		.run = commands_do_enable },
	{ "disable", "dis", "[STOP…]", "keep stops without halting at them, or all of them", NULL, DEBUG_THEME_STOPS,
		.offers = DEBUG_OFFERS_STOPS,
		.run = commands_do_disable },
	{ "ignore", NULL, "STOP N", "pass over the next N hits of a stop", NULL, DEBUG_THEME_STOPS,
		.offers = DEBUG_OFFERS_STOPS,
		.run = commands_do_ignore },
	{ "condition", "cond", "STOP [CONDITION]", "halt at a stop only if; without a condition: always",
		"Conditions: 'help break'.", DEBUG_THEME_STOPS,
		NEEDS_NAMES, .has_condition = true, .offers = DEBUG_OFFERS_STOPS | DEBUG_OFFERS_VALUES,
			.run = commands_do_condition },
	{ "commands", NULL, "[STOP]", "commands that are carried out when a stop halts; 'end' ends them",
		"For the stop made last when none is named; none at all takes them away. A command that sets the run "
		"in motion is the last one carried out.",
		DEBUG_THEME_STOPS, .offers = DEBUG_OFFERS_STOPS, .run = commands_do_commands },

	/* -- values -- */
	{ "print", "p", "[-x | -s | -h [BINS]] [-r LOW:HIGH] [-n COUNT] VALUE | EXPRESSION", "print a tensor or a number",
		print_details,
		DEBUG_THEME_VALUES, NEEDS_NAMES, true, .offers = DEBUG_OFFERS_VALUES, .words = "-x -s -h -r -n",
			.run = commands_do_print },
	{ "x", NULL, "[-r LOW:HIGH] [-n COUNT] VALUE", "print the bytes of a tensor", "As 'print -x'.",
		DEBUG_THEME_VALUES, NEEDS_RUN, true,
		.offers = DEBUG_OFFERS_VALUES, .words = "-r -n", .run = commands_do_hex },
	{ "display", NULL, "[what print takes]", "print something at each halt; alone: now", NULL, DEBUG_THEME_VALUES,
		NEEDS_NAMES,
		.offers = DEBUG_OFFERS_VALUES, .words = "-x -s -h -r -n", .run = commands_do_display },
	{ "undisplay", NULL, "[DISPLAY…]", "print it no more, or none of them", NULL, DEBUG_THEME_VALUES,
		.offers = DEBUG_OFFERS_DISPLAYS,
		.run = commands_do_undisplay },
	{ "set", NULL, "VALUE = NUMBER[,NUMBER…] | FILE.npy | VALUE [--all-ranks]",
		"change an output before anybody sees it",
		"Where its node stands after compute, or when it next does. += -= *= /= change what is there. "
		"--all-ranks does the same to every rank of a "
		"collective, whose outputs are equal.\n  set layer3.out[0,:4] = 0     set layer3.out *= 2     set "
		"pool = pool@-1",
		DEBUG_THEME_VALUES, NEEDS_HALT, .offers = DEBUG_OFFERS_VALUES, .words = "--all-ranks",
			.run = commands_do_set },
	{ "save", NULL, "VALUE FILE.npy | VALUE FILE.safetensors | FILE.tandem",
		"write a value, or the state of the whole run, into a file",
		"'tandem debug FILE.tandem' opens a saved state.", DEBUG_THEME_VALUES, .offers = DEBUG_OFFERS_VALUES,
			.run = commands_do_save },
	{ "compare", NULL, "[--abs X] [--rel X] VALUE VALUE", "compare two values element by element",
		"Bit for bit, or within a tolerance: --abs plus --rel times the second.\n  compare layer3 layer3@-1   "
		"  compare --abs 1e-5 a.out b.out[0]",
		DEBUG_THEME_VALUES, NEEDS_RUN, .offers = DEBUG_OFFERS_VALUES, .words = "--abs --rel",
			.run = commands_do_compare },
	{ "origin", NULL, "[-d DEPTH] VALUE", "where a value came from, back to the graph's input",
		"Each value with its op, parameters, type and statistics, its inputs below it; 4 levels unless -d says "
		"more.", DEBUG_THEME_VALUES, NEEDS_RUN,
		.offers = DEBUG_OFFERS_VALUES, .words = "-d", .run = commands_do_origin },
	{ "history", NULL, "[NODE]", "which values are captured and held, and the budget",
		"What nodes put out is kept up to a budget; the oldest goes first. --history BYTES sets it.",
			DEBUG_THEME_VALUES, NEEDS_RUN,
		.offers = DEBUG_OFFERS_NODES, .run = commands_do_history },

	/* -- state -- */
	{ "list", "l", "[NODE | -a]", "the nodes around where it stands, and what is known of them", list_details,
		DEBUG_THEME_STATE, NEEDS_NAMES, true,
		.offers = DEBUG_OFFERS_NODES, .words = "-a", .run = commands_do_list },
	{ "where", "w", "", "who waits for whom, since when, and who holds all up", NULL, DEBUG_THEME_STATE, NEEDS_RUN,
		.run = commands_do_where },
	{ "backtrace", "bt", "", "the steps of the selected worker around where it stands; of a crash: the op's stack",
		NULL, DEBUG_THEME_STATE, NEEDS_RUN,
		.run = commands_do_backtrace },
	{ "info", "i", "WORD", "tell about one thing", NULL, DEBUG_THEME_STATE, .offers = DEBUG_OFFERS_NODES,
		.run = commands_do_info },
	{ "worker", NULL, "[WORKER]", "select a worker, for next and backtrace", NULL, DEBUG_THEME_STATE, NEEDS_NAMES,
		.offers = DEBUG_OFFERS_WORKERS,
		.run = commands_do_worker },
	{ "execution", "ex", "[N | latest | -N]", "look at values of another execution that is held",
		"-1 is the one before the current one.",
		DEBUG_THEME_STATE, NEEDS_RUN, .words = "latest", .run = commands_do_execution },
	{ "position", "pos", "", "where the run stands, and where one looks", NULL, DEBUG_THEME_STATE, NEEDS_RUN,
		.run = commands_do_position },
	{ "reverse-step", "rs reverse-next rn", "[N]", "look at the node before, in captured history",
		"Nothing is undone: 'continue' goes on from the present.", DEBUG_THEME_STATE, NEEDS_RUN, true,
			.run = commands_do_reverse_step },
	{ "forward", "fs", "[N]", "look at the node after, towards the present", NULL, DEBUG_THEME_STATE, NEEDS_RUN, true,
		.run = commands_do_forward },

	/* -- twin -- */
	{ "twin", NULL,
		"[-m MODE] [--set NAME=VALUE…] [--abs X] [--rel X] [--digests] [--executions N] [--keep-going] "
		"[--skip NODE…] [--until-divergence] [-- "
		"ARGUMENT…] | table [--json] | where | off",
		"compare with a second run, node by node", twin_details, DEBUG_THEME_TWIN, NEEDS_NAMES,
			.offers = DEBUG_OFFERS_NODES,
		.words = "-m --set --abs --rel --digests --executions --keep-going --skip --until-divergence table "
			"where off --json compiled interpreted",
		.run = commands_do_twin },

	/* -- other -- */
	{ "help", "h ?", "[NAME | apropos WORD]", "list the commands, tell about one, or look for a word", NULL,
		DEBUG_THEME_OTHER,
		.offers = DEBUG_OFFERS_COMMANDS, .words = "apropos", .run = commands_do_help },
	{ "echo", NULL, "TEXT", "print a text", NULL, DEBUG_THEME_OTHER, .run = commands_do_echo },
	{ "source", NULL, "FILE", "carry out the commands of a file", "The first mistake ends it.", DEBUG_THEME_OTHER,
		.run = commands_do_source },
	{ "tui", NULL, "", "change to the screen, or from there to the prompt", "'tandem debug --tui' begins with it.", DEBUG_THEME_OTHER,
		.run = commands_do_tui },
	{ "quit", "q exit", "[STATUS] [--keep]", "leave; a run that was started here is ended, one attached to goes on",
		"With --keep neither is ended.",
		DEBUG_THEME_OTHER, .words = "--keep", .run = commands_do_quit },
	{ 0 },
};
