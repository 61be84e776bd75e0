/* SPDX-License-Identifier: Apache-2.0
 *
 * test_commands: the debugger's language. Transcripts in tests/debug/golden hold what is typed and what is said; a
 * command that occurs in none of them is a mistake. Errors and completion are tables.
 */
#include "engine/debug/commands.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/debug/script_world.h"
#include "tests/support/run_tool.h"

/* -- transcripts ------------------------------------------------------------------------------------------------------ */

static char *golden_path(const char *name)
{
	struct strbuf path = STRBUF_INIT;
	strbuf_addf(&path, "%s/tests/debug/golden/%s", getenv("TANDEM_SOURCE_ROOT"), name);
	return strbuf_take(&path);
}

/* The text behind a prompt at the start of `line`; NULL when it is something else. */
static const char *typed(const char *line)
{
	if (!strncmp(line, "(tandem) ", 9))
		return line + 9;
	return !strncmp(line, "> ", 2) ? line + 2 : NULL;
}

/* Types each line of the transcript again. The first line is "# MODE GRAPH OPTIONS". */
static char *replay(const char *golden)
{
	struct strbuf out = STRBUF_INIT;
	struct script_world world;
	char *copy = strdup(golden), *rest = copy, *line = strsep(&rest, "\n");

	cr_assert(!strncmp(line, "# ", 2), "'%s' does not say what is run", line);
	strbuf_addf(&out, "%s\n", line);
	script_world_open(&world, line + 2);
	while ((line = strsep(&rest, "\n")) && !world.context.is_over) {
		const char *command = typed(line);
		if (!command)
			continue;
		char *expanded = tool_expand(command);
		strbuf_addf(&out, "%s%s\n", debug_prompt(&world.context), command);
		script_world_line(&world, expanded, &out);
		free(expanded);
	}
	if (world.context.exit_status)
		strbuf_addf(&out, "exit status %d\n", world.context.exit_status);
	script_world_close(&world);
	char *plain = script_world_plain(strbuf_text(&out));
	strbuf_finish(&out);
	free(copy);
	return plain;
}

static void check_transcript(const char *name)
{
	char *path = golden_path(name), *golden = script_world_read(path);
	cr_assert(golden, "%s cannot be read", path);
	char *said = replay(golden);
	const char *folder = getenv("TANDEM_TRANSCRIPTS");
	if (folder) {
		struct strbuf to = STRBUF_INIT;
		strbuf_addf(&to, "%s/%s", folder, name);
		FILE *stream = fopen(strbuf_text(&to), "w");
		cr_assert(stream, "%s cannot be written", strbuf_text(&to));
		fputs(said, stream);
		fclose(stream);
		strbuf_finish(&to);
	}
	size_t same = 0;
	while (golden[same] && golden[same] == said[same])
		same++;
	while (same && golden[same - 1] != '\n')
		same--;
	cr_expect(!strcmp(golden, said), "%s differs from here on:\n%.*s\nsaid was:\n%.*s", name, 600, golden + same, 600,
		said + same);
	free(said);
	free(golden);
	free(path);
}

#define TRANSCRIPT(name)                           \
	Test(transcripts, name)                    \
	{                                          \
		check_transcript(#name ".txt");    \
	}
TRANSCRIPT(motion)
TRANSCRIPT(interpreted)
TRANSCRIPT(stops)
TRANSCRIPT(faults)
TRANSCRIPT(values)
TRANSCRIPT(state)
TRANSCRIPT(other)
TRANSCRIPT(twin)

/* A command that no transcript shows has no promise of what it says. */
Test(transcripts, every_command_is_in_one)
{
	struct strbuf all = STRBUF_INIT;
	char *folder = golden_path("");
	DIR *directory = opendir(folder);
	cr_assert(directory, "%s cannot be read", folder);
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (!strstr(entry->d_name, ".txt"))
			continue;
		char *path = golden_path(entry->d_name), *text = script_world_read(path);
		strbuf_addf(&all, "\n%s", text);
		free(text);
		free(path);
	}
	closedir(directory);
	free(folder);
	for (const struct debug_command *command = debug_commands; command->name; command++) {
		char with_blank[100], alone[100];
		snprintf(with_blank, sizeof with_blank, "\n(tandem) %s ", command->name);
		snprintf(alone, sizeof alone, "\n(tandem) %s\n", command->name);
		cr_expect(strstr(strbuf_text(&all), with_blank) || strstr(strbuf_text(&all), alone),
			"no transcript has '%s'", command->name);
	}
	strbuf_finish(&all);
}

/* -- errors ----------------------------------------------------------------------------------------------------------- */

/* Before a start, over chain.dot: nothing of it may do anything. */
static const struct {
	const char *line, *says; /* a part of the error */
} wrong_lines[] = {
	{ "brek ones", "did you mean 'break'?" },
	{ "re", "'re' may be release, reverse-step" },
	{ "frobnicate", "'help' lists them" },
	{ "run now", "'now' is more than expected; usage: run" },
	{ "start 3", "usage: start" },
	{ "step", "'run' or 'start'" },
	{ "next", "'run' or 'start'" },
	{ "node", "'run' or 'start'" },
	{ "continue", "'run' or 'start'" },
	{ "until 3", "'run' or 'start'" },
	{ "finish", "'run' or 'start'" },
	{ "set ones = 3", "'run' or 'start'" },
	{ "interrupt x", "usage: interrupt" },
	{ "interrupt", "nothing moves" },
	{ "hold w0", "nothing runs" },
	{ "release w0", "nothing runs" },
	{ "kill", "nothing runs" },
	{ "kill 3", "usage: kill" },
	{ "detach", "nothing runs" },
	{ "attach", "the process is missing; usage: attach PID" },
	{ "attach w0", "'w0' is not the process, a whole number" },
	{ "attach 99999999999", "there is no process" },
	{ "break", "it stands at no node: say which; usage: break" },
	{ "break onez", "did you mean 'ones'?" },
	{ "break qwertyuiop", "'info nodes' lists them" },
	{ "break ones count", "'count' is one node too many" },
	{ "break ones@x", "'x' is not an execution" },
	{ "break op", "the op is missing" },
	{ "break op flil", "no node of this graph performs 'flil'" },
	{ "break worker", "the worker is missing" },
	{ "break worker w00", "did you mean 'w0'?" },
	{ "break ones execution", "the execution is missing" },
	{ "break ones from x", "'x' is not the first execution" },
	{ "break ones if", "the condition is missing" },
	{ "break ones if max >", "column" },
	{ "break ones before if max > 3", "only 'after' compute" },
	{ "break input before", "only be stopped 'after'" },
	{ "break output after", "only be stopped 'before'" },
	{ "tbreak nowhere", "there is no node 'nowhere'" },
	{ "watch", "a value is missing" },
	{ "watch ones@3", "leave the '@' out" },
	{ "watch ones tolerance", "the tolerance is missing" },
	{ "watch ones tolerance x", "'x' is not the tolerance, a number" },
	{ "watch ones tolerance -1", "not negative" },
	{ "watch ones 3", "'3' is more than expected" },
	{ "catch", "error, nan, inf, duration LIMIT or wait LIMIT" },
	{ "catch fire", "'fire' cannot be caught" },
	{ "catch wait", "the limit is missing" },
	{ "catch duration long", "'long' is no time" },
	{ "catch nan before", "seen after compute" },
	{ "delete 7", "there is no stop 7" },
	{ "delete x", "'x' is not the number of a stop" },
	{ "enable 7", "there is no stop 7" },
	{ "disable 7", "there is no stop 7" },
	{ "ignore", "the number of a stop is missing; usage: ignore STOP N" },
	{ "ignore 7 1", "there is no stop 7" },
	{ "condition 7 max > 3", "there is no stop 7" },
	{ "commands", "there are no stops yet" },
	{ "commands 7", "there is no stop 7" },
	{ "print", "a value is missing" },
	{ "print ones", "'run' or 'start'" },
	{ "print onez", "'ones'" },
	{ "print -q ones", "'-q' is no option" },
	{ "print -r ones", "'ones' is no range" },
	{ "print -h 900 ones", "900 bins" },
	{ "print -n 0 ones", "at least 1" },
	{ "print -n ones", "'ones' is not the number of elements" },
	{ "print 1 +", "column" },
	{ "x ones", "'run' or 'start'" },
	{ "display -q ones", "'-q' is no option" },
	{ "undisplay 7", "there is no display 7" },
	{ "save", "into which file" },
	{ "save ones x.npy", "'run' or 'start'" },
	{ "save x.tandem", "cannot be saved from here" },
	{ "compare ones ones", "'run' or 'start'" },
	{ "origin ones", "'run' or 'start'" },
	{ "history", "'run' or 'start'" },
	{ "list nowhere", "there is no node 'nowhere'" },
	{ "list ones count", "'count' is more than expected" },
	{ "where", "'run' or 'start'" },
	{ "backtrace", "'run' or 'start'" },
	{ "info", "say about what" },
	{ "info nods", "did you mean 'info nodes'?" },
	{ "info graph x", "'x' is more than expected" },
	{ "info s", "may be more than one thing" },
	{ "info node nowhere", "there is no node" },
	{ "info nodes zz*", "no node's name matches" },
	{ "info stack", "'run' or 'start'" },
	{ "worker w7", "there is no worker 'w7'" },
	{ "execution 3", "'run' or 'start'" },
	{ "position", "'run' or 'start'" },
	{ "reverse-step", "'run' or 'start'" },
	{ "forward", "'run' or 'start'" },
	{ "twin -m fast", "'fast' is no mode" },
	{ "twin --set X", "'X' is not NAME=VALUE" },
	{ "twin --skip nowhere", "there is no node" },
	{ "twin --abs -1", "not negative" },
	{ "twin --digests --abs 1", "know no tolerance" },
	{ "twin --frob", "'--frob' is not understood; usage: twin" },
	{ "twin table", "there is no second run" },
	{ "twin off", "there is no second run" },
	{ "help me", "there is no command 'me'" },
	{ "help apropos", "what to look for" },
	{ "help apropos xyzzy", "no command says anything" },
	{ "source", "the file is missing" },
	{ "source /nonexistent", "cannot read /nonexistent" },
	{ "echo x > /nonexistent/y", "cannot write /nonexistent/y" },
	{ "quit 256", "no exit status" },
	{ "quit x", "'x' is not an exit status" },
	{ "break \x1b[31m", "^[[31m" },
};

Test(errors, each_says_what_would_be_right)
{
	struct script_world world;
	script_world_open(&world, "compiled chain.dot");
	for (size_t i = 0; i < ARRAY_LEN(wrong_lines); i++) {
		struct strbuf out = STRBUF_INIT;
		struct error error = { 0 };
		int status = debug_command(&world.context, wrong_lines[i].line, &out, &error);
		cr_expect(status != STATUS_OK && status != STATUS_SYNTAX && status == error.status, "'%s': %s, error %s",
			wrong_lines[i].line,
			status_word(status), status_word(error.status));
		cr_expect(strstr(error.text, wrong_lines[i].says), "'%s' says '%s', expected in it '%s'",
			wrong_lines[i].line, error.text,
			wrong_lines[i].says);
		cr_expect(!strchr(error.text, '\x1b'), "'%s' says control characters", wrong_lines[i].line);
		cr_expect(!world.debugger->stops.n_items && !world.debugger->n_displays && !world.context.is_over,
			"'%s' has done something",
			wrong_lines[i].line);
		strbuf_finish(&out);
	}
	script_world_close(&world);
}

Test(errors, a_line_that_is_too_long)
{
	struct script_world world;
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	char *line = malloc(DEBUG_LINE_BYTES + 10);
	memset(line, 'x', DEBUG_LINE_BYTES + 9);
	line[DEBUG_LINE_BYTES + 9] = '\0';
	script_world_open(&world, "compiled chain.dot");
	cr_expect_eq(debug_command(&world.context, line, &out, &error), STATUS_USAGE);
	line[DEBUG_LINE_BYTES] = '\0';
	cr_expect_eq(debug_command(&world.context, line, &out, &error), STATUS_USAGE,
		"an unknown word of the longest length");
	script_world_close(&world);
	free(line);
}

/* -- scripts within scripts ------------------------------------------------------------------------------------------- */

static bool never(void *user, const char *question)
{
	return false;
}

Test(scripts, a_file_that_calls_itself_ends)
{
	struct script_world world;
	struct strbuf out = STRBUF_INIT;
	tool_write_file("self.txt", "source self.txt\n");
	char *text = tool_expand("echo deep\nsource @TMP@/self.txt\n"), *line = tool_expand("source @TMP@/self.txt");
	tool_write_file("self.txt", text);
	script_world_open(&world, "compiled chain.dot");
	cr_expect_eq(script_world_line(&world, line, &out), STATUS_USAGE);
	cr_expect(strstr(strbuf_text(&out), "deep") && strstr(strbuf_text(&out), "commands within commands"), "%s",
		strbuf_text(&out));
	script_world_close(&world);
	strbuf_finish(&out);
	free(text);
	free(line);
}

Test(scripts, each_line_of_a_file_sees_what_the_one_before_did)
{
	struct script_world world;
	struct strbuf out = STRBUF_INIT;
	tool_write_file("two.txt",
		"# what is tried\nbreak twice\nrun\nprint count[0,0]\ncontinue\nprint count[0,0]\nquit 4\necho never\n");
	char *line = tool_expand("source @TMP@/two.txt");
	script_world_open(&world, "compiled chain.dot --executions 3 --in-flight 1");
	cr_expect_eq(script_world_line(&world, line, &out), STATUS_OK);
	cr_expect(strstr(strbuf_text(&out), "[0,0] 1\n") && strstr(strbuf_text(&out), "[0,0] 2\n"), "%s", strbuf_text(&out));
	cr_expect(!strstr(strbuf_text(&out), "never") && world.context.is_over && world.context.exit_status == 4, "%s",
		strbuf_text(&out));
	script_world_close(&world);
	strbuf_finish(&out);
	free(line);
}

/* A typed `no` leaves things as they are. */
Test(scripts, questions_are_asked_of_people)
{
	struct script_world world;
	struct strbuf out = STRBUF_INIT;
	script_world_open(&world, "compiled chain.dot --executions 3 --in-flight 1");
	world.context.is_scripted = false;
	world.context.ask = never;
	cr_expect_eq(script_world_line(&world, "break twice", &out), STATUS_OK);
	cr_expect_eq(script_world_line(&world, "run", &out), STATUS_OK);
	static const char *const lines[] = { "run", "kill", "delete", "quit" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		cr_expect_eq(script_world_line(&world, lines[i], &out), STATUS_OK);
		cr_expect(world.debugger->state == DEBUG_HALTED && world.debugger->stops.n_items == 1
			&& !world.context.is_over, "%s", lines[i]);
	}
	script_world_close(&world);
	strbuf_finish(&out);
}

/* -- completion ------------------------------------------------------------------------------------------------------- */

/* "|" is the cursor. */
static const struct {
	const char *line, *words; /* all of them, between blanks; a leading + : these among others */
	size_t start;
} completions[] = {
	{ "br|", "break", 0 },
	{ "re|", "release reverse-step", 0 },
	{ "|", "+break continue twin quit", 0 },
	{ "  st|", "start step", 2 },
	{ "zz|", "", 0 },
	{ "break t|", "twice", 6 },
	{ "break |", "+ones count w0 op from", 6 },
	{ "b wo|", "worker", 2 },
	{ "break op|", "op", 6 },
	{ "print last.|", "last.a last.b last.in last.out", 6 },
	{ "print la|st.in", "last", 6 },
	{ "print max(tw|", "twice", 10 },
	{ "print last[0] > on|", "ones", 16 },
	{ "print -|", "-h -n -r -s -x", 6 },
	{ "compare --|", "--abs --rel", 8 },
	{ "hold |", "driver w0 w1", 5 },
	{ "worker w|", "w0 w1", 7 },
	{ "delete |", "1 2", 7 },
	{ "condition 2 ma|", "", 12 },
	{ "info n|", "node nodes", 5 },
	{ "info node c|", "count", 10 },
	{ "info graph |", "", 11 },
	{ "help wat|", "watch", 5 },
	{ "help apr|", "apropos", 5 },
	{ "twin t|", "table twice", 5 },
	{ "until ex|", "execution", 6 },
	{ "execution l|", "latest", 10 },
	{ "quit --|", "--keep", 5 },
	{ "nonsense t|", "", 9 },
};

static char *join(char *const *words)
{
	struct strbuf all = STRBUF_INIT;
	strbuf_add(&all, "");
	for (size_t i = 0; words && words[i]; i++)
		strbuf_addf(&all, "%s%s", i ? " " : "", words[i]);
	return strbuf_take(&all);
}

Test(completion, table)
{
	struct script_world world;
	struct strbuf out = STRBUF_INIT;
	script_world_open(&world, "compiled chain.dot");
	script_world_line(&world, "break ones", &out);
	script_world_line(&world, "break twice", &out);
	for (size_t i = 0; i < ARRAY_LEN(completions); i++) {
		char line[200];
		size_t start = 999, cursor = strcspn(completions[i].line, "|");
		snprintf(line, sizeof line, "%.*s%s", (int)cursor, completions[i].line, completions[i].line + cursor + 1);
		char **words = debug_complete(&world.context, line, cursor, &start);
		char *all = join(words);
		cr_expect_eq(start, completions[i].start, "'%s' begins at %zu, expected %zu", completions[i].line, start,
			completions[i].start);
		if (completions[i].words[0] != '+') {
			cr_expect_str_eq(all, completions[i].words, "'%s' gives '%s', expected '%s'", completions[i].line,
				all, completions[i].words);
		} else {
			char wanted[200], *rest = strcpy(wanted, completions[i].words + 1);
			for (char *word; (word = strsep(&rest, " "));)
				cr_expect(strstr(all, word), "'%s' gives '%s', expected among them '%s'",
					completions[i].line, all, word);
		}
		free(all);
		debug_words_free(words);
	}
	script_world_close(&world);
	strbuf_finish(&out);
}

/* -- the manual ------------------------------------------------------------------------------------------------------- */

/* doc/debugger.md has a row for each command, as the table has it. */
Test(manual, has_every_command)
{
	struct strbuf path = STRBUF_INIT;
	strbuf_addf(&path, "%s/doc/debugger.md", getenv("TANDEM_SOURCE_ROOT"));
	char *page = script_world_read(strbuf_text(&path));
	cr_assert(page, "%s cannot be read", strbuf_text(&path));
	for (const struct debug_command *command = debug_commands; command->name; command++) {
		struct strbuf row = STRBUF_INIT;
		strbuf_addf(&row, "\n| `%s` |", command->name);
		for (const char *at = command->takes; *at; at++)
			strbuf_addf(&row, "%s%s%c", at == command->takes ? " `" : "", *at == '|' ? "\\" : "", *at);
		strbuf_addf(&row, "%s | %s |", *command->takes ? "`" : "", command->summary);
		cr_expect(strstr(page, strbuf_text(&row)), "the page should have the row%s", strbuf_text(&row));
		strbuf_finish(&row);
	}
	free(page);
	strbuf_finish(&path);
}
