/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports and what is computed at their end stay within a bound of memory, whatever the length of the trace.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/traces/imported.h"
#include "traces/import_bench.h"

#define N_EVENTS 640000         /* 200 MB of JSON */
#define MEMORY_MAX (300 << 20)

static void import(const char *file, const char *output)
{
	const char *program = getenv("TANDEM");
	if (program && freopen("/dev/null", "w", stdout))
		execl(program, program, "import", file, "-o", output, (char *)NULL);
	_exit(127);
}

Test(import_memory, of_a_long_trace_is_bounded, .timeout = 600)
{
	struct imported imported;
	struct rusage usage;
	char file[100];
	int end = 0;
	imported_init(&imported);
	snprintf(file, sizeof file, "%s.json", imported.output);
	cr_assert(import_bench_make_json(file, N_EVENTS, &imported.error) == STATUS_OK, "%s", imported.error.text);
	pid_t pid = fork();
	cr_assert(pid >= 0);
	if (pid == 0)
		import(file, imported.output);
	cr_assert(wait4(pid, &end, 0, &usage) == pid && WIFEXITED(end) && WEXITSTATUS(end) == 0, "the import ended with %#x", (unsigned)end);
	unlink(file);
	cr_expect(usage.ru_maxrss <= MEMORY_MAX >> 10, "%ld KiB, at most %d", usage.ru_maxrss, MEMORY_MAX >> 10);
	cr_expect(access(imported.output, F_OK) == 0);
	unlink(imported.output);
	imported_finish(&imported);
}
