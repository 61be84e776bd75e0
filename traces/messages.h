/* SPDX-License-Identifier: Apache-2.0
 *
 * messages: what was reported while a run went on: waits beyond --stall-limit and what ended the run, with their time and the lane that they are of.
 */
#ifndef TANDEM_TRACES_MESSAGES_H
#define TANDEM_TRACES_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/timeline.h"

#define MESSAGES_MAX 1000 /* the latest of a run */

struct message {
	int64_t time_ns;
	int lane;      /* HOST; TIMELINE_NONE: of nobody */
	bool is_error; /* otherwise a warning */
	char *text;
};

/* Zeroed to begin with. */
struct messages {
	struct message *items; /* [n]: by time */
	int n;
	int64_t last_row;
};

/* Adds the timeline's warnings and errors that came since the last call. Finish in any case. */
int messages_read(struct messages *messages, const struct timeline *timeline, struct error *error);
void messages_finish(struct messages *messages);

/* The last error, else the last warning, in [from_ns, until_ns); `lane` TIMELINE_NONE: of any lane, otherwise of that one or of nobody.
 * NULL when there is none. */
const struct message *messages_find(const struct messages *messages, int lane, int64_t from_ns, int64_t until_ns);

#endif
