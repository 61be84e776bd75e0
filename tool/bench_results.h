/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_results: what `tandem bench` found: one row for each measurement, with the machine and the build it was taken on; as a table and
 * as JSON, from which it is read again.
 */
#ifndef TANDEM_TOOL_BENCH_RESULTS_H
#define TANDEM_TOOL_BENCH_RESULTS_H

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "engine/base/table.h"
#include "tool/bench.h"

/* X(member): what tells machines and builds apart, all as text. The first three are the machine's. */
#define BENCH_SETTING_MAP(X) X(host) X(cpu) X(cores) X(version) X(compiler) X(build)
#define BENCH_MACHINE_SETTINGS 3

enum bench_setting {
#define X(member) BENCH_SETTING_##member,
	BENCH_SETTING_MAP(X)
#undef X
	BENCH_SETTING_COUNT
};

extern const char *const bench_setting_names[BENCH_SETTING_COUNT];

struct bench_result {
	char name[96], unit[24];
	char bench[32];       /* which bench it is of; "" when unknown */
	enum bench_sense sense;
	double value, limit;  /* NAN: no limit */
	double ratio;         /* distance from the limit, lower is better; NAN without limit */
	double target;        /* NAN: none */
	double spread;        /* half the range of the repeats' ratios (values, without limit) over their median; NAN when measured once */
};

struct bench_results {
	struct bench_result *items;
	int n_items, capacity;
	char settings[BENCH_SETTING_COUNT][128]; /* "": unknown */
	bool is_failed;                          /* memory was out */
};

/* Appends a row, zeroed. NULL when memory is out, which is kept in is_failed. */
struct bench_result *bench_results_add(struct bench_results *results);
/* NULL when there is no row of that name. */
const struct bench_result *bench_results_find(const struct bench_results *results, const char *name);
void bench_results_finish(struct bench_results *results);

/* Fills the settings with this machine and this build. */
void bench_results_set_here(struct bench_results *results);

void bench_results_text(const struct bench_results *results, struct strbuf *out);
/* {"rows": […], "machine": {…}, "build": {…}} */
void bench_results_json(const struct bench_results *results, struct strbuf *out);

/* Reads what bench_results_json wrote (in `file`), or an older tandem, whose rows lack some members. STATUS_INPUT with file and what is
 * wrong; *ret_results is then empty. */
int bench_results_read(const char *file, struct error *error, struct bench_results *ret_results);

#endif
