/* SPDX-License-Identifier: Apache-2.0
 *
 * imported_trace: small traces of other tools, written by the test with the same times everywhere, imported and opened: a PyTorch profile of two
 * ranks, and an export of Nsight Systems.
 */
#ifndef TANDEM_TESTS_VIEWERS_IMPORTED_TRACE_H
#define TANDEM_TESTS_VIEWERS_IMPORTED_TRACE_H

#include "viewers/app.h"

enum imported_kind { IMPORTED_KINETO, IMPORTED_NSYS };

struct imported_trace {
	char folder[64], file[100]; /* `file` is the imported trace */
	struct session *session;
	struct config config;
	struct app *app;
	struct canvas canvas;
};

/* Kineto: two ranks, each with a thread on which three steps nest operators and calls, and a device with two streams. nsys: one process with NVTX
 * ranges, calls, kernels, copies, a memset, a synchronisation. `sql` (may be NULL) is run on the trace. Opened with a screen of 100 × 30. */
void imported_trace_init(struct imported_trace *trace, enum imported_kind kind, const char *sql);
void imported_trace_finish(struct imported_trace *trace);

/* The same without a session: only the file. */
void imported_trace_make(struct imported_trace *trace, enum imported_kind kind, const char *sql);

/* Keys as characters, a frame after each; false when one of them leaves. */
bool imported_trace_type(struct imported_trace *trace, const char *keys);
/* A frame of that size as text; to be freed. */
char *imported_trace_draw(struct imported_trace *trace, int width, int height);

#endif
