/* SPDX-License-Identifier: Apache-2.0
 *
 * completion: scripts that let a shell complete tandem's command lines, made from the tables of commands and options. What may stand in
 * a place comes from the word that the help shows there:
 *
 *   GRAPH         a graph                        (*.dot, *.gv)
 *   FILE          of a command: a trace          (*.tandem)
 *                 of an option: any file
 *   FILE.tandem   a file with that suffix
 *   word          the word itself
 *   anything else nothing, or what the command's add_words gives
 *
 * "A|B" is either, "[A]" may be left out, "A…" may be repeated. An option's choices are offered as they are.
 */
#ifndef TANDEM_TOOL_COMPLETION_H
#define TANDEM_TOOL_COMPLETION_H

#include <stdbool.h>

#include "engine/base/strbuf.h"
#include "tool/command.h"

#define COMPLETION_PLACES_MAX 4

/* What may stand in one place of a command line. */
struct completion_place {
	struct strbuf label;    /* what the help says there: "FILE.tandem" */
	struct strbuf suffixes; /* ".dot .gv"; empty: any file, when files are taken at all */
	struct strbuf words;    /* "compiled interpreted both" */
	bool takes_files, repeats;
};

/* Fills `places` (COMPLETION_PLACES_MAX of them) with the command's arguments in order and returns how many there are. Each is released
 * with completion_finish. */
int completion_arguments(const struct command *command, struct completion_place *places);
/* The value of an option that takes one. */
void completion_value(const struct option_spec *spec, struct completion_place *place);
void completion_finish(struct completion_place *place);

/* The names of all commands that the help shows, blanks between them. */
void completion_commands(struct strbuf *out);

/* One script each, appended to `out`. */
void completion_bash(struct strbuf *out);
void completion_zsh(struct strbuf *out);
void completion_fish(struct strbuf *out);

#endif
