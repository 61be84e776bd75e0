/* SPDX-License-Identifier: Apache-2.0
 *
 * export_proto: the wire format.
 */
#include "traces/export_proto.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_LENGTH = 2,
};

#define VARINT_BYTES_MAX 10

void export_proto_finish(struct export_proto *proto)
{
	free(proto->bytes);
	*proto = (struct export_proto){ 0 };
}

static bool reserve(struct export_proto *proto, size_t n_more)
{
	if (proto->is_failed)
		return false;
	if (proto->n + n_more <= proto->capacity)
		return true;
	size_t capacity = 2 * (proto->n + n_more) + 256;
	uint8_t *bytes = realloc(proto->bytes, capacity);
	proto->is_failed = !bytes;
	if (!bytes)
		return false;
	proto->bytes = bytes;
	proto->capacity = capacity;
	return true;
}

static size_t encode(uint8_t *bytes, uint64_t value)
{
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	return n;
}

static void add_key(struct export_proto *proto, int field, enum wire_type type)
{
	proto->n += encode(proto->bytes + proto->n, (uint64_t)field << 3 | type);
}

void export_proto_varint(struct export_proto *proto, int field, uint64_t value)
{
	if (!reserve(proto, 2 * VARINT_BYTES_MAX))
		return;
	add_key(proto, field, WIRE_VARINT);
	proto->n += encode(proto->bytes + proto->n, value);
}

void export_proto_fixed64(struct export_proto *proto, int field, uint64_t value)
{
	if (!reserve(proto, VARINT_BYTES_MAX + 8))
		return;
	add_key(proto, field, WIRE_FIXED64);
	for (int i = 0; i < 8; i++)
		proto->bytes[proto->n++] = (uint8_t)(value >> 8 * i);
}

void export_proto_double(struct export_proto *proto, int field, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	export_proto_fixed64(proto, field, bits);
}

static void add_utf8(struct export_proto *proto, const char *text)
{
	static const uint8_t replacement[] = { 0xef, 0xbf, 0xbd };
	while (*text) {
		uint32_t code;
		size_t n = (unsigned char)*text < 0x80 ? 1 : utf8_decode(text, &code);
		const void *bytes = n ? (const void *)text : replacement;
		size_t n_bytes = n ? n : sizeof(replacement);
		if (!reserve(proto, n_bytes))
			return;
		memcpy(proto->bytes + proto->n, bytes, n_bytes);
		proto->n += n_bytes;
		text += n ? n : 1;
	}
}

void export_proto_text(struct export_proto *proto, int field, const char *text)
{
	size_t start = export_proto_begin(proto, field);
	add_utf8(proto, text);
	export_proto_end(proto, start);
}

/* One byte is kept for the length, which suffices for most; longer ones move the content. */
size_t export_proto_begin(struct export_proto *proto, int field)
{
	if (!reserve(proto, VARINT_BYTES_MAX + 1))
		return 0;
	add_key(proto, field, WIRE_LENGTH);
	return ++proto->n;
}

void export_proto_end(struct export_proto *proto, size_t start)
{
	uint8_t length[VARINT_BYTES_MAX];
	if (!reserve(proto, VARINT_BYTES_MAX))
		return;
	size_t n_content = proto->n - start, n_length = encode(length, n_content);
	if (n_length > 1)
		memmove(proto->bytes + start + n_length - 1, proto->bytes + start, n_content);
	memcpy(proto->bytes + start - 1, length, n_length);
	proto->n += n_length - 1;
}
