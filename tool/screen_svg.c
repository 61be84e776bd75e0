/* SPDX-License-Identifier: Apache-2.0
 *
 * screen_svg: opens, draws once for the width of windows and once for good, prints.
 */
#include "tool/screen_svg.h"

#include <stdio.h>
#include <string.h>

#include "viewers/app.h"
#include "viewers/canvas_print.h"

int screen_read_size(const char *text, int *ret_width, int *ret_height, struct error *error)
{
	int used = 0;
	if (sscanf(text, "%4dx%4d%n", ret_width, ret_height, &used) != 2 || text[used] || *ret_width < 1 || *ret_height < 1)
		return error_set(error, STATUS_USAGE, "--size %s: write it as 120x40", text);
	return STATUS_OK;
}

int screen_find_view(const char *name, const struct view **ret_view, struct error *error)
{
	struct strbuf names = STRBUF_INIT;
	*ret_view = view_find(name);
	if (*ret_view)
		return STATUS_OK;
	for (int i = 0; views[i]; i++)
		strbuf_addf(&names, "%s%s", i ? ", " : "", views[i]->name);
	error_set(error, STATUS_USAGE, "there is no screen '%s'; screens are %s", name, strbuf_text(&names));
	strbuf_finish(&names);
	return STATUS_USAGE;
}

void screen_print_svg(const struct canvas *canvas, const struct theme *theme, const char *trace_file, const struct view *view,
	struct strbuf *out)
{
	const char *slash = strrchr(trace_file, '/');
	struct strbuf title = STRBUF_INIT;
	strbuf_addf(&title, "%s: %s", slash ? slash + 1 : trace_file, view->name);
	canvas_print_svg(canvas, theme, strbuf_text(&title), out);
	strbuf_finish(&title);
}

int screen_svg(const char *trace_file, int64_t run, const char *screen, const char *size, const char *theme_name, struct strbuf *out,
	struct error *error)
{
	const struct view *view = NULL;
	const struct theme *theme = theme_find(theme_name);
	const struct session_options options = { .files = { trace_file }, .runs = { run } };
	struct session *session = NULL;
	struct canvas canvas = { 0 };
	int width, height;
	if (!theme)
		return error_set(error, STATUS_USAGE, "--theme %s: themes are dark, light and mono", theme_name);
	int status = screen_find_view(screen, &view, error);
	if (status == STATUS_OK)
		status = screen_read_size(size, &width, &height, error);
	if (status == STATUS_OK)
		status = session_open(&options, error, &session);
	if (status == STATUS_OK)
		status = canvas_init(&canvas, width, height, error);
	if (status == STATUS_OK)
		status = app_draw_view(session, view, &canvas, error);
	if (status == STATUS_OK)
		screen_print_svg(&canvas, theme, trace_file, view, out);
	canvas_finish(&canvas);
	session_close(session);
	return status;
}
