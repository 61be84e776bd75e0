/* SPDX-License-Identifier: Apache-2.0
 *
 * context: struct tandem, shared by what was made from it. It lives until the program has finished it and the last graph is gone.
 */
#ifndef TANDEM_ENGINE_API_CONTEXT_H
#define TANDEM_ENGINE_API_CONTEXT_H

#include <stdatomic.h>

#include "engine/api/handle.h"
#include "engine/api/registry.h"
#include "engine/api/tandem.h"

struct tandem {
	struct handle handle;
	struct handle_home *home;
	struct handle_shelf shelf;
	_Atomic int n_references; /* the program's and its graphs' */
	struct registry registry;
	bool has_own_ops;         /* workers are instances of the program */
	char *executable;         /* located when the first run needs it; NULL before */
};

static inline int context_check(const struct tandem *tandem, struct error *error)
{
	return handle_check((const struct handle *)tandem, HANDLE_CONTEXT, error);
}

void context_hold(struct tandem *tandem);
void context_drop(struct tandem *tandem);

/* The `tandem` executable, found at the first call. Belongs to the context. */
int context_executable(struct tandem *tandem, struct error *error, const char **ret_file);

#define CONTEXT_MODULES_MAX 32 /* that a program loads */

/* The key under which a program's settings name the file of module `idx`; NULL beyond the most. */
const char *context_module_key(int idx);

/* Entry of `tandem worker NAME` and of programs that are started so: ops are the built-in ones, `own_ops` (NULL-ended, may be NULL) and those of
 * the modules that the program's settings name. Returns the exit status. */
int context_worker_main(int argc, char **argv, const struct tandem_op *const *own_ops);

#endif
