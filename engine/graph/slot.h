/* SPDX-License-Identifier: Apache-2.0
 *
 * slot: layout of one slot of a channel, shared between processes. The payload comes first, 64-byte aligned; the header stands in
 * the last bytes of the slot, so that a small message and its header are one cache line and cross between cores at once:
 *
 *     |payload …            |header|      slot bytes = round_up(payload + header, 64)
 */
#ifndef TANDEM_ENGINE_GRAPH_SLOT_H
#define TANDEM_ENGINE_GRAPH_SLOT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/tensor.h"

struct slot_header {
	uint32_t dims[TENSOR_DIMS_MAX]; /* writer, before `sequence`: shape of the payload in this execution */
	uint32_t status;                /* writer, before `sequence`: 0, or 1 + index of the failure (control.h) */
	uint32_t n_dims;                /* writer, before `sequence` */
	_Atomic uint64_t sequence;      /* writer: execution + 1, stored with release once the slot is complete; readers load with
	                                   acquire and take anything but the expected value for a broken protocol or "not yet" */
};
static_assert(sizeof(struct slot_header) == 40, "slot header is part of the shared layout");

static inline size_t slot_bytes(size_t payload_bytes)
{
	return round_up(payload_bytes + sizeof(struct slot_header), CACHE_LINE_BYTES);
}

#endif
