/* SPDX-License-Identifier: Apache-2.0
 *
 * file_kind: what a file is, by its content: a trace must not be mistaken for anything else before it is opened or replaced.
 */
#ifndef TANDEM_ENGINE_BASE_FILE_KIND_H
#define TANDEM_ENGINE_BASE_FILE_KIND_H

#define FILE_KIND_TRACE_ID 0x544e444d /* "TNDM": the application id in the header of a trace */

enum file_kind {
	FILE_KIND_MISSING,
	FILE_KIND_UNREADABLE, /* errno says why */
	FILE_KIND_EMPTY,
	FILE_KIND_TRACE,      /* SQLite with tandem's application id */
	FILE_KIND_SQLITE,     /* some other SQLite database */
	FILE_KIND_OTHER,      /* anything else: a graph's text; a device or a pipe, which is not read and must not be replaced */
};

enum file_kind file_kind(const char *file);

#endif
