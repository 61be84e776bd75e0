/* SPDX-License-Identifier: Apache-2.0
 *
 * completion_bash: a script for bash that needs no library of completions. The tables become two case statements; bash breaks words
 * at '=', so that "--mode=x" arrives as three.
 */
#include "tool/completion.h"

static const char head[] =
	"# Completion of tandem for bash, made by 'tandem completion bash'.\n"
	"\n"
	"# The files that begin with $cur and end with one of the suffixes given (none: all files), and directories.\n"
	"_tandem_files()\n"
	"{\n"
	"	local file suffix\n"
	"	compopt -o filenames 2> /dev/null\n"
	"	while IFS= read -r file; do\n"
	"		if [[ $# -eq 0 || -d $file ]]; then\n"
	"			COMPREPLY+=(\"$file\")\n"
	"			continue\n"
	"		fi\n"
	"		for suffix; do\n"
	"			[[ $file == *\"$suffix\" ]] && COMPREPLY+=(\"$file\")\n"
	"		done\n"
	"	done < <(compgen -f -- \"$cur\")\n"
	"}\n"
	"\n"
	"_tandem_words()\n"
	"{\n"
	"	local word\n"
	"	for word; do\n"
	"		[[ $word == \"$cur\"* ]] && COMPREPLY+=(\"$word\")\n"
	"	done\n"
	"}\n"
	"\n"
	"# Offers what $takes and $files say.\n"
	"_tandem_offer()\n"
	"{\n"
	"	[[ $takes == nothing ]] || _tandem_words $takes\n"
	"	case $files in\n"
	"	'') ;;\n"
	"	all) _tandem_files ;;\n"
	"	*) _tandem_files $files ;;\n"
	"	esac\n"
	"}\n";

static const char tail[] =
	"_tandem()\n"
	"{\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} takes= files= option= word i position=1 is_behind=\n"
	"	COMPREPLY=()\n"
	"	if ((COMP_CWORD == 1)); then\n"
	"		_tandem_words $_tandem_commands help --help --version\n"
	"		return\n"
	"	fi\n"
	"	if [[ $command == help ]]; then\n"
	"		((COMP_CWORD == 2)) && _tandem_words $_tandem_commands\n"
	"		return\n"
	"	fi\n"
	"	if [[ $command == --version ]]; then\n"
	"		((COMP_CWORD == 2)) && _tandem_words --json\n"
	"		return\n"
	"	fi\n"
	"	for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"		word=${COMP_WORDS[i]}\n"
	"		if [[ $is_behind || $word != -?* ]]; then\n"
	"			((position++))\n"
	"		elif [[ $word == -- ]]; then\n"
	"			is_behind=yes\n"
	"		else\n"
	"			_tandem_value \"$command,$word\"\n"
	"			[[ $takes ]] || continue\n"
	"			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
	"			if ((i + 1 >= COMP_CWORD)); then\n"
	"				[[ $cur == = ]] && cur=\n"
	"				_tandem_offer\n"
	"				return\n"
	"			fi\n"
	"			((i++))\n"
	"		fi\n"
	"	done\n"
	"	if [[ $cur == --*=* && ! $is_behind ]]; then\n"
	"		option=${cur%%=*}\n"
	"		cur=${cur#*=}\n"
	"		_tandem_value \"$command,$option\"\n"
	"		_tandem_offer\n"
	"		COMPREPLY=(\"${COMPREPLY[@]/#/$option=}\")\n"
	"	elif [[ $cur == -* && ! $is_behind ]]; then\n"
	"		_tandem_words $(_tandem_options \"$command\") --help\n"
	"	else\n"
	"		_tandem_argument \"$command,$position\"\n"
	"		_tandem_offer\n"
	"	fi\n"
	"}\n"
	"\n"
	"complete -F _tandem tandem\n";

static void add_place(const struct completion_place *place, struct strbuf *out)
{
	strbuf_addf(out, "takes='%s'", place->words.length ? strbuf_text(&place->words) : "nothing");
	if (place->takes_files)
		strbuf_addf(out, " files='%s'", place->suffixes.length ? strbuf_text(&place->suffixes) : "all");
	strbuf_add(out, " ;;\n");
}

static void add_options(const struct command *command, struct strbuf *out)
{
	strbuf_addf(out, "	%s) echo", command->name);
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		strbuf_addf(out, " --%s", spec->name);
	strbuf_add(out, " ;;\n");
}

static void add_values(const struct command *command, struct strbuf *out)
{
	for (const struct option_spec *spec = command->options; spec->name; spec++) {
		struct completion_place place;
		if (spec->type == OPTION_FLAG)
			continue;
		completion_value(spec, &place);
		strbuf_addf(out, "	%s,--%s", command->name, spec->name);
		if (spec->letter)
			strbuf_addf(out, " | %s,-%c", command->name, spec->letter);
		strbuf_add(out, ") ");
		add_place(&place, out);
		completion_finish(&place);
	}
}

static void add_arguments(const struct command *command, struct strbuf *out)
{
	struct completion_place places[COMPLETION_PLACES_MAX];
	int n = completion_arguments(command, places);
	for (int i = 0; i < n; i++) {
		if (places[i].repeats)
			strbuf_addf(out, "	%s,*) ", command->name);
		else
			strbuf_addf(out, "	%s,%d) ", command->name, i + 1);
		add_place(&places[i], out);
		completion_finish(&places[i]);
	}
}

/* NAME() { … case $1 in … }, with what `add` says of each command. */
static void add_function(const char *comment, const char *name, const char *first,
	void (*add)(const struct command *command, struct strbuf *out), struct strbuf *out)
{
	strbuf_addf(out, "\n# %s\n%s()\n{\n%s	case $1 in\n", comment, name, first);
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->summary)
			add(commands[i], out);
	}
	strbuf_add(out, "	esac\n}\n");
}

void completion_bash(struct strbuf *out)
{
	strbuf_add(out, head);
	strbuf_add(out, "\n_tandem_commands='");
	completion_commands(out);
	strbuf_add(out, "'\n");
	add_function("COMMAND: its options.", "_tandem_options", "", add_options, out);
	add_function("COMMAND,OPTION: what its value may be; $takes stays empty when it takes none.", "_tandem_value", "	takes= files=\n",
		add_values, out);
	add_function("COMMAND,POSITION: what the argument there may be.", "_tandem_argument", "	takes=nothing files=\n",
		add_arguments, out);
	strbuf_add(out, "\n");
	strbuf_add(out, tail);
}
