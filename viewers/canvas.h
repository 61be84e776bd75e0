/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas: a grid of terminal cells that screens are drawn on. It knows nothing of terminals: term.h shows one, canvas_print.h writes one as
 * text, with colour codes, or as a picture. Every screen is drawn through panes: rectangles of a canvas with coordinates of their own; what lies
 * outside is cut off, so that no drawing function need check bounds.
 */
#ifndef TANDEM_VIEWERS_CANVAS_H
#define TANDEM_VIEWERS_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"

/* X(NAME, word): what a colour means. Themes (theme.h) say which colour that is, or which texture where there is none. */
#define COLOUR_MAP(X)                                                              \
	X(NONE, "none")               /* the terminal's own */                     \
	X(DIM, "dim")                 /* filtered out, rules, less important */    \
	X(TITLE, "title")                                                          \
	X(ACCENT, "accent")           /* keys, the active tab */                   \
	X(SELECT, "select")           /* background of the selection */            \
	X(CURSOR, "cursor")           /* background of the cursor's row and column */ \
	X(MARK, "mark")               /* background between two marks */           \
	X(ERROR, "error")             /* errors, losses, divergence, nothing else */ \
	X(COMPUTE, "compute")         /* kinds: eight, the same in every view */   \
	X(MOVE, "move")               /* read, write, serialise, fetch, copies */  \
	X(COLLECTIVE, "collective")                                                \
	X(STARVED, "starved")                                                      \
	X(BACKPRESSURE, "backpressure")                                            \
	X(LATE_RANK, "late_rank")                                                  \
	X(OVERHEAD, "overhead")       /* dispatch, allocate, launch, sync, debug, recorder */ \
	X(IDLE, "idle")               /* idle, limit, unknown */

enum colour {
#define X(name, word) COLOUR_##name,
	COLOUR_MAP(X)
#undef X
	COLOUR_COUNT
};
const char *colour_word(enum colour colour);

enum look_attributes {
	LOOK_BOLD = 1 << 0,
	LOOK_REVERSE = 1 << 1,  /* front and back exchanged: how a block's left end is drawn */
	LOOK_UNDERLINE = 1 << 2,
};

struct look {
	uint8_t front, back;    /* enum colour */
	uint8_t attributes;     /* enum look_attributes */
};

#define LOOK(front_colour) ((struct look){ .front = COLOUR_##front_colour })
#define LOOK_ON(front_colour, back_colour) ((struct look){ .front = COLOUR_##front_colour, .back = COLOUR_##back_colour })

#define CANVAS_COMBINING_MAX 2

struct canvas_cell {
	uint32_t code;          /* Unicode; 0: the right half of a wide character to the left */
	uint32_t combining[CANVAS_COMBINING_MAX]; /* 0: none */
	struct look look;
};

struct canvas {
	struct canvas_cell *cells; /* [height × width], row by row */
	int width, height;
};

/* Filled with blanks. STATUS_NO_MEMORY. */
int canvas_init(struct canvas *canvas, int width, int height, struct error *error);
void canvas_finish(struct canvas *canvas);
/* Another size; the content is blank afterwards. */
int canvas_resize(struct canvas *canvas, int width, int height, struct error *error);

struct pane {
	struct canvas *canvas;
	int x, y, width, height; /* on the canvas; never reaches outside it, may be empty */
};

struct pane canvas_pane(struct canvas *canvas);
/* A rectangle of a pane, in the pane's coordinates, cut to it. */
struct pane pane_sub(struct pane pane, int x, int y, int width, int height);
/* The pane's top (n > 0) or bottom (n < 0) |n| rows, and what remains in *pane. */
struct pane pane_cut_rows(struct pane *pane, int n);
/* The same with columns from the left (n > 0) or right. */
struct pane pane_cut_columns(struct pane *pane, int n);

void pane_clear(struct pane pane, struct look look);
/* One character of any width; a wide one that does not fit whole gives a blank. */
void pane_put(struct pane pane, int x, int y, uint32_t code, struct look look);
/* Text in UTF-8, made printable (control characters as ^X, invalid bytes as U+FFFD), cut at the pane's edge. Returns the column behind it. */
int pane_text(struct pane pane, int x, int y, struct look look, const char *text);
int pane_textf(struct pane pane, int x, int y, struct look look, const char *format, ...) PRINTF_LIKE(5, 6);
/* Text in exactly `width` cells, blanks behind (or before, when right-aligned); one that is too long is cut in the middle: "layer…norm". */
enum pane_align { PANE_LEFT, PANE_RIGHT, PANE_CENTRE };
void pane_field(struct pane pane, int x, int y, int width, enum pane_align align, struct look look, const char *text);
/* Changes the background (or, with `attributes`, adds to the attributes) of cells and leaves the characters. */
void pane_tint(struct pane pane, int x, int y, int width, int height, enum colour back);
void pane_emphasise(struct pane pane, int x, int y, int width, int height, unsigned attributes);
/* A horizontal rule ─ from x on. */
void pane_rule(struct pane pane, int x, int y, int width, struct look look);
/* A bar from 0 to `share` (0..1) of `width` cells, in eighths of a cell. */
void pane_bar(struct pane pane, int x, int y, int width, double share, struct look look);

/* Cells that a text takes when pane_text prints it. */
int canvas_text_width(const char *text);

#endif
