/* SPDX-License-Identifier: Apache-2.0
 *
 * test_api_program: the scenarios of api_program, each in a process of its own and in both modes.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/api/api_scenes.h"
#include "tests/support/run_tool.h"

#define X(name) #name,
static const char *const scenes[] = { API_SCENES_MAP(X) };
#undef X
static const char *const modes[] = { "compiled", "interpreted" };

static void run_scenes(const char *mode)
{
	const char *program = getenv("TANDEM_API_PROGRAM");
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		const char *words[] = { program ? program : "api_program", scenes[i], mode, tool_temporary(), NULL };
		struct tool_result result = tool_run_words(words);
		cr_expect_eq(result.exit_status, 0, "%s %s: exit status %d: %s%s", scenes[i], mode, result.exit_status, result.out, result.err);
		tool_result_finish(&result);
	}
}

Test(api_program, compiled, .timeout = 100)
{
	run_scenes(modes[0]);
}

Test(api_program, interpreted, .timeout = 100)
{
	run_scenes(modes[1]);
}
