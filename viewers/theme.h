/* SPDX-License-Identifier: Apache-2.0
 *
 * theme: which colour a meaning has on a terminal with 256 colours, with 16, without any, and in a picture; and what stands in for
 * characters beyond ASCII. Kinds are told apart without colour too: by the textures that the drawing functions choose (spans.h).
 */
#ifndef TANDEM_VIEWERS_THEME_H
#define TANDEM_VIEWERS_THEME_H

#include "viewers/canvas.h"

/* X(NAME, word) */
#define THEME_MAP(X) X(DARK, "dark") X(LIGHT, "light") X(MONO, "mono")
enum theme_id {
#define X(name, word) THEME_##name,
	THEME_MAP(X)
#undef X
	THEME_COUNT
};

struct theme_colour {
	short colour256, colour16; /* terminal colour numbers; -1: the terminal's own */
	uint32_t rgb;              /* 0xRRGGBB, for pictures */
};

struct theme {
	const char *name;
	bool is_mono;                               /* no colours: attributes only */
	struct theme_colour front[COLOUR_COUNT], back[COLOUR_COUNT]; /* a meaning in front and behind */
	uint32_t paper_rgb, ink_rgb;                /* pictures: behind and in front where the terminal's own colours are meant */
};

/* NULL when there is none of this name. */
const struct theme *theme_find(const char *name);
const struct theme *theme_get(enum theme_id id);
/* How a look is shown: text without a colour of its own stands in black or white on a coloured ground, whichever can be read; nothing is shown in
 * the colour that it stands on. A mono theme gives attributes only. `attributes` may hold LOOK_REVERSE: front and back are still to be exchanged. */
struct theme_paint {
	struct theme_colour front, back;
	unsigned attributes;
};
struct theme_paint theme_paint(const struct theme *theme, struct look look);
/* Attributes that stand for a look where there is no colour (mono). */
unsigned theme_mono_attributes(struct look look);
/* What stands in for a character where only ASCII can be shown; '?' for the unknown. */
char theme_ascii(uint32_t code);

#endif
