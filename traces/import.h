/* SPDX-License-Identifier: Apache-2.0
 *
 * import: traces of other tools into a trace file of ours. The kind is found by content; memory is bounded whatever the size (O(batch)). Several
 * files become one run: the ranks of one program, on one time axis.
 *
 * What cannot be read is counted and located (import_problem rows), never silently dropped; a file that is cut or damaged is salvaged as far as it
 * can be read, says so in `meta` and in every report, and is refused only when nothing of it can be used.
 */
#ifndef TANDEM_TRACES_IMPORT_H
#define TANDEM_TRACES_IMPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"

/* X(NAME, word, phrase): what can be read. */
#define IMPORT_KIND_MAP(X)                                                     \
	X(NSYS, "nsys", "an Nsight Systems SQLite export")                     \
	X(KINETO, "kineto", "a PyTorch profile (Kineto JSON)")                 \
	X(RAY, "ray", "a Ray timeline (JSON)")                                 \
	X(CHROME, "chrome", "a Chrome trace (JSON)")
enum import_kind {
#define X(name, word, phrase) IMPORT_##name,
	IMPORT_KIND_MAP(X)
#undef X
	IMPORT_KINDS,
};
const char *import_kind_word(enum import_kind kind);

/* Looks at the first bytes (of a gzip file: of its content). STATUS_INPUT with what the file seems to be instead: a tandem trace, .nsys-rep (how to
 * export it), empty, unreadable, unknown. */
int import_detect(const char *file, enum import_kind *ret_kind, struct error *error);

/* X(NAME, word): how several files get one time axis. */
#define IMPORT_ALIGN_MAP(X)                                                                                    \
	X(AUTO, "auto")   /* by what they say of their clocks, and the common ends of collectives */           \
	X(NONE, "none")   /* times as they are */                                                              \
	X(START, "start") /* their beginnings together */
enum import_align {
#define X(name, word) IMPORT_ALIGN_##name,
	IMPORT_ALIGN_MAP(X)
#undef X
	IMPORT_ALIGNS,
};
#define IMPORT_NOT_SURE (-1) /* uncertainty_ns that is not known */

struct import_options {
	const char *const *files;      /* of one program: one file a rank */
	int n_files;
	enum import_align align;
	const char *output;            /* made anew; a tandem trace there is replaced, anything else refused */
	bool (*progress)(void *user, double share, uint64_t n_bytes); /* false: stop. May be NULL */
	void *user;
	const volatile sig_atomic_t *interrupt; /* may be NULL */
};

/* What came of one file. */
struct import_file {
	const char *file;
	enum import_kind kind;
	char version[48];              /* of the format: "3.25.0", "1", "" */
	int64_t rank, world_size;      /* −1: not known */
	uint64_t n_bytes, n_events;    /* read: JSON events or rows */
	uint64_t n_rows;               /* entered */
	uint64_t n_problems;           /* events that were not, for other reasons than that they say nothing (flow ends, sort indices, …) */
	bool is_cut;                   /* the file ends, or breaks off, in the middle */
	int64_t offset_ns, uncertainty_ns; /* added to its times to bring it onto the common axis, and how sure that is, or
					      IMPORT_NOT_SURE; 0, 0 for the first */
};

/* Imports all files into `output`. On failure no output is left. STATUS_STOPPED when told to. *ret_files [n_files] (may be NULL) is released with
 * free by the caller. */
int import_run(const struct import_options *options, struct import_file **ret_files, struct error *error);

/* The summary for people: a line a file, problems by cause with the place of the first, alignment, what to do next. */
void import_describe(const struct import_options *options, const struct import_file *files, struct strbuf *out);

/* The trace that answers for other tools' files. */
struct import_opened {
	char *file;             /* owned */
	char *directory;        /* owned; of the cache, when this call made it; otherwise NULL */
	bool is_temporary;      /* import_opened_finish removes the file */
	bool is_new;            /* imported by this call */
};

/* The cached import of other tools' files, for `view`, `report`, `compare`, `query`: made when there is none that is newer than the files, in
 * $XDG_CACHE_HOME/tandem (0700), named by a digest of path, size and time; least recently used ones are dropped beyond 4 GiB. A tandem trace is
 * answered by itself. Without a cache (`uses_cache` false, a directory that cannot be written, a full disk) the import is a temporary file in
 * $TMPDIR. `options->output` is not used. After success *ret_opened must be finished. */
int import_open(const struct import_options *options, bool uses_cache, struct import_opened *ret_opened, struct error *error);
void import_opened_finish(struct import_opened *opened);

#endif
