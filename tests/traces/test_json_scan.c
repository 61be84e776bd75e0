/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan: against cJSON on random documents handed over in pieces of every size, exact decimals, escapes, and texts that are broken.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "traces/json_scan.h"

/* Hands a text over in pieces. */
struct pieces {
	const char *text;
	size_t n, at, most;
};

static int read_piece(void *user, char *bytes, size_t size, size_t *ret_n, struct error *error)
{
	struct pieces *pieces = user;
	size_t n = pieces->n - pieces->at;
	n = n > pieces->most ? pieces->most : n;
	n = n > size ? size : n;
	memcpy(bytes, pieces->text + pieces->at, n);
	pieces->at += n;
	*ret_n = n;
	return STATUS_OK;
}

static struct json_scan *scan_of(struct pieces *pieces)
{
	struct json_scan *scan;
	struct error error;
	cr_assert_eq(json_scan_create(read_piece, pieces, &error, &scan), STATUS_OK);
	return scan;
}

static struct pieces pieces_of(const char *text, size_t most)
{
	return (struct pieces){ text, strlen(text), 0, most };
}

static void add_value(struct strbuf *out, int depth)
{
	static const char *const scalars[] = { "true", "false", "null", "0", "-12.50", "3e4", "\"\"", "\"a \\\"b\\\" \\\\\"",
		"\"[{]}\"", "\"\\u00e9\\n\"", "1712867402348700.123" };
	int kind = rand() % (depth < 5 ? 4 : 2), n = rand() % 5;
	if (kind < 2) {
		strbuf_add(out, scalars[rand() % (int)(sizeof scalars / sizeof *scalars)]);
		return;
	}
	strbuf_add(out, kind == 2 ? "[" : "{");
	for (int i = 0; i < n; i++) {
		strbuf_add(out, i ? ", " : " ");
		if (kind == 3)
			strbuf_addf(out, "\"key%d\" : ", i);
		add_value(out, depth + 1);
	}
	strbuf_add(out, kind == 2 ? " ]" : "}");
}

static void expect_same(struct json_scan *scan, const cJSON *expected)
{
	struct json_text text;
	const cJSON *child = expected->child;
	if (rand() % 4 == 0) {
		cr_assert(json_skip(scan));
	} else if (cJSON_IsArray(expected)) {
		cr_assert(json_array(scan));
		for (; json_item(scan); child = child->next)
			expect_same(scan, child);
		cr_assert_null(child);
	} else if (cJSON_IsObject(expected)) {
		cr_assert(json_object(scan));
		for (; json_key(scan, &text); child = child->next) {
			cr_assert(json_is(scan, text, child->string), "key %s", child->string);
			expect_same(scan, child);
		}
		cr_assert_null(child);
	} else if (cJSON_IsString(expected)) {
		char bytes[64];
		cr_assert(json_string(scan, &text));
		size_t n = json_unescape(scan, text, bytes);
		cr_assert(n == strlen(expected->valuestring) && memcmp(bytes, expected->valuestring, n) == 0, "%.*s for %s", (int)n, bytes,
			expected->valuestring);
	} else if (cJSON_IsNumber(expected)) {
		double value = -1;
		cr_assert(json_number(scan, &text) && json_real(scan, text, &value));
		cr_assert_eq(value, expected->valuedouble, "%g for %g", value, expected->valuedouble);
	} else {
		cr_assert(json_scalar(scan, &text));
		cr_assert(json_is(scan, text, cJSON_IsTrue(expected) ? "true" : cJSON_IsFalse(expected) ? "false" : "null"));
	}
}

Test(json_scan, reads_what_cjson_reads)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 16, 61, 4096 };
	srand(7);
	for (int round = 0; round < 400; round++) {
		struct strbuf text = STRBUF_INIT;
		add_value(&text, 0);
		cJSON *expected = cJSON_Parse(strbuf_text(&text));
		cr_assert_not_null(expected, "%s", strbuf_text(&text));
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct pieces pieces = pieces_of(strbuf_text(&text), sizes[i]);
			struct json_scan *scan = scan_of(&pieces);
			expect_same(scan, expected);
			cr_assert(json_at_end(scan) && !json_failed(scan, NULL, NULL), "%s", strbuf_text(&text));
			json_scan_destroy(scan);
		}
		cJSON_Delete(expected);
		strbuf_finish(&text);
	}
}

static const struct decimal_case {
	const char *text;
	int digits;
	bool is_number;
	int64_t value;
} decimal_cases[] = {
	{ "0", 3, true, 0 },
	{ "1712867402348700.123", 3, true, 1712867402348700123 },
	{ "1712195495505582.988", 3, true, 1712195495505582988 },
	{ "6520618861901.7615", 3, true, 6520618861901762 },
	{ "-12.5", 3, true, -12500 },
	{ "0.0004", 3, true, 0 },
	{ "0.0005", 3, true, 1 },
	{ "-0.0005", 3, true, -1 },
	{ "0.00049999", 3, true, 0 },
	{ "1e3", 3, true, 1000000 },
	{ "1.5E-3", 3, true, 2 },
	{ "1e-400", 3, true, 0 },
	{ "9223372036854775807", 0, true, INT64_MAX },
	{ "9223372036854775808", 0, false, 0 },
	{ "18446744073709551616", 0, false, 0 },
	{ "9223372036854775.8074", 3, true, INT64_MAX },
	{ "123456789012345678901234567890e-20", 0, true, 1234567890 },
	{ "0.30000000000000000000000000000000001", 3, true, 300 },
	{ "1e19", 0, false, 0 },
	{ "", 0, false, 0 },
	{ "-", 0, false, 0 },
	{ "1x", 0, false, 0 },
	{ "1e", 0, false, 0 },
	{ ".5", 1, true, 5 },
	{ "5.", 0, true, 5 },
};

Test(json_scan, decimals_are_exact)
{
	for (size_t i = 0; i < sizeof decimal_cases / sizeof *decimal_cases; i++) {
		const struct decimal_case *expected = &decimal_cases[i];
		char quoted[128];
		struct json_text text;
		int64_t value = 0;
		snprintf(quoted, sizeof quoted, "\"%s\"", expected->text);
		struct pieces pieces = pieces_of(quoted, 5);
		struct json_scan *scan = scan_of(&pieces);
		cr_assert(json_string(scan, &text));
		bool is_number = json_decimal(scan, text, expected->digits, &value);
		cr_assert_eq(is_number, expected->is_number, "%s: %d", expected->text, is_number);
		cr_assert(!is_number || value == expected->value, "%s: %" PRId64 " for %" PRId64, expected->text, value, expected->value);
		json_scan_destroy(scan);
	}
}

static const struct {
	const char *text, *plain;
} escape_cases[] = {
	{ "\\u20ac", "\xe2\x82\xac" },
	{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
	{ "\\ud83d x", "\xef\xbf\xbd x" },
	{ "\\ude00", "\xef\xbf\xbd" },
	{ "a\\/b\\\\", "a/b\\" },
	{ "\\q", "q" },
	{ "\\u12", "u12" },
	{ "tab\there", "tab\there" },
};

Test(json_scan, escapes_are_resolved)
{
	for (size_t i = 0; i < sizeof escape_cases / sizeof *escape_cases; i++) {
		char quoted[64], bytes[64];
		struct json_text text;
		snprintf(quoted, sizeof quoted, "\"%s\"", escape_cases[i].text);
		struct pieces pieces = pieces_of(quoted, 3);
		struct json_scan *scan = scan_of(&pieces);
		cr_assert(json_string(scan, &text), "%s", quoted);
		size_t n = json_unescape(scan, text, bytes);
		bytes[n] = '\0';
		cr_assert_str_eq(bytes, escape_cases[i].plain);
		json_scan_destroy(scan);
	}
}

static const struct {
	const char *text, *what;
} broken_cases[] = {
	{ "{\"a\": 1", "the text ends inside a container" },
	{ "{\"a\": [1, 2", "the text ends inside a container" },
	{ "{\"a\": \"x", "the text ends inside a string" },
	{ "{\"a\": \"x\\", "the text ends inside a string" },
	{ "{\"a\" 1}", "a colon was expected" },
	{ "{\"a\": 1 \"b\": 2}", "a comma was expected" },
	{ "{a: 1}", "a key was expected" },
	{ "{\"a\": }", "a value was expected" },
	{ "", "an object was expected" },
};

Test(json_scan, broken_texts_are_told)
{
	for (size_t i = 0; i < sizeof broken_cases / sizeof *broken_cases; i++) {
		for (size_t size = 1; size < 40; size += 6) {
			struct pieces pieces = pieces_of(broken_cases[i].text, size);
			struct json_scan *scan = scan_of(&pieces);
			struct json_text key;
			const char *what = NULL;
			if (json_object(scan)) {
				while (json_key(scan, &key))
					json_skip(scan);
			}
			cr_assert(json_failed(scan, &what, NULL), "%s", broken_cases[i].text);
			cr_assert_str_eq(what, broken_cases[i].what, "%s: %s", broken_cases[i].text, what);
			json_scan_destroy(scan);
		}
	}
}

Test(json_scan, goes_on_behind_a_broken_object)
{
	const char *text = "[{\"n\": 1}, {\"n\": \"un\"quoted\"}, {\"n\": 3, \"args\": {\"x\": [}}, {\"n\": 4},\n {\"n\": 5}]";
	int64_t sum = 0, n_broken = 0;
	for (size_t size = 1; size < 30; size += 3) {
		struct pieces pieces = pieces_of(text, size);
		struct json_scan *scan = scan_of(&pieces);
		struct json_text key, number;
		uint64_t skipped;
		sum = n_broken = 0;
		cr_assert(json_array(scan));
		while (json_item(scan)) {
			int64_t value = 0;
			for (bool goes_on = true; goes_on;) {
				json_pin(scan);
				bool is_open = json_object(scan);
				while (is_open && json_key(scan, &key)) {
					if (json_is(scan, key, "n") && json_scalar(scan, &number))
						json_decimal(scan, number, 0, &value);
					else
						json_skip(scan);
				}
				goes_on = json_failed(scan, NULL, NULL) && json_recover(scan, &skipped);
				n_broken += goes_on;
			}
			json_unpin(scan);
			sum += value;
		}
		cr_assert(!json_failed(scan, NULL, NULL));
		cr_assert(sum == 1 + 4 + 5 && n_broken == 2, "pieces of %zu: sum %" PRId64 ", %" PRId64 " broken", size, sum, n_broken);
		json_scan_destroy(scan);
	}
}

Test(json_scan, a_value_may_be_larger_than_the_window_but_not_than_the_limit)
{
	size_t n = 3u << 20;
	char *text = malloc(JSON_VALUE_BYTES_MAX * 2 + 8);
	memset(text, 'x', JSON_VALUE_BYTES_MAX * 2 + 8);
	text[0] = text[n + 1] = '"';
	text[n + 2] = '\0';
	for (int round = 0; round < 2; round++) {
		struct pieces pieces = { text, round ? JSON_VALUE_BYTES_MAX * 2 : n + 2, 0, 100000 };
		struct json_scan *scan = scan_of(&pieces);
		struct json_text string;
		bool is_read = json_string(scan, &string);
		cr_assert_eq(is_read, !round);
		cr_assert(round || string.n == n, "%zu", string.n);
		json_scan_destroy(scan);
		text[n + 1] = 'x';
	}
	free(text);
}
