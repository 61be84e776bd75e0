/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets between driver and collector.
 */
#include "engine/run/collect.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/run/program.h"

static void make_pair(int pair[2])
{
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
}

static int receive(int fd, struct collect_message *message, char *text)
{
	struct error error = { 0 };
	return collect_receive(fd, message, text, &error);
}

Test(collect, carries_fields_and_text)
{
	int pair[2];
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	struct collect_message sent = { .kind = COLLECT_FAILURE, .status = STATUS_OP, .worker = 1, .node = 7, .failure = 3,
		.execution = 1ull << 40, .time_ns = -5, .level = 2 }, got = { 0 };
	make_pair(pair);
	cr_assert(collect_send(pair[0], &sent, "the text") == STATUS_OK);
	cr_assert(collect_receive(pair[1], &got, text, NULL) == STATUS_OK);
	cr_expect(got.kind == sent.kind && got.status == sent.status && got.worker == 1 && got.node == 7 && got.failure == 3
		&& got.execution == sent.execution && got.time_ns == -5 && got.level == 2 && got.version == COLLECT_VERSION);
	cr_expect_str_eq(text, "the text");
	cr_assert(collect_send(pair[0], &(struct collect_message){ .kind = COLLECT_READY }, NULL) == STATUS_OK);
	cr_assert(receive(pair[1], &got, text) == STATUS_OK);
	cr_expect(got.kind == COLLECT_READY && text[0] == '\0', "text '%s'", text);
}

Test(collect, cuts_a_long_text)
{
	int pair[2];
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	static char longer[COLLECT_TEXT_BYTES_MAX + 100];
	struct collect_message got;
	memset(longer, 'x', sizeof(longer) - 1);
	make_pair(pair);
	cr_assert(collect_send(pair[0], &(struct collect_message){ .kind = COLLECT_LOG }, longer) == STATUS_OK);
	cr_assert(receive(pair[1], &got, text) == STATUS_OK);
	cr_expect(strlen(text) == COLLECT_TEXT_BYTES_MAX, "%zu bytes", strlen(text));
}

Test(collect, tells_nothing_yet_from_closed)
{
	int pair[2];
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	struct collect_message got;
	make_pair(pair);
	cr_expect(receive(pair[1], &got, text) == STATUS_AGAIN);
	cr_expect(collect_send(pair[0], &(struct collect_message){ .kind = COLLECT_STOP }, "bye") == STATUS_OK);
	close(pair[0]);
	cr_expect(receive(pair[1], &got, text) == STATUS_OK, "what was sent before the end arrives");
	cr_expect(receive(pair[1], &got, text) == STATUS_STOPPED);
	cr_expect(collect_send(pair[1], &(struct collect_message){ .kind = COLLECT_DONE }, NULL) == STATUS_PROTOCOL);
}

Test(collect, never_blocks)
{
	int pair[2], status, n = 0;
	make_pair(pair);
	fcntl(pair[0], F_SETFL, 0);
	while ((status = collect_send(pair[0], &(struct collect_message){.kind = COLLECT_LOG}, "again")) == STATUS_OK &&
		n < 1000000)
		n++;
	cr_expect(status == STATUS_AGAIN, "status %d after %d messages", status, n);
}

Test(collect, refuses_garbage)
{
	struct collect_message good = { .version = COLLECT_VERSION, .kind = COLLECT_LOG };
	struct collect_message version = good, kind = good, zero = good, length = good;
	version.version = 99;
	kind.kind = COLLECT_SAVED + 1;
	zero.kind = 0;
	length.text_bytes = 5;
	const struct {
		const char *name;
		const void *bytes;
		size_t n;
	} cases[] = {
		{"short", "abc", 3},
		{"wrong version", &version, sizeof(version)},
		{"unknown kind", &kind, sizeof(kind)},
		{"kind 0", &zero, sizeof(zero)},
		{"text that is not there", &length, sizeof(length)},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int pair[2];
		char text[COLLECT_TEXT_BYTES_MAX + 1];
		struct collect_message got;
		make_pair(pair);
		cr_assert(send(pair[0], cases[i].bytes, cases[i].n, 0) == (ssize_t)cases[i].n);
		int status = receive(pair[1], &got, text);
		cr_expect(status == STATUS_PROTOCOL, "%s: status %d, expected %d", cases[i].name, status, STATUS_PROTOCOL);
		close(pair[0]);
		close(pair[1]);
	}
}
