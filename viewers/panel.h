/* SPDX-License-Identifier: Apache-2.0
 *
 * panel: the parts that a view is made of: a title in a rule above each, prose that is cut or wrapped.
 */
#ifndef TANDEM_VIEWERS_PANEL_H
#define TANDEM_VIEWERS_PANEL_H

#include "viewers/canvas.h"

/* Row 0: "─ title ─────── right ─". The panel with the focus has a bright title. The text on the right is cut at its end, or left out where
 * hardly anything of it would remain. */
void panel_title(struct pane pane, bool has_focus, const char *title, const char *right, struct look right_look);

/* Text in exactly `width` cells, blanks behind; one that is too long is cut at its end: "dispatch +171 µs, al…". */
void panel_prose(struct pane pane, int x, int y, int width, struct look look, const char *text);

/* Words wrapped into the pane from column `indent` on; returns the row behind the last one. */
int panel_paragraph(struct pane pane, int indent, int y, struct look look, const char *text);

#endif
