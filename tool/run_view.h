/* SPDX-License-Identifier: Apache-2.0
 *
 * run_view: the screens of `run --view`: the trace is looked at while it is written, on this terminal, by a thread of its own with low priority.
 * The thread of the run tells it what happens; what the run says meanwhile is kept and printed when the terminal is free again.
 *
 *     run_view_open ──► run_view_start ──► run_view_detach ──► run_view_wait ──► run_view_close
 *      terminal, settings   screens           before the end       user leaves
 *
 * Who leaves while the run goes on ends it, as Ctrl-C does; the screens ask first.
 */
#ifndef TANDEM_TOOL_RUN_VIEW_H
#define TANDEM_TOOL_RUN_VIEW_H

#include "engine/base/error.h"
#include "engine/run/driver.h"

struct run_view;

/* Before anything is started. STATUS_UNSUPPORTED without a terminal. `trace`: the file to be looked at; NULL: one is made up in a new folder that
 * goes with run_view_close. */
int run_view_open(const char *trace, uint64_t n_executions, struct error *error, struct run_view **ret_view);
const char *run_view_trace(const struct run_view *view);

/* Once the run has started. The driver must not be stopped before run_view_detach. */
int run_view_start(struct run_view *view, const struct driver *driver, struct error *error);
/* Something to tell; `who` may be NULL. Any thread; also before the start and after the end. */
void run_view_note(void *view, const char *who, const char *text);
/* The run has ended and its processes are about to; `elapsed_ns`: what it took. */
void run_view_detach(struct run_view *view, int64_t elapsed_ns);
/* Nothing comes any more: shows `verdict` ("" when all is well) until the user leaves, then prints what was told meanwhile on stderr. */
void run_view_wait(struct run_view *view, const char *verdict);
/* Releases; accepts NULL. */
void run_view_close(struct run_view *view);

#endif
