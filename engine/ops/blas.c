/* SPDX-License-Identifier: Apache-2.0
 *
 * blas: finding and loading OpenBLAS.
 */
#include "engine/ops/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

static void *load(const char *const *names, const char **ret_name)
{
	for (int i = 0; names[i]; i++) {
		void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		*ret_name = names[i];
		if (library)
			return library;
	}
	return NULL;
}

static int missing_symbol(const char *library, const char *symbol, struct error *error)
{
	return error_set(error, STATUS_UNSUPPORTED,
		"%s has no %s, so it is not a usable OpenBLAS: install libopenblas0-pthread", library, symbol);
}

static int bind_symbols(struct blas *blas, const char *name, struct error *error)
{
	const struct {
		const char *symbol;
		void *slot;
	} symbols[] = {
		{ "cblas_sgemm", &blas->sgemm },
		{ "openblas_set_num_threads", &blas->set_num_threads },
	};
	char *(*get_config)(void);

	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		void *address = dlsym(blas->library, symbols[i].symbol);
		if (!address)
			return missing_symbol(name, symbols[i].symbol, error);
		memcpy(symbols[i].slot, &address, sizeof(address));
	}
	void *address = dlsym(blas->library, "openblas_get_config");
	if (!address)
		return missing_symbol(name, "openblas_get_config", error);
	memcpy(&get_config, &address, sizeof(address));
	if (strstr(get_config(), "USE64BITINT"))
		return error_set(
			error, STATUS_UNSUPPORTED, "%s is built for 64-bit integers: install libopenblas0-pthread", name);
	return STATUS_OK;
}

int blas_open_from(const char *const *names, int n_threads, struct blas *ret_blas, struct error *error)
{
	struct blas blas = { 0 };
	const char *name = "";
	char threads[16];

	snprintf(threads, sizeof(threads), "%d", n_threads);
	setenv("OPENBLAS_NUM_THREADS", threads, 0);
	blas.library = load(names, &name);
	if (!blas.library)
		return error_set(
			error, STATUS_UNSUPPORTED, "OpenBLAS (%s) cannot be loaded: install libopenblas0-pthread", names[0]);
	int status = bind_symbols(&blas, name, error);
	if (status) {
		blas_close(&blas);
		return status;
	}
	blas.set_num_threads(n_threads);
	*ret_blas = blas;
	return STATUS_OK;
}

int blas_open(int n_threads, struct blas *ret_blas, struct error *error)
{
	static const char *const names[] = { "libopenblas.so.0", "libopenblas.so", "libopenblasp.so.0", "libopenblaso.so.0",
		NULL };
	return blas_open_from(names, n_threads, ret_blas, error);
}

void blas_close(struct blas *blas)
{
	if (blas->library)
		dlclose(blas->library);
	*blas = (struct blas){ 0 };
}
