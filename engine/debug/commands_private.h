/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_private: what the files of the debugger's language share: the functions behind the table, words of a command
 * line, places in words.
 */
#ifndef TANDEM_ENGINE_DEBUG_COMMANDS_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_COMMANDS_PRIVATE_H

#include "engine/debug/commands.h"

#define COMMANDS_WORD_BYTES (DEBUG_LINE_BYTES + 1) /* any word of a line fits */
#define COMMANDS_NESTED_MAX 8

/* X(name): one function a command: commands_do_NAME. */
#define COMMANDS_FUNCTION_MAP(X)                                                                                             \
	X(run) X(start) X(step) X(node) X(next) X(continue) X(until) X(finish) X(interrupt) X(hold) X(release) X(kill)      \
	X(detach) X(attach)                                                                                                \
	X(break) X(tbreak) X(watch) X(catch) X(delete) X(enable) X(disable) X(ignore) X(condition) X(commands)              \
	X(print) X(hex) X(display) X(undisplay) X(set) X(save) X(compare) X(origin) X(history)                              \
	X(list) X(where) X(backtrace) X(info) X(worker) X(execution) X(position) X(reverse_step) X(forward)                 \
	X(twin) X(help) X(echo) X(source) X(tui) X(quit)
#define X(name)                                                                                                              \
	int commands_do_##name(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error);
COMMANDS_FUNCTION_MAP(X)
#undef X

/* -- words (commands_words.c) ------------------------------------------------------------------------------------------
 * Blanks separate words; "…" holds a word with blanks together. What a command does not understand is STATUS_SYNTAX
 * here; debug_command makes it STATUS_USAGE and adds how the command is used. */

/* Takes the next word; false at the end. */
bool commands_word(const char **rest, char word[COMMANDS_WORD_BYTES]);
/* Takes the next word if it is this one. */
bool commands_take(const char **rest, const char *word);
/* STATUS_SYNTAX when something is left. */
int commands_end(const char *rest, struct error *error);
const char *commands_skip(const char *rest); /* to the next word */

/* A whole number without a sign; false when it is none. */
bool commands_is_number(const char *word, uint64_t *ret_number);
/* Takes a number, or `fallback` at the end of the line; nothing may follow. At least 1. */
int commands_count(const char *rest, uint64_t fallback, uint64_t *ret_count, struct error *error);
/* Takes a number that must stand there; `what` names it in the error. */
int commands_number(const char **rest, const char *what, uint64_t *ret_number, struct error *error);
/* The same for a real number. */
int commands_real(const char **rest, const char *what, double *ret_number, struct error *error);

/* STATUS_INPUT with the most similar name. */
int commands_find_node(const struct debug_context *context, const char *word, uint32_t *ret_node, struct error *error);
int commands_find_worker(const struct debug_context *context, const char *word, uint32_t *ret_worker, struct error *error);
/* A node by its name, or by NAME@EXECUTION (UINT64_MAX: without). */
int commands_find_place(const struct debug_context *context, const char *word, uint32_t *ret_node, uint64_t *ret_execution,
	struct error *error);
/* Takes a reference; blanks behind it are skipped. */
int commands_reference(const struct debug_context *context, const char **rest, struct debug_reference *ret_reference,
	struct error *error);

/* Whether to go on: asks unless the line comes from a script. */
bool commands_ask(const struct debug_context *context, const char *question);
bool commands_is_live(const struct debug_context *context);
/* Carries out a line within another. STATUS_USAGE when too many are nested. */
int commands_nest(struct debug_context *context, const char *line, struct strbuf *out, struct error *error);

/* -- places and numbers in words (commands_place.c) -------------------------------------------------------------------- */
void commands_add_node(const struct debug_context *context, uint32_t node, struct strbuf *out);
void commands_add_worker(const struct debug_context *context, uint32_t worker, struct strbuf *out);
/* "before layer3 on w1, execution 7 (waited 1.2 ms)"; a failure adds its text. */
void commands_add_place(const struct debug_context *context, uint32_t worker, const struct gate_stop *stop,
	struct strbuf *out);
/* "f32[2,4]" of the n-th output of a node as the graph declares it, with letters. */
void commands_add_type(const struct program *program, uint32_t node, uint32_t output, struct strbuf *out);
/* The text of a failure, 1 + its index; "" when there is none. */
const char *commands_failure_text(const struct debug_context *context, uint32_t failure);
uint32_t commands_n_outputs(const struct program *program, uint32_t node);
/* The stack that a crashed op left. */
bool commands_has_stack(const struct debug_context *context);
void commands_add_stack(const struct debug_context *context, struct strbuf *out);
const char *commands_stop_phrase(enum debug_stop_kind kind); /* "breakpoint" */

/* Prints the enabled displays (all of them with `is_asked`). */
void commands_show_displays(struct debug_context *context, bool is_asked, struct strbuf *out);

/* -- words that `info` knows (commands_info.c) ------------------------------------------------------------------------- */
struct commands_info {
	const char *name, *takes, *summary;
	unsigned needs; /* bits: enum debug_need */
	int (*run)(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error);
};
extern const struct commands_info commands_infos[]; /* ends with name NULL */
/* STATUS_USAGE with what to do first; STATUS_OK when `needs` are met. */
int commands_check_needs(const struct debug_context *context, unsigned needs, struct error *error);

#endif
