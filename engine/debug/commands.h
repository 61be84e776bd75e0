/* SPDX-License-Identifier: Apache-2.0
 *
 * commands: the debugger's language, the same at the prompt, on the screen and in scripts. One table has every command:
 * name, shorter names, what it takes, help, function. gdb's names where gdb has one.
 */
#ifndef TANDEM_ENGINE_DEBUG_COMMANDS_H
#define TANDEM_ENGINE_DEBUG_COMMANDS_H

#include "engine/debug/debugger.h"

struct debug_twin;

#define DEBUG_LINE_BYTES 4000 /* longest line; a longer one is a mistake */

/* What commands work on beyond the debugger itself. All that is not said to be owned is the face's. */
struct debug_context {
	struct debugger *debugger;
	struct debug_twin *twin;      /* of the command `twin`; owned; NULL: none */
	char **twin_words;            /* arguments of its second run and nodes that it skips; owned, NULL-ended */
	int n_columns;                /* of the face; 0: 100 */
	const char *mark_on, *mark_off; /* highlighting of elements; NULL: stars */
	bool is_scripted;             /* questions are answered yes, an error ends the script */
	bool has_screen;              /* the face can change to the screen, or back from it */
	bool changes_face;            /* set by `tui`: the face shall do that */
	bool shows_displays;          /* the face shows the displays itself: they are not said at halts */
	bool is_over;                 /* set by `quit` */
	bool is_kept;                 /* set by `quit --keep`: what debugger_destroy shall be told */
	bool (*ask)(void *user,
		const char *question); /* "yes" to a question that ends with "?"; NULL, or is_scripted: yes */
	int exit_status;              /* set by `quit [N]` and by twin --until-divergence; what the process shall return */
	/* Carries out a command that only a face can: `save FILE.tandem` (traces), … NULL: not available. `words` is
	 * what follows the name. */
	int (*save_state)(void *user, const char *file, struct strbuf *out, struct error *error);
	void *user;
	char *last_line;              /* for an empty line, which repeats step, next, …; owned */
	char **defining;              /* lines typed so far for `commands ID … end`; owned */
	int n_defining, defining_stop;
	uint32_t next_listed;         /* position in the graph's order where `list` goes on; 0: around where one stands */
	int n_nested;                 /* command lines within command lines: `source`, displays, commands of a stop */
};

/* Releases what is owned; ends the twin's second run. The debugger stays. */
void debug_context_finish(struct debug_context *context);

/* Carries out one line: appends what it says to `out`. Commands that set the run in motion return at once, with the
 * debugger MOVING: the face then calls debug_settle. STATUS_USAGE and STATUS_INPUT are mistakes of who typed; nothing
 * has happened then. Empty lines repeat the last command where that makes sense; "# …" is a comment; "WORD > FILE"
 * writes a command's output into a file. */
int debug_command(struct debug_context *context, const char *line, struct strbuf *out, struct error *error);

/* Called when the debugger has halted (or ended) after motion: says where and why, in one to three lines, then the
 * displays, then carries out the stop's own commands (which may set it in motion again: MOVING). */
int debug_settle(struct debug_context *context, struct strbuf *out, struct error *error);

/* Appends the letters that `list` has for a node: what is known of its value in `execution`. `is_there`: a process is at it; `has_failed`: it stands
 * there, failed. */
void debug_add_letters(const struct debug_context *context, uint32_t node, uint64_t execution, bool is_there, bool has_failed, struct strbuf *out);

/* What the prompt shows: "(tandem) ", or "> " while commands of a stop are typed. */
const char *debug_prompt(const struct debug_context *context);

/* Words that could stand where the cursor is (commands, nodes, outputs, workers, stops, files are left to the face),
 * NULL-ended, sorted; each and the array are released by debug_words_free. *ret_start: where in the line the word begins. */
char **debug_complete(const struct debug_context *context, const char *line, size_t cursor, size_t *ret_start);
void debug_words_free(char **words);

/* X(NAME, heading): the order of `help`. */
#define DEBUG_THEME_MAP(X)                                             \
	X(MOTION, "setting the run in motion")                         \
	X(STOPS, "stops: where it halts by itself")                    \
	X(VALUES, "values")                                            \
	X(STATE, "where things stand, and going back")                 \
	X(TWIN, "two runs side by side")                               \
	X(OTHER, "other")
enum debug_theme {
#define X(name, heading) DEBUG_THEME_##name,
	DEBUG_THEME_MAP(X)
#undef X
	DEBUG_THEMES,
};

enum debug_need {
	DEBUG_NEEDS_PROGRAM = 1,  /* names */
	DEBUG_NEEDS_TARGET = 2,   /* memory of a run: live, ended or saved */
	DEBUG_NEEDS_HALT = 4,     /* a live run that stands still */
};

/* What may stand behind a command, for completion: bits. */
enum debug_offer {
	DEBUG_OFFERS_NODES = 1,
	DEBUG_OFFERS_VALUES = 2,  /* nodes, and their outputs and inputs behind a dot */
	DEBUG_OFFERS_WORKERS = 4,
	DEBUG_OFFERS_STOPS = 8,
	DEBUG_OFFERS_DISPLAYS = 16,
	DEBUG_OFFERS_COMMANDS = 32,
};

/* One entry of the table. */
struct debug_command {
	const char *name, *aliases;     /* "break", "b br" */
	const char *takes;              /* "[NODE] [if CONDITION]" */
	const char *summary;            /* one phrase */
	const char *details;            /* paragraphs; may be NULL */
	enum debug_theme theme;
	unsigned needs;                 /* bits: enum debug_need */
	bool repeats;                   /* an empty line repeats it */
	bool has_condition;             /* ">" in what follows compares: no output into a file */
	unsigned offers;                /* bits: enum debug_offer */
	const char *words;              /* further words and options that it knows, between blanks; may be NULL */
	int (*run)(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error);
};
extern const struct debug_command debug_commands[]; /* ends with name NULL */

/* The command that `word` names: its name, a shorter one, or the beginning of one name only. STATUS_USAGE with the
 * nearest, or with all that it could be. */
int debug_command_find(const char *word, const struct debug_command **ret_command, struct error *error);

#endif
