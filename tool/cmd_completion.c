/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_completion: `tandem completion`: prints a script for a shell.
 */
#include <string.h>

#include "engine/graph/mistakes.h"
#include "tool/commands.h"
#include "tool/completion.h"

static const struct {
	const char *name;
	void (*add)(struct strbuf *out);
} shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

static int run_completion(void *values, int argc, char **argv)
{
	const char *names[ARRAY_LEN(shells) + 1] = { NULL };
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		struct strbuf out = STRBUF_INIT;
		names[i] = shells[i].name;
		if (strcmp(argv[0], shells[i].name) != 0)
			continue;
		shells[i].add(&out);
		return tool_print(&out);
	}
	const char *nearest = mistakes_nearest(argv[0], names);
	return tool_failf(TOOL_EXIT_USAGE, "completion: there is no script for '%s'; %s%s%s", argv[0], nearest ? "did you mean '" : "",
		nearest ? nearest : "choose bash, zsh or fish", nearest ? "'?" : "");
}

static const struct option_spec completion_option_specs[] = { OPTIONS_END };

const struct command command_completion = {
	.name = "completion",
	.summary = "print a script that completes tandem's command lines in a shell",
	.usage = "bash|zsh|fish",
	.details = "An installed tandem has these scripts where the shells look for them. For one that is not installed:\n\n"
		"  source <(tandem completion bash)\n"
		"  source <(tandem completion zsh)\n"
		"  tandem completion fish | source\n",
	.options = completion_option_specs,
	.values_bytes = 1,
	.n_arguments_min = 1,
	.n_arguments_max = 1,
	.run = run_completion,
};
