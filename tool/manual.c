/* SPDX-License-Identifier: Apache-2.0
 *
 * manual: fills templates of manual pages. What comes from the tables is escaped: a hyphen stays the character that people copy, a dot
 * in front starts no request, and characters beyond ASCII are written by number, so that the pages need no encoding.
 */
#include "tool/manual.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/command.h"
#include "tool/file_text.h"

/* Which page is made. */
struct manual {
	char name[64];
	char section;
	const struct command *command; /* NULL: a page of no command */
	struct strbuf *out;
};

/* One character of UTF-8 (well formed: it comes from our own tables) as its number. */
static uint32_t decode(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	int n_more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
	uint32_t number = n_more ? at[0] & (0x3fu >> n_more) : at[0];
	for (int i = 1; i <= n_more && at[i]; i++, (*text)++)
		number = number << 6 | (at[i] & 0x3fu);
	(*text)++;
	return number;
}

static void add_escaped(const char *text, size_t length, struct strbuf *out)
{
	const char *end = text + length;
	if (length && (*text == '.' || *text == '\''))
		strbuf_add(out, "\\&");
	while (text < end) {
		uint32_t number = decode(&text);
		if (number == '\\')
			strbuf_add(out, "\\e");
		else if (number == '-')
			strbuf_add(out, "\\-");
		else if (number == '\'')
			strbuf_add(out, "\\(aq");
		else if (number < 0x80)
			strbuf_addf(out, "%c", (int)number);
		else
			strbuf_addf(out, "\\[u%04X]", number);
	}
}

static void add_text(const char *text, struct strbuf *out)
{
	add_escaped(text, strlen(text), out);
}

/* The page's name in capitals; a date only when the build has a fixed one, so that equal sources give equal pages. */
static void add_title(const struct manual *manual)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t time = epoch ? (time_t)strtoll(epoch, NULL, 10) : 0;
	struct tm day;
	char date[32] = "";
	if (time && gmtime_r(&time, &day))
		strftime(date, sizeof date, "%Y-%m-%d", &day);
	strbuf_add(manual->out, ".TH \"");
	for (const char *at = manual->name; *at; at++)
		strbuf_addf(manual->out, *at == '-' ? "\\%c" : "%c", toupper((unsigned char)*at));
	strbuf_addf(manual->out, "\" %c \"%s\" \"tandem %s\" \"tandem\"\n", manual->section, date, TANDEM_VERSION);
}

static void add_name(const struct manual *manual)
{
	strbuf_add(manual->out, ".SH NAME\n");
	add_text(manual->name, manual->out);
	strbuf_add(manual->out, " \\- ");
	add_text(manual->command->summary, manual->out);
	strbuf_add(manual->out, "\n");
}

static void add_synopsis(const struct manual *manual)
{
	strbuf_addf(manual->out, ".SH SYNOPSIS\n.B tandem %s\n", manual->command->name);
	strbuf_add(manual->out, "[\\fIoptions\\fR]\n");
	if (*manual->command->usage) {
		strbuf_add(manual->out, ".I ");
		add_text(manual->command->usage, manual->out);
		strbuf_add(manual->out, "\n");
	}
}

/* Paragraphs between empty lines; indented lines are examples and stay as they are. */
static void add_description(const struct manual *manual)
{
	struct strbuf *out = manual->out;
	bool is_example = false, was_empty = false;
	for (const char *line = manual->command->details; line && *line;) {
		size_t length = strcspn(line, "\n");
		bool is_indented = length > 2 && line[0] == ' ' && line[1] == ' ';
		if (is_example && !is_indented)
			strbuf_add(out, ".EE\n.RE\n");
		if (length && !is_indented && (was_empty || is_example))
			strbuf_add(out, ".PP\n");
		if (is_indented && !is_example)
			strbuf_add(out, ".PP\n.RS 4\n.EX\n");
		if (length) {
			size_t indent = is_indented ? 2 : 0;
			add_escaped(line + indent, length - indent, out);
			strbuf_add(out, "\n");
		}
		is_example = is_indented;
		was_empty = !length;
		line += length + (line[length] == '\n');
	}
	if (is_example)
		strbuf_add(out, ".EE\n.RE\n");
}

static void add_option(const struct option_spec *spec, struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add(out, ".TP\n");
	if (spec->letter)
		strbuf_addf(out, "\\fB\\-%c\\fR, ", spec->letter);
	strbuf_add(out, "\\fB\\-\\-");
	add_text(spec->name, out);
	strbuf_add(out, "\\fR");
	if (spec->argument) {
		strbuf_add(out, " \\fI");
		add_text(spec->argument, out);
		strbuf_add(out, "\\fR");
	}
	options_describe(spec, &text);
	strbuf_add(out, "\n");
	add_text(strbuf_text(&text), out);
	strbuf_add(out, ".\n");
	strbuf_finish(&text);
}

static void add_options(const struct manual *manual)
{
	strbuf_add(manual->out, ".SH OPTIONS\n");
	for (const struct option_spec *spec = manual->command->options; spec->name; spec++)
		add_option(spec, manual->out);
	strbuf_add(manual->out, ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprint a summary of all this.\n");
}

static void add_commands(const struct manual *manual)
{
	for (int i = 0; commands[i]; i++) {
		if (!commands[i]->summary)
			continue;
		strbuf_addf(manual->out, ".TP\n.BR tandem\\-%s (1)\n", commands[i]->name);
		add_text(commands[i]->summary, manual->out);
		strbuf_add(manual->out, ".\n");
	}
}

static const struct {
	const char *line;
	void (*add)(const struct manual *manual);
	bool needs_command;
} fillings[] = {
	{ "@TITLE@", add_title, false },
	{ "@NAME@", add_name, true },
	{ "@SYNOPSIS@", add_synopsis, true },
	{ "@DESCRIPTION@", add_description, true },
	{ "@OPTIONS@", add_options, true },
	{ "@COMMANDS@", add_commands, false },
};

/* "…/tandem-run.1.in": name "tandem-run", section 1, the command run. */
static int read_name(const char *file, struct manual *manual, struct error *error)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	size_t length = strcspn(base, ".");
	if (!length || length >= sizeof manual->name || !isdigit((unsigned char)base[length + (base[length] == '.')]))
		return error_set(error, STATUS_USAGE, "%s: a template is called NAME.SECTION.in", file);
	memcpy(manual->name, base, length);
	manual->section = base[length + 1];
	if (manual->section == '1' && strncmp(base, "tandem-", 7) == 0)
		manual->command = command_find(manual->name + 7);
	if (manual->command && !manual->command->summary)
		manual->command = NULL;
	return STATUS_OK;
}

static int fill_line(const struct manual *manual, const char *file, const char *line, size_t length, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(fillings); i++) {
		if (strlen(fillings[i].line) != length || memcmp(fillings[i].line, line, length) != 0)
			continue;
		if (fillings[i].needs_command && !manual->command)
			return error_set(error, STATUS_USAGE, "%s: %s belongs into the page of a command", file, fillings[i].line);
		fillings[i].add(manual);
		return STATUS_OK;
	}
	if (length && line[0] == '@')
		return error_set(error, STATUS_USAGE, "%s: '%.*s' is not known", file, (int)length, line);
	strbuf_add_bytes(manual->out, line, length);
	strbuf_add(manual->out, "\n");
	return STATUS_OK;
}

int manual_fill(const char *file, const char *text, struct strbuf *out, struct error *error)
{
	struct manual manual = { .out = out };
	int status = read_name(file, &manual, error);
	while (*text && status == STATUS_OK) {
		size_t length = strcspn(text, "\n");
		status = fill_line(&manual, file, text, length, error);
		text += length + (text[length] == '\n');
	}
	return status;
}

int manual_main(int argc, char **argv)
{
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	if (argc != 3)
		return tool_failf(TOOL_EXIT_USAGE, "manual: which template?");
	int status = file_text_read(argv[2], &text, &error);
	if (!status)
		status = manual_fill(argv[2], strbuf_text(&text), &out, &error);
	strbuf_finish(&text);
	if (!status)
		return tool_print(&out);
	strbuf_finish(&out);
	return tool_fail(&error);
}
