/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_twin: a second run with other arguments beside this one, compared node by node (twin.h).
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/twin.h"

/* What `twin` was told. */
struct twin_request {
	struct debug_twin_options options;
	char **added;     /* arguments for the second run; owned words */
	size_t n_added, n_pairs; /* all; those at the beginning that are options with their values */
	char **skipped;
	size_t n_skipped;
	bool ends_script; /* --until-divergence */
};

static int add_word(char ***words, size_t *n, const char *word, struct error *error)
{
	char **more = realloc(*words, (*n + 2) * sizeof *more);
	char *copy = strdup(word);

	if (more)
		*words = more;
	if (!more || !copy) {
		free(copy);
		return error_set(error, STATUS_NO_MEMORY, "no memory for a word");
	}
	more[(*n)++] = copy;
	more[*n] = NULL;
	return STATUS_OK;
}

static void finish_request(struct twin_request *request)
{
	debug_words_free(request->added);
	debug_words_free(request->skipped);
}

/* -- options ---------------------------------------------------------------------------------------------------------- */

/* An option of the run and its value, as two arguments. */
static int add_run_option(struct twin_request *request, const char *option, const char **rest, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "what follows %s is missing", option);
	if (!strcmp(option, "--set") && (word[0] == '=' || !strchr(word, '=')))
		return error_set(error, STATUS_SYNTAX, "'%s' is not NAME=VALUE", word);
	if (!strcmp(option, "--mode") && strcmp(word, "compiled") && strcmp(word, "interpreted"))
		return error_set(error, STATUS_SYNTAX, "'%s' is no mode: compiled or interpreted", word);
	int status = add_word(&request->added, &request->n_added, option, error);
	return status ? status : add_word(&request->added, &request->n_added, word, error);
}

static int add_skipped(const struct debug_context *context, struct twin_request *request, const char **rest,
	struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	uint32_t node;

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the node behind --skip is missing");
	int status = commands_find_node(context, word, &node, error);
	return status ? status : add_word(&request->skipped, &request->n_skipped, word, error);
}

static int parse_tolerance(const char **rest, double *ret_tolerance, struct error *error)
{
	int status = commands_real(rest, "the tolerance", ret_tolerance, error);
	if (!status && !(*ret_tolerance >= 0))
		status = error_set(error, STATUS_SYNTAX, "a tolerance is not negative");
	return status;
}

static int parse_option(const struct debug_context *context, struct twin_request *request, const char **rest,
	struct error *error)
{
	if (commands_take(rest, "-m") || commands_take(rest, "--mode"))
		return add_run_option(request, "--mode", rest, error);
	if (commands_take(rest, "--set"))
		return add_run_option(request, "--set", rest, error);
	if (commands_take(rest, "--skip"))
		return add_skipped(context, request, rest, error);
	if (commands_take(rest, "--abs"))
		return parse_tolerance(rest, &request->options.absolute, error);
	if (commands_take(rest, "--rel"))
		return parse_tolerance(rest, &request->options.relative, error);
	if (commands_take(rest, "--executions"))
		return commands_number(rest, "the number of executions", &request->options.n_executions, error);
	if (commands_take(rest, "--digests"))
		request->options.by_digests = true;
	else if (commands_take(rest, "--keep-going"))
		request->options.goes_on = true;
	else if (commands_take(rest, "--until-divergence"))
		request->ends_script = true;
	else
		return error_set(error, STATUS_SYNTAX, "'%s' is not understood", commands_skip(*rest));
	return STATUS_OK;
}

static int parse_request(const struct debug_context *context, const char *rest, struct twin_request *request,
	struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	int status = STATUS_OK;

	while (!status && *commands_skip(rest) && !commands_take(&rest, "--"))
		status = parse_option(context, request, &rest, error);
	request->n_pairs = request->n_added;
	while (!status && commands_word(&rest, word))
		status = add_word(&request->added, &request->n_added, word, error);
	if (!status && request->options.by_digests && (request->options.absolute > 0 || request->options.relative > 0))
		status = error_set(error, STATUS_SYNTAX, "digests tell equal from different and know no tolerance");
	return status;
}

/* -- the second run's arguments --------------------------------------------------------------------------------------- */

/* Options of the first run that the second must not share: where it writes, and what is given anew. */
static bool is_dropped(const struct twin_request *request, const char *argument, const char *value)
{
	static const char *const files[] = { "-o", "--trace", "--output" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (!strcmp(argument, files[i]))
			return true;
	}
	for (size_t i = 0; i < request->n_pairs; i += 2) {
		const char *name = request->added[i], *given = request->added[i + 1];
		if (strcmp(name, argument))
			continue;
		if (strcmp(name, "--set") || (value && !strncmp(value, given, strcspn(given, "=") + 1)))
			return true;
	}
	return false;
}

/* "--mode=compiled" as "--mode" and its value. */
static const char *split_argument(const char *argument, char name[64])
{
	const char *value = strncmp(argument, "--", 2) ? NULL : strchr(argument, '=');

	if (!value || (size_t)(value - argument) >= 64)
		return NULL;
	memcpy(name, argument, (size_t)(value - argument));
	name[value - argument] = '\0';
	return value + 1;
}

static int second_arguments(const struct debugger *debugger, const struct twin_request *request, char ***ret_words,
	struct error *error)
{
	const char *const *first = debugger->options.run_arguments;
	size_t n = 0;
	int status = STATUS_OK;

	*ret_words = NULL;
	for (size_t i = 0; first && first[i] && !status; i++) {
		char name[64];
		const char *joined = split_argument(first[i], name);
				if (joined && is_dropped(request, name, joined))
			continue;
		if (!joined && first[i + 1] && is_dropped(request, first[i], first[i + 1]))
			i++;
		else
			status = add_word(ret_words, &n, first[i], error);
	}
	for (size_t i = 0; i < request->n_added && !status; i++)
		status = add_word(ret_words, &n, request->added[i], error);
	return status;
}

/* -- the commands ----------------------------------------------------------------------------------------------------- */

static void end_twin(struct debug_context *context)
{
	debug_twin_destroy(context->twin);
	context->twin = NULL;
	debug_words_free(context->twin_words);
	context->twin_words = NULL;
}

/* Goes on comparing, and says what was found. */
static int run_twin(struct debug_context *context, bool ends_script, struct strbuf *out, struct error *error)
{
	int status = debug_twin_run(context->twin, error);

	if (status) {
		if (ends_script) {
			context->exit_status = 1;
			context->is_over = true;
		}
		return status;
	}
	debug_twin_describe(context->twin, out);
	if (ends_script) {
		context->exit_status = context->twin->has_diverged;
		context->is_over = true;
	}
	return STATUS_OK;
}

static int start_twin(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct twin_request request = { 0 };
	int status = parse_request(context, rest, &request, error);

	if (!status && !debugger->options.run_arguments)
		status = error_set(error, STATUS_USAGE, "a second run needs a graph: this one was not started from here");
	if (!status)
		status = second_arguments(debugger, &request, &context->twin_words, error);
	if (!status) {
		struct debugger_options options = debugger->options;
		options.run_arguments = (const char *const *)context->twin_words;
		request.options.skipped = request.skipped;
		status = debug_twin_create(debugger, &options, &request.options, error, &context->twin);
	}
	if (status)
		end_twin(context);
	else
		status = run_twin(context, request.ends_script, out, error);
	finish_request(&request);
	return status;
}

static int need_twin(const struct debug_context *context, struct error *error)
{
	return context->twin ? STATUS_OK : error_set(error, STATUS_USAGE, "there is no second run: 'twin' starts one");
}

static int show_table(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	bool is_json = commands_take(&rest, "--json");
	int status = commands_end(rest, error);

	if (!status)
		status = need_twin(context, error);
	if (!status)
		debug_twin_table(context->twin, is_json, out);
	return status;
}

static int show_where(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status)
		status = need_twin(context, error);
	if (status)
		return status;
	struct debugger *const both[] = { context->twin->a, context->twin->b };
	for (int i = 0; i < 2; i++) {
		strbuf_add(out, i ? "The second run:\n" : "The first run:\n");
		if (both[i]->target.program.header)
			debug_where(&both[i]->target, out);
		else
			strbuf_add(out, "It has not been started.\n");
	}
	debug_twin_describe(context->twin, out);
	return STATUS_OK;
}

int commands_do_twin(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	if (commands_take(&rest, "table"))
		return show_table(context, rest, out, error);
	if (commands_take(&rest, "where"))
		return show_where(context, rest, out, error);
	if (!commands_take(&rest, "off")) {
		if (context->twin && !*commands_skip(rest))
			return run_twin(context, false, out, error);
		return context->twin ? error_set(error, STATUS_USAGE,
			"there is a second run already: 'twin' goes on, 'twin off' ends it")
				     : start_twin(context, rest, out, error);
	}
	int status = commands_end(rest, error);
	if (!status)
		status = need_twin(context, error);
	if (status)
		return status;
	end_twin(context);
	strbuf_add(out, "The second run was ended.\n");
	return STATUS_OK;
}
