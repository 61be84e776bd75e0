/* SPDX-License-Identifier: Apache-2.0
 *
 * blas: OpenBLAS, loaded at first need in the process that computes (a worker), never linked: whoever only looks at graphs
 * and traces does not pay for it.
 */
#ifndef TANDEM_ENGINE_OPS_BLAS_H
#define TANDEM_ENGINE_OPS_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct blas {
	void *library;
	void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
		const float *b, int ldb, float beta, float *c, int ldc);
	void (*set_num_threads)(int n);
};

/* Loads the library (one copy a process, however often it is opened) and lets it use `n_threads` threads. Where it is not
 * loaded yet, OPENBLAS_NUM_THREADS is set first unless it is set already, so that it starts no threads that nobody wants:
 * call it before the process has threads of its own. STATUS_UNSUPPORTED, with what to install, when there is none. */
int blas_open(int n_threads, struct blas *ret_blas, struct error *error);

/* The same with a NULL-ended list of file names to try. */
int blas_open_from(const char *const *names, int n_threads, struct blas *ret_blas, struct error *error);

/* Accepts a zeroed struct. */
void blas_close(struct blas *blas);

/* C[m, n] = alpha A[m, k] B + beta C, row-major, with B[k, n], or B[n, k] when it is to be transposed; ld: elements from row
 * to row. */
static inline void blas_sgemm(const struct blas *blas, bool transposes_b, int64_t m, int64_t n, int64_t k, float alpha,
	const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc)
{
	enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 }; /* cblas.h */

	blas->sgemm(ROW_MAJOR, NO_TRANSPOSE, transposes_b ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n, (int)k, alpha, a,
		(int)lda, b, (int)ldb, beta, c, (int)ldc);
}

#endif
