/* SPDX-License-Identifier: Apache-2.0
 *
 * locate: where the `tandem` executable is that workers and the collector are started from.
 */
#ifndef TANDEM_ENGINE_API_LOCATE_H
#define TANDEM_ENGINE_API_LOCATE_H

#include "engine/base/error.h"

/* *ret_file (the caller frees) is an absolute path: $TANDEM_EXECUTABLE when that is set; otherwise what lies beside this library, as installed
 * or in a build folder; otherwise what was installed where the build was configured for. It is asked for its version, once:
 * STATUS_UNSUPPORTED when that is not this library's, STATUS_SYSTEM when there is none, with what was looked for. */
int locate_executable(struct error *error, char **ret_file);

#endif
