/* SPDX-License-Identifier: Apache-2.0
 *
 * context: the library's handle, its ops, and what a worker process does instead of the program.
 */
#include "engine/api/context.h"

#include <stdlib.h>
#include <string.h>

#include "engine/api/locate.h"
#include "engine/api/mirror.h"
#include "engine/run/driver.h"

static const char *const module_keys[CONTEXT_MODULES_MAX] = {
	"module.0", "module.1", "module.2", "module.3", "module.4", "module.5", "module.6", "module.7",
	"module.8", "module.9", "module.10", "module.11", "module.12", "module.13", "module.14", "module.15",
	"module.16", "module.17", "module.18", "module.19", "module.20", "module.21", "module.22", "module.23",
	"module.24", "module.25", "module.26", "module.27", "module.28", "module.29", "module.30", "module.31",
};

const char *context_module_key(int idx)
{
	return idx < CONTEXT_MODULES_MAX ? module_keys[idx] : NULL;
}

/* A worker's ops. */
struct worker_ops {
	const struct tandem_op *const *own;
	struct registry registry;
};

static int open_worker_ops(void *user, const struct program *program, struct op_registry *ret_registry, struct error *error)
{
	struct worker_ops *ops = user;
	const char *version = program_meta(program, "version", TANDEM_VERSION), *file;
	if (strcmp(version, TANDEM_VERSION) != 0)
		return error_set(error, STATUS_PROTOCOL, "the run was started by tandem %.60s and its workers are " TANDEM_VERSION
			": both must be of one version", version);
	int status = registry_init(&ops->registry, error);
	if (!status)
		status = registry_add(&ops->registry, ops->own, "the program", error);
	for (int i = 0; !status && context_module_key(i) && (file = program_meta(program, context_module_key(i), NULL)); i++)
		status = registry_load_module(&ops->registry, file, error);
	*ret_registry = registry_ops(&ops->registry);
	return status;
}

int context_worker_main(int argc, char **argv, const struct tandem_op *const *own_ops)
{
	struct worker_ops ops = { .own = own_ops };
	int exit_status = worker_main(argc, argv, open_worker_ops, &ops);
	registry_finish(&ops.registry);
	return exit_status;
}

static void context_destroy(struct tandem *tandem)
{
	registry_finish(&tandem->registry);
	handle_shelf_finish(&tandem->shelf);
	if (tandem->home)
		handle_home_destroy(tandem->home);
	free(tandem->executable);
	free(tandem);
}

void context_hold(struct tandem *tandem)
{
	atomic_fetch_add_explicit(&tandem->n_references, 1, memory_order_relaxed);
}

void context_drop(struct tandem *tandem)
{
	if (atomic_fetch_sub_explicit(&tandem->n_references, 1, memory_order_acq_rel) == 1)
		context_destroy(tandem);
}

int context_executable(struct tandem *tandem, struct error *error, const char **ret_file)
{
	int status = tandem->executable ? STATUS_OK : locate_executable(error, &tandem->executable);
	*ret_file = tandem->executable;
	return status;
}

struct tandem *tandem_init(int *argc, char ***argv, const struct tandem_op *const *ops, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	bool has_own_ops = ops && ops[0];
	if (!argc != !argv || (!argc && has_own_ops)) {
		error_set(error, STATUS_USAGE, "%s", has_own_ops ? "a program with ops of its own gives tandem_init its argc and argv"
			: "tandem_init takes argc and argv, or NULL for both");
		return NULL;
	}
	if (argc && worker_is_meant(*argc, *argv))
		exit(context_worker_main(*argc, *argv, ops));
	struct tandem *tandem = calloc(1, sizeof *tandem);
	if (!tandem) {
		error_set(error, STATUS_NO_MEMORY, "no memory for the library");
		return NULL;
	}
	handle_shelf_init(&tandem->shelf);
	atomic_store(&tandem->n_references, 1);
	tandem->has_own_ops = has_own_ops;
	tandem->home = handle_home_create();
	int status = tandem->home ? registry_init(&tandem->registry, error)
		: error_set(error, STATUS_NO_MEMORY, "no memory for the library");
	if (!status)
		status = registry_add(&tandem->registry, ops, "the program", error);
	if (status) {
		context_destroy(tandem);
		return NULL;
	}
	handle_init(&tandem->handle, HANDLE_CONTEXT, tandem->home, &tandem->shelf);
	return tandem;
}

int tandem_load_module(struct tandem *tandem, const char *file, struct tandem_error *public_error)
{
	struct error *error = mirror_error(public_error);
	int status = context_check(tandem, error);
	if (status)
		return status;
	if (!file)
		return error_set(error, STATUS_USAGE, "the module's file is NULL");
	if (tandem->registry.n_modules == CONTEXT_MODULES_MAX)
		return error_set(error, STATUS_USAGE, "%d modules are loaded, which is the most", CONTEXT_MODULES_MAX);
	return registry_load_module(&tandem->registry, file, error);
}

void tandem_finish(struct tandem *tandem)
{
	if (!tandem || context_check(tandem, NULL))
		return;
	handle_end(&tandem->handle);
	context_drop(tandem);
}
