/* SPDX-License-Identifier: Apache-2.0
 *
 * program_layout: where the slots of a program's channels lie. The same rule makes a program and checks one.
 */
#ifndef TANDEM_ENGINE_RUN_PROGRAM_LAYOUT_H
#define TANDEM_ENGINE_RUN_PROGRAM_LAYOUT_H

#include <stdbool.h>

#include "engine/run/program.h"

#define PROGRAM_BYTES_MAX (UINT64_C(1) << 47) /* of a segment or block: nothing larger can be mapped */

struct program_layout {
	struct program_channel *channels; /* [n_channels]; set: slots_offset, releases_offset */
	struct program_worker *workers;   /* [n_workers]; set: private_offset, private_bytes */
	uint64_t *scratch;                /* [n_types]; set */
	uint64_t slots_bytes;             /* set: size of the slots segment */

	const struct program_node *nodes; /* [n_nodes]; say on which worker a channel is written */
	const struct tensor_type *types;  /* [n_types] */
	const struct symbols *symbols;
	uint32_t n_channels, n_workers, n_nodes, n_types;
};

/* Lays the slots segment out:
 *
 *     |shared|private block of worker 1|private block of worker 2|…        each starts on a page
 *
 * Shared: slots of each SHM channel in the order of the table, starting on a page when one slot is a page or more, else on a cache line; then
 * the release cursors, a line for each releaser. A private block: slots of the worker's LOCAL channels, each channel on a cache line, then room
 * for each output of its nodes that no channel carries. No line belongs to two channels. Returns false when something exceeds
 * PROGRAM_BYTES_MAX. */
bool program_lay_out(struct program_layout *layout);

#endif
