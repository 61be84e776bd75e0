/* SPDX-License-Identifier: Apache-2.0
 *
 * program_check: whether the bytes of a mapping are a program that can be trusted.
 */
#ifndef TANDEM_ENGINE_RUN_PROGRAM_CHECK_H
#define TANDEM_ENGINE_RUN_PROGRAM_CHECK_H

#include "engine/run/program.h"

/* Finds the tables in `bytes` (8-byte aligned, `size` bytes) and checks all of them. STATUS_OK with *ret_program pointing
 * into `bytes`; STATUS_PROTOCOL with what is wrong; STATUS_NO_MEMORY. */
int program_check(const void *bytes, size_t size, struct program *ret_program, struct error *error);

#endif
