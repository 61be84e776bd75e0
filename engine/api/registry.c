/* SPDX-License-Identifier: Apache-2.0
 *
 * registry: composing the list of ops, and loading modules.
 */
#include "engine/api/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/user_op.h"
#include "engine/graph/grow.h"
#include "engine/ops/ops.h"

static int no_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the list of ops");
}

static int add_item(struct registry *registry, const struct op *op, struct error *error)
{
	if (!grow_array(&registry->items, registry->n_items, sizeof(*registry->items)))
		return no_memory(error);
	registry->items[registry->n_items++] = op;
	return STATUS_OK;
}

int registry_init(struct registry *registry, struct error *error)
{
	int status = STATUS_OK;
	*registry = (struct registry){ 0 };
	for (int i = 0; i < ops_builtin.n_items && !status; i++)
		status = add_item(registry, ops_builtin.items[i], error);
	if (status)
		registry_finish(registry);
	return status;
}

static void truncate_owned(struct registry *registry, int n_owned)
{
	registry->n_items -= registry->n_owned - n_owned;
	while (registry->n_owned > n_owned)
		user_op_destroy(registry->owned[--registry->n_owned]);
}

void registry_finish(struct registry *registry)
{
	truncate_owned(registry, 0);
	for (int i = 0; i < registry->n_modules; i++) {
		dlclose(registry->modules[i].handle);
		free(registry->modules[i].file);
	}
	free(registry->items);
	free(registry->owned);
	free(registry->modules);
	*registry = (struct registry){ 0 };
}

static int refuse_name(const struct registry *registry, const char *name, const char *origin, struct error *error)
{
	for (int i = 0; i < registry->n_owned; i++) {
		if (strcmp(registry->owned[i]->op.name, name) == 0)
			return error_set(error, STATUS_USAGE, "%s: the name of op '%.100s' is taken by an op of %s; choose another", origin, name,
				strcmp(registry->owned[i]->origin, origin) == 0 ? "the same list" : registry->owned[i]->origin);
	}
	return error_set(error, STATUS_USAGE, "%s: the name of op '%.100s' is taken by a built-in op; choose another", origin, name);
}

static int add_op(struct registry *registry, const struct tandem_op *user, const char *origin, struct error *error)
{
	struct op_registry known = registry_ops(registry);
	struct user_op *op = NULL;
	int status = user_op_create(user, origin, error, &op);
	if (status)
		return status;
	if (op_registry_find(&known, user->name))
		status = refuse_name(registry, user->name, origin, error);
	else if (!grow_array(&registry->owned, registry->n_owned, sizeof(*registry->owned)))
		status = no_memory(error);
	else
		status = add_item(registry, &op->op, error);
	if (status)
		user_op_destroy(op);
	else
		registry->owned[registry->n_owned++] = op;
	return status;
}

int registry_add(struct registry *registry, const struct tandem_op *const *ops, const char *origin, struct error *error)
{
	int n_before = registry->n_owned, status = STATUS_OK;
	for (int i = 0; ops && ops[i] && !status; i++)
		status = add_op(registry, ops[i], origin, error);
	if (status)
		truncate_owned(registry, n_before);
	return status;
}

static int add_module_ops(struct registry *registry, void *handle, const char *file, struct error *error)
{
	const struct tandem_module *module = dlsym(handle, "tandem_module");
	if (!module)
		return error_set(error, STATUS_USAGE, "%s: defines no tandem_module, so it is no module (see doc/writing-ops.md)", file);
	if (module->abi != TANDEM_OP_ABI)
		return error_set(error, STATUS_USAGE, "%s: has abi %" PRIu32 " and this tandem wants %d; build it against the installed tandem.h",
			file, module->abi, TANDEM_OP_ABI);
	if (!module->ops || !module->ops[0])
		return error_set(error, STATUS_USAGE, "%s: has no ops", file);
	return registry_add(registry, module->ops, file, error);
}

static int open_module(struct registry *registry, const char *file, struct error *error)
{
	if (!grow_array(&registry->modules, registry->n_modules, sizeof(*registry->modules)))
		return no_memory(error);
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return error_set(error, STATUS_USAGE, "the module cannot be loaded: %s", dlerror());
	char *copy = strdup(file);
	int status = copy ? add_module_ops(registry, handle, file, error) : no_memory(error);
	if (status) {
		dlclose(handle);
		free(copy);
		return status;
	}
	registry->modules[registry->n_modules++] = (struct registry_module){ .file = copy, .handle = handle };
	return STATUS_OK;
}

int registry_load_module(struct registry *registry, const char *file, struct error *error)
{
	char *absolute = realpath(file, NULL);
	int status = STATUS_OK;
	if (!absolute)
		return error_set_errno(error, STATUS_USAGE, "module %s", file);
	bool is_known = false;
	for (int i = 0; i < registry->n_modules; i++)
		is_known |= strcmp(registry->modules[i].file, absolute) == 0;
	if (!is_known)
		status = open_module(registry, absolute, error);
	free(absolute);
	return status;
}
