/* SPDX-License-Identifier: Apache-2.0
 *
 * checked: whether a trace file passes every check of trace_check, for tests of what makes and changes traces.
 */
#ifndef TANDEM_TESTS_TRACES_CHECKED_H
#define TANDEM_TESTS_TRACES_CHECKED_H

#include <stdint.h>

/* Fails the test, naming the checks, when something is wrong in the file. */
void checked_file(const char *file, const char *what);

/* The number that a statement gives on a file; fails the test when it cannot be asked. */
int64_t checked_number(const char *file, const char *sql);

#endif
