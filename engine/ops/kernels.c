/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels: which set of inner loops this machine can run.
 */
#include "engine/ops/kernels.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/attributes.h"

extern const struct kernels kernels_base;

#ifdef TANDEM_KERNELS_V3
extern const struct kernels kernels_v3;

static bool can_run_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
#endif

static bool can_run_base(void)
{
	return true;
}

/* Fastest first. */
static const struct {
	const struct kernels *kernels;
	bool (*can_run)(void);
} sets[] = {
#ifdef TANDEM_KERNELS_V3
	{ &kernels_v3, can_run_v3 },
#endif
	{ &kernels_base, can_run_base },
};

const struct kernels *kernels_get(void)
{
	size_t i = 0;
	while (!sets[i].can_run())
		i++;
	return sets[i].kernels;
}

const struct kernels *kernels_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (strcmp(sets[i].kernels->name, name) == 0 && sets[i].can_run())
			return sets[i].kernels;
	}
	return NULL;
}
