/* SPDX-License-Identifier: Apache-2.0
 *
 * utf8: decoding of text that may be anything, and how many terminal cells it takes. Independent of the locale, so that tables line
 * up the same everywhere.
 */
#ifndef TANDEM_ENGINE_BASE_UTF8_H
#define TANDEM_ENGINE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the valid UTF-8 sequence at `text` (NUL-terminated) and its code point; 0 when the bytes are not valid UTF-8:
 * overlong forms, surrogates and codes beyond U+10FFFF count as invalid. */
size_t utf8_decode(const char *text, uint32_t *ret_code);

/* Terminal cells of one code point: 0 for combining and zero-width characters, 2 for wide ones, 1 otherwise (Unicode 15, East
 * Asian Width W and F, general categories Mn, Me, Cf in the ranges that occur in names). */
int utf8_code_width(uint32_t code);

/* Cells of the whole text; a byte that is not valid UTF-8 counts as one. */
size_t utf8_width(const char *text);

#endif
