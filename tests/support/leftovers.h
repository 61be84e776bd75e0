/* SPDX-License-Identifier: Apache-2.0
 *
 * leftovers: whether anything a test started is still there. Processes are recognised by a mark in their environment, which children
 * inherit.
 */
#ifndef TANDEM_TESTS_SUPPORT_LEFTOVERS_H
#define TANDEM_TESTS_SUPPORT_LEFTOVERS_H

#include <sys/types.h>

/* Marks this process's future children. Call first. */
void leftovers_mark(void);

/* How many marked processes other than this one are alive, after waiting up to `limit_ms` for them to go. Zombies do not count. */
int leftovers_count(int limit_ms);

/* The marked process whose command line starts with `words` ("tandem worker w1", blanks for NULs); 0 when there is none within
 * `limit_ms`. */
pid_t leftovers_find(const char *words, int limit_ms);

#endif
