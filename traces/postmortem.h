/* SPDX-License-Identifier: Apache-2.0
 *
 * postmortem: the memory of a run that went wrong, saved into its trace and taken out again. What is saved are the run's own segments (program,
 * control as it was frozen, slots or object store, gates with history and the crashed op's stack), page by page where they were ever touched,
 * so that the debugger reads a saved run with the same code as one that goes on (engine/debug/target.h).
 */
#ifndef TANDEM_TRACES_POSTMORTEM_H
#define TANDEM_TRACES_POSTMORTEM_H

#include "engine/debug/target.h"
#include "traces/db.h"
#include "traces/trace.h"

#define POSTMORTEM_LIMIT_BYTES_DEFAULT (UINT64_C(256) << 20) /* of saved pages that may be left out */

/* X(NAME, word): the segments, as stored in `image.segment`; columns `<word>_bytes` of `postmortem`. */
#define POSTMORTEM_SEGMENT_MAP(X) X(PROGRAM, "program") X(CONTROL, "control") X(SLOTS, "slots") X(GATES, "gates")
enum postmortem_segment {
#define X(name, word) POSTMORTEM_##name,
	POSTMORTEM_SEGMENT_MAP(X)
#undef X
	POSTMORTEM_SEGMENTS,
};
const char *postmortem_segment_word(enum postmortem_segment segment);

#define POSTMORTEM_SEGMENT_BYTES_MAX (UINT64_C(64) << 30) /* larger ones are neither saved nor believed */

/* One row of `postmortem`. */
struct postmortem {
	int64_t id, run, time_ns;
	char reason[24];              /* word of enum gate_freeze */
	char *worker, *node, *text, *stack; /* NULL where there is none; owned */
	int64_t execution;            /* −1: none */
	uint64_t n_bytes, n_left_out; /* saved; over the limit */
};

/* Writes the segments behind `fds` (by enum postmortem_segment) as a post-mortem of `run`, in one transaction of its own. With `is_asked` as they
 * are at this moment (GATE_FREEZE_ASKED); otherwise the frozen part of the gates says why and where. Beyond `limit_bytes` the history goes first,
 * whole, then slots; program, control and states are always there. *ret_id (may be NULL) is the row's. STATUS_DISK_FULL leaves the
 * trace as it was, and so does any other failure. */
int postmortem_save(struct db *db, int64_t run, const int fds[POSTMORTEM_SEGMENTS], bool is_asked, uint64_t limit_bytes,
	int64_t *ret_id, struct error *error);

/* Makes the trace `file` (as store_open does) of one run without records and a post-mortem of it as it is at this moment. */
int postmortem_write_file(const char *file, const int fds[POSTMORTEM_SEGMENTS], uint64_t limit_bytes, struct error *error);

/* The post-mortems of a trace, by run and time; *ret_items is released with postmortems_free. */
int postmortems_list(struct trace *trace, struct postmortem **ret_items, int *ret_n, struct error *error);
void postmortems_free(struct postmortem *items, int n);

/* Appends "crash of w1 in layer3, execution 7": what it is a post-mortem of, for people. Or from columns 0 to 3 of a statement: reason, worker,
 * node, execution. */
void postmortem_describe(const struct postmortem *postmortem, struct strbuf *out);
void postmortem_describe_row(struct db_stmt *stmt, struct strbuf *out);

/* The images of one, allocated (postmortem_images_free). STATUS_TRACE when the rows make no sense. */
int postmortem_load(struct trace *trace, int64_t id, struct debug_images *ret_images, struct error *error);
void postmortem_images_free(struct debug_images *images);

#endif
