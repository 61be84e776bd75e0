/* SPDX-License-Identifier: Apache-2.0
 *
 * completion_fish: a script for fish: one `complete` for each option, and one for each place of an argument.
 */
#include "tool/completion.h"

static const char head[] =
	"# Completion of tandem for fish, made by 'tandem completion fish'.\n"
	"\n"
	"# Whether no command has been written yet; whether the one written is NAME.\n"
	"function __tandem_no_command\n"
	"	test (count (commandline -opc)) -eq 1\n"
	"end\n"
	"function __tandem_command -a name\n"
	"	set -l words (commandline -opc)\n"
	"	test (count $words) -ge 2; and test $words[2] = $name\n"
	"end\n"
	"\n"
	"# __tandem_at COMMAND FIRST LAST [OPTION…]: whether the argument to be written is one of those; the options take values.\n"
	"function __tandem_at -a name first last\n"
	"	__tandem_command $name; or return 1\n"
	"	set -l position 1\n"
	"	set -l skips no\n"
	"	set -l words (commandline -opc)\n"
	"	for word in $words[3..]\n"
	"		if test $skips = yes\n"
	"			set skips no\n"
	"		else if contains -- $word $argv[4..]\n"
	"			set skips yes\n"
	"		else if not string match -q -- '-?*' $word\n"
	"			set position (math $position + 1)\n"
	"		end\n"
	"	end\n"
	"	test $skips = no -a $position -ge $first -a $position -le $last\n"
	"end\n"
	"\n"
	"# The files that end with one of the suffixes, and directories.\n"
	"function __tandem_files\n"
	"	set -l wanted (string join '|' (string escape --style=regex -- $argv))\n"
	"	set -l word (commandline -ct | string replace -r '^--[a-z-]+=' '')\n"
	"	complete -C \"'' $word\" | string match -r \"^.*(?:/|$wanted)(?:\\t.*)?\\$\"\n"
	"end\n"
	"\n"
	"complete -c tandem -f\n"
	"complete -c tandem -n __tandem_no_command -s h -l help -d 'list the commands'\n"
	"complete -c tandem -n __tandem_no_command -l version -d 'tell what this is'\n"
	"complete -c tandem -n __tandem_no_command -a help -d 'explain a command'\n";

static void add_quoted(const char *text, struct strbuf *out)
{
	strbuf_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			strbuf_add(out, "\\");
		strbuf_add_bytes(out, text, 1);
	}
	strbuf_add(out, "'");
}

/* What follows -l or -n: no files unless asked for, and what is offered. */
static void add_place(const struct completion_place *place, bool is_option, struct strbuf *out)
{
	if (place->takes_files && !place->suffixes.length)
		strbuf_add(out, is_option ? " -r -F" : " -F");
	else
		strbuf_add(out, is_option ? " -x" : "");
	if (place->words.length)
		strbuf_addf(out, " -a '%s'", strbuf_text(&place->words));
	if (place->takes_files && place->suffixes.length)
		strbuf_addf(out, " -k -a '(__tandem_files %s)'", strbuf_text(&place->suffixes));
}

static void add_option(const struct command *command, const struct option_spec *spec, struct strbuf *out)
{
	strbuf_addf(out, "complete -c tandem -n '__tandem_command %s' -l %s", command->name, spec->name);
	if (spec->letter)
		strbuf_addf(out, " -s %c", spec->letter);
	strbuf_add(out, " -d ");
	add_quoted(spec->help, out);
	if (spec->type != OPTION_FLAG) {
		struct completion_place place;
		completion_value(spec, &place);
		add_place(&place, true, out);
		completion_finish(&place);
	}
	strbuf_add(out, "\n");
}

static void add_argument(const struct command *command, const struct completion_place *place, int position, struct strbuf *out)
{
	if (!place->takes_files && !place->words.length)
		return;
	strbuf_addf(out, "complete -c tandem -n '__tandem_at %s %d %d", command->name, position,
		place->repeats ? command->n_arguments_max : position);
	for (const struct option_spec *spec = command->options; spec->name; spec++) {
		if (spec->type == OPTION_FLAG)
			continue;
		strbuf_addf(out, " --%s", spec->name);
		if (spec->letter)
			strbuf_addf(out, " -%c", spec->letter);
	}
	strbuf_add(out, "'");
	add_place(place, false, out);
	strbuf_add(out, "\n");
}

static void add_command(const struct command *command, struct strbuf *out)
{
	struct completion_place places[COMPLETION_PLACES_MAX];
	int n = completion_arguments(command, places);
	strbuf_addf(out, "\ncomplete -c tandem -n __tandem_no_command -a %s -d ", command->name);
	add_quoted(command->summary, out);
	strbuf_addf(out, "\ncomplete -c tandem -n '__tandem_command %s' -s h -l help -d 'explain the command'\n", command->name);
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		add_option(command, spec, out);
	for (int i = 0; i < n; i++) {
		add_argument(command, &places[i], i + 1, out);
		completion_finish(&places[i]);
	}
}

void completion_fish(struct strbuf *out)
{
	strbuf_add(out, head);
	strbuf_add(out, "complete -c tandem -n '__tandem_at help 1 1' -a '");
	completion_commands(out);
	strbuf_add(out, "'\n");
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->summary)
			add_command(commands[i], out);
	}
}
