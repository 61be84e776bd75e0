/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run looks like in the tables before it starts, and that a second one shares nothing but the graph's text.
 */
#include "traces/layout.h"

#include <criterion/criterion.h>

#include "tests/traces/synthetic.h"

Test(layout, enters_everything_that_the_program_says)
{
	static const struct {
		const char *sql;
		int64_t expected;
	} cases[] = {
		{ "SELECT count(*) FROM run WHERE status = 'running' AND mode = 'compiled' AND in_flight = 4 AND seed = 7",
			2 },
		{ "SELECT count(*) FROM graph WHERE name = 'chain'", 1 },
		{ "SELECT count(*) FROM run_meta WHERE key = 'command' AND value = 'tandem run chain.dot'", 2 },
		{ "SELECT count(*) FROM worker WHERE run = 2", 3 },
		{ "SELECT count(*) FROM worker w JOIN device d ON d.id = w.device WHERE w.name = 'w1' AND d.name = 'cpu:1'"
		  " AND d.kind = 'cpu'",
			2 },
		{ "SELECT count(*) FROM node WHERE run = 2", 6 },
		{ "SELECT count(*) FROM node n JOIN worker w ON w.id = n.worker AND w.run = n.run WHERE n.name = 'n3' AND "
		  "w.name = 'w1'"
		  " AND n.op = 'stage' AND n.outputs = 'f32[4]'",
			2 },
		{ "SELECT count(*) FROM node WHERE op IS NULL AND name IN ('input', 'output')", 4 },
		{ "SELECT count(*) FROM edge e JOIN node s ON s.id = e.src JOIN node d ON d.id = e.dst WHERE s.name = 'n1'"
		  " AND d.name = 'n2' AND e.channel IS NOT NULL",
			2 },
		{ "SELECT count(*) FROM channel c JOIN node n ON n.id = c.node WHERE n.name = 'n1' AND c.transport = 'shm'"
		  " AND c.depth > 0 AND c.payload_bytes = 16",
			2 },
		{ "SELECT count(*) FROM plan_step s JOIN node n ON n.id = s.node AND n.worker = s.worker WHERE s.kind = "
		  "'compute'"
		  " AND n.op = 'stage'",
			8 },
		{ "SELECT count(*) FROM lane WHERE kind = 'host'", 6 },
		{ "SELECT count(*) FROM lane WHERE kind = 'channel' AND channel IS NOT NULL", 10 },
		{ "SELECT count(*) FROM loss WHERE n_records = 0", 2 * 3 * LOSS_COUNT },
		{ "SELECT count(*) FROM pragma_foreign_key_check", 0 },
	};
	struct synthetic synthetic;
	struct synthetic_intake target;
	synthetic_init(&synthetic, 2, 2, 4, 64);
	synthetic_intake_init(&target, &synthetic, ":memory:", 1000);
	synthetic_intake_next(&target, &synthetic, 2000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = synthetic_number(store_db(target.store), cases[i].sql);
		cr_expect(got == cases[i].expected, "%s: %lld, expected %lld", cases[i].sql, (long long)got,
			(long long)cases[i].expected);
	}
	synthetic_intake_finish(&target);
	synthetic_finish(&synthetic);
}
