/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_view: `tandem view`: the screens, on the terminal or printed.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/units.h"
#include "engine/base/utf8.h"
#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "tool/screen_svg.h"
#include "tool/view_loop.h"
#include "viewers/canvas_print.h"

struct view_values {
	const char *screen, *size, *theme, *node, *at, *zoom, *keys, *config;
	int64_t runs[2], execution;
	bool is_batch, is_ansi, is_svg, is_ascii, has_no_cache;
};

#define AT(member) offsetof(struct view_values, member)

static const struct option_spec view_option_specs[] = {
	{ "screen", 's', OPTION_TEXT, AT(screen), "NAME", "timeline", "begin with this view; see below" },
	{ "run", 0, OPTION_INT, AT(runs[0]), "N", NULL, "the run with this number (default: the file's first)", 1, INT64_MAX },
	{ "run2", 0, OPTION_INT, AT(runs[1]), "N", NULL, "the run beside it, of the second file if there is one (default: the next)", 1,
		INT64_MAX },
	{ "execution", 'e', OPTION_INT, AT(execution), "N", "-1", "go to this execution, counted from 0", -1, INT64_MAX },
	{ "node", 'n', OPTION_TEXT, AT(node), "NAME", NULL, "select this node" },
	{ "at", 0, OPTION_TEXT, AT(at), "TIME", NULL, "go to this moment, from the run's start: 41.2ms" },
	{ "zoom", 0, OPTION_TEXT, AT(zoom), "SPAN", NULL, "show so much time: 5ms" },
	{ "theme", 0, OPTION_TEXT, AT(theme), "NAME", NULL, "dark, light or mono" },
	{ "ascii", 0, OPTION_FLAG, AT(is_ascii), NULL, NULL, "draw with ASCII only, as where the locale is not UTF-8" },
	{ "config", 0, OPTION_TEXT, AT(config), "FILE", NULL, "read this configuration (default: tandem/config in the XDG place)" },
	{ "batch", 'b', OPTION_FLAG, AT(is_batch), NULL, NULL, "print the screen as text and leave" },
	{ "size", 0, OPTION_TEXT, AT(size), "WxH", "120x40", "with --batch: its size in cells" },
	{ "ansi", 0, OPTION_FLAG, AT(is_ansi), NULL, NULL, "with --batch: in colour, for a terminal" },
	{ "svg", 0, OPTION_FLAG, AT(is_svg), NULL, NULL, "with --batch: as a picture" },
	{ "keys", 0, OPTION_TEXT, AT(keys), "KEYS", NULL, "with --batch: press these keys first; named ones as <enter>, <C-l>, <S-tab>" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

/* -- what was asked for ------------------------------------------------------------------------------------------------------- */

struct asked {
	const struct view_values *values;
	const struct view *view;
	struct view_place place;
	int width, height;
	struct config config;
};

static int read_time(const char *option, const char *text, int64_t least_ns, int64_t *ret_ns, struct error *error)
{
	if (text && (units_parse_duration(text, ret_ns) || *ret_ns < least_ns))
		return error_set(error, STATUS_USAGE, "--%s %s: write it as 41.2ms or 300us", option, text);
	return STATUS_OK;
}

static int read_values(const struct view_values *values, struct asked *asked, struct error *error)
{
	*asked = (struct asked){ .values = values,
		.place = { .node = values->node, .execution = values->execution, .has_time = values->at != NULL } };
	int status = screen_find_view(values->screen, &asked->view, error);
	if (status == STATUS_OK)
		status = screen_read_size(values->size, &asked->width, &asked->height, error);
	if (status == STATUS_OK)
		status = read_time("at", values->at, 0, &asked->place.time_ns, error);
	if (status == STATUS_OK)
		status = read_time("zoom", values->zoom, 1, &asked->place.zoom_ns, error);
	if (status == STATUS_OK && values->keys && !values->is_batch)
		status = error_set(error, STATUS_USAGE, "--keys goes with --batch");
	if (status == STATUS_OK)
		status = config_load(values->config, &asked->config, error);
	if (status != STATUS_OK)
		return status;
	asked->config.is_ascii |= values->is_ascii;
	if (!values->theme)
		return STATUS_OK;
	asked->config.theme = theme_find(values->theme);
	return asked->config.theme ? STATUS_OK
		: error_set(error, STATUS_USAGE, "--theme %s: themes are dark, light and mono", values->theme);
}

/* -- printing ----------------------------------------------------------------------------------------------------------------- */

/* The next key of "ab<enter>"; "<lt>" is the sign itself. Returns the bytes read, 0 when they are no key. */
static size_t next_key(const char *text, uint32_t *ret_key)
{
	char name[32];
	const char *end = text[0] == '<' ? strchr(text, '>') : NULL;
	if (text[0] != '<')
		return utf8_decode(text, ret_key);
	if (!end || end - text - 1 >= (int)sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(end - text - 1), text + 1);
	*ret_key = strcmp(name, "lt") == 0 ? '<' : config_parse_key(name);
	return *ret_key ? (size_t)(end - text + 1) : 0;
}

/* Draws before each key, as the terminal would. */
static int press_keys(struct app *app, struct canvas *canvas, const char *keys, struct error *error)
{
	int status = app_draw(app, canvas, error);
	while (*keys && status == STATUS_OK) {
		struct event event = { .kind = EVENT_KEY };
		size_t n = next_key(keys, &event.key);
		if (!n)
			return error_set(error, STATUS_USAGE, "--keys: '%s' begins with no key", keys);
		keys += n;
		if (!app_handle(app, &event))
			break;
		status = app_draw(app, canvas, error);
	}
	return status;
}

static int draw(struct session *session, const struct asked *asked, struct canvas *canvas, struct error *error)
{
	struct app *app = NULL;
	int status = app_draw_view(session, asked->view, canvas, error); /* windows get their width */
	if (status == STATUS_OK)
		status = view_place(session, &asked->place, error);
	if (status != STATUS_OK)
		return status;
	if (!asked->values->keys)
		return app_draw_view(session, asked->view, canvas, error);
	status = app_create(session, &asked->config, asked->view, error, &app);
	if (status == STATUS_OK)
		status = press_keys(app, canvas, asked->values->keys, error);
	app_destroy(app);
	return status;
}

static int print_screen(struct session *session, const struct asked *asked)
{
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	struct canvas canvas = { 0 };
	int status = canvas_init(&canvas, asked->width, asked->height, &error);
	if (status == STATUS_OK)
		status = draw(session, asked, &canvas, &error);
	if (status == STATUS_OK && asked->values->is_svg)
		screen_print_svg(&canvas, asked->config.theme, session->sides[0].trace->file, asked->view, &out);
	else if (status == STATUS_OK && asked->values->is_ansi)
		canvas_print_ansi(&canvas, asked->config.theme, asked->config.is_ascii, &out);
	else if (status == STATUS_OK)
		canvas_print_text(&canvas, asked->config.is_ascii, &out);
	canvas_finish(&canvas);
	if (status == STATUS_OK)
		return tool_print(&out);
	strbuf_finish(&out);
	error_prefix(&error, "view");
	return tool_fail(&error);
}

/* -- the command -------------------------------------------------------------------------------------------------------------- */

static bool show_progress(void *user, double share)
{
	progress_update(user, (uint64_t)(share * 100), clock_now().ns);
	return !interrupt_signal();
}

static int open_session(const struct asked *asked, const struct foreign *foreigns, struct session **ret_session, struct error *error)
{
	struct progress progress;
	const struct session_options options = { .files = { foreigns[0].file, foreigns[1].file }, .runs = { asked->values->runs[0],
		asked->values->runs[1] },
		.progress = show_progress, .progress_user = &progress };
	progress_init(&progress, "% of the zoom levels", 100, false);
	int status = session_open(&options, error, ret_session);
	progress_finish(&progress);
	return status;
}

static int show_screen(struct session *session, const struct asked *asked)
{
	struct error error = { 0 };
	int number = 0;
	const struct view_loop loop = { .session = session, .config = &asked->config, .view = asked->view, .place = &asked->place,
		.extra_fd = -1 };
	if (view_loop_run(&loop, &number, &error) != STATUS_OK) {
		error_prefix(&error, "view");
		return tool_fail(&error);
	}
	return number ? 128 + number : TOOL_EXIT_DONE;
}

/* One file or two are a side each; more are the ranks of one program. */
static int open_files(const struct view_values *values, int argc, char **argv, struct foreign foreigns[2])
{
	int exit_status = foreign_open(argv, argc == 2 ? 1 : argc, !values->has_no_cache, &foreigns[0]);
	if (exit_status == TOOL_EXIT_DONE && argc == 2)
		exit_status = foreign_open(&argv[1], 1, !values->has_no_cache, &foreigns[1]);
	return exit_status;
}

static int show(const struct asked *asked, const struct foreign *foreigns)
{
	struct error error = { 0 };
	struct session *session = NULL;
	int exit_status;
	interrupt_catch();
	if (open_session(asked, foreigns, &session, &error) != STATUS_OK)
		exit_status = interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	else
		exit_status = asked->values->is_batch ? print_screen(session, asked) : show_screen(session, asked);
	session_close(session);
	return exit_status;
}

static int run_view(void *values, int argc, char **argv)
{
	struct asked asked;
	struct error error = { 0 };
	struct foreign foreigns[2] = { 0 };
	setlocale(LC_CTYPE, "");
	int status = read_values(values, &asked, &error);
	if (status == STATUS_OK && !asked.values->is_batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		status = error_set(&error, STATUS_USAGE, "this is no terminal; --batch prints a screen as text");
	if (status != STATUS_OK) {
		error_prefix(&error, "view");
		config_finish(&asked.config);
		return tool_fail(&error);
	}
	int exit_status = open_files(values, argc, argv, foreigns);
	if (exit_status == TOOL_EXIT_DONE)
		exit_status = show(&asked, foreigns);
	for (int i = 0; i < 2; i++)
		foreign_close(&foreigns[i]);
	config_finish(&asked.config);
	return exit_status;
}

const struct command command_view = {
	.name = "view",
	.summary = "look at one run, or two side by side, on the terminal",
	.usage = "FILE [FILE2…]",
	.details = "Screens: timeline (what every worker did when), stalls (where time went, and who was waited for), compare (two runs, node by\n"
		"node), graph, and plan (each worker's steps). Keys are those of less, htop and gdb; '?' lists them, ':' takes commands, 'q'\n"
		"leaves. A file with two runs shows both; so do two files. A run that still goes on is followed.\n\n"
		"A file of another tool (see 'tandem import') is imported into a cache first; more than two are the ranks of one program.\n\n"
		"With --batch, one screen is printed instead, for scripts and mails:\n\n"
		"  tandem view --batch --screen stalls --size 100x30 t.tandem\n"
		"  tandem view --batch --ansi --node layer3 --execution 118 --zoom 5ms t.tandem\n\n"
		"Theme and keys come from ~/.config/tandem/config; NO_COLOR is heeded. See doc/viewers.md.\n",
	.options = view_option_specs,
	.values_bytes = sizeof(struct view_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_view,
};
