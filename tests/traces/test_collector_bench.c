/* SPDX-License-Identifier: Apache-2.0
 *
 * The collector's bench runs, counts its rows and cleans up. Rates are for `tandem bench`.
 */
#include "traces/collector_bench.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

Test(collector_bench, inserts_every_record_and_leaves_nothing)
{
	struct collector_bench bench = { 0 };
	struct error error = { 0 };
	char folder[] = "/tmp/tandem-test-XXXXXX";
	cr_assert(mkdtemp(folder) != NULL);
	cr_assert(collector_bench_run(folder, 20000, &error, &bench) == STATUS_OK, "%s", error.text);
	cr_expect(bench.n_rows == 20000, "%lld rows", (long long)bench.n_rows);
	cr_expect(bench.collected_per_s > 0 && bench.bare_per_s > 0);
	cr_expect(rmdir(folder) == 0, "something is left in %s", folder);
}

Test(collector_bench, says_where_it_cannot_write)
{
	struct collector_bench bench = { 0 };
	struct error error = { 0 };
	cr_expect(collector_bench_run("/no/such/folder", 10, &error, &bench) != STATUS_OK);
	cr_expect(error.text[0] != '\0');
}
