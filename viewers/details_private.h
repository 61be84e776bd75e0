/* SPDX-License-Identifier: Apache-2.0
 *
 * details_private: what is known of each kind of selection.
 */
#ifndef TANDEM_VIEWERS_DETAILS_PRIVATE_H
#define TANDEM_VIEWERS_DETAILS_PRIVATE_H

#include "viewers/details.h"

int details_of_span(struct session *session, const struct timeline_span *span, struct details *details, struct error *error);
/* Of an imported trace. */
int details_of_imported(struct session *session, const struct timeline_span *span, struct details *details, struct error *error);
/* From when to when, and what else begins in the column under the cursor. */
int details_add_when(struct session *session, const struct timeline_span *span, struct details *details, struct error *error);
int details_of_channel(struct session *session, int lane, struct details *details, struct error *error);
int details_of_nothing(struct session *session, struct details *details, struct error *error);

/* Appends to the item's part; makes nothing of a NULL. */
void details_add(struct details *details, enum details_item item, const char *format, ...) PRINTF_LIKE(3, 4);

/* "41.220 ms" from the run's start, as exact as the window. */
char *details_time(const struct session *session, int64_t time_ns, char *text, size_t size);

#endif
