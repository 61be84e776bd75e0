/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_label: what stands inside blocks and textures. One cell of a block stays at each end, so that two labels never touch; where
 * there is room for more there are blanks around the text; it is cut in the middle when it must be, and left out below four cells.
 */
#ifndef TANDEM_VIEWERS_SPANS_LABEL_H
#define TANDEM_VIEWERS_SPANS_LABEL_H

#include "viewers/spans_raster.h"

#define SPANS_LABEL_CELLS_MIN 4

int spans_label(const struct spans_row *row, const struct raster *raster, struct pane pane, struct error *error);

#endif
