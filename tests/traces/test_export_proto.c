/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire format, byte by byte.
 */
#include "traces/export_proto.h"

#include <criterion/criterion.h>
#include <string.h>

#include "engine/base/attributes.h"

static void expect_bytes(const char *name, const struct export_proto *proto, const void *bytes, size_t n)
{
	cr_expect_eq(proto->n, n, "%s: %zu bytes, wanted %zu", name, proto->n, n);
	for (size_t i = 0; i < n && i < proto->n; i++)
		cr_expect_eq(proto->bytes[i], ((const uint8_t *)bytes)[i], "%s: byte %zu is %02x, wanted %02x", name, i, proto->bytes[i],
			((const uint8_t *)bytes)[i]);
}

static const struct {
	const char *name;
	int field;
	uint64_t value;
	const char *bytes;
	size_t n;
} varints[] = { { "zero", 1, 0, "\x08\x00", 2 }, { "one byte", 1, 127, "\x08\x7f", 2 }, { "two bytes", 1, 150, "\x08\x96\x01", 3 },
	{ "field 16", 16, 1, "\x80\x01\x01", 3 }, { "most", 1, UINT64_MAX, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 } };

Test(export_proto, varints)
{
	for (size_t i = 0; i < ARRAY_LEN(varints); i++) {
		struct export_proto proto = { 0 };
		export_proto_varint(&proto, varints[i].field, varints[i].value);
		expect_bytes(varints[i].name, &proto, varints[i].bytes, varints[i].n);
		export_proto_finish(&proto);
	}
}

static const struct {
	const char *name, *text, *bytes;
} texts[] = { { "plain", "testing", "\x12\x07testing" }, { "empty", "", "\x12" }, { "two-byte character", "\xc3\xa9", "\x12\x02\xc3\xa9" },
	{ "broken", "a\xff" "b", "\x12\x05" "a\xef\xbf\xbd" "b" }, { "cut", "\xe2\x82", "\x12\x06\xef\xbf\xbd\xef\xbf\xbd" } };

Test(export_proto, texts_are_utf8)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct export_proto proto = { 0 };
		export_proto_text(&proto, 2, texts[i].text);
		expect_bytes(texts[i].name, &proto, texts[i].bytes, *texts[i].text ? strlen(texts[i].bytes) : 2);
		export_proto_finish(&proto);
	}
}

Test(export_proto, fixed_numbers)
{
	struct export_proto proto = { 0 };
	export_proto_fixed64(&proto, 1, 0x0102030405060708);
	export_proto_double(&proto, 1, 1.0);
	expect_bytes("fixed", &proto, "\x09\x08\x07\x06\x05\x04\x03\x02\x01\x09\0\0\0\0\0\0\xf0\x3f", 18);
	export_proto_finish(&proto);
}

/* Contents just below and above what one and two bytes of length can say. */
Test(export_proto, lengths_of_nested_messages)
{
	static const size_t lengths[] = { 0, 1, 123, 124, 125, 126, 127, 128, 16380, 16383, 16384, 16385, 70000 };
	static char text[70001];
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct export_proto proto = { 0 };
		memset(text, 'x', lengths[i]);
		text[lengths[i]] = '\0';
		size_t outer = export_proto_begin(&proto, 1);
		export_proto_text(&proto, 2, text);
		export_proto_end(&proto, outer);
		size_t n_inner = 1 + (lengths[i] < 128 ? 1 : lengths[i] < 16384 ? 2 : 3) + lengths[i], at = 1, length = 0;
		for (int shift = 0;; shift += 7) {
			length |= (size_t)(proto.bytes[at] & 0x7f) << shift;
			if (!(proto.bytes[at++] & 0x80))
				break;
		}
		cr_expect_eq(length, n_inner, "%zu: the message says %zu bytes, wanted %zu", lengths[i], length, n_inner);
		cr_expect_eq(proto.n, at + n_inner, "%zu: %zu bytes in all, wanted %zu", lengths[i], proto.n, at + n_inner);
		cr_expect(memchr(proto.bytes + at + 1, 'x', proto.n - at - 1) || !lengths[i], "%zu: the text is gone", lengths[i]);
		export_proto_finish(&proto);
	}
}
