/* SPDX-License-Identifier: Apache-2.0
 *
 * target_private: what target.c (mapping) and target_attach.c (finding a run's segments) share.
 */
#ifndef TANDEM_ENGINE_DEBUG_TARGET_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_TARGET_PRIVATE_H

#include "engine/debug/target.h"

/* Places in debug_target.fds. */
enum {
	TARGET_PROGRAM,
	TARGET_CONTROL,
	TARGET_SLOTS,
	TARGET_GATES,
	TARGET_SEGMENTS,
};

/* Maps and checks what target->fds hold. After a failure the target is to be closed. */
int debug_target_map(struct debug_target *target, struct error *error);

#endif
