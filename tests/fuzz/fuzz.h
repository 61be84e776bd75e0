/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz: what the fuzz targets and the programs that drive them share. A target gets bytes that nobody vouches for and must come back, without
 * a fault that the sanitizers see, in bounded time. What else it promises it checks itself with FUZZ_CHECK.
 */
#ifndef TANDEM_TESTS_FUZZ_FUZZ_H
#define TANDEM_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/attributes.h"

/* Inputs to start from. */
struct fuzz_corpus {
	struct fuzz_input {
		uint8_t *bytes;
		size_t n;
	} *items;
	size_t n_items, capacity;
};

/* Copies the bytes. */
void fuzz_corpus_add(struct fuzz_corpus *corpus, const void *bytes, size_t n);
void fuzz_corpus_finish(struct fuzz_corpus *corpus);

struct fuzz_target {
	const char *name;
	int (*one)(const uint8_t *data, size_t n);      /* returns 0 */
	/* Inputs made in code, for formats that follow our own structs; may be NULL. */
	void (*add_seeds)(struct fuzz_corpus *corpus);
	/* Repairs what a mutation broke so that most inputs get past the first check; may be NULL. Returns the new length, at most `capacity`. */
	size_t (*repair)(uint8_t *bytes, size_t n, size_t capacity);
	const char *const *tokens;                      /* NULL-ended words of the language; may be NULL */
	size_t bytes_max;                               /* longest input */
	int n_runs;                                     /* in the short suite */
};

extern const struct fuzz_target *const fuzz_targets[]; /* NULL-ended */
const struct fuzz_target *fuzz_find(const char *name); /* NULL when there is none */

/* A fixed sequence from a seed. */
struct fuzz_random {
	uint64_t state;
};
uint64_t fuzz_next(struct fuzz_random *random);
size_t fuzz_pick(struct fuzz_random *random, size_t n); /* 0 … n - 1; 0 when n is 0 */

/* Changes `bytes` [n, room for target->bytes_max]; returns the new length. `corpus` (may be NULL) lends pieces. */
size_t fuzz_mutate(const struct fuzz_target *target, const struct fuzz_corpus *corpus, uint8_t *bytes, size_t n,
	struct fuzz_random *random);

/* Says what was promised and not kept, and aborts. */
void fuzz_fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4) __attribute__((noreturn));
#define FUZZ_CHECK(condition, ...)                                  \
	do {                                                        \
		if (!(condition))                                   \
			fuzz_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/* Reads an input front to back; behind its end everything is 0. */
struct fuzz_reader {
	const uint8_t *at, *end;
};
static inline bool fuzz_reader_is_empty(const struct fuzz_reader *reader)
{
	return reader->at == reader->end;
}
uint8_t fuzz_read_u8(struct fuzz_reader *reader);
uint16_t fuzz_read_u16(struct fuzz_reader *reader);
uint32_t fuzz_read_u32(struct fuzz_reader *reader);
uint64_t fuzz_read_u64(struct fuzz_reader *reader);
/* A number of the kind that breaks things: 0, 1, powers of two and their neighbours, small ones, largest ones, any. Takes 1 to 9 bytes. */
uint64_t fuzz_read_number(struct fuzz_reader *reader);

/* A file in memory with these bytes: its descriptor, and its path in `path`. Ends the program when that fails. */
int fuzz_memory_file(const void *bytes, size_t n, char path[32]);
/* A folder of this process for files that must have a name, made at the first call and removed at the end. */
const char *fuzz_folder(void);

#endif
