/* SPDX-License-Identifier: Apache-2.0
 *
 * kernel_name: reads a name as C++ writes it: parts between "::", arguments in <> and (), as far as these are balanced.
 */
#include "viewers/kernel_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"

struct name_part {
	const char *text;
	size_t n;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '~' || (unsigned char)c >= 0x80;
}

/* Behind the bracket that closes the one at `at`, or the end. */
static size_t skip(const char *name, size_t at, size_t end)
{
	int depth = 0;
	for (; at < end; at++) {
		bool is_arrow = name[at] == '>' && at > 0 && name[at - 1] == '-';
		if (name[at] == '<' || name[at] == '(' || name[at] == '{' || name[at] == '[')
			depth++;
		else if (!is_arrow && (name[at] == '>' || name[at] == ')' || name[at] == '}' || name[at] == ']') && --depth <= 0)
			return at + 1;
	}
	return end;
}

/* The last word outside of brackets before the parameters, and where its template arguments begin; n 0 where there is none. */
static struct name_part find_base(const char *name, size_t end, size_t *ret_arguments)
{
	struct name_part base = { name, 0 };
	*ret_arguments = end;
	for (size_t at = 0; at < end;) {
		if (is_word(name[at])) {
			size_t first = at;
			while (at < end && is_word(name[at]))
				at++;
			base = (struct name_part){ name + first, at - first };
			*ret_arguments = end;
		} else if (name[at] == '<') {
			*ret_arguments = at;
			at = skip(name, at, end);
		} else if (name[at] == '(' && strncmp(name + at, "(anonymous namespace)", 21) == 0) {
			at += 21;
		} else if (name[at] == '(') {
			break;
		} else {
			at++;
		}
	}
	return base;
}

static bool has_ending(struct name_part part, const char *ending)
{
	size_t n = strlen(ending);
	return part.n >= n && memcmp(part.text + part.n - n, ending, n) == 0;
}

static bool has_beginning(struct name_part part, const char *beginning)
{
	size_t n = strlen(beginning);
	return part.n >= n && memcmp(part.text, beginning, n) == 0;
}

/* A word in template arguments that says what the kernel does. */
static bool is_telling(struct name_part part)
{
	static const char *const endings[] = { "Functor", "functor", "Op", "Ops", "_kernel_cuda", "_kernel", "_op" };
	if (has_beginning(part, "gpu_kernel_impl") || has_ending(part, "BinaryFunctor") || has_ending(part, "ReduceOp"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		if (has_ending(part, endings[i]))
			return true;
	}
	return false;
}

/* Nothing by itself: its first argument is the kernel. */
static bool is_shell(struct name_part base)
{
	static const char *const shells[] = { "Kernel", "Kernel2", "device_kernel", "kernel_entry", "cuda_kernel" };
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (base.n == strlen(shells[i]) && memcmp(base.text, shells[i], base.n) == 0)
			return true;
	}
	return false;
}

static bool is_name(struct name_part part)
{
	return part.n > 0 && !isdigit((unsigned char)part.text[0]);
}

static struct name_part find_telling(const char *name, size_t at, size_t end)
{
	while (at < end) {
		size_t first = at;
		while (at < end && is_word(name[at]))
			at++;
		struct name_part part = { name + first, at - first };
		if (is_name(part) && is_telling(part))
			return part;
		at += at == first;
	}
	return (struct name_part){ name, 0 };
}

/* The last part of the first argument's qualified name. */
static struct name_part find_first(const char *name, size_t at, size_t end)
{
	size_t argument = at + 1, stop = argument;
	while (stop < end && name[stop] != ',' && name[stop] != '>' && name[stop] != '<')
		stop++;
	size_t ignored;
	struct name_part part = find_base(name + argument, stop - argument, &ignored);
	return is_name(part) ? part : (struct name_part){ name, 0 };
}

/* "dir/file.py(12): name". */
static const char *python_function(const char *name)
{
	const char *file = strstr(name, ".py("), *colon = file ? strstr(file, "): ") : NULL;
	return colon && colon[3] ? colon + 3 : NULL;
}

/* Whether there is anything to leave out. */
static bool is_cplusplus(const char *name)
{
	return strchr(name, '(') || strchr(name, '<');
}

static void put(char *text, size_t size, const char *from, size_t n)
{
	if (n >= size) { /* not within a character */
		n = size - 1;
		while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(text, from, n);
	text[n] = '\0';
}

void kernel_name_function(const char *name, char *text, size_t size)
{
	const char *function = python_function(name);
	if (size > 0)
		put(text, size, function ? function : name, strlen(function ? function : name));
}

void kernel_name_short(const char *name, char *text, size_t size)
{
	size_t end = strlen(name), arguments = end;
	if (size == 0)
		return;
	if (!is_cplusplus(name)) {
		put(text, size, name, end);
		return;
	}
	struct name_part base = find_base(name, end, &arguments), inner = { name, 0 };
	if (arguments < end)
		inner = is_shell(base) ? find_first(name, arguments, end) : find_telling(name, arguments, skip(name, arguments, end));
	if (base.n == 0)
		put(text, size, name, end);
	else if (inner.n && is_shell(base))
		put(text, size, inner.text, inner.n);
	else if (inner.n && base.n + inner.n + 3 <= size)
		snprintf(text, size, "%.*s<%.*s>", (int)base.n, base.text, (int)inner.n, inner.text);
	else
		put(text, size, base.text, base.n);
}
