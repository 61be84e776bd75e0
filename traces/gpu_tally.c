/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_tally: layout of a run, names of marks, and the division of each device's time over iterations.
 */
#include "traces/gpu_tally.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/gpu_tally_private.h"
#include "traces/gpu_device.h"

int gpu_tally_out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to sum up the run");
}

void *gpu_tally_room(void *items, uint32_t n, uint64_t item_bytes)
{
	if (n & (n - 1) && n)
		return items;
	return realloc(items, (size_t)((n ? (uint64_t)n * 2 : 1) * item_bytes));
}

void gpu_tally_merge(struct compare_moments *moments, const struct compare_moments *other)
{
	int64_t n = moments->n + other->n;
	if (!other->n)
		return;
	double off = other->mean - moments->mean;
	moments->squares += other->squares + off * off * (double)moments->n * (double)other->n / (double)n;
	moments->mean += off * (double)other->n / (double)n;
	moments->n = n;
}

/* -- names of marks ------------------------------------------------------------------------------------------------------------- */

/* How many bytes of a name's tail say how it was called, not what it is. */
static bool is_tail(const char *text)
{
	static const char *const tails[] = { ", seq = ", ", op_id = ", ", sizes = " };
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		if (strncmp(text, tails[i], strlen(tails[i])) == 0)
			return true;
	}
	return false;
}

/* Digits at `text` that are left out: behind '#', or a line's number as in "file.py(12):"; 0: none. */
static size_t n_varying(const char *name, const char *text)
{
	size_t n = strspn(text, "0123456789");
	if (!n || text == name)
		return 0;
	bool is_line = text[-1] == '(' && text[n] == ')' && text[n + 1] == ':';
	return text[-1] == '#' || is_line ? n : 0;
}

void gpu_tally_normalise(const char *name, char *out, uint32_t size)
{
	uint32_t n = 0;
	for (const char *at = name; *at && n + 1 < size && !is_tail(at);) {
		at += n_varying(name, at);
		if (!*at)
			break;
		out[n++] = *at++;
	}
	while (n + 1 == size && n && ((unsigned char)out[n - 1] & 0xc0) == 0x80) /* cut between characters */
		n--;
	if (n + 1 == size && n && ((unsigned char)out[n - 1] & 0xc0) == 0xc0)
		n--;
	out[n] = '\0';
}

/* -- layout ----------------------------------------------------------------------------------------------------------------------- */

typedef int read_fn(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error);

static int each_row(struct db *db, const char *sql, int64_t run, read_fn *read, struct gpu_tally *sums, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = read(sums, stmt, error);
	db_finish(stmt);
	return status;
}

static int64_t int_or(struct db_stmt *stmt, int column, int64_t fallback)
{
	return db_column_type(stmt, column) == DB_NULL ? fallback : db_column_int(stmt, column);
}

static int read_run(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	(void)error;
	sums->start_ns = db_column_int(stmt, 0);
	sums->end_ns = db_column_int(stmt, 1);
	return STATUS_OK;
}

/* Columns: id, name, rank, model. */
static int read_device(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	struct gpu_tally_device *devices = gpu_tally_room(sums->devices, sums->n_devices, sizeof *devices);
	if (!devices)
		return gpu_tally_out_of_memory(error);
	sums->devices = devices;
	const char *name = db_column_text(stmt, 1), *model = db_column_text(stmt, 3);
	devices[sums->n_devices] = (struct gpu_tally_device){ .id = db_column_int(stmt, 0), .rank = int_or(stmt, 2, -1),
		.name = strdup(name ? name : ""), .model = model ? strdup(model) : NULL };
	return devices[sums->n_devices++].name ? STATUS_OK : gpu_tally_out_of_memory(error);
}

static int read_unit(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	struct gpu_tally_unit unit = { .execution = db_column_int(stmt, 0), .start_ns = db_column_int(stmt, 1), .end_ns = db_column_int(stmt, 2),
		.counts = db_column_int(stmt, 3) };
	struct gpu_tally_unit *last = sums->n_units ? &sums->units[sums->n_units - 1] : NULL;
	if (unit.end_ns <= unit.start_ns || (last && unit.start_ns == last->start_ns))
		return STATUS_OK;
	if (last && unit.start_ns < last->end_ns) {
		last->end_ns = unit.start_ns;
		last->is_clipped = true;
	}
	struct gpu_tally_unit *units = gpu_tally_room(sums->units, sums->n_units, sizeof *units);
	if (!units)
		return gpu_tally_out_of_memory(error);
	sums->units = units;
	units[sums->n_units++] = unit;
	return STATUS_OK;
}

static int read_process(struct gpu_tally *sums, struct db_stmt *stmt, struct error *error)
{
	struct gpu_tally_calls *calls = gpu_tally_room(sums->calls, sums->n_calls, sizeof *calls);
	if (!calls)
		return gpu_tally_out_of_memory(error);
	sums->calls = calls;
	calls[sums->n_calls++] = (struct gpu_tally_calls){ .id = db_column_int(stmt, 0), .rank = int_or(stmt, 1, -1) };
	return STATUS_OK;
}

int gpu_tally_layout(struct db *db, int64_t run, struct error *error, struct gpu_tally *sums)
{
	static const struct {
		const char *sql;
		read_fn *read;
	} steps[] = {
		{ "SELECT start_ns, end_ns FROM run WHERE id = ?", read_run },
		{ "SELECT d.id, d.name, (SELECT min(p.rank) FROM lane l JOIN process p ON p.id = l.process WHERE l.device = d.id),"
		  " (SELECT m.value FROM run_meta m WHERE m.run = d.run AND m.key = 'device ' || d.name) FROM device d WHERE d.run = ? ORDER BY d.id",
		  read_device },
		{ "SELECT execution, start_ns, end_ns, status = 0 AND NOT is_warmup AND NOT is_partial FROM execution WHERE run = ?"
		  " AND start_ns NOT NULL AND end_ns NOT NULL ORDER BY start_ns, end_ns", read_unit },
		{ "SELECT id, rank FROM process WHERE run = ? ORDER BY id", read_process },
	};
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++)
		status = each_row(db, steps[i].sql, run, steps[i].read, sums, error);
	if (sums->n_units > 1 && sums->units[sums->n_units - 2].is_clipped && sums->units[sums->n_units - 2].counts)
		sums->units[sums->n_units - 1].counts = false;
	size_t n = (size_t)sums->n_devices * sums->n_units;
	if (status == STATUS_OK)
		sums->unit_ns = calloc(n + 1, sizeof *sums->unit_ns);
	return status == STATUS_OK && !sums->unit_ns ? gpu_tally_out_of_memory(error) : status;
}

int gpu_tally_read_names(struct db *db, struct error *error, struct gpu_tally *sums)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	uint32_t most = 0;
	for (uint32_t i = 0; i < sums->n_sites; i++)
		most = sums->sites[i].name > most ? sums->sites[i].name : most;
	sums->names = calloc((size_t)most + 1, sizeof *sums->names);
	if (!sums->names)
		return gpu_tally_out_of_memory(error);
	sums->n_names = most + 1;
	int status = db_prepare(db, "SELECT text FROM string WHERE id = ?", NULL, error, &stmt);
	for (uint32_t i = 0; i < sums->n_sites && status == STATUS_OK; i++) {
		char **name = &sums->names[sums->sites[i].name];
		if (*name)
			continue;
		db_bind_int(stmt, 1, sums->sites[i].name);
		status = db_step(stmt, &has_row, error);
		const char *text = status == STATUS_OK && has_row ? db_column_text(stmt, 0) : NULL;
		*name = strdup(text ? text : "(no name)");
		db_reset(stmt);
		if (status == STATUS_OK && !*name)
			status = gpu_tally_out_of_memory(error);
	}
	db_finish(stmt);
	return status;
}

/* -- time ---------------------------------------------------------------------------------------------------------------------------- */

/* The first iteration that ends after a moment. */
static uint32_t first_open(const struct gpu_tally *sums, int64_t time_ns)
{
	uint32_t low = 0, high = sums->n_units;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (sums->units[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t gpu_tally_unit_at(const struct gpu_tally *sums, int64_t time_ns)
{
	uint32_t unit = first_open(sums, time_ns);
	return unit < sums->n_units && sums->units[unit].start_ns <= time_ns ? (int64_t)unit : -1;
}

int64_t gpu_tally_unit_of(const struct gpu_tally *sums, int64_t execution)
{
	for (uint32_t i = 0; i < sums->n_units; i++) { /* as a rule their numbers follow one another */
		uint32_t unit = (uint32_t)(((uint64_t)execution - (uint64_t)sums->units[0].execution + i) % sums->n_units);
		if (sums->units[unit].execution == execution)
			return unit;
	}
	return -1;
}

static void add_piece(void *user, uint32_t device, int64_t start_ns, int64_t end_ns, enum gpu_time kind)
{
	struct gpu_tally *sums = user;
	if (device >= sums->n_devices)
		return;
	sums->devices[device].has_time = true;
	sums->devices[device].window_ns[kind] += end_ns - start_ns;
	for (uint32_t unit = first_open(sums, start_ns); unit < sums->n_units && sums->units[unit].start_ns < end_ns; unit++) {
		int64_t from_ns = start_ns > sums->units[unit].start_ns ? start_ns : sums->units[unit].start_ns;
		int64_t until_ns = end_ns < sums->units[unit].end_ns ? end_ns : sums->units[unit].end_ns;
		sums->unit_ns[(size_t)device * sums->n_units + unit][kind] += until_ns - from_ns;
	}
}

/* What an iteration has beyond the device's window is not known. */
static void settle_units(struct gpu_tally *sums)
{
	for (uint32_t d = 0; d < sums->n_devices; d++) {
		for (uint32_t unit = 0; sums->devices[d].has_time && unit < sums->n_units; unit++) {
			int64_t *ns = sums->unit_ns[(size_t)d * sums->n_units + unit];
			int64_t rest_ns = sums->units[unit].end_ns - sums->units[unit].start_ns;
			for (int kind = 0; kind < GPU_TIME_COUNT; kind++)
				rest_ns -= ns[kind];
			ns[GPU_TIME_UNKNOWN] += rest_ns;
		}
	}
}

/* One scan of the spans, for the division of time and for the sums. */
static int scan(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_tally *sums,
	struct gpu_device_result **ret_device)
{
	struct gpu_split_options options = { .piece = add_piece, .user = sums };
	struct gpu_device_pass *device;
	struct gpu_tally_pass *tally = NULL;
	int status = gpu_device_begin(db, run, &options, error, &device);
	if (status != STATUS_OK)
		return status;
	status = gpu_tally_begin(db, run, error, sums, &tally);
	if (status == STATUS_OK) {
		const struct gpu_row_visitor visitors[] = { { gpu_device_row, device }, { gpu_tally_row, tally } };
		status = gpu_rows_each(db, run, visitors, ARRAY_LEN(visitors), interrupt, error);
		gpu_tally_end(tally);
	}
	*ret_device = gpu_device_end(device, status == STATUS_OK);
	return status;
}

int gpu_tally_make_both(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_tally *ret_sums,
	struct gpu_device_result **ret_device)
{
	struct gpu_tally sums = { 0 };
	struct gpu_device_result *device = NULL;
	int status = gpu_tally_layout(db, run, error, &sums);
	if (status == STATUS_OK)
		status = scan(db, run, interrupt, error, &sums, &device);
	if (status == STATUS_OK)
		status = gpu_tally_read_names(db, error, &sums);
	if (status != STATUS_OK) {
		gpu_device_free(device);
		gpu_tally_finish(&sums);
		return status;
	}
	settle_units(&sums);
	*ret_sums = sums;
	*ret_device = device;
	return STATUS_OK;
}

int gpu_tally_make(struct db *db, int64_t run, const volatile sig_atomic_t *interrupt, struct error *error, struct gpu_tally *ret_sums)
{
	struct gpu_device_result *device = NULL;
	int status = gpu_tally_make_both(db, run, interrupt, error, ret_sums, &device);
	gpu_device_free(device);
	return status;
}

void gpu_tally_finish(struct gpu_tally *sums)
{
	for (uint32_t i = 0; i < sums->n_paths; i++)
		free(sums->paths[i].name);
	for (uint32_t i = 0; i < sums->n_devices; i++) {
		free(sums->devices[i].name);
		free(sums->devices[i].model);
	}
	for (uint32_t i = 0; i < sums->n_names; i++)
		free(sums->names[i]);
	free(sums->paths);
	free(sums->sites);
	free(sums->devices);
	free(sums->units);
	free(sums->calls);
	free(sums->unit_ns);
	free(sums->names);
	*sums = (struct gpu_tally){ 0 };
}
