/* SPDX-License-Identifier: Apache-2.0
 *
 * import_bench: what importing costs beside its limits, on traces made for it. Rates count processor time, so that what else
 * runs on the machine does not.
 */
#ifndef TANDEM_TRACES_IMPORT_BENCH_H
#define TANDEM_TRACES_IMPORT_BENCH_H

#include "engine/base/error.h"

struct import_bench {
	double json_bytes;
	double parse_mb_per_s;   /* all events of a plain Kineto trace, every member taken */
	double import_mb_per_s;  /* of the same file to a finished trace */
	double nsys_rows_per_s;  /* of an Nsight Systems export to a finished trace */
	double bare_rows_per_s;  /* as many rows of the same columns through one prepared INSERT in one transaction */
};

/* The trace alone, as long as asked for; about 320 bytes an event. STATUS_SYSTEM when it cannot be written; what there is of it stays. */
int import_bench_make_json(const char *path, int n_events, struct error *error);

/* `file`: where the JSON trace is made, which stays for the caller to remove; files beside it are made and removed. */
int import_bench_run(const char *file, int n_events, struct error *error, struct import_bench *ret_bench);

#endif
