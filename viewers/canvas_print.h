/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas_print: a canvas as text, as text with colour codes (ECMA-48 SGR), or as a picture (SVG).
 */
#ifndef TANDEM_VIEWERS_CANVAS_PRINT_H
#define TANDEM_VIEWERS_CANVAS_PRINT_H

#include "engine/base/strbuf.h"
#include "viewers/canvas.h"
#include "viewers/theme.h"

/* Rows without trailing blanks, each ended by a newline. With is_ascii everything beyond ASCII becomes what theme_ascii says. */
void canvas_print_text(const struct canvas *canvas, bool is_ascii, struct strbuf *out);
/* The same with colours; each row ends in the terminal's own colours. */
void canvas_print_ansi(const struct canvas *canvas, const struct theme *theme, bool is_ascii, struct strbuf *out);
/* A self-contained SVG: a monospaced grid, blocks drawn as rectangles so that they meet; `title` for its <title>. */
void canvas_print_svg(const struct canvas *canvas, const struct theme *theme, const char *title, struct strbuf *out);

#endif
