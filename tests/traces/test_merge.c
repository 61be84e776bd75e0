/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging whole files: runs of ours and of other tools side by side, every check passed, each run as it was.
 */
#include "traces/merge.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/checked.h"
#include "tests/traces/imported.h"
#include "tests/traces/synthetic.h"

static void import_text(struct imported *imported, const char *kernel)
{
	char text[500];
	snprintf(text, sizeof text, "{\"schemaVersion\":1,\"traceEvents\":[{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"%s\","
		"\"pid\":0,\"tid\":7,\"ts\":10,\"dur\":5,"
		"\"args\":{\"device\":0,\"stream\":7,\"correlation\":3,\"dtype\":\"Half\"}},{\"ph\":\"X\","
			"\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\","
		"\"pid\":4,\"tid\":1,\"ts\":2,\"dur\":3,\"args\":{\"correlation\":3}}]}", kernel);
	imported_init(imported);
	imported_add_text(imported, text);
	cr_assert(imported_run(imported) == STATUS_OK, "%s", imported->error.text);
}

static void make_run(struct synthetic *synthetic)
{
	struct synthetic_intake target;
	const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE };
	synthetic_init(synthetic, 1, 2, 4, 64);
	synthetic_use_ns();
	synthetic_intake_init(&target, synthetic, synthetic->file, 1000);
	struct record driver[] = { synthetic_submit(0, 1100), synthetic_op(0, 0, 1100, 1, &phases[1], (int64_t[]){ 50 }),
		synthetic_op(1, 0, 1150, 1, phases, (int64_t[]){ 1850 }), synthetic_finish_record(0, 3000, STATUS_OK, 0) };
	struct record worker[] = { synthetic_op(2, 0, 1100, 2, phases, (int64_t[]){ 100, 800 }), synthetic_op(3, 0, 2000, 2,
		phases, (int64_t[]){ 10, 900 }) };
	synthetic_intake_enter(&target, 0, driver, ARRAY_LEN(driver));
	synthetic_intake_enter(&target, 1, worker, ARRAY_LEN(worker));
	synthetic_intake_end(&target, 4000);
	cr_assert(store_seal(target.store, NULL) == STATUS_OK);
	synthetic_intake_finish(&target);
}

Test(merge, runs_of_all_kinds_side_by_side, .timeout = 60)
{
	struct imported a, b;
	struct synthetic synthetic;
	struct error error = { 0 };
	char output[160];
	import_text(&a, "kernel_a");
	import_text(&b, "kernel_b");
	make_run(&synthetic);
	snprintf(output, sizeof output, "%s/merged.tandem", synthetic.folder);
	const char *const files[] = { a.output, synthetic.file, b.output };
	cr_assert(merge_files(files, ARRAY_LEN(files), output, NULL, &error) == STATUS_OK, "%s", error.text);
	checked_file(output, "merged");
	static const struct {
		const char *sql;
		int64_t number;
	} cases[] = {
		{ "SELECT count(*) FROM run", 3 }, { "SELECT run FROM v_kernel WHERE name = 'kernel_b'", 3 }, { "SELECT run "
			"FROM v_kernel WHERE name = 'kernel_a'", 1 },
		{ "SELECT count(*) FROM v_op WHERE run = 2", 4 }, { "SELECT sum(duration_ns) FROM v_op WHERE run = 2", 50 + 1850 + 900 + 910 },
		{ "SELECT count(*) FROM v_kernel k JOIN v_api a ON a.span = k.launch AND a.run = k.run", 2 },
		{ "SELECT count(*) FROM process p JOIN import_source s ON s.id = p.source AND s.run = p.run", 2 },
		{ "SELECT count(*) FROM arg a JOIN span s ON s.id = a.span JOIN string t ON t.id = a.value WHERE t.text = 'Half'", 2 },
		{ "SELECT count(*) FROM string WHERE text = 'cudaLaunchKernel'", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t number = checked_number(output, cases[i].sql);
		cr_expect(number == cases[i].number, "%s: %" PRId64 ", not %" PRId64, cases[i].sql, number, cases[i].number);
	}
	unlink(output);
	synthetic_finish(&synthetic);
	imported_finish(&a);
	imported_finish(&b);
}

Test(merge, leaves_nothing_of_what_failed)
{
	struct synthetic synthetic;
	struct error error = { 0 };
	char output[160];
	make_run(&synthetic);
	snprintf(output, sizeof output, "%s/merged.tandem", synthetic.folder);
	const char *const files[] = { synthetic.file, "/nowhere/there.tandem" };
	int status = merge_files(files, ARRAY_LEN(files), output, NULL, &error);
	cr_expect(status == STATUS_TRACE && strstr(error.text, "/nowhere/there.tandem"), "%s '%s'", status_word(status), error.text);
	cr_expect(access(output, F_OK) != 0, "something was left");
	synthetic_finish(&synthetic);
}
