/* SPDX-License-Identifier: Apache-2.0
 *
 * postmortem_watch: the collector's eye on the gates of its run: notices that something was frozen, and has it saved.
 */
#ifndef TANDEM_TRACES_POSTMORTEM_WATCH_H
#define TANDEM_TRACES_POSTMORTEM_WATCH_H

#include "traces/intake.h"
#include "traces/postmortem.h"
#include "traces/store.h"

struct postmortem_watch {
	int fds[POSTMORTEM_SEGMENTS];
	struct gates gates;     /* header NULL: nothing is watched */
	struct control control;
	uint64_t limit_bytes;
	bool is_done;           /* saved, or tried to */
};

/* `fds` stay the caller's and must outlive it. A limit of 0 in the program's settings ("postmortem_limit") watches nothing. */
int postmortem_watch_open(struct postmortem_watch *watch, const struct program *program, const int fds[POSTMORTEM_SEGMENTS],
	struct error *error);
void postmortem_watch_close(struct postmortem_watch *watch);

/* Whether something was frozen that has not been saved. */
bool postmortem_watch_is_due(const struct postmortem_watch *watch);

/* Freezes the run because its driver has died. */
void postmortem_watch_driver_died(struct postmortem_watch *watch, const char *text);

/* At the end of a run: enters what the processes of the run were still at, in a transaction: an op that runs to this day, a wait of when it was
 * frozen that nobody came out of. */
int postmortem_watch_enter_unended(const struct postmortem_watch *watch, struct intake *intake, int64_t end_ns, struct error *error);

/* Saves it, outside a transaction; is_due is false afterwards. `out` gets what was saved, for people: "crash of w1 in b, execution 3", or, with
 * another status than STATUS_OK, why not. The trace stays as it was then. What was saved does not count in store_used_bytes. */
int postmortem_watch_save(struct postmortem_watch *watch, struct store *store, struct strbuf *out);

#endif
