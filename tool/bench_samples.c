/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_samples: collecting repeats and reducing them to one row each.
 */
#include "tool/bench_samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/bench_bare.h"

struct bench_sample_row {
	char name[96], unit[24];
	const char *bench;
	enum bench_sense sense;
	double target;
	double *values, *limits; /* [n] */
	int n;
};

static struct bench_sample_row *find_or_add(struct bench_rows *rows, const char *name)
{
	for (int i = 0; i < rows->n_rows; i++) {
		if (strcmp(rows->rows[i].name, name) == 0)
			return &rows->rows[i];
	}
	if (rows->n_rows == rows->capacity) {
		int capacity = rows->capacity ? 2 * rows->capacity : 32;
		struct bench_sample_row *grown = realloc(rows->rows, (size_t)capacity * sizeof *grown);
		if (!grown)
			return NULL;
		rows->rows = grown;
		rows->capacity = capacity;
	}
	struct bench_sample_row *row = &rows->rows[rows->n_rows++];
	*row = (struct bench_sample_row){ .bench = rows->bench };
	snprintf(row->name, sizeof row->name, "%s", name);
	return row;
}

static bool append(double **numbers, int n, double number)
{
	double *grown = realloc(*numbers, ((size_t)n + 1) * sizeof *grown);
	if (!grown)
		return false;
	grown[n] = number;
	*numbers = grown;
	return true;
}

void bench_row(struct bench_rows *rows, const char *name, double value, const char *unit, enum bench_sense sense, double limit,
	double target)
{
	struct bench_sample_row *row = find_or_add(rows, name);
	if (!row || !append(&row->values, row->n, value) || !append(&row->limits, row->n, limit)) {
		rows->is_failed = true;
		return;
	}
	row->n++;
	row->sense = sense;
	row->target = target;
	snprintf(row->unit, sizeof row->unit, "%s", unit);
}

static double best_of(const double *numbers, int n, enum bench_sense sense)
{
	double best = numbers[0];
	for (int i = 1; i < n; i++)
		best = sense == BENCH_LOWER ? fmin(best, numbers[i]) : fmax(best, numbers[i]);
	return best;
}

static double distance(enum bench_sense sense, double value, double limit)
{
	return sense == BENCH_LOWER ? value / limit : limit / value;
}

/* Half the range over the median; `numbers` is sorted by it. */
static double spread_of(double *numbers, int n)
{
	if (n < 2)
		return NAN;
	double low = best_of(numbers, n, BENCH_LOWER), high = best_of(numbers, n, BENCH_HIGHER);
	return fabs((high - low) / 2 / bench_median(numbers, n));
}

static void reduce_row(const struct bench_sample_row *row, double *scratch, struct bench_result *result)
{
	bool has_limit = !isnan(row->limits[0]);
	snprintf(result->name, sizeof result->name, "%s", row->name);
	snprintf(result->unit, sizeof result->unit, "%s", row->unit);
	snprintf(result->bench, sizeof result->bench, "%s", row->bench ? row->bench : "");
	result->sense = row->sense;
	result->target = row->target;
	for (int i = 0; i < row->n; i++)
		scratch[i] = has_limit ? distance(row->sense, row->values[i], row->limits[i]) : row->values[i];
	result->spread = spread_of(scratch, row->n);
	result->value = has_limit ? best_of(row->values, row->n, row->sense) : bench_median(scratch, row->n);
	result->limit = has_limit ? best_of(row->limits, row->n, row->sense) : NAN;
	result->ratio = has_limit ? distance(row->sense, result->value, result->limit) : NAN;
}

void bench_samples_reduce(const struct bench_rows *rows, struct bench_results *results)
{
	results->is_failed = results->is_failed || rows->is_failed;
	for (int i = 0; i < rows->n_rows; i++) {
		const struct bench_sample_row *row = &rows->rows[i];
		double *scratch = row->n ? calloc((size_t)row->n, sizeof *scratch) : NULL;
		struct bench_result *result = scratch ? bench_results_add(results) : NULL;
		if (result)
			reduce_row(row, scratch, result);
		else
			results->is_failed = true;
		free(scratch);
	}
}

void bench_samples_finish(struct bench_rows *rows)
{
	for (int i = 0; i < rows->n_rows; i++) {
		free(rows->rows[i].values);
		free(rows->rows[i].limits);
	}
	free(rows->rows);
	*rows = (struct bench_rows)BENCH_ROWS_INIT;
}
