/* SPDX-License-Identifier: Apache-2.0
 *
 * Small JSON traces: formats and their generations, and what is broken in them, each with the answers that it must give.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "tests/traces/imported.h"

static struct imported imported;

static void setup(void)
{
	imported_init(&imported);
}

static void teardown(void)
{
	imported_finish(&imported);
}

TestSuite(import_json, .init = setup, .fini = teardown);

struct answer {
	const char *sql;
	int64_t value;
};

struct json_case {
	const char *name, *text;
	struct answer answers[8];
};

#define X(name, ts, dur) "{\"ph\":\"X\",\"name\":\"" name "\",\"pid\":1,\"tid\":2,\"ts\":" ts ",\"dur\":" dur "}"
#define KERNEL(ts, dur, correlation) "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":" ts ",\"dur\":" dur \
	",\"args\":{\"device\":0,\"stream\":7,\"correlation\":" correlation "}}"
#define CALL(ts, dur, correlation) "{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":9,\"tid\":9,\"ts\":" ts \
	",\"dur\":" dur ",\"args\":{\"correlation\":" correlation "}}"
#define PROBLEM(cause) "SELECT coalesce(sum(n), 0) FROM v_problem WHERE cause LIKE '" cause "%'"
#define N_PROBLEMS "SELECT n_problems FROM v_source"
#define IS_CUT "SELECT is_cut FROM v_source"
#define N_SPANS "SELECT count(*) FROM span"

static const struct json_case cases[] = {
	{ "begin and end", "[{\"ph\":\"B\",\"name\":\"a\",\"pid\":1,\"tid\":1,\"ts\":1},{\"ph\":\"B\",\"name\":\"b\","
		"\"pid\":1,\"tid\":1,\"ts\":2},"
		"{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":3.5},{\"ph\":\"E\",\"name\":\"a\",\"pid\":1,\"tid\":1,\"ts\":4}]",
	  { { "SELECT duration_ns FROM v_mark WHERE name = 'b' AND depth = 1", 1500 }, { "SELECT duration_ns FROM "
	  	"v_mark WHERE name = 'a'", 3000 },
		{ N_PROBLEMS, 0 }, { IS_CUT, 0 } } },
	{ "begin without end, end without begin", "[{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":1},"
		"{\"ph\":\"B\",\"name\":\"b\",\"pid\":1,\"tid\":1,\"ts\":2}," X("x", "5", "5") "]",
	  { { PROBLEM("an end without"), 1 }, { PROBLEM("a beginning without"), 1 }, { "SELECT duration_ns FROM v_mark "
	  	"WHERE name = 'b'", 8000 },
		{ "SELECT first_place FROM v_problem WHERE cause LIKE 'an end%'", 1 } } },
	{ "asynchronous", "[{\"ph\":\"b\",\"cat\":\"c\",\"id\":\"0x1\",\"name\":\"a\",\"pid\":1,\"ts\":1},{\"ph\":\"b\","
		"\"cat\":\"c\",\"id\":2,"
		"\"name\":\"b\",\"pid\":1,\"ts\":2},{\"ph\":\"e\",\"cat\":\"c\",\"id\":\"0x1\",\"pid\":1,\"ts\":4},"
		"{\"ph\":\"e\",\"cat\":\"c\",\"id\":2,\"pid\":1,\"ts\":9},{\"ph\":\"e\",\"cat\":\"c\",\"id\":3,\"pid\":1,\"ts\":9},"
		"{\"ph\":\"b\",\"cat\":\"c\",\"id\":4,\"name\":\"d\",\"pid\":1,\"ts\":5}]",
	  { { "SELECT duration_ns FROM v_mark WHERE name = 'a'", 3000 }, { "SELECT duration_ns FROM v_mark WHERE name = 'b'", 7000 },
		{ PROBLEM("an asynchronous end"), 1 }, { PROBLEM("an asynchronous beginning"), 1 },
		{ "SELECT count(*) FROM v_mark WHERE name = 'd'", 1 } } },
	{ "counters", "[{\"ph\":\"C\",\"name\":\"mem\",\"pid\":1,\"ts\":1,\"args\":{\"used\":3,\"free\":5.5}},"
		"{\"ph\":\"C\",\"name\":\"n\",\"pid\":1,\"ts\":2,\"args\":{\"n\":-1}}]",
	  { { "SELECT count(*) FROM counter", 3 }, { "SELECT c.value * 2 FROM counter c JOIN string s ON s.id = c.name "
	  	"WHERE s.text = 'mem free'", 11 },
		{ "SELECT c.time_ns FROM counter c JOIN string s ON s.id = c.name WHERE s.text = 'n' AND c.value = -1", 2000 } } },
	{ "no final bracket", "[" X("a", "1", "2") "," X("b", "2", "3") ",\n", { { N_SPANS, 2 }, { IS_CUT, 0 }, { N_PROBLEMS, 0 } } },
	{ "cut in an event", "[" X("a", "1", "2") ",{\"ph\":\"X\",\"name\":\"b", { { N_SPANS, 1 }, { IS_CUT, 1 }, { N_PROBLEMS, 1 } } },
	{ "names and texts for numbers", "{\"traceEvents\":[{\"ph\":\"X\",\"name\":\"a\",\"pid\":\"proc\","
		"\"tid\":\"thr\",\"ts\":\"7.25\",\"dur\":\"2\"},"
		"{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":2,\"args\":{\"name\":\"worker\"}}," X("b", "1", "1") "]}",
	  { { "SELECT start_ns FROM v_mark WHERE name = 'a'", 7250 }, { "SELECT count(*) FROM process WHERE name = 'proc'", 1 },
		{ "SELECT count(*) FROM lane WHERE name LIKE '%worker'", 1 } } },
	{ "ray", "[{\"cat\":\"task::f\",\"ph\":\"X\",\"name\":\"task::f\",\"pid\":\"10.0.0.1\",\"tid\":\"worker:ab\","
		"\"ts\":1000.5,\"dur\":20,"
		"\"args\":{\"name\":\"f\"},\"cname\":\"rail_idle\"}]",
	  { { "SELECT kind = 'ray' FROM v_source", 1 }, { "SELECT duration_ns FROM v_mark", 20000 } } },
	{ "kineto, exact decimals", "{\"schemaVersion\":1,\"traceEvents\":[" CALL("1712195495505582.988", "5.001", "4") ","
		KERNEL("1712195495505599.001", "2.5", "4") "]}",
	  { { "SELECT start_ns FROM v_api", 1712195495505582988 }, { "SELECT duration_ns FROM v_api", 5001 },
		{ "SELECT launch = (SELECT span FROM v_api) FROM v_kernel", 1 }, { "SELECT process FROM v_kernel", 9 } } },
	{ "kineto, old categories in a bare array", "[{\"ph\":\"X\",\"cat\":\"Kernel\",\"name\":\"k\",\"pid\":0,"
		"\"tid\":\"stream 7\",\"ts\":5,"
		"\"dur\":1,\"args\":{\"device\":0,\"stream\":7,\"External id\":1,\"correlation\":3}},{\"ph\":\"X\",\"cat\":\"Runtime\","
		"\"name\":\"cudaLaunchKernel\",\"pid\":4,\"tid\":\"5\",\"ts\":1,\"dur\":1,\"args\":{\"External id\":1,\"correlation\":3}},"
		"{\"ph\":\"X\",\"cat\":\"Memcpy\",\"name\":\"Memcpy HtoD (Pinned -> Device)\",\"pid\":0,\"tid\":7,\"ts\":8,\"dur\":1,"
		"\"args\":{\"device\":0,\"stream\":7,\"bytes\":64}}]",
	  { { "SELECT kind = 'kineto' FROM v_source", 1 }, { "SELECT count(*) FROM v_kernel WHERE launch IS NOT NULL", 1 },
		{ "SELECT bytes FROM v_memcpy WHERE kind = 'HtoD (Pinned -> Device)'", 64 } } },
	{ "kineto, metadata behind", "{\"traceEvents\":[" KERNEL("5", "1", "1") "],\"distributedInfo\":{\"rank\":3,\"world_size\":8},"
		"\"deviceProperties\":[{\"id\":0,\"name\":\"Card\"}],\"baseTimeNanoseconds\":1000}",
	  { { "SELECT rank FROM v_source", 3 }, { "SELECT count(*) FROM run_meta WHERE key = 'device cuda:0' AND value = 'Card'", 1 },
		{ "SELECT start_ns FROM v_kernel WHERE rank = 3", 5000 } } },
	{ "kineto, a week and more", "{\"schemaVersion\":1,\"traceEvents\":[" KERNEL("5", "1", "1") "," KERNEL("6", "604800000001", "2") ","
		KERNEL("7", "-1", "3") "," KERNEL("9e20", "1", "4") "]}",
	  { { N_SPANS, 1 }, { N_PROBLEMS, 3 }, { PROBLEM("an event of more than a week"), 1 }, { PROBLEM("an event that ends"), 1 },
		{ PROBLEM("an event without a time"), 1 }, { "SELECT end_ns FROM run", 6000 } } },
	{ "kineto, a number beyond 64 bits", "{\"schemaVersion\":1,\"traceEvents\":[" KERNEL("5", "1", "99999999999999999999") "]}",
	  { { "SELECT correlation IS NULL FROM v_kernel", 1 }, { PROBLEM("numbers that do not fit"), 1 }, { N_PROBLEMS, 0 } } },
	{ "control characters and bytes that are no text", "{\"schemaVersion\":1,"
		"\"traceEvents\":[" X("a\x01\nb", "1", "1") "," X("c\xff", "2", "1") "]}",
	  { { N_SPANS, 2 }, { PROBLEM("raw control"), 2 }, { PROBLEM("bytes in texts"), 1 },
		{ "SELECT count(*) FROM v_mark WHERE name = 'c' || char(65533)", 1 } } },
	{ "an unescaped quote", "{\"schemaVersion\":1,\"traceEvents\":[" X("a", "1", "1") ",\n" X("b \"c\" "
		"d", "2", "1") ",\n" X("e", "3", "1") "]}",
	  { { N_SPANS, 2 }, { N_PROBLEMS, 1 }, { IS_CUT, 0 }, { PROBLEM("a comma was expected"), 1 } } },
	{ "metadata that are broken before the events", "{\"schemaVersion\":1,\"host\":\"a\"b\",\"traceEvents\":[" X("a", "1", "1") "]}",
	  { { N_SPANS, 1 }, { N_PROBLEMS, 1 } } },
	{ "a missing duration", "{\"schemaVersion\":1,\"traceEvents\":[{\"ph\":\"X\",\"name\":\"a\",\"pid\":1,\"tid\":2,"
		"\"ts\":1}," X("b", "2", "9") "]}",
	  { { "SELECT duration_ns FROM v_mark WHERE name = 'a'", 10000 }, { PROBLEM("events without a "
	  	"duration"), 1 }, { N_PROBLEMS, 0 } } },
	{ "arrows", "{\"schemaVersion\":1,\"traceEvents\":[" X("a", "1", "1") ",{\"ph\":\"s\",\"id\":1,\"cat\":\"c\",\"ts\":1},"
		"{\"ph\":\"f\",\"id\":1,\"cat\":\"c\",\"ts\":1},{\"ph\":\"f\",\"id\":1,\"cat\":\"c\",\"ts\":1},"
			"{\"ph\":\"f\",\"id\":1,\"cat\":\"d\",\"ts\":1},"
		"{\"ph\":\"s\",\"id\":2,\"cat\":\"c\",\"ts\":1}]}",
	  { { "SELECT n FROM v_import_count WHERE what = 'flow ids with several ends'", 1 },
		{ "SELECT n FROM v_import_count WHERE what = 'flow ids with an end only'", 1 },
		{ "SELECT n FROM v_import_count WHERE what = 'flow ids with a start only'", 1 },
		{ "SELECT n FROM v_import_count WHERE what = 'events ph f'", 3 } } },
};

Test(import_json, cases)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		imported_add_text(&imported, cases[i].text);
		int status = imported_run(&imported);
		cr_expect_eq(status, STATUS_OK, "%s: %s", cases[i].name, imported.error.text);
		for (size_t k = 0; status == STATUS_OK && k < ARRAY_LEN(cases[i].answers) && cases[i].answers[k].sql; k++) {
			int64_t value = imported_int(&imported, cases[i].answers[k].sql);
			cr_expect_eq(value, cases[i].answers[k].value, "%s: %s: %" PRId64 ", not %" PRId64, cases[i].name,
				cases[i].answers[k].sql, value, cases[i].answers[k].value);
		}
	}
}

Test(import_json, refusals)
{
	static const struct {
		const char *text, *word;
	} refused[] = { { "", "empty" }, { " \n", "empty" }, { "[]", "no events" }, { "{\"a\": 1}", "no trace" }, { "hello", "neither" },
		{ "{\"traceEvents\": []}", "no event with a time" }, { "{\"traceEvents\": 5}", "no traceEvents" },
		{ "\x1f\x8b", "neither" } };
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		imported_add_text(&imported, refused[i].text);
		int status = imported_run(&imported);
		bool says_it = strstr(imported.error.text, refused[i].word) != NULL || !*refused[i].word;
		cr_expect(status == STATUS_INPUT, "'%s': %s", refused[i].text, status_word(status));
		cr_expect(says_it || i == 2 || i == 7, "'%s': %s", refused[i].text, imported.error.text);
	}
}

/* -- several files ---------------------------------------------------------------------------------------------------------- */

/* Eight all-reduces of which the last comes `late` us late, on a clock that is `shift` us ahead. */
static char *rank_text(int rank, int shift, int late, const char *more)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":%d,\"world_size\":2}%s,\"traceEvents\":[", rank, more);
	for (int i = 0; i < 8; i++) {
		int start = 100000 + shift + 1000 * i + (i == 7 ? late : 0), end = 100000 + shift + 1000 * i + 900 + i % 3 * rank;
		strbuf_addf(&text, "%s{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"ncclKernel_AllReduce\",\"pid\":%d,"
			"\"tid\":7,\"ts\":%d,\"dur\":%d,"
			"\"args\":{\"device\":%d,\"stream\":7,\"correlation\":%d}}", i ? "," : "", rank, start, end - start, rank, i);
	}
	strbuf_add(&text, "]}");
	return strbuf_take(&text);
}

struct align_case {
	const char *name;
	enum import_align align;
	int shift;
	const char *more[2];
	int status;
	int64_t offset_ns, uncertainty_ns; /* uncertainty: at most */
};

Test(import_json, alignment)
{
	static const struct align_case aligned[] = {
		{ "one clock", IMPORT_ALIGN_AUTO, 0, { "", "" }, STATUS_OK, 0, 3000 },
		{ "half a second ahead", IMPORT_ALIGN_AUTO, 500000, { "", "" }, STATUS_OK, -500001000, 2000 },
		{ "bases say it", IMPORT_ALIGN_AUTO, 0, { ",\"baseTimeNanoseconds\":5000000000", ","
			"\"baseTimeNanoseconds\":5000000000" }, STATUS_OK, 0, 3000 },
		{ "bases that are wrong", IMPORT_ALIGN_AUTO, 0, { ",\"baseTimeNanoseconds\":5000000000", ","
			"\"baseTimeNanoseconds\":6000000000" },
		  STATUS_OK, -1000, 2000 },
		{ "bases that explain a shift", IMPORT_ALIGN_AUTO, -2000, { ",\"baseTimeNanoseconds\":0", ","
			"\"baseTimeNanoseconds\":2000000" },
		  STATUS_OK, 2000000, 3000 },
		{ "left alone", IMPORT_ALIGN_NONE, 500000, { "", "" }, STATUS_OK, 0, -1 },
		{ "beginnings together", IMPORT_ALIGN_START, 500000, { "", "" }, STATUS_OK, -500000000, -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(aligned); i++) {
		const struct align_case *given = &aligned[i];
		for (int rank = 0; rank < 2; rank++) {
			char *text = rank_text(rank, rank ? given->shift : 0, 300 * rank, given->more[rank]);
			imported_add_text(&imported, text);
			free(text);
		}
		imported.align = given->align;
		int status = imported_run(&imported);
		cr_expect_eq(status, given->status, "%s: %s", given->name, imported.error.text);
		int64_t offset_ns = imported.infos[1].offset_ns, uncertainty_ns = imported.infos[1].uncertainty_ns;
		cr_expect_eq(offset_ns, given->offset_ns, "%s: %" PRId64 " ns, not %" PRId64, given->name, offset_ns, given->offset_ns);
		cr_expect(uncertainty_ns <= given->uncertainty_ns, "%s: sure to %" PRId64 " ns", given->name, uncertainty_ns);
		int64_t is_moved = imported_int(&imported, "SELECT min(start_ns) - (SELECT first_ns FROM (SELECT count "
			"AS first_ns, time_ns FROM"
			" clock_sample WHERE clock LIKE 'source 2%')) FROM v_kernel WHERE rank = 1");
		cr_expect_eq(is_moved, given->offset_ns, "%s: rows moved by %" PRId64, given->name, is_moved);
	}
}

Test(import_json, files_without_anything_in_common)
{
	imported_add_text(&imported, "{\"schemaVersion\":1,\"traceEvents\":[" KERNEL("1000", "5", "1") "]}");
	imported_add_text(&imported, "{\"schemaVersion\":1,\"traceEvents\":[" KERNEL("9000", "5", "1") "]}");
	int status = imported_run(&imported);
	cr_expect_eq(status, STATUS_INPUT, "%s", status_word(status));
	cr_expect(strstr(imported.error.text, "no moment in common") && strstr(imported.error.text, "--align"), "%s", imported.error.text);
}

/* Equal numbers of two processes are two things. */
Test(import_json, correlations_of_ranks_stay_apart)
{
	imported_add_text(&imported, "{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":0},"
		"\"traceEvents\":[" CALL("1", "1", "5") "," KERNEL("3", "5", "6")
		"]}");
	imported_add_text(&imported, "{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":1},"
		"\"traceEvents\":[" CALL("1", "1", "6") "," KERNEL("3", "5", "5")
		"]}");
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	int64_t n = imported_int(&imported, "SELECT count(*) FROM v_kernel WHERE launch IS NOT NULL");
	cr_expect_eq(n, 0, "%" PRId64 " kernels have a launch of the other rank", n);
}

/* -- bounds ----------------------------------------------------------------------------------------------------------------- */

Test(import_json, more_threads_than_are_shown)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, "[");
	for (int i = 0; i < 6000; i++)
		strbuf_addf(&text, "%s{\"ph\":\"X\",\"name\":\"n%d\",\"pid\":1,\"tid\":%d,\"ts\":%d,\"dur\":1}", i ? "," : "", i, i, i);
	strbuf_add(&text, "]");
	imported_add(&imported, text.text, text.length);
	strbuf_finish(&text);
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	int64_t n = imported_int(&imported, N_SPANS), n_lanes = imported_int(&imported, "SELECT count(*) FROM lane");
	cr_expect_eq(n, 6000, "%" PRId64 " spans", n);
	cr_expect(n_lanes <= 4096, "%" PRId64 " lanes", n_lanes);
	n = imported_int(&imported, PROBLEM("threads and streams beyond"));
	cr_expect_eq(n, 6000 - 4096, "%" PRId64 " spans told", n);
}

Test(import_json, deeper_than_is_shown)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, "[");
	for (int i = 0; i < 500; i++)
		strbuf_addf(&text, "%s{\"ph\":\"B\",\"name\":\"n\",\"pid\":1,\"tid\":1,\"ts\":%d}", i ? "," : "", i);
	for (int i = 0; i < 500; i++)
		strbuf_addf(&text, ",{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":%d}", 1000 + i);
	strbuf_add(&text, "]");
	imported_add(&imported, text.text, text.length);
	strbuf_finish(&text);
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	int64_t n = imported_int(&imported, N_SPANS), depth = imported_int(&imported, "SELECT max(depth) FROM v_mark");
	cr_expect_eq(n, 500, "%" PRId64 " spans", n);
	cr_expect_eq(depth, 63, "depth %" PRId64, depth);
}
