/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_import: importing traces of other tools, beside what CPython's json module alone takes to parse the same file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/bench_chain.h"
#include "tool/bench_run.h"
#include "traces/import_bench.h"

#define N_EVENTS 1000000
#define N_EVENTS_QUICK 100000

/* Seconds of processor time; NAN where there is no python3. */
static double python_seconds(const char *file)
{
	static const char script[] = "import json,sys,"
		"time;f=open(sys.argv[1]);t=time.process_time();json.load(f);print(time.process_time()-t)";
	char command[1400];
	double seconds = NAN;
	snprintf(command, sizeof command, "python3 -c '%s' '%.1000s' 2>/dev/null", script, file);
	FILE *pipe = strchr(file, '\'') ? NULL : popen(command, "r");
	if (!pipe)
		return NAN;
	if (fscanf(pipe, "%lf", &seconds) != 1)
		seconds = NAN;
	pclose(pipe);
	return seconds;
}

static int run_import(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct import_bench bench;
	const char *file = bench_trace_file();
	int status = import_bench_run(file, options->is_quick ? N_EVENTS_QUICK : N_EVENTS, error, &bench);
	if (status == STATUS_OK) {
		double python_mb_per_s = bench.json_bytes / python_seconds(file) / 1e6;
		bench_row(rows, "Kineto JSON, parsed", bench.parse_mb_per_s, "MB/s", BENCH_HIGHER, python_mb_per_s, NAN);
		bench_row(rows, "Kineto JSON, imported", bench.import_mb_per_s, "MB/s", BENCH_HIGHER, python_mb_per_s, NAN);
		bench_row(rows, "nsys export, imported", bench.nsys_rows_per_s / 1e6, "M rows/s", BENCH_HIGHER, bench.bare_rows_per_s / 1e6,
			1 / 0.7);
	}
	bench_trace_remove();
	return status;
}

const struct bench bench_import = { "import", "traces of other tools: JSON parsed and imported beside CPython's json, "
	"exports beside bare inserts",
	run_import };
