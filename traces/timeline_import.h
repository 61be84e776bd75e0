/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_import: what spans of other tools' traces have beyond place and time: names, facts about the work, the way from a launch to its work and
 * back, what encloses them. Texts are numbers of the file's strings; 0 is none. Looked up when asked for: what is kept is bounded.
 */
#ifndef TANDEM_TRACES_TIMELINE_IMPORT_H
#define TANDEM_TRACES_TIMELINE_IMPORT_H

#include "engine/base/strbuf.h"
#include "traces/timeline.h"

#define TIMELINE_TEXT_BYTES_MAX 4000 /* longer ones are cut */

/* A text; "" for 0 and for what is not there. Valid until the next call for this timeline. As it stands in the file: to be made printable. */
const char *timeline_text(struct timeline *timeline, int64_t text);

/* A span's name as a text; of a kernel the longer one, with its template arguments, which some sources have in the place of a category. */
int64_t timeline_whole_name(struct timeline *timeline, const struct timeline_span *span);

/* Of every text whether `part` is in it, whatever the case: flags [n + 1] by text, the caller's to free. *ret_any: any at all. */
int timeline_texts_with(struct timeline *timeline, const char *part, uint8_t **ret_flags, int64_t *ret_n, bool *ret_any, struct error *error);

/* The span of a row of the table. */
int timeline_span_at_row(struct timeline *timeline, int64_t row, struct timeline_span *ret_span, bool *ret_found, struct error *error);

/* TIMELINE_UNKNOWN where not recorded. */
#define TIMELINE_UNKNOWN INT64_MIN
struct timeline_facts {
	int64_t correlation, external, context;
	int64_t grid[3], block[3];
	int64_t copy_kind;       /* text; 0 */
	int64_t graph, graph_node;
	int64_t launch;          /* row of the call that launched it */
};
int timeline_facts(struct timeline *timeline, const struct timeline_span *span, struct timeline_facts *ret_facts, struct error *error);

/* From work on a device to the call that launched it, and from a call to the first work that it launched. That may lie anywhere behind the call:
 * it is looked for among so many rows after it. */
#define TIMELINE_LINK_ROWS 131072
int timeline_linked(struct timeline *timeline, const struct timeline_span *span, struct timeline_span *ret_span, bool *ret_found,
	struct error *error);

/* What encloses a span of a thread, the outermost first; of device work, what encloses its call (without it). At most n_max,
 * the innermost ones; *ret_n 0 where nothing does. */
int timeline_enclosing(struct timeline *timeline, const struct timeline_span *span, int n_max, struct timeline_span *spans, int *ret_n,
	struct error *error);

/* Further pairs that the source had: texts. */
struct timeline_arg {
	int64_t name, value;
};
int timeline_args(struct timeline *timeline, const struct timeline_span *span, int n_max, struct timeline_arg *args, int *ret_n,
	struct error *error);

/* Whether the span is work on a device. */
bool timeline_is_work(const struct timeline_span *span);

#endif
