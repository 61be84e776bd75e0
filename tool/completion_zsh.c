/* SPDX-License-Identifier: Apache-2.0
 *
 * completion_zsh: a script for zsh: one call of _arguments for each command.
 */
#include <string.h>

#include "tool/completion.h"

/* Inside '…' of zsh and a specification of _arguments: what ends either is escaped. */
static void add_escaped(const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_add(out, "'\\'");
		else if (strchr("[]:\\", *text))
			strbuf_add(out, "\\");
		strbuf_add_bytes(out, text, 1);
	}
}

/* ".dot .gv" as "*.dot *.gv" */
static void add_globs(const char *suffixes, struct strbuf *out)
{
	strbuf_add(out, "*");
	for (; *suffixes; suffixes++) {
		strbuf_add_bytes(out, suffixes, 1);
		strbuf_add(out, *suffixes == ' ' ? "*" : "");
	}
}

/* ":label:action" */
static void add_place(const struct completion_place *place, struct strbuf *out)
{
	strbuf_add(out, ":");
	add_escaped(strbuf_text(&place->label), out);
	strbuf_add(out, ":");
	if (place->words.length) {
		strbuf_addf(out, "(%s)", strbuf_text(&place->words));
	} else if (!place->takes_files) {
		strbuf_add(out, " ");
	} else {
		strbuf_add(out, "_files");
		if (place->suffixes.length) {
			strbuf_add(out, " -g \"");
			add_globs(strbuf_text(&place->suffixes), out);
			strbuf_add(out, "\"");
		}
	}
}

static void add_option(const struct option_spec *spec, struct strbuf *out)
{
	bool takes_value = spec->type != OPTION_FLAG, repeats = spec->type == OPTION_LIST;
	strbuf_add(out, "			'");
	if (repeats)
		strbuf_add(out, "*");
	else if (spec->letter)
		strbuf_addf(out, "(-%c --%s)", spec->letter, spec->name);
	if (spec->letter)
		strbuf_addf(out, "'{-%c%s,--%s%s}'[", spec->letter, takes_value ? "+" : "", spec->name, takes_value ? "=" : "");
	else
		strbuf_addf(out, "--%s%s[", spec->name, takes_value ? "=" : "");
	add_escaped(spec->help, out);
	strbuf_add(out, "]");
	if (takes_value) {
		struct completion_place place;
		completion_value(spec, &place);
		add_place(&place, out);
		completion_finish(&place);
	}
	strbuf_add(out, "' \\\n");
}

static void add_command(const struct command *command, struct strbuf *out)
{
	struct completion_place places[COMPLETION_PLACES_MAX];
	int n = completion_arguments(command, places);
	strbuf_addf(out, "\t\t%s)\n\t\t\t_arguments -s -S '(- *)'{-h,--help}'[explain the command]' \\\n", command->name);
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		add_option(spec, out);
	for (int i = 0; i < n; i++) {
		strbuf_add(out, places[i].repeats ? "			'*" : "			'");
		add_place(&places[i], out);
		strbuf_add(out, "' \\\n");
		completion_finish(&places[i]);
	}
	strbuf_add(out, "				&& return\n			;;\n");
}

static void add_commands(struct strbuf *out)
{
	strbuf_add(out, "		local -a commands=(\n");
	for (int i = 0; commands[i]; i++) {
		if (!commands[i]->summary)
			continue;
		strbuf_addf(out, "			'%s:", commands[i]->name);
		add_escaped(commands[i]->summary, out);
		strbuf_add(out, "'\n");
	}
	strbuf_add(out, "			'help:explain a command'\n		)\n");
}

void completion_zsh(struct strbuf *out)
{
	strbuf_add(out, "#compdef tandem\n# Completion of tandem for zsh, made by 'tandem completion zsh'.\n\n_tandem()\n{\n"
			"	local context state state_descr line ret=1\n	typeset -A opt_args\n"
			"	_arguments -C '(- *)'{-h,--help}'[list the commands]' '(- *)--version[tell what this is]' \\\n"
			"		'1:command:->command' '*::argument:->argument' && ret=0\n	case $state in\n	command)\n");
	add_commands(out);
	strbuf_add(out, "\t\t_describe -t commands command commands && ret=0\n\t\t;;\n\targument)\n\t\tcase $line[1] in\n");
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->summary)
			add_command(commands[i], out);
	}
	strbuf_add(out, "		help) _values command ");
	completion_commands(out);
	strbuf_add(out, " && ret=0 ;;\n		esac\n		;;\n	esac\n	return ret\n}\n\n"
			"if [[ $funcstack[1] == _tandem ]]; then\n	_tandem \"$@\"\nelse\n	compdef _tandem tandem\nfi\n");
}
