/* SPDX-License-Identifier: Apache-2.0
 *
 * details: the pane at the bottom of a screen: everything known of the selection, always in the same order: what, where, when, how long,
 * waited for what and whom, inputs, outputs, versus the other run, and what was reported then. Works for an op, a span without a node, a channel,
 * and for nothing. Of a span of an imported trace: its launch, what it lies inside of, facts and arguments, its name in full.
 */
#ifndef TANDEM_VIEWERS_DETAILS_H
#define TANDEM_VIEWERS_DETAILS_H

#include "engine/base/strbuf.h"
#include "traces/messages.h"
#include "viewers/canvas.h"
#include "viewers/session.h"

#define DETAILS_ROWS_SMALL 4  /* two items a row */
#define DETAILS_ROWS 8        /* an item a row; with more rows inputs, waits and phases get one each */

/* X(NAME, word) in the order on screen */
#define DETAILS_MAP(X)            \
	X(WHAT, "what")           \
	X(WHERE, "where")         \
	X(WHEN, "when")           \
	X(LONG, "how long")       \
	X(WAITED, "waited")       \
	X(INPUTS, "inputs")       \
	X(OUTPUTS, "outputs")     \
	X(VERSUS, "versus")

enum details_item {
#define X(name, word) DETAILS_##name,
	DETAILS_MAP(X)
#undef X
	DETAILS_COUNT
};

/* X(NAME, word): of a span of an imported trace. */
#define DETAILS_IMPORTED_MAP(X)   \
	X(WAITED, "launch")       \
	X(INPUTS, "inside")       \
	X(OUTPUTS, "facts")       \
	X(VERSUS, "name")

#define DETAILS_PARTS_MAX 24 /* of one item */

/* An item is made of parts, which stand behind each other or in rows of their own. */
struct details {
	struct strbuf parts[DETAILS_COUNT][DETAILS_PARTS_MAX];
	int n_parts[DETAILS_COUNT];
	int n_more[DETAILS_COUNT]; /* that found no room */
	bool is_nothing;           /* nothing is selected: what and where say so */
	bool is_imported;          /* of an imported span: the last four items have other words, the last one takes the rows that are left */
	bool is_short;             /* no op: items of which nothing is known have no row */
};

/* Fills in what is known of the selection. To be finished in any case. */
int details_make(struct session *session, struct details *details, struct error *error);
void details_finish(struct details *details);

/* Draws as much as the pane's height allows; `reported`, if there is one, in the last rows, wrapped. */
int details_draw(struct session *session, const struct message *reported, struct pane pane, struct error *error);

/* Adds a part; NULL behind the last one that there is room for. */
struct strbuf *details_part(struct details *details, enum details_item item);

#endif
