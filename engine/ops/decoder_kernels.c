/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_kernels: which set goes with that of kernels.h.
 */
#include "engine/ops/decoder_kernels.h"

#include <string.h>

#include "engine/base/attributes.h"

extern const struct decoder_kernels decoder_kernels_base;
#ifdef TANDEM_KERNELS_V3
extern const struct decoder_kernels decoder_kernels_v3;
#endif

static const struct decoder_kernels *const sets[] = {
#ifdef TANDEM_KERNELS_V3
	&decoder_kernels_v3,
#endif
	&decoder_kernels_base,
};

const struct decoder_kernels *decoder_kernels_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (strcmp(sets[i]->name, name) == 0)
			return sets[i];
	}
	return NULL;
}

const struct decoder_kernels *decoder_kernels_get(void)
{
	return decoder_kernels_find(kernels_get()->name);
}
