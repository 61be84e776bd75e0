/* SPDX-License-Identifier: Apache-2.0
 *
 * foreign: which arguments are imported, and what people are told of it.
 */
#include "tool/foreign.h"

#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"
#include "engine/base/file_kind.h"
#include "tool/command.h"
#include "tool/interrupt.h"
#include "tool/progress.h"

/* Names that promise a trace of another tool: what is wrong with such a file is told in its own terms. */
static const char *const suffixes[] = { ".json", ".json.gz", ".gz", ".nsys-rep", ".qdrep", ".sqlite" };

static bool has_foreign_name(const char *file)
{
	size_t n = strlen(file);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t length = strlen(suffixes[i]);
		if (n > length && strcmp(file + n - length, suffixes[i]) == 0)
			return true;
	}
	return false;
}

bool foreign_is(const char *file)
{
	enum import_kind kind;
	enum file_kind found = file_kind(file);
	return (found == FILE_KIND_SQLITE || found == FILE_KIND_OTHER) && import_detect(file, &kind, NULL) == STATUS_OK;
}

static bool show_progress(void *user, double share, uint64_t n_bytes)
{
	progress_update(user, (uint64_t)(share * 100), clock_now().ns);
	return true;
}

static int import_files(char *const *files, int n_files, bool uses_cache, struct foreign *foreign)
{
	struct progress progress;
	struct error error = { 0 };
	const struct import_options options = { .files = (const char *const *)files, .n_files = n_files, .progress = show_progress,
		.user = &progress, .interrupt = interrupt_flag() };
	clock_init();
	interrupt_catch();
	progress_init(&progress, "% imported", 100, false);
	int status = import_open(&options, uses_cache, &foreign->opened, &error);
	progress_finish(&progress);
	if (status != STATUS_OK)
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	foreign->file = foreign->opened.file;
	if (foreign->opened.directory)
		tool_failf(0, "imports of other tools' files are kept in %s; --no-cache keeps none", foreign->opened.directory);
	else if (uses_cache && foreign->opened.is_temporary)
		tool_failf(0, "the import could not be kept: the cache cannot be written");
	return TOOL_EXIT_DONE;
}

int foreign_open(char *const *files, int n_files, bool uses_cache, struct foreign *ret_foreign)
{
	*ret_foreign = (struct foreign){ .file = files[0] };
	for (int i = 0; i < n_files && n_files > 1; i++) {
		if (file_kind(files[i]) == FILE_KIND_TRACE)
			return tool_failf(TOOL_EXIT_USAGE, "%s is a tandem trace, of which one is taken; several files are the ranks of another"
				" tool's program", files[i]);
	}
	if (n_files == 1 && !foreign_is(files[0]) && (file_kind(files[0]) != FILE_KIND_OTHER || !has_foreign_name(files[0])))
		return TOOL_EXIT_DONE;
	return import_files(files, n_files, uses_cache, ret_foreign);
}

void foreign_close(struct foreign *foreign)
{
	import_opened_finish(&foreign->opened);
}
