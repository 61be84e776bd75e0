/* SPDX-License-Identifier: Apache-2.0
 *
 * gate_private: what the files of the gates share.
 */
#ifndef TANDEM_ENGINE_RUN_GATE_PRIVATE_H
#define TANDEM_ENGINE_RUN_GATE_PRIVATE_H

#include "engine/run/gate.h"

/* +1 to `events`; who waits for them is woken. Safe in a signal handler. */
void gates_announce(struct gates *gates);

/* Whether the numbers fit together and the data lie within an area of `area_bytes`, or nowhere. */
bool gate_tensor_is_sound(const struct gate_tensor *tensor, uint64_t area_bytes);

/* A tensor with data at `offset`. */
struct gate_tensor gate_describe(const struct tensor *tensor, uint64_t offset);

/* The outputs of a point into the history of `worker`, whose process this is; with their data when `keeps_data`. */
COLD void gate_keep(struct gates *gates, uint32_t worker, const struct gate_point *point, bool keeps_data);

#endif
