/* SPDX-License-Identifier: Apache-2.0
 *
 * target_options: what a user types. The first byte says what it is read as: a command's line, its words one a line, or an option's value.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/run/recorder.h"
#include "tests/fuzz/targets.h"
#include "tool/command.h"
#include "traces/compare_condition.h"

#define WORDS_MAX 40

/* A line of every command that has options; arguments are moved to the front, none is lost or made up. */
static void parse_line(const struct command *command, char *text)
{
	char *words[WORDS_MAX + 1], *kept[WORDS_MAX];
	int n_words = 0, n_arguments = 0;
	for (char *word = text, *end; n_words < WORDS_MAX && *word; word = end) {
		end = word + strcspn(word, "\n");
		if (*end)
			*end++ = '\0';
		kept[n_words] = words[n_words] = word;
		n_words++;
	}
	words[n_words] = NULL;
	struct error error = { 0 };
	void *values = calloc(1, command->values_bytes + 1);
	FUZZ_CHECK(values, "no memory");
	int status = options_parse(command->options, n_words, words, values, &n_arguments, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	FUZZ_CHECK(n_arguments >= 0 && n_arguments <= n_words, "%d arguments of %d words", n_arguments, n_words);
	for (int i = 0, at = 0; i < n_arguments; i++) {
		while (at < n_words && kept[at] != words[i])
			at++;
		FUZZ_CHECK(at < n_words, "argument %d was never given", i);
	}
	options_finish(command->options, values);
	free(values);
}

static void parse_value(unsigned which, const char *text)
{
	struct recorder_policy policy;
	struct compare_condition condition;
	struct error error = { 0 };
	int64_t ns;
	uint64_t bytes;
	char printed[64];
	switch (which % 4) {
	case 0:
		if (recorder_parse_policy(text, &policy, &error) == STATUS_OK)
			FUZZ_CHECK(policy.every && policy.end > policy.first, "'%s' is an empty policy", text);
		break;
	case 1:
		compare_condition_parse(text, &condition, &error);
		break;
	case 2:
		if (units_parse_duration(text, &ns) == 0)
			units_duration(ns, printed, sizeof printed);
		break;
	case 3:
		if (units_parse_bytes(text, &bytes) == 0)
			units_bytes(bytes, printed, sizeof printed);
		break;
	}
}

static int fuzz_one(const uint8_t *data, size_t n)
{
	unsigned n_commands = 0, which = n ? data[0] : 0;
	char *text = calloc(1, n + 1);
	FUZZ_CHECK(text, "no memory");
	if (n)
		memcpy(text, data + 1, n - 1);
	while (commands[n_commands])
		n_commands++;
	const struct command *command = commands[which % n_commands];
	if (which >= 128)
		parse_value(which, text);
	else if (command->options)
		parse_line(command, text);
	free(text);
	return 0;
}

static void add_seeds(struct fuzz_corpus *corpus)
{
	static const char *const lines[] = { "graph.dot\n--mode\nboth\n--set\nA=b\n--executions=10\n-o\nx.tandem", "--\n-x\n--json",
		"--json\n--exact\nfile.tandem\nother.tandem\n--fail-if\nlatency>+5%", "--stall-limit\n1.5s\n--timeout=2m\n--record\nevery=3" };
	static const char *const values[] = { "window=10:20", "node.layer3>+10us", "1.5ms", "64KiB" };
	char line[200];
	for (unsigned i = 0; commands[i] && i < 128; i++) {
		line[0] = (char)i;
		for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
			strcpy(line + 1, lines[k]);
			fuzz_corpus_add(corpus, line, strlen(lines[k]) + 1);
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
		line[0] = (char)(128 + i);
		strcpy(line + 1, values[i]);
		fuzz_corpus_add(corpus, line, strlen(values[i]) + 1);
	}
}

static const char *const tokens[] = { "--", "-", "=", "\n", "\n--", "mode", "json", "set", "executions", "in-flight", "record", "output", "input",
	"timeout", "stall-limit", "record-limit", "pin", "seed", "compiled", "interpreted", "all", "every=", "window=", "last=",
	"latency", "throughput",
	"node.", "dispatch", ">", "<", "+", "%", "ns", "us", "ms", "s", "m", "h", "KiB", "GiB", "e308", "nan", "inf", "0x", "-1", ":", "\xff", NULL };

const struct fuzz_target fuzz_target_options = {
	.name = "options",
	.one = fuzz_one,
	.add_seeds = add_seeds,
	.tokens = tokens,
	.bytes_max = 1024,
	.n_runs = 40000,
};
