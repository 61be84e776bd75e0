/* SPDX-License-Identifier: Apache-2.0
 *
 * registry: the ops that graphs may name: the built-in ones, the program's, and those of modules, each name once.
 */
#ifndef TANDEM_ENGINE_API_REGISTRY_H
#define TANDEM_ENGINE_API_REGISTRY_H

#include "engine/api/tandem.h"
#include "engine/graph/op.h"

struct user_op;

struct registry_module {
	char *file;   /* absolute */
	void *handle; /* of dlopen */
};

/* Zeroed: empty. */
struct registry {
	const struct op **items; /* the built-in ops, then `owned` */
	struct user_op **owned;
	struct registry_module *modules;
	int n_items, n_owned, n_modules;
};

/* Starts with the built-in ops. STATUS_NO_MEMORY. */
int registry_init(struct registry *registry, struct error *error);
void registry_finish(struct registry *registry);

/* Adds a NULL-ended list of ops (may be NULL). `origin` names it in messages. STATUS_USAGE when an op is wrong or its name is taken; none is
 * added then. */
int registry_add(struct registry *registry, const struct tandem_op *const *ops, const char *origin, struct error *error);

/* Loads a module and adds its ops; the file's functions run in this process from here on. STATUS_USAGE with what is wrong with it. A module that
 * was loaded before counts once. */
int registry_load_module(struct registry *registry, const char *file, struct error *error);

/* For lookups; valid until the registry changes. */
static inline struct op_registry registry_ops(const struct registry *registry)
{
	return (struct op_registry){ .items = registry->items, .n_items = registry->n_items };
}

#endif
