/* SPDX-License-Identifier: Apache-2.0
 *
 * import: what a file is, and the way of all files of a run into one trace.
 */
#include "traces/import.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/file_kind.h"
#include "engine/base/units.h"
#include "traces/import_input.h"
#include "traces/import_sink.h"

#define LOOK_BYTES (256u << 10)

static const char *const words[IMPORT_KINDS] = {
#define X(name, word, phrase) [IMPORT_##name] = word,
	IMPORT_KIND_MAP(X)
#undef X
};
static const char *const phrases[IMPORT_KINDS] = {
#define X(name, word, phrase) [IMPORT_##name] = phrase,
	IMPORT_KIND_MAP(X)
#undef X
};
static import_fn *const importers[IMPORT_KINDS] = {
	[IMPORT_NSYS] = import_nsys, [IMPORT_KINETO] = import_kineto, [IMPORT_RAY] = import_chrome, [IMPORT_CHROME] = import_chrome,
};

const char *import_kind_word(enum import_kind kind)
{
	return words[kind];
}

/* -- what a file is --------------------------------------------------------------------------------------------------------- */

static bool has(const char *bytes, size_t n, const char *word)
{
	return memmem(bytes, n, word, strlen(word)) != NULL;
}

/* Words that only the one kind of writer puts into its events. */
static enum import_kind json_kind(const char *bytes, size_t n)
{
	static const char *const kineto[] = { "\"schemaVersion\"", "\"deviceProperties\"", "\"distributedInfo\"", "\"cuda_runtime\"",
		"\"cpu_op\"", "\"External id\"", "\"baseTimeNanoseconds\"", "\"user_annotation\"" };
	static const char *const ray[] = { "\"task::", "\"task:execute\"", "\"task:deserialize_arguments\"", "\"worker:" };
	for (size_t i = 0; i < ARRAY_LEN(kineto); i++) {
		if (has(bytes, n, kineto[i]))
			return IMPORT_KINETO;
	}
	for (size_t i = 0; i < ARRAY_LEN(ray); i++) {
		if (has(bytes, n, ray[i]))
			return IMPORT_RAY;
	}
	return IMPORT_CHROME;
}

static int look_at_text(const char *file, const char *bytes, size_t n, enum import_kind *ret_kind, struct error *error)
{
	size_t at = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (at < n && strchr(" \t\r\n", bytes[at]) && bytes[at])
		at++;
	if (at == n)
		return error_set(error, STATUS_INPUT, "%s: the file is empty", file);
	if (bytes[at] != '{' && bytes[at] != '[')
		return error_set(error, STATUS_INPUT, "%s: not a trace that can be read: neither SQLite nor JSON; "
			"nsys reports (.nsys-rep) are exported first: nsys export --type sqlite %s", file, file);
	if (!has(bytes, n, "\"ph\"") && !has(bytes, n, "\"traceEvents\"") && !has(bytes, n, "\"schemaVersion\"") && n < LOOK_BYTES)
		return error_set(error, STATUS_INPUT, "%s: JSON, but no trace: there are no events (\"traceEvents\", \"ph\") in it", file);
	*ret_kind = json_kind(bytes, n);
	return STATUS_OK;
}

static int look_inside(const char *file, enum import_kind *ret_kind, struct error *error)
{
	struct import_input *input = NULL;
	char *bytes = malloc(LOOK_BYTES);
	size_t n = 0, more = 1;
	struct error ignored;
	int status = bytes ? import_input_open(file, error, &input) : error_set(error, STATUS_NO_MEMORY, "no memory for looking at a file");
	while (status == STATUS_OK && n < LOOK_BYTES && more) {
		if (import_input_read(input, bytes + n, LOOK_BYTES - n, &more, &ignored) != STATUS_OK)
			more = 0;
		n += more;
	}
	if (status == STATUS_OK)
		status = look_at_text(file, bytes, n, ret_kind, error);
	import_input_close(input);
	free(bytes);
	return status;
}

int import_detect(const char *file, enum import_kind *ret_kind, struct error *error)
{
	switch (file_kind(file)) {
	case FILE_KIND_MISSING:
		return error_set(error, STATUS_INPUT, "%s: there is no such file", file);
	case FILE_KIND_UNREADABLE:
		return error_set_errno(error, STATUS_INPUT, "%s", file);
	case FILE_KIND_EMPTY:
		return error_set(error, STATUS_INPUT, "%s: the file is empty", file);
	case FILE_KIND_TRACE:
		return error_set(error, STATUS_INPUT, "%s: a tandem trace already; it needs no import", file);
	case FILE_KIND_SQLITE:
		*ret_kind = IMPORT_NSYS;
		return STATUS_OK;
	default:
		return look_inside(file, ret_kind, error);
	}
}

/* -- importing -------------------------------------------------------------------------------------------------------------- */

static int check_output(const char *file, struct error *error)
{
	enum file_kind kind = file_kind(file);
	struct stat info;
	bool is_plain = stat(file, &info) < 0 || S_ISREG(info.st_mode); /* a device, which the new file would replace, looks empty */
	if (is_plain && (kind == FILE_KIND_MISSING || kind == FILE_KIND_EMPTY || kind == FILE_KIND_TRACE))
		return STATUS_OK;
	return error_set(error, STATUS_INPUT, "-o %s: the file exists and is no tandem trace, so it is left alone; "
		"choose another name", file);
}

int import_run(const struct import_options *options, struct import_file **ret_files, struct error *error)
{
	struct import_sink *sink = NULL;
	struct import_file *files = calloc((size_t)options->n_files + 1, sizeof *files);
	int status = files ? check_output(options->output, error) : error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	for (int i = 0; i < options->n_files && status == STATUS_OK; i++) {
		files[i] = (struct import_file){ .file = options->files[i], .rank = -1, .world_size = -1 };
		status = import_detect(options->files[i], &files[i].kind, error);
	}
	if (status == STATUS_OK)
		status = import_sink_create(options, error, &sink);
	for (int i = 0; i < options->n_files && status == STATUS_OK; i++) {
		status = import_begin_file(sink, &files[i], error);
		if (status == STATUS_OK)
			status = importers[files[i].kind](sink, options, &files[i], error);
	}
	if (status == STATUS_OK)
		status = import_sink_close(sink, error);
	import_sink_destroy(sink);
	if (status == STATUS_OK && ret_files)
		*ret_files = files;
	else
		free(files);
	return status;
}

void import_describe(const struct import_options *options, const struct import_file *files, struct strbuf *out)
{
	for (int i = 0; i < options->n_files; i++) {
		const struct import_file *file = &files[i];
		char bytes[32];
		strbuf_addf(out, "%s: %s", file->file, phrases[file->kind]);
		if (file->version[0])
			strbuf_addf(out, " %s", file->version);
		if (file->rank >= 0)
			strbuf_addf(out, ", rank %" PRId64, file->rank);
		if (file->rank >= 0 && file->world_size > 0)
			strbuf_addf(out, " of %" PRId64, file->world_size);
		strbuf_addf(out, ", %s: %" PRIu64 " events, %" PRIu64 " "
			"spans", units_bytes(file->n_bytes, bytes, sizeof bytes), file->n_events,
			file->n_rows);
		if (file->n_problems)
			strbuf_addf(out, ", %" PRIu64 " could not be read", file->n_problems);
		strbuf_add(out, file->is_cut ? "; the file is CUT or damaged: this is what could be read of it\n" : "\n");
		if (file->uncertainty_ns == IMPORT_NOT_SURE)
			strbuf_addf(out, "  its clock: %+" PRId64 " ns, how surely is not known\n", file->offset_ns);
		else if (file->offset_ns || file->uncertainty_ns)
			strbuf_addf(out, "  its clock: %+" PRId64 " ns, sure to %" PRId64 " ns\n", file->offset_ns, file->uncertainty_ns);
	}
}
