/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_fill: how full one channel is over time: messages that are written and not released by their slowest reader, as traces/opstats.h
 * defines it. Writer and readers are told of as their lanes deliver; a message counts when all its readers' ops are known, and one that a
 * reader left out (its record was lost) never. Stretches of one fill come out in order of time, up to where nothing can change them.
 */
#ifndef TANDEM_TRACES_LOD_FILL_H
#define TANDEM_TRACES_LOD_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define LOD_FILL_EVENTS 1024           /* of a stored run of events */
#define LOD_FILL_BYTES (LOD_FILL_EVENTS * 10 + 10)
#define LOD_FILL_WAITING_MAX (1 << 20) /* ops that wait for their counterparts: older ones are given up */

/* A step up (a write) or down (a release). */
struct lod_fill_event {
	int64_t time_ns;
	bool is_release;
};

typedef int lod_fill_fn(void *user, struct lod_fill_event event, struct error *error);

struct lod_fill_op {
	int64_t execution, time_ns;
};
struct lod_fill_queue {
	struct lod_fill_op *ops;
	uint32_t head, n, capacity; /* capacity: a power of two */
};

struct lod_fill {
	struct lod_fill_queue written, released; /* released: of messages whose write has come out */
	struct lod_fill_queue *readers;
	int n_readers;
	int64_t last_release_ns;
	lod_fill_fn *take;
	void *user;
};

int lod_fill_init(struct lod_fill *fill, int n_readers, lod_fill_fn *take, void *user, struct error *error);
void lod_fill_finish(struct lod_fill *fill);

/* Ops in order of executions: when the writer published, when the reader let go. */
int lod_fill_write(struct lod_fill *fill, int64_t execution, int64_t time_ns, struct error *error);
int lod_fill_release(struct lod_fill *fill, int reader, int64_t execution, int64_t time_ns, struct error *error);

/* Nothing more will come. */
int lod_fill_close(struct lod_fill *fill, struct error *error);

/* A stored run of events: the fill before it, then each event as its distance from the one before << 1 | is_release. */
struct lod_fill_run {
	int64_t first_ns, last_ns;
	int n;
	uint8_t *end;
	uint8_t data[LOD_FILL_BYTES];
};
/* Adds an event; `fill` is what it was before. The caller empties the run (n = 0) when it holds LOD_FILL_EVENTS. */
void lod_fill_run_add(struct lod_fill_run *run, int64_t fill, struct lod_fill_event event);

#endif
