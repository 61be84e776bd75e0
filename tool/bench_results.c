/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_results: rows of measurements, written and read.
 */
#include "tool/bench_results.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/file_text.h"

const char *const bench_setting_names[BENCH_SETTING_COUNT] = {
#define X(member) #member,
	BENCH_SETTING_MAP(X)
#undef X
};

static const char *const sense_words[] = { [BENCH_LOWER] = "lower", [BENCH_HIGHER] = "higher" };

struct bench_result *bench_results_add(struct bench_results *results)
{
	if (results->n_items == results->capacity) {
		int capacity = results->capacity ? 2 * results->capacity : 32;
		struct bench_result *items = realloc(results->items, (size_t)capacity * sizeof *items);
		if (!items) {
			results->is_failed = true;
			return NULL;
		}
		results->items = items;
		results->capacity = capacity;
	}
	struct bench_result *result = &results->items[results->n_items++];
	*result = (struct bench_result){ 0 };
	return result;
}

const struct bench_result *bench_results_find(const struct bench_results *results, const char *name)
{
	for (int i = 0; i < results->n_items; i++) {
		if (strcmp(results->items[i].name, name) == 0)
			return &results->items[i];
	}
	return NULL;
}

void bench_results_finish(struct bench_results *results)
{
	free(results->items);
	*results = (struct bench_results){ 0 };
}

static void read_cpu(char *text, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");
	while (file && fgets(line, sizeof line, file)) {
		const char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (file)
		fclose(file);
}

void bench_results_set_here(struct bench_results *results)
{
	size_t size = sizeof results->settings[0];
	cpu_set_t cores;
	gethostname(results->settings[BENCH_SETTING_host], size - 1);
	read_cpu(results->settings[BENCH_SETTING_cpu], size);
	if (sched_getaffinity(0, sizeof cores, &cores) == 0)
		snprintf(results->settings[BENCH_SETTING_cores], size, "%d", CPU_COUNT(&cores));
	snprintf(results->settings[BENCH_SETTING_version], size, "%s", TANDEM_VERSION);
	snprintf(results->settings[BENCH_SETTING_compiler], size, "%s", TANDEM_COMPILER);
	snprintf(results->settings[BENCH_SETTING_build], size, "%s", TANDEM_BUILD);
}

static const struct table_column columns[] = {
	{ "name", TABLE_TEXT }, { "value", TABLE_REAL }, { "unit", TABLE_TEXT }, { "limit", TABLE_REAL }, { "ratio", TABLE_REAL },
	{ "target", TABLE_REAL }, { "spread", TABLE_REAL }, { "bench", TABLE_TEXT }, { "better", TABLE_TEXT },
};
#define N_TEXT_COLUMNS 6 /* what people are shown */

static void add_row(struct table *table, const struct bench_result *result, bool is_text)
{
	table_text(table, result->name);
	table_real(table, result->value);
	table_text(table, result->unit);
	table_real(table, result->limit);
	table_real(table, result->ratio);
	table_real(table, result->target);
	if (is_text)
		return;
	table_real(table, result->spread);
	table_text(table, result->bench);
	table_text(table, sense_words[result->sense]);
}

void bench_results_text(const struct bench_results *results, struct strbuf *out)
{
	struct table table;
	table_init(&table, columns, N_TEXT_COLUMNS);
	for (int i = 0; i < results->n_items; i++)
		add_row(&table, &results->items[i], true);
	table_print(&table, 0, out);
	table_finish(&table);
}

static void add_settings(const struct bench_results *results, const char *name, int first, int end, struct strbuf *out)
{
	strbuf_addf(out, ", \"%s\": {", name);
	for (int i = first; i < end; i++) {
		strbuf_addf(out, "%s\"%s\": \"", i > first ? ", " : "", bench_setting_names[i]);
		strbuf_add_json(out, results->settings[i]);
		strbuf_add(out, "\"");
	}
	strbuf_add(out, "}");
}

void bench_results_json(const struct bench_results *results, struct strbuf *out)
{
	struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (int i = 0; i < results->n_items; i++)
		add_row(&table, &results->items[i], false);
	strbuf_add(out, "{\"rows\": ");
	table_json(&table, out);
	add_settings(results, "machine", 0, BENCH_MACHINE_SETTINGS, out);
	add_settings(results, "build", BENCH_MACHINE_SETTINGS, BENCH_SETTING_COUNT, out);
	strbuf_add(out, "}\n");
	table_finish(&table);
}

static double read_number(const cJSON *row, const char *name)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(row, name);
	return cJSON_IsNumber(member) ? member->valuedouble : NAN;
}

/* "" when it is missing or no text. */
static void read_text(const cJSON *object, const char *name, char *text, size_t size)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	snprintf(text, size, "%s", value ? value : "");
}

static int read_row(const char *file, const cJSON *row, struct bench_results *results, struct error *error)
{
	char sense[16];
	struct bench_result *result = bench_results_add(results);
	if (!result)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	read_text(row, "name", result->name, sizeof result->name);
	read_text(row, "unit", result->unit, sizeof result->unit);
	read_text(row, "bench", result->bench, sizeof result->bench);
	read_text(row, "better", sense, sizeof sense);
	result->sense = strcmp(sense, sense_words[BENCH_HIGHER]) == 0 ? BENCH_HIGHER : BENCH_LOWER;
	result->value = read_number(row, "value");
	result->limit = read_number(row, "limit");
	result->ratio = read_number(row, "ratio");
	result->target = read_number(row, "target");
	result->spread = read_number(row, "spread");
	if (!result->name[0] || isnan(result->value))
		return error_set(error, STATUS_INPUT, "%s: row %d has no name or no value; was it made by 'tandem bench --json'?", file,
			results->n_items);
	return STATUS_OK;
}

static int read_document(const char *file, const cJSON *document, struct bench_results *results, struct error *error)
{
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(document, "rows"), *row;
	const cJSON *machine = cJSON_GetObjectItemCaseSensitive(document, "machine");
	const cJSON *build = cJSON_GetObjectItemCaseSensitive(document, "build");
	int status = STATUS_OK;
	if (!cJSON_IsArray(rows))
		return error_set(error, STATUS_INPUT, "%s: there are no \"rows\"; was it made by 'tandem bench --json'?", file);
	cJSON_ArrayForEach(row, rows) {
		if (status == STATUS_OK)
			status = read_row(file, row, results, error);
	}
	for (int i = 0; i < BENCH_SETTING_COUNT; i++)
		read_text(i < BENCH_MACHINE_SETTINGS ? machine : build, bench_setting_names[i], results->settings[i],
			sizeof results->settings[i]);
	return status;
}

static int line_of(const char *text, const char *at)
{
	int line = 1;
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

int bench_results_read(const char *file, struct error *error, struct bench_results *ret_results)
{
	struct strbuf text = STRBUF_INIT;
	const char *end = NULL;
	*ret_results = (struct bench_results){ 0 };
	int status = file_text_read(file, &text, error);
	cJSON *document = status ? NULL : cJSON_ParseWithOpts(strbuf_text(&text), &end, true);
	if (!status && !document)
		status = error_set(error, STATUS_INPUT, "%s:%d: this is no JSON; give what 'tandem bench --json' printed", file,
			end ? line_of(strbuf_text(&text), end) : 1);
	if (!status)
		status = read_document(file, document, ret_results, error);
	cJSON_Delete(document);
	strbuf_finish(&text);
	if (status)
		bench_results_finish(ret_results);
	return status;
}
