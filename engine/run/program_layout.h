/* SPDX-License-Identifier: Apache-2.0
 *
 * program_layout: where the slots of a program's channels lie. The same rule makes a program and checks one.
 */
#ifndef TANDEM_ENGINE_RUN_PROGRAM_LAYOUT_H
#define TANDEM_ENGINE_RUN_PROGRAM_LAYOUT_H

#include <stdbool.h>

#include "engine/run/program.h"

#define PROGRAM_BYTES_MAX (UINT64_C(1) << 47) /* of a segment or block: nothing larger can be mapped */

/* Sets slots_offset and releases_offset of each channel from its transport, depth, slot_bytes, storage and number of
 * releasers; the size of the slots segment; and each worker's private_bytes. `nodes` says on which worker a channel is
 * written.
 *
 * The slots segment: slots of each SHM channel in the order of the table, starting on a page when one slot is a page or
 * more, else on a cache line; then the release cursors, a line for each releaser. A private block: slots of the worker's
 * LOCAL channels, each channel on a cache line. No line belongs to two channels. Returns false when something exceeds
 * PROGRAM_BYTES_MAX. */
bool program_lay_out(struct program_channel *channels, uint32_t n_channels, const struct program_node *nodes,
	struct program_worker *workers, uint32_t n_workers, uint64_t *ret_slots_bytes);

#endif
