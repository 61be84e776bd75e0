/* SPDX-License-Identifier: Apache-2.0
 *
 * screen_svg: one screen of a trace as a picture, for `export`.
 */
#ifndef TANDEM_TOOL_SCREEN_SVG_H
#define TANDEM_TOOL_SCREEN_SVG_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "viewers/canvas.h"
#include "viewers/theme.h"
#include "viewers/view.h"

/* "120x40" → cells; STATUS_USAGE. */
int screen_read_size(const char *text, int *ret_width, int *ret_height, struct error *error);
/* A view by its name; STATUS_USAGE with the names of all. */
int screen_find_view(const char *name, const struct view **ret_view, struct error *error);
/* Appends the canvas; the title names the trace's file without its folder, and the view. */
void screen_print_svg(const struct canvas *canvas, const struct theme *theme, const char *trace_file, const struct view *view,
	struct strbuf *out);

/* A whole screen in the dark or light theme. `run` 0: the first. */
int screen_svg(const char *trace_file, int64_t run, const char *screen, const char *size, const char *theme, struct strbuf *out,
	struct error *error);

#endif
