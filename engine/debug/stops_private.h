/* SPDX-License-Identifier: Apache-2.0
 *
 * stops_private: what the list of stops and the judging of hits share.
 */
#ifndef TANDEM_ENGINE_DEBUG_STOPS_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_STOPS_PRIVATE_H

#include "engine/debug/stops.h"

/* At which gate of `node` a stop stands. */
enum gate_place debug_stop_place(const struct debug_stop *stop, uint32_t node);

/* Whether its filters by node, op and worker let `node` through. */
bool debug_stop_concerns(const struct debug_stop *stop, const struct program *program, uint32_t node);

#endif
