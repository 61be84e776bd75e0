/* SPDX-License-Identifier: Apache-2.0
 *
 * stack_private: what stack.c (lines in, lines out) wants to know of modules' files (stack_libdw.c).
 */
#ifndef TANDEM_ENGINE_DEBUG_STACK_PRIVATE_H
#define TANDEM_ENGINE_DEBUG_STACK_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#define STACK_MODULES_MAX 16
#define STACK_NAME_MAX 300
#define STACK_BUILD_MAX 64 /* hexadecimal digits of a build id */

/* Where an address is: "", 0: not known. */
struct stack_place {
	char function[STACK_NAME_MAX], file[STACK_NAME_MAX];
	int line;
};

struct stack_symbols;

/* NULL, and *ret_why, when nothing can be known of any file. */
struct stack_symbols *stack_symbols_open(const char **ret_why);
void stack_symbols_close(struct stack_symbols *symbols); /* accepts NULL */

/* Opens the file of module `idx` (< STACK_MODULES_MAX), known by `name`, of build id `build`. NULL, or why nothing can be known of it. */
const char *stack_symbols_add(struct stack_symbols *symbols, int idx, const char *name, const char *build);

/* The place of `offset` in a module that was added. */
void stack_symbols_find(const struct stack_symbols *symbols, int idx, uint64_t offset, struct stack_place *ret_place);

#endif
