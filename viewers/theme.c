/* SPDX-License-Identifier: Apache-2.0
 *
 * theme: the tables. The eight kinds have the colours of Okabe and Ito, which people with any kind of colour vision tell apart; on a light
 * ground they are darker.
 */
#include "viewers/theme.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/attributes.h"

#define NO_COLOUR { -1, -1, 0 }

#define DARK_PAPER 0x16181d
#define DARK_INK 0xd6d8dc
#define LIGHT_PAPER 0xffffff
#define LIGHT_INK 0x24262b

static const struct theme themes[] = {
	[THEME_DARK] = {
		.name = "dark", .paper_rgb = DARK_PAPER, .ink_rgb = DARK_INK,
		.front = {
			[COLOUR_NONE] = { -1, -1, DARK_INK },
			[COLOUR_DIM] = { 243, 8, 0x767a82 },
			[COLOUR_TITLE] = { 255, 15, 0xf2f3f5 },
			[COLOUR_ACCENT] = { 117, 14, 0x87d7ff },
			[COLOUR_SELECT] = { 255, 15, 0xf2f3f5 },
			[COLOUR_CURSOR] = { 255, 15, 0xf2f3f5 },
			[COLOUR_MARK] = { 79, 6, 0x5fd7af },
			[COLOUR_ERROR] = { 203, 9, 0xff5f5f },
			[COLOUR_COMPUTE] = { 32, 12, 0x0087d7 },
			[COLOUR_MOVE] = { 74, 6, 0x5fafd7 },
			[COLOUR_COLLECTIVE] = { 36, 2, 0x00af87 },
			[COLOUR_STARVED] = { 178, 3, 0xe0a000 },
			[COLOUR_BACKPRESSURE] = { 175, 5, 0xcc79a7 },
			[COLOUR_LATE_RANK] = { 227, 11, 0xf0e442 },
			[COLOUR_OVERHEAD] = { 166, 13, 0xd55e00 },
			[COLOUR_IDLE] = { 241, 8, 0x62656c },
		},
		.back = {
			[COLOUR_NONE] = { -1, -1, DARK_PAPER },
			[COLOUR_DIM] = { 236, 8, 0x303030 },
			[COLOUR_TITLE] = { 237, 8, 0x2b2f38 },
			[COLOUR_ACCENT] = { 24, 4, 0x005f87 },
			[COLOUR_SELECT] = { 239, 4, 0x3d424d },
			[COLOUR_CURSOR] = { 236, 8, 0x2a2e36 },
			[COLOUR_MARK] = { 23, 6, 0x14494a },
			[COLOUR_ERROR] = { 88, 1, 0x870000 },
			[COLOUR_COMPUTE] = { 32, 4, 0x0087d7 },
			[COLOUR_MOVE] = { 74, 6, 0x5fafd7 },
			[COLOUR_COLLECTIVE] = { 36, 2, 0x00af87 },
			[COLOUR_STARVED] = { 178, 3, 0xe0a000 },
			[COLOUR_BACKPRESSURE] = { 175, 5, 0xcc79a7 },
			[COLOUR_LATE_RANK] = { 227, 11, 0xf0e442 },
			[COLOUR_OVERHEAD] = { 166, 13, 0xd55e00 },
			[COLOUR_IDLE] = { 238, 8, 0x444444 },
		},
	},
	[THEME_LIGHT] = {
		.name = "light", .paper_rgb = LIGHT_PAPER, .ink_rgb = LIGHT_INK,
		.front = {
			[COLOUR_NONE] = { -1, -1, LIGHT_INK },
			[COLOUR_DIM] = { 246, 8, 0x949494 },
			[COLOUR_TITLE] = { 16, 0, 0x000000 },
			[COLOUR_ACCENT] = { 25, 4, 0x005faf },
			[COLOUR_SELECT] = { 16, 0, 0x000000 },
			[COLOUR_CURSOR] = { 16, 0, 0x000000 },
			[COLOUR_MARK] = { 30, 6, 0x008787 },
			[COLOUR_ERROR] = { 160, 1, 0xd70000 },
			[COLOUR_COMPUTE] = { 25, 4, 0x0067a5 },
			[COLOUR_MOVE] = { 38, 6, 0x1f94cf },
			[COLOUR_COLLECTIVE] = { 29, 2, 0x00835f },
			[COLOUR_STARVED] = { 136, 3, 0xb07a00 },
			[COLOUR_BACKPRESSURE] = { 132, 5, 0xa8507f },
			[COLOUR_LATE_RANK] = { 100, 11, 0x8a8200 },
			[COLOUR_OVERHEAD] = { 130, 13, 0xb04a00 },
			[COLOUR_IDLE] = { 248, 7, 0xa8a8a8 },
		},
		.back = {
			[COLOUR_NONE] = { -1, -1, LIGHT_PAPER },
			[COLOUR_DIM] = { 254, 7, 0xe4e4e4 },
			[COLOUR_TITLE] = { 254, 7, 0xe8eaee },
			[COLOUR_ACCENT] = { 153, 6, 0xafd7ff },
			[COLOUR_SELECT] = { 250, 7, 0xc4ccd8 },
			[COLOUR_CURSOR] = { 254, 7, 0xe6eaf0 },
			[COLOUR_MARK] = { 152, 14, 0xb4e0dc },
			[COLOUR_ERROR] = { 217, 9, 0xffafaf },
			[COLOUR_COMPUTE] = { 25, 4, 0x0067a5 },
			[COLOUR_MOVE] = { 38, 6, 0x1f94cf },
			[COLOUR_COLLECTIVE] = { 29, 2, 0x00835f },
			[COLOUR_STARVED] = { 136, 3, 0xb07a00 },
			[COLOUR_BACKPRESSURE] = { 132, 5, 0xa8507f },
			[COLOUR_LATE_RANK] = { 100, 11, 0x8a8200 },
			[COLOUR_OVERHEAD] = { 130, 13, 0xb04a00 },
			[COLOUR_IDLE] = { 252, 7, 0xd0d0d0 },
		},
	},
	[THEME_MONO] = {
		.name = "mono", .is_mono = true, .paper_rgb = LIGHT_PAPER, .ink_rgb = LIGHT_INK,
		.front = { [0 ... COLOUR_COUNT - 1] = NO_COLOUR },
		.back = { [0 ... COLOUR_COUNT - 1] = NO_COLOUR },
	},
};

const struct theme *theme_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(themes); i++) {
		if (strcmp(themes[i].name, name) == 0)
			return &themes[i];
	}
	return NULL;
}

const struct theme *theme_get(enum theme_id id)
{
	return &themes[id];
}

/* -- looks -------------------------------------------------------------------------------------------------------------------- */

static bool is_kind(int colour)
{
	return colour >= COLOUR_COMPUTE && colour <= COLOUR_OVERHEAD;
}

unsigned theme_mono_attributes(struct look look)
{
	unsigned attributes = look.attributes;
	if (look.front == COLOUR_TITLE || look.front == COLOUR_ACCENT || look.front == COLOUR_ERROR)
		attributes |= LOOK_BOLD;
	if (look.back == COLOUR_CURSOR || look.back == COLOUR_MARK)
		attributes |= LOOK_UNDERLINE;
	if (look.back == COLOUR_SELECT || look.back == COLOUR_ERROR || look.back == COLOUR_ACCENT || is_kind(look.back))
		attributes ^= LOOK_REVERSE;
	return attributes;
}

/* Perceived brightness, 0 … 255. */
static int brightness(uint32_t rgb)
{
	return (int)((299 * (rgb >> 16 & 0xff) + 587 * (rgb >> 8 & 0xff) + 114 * (rgb & 0xff)) / 1000);
}

struct theme_paint theme_paint(const struct theme *theme, struct look look)
{
	int front = look.front < COLOUR_COUNT ? look.front : COLOUR_NONE, back = look.back < COLOUR_COUNT ? look.back : COLOUR_NONE;
	struct theme_paint paint = { theme->front[front], theme->back[back], look.attributes };
	if (theme->is_mono) {
		paint.front = (struct theme_colour){ -1, -1, theme->ink_rgb };
		paint.back = (struct theme_colour){ -1, -1, theme->paper_rgb };
		paint.attributes = theme_mono_attributes(look);
		return paint;
	}
	if (front == COLOUR_NONE && is_kind(back)) {
		bool is_light = brightness(paint.back.rgb) > 115;
		paint.front = is_light ? (struct theme_colour){ 16, 0, 0x000000 } : (struct theme_colour){ 231, 15, 0xffffff };
	}
	if (paint.front.colour16 >= 0 && paint.front.colour16 == paint.back.colour16 && front != back)
		paint.front.colour16 = -1;
	return paint;
}

/* -- ASCII -------------------------------------------------------------------------------------------------------------------- */

struct stand_in {
	uint32_t first, last;
	const char *ascii; /* one for each, the last one for the rest */
};

/* Ascending. */
static const struct stand_in stand_ins[] = {
	{ 0x00a0, 0x00a0, " " }, { 0x00ab, 0x00ab, "<" }, { 0x00b1, 0x00b1, "~" }, { 0x00b5, 0x00b5, "u" },
	{ 0x00b7, 0x00b7, "." },
	{ 0x00bb, 0x00bb, ">" }, { 0x00d7, 0x00d7, "x" }, { 0x0394, 0x0394, "d" }, { 0x03a3, 0x03a3, "S" },
	{ 0x03bc, 0x03bc, "u" },
	{ 0x2002, 0x200a, " " }, { 0x2010, 0x2015, "-" }, { 0x2018, 0x2019, "'" }, { 0x201c, 0x201d, "\"" },
	{ 0x2022, 0x2022, "*" },
	{ 0x2026, 0x2026, "~" }, { 0x202f, 0x202f, " " }, { 0x2039, 0x203a, "<>" }, { 0x2190, 0x2195, "<^>v-|" },
	{ 0x21d2, 0x21d2, ">" },
	{ 0x2206, 0x2206, "d" }, { 0x2211, 0x2211, "S" }, { 0x2212, 0x2212, "-" }, { 0x221e, 0x221e, "8" },
	{ 0x2248, 0x2248, "~" },
	{ 0x2260, 0x2260, "#" }, { 0x2264, 0x2265, "<>" }, { 0x2500, 0x2501, "-" }, { 0x2502, 0x2503, "|" },
	{ 0x2504, 0x2505, "-" },
	{ 0x2506, 0x2507, "|" }, { 0x2508, 0x2509, "-" }, { 0x250a, 0x250b, "|" }, { 0x250c, 0x254b, "+" },
	{ 0x254c, 0x254d, "-" },
	{ 0x254e, 0x254f, "|" }, { 0x2550, 0x2551, "=|" }, { 0x2552, 0x2570, "+" }, { 0x2571, 0x2573, "/\\X" },
	{ 0x2574, 0x257f, "-|-|-|-|" },
	{ 0x2580, 0x2588, "^_.:-=+*#" }, { 0x2589, 0x258f, "###||||" }, { 0x2590, 0x2590, "|" },
	{ 0x2591, 0x2593, ":=%" },
	{ 0x2594, 0x2595, "^|" }, { 0x2596, 0x259f, "&" }, { 0x25a0, 0x25a1, "#o" }, { 0x25b2, 0x25b5, "^" },
	{ 0x25b6, 0x25bb, ">" },
	{ 0x25bc, 0x25bf, "VVvv" }, { 0x25c0, 0x25c5, "<" }, { 0x25c6, 0x25c7, "*o" }, { 0x25cb, 0x25cf, "o***O" },
	{ 0x2605, 0x2606, "*" },
	{ 0x2713, 0x2714, "v" }, { 0x2715, 0x2718, "x" }, { 0x2800, 0x2800, " " }, { 0x2801, 0x28ff, "" },
};

char theme_ascii(uint32_t code)
{
	if (code < 0x80)
		return (char)(code < 0x20 || code == 0x7f ? '?' : code);
	for (size_t i = 0; i < ARRAY_LEN(stand_ins) && code >= stand_ins[i].first; i++) {
		if (code > stand_ins[i].last)
			continue;
		size_t n = strlen(stand_ins[i].ascii), at = code - stand_ins[i].first;
		if (n)
			return stand_ins[i].ascii[at < n ? at : n - 1];
		int dots = __builtin_popcount(code & 0xff); /* braille */
		return dots < 3 ? '.' : dots < 6 ? ':' : '#';
	}
	return '?';
}
