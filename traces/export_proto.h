/* SPDX-License-Identifier: Apache-2.0
 *
 * export_proto: writing protocol buffers, as their documentation describes the wire format ("Encoding", protobuf.dev): fields of
 * varints, fixed 64-bit numbers and lengths with bytes; nested messages.
 */
#ifndef TANDEM_TRACES_EXPORT_PROTO_H
#define TANDEM_TRACES_EXPORT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owns its bytes. After a failed allocation further additions are ignored and `is_failed` is set. */
struct export_proto {
	uint8_t *bytes;
	size_t n, capacity;
	bool is_failed;
};

void export_proto_finish(struct export_proto *proto);

void export_proto_varint(struct export_proto *proto, int field, uint64_t value);
void export_proto_fixed64(struct export_proto *proto, int field, uint64_t value);
void export_proto_double(struct export_proto *proto, int field, double value);
/* Text must be UTF-8: what is not is replaced by U+FFFD. */
void export_proto_text(struct export_proto *proto, int field, const char *text);

/* A nested message: what is added between the two belongs to it. `begin` returns what `end` takes. */
size_t export_proto_begin(struct export_proto *proto, int field);
void export_proto_end(struct export_proto *proto, size_t start);

#endif
