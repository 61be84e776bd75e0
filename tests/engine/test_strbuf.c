/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/strbuf.h: growth, and the two escapings.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"

Test(strbuf, grows_and_stays_terminated)
{
	struct strbuf buf = STRBUF_INIT;
	cr_assert_str_eq(strbuf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&buf, "%d,", i % 10);
	cr_assert_eq(buf.length, 2000, "length %zu", buf.length);
	cr_assert_eq(strlen(buf.text), buf.length);
	cr_assert_eq(strncmp(buf.text + 1996, "8,9,", 4), 0, "ends with %s", buf.text + 1990);
	strbuf_clear(&buf);
	cr_assert_str_eq(strbuf_text(&buf), "");
	strbuf_add_bytes(&buf, "a\0b", 3);
	cr_assert_eq(buf.length, 3);
	strbuf_finish(&buf);
	cr_assert_null(buf.text);
}

Test(strbuf, take_hands_over)
{
	struct strbuf buf = STRBUF_INIT;
	char *text = strbuf_take(&buf);
	cr_assert_str_eq(text, "", "an empty buffer gives an empty text");
	free(text);
	strbuf_add(&buf, "x");
	text = strbuf_take(&buf);
	cr_assert_str_eq(text, "x");
	cr_assert_null(buf.text);
	free(text);
}

Test(strbuf, ignores_additions_after_failure)
{
	struct strbuf buf = STRBUF_INIT;
	strbuf_add(&buf, "kept");
	buf.is_failed = true;
	strbuf_add(&buf, "lost");
	strbuf_addf(&buf, "%d", 1);
	cr_assert_str_eq(strbuf_text(&buf), "kept");
	cr_assert_null(strbuf_take(&buf));
}

static const struct {
	const char *name, *text, *json, *printable;
} escapes[] = {
	{ "plain", "layer0→layer1", "layer0→layer1", "layer0→layer1" },
	{ "quotes", "a\"b\\c", "a\\\"b\\\\c", "a\"b\\c" },
	{ "control", "a\n\t\x1b[31m", "a\\u000a\\u0009\\u001b[31m", "a^J^I^[[31m" },
	{ "delete", "\x7f", "\\u007f", "^?" },
	{ "c1 control", "\xc2\x9b", "\xc2\x9b", "\\xc2\\x9b" },
	{ "stray continuation", "a\x80z", "a\xef\xbf\xbdz", "a\\x80z" },
	{ "overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\\xc0\\xaf" },
	{ "surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\\xed\\xa0\\x80" },
	{ "cut at the end", "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", "\\xe2\\x82" },
	{ "beyond unicode", "\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\\xf5\\x80\\x80\\x80" },
	{ "four bytes", "😀", "😀", "😀" },
};

Test(strbuf, escapes)
{
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
		struct strbuf json = STRBUF_INIT, printable = STRBUF_INIT;
		strbuf_add_json(&json, escapes[i].text);
		strbuf_add_printable(&printable, escapes[i].text);
		cr_expect_str_eq(strbuf_text(&json), escapes[i].json, "%s: '%s', expected '%s'", escapes[i].name,
			strbuf_text(&json), escapes[i].json);
		cr_expect_str_eq(strbuf_text(&printable), escapes[i].printable, "%s: '%s', expected '%s'", escapes[i].name,
			strbuf_text(&printable), escapes[i].printable);
		strbuf_finish(&json);
		strbuf_finish(&printable);
	}
}
