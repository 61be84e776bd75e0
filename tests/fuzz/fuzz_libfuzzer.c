/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_libfuzzer: the same targets under clang's libFuzzer, guided by coverage. The environment variable FUZZ_TARGET names the target. Half of
 * the mutations are libFuzzer's, half our own. With FUZZ_SEEDS=FOLDER the inputs made in code are written there first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "tests/fuzz/fuzz.h"

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t capacity);

static void write_seeds(const char *folder)
{
	struct fuzz_corpus corpus = { 0 };
	if (target->add_seeds)
		target->add_seeds(&corpus);
	for (size_t i = 0; i < corpus.n_items; i++) {
		char path[600];
		snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
		FILE *stream = fopen(path, "wb");
		FUZZ_CHECK(stream && fwrite(corpus.items[i].bytes, 1, corpus.items[i].n, stream) == corpus.items[i].n,
			"%s cannot be written", path);
		fclose(stream);
	}
	fuzz_corpus_finish(&corpus);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_TARGET"), *seeds = getenv("FUZZ_SEEDS");
	target = name ? fuzz_find(name) : NULL;
	FUZZ_CHECK(target, "FUZZ_TARGET names no target");
	clock_init();
	if (seeds)
		write_seeds(seeds);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	return n <= target->bytes_max ? target->one(data, n) : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t capacity, unsigned seed)
{
	struct fuzz_random random = { seed };
	if (capacity < target->bytes_max || seed % 2) {
		n = LLVMFuzzerMutate(data, n, capacity);
		return target->repair && seed % 8 < 6 ? target->repair(data, n, capacity) : n;
	}
	return fuzz_mutate(target, NULL, data, n < target->bytes_max ? n : target->bytes_max, &random);
}
