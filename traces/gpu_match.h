/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_match: which place of work in one run is which in the other. Rules, the first that applies; each item has one twin at most:
 *
 *     node    nodes of device graphs: a longest common subsequence of their names, in order of the nodes that they were cloned from
 *     order   the same annotation path: a longest common subsequence of the names launched under it, in order
 *     path    the same annotation path and name, the first with the first and so on
 *     name    the same name anywhere, likewise
 */
#ifndef TANDEM_TRACES_GPU_MATCH_H
#define TANDEM_TRACES_GPU_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

/* X(NAME, word, phrase) */
#define GPU_MATCH_MAP(X)                                   \
	X(NODE, "node", "by graph node")                   \
	X(ORDER, "order", "by annotation path and order")  \
	X(PATH, "path", "by annotation path and name")     \
	X(NAME, "name", "by name")                         \
	X(NONE, "none", "without a counterpart")
enum gpu_match_rule {
#define X(name, word, phrase) GPU_MATCH_##name,
	GPU_MATCH_MAP(X)
#undef X
	GPU_MATCH_RULES
};
const char *gpu_match_word(enum gpu_match_rule rule);
const char *gpu_match_phrase(enum gpu_match_rule rule);

#define GPU_MATCH_ALONE UINT32_MAX
#define GPU_MATCH_CELLS_MOST (1u << 22) /* of one path's table; longer ones are matched by path and name */

/* Equal numbers mean the same path and the same name in both runs. */
struct gpu_match_item {
	uint32_t path, name;
	int64_t order;             /* < 0: not known */
	bool is_node, has_path;    /* has_path: its path says something */
	uint32_t twin;             /* result: index in the other run; GPU_MATCH_ALONE */
	enum gpu_match_rule rule;  /* result */
};

/* Items come in any order, each (path, order, name) once. */
int gpu_match(struct gpu_match_item *a, uint32_t n_a, struct gpu_match_item *b, uint32_t n_b, struct error *error);

#endif
