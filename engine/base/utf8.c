/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: decoding and cell widths.
 */
#include "engine/base/utf8.h"

#include "engine/base/attributes.h"

size_t utf8_decode(const char *text, uint32_t *ret_code)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *at = (const unsigned char *)text;
	size_t length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3
		: (at[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (!length)
		return 0;
	uint32_t code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (length > 1 && (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
		return 0;
	*ret_code = code;
	return length;
}

/* Ascending, disjoint. */
static const struct width_range {
	uint32_t first, last;
	int width;
} width_ranges[] = {
	{ 0x0300, 0x036f, 0 }, { 0x0483, 0x0489, 0 }, { 0x0591, 0x05bd, 0 }, { 0x0610, 0x061a, 0 }, { 0x064b, 0x065f, 0 },
	{ 0x0900, 0x0902, 0 }, { 0x093c, 0x093c, 0 }, { 0x0941, 0x0948, 0 }, { 0x0e34, 0x0e3a, 0 }, { 0x0e47, 0x0e4e, 0 },
	{ 0x1100, 0x115f, 2 }, { 0x1160, 0x11ff, 0 }, { 0x1ab0, 0x1aff, 0 }, { 0x1dc0, 0x1dff, 0 }, { 0x200b, 0x200f, 0 },
	{ 0x202a, 0x202e, 0 }, { 0x2060, 0x2064, 0 }, { 0x20d0, 0x20f0, 0 }, { 0x231a, 0x231b, 2 }, { 0x23e9, 0x23ec, 2 },
	{ 0x2614, 0x2615, 2 }, { 0x2648, 0x2653, 2 }, { 0x26a1, 0x26a1, 2 }, { 0x2705, 0x2705, 2 }, { 0x274c, 0x274c, 2 },
	{ 0x2753, 0x2755, 2 }, { 0x2b50, 0x2b50, 2 }, { 0x2e80, 0x303e, 2 }, { 0x3041, 0x33ff, 2 }, { 0x3400, 0x4dbf, 2 },
	{ 0x4e00, 0x9fff, 2 }, { 0xa000, 0xa4cf, 2 }, { 0xa960, 0xa97c, 2 }, { 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 },
	{ 0xfe00, 0xfe0f, 0 }, { 0xfe20, 0xfe2f, 0 }, { 0xfe30, 0xfe6f, 2 }, { 0xfeff, 0xfeff, 0 }, { 0xff01, 0xff60, 2 },
	{ 0xffe0, 0xffe6, 2 }, { 0x17000, 0x18cff, 2 }, { 0x1b000, 0x1b2ff, 2 }, { 0x1f004, 0x1f004, 2 }, { 0x1f18e, 0x1f18e, 2 },
	{ 0x1f200, 0x1f320, 2 }, { 0x1f32d, 0x1f335, 2 }, { 0x1f337, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 },
	{ 0x1fa70, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 }, { 0xe0100, 0xe01ef, 0 },
};

int utf8_code_width(uint32_t code)
{
	if (code < 0x300)
		return 1;
	size_t low = 0, high = ARRAY_LEN(width_ranges);
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (code > width_ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_LEN(width_ranges) && code >= width_ranges[low].first ? width_ranges[low].width : 1;
}

size_t utf8_width(const char *text)
{
	size_t cells = 0;
	while (*text) {
		uint32_t code = 0;
		size_t length = utf8_decode(text, &code);
		cells += length ? (size_t)utf8_code_width(code) : 1;
		text += length ? length : 1;
	}
	return cells;
}
