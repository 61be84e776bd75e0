/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_analyses: the list. Later ones read what earlier ones stored.
 */
#include "traces/gpu_analyses.h"

#include "engine/base/attributes.h"
#include "traces/gpu_critical.h"
#include "traces/gpu_device.h"
#include "traces/gpu_tally.h"

#define IMPORTED_RUN 1

/* Where devices' time went, and what comparisons need, from one scan. */
static int sum_up(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct gpu_device_result *device = NULL;
	struct gpu_tally tally;
	int status = gpu_tally_make_both(db, run, interrupt, error, &tally, &device);
	if (status != STATUS_OK)
		return status;
	status = gpu_device_write(db, run, device, error);
	if (status == STATUS_OK)
		status = gpu_tally_write(db, run, &tally, error);
	gpu_device_free(device);
	gpu_tally_finish(&tally);
	return status;
}

static gpu_analysis_fn *const analyses[] = { gpu_critical_analyse, sum_up };

int gpu_analyses_run(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error)
{
	int status = db_begin(db, error);
	for (size_t i = 0; i < ARRAY_LEN(analyses) && status == STATUS_OK; i++)
		status = analyses[i](db, run, interrupt, error);
	if (status == STATUS_OK)
		status = db_commit(db, error);
	if (status != STATUS_OK && db_is_in_transaction(db))
		db_rollback(db);
	return status;
}

int gpu_analyses_run_file(const char *file, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct db *db = NULL;
	int status = db_open(file, DB_WRITE, error, &db);
	if (status == STATUS_OK)
		status = db_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;", error);
	if (status == STATUS_OK)
		db_watch_interrupt(db, interrupt);
	if (status == STATUS_OK)
		status = gpu_analyses_run(db, IMPORTED_RUN, interrupt, error);
	db_close(db);
	return status;
}
