/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the line that tool/progress.h draws.
 */
#include <criterion/criterion.h>

#include "engine/base/attributes.h"
#include "tool/progress.h"

static const struct {
	uint64_t done, total;
	int64_t elapsed_ns;
	const char *line;
} lines[] = {
	{ 0, 200, 500000000, "░░░░░░░░   0 %  0 of 200 executions  0.0/s  – left" },
	{ 50, 200, 500000000, "██░░░░░░  25 %  50 of 200 executions  100/s  1.50 s left" },
	{ 200, 200, 2000000000, "████████ 100 %  200 of 200 executions  100/s  0 ns left" },
	{ 1, 4, 1000000000, "██░░░░░░  25 %  1 of 4 executions  1.0/s  3.00 s left" },
	{ 0, 0, 0, "████████ 100 %  0 of 0 executions  0.0/s  – left" },
};

Test(progress, line)
{
	char text[400];
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct progress progress = { .unit = "executions", .done = lines[i].done, .total = lines[i].total, .start_ns = 7 };
		progress_line(&progress, 7 + lines[i].elapsed_ns, 8, text, sizeof text);
		cr_expect_str_eq(text, lines[i].line, "case %zu: is '%s', expected '%s'", i, text, lines[i].line);
	}
}
