/* SPDX-License-Identifier: Apache-2.0
 *
 * stack: what a crashed worker left, line by line, and what that becomes for people.
 */
#include "engine/debug/stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/stack_private.h"

#define STACK_FRAMES_MAX 128

struct stack_frame {
	int module;                  /* -1: too many of them */
	char name[STACK_NAME_MAX];   /* of the module */
	char symbol[STACK_NAME_MAX]; /* "": not known */
	uint64_t offset;
};

struct stack_module {
	char name[STACK_NAME_MAX];
	char build[STACK_BUILD_MAX + 1];
	const char *why; /* nothing can be known of it */
};

struct stack {
	struct stack_frame frames[STACK_FRAMES_MAX];
	struct stack_module modules[STACK_MODULES_MAX];
	int n_frames, n_modules;
};

/* -- lines in -------------------------------------------------------------------------------------------------------------- */

/* "MODULE+0x12 SYMBOL+0x3" or "MODULE+0x12"; a module's name may hold anything. */
static bool parse_frame(const char *line, struct stack_frame *frame)
{
	const char *plus = line;
	char *end = NULL;
	while ((plus = strstr(plus, "+0x"))) {
		frame->offset = strtoull(plus + 3, &end, 16);
		if (end > plus + 3 && (*end == ' ' || *end == '\0'))
			break;
		plus += 3;
	}
	if (!plus || plus == line || (size_t)(plus - line) >= sizeof frame->name)
		return false;
	snprintf(frame->name, sizeof frame->name, "%.*s", (int)(plus - line), line);
	frame->symbol[0] = '\0';
	if (*end == ' ')
		snprintf(frame->symbol, sizeof frame->symbol, "%.*s", (int)strcspn(end + 1, "+ "), end + 1);
	return true;
}

static int find_module(struct stack *stack, const char *name)
{
	for (int i = 0; i < stack->n_modules; i++) {
		if (strcmp(stack->modules[i].name, name) == 0)
			return i;
	}
	if (stack->n_modules == STACK_MODULES_MAX)
		return -1;
	struct stack_module *module = &stack->modules[stack->n_modules];
	snprintf(module->name, sizeof module->name, "%s", name);
	return stack->n_modules++;
}

/* "MODULE build 12ab" */
static bool parse_build(struct stack *stack, char *line)
{
	char *word = strstr(line, " build ");
	if (!word || word[7 + strspn(word + 7, "0123456789abcdef")])
		return false;
	*word = '\0';
	int module = find_module(stack, line);
	if (module >= 0)
		snprintf(stack->modules[module].build, sizeof stack->modules[module].build, "%s", word + 7);
	return true;
}

static void parse(struct stack *stack, char *text)
{
	for (char *line = text, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (parse_build(stack, line) || stack->n_frames == STACK_FRAMES_MAX)
			continue;
		struct stack_frame *frame = &stack->frames[stack->n_frames];
		if (parse_frame(line, frame)) {
			frame->module = find_module(stack, frame->name);
			stack->n_frames++;
		}
	}
}

/* -- lines out ------------------------------------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* All but the innermost return to behind the call that they stand in. */
static void describe_frame(const struct stack_symbols *symbols, const struct stack *stack, int i, struct strbuf *out)
{
	const struct stack_frame *frame = &stack->frames[i];
	struct stack_place place = { .line = 0 };
	if (symbols && frame->module >= 0 && !stack->modules[frame->module].why)
		stack_symbols_find(symbols, frame->module, frame->offset - (i > 0), &place);
	const char *function = place.function[0] ? place.function : frame->symbol;
	strbuf_addf(out, "#%-2d ", i);
	if (!function[0]) {
		strbuf_add_printable(out, last_part(frame->name));
		strbuf_addf(out, "+0x%" PRIx64 "\n", frame->offset);
		return;
	}
	strbuf_add_printable(out, function);
	if (place.file[0]) {
		strbuf_add(out, " at ");
		strbuf_add_printable(out, last_part(place.file));
		strbuf_addf(out, ":%d", place.line);
	}
	strbuf_add(out, " (");
	strbuf_add_printable(out, last_part(frame->name));
	strbuf_add(out, ")\n");
}

void debug_stack_describe(const char *text, struct strbuf *out)
{
	const char *why = NULL;
	char *copy = strdup(text);
	struct stack *stack = calloc(1, sizeof *stack);
	if (!copy || !stack) {
		free(copy);
		free(stack);
		return;
	}
	parse(stack, copy);
	struct stack_symbols *symbols = stack->n_frames ? stack_symbols_open(&why) : NULL;
	for (int i = 0; symbols && i < stack->n_modules; i++)
		stack->modules[i].why = stack_symbols_add(symbols, i, stack->modules[i].name, stack->modules[i].build);
	for (int i = 0; i < stack->n_frames; i++)
		describe_frame(symbols, stack, i, out);
	if (why)
		strbuf_addf(out, "(%s)\n", why);
	for (int i = 0; symbols && i < stack->n_modules; i++) {
		if (!stack->modules[i].why)
			continue;
		strbuf_add(out, "(");
		strbuf_add_printable(out, stack->modules[i].name);
		strbuf_addf(out, ": no functions and lines, for %s)\n", stack->modules[i].why);
	}
	stack_symbols_close(symbols);
	free(stack);
	free(copy);
}
