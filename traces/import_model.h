/* SPDX-License-Identifier: Apache-2.0
 *
 * import_model: what the sink (import_sink.c) keeps of an import while it goes on, and what writes it at the end (import_write.c) reads.
 */
#ifndef TANDEM_TRACES_IMPORT_MODEL_H
#define TANDEM_TRACES_IMPORT_MODEL_H

#include "engine/base/strbuf.h"
#include "traces/import_sink.h"
#include "traces/import_sort.h"

#define IMPORT_DEPTH_MAX 64              /* deeper nesting shares the last lane */
#define IMPORT_LANES_MAX 6000            /* where that makes more, nesting is cut lower: a lane costs some 50 KiB while it is written */
#define IMPORT_TRACKS_MAX 4096           /* threads and streams; likewise processes and devices */
#define IMPORT_STRINGS_MAX (2u << 20)
#define IMPORT_TEXT_BYTES_MAX (96u << 20) /* of all texts */
#define IMPORT_STRING_BYTES_MAX (64u << 10)
#define IMPORT_OPENS_MAX (128u << 10)    /* beginnings that wait for their ends */
#define IMPORT_KIND_COUNTER UINT8_MAX    /* import_record.kind of a counter */

/* A hash table from bytes to numbers; the bytes are the caller's to compare. */
struct import_index {
	uint32_t *slots; /* number + 1; 0: free */
	uint32_t n_slots, n;
};

struct model_string {
	uint32_t at, n;  /* in the text */
};

struct model_process {
	int64_t pid, rank;
	int64_t key;     /* what it is found by: the pid of import_process */
	uint32_t key_name;
	char *name;      /* owned; NULL: not known */
	int source;
};

struct model_device {
	uint32_t process;
	int64_t number;
	char *name, *kind; /* owned; NULL */
};

/* A thread or a stream. Its work lies on one lane (streams: spans may overlap), what nests on a lane a depth. */
struct model_track {
	bool is_stream;
	uint32_t process, device;
	int64_t number, context;  /* tid; stream */
	char *name;               /* owned; NULL */
	/* found by the first round */
	int64_t *ends;            /* [n_open] of the spans that are open; owned */
	uint32_t n_open, capacity;
	uint32_t top_open;        /* opens: index + 1 of the innermost beginning without end; 0: none */
	uint32_t n_depths;        /* lanes for what nests */
	bool has_work;            /* and one for device work */
	int64_t first_lane;       /* index: work first where there is any */
};

/* A B that waits for its E. */
struct model_open {
	struct import_span span;
	uint64_t place;
	uint32_t below;           /* the one that it lies in, or the next free place: index + 1 */
};

/* The end of a collective's kernel. */
struct model_end {
	int64_t end_ns;
	uint32_t name;
};

/* A file's times, as it has them, and how they come onto the common axis. */
struct model_source {
	int64_t start_ns, end_ns; /* start > end: nothing */
	int64_t base_ns;          /* Unix time of its time 0 */
	bool has_base;
	struct model_end *ends;   /* owned */
	uint32_t n_ends;
	int64_t offset_ns, uncertainty_ns;
	const char *method;       /* "none", "wall clock", "collectives", "start" */
};

struct model_count {
	int source;
	char what[64];
	uint64_t n;
};

struct model_problem {
	int source;
	const char *cause;        /* a literal */
	uint64_t n, first_place;
};

struct model_meta {
	char *key, *value;
};

struct model_log {
	int64_t time_ns;
	const char *level;
	char *text;
};

struct import_sink {
	const struct import_options *options;
	struct import_sort *sort;
	struct strbuf text;
	struct model_string *strings;
	struct model_process *processes;
	struct model_device *devices;
	struct model_track *tracks;
	struct model_open *opens;
	struct model_problem *problems;
	struct model_count *counts;
	struct model_meta *metas;
	struct model_log *logs;
	struct import_arg *args;
	struct import_file **sources; /* the caller's, one a file */
	struct model_source *source_times;
	uint8_t *known_collectives;  /* [n_known] of texts: 0 not looked at, 1 no, 2 yes */
	uint8_t *known_apis;         /* [n_known_apis] likewise: 1 + enum import_api */
	uint32_t n_known, n_known_apis, free_open, other_text;
	uint64_t place;              /* of what is being read */
	uint32_t n_strings, n_processes, n_devices, n_tracks, n_opens, n_problems, n_counts, n_metas, n_logs, n_args, n_sources;
	struct import_index string_index, track_index, process_index, device_index;
	int64_t start_ns, end_ns;    /* of everything; start > end: nothing */
	bool is_out_of_memory;       /* in a call that returns no status: told at the next one that does */
};

/* One lane of the file; its id is its index + 1, in the order in which they are shown. */
struct import_lane {
	uint32_t track;
	int depth;       /* of what nests; -1: device work */
};

int import_out_of_memory(struct error *error);
/* Room for one more; the array doubles at powers of two. False without memory, which is remembered. */
bool import_room(struct import_sink *sink, void *items, uint32_t n, size_t item_bytes);
/* Bytes by text, 0 at first, as many as there are texts; false without memory. */
bool import_bytes_by_text(struct import_sink *sink, uint8_t **bytes, uint32_t *n);
char *import_copy(struct import_sink *sink, const char *text);

/* Remembers the end of a collective's kernel. */
void import_align_kernel(struct import_sink *sink, uint32_t name, int64_t start_ns, int64_t end_ns);
/* Finds the offset of each file and applies it; the sink's bounds are known then. STATUS_INPUT when files cannot belong together. */
int import_align(struct import_sink *sink, struct error *error);

/* The first round: how deep each span nests, and which lanes that makes; *ret_lanes is released with free. */
int import_find_lanes(struct import_sink *sink, struct import_lane **ret_lanes, uint32_t *ret_n, struct error *error);
/* "rank 0 cuda:0 stream 7", "python 4711 thread 4712 +1". */
void import_lane_name(const struct import_sink *sink, const struct import_lane *lane, struct strbuf *out);
/* "cuda:0" */
void import_device_word(const struct import_sink *sink, uint32_t device, struct strbuf *out);

/* Whether a kernel of this name moves data between devices for a collective: NCCL, RCCL, HCCL. */
bool import_is_collective(const char *name, size_t n);

/* Lanes; then rows, sums, level of detail, into a new `file`. */
int import_write(struct import_sink *sink, const char *file, struct error *error);

/* −1, in 64 bits or 32: work of the host, or of a stream that the source does not know. */
static inline bool import_is_no_stream(int64_t stream)
{
	return stream == -1 || stream == UINT32_MAX;
}

static inline const char *import_text(const struct import_sink *sink, uint32_t string, uint32_t *ret_n)
{
	*ret_n = sink->strings[string].n;
	return sink->text.text + sink->strings[string].at;
}

#endif
