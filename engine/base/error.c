/* SPDX-License-Identifier: Apache-2.0
 *
 * error: formatting of error details.
 */
#include "engine/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int status, const char *format, ...)
{
	if (!error)
		return status;
	/* Formatted aside first: an argument may point into error->text. */
	char text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	error->status = status;
	memcpy(error->text, text, sizeof text);
	return status;
}

int error_set_errno(struct error *error, int status, const char *format, ...)
{
	int saved = errno;
	if (!error)
		return status;
	char text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	error->status = status;
	snprintf(error->text, sizeof error->text, "%.850s: %s", text, strerror(saved));
	return status;
}

int error_prefix(struct error *error, const char *format, ...)
{
	char prefix[400], text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(prefix, sizeof prefix, format, args);
	va_end(args);
	snprintf(text, sizeof text, "%s: %.*s", prefix, (int)(sizeof text - sizeof prefix - 3), error->text);
	memcpy(error->text, text, sizeof text);
	return error->status;
}
