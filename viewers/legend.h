/* SPDX-License-Identifier: Apache-2.0
 *
 * legend: what colours, textures and marks mean, line by line, drawn as they are drawn. Made from the tables of spans.h.
 */
#ifndef TANDEM_VIEWERS_LEGEND_H
#define TANDEM_VIEWERS_LEGEND_H

#include "viewers/canvas.h"

/* Draws line `idx` in row `y` of the pane (outside: nothing), the words from column `text_x` on; false behind the last one. First the kinds,
 * a line for each colour and texture, then the marks. */
/* The kinds of an imported trace, which are drawn as phases. */
bool legend_imported_line(int idx, struct pane pane, int y, int text_x);
bool legend_line(int idx, struct pane pane, int y, int text_x);

#endif
