/* SPDX-License-Identifier: Apache-2.0
 *
 * blame: every wait followed to its root. At any instant a lane works, waits for one other lane, or stands outside tandem, so the
 * waits at an instant form chains; the end of a lane's chain is to blame for its wait at that instant. Over time a wait is cut into
 * pieces, one for each root; the pieces sum to the wait.
 *
 * What a lane waits for at an instant:
 *   starved, late_rank   the lane of the producer of the first input, in the order of reading, that is not published yet;
 *   backpressure         the lane that releases the first slot, in the order of reserving, that is still held, last;
 *   limit                what `output` waits for next: the driver stands at the most executions in flight until a result comes; and so
 *                        it does when it met no free slot for an input (backpressure of `output`).
 * Roots:
 *   BLAME_NODE           the lane at the chain's end worked: node and phase;
 *   BLAME_EDGE           what was waited for was there (published, released): delivery over the edge, waking up included;
 *   BLAME_CALLER         the driver's thread was outside tandem: nothing was submitted, or results were not taken;
 *   BLAME_UNKNOWN        not recorded.
 */
#ifndef TANDEM_TRACES_BLAME_H
#define TANDEM_TRACES_BLAME_H

#include "traces/critical_run.h"

/* X(NAME, word): stored in the table blame: append only. */
#define BLAME_ROOT_MAP(X) X(UNKNOWN, "unknown") X(NODE, "node") X(EDGE, "edge") X(CALLER, "caller")

enum blame_root_kind {
#define X(name, word) BLAME_##name,
	BLAME_ROOT_MAP(X)
#undef X
	BLAME_ROOT_COUNT
};

struct blame_root {
	uint8_t kind;  /* enum blame_root_kind */
	uint8_t phase; /* enum phase: what the node did; UNKNOWN for other kinds */
	int32_t idx;   /* node or edge; CRITICAL_NONE for other kinds */
};

/* Time that a root caused at a victim. */
struct blame_row {
	int32_t lane;  /* victim */
	uint8_t cause; /* enum phase: as what the victim waited */
	struct blame_root root;
	int64_t ns;
};

/* A wait whose main root is asked for: the one that caused most of it. */
struct blame_span {
	int64_t id, start_ns, end_ns; /* id: the caller's */
	int32_t lane;
	bool is_found; /* false: the lane recorded no wait in it */
	struct blame_root root;
};

struct blame {
	struct blame_row *rows; /* largest first; no two for one (lane, cause, root) */
	int64_t n_rows;
};

/* Sums the waits in [from_ns, until_ns), and finds the roots of `spans` (may be NULL; sorted by lane and start), which need not lie in
 * it. Time: phases of the run × lanes. On success `ret_blame` must be finished. */
int blame_make(const struct critical_run *run, int64_t from_ns, int64_t until_ns, struct blame_span *spans, int64_t n_spans,
	struct error *error, struct blame *ret_blame);
void blame_finish(struct blame *blame);

/* The name of a root: of the node or edge, "caller" or "unknown". Valid as long as the run. */
const char *blame_root_name(const struct critical_run *run, struct blame_root root);

#endif
