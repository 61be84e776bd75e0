/* SPDX-License-Identifier: Apache-2.0
 *
 * program: a compiled graph as flat tables in one sealed memfd: what the driver makes once and workers and the collector map
 * read-only. No pointers: strings are offsets from the start of the mapping, lists are (first, n) ranges of an index table.
 * Who reads one checks it whole first (program_open), so that later code can trust every index.
 */
#ifndef TANDEM_ENGINE_RUN_PROGRAM_H
#define TANDEM_ENGINE_RUN_PROGRAM_H

#include <assert.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/graph/plan.h"

#define PROGRAM_MAGIC 0x544e4d5250474d31ull
#define PROGRAM_VERSION 2
#define PROGRAM_NONE UINT32_MAX /* "no such index" */
#define PROGRAM_NOWHERE UINT64_MAX /* "no such offset" */

/* X(NAME, word) */
#define RUN_MODE_MAP(X) X(COMPILED, "compiled") X(INTERPRETED, "interpreted")
enum run_mode {
#define X(name, word) RUN_MODE_##name,
	RUN_MODE_MAP(X)
#undef X
	RUN_MODE_COUNT
};
const char *run_mode_word(enum run_mode mode);

/* A run of entries of a table. */
struct program_range {
	uint32_t first, n;
};

struct program_worker {
	uint32_t name, device; /* strings */
	struct program_range steps;
	uint64_t private_offset; /* in the slots segment: its private block, which nobody else writes … */
	uint64_t private_bytes;  /* … with its LOCAL channels and outputs that nobody reads; 0 when it has none */
};

struct program_node {
	uint32_t name, op;          /* strings; op is "" for input and output */
	uint32_t worker;
	uint32_t collective;        /* string; PROGRAM_NONE when none */
	struct program_range params;  /* of the index table: pairs of strings (name, value) */
	struct program_range inputs;  /* of the index table: edges by argument position */
	struct program_range types;   /* of the types table: outputs */
	uint32_t is_overwriting;      /* output 0 shares input 0's slot and run must be called */
	uint32_t line;
};

struct program_edge {
	uint32_t name, result;      /* strings; result PROGRAM_NONE unless the edge leads to output */
	uint32_t src, dst;          /* nodes */
	uint32_t src_output, dst_input; /* PROGRAM_NONE for control */
	uint32_t channel;           /* PROGRAM_NONE when nothing moves */
	uint32_t is_peer;           /* collective: reads another rank's input */
};

struct program_channel {
	uint32_t node, output;      /* output PROGRAM_NONE for control */
	uint32_t storage;           /* channel index */
	uint32_t transport;         /* enum transport */
	uint32_t depth;
	uint32_t reserved;
	uint64_t payload_bytes;     /* at the bound */
	uint64_t slot_bytes;        /* of its own slots: header and, when it is a storage, payload */
	uint64_t slots_offset;      /* in the slots segment; of LOCAL channels in their worker's private block */
	uint64_t releases_offset;   /* in the slots segment: [releasers.n] cache lines, each a release cursor; SHM storages
				       only */
	struct program_range readers;   /* of the index table: edges */
	struct program_range releasers; /* of the index table: workers */
};

struct program_step {
	uint32_t kind; /* enum plan_step_kind */
	uint32_t node, channel, edge, reader; /* as struct plan_step; PROGRAM_NONE for -1 */
};

struct program_meta {
	uint32_t key, value; /* strings: for the trace's `meta` and `run` tables: "command", "seed", "record", … */
};

struct program_header {
	uint64_t magic;
	uint32_t version, header_bytes;
	uint64_t total_bytes;
	uint32_t mode;       /* enum run_mode */
	uint32_t in_flight;
	uint64_t seed;
	uint32_t graph_name, graph_file, graph_text; /* strings */
	uint32_t n_threads;  /* threads an op may use */
	struct symbols symbols;
	uint32_t n_workers, n_nodes, n_edges, n_channels, n_steps, n_types, n_indices, n_metas;
	uint64_t workers, nodes, edges, channels, steps, types, scratch, indices, metas, strings; /* offsets of the tables */
	uint64_t strings_bytes;
	uint64_t slots_bytes;           /* size of the slots segment */
};

/* A checked mapping. All pointers lie inside it. */
struct program {
	const struct program_header *header;
	const struct program_worker *workers;
	const struct program_node *nodes;
	const struct program_edge *edges;
	const struct program_channel *channels;
	const struct program_step *steps;
	const struct tensor_type *types;
	const uint64_t *scratch; /* [n_types] where an output lies that no channel carries: in the slots segment; PROGRAM_NOWHERE */
	const uint32_t *indices;
	const struct program_meta *metas;
	const char *strings;
	size_t mapping_bytes;
};

/* A pair for program_header's metas. */
struct program_setting {
	const char *key, *value;
};

struct program_options {
	enum run_mode mode;
	uint64_t seed;
	int n_threads;
	const struct program_setting *settings;
	int n_settings;
};

/* Flattens a plan into a new memfd, sealed against writing and resizing, *ret_fd, which the caller closes. */
int program_build(const struct plan *plan, const struct program_options *options, struct error *error, int *ret_fd);

/* Maps and checks: that the memfd is sealed, every offset, range, index, string and enum, that channels and steps fit
 * together, and that slots lie where program_build puts them. STATUS_PROTOCOL when the bytes are no program. The mapping
 * lives until program_close. `fd` stays the caller's. */
int program_open(int fd, struct program *ret_program, struct error *error);
void program_close(struct program *program);

static inline const char *program_string(const struct program *program, uint32_t offset)
{
	return offset == PROGRAM_NONE ? "" : program->strings + offset;
}

/* Whether the slots of a storage are governed by the limit in flight alone. Nodes release before they publish, and the driver submits
 * execution k only after it has released k − in_flight: whoever handles k in a storage at least that deep knows its slot free, and
 * neither RESERVE nor RELEASE has anything to do. */
static inline bool program_needs_no_release(const struct program *program, uint32_t storage)
{
	return program->channels[storage].depth >= program->header->in_flight;
}

/* A collective's rank: the position of the input that is no other rank's. 0 for any other node. */
static inline uint32_t program_rank(const struct program *program, const struct program_node *node)
{
	uint32_t rank = 0;
	while (rank < node->inputs.n && program->edges[program->indices[node->inputs.first + rank]].is_peer)
		rank++;
	return rank;
}

/* The value of a meta key, or `fallback`. */
const char *program_meta(const struct program *program, const char *key, const char *fallback);

#endif
