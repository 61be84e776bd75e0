/* SPDX-License-Identifier: Apache-2.0
 *
 * app_command: the command line: its own commands, every action and view by name, and completion of all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "viewers/app_private.h"
#include "viewers/canvas_print.h"

/* -- commands ----------------------------------------------------------------------------------------------------------------- */

static void command_goto(struct app *app, const char *text)
{
	struct session *session = app->session;
	const struct timeline *timeline = session_timeline(session);
	int64_t ns = 0;
	int side = session->selection.side;
	if (strcmp(text, "end") == 0) {
		ns = timeline->end_ns - timeline->origin_ns;
	} else if (units_parse_duration(text, &ns)) {
		session_status(session, "goto takes a time from the run's start, as 41.2ms, or end; not '%s'", text);
		return;
	}
	if (ns > timeline->end_ns - timeline->origin_ns)
		session_status(session, "the run ends before that");
	session_select_time(session, side, session->selection.lane, timeline->origin_ns + ns);
	session_show(session, side, session->selection.time_ns);
}

static void command_execution(struct app *app, const char *text)
{
	struct session *session = app->session;
	struct timeline *timeline = session_timeline(session);
	struct session_selection *selection = &session->selection;
	struct timeline_execution execution;
	struct error error = { 0 };
	bool is_found = false;
	char *end;
	long long number = strtoll(text, &end, 10);
	if (end == text || *end || number < 0) {
		session_status(session, "'%s' is no number of an execution", text);
		return;
	}
	int status = timeline_execution(timeline, number, &execution, &is_found, &error);
	if (status != STATUS_OK) {
		session_error(session, &error);
		return;
	}
	if (!is_found) {
		session_status(session, "execution %lld was not recorded", number);
		return;
	}
	if (selection->node != TIMELINE_NONE && session_select_op(session, selection->side, selection->node, number))
		return;
	if (execution.start_ns != INT64_MIN) {
		session_select_time(session, selection->side, selection->lane, execution.start_ns);
		session_show(session, selection->side, execution.start_ns);
	}
	selection->execution = number;
}

static void command_node(struct app *app, const char *text)
{
	struct session *session = app->session;
	const struct timeline *timeline = session_timeline(session);
	int found = TIMELINE_NONE;
	for (int i = 0; i < timeline->n_nodes; i++) {
		if (strcmp(timeline->nodes[i].name, text) == 0 || (found == TIMELINE_NONE && strstr(timeline->nodes[i].name, text)))
			found = i;
	}
	if (found == TIMELINE_NONE)
		session_status(session, "there is no node '%s'", text);
	else
		session_select_node(session, session->selection.side, found);
}

static void command_filter(struct app *app, const char *text)
{
	struct error error = { 0 };
	if (session_filter_set(app->session, &app->session->filter, text, &error) != STATUS_OK)
		session_error(app->session, &error);
}

static void command_search(struct app *app, const char *text)
{
	struct error error = { 0 };
	if (session_filter_set(app->session, &app->session->search, text, &error) != STATUS_OK)
		session_error(app->session, &error);
	else if (app->session->search.text)
		session_search(app->session, 1);
}

static void command_theme(struct app *app, const char *text)
{
	const struct theme *theme = theme_find(text);
	if (!theme) {
		session_status(app->session, "themes are dark, light and mono, not '%s'", text);
		return;
	}
	app->theme = theme;
	app->wants_redraw = true;
}

static void print_by_suffix(const struct app *app, const struct canvas *canvas, const char *file, struct strbuf *out)
{
	const char *suffix = strrchr(file, '.');
	if (suffix && strcmp(suffix, ".svg") == 0)
		canvas_print_svg(canvas, app->theme, app->session->sides[0].trace->file, out);
	else if (suffix && strcmp(suffix, ".ansi") == 0)
		canvas_print_ansi(canvas, app->theme, app->config->is_ascii, out);
	else
		canvas_print_text(canvas, app->config->is_ascii, out);
}

static void write_screen(struct app *app, const char *file, int flags)
{
	struct canvas canvas;
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
	if (fd < 0) {
		session_status(app->session, "%s: %s%s", file, strerror(errno), errno == EEXIST ? "; write! writes over it" : "");
		return;
	}
	int status = canvas_init(&canvas, app->width, app->height, &error);
	if (status == STATUS_OK)
		status = app_draw(app, &canvas, &error);
	if (status == STATUS_OK)
		print_by_suffix(app, &canvas, file, &out);
	if (status == STATUS_OK && (out.is_failed || write(fd, strbuf_text(&out), out.length) != (ssize_t)out.length))
		status = error_set_errno(&error, STATUS_SYSTEM, "%s", file);
	if (close(fd) && status == STATUS_OK)
		status = error_set_errno(&error, STATUS_SYSTEM, "%s", file);
	canvas_finish(&canvas);
	strbuf_finish(&out);
	if (status == STATUS_OK)
		session_status(app->session, "written: %s", file);
	else
		session_error(app->session, &error);
}

static void command_write(struct app *app, const char *text)
{
	write_screen(app, text, O_EXCL);
}

static void command_write_over(struct app *app, const char *text)
{
	write_screen(app, text, O_TRUNC);
}

static void command_view(struct app *app, const char *text)
{
	app_show_view(app, text);
}

/* What the argument of a command is, for completion. */
enum completes { NOTHING, NODES, THEMES, VIEWS, WORDS };

static const struct command {
	const char *name, *arguments, *help;
	void (*run)(struct app *app, const char *text);
	enum completes completes;
	bool is_optional; /* the argument */
} app_commands[] = {
	{ "goto", "TIME", "to a moment, from the run's start: goto 41.2ms, goto end", command_goto, NOTHING, false },
	{ "exec", "N", "to an execution", command_execution, NOTHING, false },
	{ "node", "NAME", "to a node", command_node, NODES, false },
	{ "filter", "[WORDS]", "as &", command_filter, WORDS, true },
	{ "search", "[WORDS]", "as /", command_search, WORDS, true },
	{ "view", "NAME", "another view", command_view, VIEWS, false },
	{ "theme", "NAME", "dark, light or mono", command_theme, THEMES, false },
	{ "write", "FILE", "the screen as text, or by the suffix .ansi or .svg", command_write, NOTHING, false },
	{ "write!", "FILE", "the same over a file that exists", command_write_over, NOTHING, false },
};

bool app_command_help(int idx, const char **ret_name, const char **ret_arguments, const char **ret_help)
{
	if (idx < 0 || idx >= (int)ARRAY_LEN(app_commands))
		return false;
	*ret_name = app_commands[idx].name;
	*ret_arguments = app_commands[idx].arguments;
	*ret_help = app_commands[idx].help;
	return true;
}

static void run_command(struct app *app, const struct command *command, const char *argument)
{
	if (!*argument && !command->is_optional)
		session_status(app->session, "%s %s: %s", command->name, command->arguments, command->help);
	else
		command->run(app, argument);
}

void app_command(struct app *app, const char *text)
{
	char name[APP_LINE_BYTES], argument[APP_LINE_BYTES];
	text += strspn(text, " ");
	size_t n_name = strcspn(text, " ");
	snprintf(name, sizeof(name), "%.*s", (int)n_name, text);
	snprintf(argument, sizeof(argument), "%s", text + n_name + strspn(text + n_name, " "));
	for (size_t n = strlen(argument); n && argument[n - 1] == ' '; n--)
		argument[n - 1] = '\0';
	if (!*name)
		return;
	for (size_t i = 0; i < ARRAY_LEN(app_commands); i++) {
		if (strcmp(app_commands[i].name, name) == 0) {
			run_command(app, &app_commands[i], argument);
			return;
		}
	}
	enum action action = action_find(name);
	if (action != ACTION_NONE && !*argument) {
		const struct event event = { .kind = EVENT_KEY };
		app_act(app, action, &event);
	} else if (action != ACTION_NONE) {
		session_status(app->session, "%s takes nothing behind it", name);
	} else if (strspn(name, "0123456789") == strlen(name)) {
		command_execution(app, name);
	} else {
		session_status(app->session, "there is no command '%s'; tab lists them", name);
	}
}

/* -- completion --------------------------------------------------------------------------------------------------------------- */

/* Words that begin with what is typed; what they share is kept in `common`. */
struct choice {
	const char *typed;
	int n;
	char common[APP_LINE_BYTES];
	char list[300];
};

static void offer(struct choice *choice, const char *word)
{
	if (!word || strncmp(word, choice->typed, strlen(choice->typed)) != 0)
		return;
	if (choice->n++ == 0) {
		snprintf(choice->common, sizeof(choice->common), "%s", word);
	} else {
		size_t n = 0;
		while (choice->common[n] && choice->common[n] == word[n])
			n++;
		while (n > 0 && (word[n] & 0xc0) == 0x80)
			n--;
		choice->common[n] = '\0';
	}
	size_t used = strlen(choice->list);
	snprintf(choice->list + used, sizeof(choice->list) - used, "%s%s", used ? " " : "", word);
}

static void offer_names(struct choice *choice)
{
	for (size_t i = 0; i < ARRAY_LEN(app_commands); i++)
		offer(choice, app_commands[i].name);
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
		if (strcmp(action_info((enum action)i)->name, "search") != 0 && strcmp(action_info((enum action)i)->name, "filter") != 0)
			offer(choice, action_info((enum action)i)->name);
	}
}

static void offer_nodes(const struct app *app, struct choice *choice)
{
	const struct timeline *timeline = session_timeline(app->session);
	for (int i = 0; i < timeline->n_nodes; i++)
		offer(choice, timeline->nodes[i].name);
}

static void offer_words(const struct app *app, struct choice *choice)
{
	static const char *const words[] = { "kind:", "exec:", "lane:", "op:", "node:", "failed" };
	char text[80];
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		offer(choice, words[i]);
	if (strncmp(choice->typed, "kind:", 5) == 0) {
		for (int i = 0; i < PHASE_COUNT; i++) {
			snprintf(text, sizeof(text), "kind:%s", phase_word((enum phase)i));
			offer(choice, text);
		}
	}
	offer_nodes(app, choice);
}

static void offer_arguments(const struct app *app, enum completes completes, struct choice *choice)
{
	switch (completes) {
	case NOTHING: break;
	case NODES: offer_nodes(app, choice); break;
	case WORDS: offer_words(app, choice); break;
	case THEMES:
		for (int i = 0; i < THEME_COUNT; i++)
			offer(choice, theme_get((enum theme_id)i)->name);
		break;
	case VIEWS:
		for (int i = 0; views[i]; i++)
			offer(choice, views[i]->name);
		break;
	}
}

static enum completes completes_of(const struct app *app)
{
	if (app->prompt == PROMPT_SEARCH || app->prompt == PROMPT_FILTER)
		return WORDS;
	for (size_t i = 0; i < ARRAY_LEN(app_commands) && app->prompt == PROMPT_COMMAND; i++) {
		size_t length = strlen(app_commands[i].name);
		if (strncmp(app->line.text, app_commands[i].name, length) == 0 && app->line.text[length] == ' ')
			return app_commands[i].completes;
	}
	return NOTHING;
}

void app_complete(struct app *app)
{
	char typed[APP_LINE_BYTES];
	int start = line_edit_word(&app->line);
	snprintf(typed, sizeof(typed), "%.*s", app->line.cursor - start, app->line.text + start);
	struct choice choice = { .typed = typed };
	if (app->prompt == PROMPT_COMMAND && start == 0)
		offer_names(&choice);
	else
		offer_arguments(app, completes_of(app), &choice);
	if (!choice.n)
		return;
	size_t n = strlen(choice.common);
	bool is_whole = choice.n == 1 && n && choice.common[n - 1] != ':';
	char word[APP_LINE_BYTES + 1];
	snprintf(word, sizeof(word), "%s%s", choice.common, is_whole ? " " : "");
	if (!line_edit_replace(&app->line, start, word))
		return;
	if (choice.n > 1)
		session_status(app->session, "%s", choice.list);
	else
		app->session->status[0] = '\0';
}
