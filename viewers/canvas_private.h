/* SPDX-License-Identifier: Apache-2.0
 *
 * canvas_private: what the ways of printing a canvas share.
 */
#ifndef TANDEM_VIEWERS_CANVAS_PRIVATE_H
#define TANDEM_VIEWERS_CANVAS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/strbuf.h"
#include "viewers/canvas.h"

/* UTF-8 of a code point into 4 bytes; returns how many. */
size_t canvas_encode(uint32_t code, char *text);
/* A cell's character and what combines with it, in as many columns as it takes; `cell->code` is not 0. */
void canvas_cell_text(const struct canvas_cell *cell, bool is_ascii, struct strbuf *out);

#endif
