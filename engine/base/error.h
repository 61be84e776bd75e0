/* SPDX-License-Identifier: Apache-2.0
 *
 * error: the detail beside a status. A function that can fail takes a `struct error *` last (before ret_ parameters), fills
 * it exactly when it returns something other than STATUS_OK, and never prints. Only tool/ prints and exits.
 * An error is plain memory: nothing to release, may be copied by assignment and sent to another process.
 */
#ifndef TANDEM_ENGINE_BASE_ERROR_H
#define TANDEM_ENGINE_BASE_ERROR_H

#include "engine/base/attributes.h"
#include "engine/base/status.h"

#define ERROR_TEXT_BYTES 1000

struct error {
	int status;                  /* enum status; STATUS_OK when nothing failed */
	char text[ERROR_TEXT_BYTES]; /* one line: what, where, and what to do; no trailing newline */
};

/* Fills `error` (may be NULL) and returns `status`, so that a failing function can end with `return error_set(…)`.
 * A text that does not fit is cut. */
int error_set(struct error *error, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same with ": <text of errno>" appended. */
int error_set_errno(struct error *error, int status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts `format` and ": " in front of an error that is already set; returns its status. */
int error_prefix(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
