/* SPDX-License-Identifier: Apache-2.0
 *
 * report_private: what the parts of the report share: report.c (sections from tables), report_header.c, report_findings.c (what limits,
 * blame, critical paths).
 */
#ifndef TANDEM_TRACES_REPORT_PRIVATE_H
#define TANDEM_TRACES_REPORT_PRIVATE_H

#include "engine/base/table.h"
#include "traces/blame_findings.h"
#include "traces/opstats.h"
#include "traces/report.h"
#include "traces/split.h"
#include "traces/whatif.h"

#define REPORT_COLUMNS_MAX 32 /* of a table */

struct report {
	const struct trace *trace;
	const struct trace_run *run;
	struct report_options options;
	struct split split;
	struct opstats stats;
	bool has_findings;              /* false: the run is too long to look at unasked */
	struct blame_findings findings;
	struct whatif whatif;
	int64_t n_ops, n_warmup;
	bool is_partly;                 /* more executions went into the sums than are there one by one */
	int64_t n_kept, n_partial, n_saves;
	struct critical_path path;      /* of the execution asked for */
	struct strbuf *out;
	struct error *error;
};

/* One table of the report. */
struct report_section {
	const char *key, *title;
	const char *empty;                              /* sentence in place of an empty table; NULL: the section is left out */
	const struct table_column *columns;
	int n_columns;
	int (*fill)(struct report *, struct table *);
	void (*introduce)(struct report *);             /* sentences between title and table in text; NULL: none */
};

extern const struct report_section report_limits, report_whatif, report_blame, report_critical, report_path;

/* A file as the report names it: without its folder in what is made to be shared. */
const char *report_file_name(const struct report *report, const char *file);

/* The lines above all sections, or in JSON the object "run" without what follows it. */
int report_header(struct report *report);

/* Of a run that is there in part: what is there, and why. */
int report_count_kept(struct report *report);
int report_print_kept(struct report *report);
extern const struct report_section report_saves;

/* Fills a table by a statement whose parameters are the run (1), `limit` (2) and whether JSON is wanted (3), as far as it has them. */
int report_fill_by_sql(struct report *report, struct table *table, const char *sql, int64_t limit);

/* Of an imported run: the lines above, and the sections, ended by NULL. */
int report_device_header(struct report *report);
extern const struct report_section *const report_device_text[], *const report_device_json[];

/* A line for each time that the memory of the run was saved. */
int report_print_postmortems(struct report *report);

/* Findings and what follows from them, from the file or made now. */
int report_find(struct report *report);

/* The path of the execution asked for. */
int report_find_path(struct report *report);

#endif
