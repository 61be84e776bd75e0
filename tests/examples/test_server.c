/* SPDX-License-Identifier: Apache-2.0
 *
 * test_server: examples/c/server.c under many clients, bad ones among them, in both modes: what is asked is answered, what is wrong is told,
 * memory stays bounded, and the end is clean.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/examples/server_peer.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

/* y = f(x) + 1, f on the first of two workers. */
#define GRAPH(f)                                                                   \
	"digraph served { input [tensors=\"x:f32[B<=256,64]\"];"                   \
	" subgraph cluster_0 { worker=w0; device=\"cpu:0\"; f [" f "]; }"          \
	" subgraph cluster_1 { worker=w1; device=\"cpu:1\"; plus [op=add, scalar=1]; }" \
	" input -> f -> plus -> output; }"
#define DOUBLE GRAPH("op=scale, factor=2")

enum { PROTOCOL = 19, INPUT = 7, OP = 8, DIED = 9 }; /* enum tandem_status */

static const char *const modes[] = { "", "-i " };

static void set_up(void)
{
	leftovers_mark();
	tool_temporary();
}

TestSuite(server, .init = set_up, .timeout = 120);

static pid_t start(size_t mode, const char *options, const char *graph)
{
	char line[256];
	snprintf(line, sizeof line, "%s%s", modes[mode], options);
	return peer_start_server(line, graph);
}

static void expect_end(const char *name, pid_t pid, int signal, int exit_status)
{
	int status = peer_end_server(pid, signal), n_left = leftovers_count(3000);
	char *said = peer_server_said();
	cr_expect_eq(status, exit_status, "%s: exit status %d, expected %d: %s", name, status, exit_status, said);
	cr_expect_eq(n_left, 0, "%s: %d processes are left", name, n_left);
	cr_expect(!peer_socket_exists(), "%s: the socket is left", name);
	free(said);
}

static void expect_result(const char *name, int fd, uint32_t id, int rows, float value)
{
	struct peer_answer answer = { 0 };
	cr_assert(peer_receive(fd, &answer), "%s, request %u: the server hung up", name, id);
	cr_expect(answer.id == id && answer.status == 0 && answer.rows == rows && answer.value == value,
		"%s: id %u, status %u (%s), %d rows of %g; expected id %u, %d rows of %g", name, answer.id, answer.status, answer.text,
		answer.rows, (double)answer.value, id, rows, (double)value);
}

static void expect_error(const char *name, int fd, uint32_t id, uint32_t status, const char *part)
{
	struct peer_answer answer = { 0 };
	cr_assert(peer_receive(fd, &answer), "%s: the server hung up without an answer", name);
	cr_expect(answer.id == id && answer.status == status && strstr(answer.text, part),
		"%s: id %u, status %u, '%s'; expected id %u, status %u, '%s'", name, answer.id, answer.status, answer.text, id, status, part);
}

static void expect_closed(const char *name, int fd)
{
	struct peer_answer answer = { 0 };
	cr_expect(!peer_receive(fd, &answer), "%s: an answer with status %u, '%s', where the end was expected", name, answer.status, answer.text);
	close(fd);
}

static void expect_serves(const char *name)
{
	int fd = peer_connect();
	cr_expect(peer_send(fd, 7, 3, 5), "%s: cannot send", name);
	expect_result(name, fd, 7, 3, 11);
	close(fd);
}

/* -- many clients ------------------------------------------------------------------------------------------------------ */

#define N_CLIENTS 24
#define N_REQUESTS 40

/* Requests of changing sizes, as many ahead of the answers as the client's number says. */
static void *be_client(void *number)
{
	int me = (int)(intptr_t)number, ahead = 1 + me % 5, fd = peer_connect();
	for (int i = 0; i < N_REQUESTS + ahead; i++) {
		int sent = i, got = i - ahead;
		if (sent < N_REQUESTS)
			cr_expect(peer_send(fd, (uint32_t)(100 * me + sent), 1 + (me * 37 + sent * 11) % PEER_ROWS_MAX, (float)(me + sent)),
				"client %d: cannot send request %d", me, sent);
		if (got >= 0)
			expect_result("many clients", fd, (uint32_t)(100 * me + got), 1 + (me * 37 + got * 11) % PEER_ROWS_MAX,
				(float)(2 * (me + got) + 1));
	}
	close(fd);
	return NULL;
}

Test(server, answers_many_clients)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pthread_t threads[N_CLIENTS];
		pid_t pid = start(mode, "-n 5", DOUBLE);
		for (int i = 0; i < N_CLIENTS; i++)
			pthread_create(&threads[i], NULL, be_client, (void *)(intptr_t)i);
		for (int i = 0; i < N_CLIENTS; i++)
			pthread_join(threads[i], NULL);
		expect_end("many clients", pid, SIGTERM, 0);
	}
}

Test(server, answers_who_shuts_its_half_down)
{
	pid_t pid = start(0, "-n 2", GRAPH("op=sleep, us=20000"));
	int fd = peer_connect();
	for (uint32_t i = 0; i < 8; i++)
		peer_send(fd, i, 2, (float)i);
	shutdown(fd, SHUT_WR);
	for (uint32_t i = 0; i < 8; i++)
		expect_result("half down", fd, i, 2, (float)i + 1);
	expect_closed("half down", fd);
	expect_end("half down", pid, SIGINT, 0);
}

/* -- clients that hang up ---------------------------------------------------------------------------------------------- */

Test(server, survives_hang_ups)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "-n 3 -o @TMP@/t.tandem", GRAPH("op=sleep, us=2000"));
		for (int i = 0; i < 60; i++) {
			int fd = peer_connect();
			uint32_t words[5] = { PEER_MAGIC, 1, 1, 1000, 0 };
			if (i % 3 == 0)
				peer_send_bytes(fd, words, (size_t)(i % 20)); /* within a header, or a body */
			for (int k = 0; i % 3 && k < i % 7; k++)
				peer_send(fd, (uint32_t)k, 1 + i, 1);
			close(fd);
		}
		int fd = peer_connect();
		peer_send(fd, 1, 1, 1);
		expect_result("after hang-ups", fd, 1, 1, 2);
		close(fd);
		expect_end("hang-ups", pid, SIGTERM, 0);
		struct tool_result result = tool_run("check @TMP@/t.tandem");
		cr_expect_eq(result.exit_status, 0, "the trace is not sound: %s%s", result.out, result.err);
		tool_result_finish(&result);
	}
}

Test(server, cancels_what_nobody_waits_for)
{
	pid_t pid = start(0, "-n 8 -o @TMP@/t.tandem", GRAPH("op=sleep, us=50000"));
	int fd = peer_connect(), other = peer_connect();
	peer_send(other, 0, 1, 1); /* the server listens before its workers are ready */
	expect_result("before", other, 0, 1, 2);
	for (uint32_t i = 0; i < 8; i++)
		peer_send(fd, i, 1, 1);
	usleep(20000);
	close(fd);
	peer_send(other, 1, 1, 1);
	expect_result("after a cancelled client", other, 1, 1, 2);
	close(other);
	expect_end("cancelled", pid, SIGTERM, 0);
	struct tool_result result = tool_run("query @TMP@/t.tandem 'SELECT DISTINCT status FROM v_execution' --json");
	cr_expect(result.exit_status == 0 && strstr(result.out, "\"cancelled\""), "nothing was cancelled: exit status %d, '%s', '%s'",
		result.exit_status, result.out, result.err);
	tool_result_finish(&result);
}

/* -- wrong requests ---------------------------------------------------------------------------------------------------- */

/* A request with this header and these words behind it. */
struct wrong {
	const char *name;
	uint32_t magic, number, bytes;
	uint32_t body[12];
	uint32_t status;
	const char *message;
	bool closes; /* the server cannot know where the next request would begin */
};

static const struct wrong wrongs[] = {
	{ "other protocol", 0x20544547, 0x2f, 8, { 1, 2 }, PROTOCOL, "no request", true },
	{ "huge", PEER_MAGIC, 1, 0xfffffff0, { 0, 2 }, PROTOCOL, "more than", true },
	{ "just too large", PEER_MAGIC, 1, (16 << 20) + 1, { 0, 2 }, PROTOCOL, "more than", true },
	{ "no tensor", PEER_MAGIC, 0, 0, { 0 }, PROTOCOL, "1 tensors", false },
	{ "two tensors", PEER_MAGIC, 2, 16, { 0, 0, 0, 0 }, PROTOCOL, "1 tensors", false },
	{ "4 billion tensors", PEER_MAGIC, 0xffffffff, 16, { 0, 0, 0, 0 }, PROTOCOL, "1 tensors", false },
	{ "cut tensor head", PEER_MAGIC, 1, 4, { 0 }, PROTOCOL, "1 tensors", false },
	{ "unknown dtype", PEER_MAGIC, 1, 16, { 6, 0, 0, 0 }, PROTOCOL, "1 tensors", false },
	{ "7 dimensions", PEER_MAGIC, 1, 40, { 0, 7 }, PROTOCOL, "1 tensors", false },
	{ "2^32 - 1 dimensions", PEER_MAGIC, 1, 40, { 0, 0xffffffff }, PROTOCOL, "1 tensors", false },
	{ "negative dimension", PEER_MAGIC, 1, 24, { 0, 2, 0xffffffff, 0xffffffff, 64, 0 }, PROTOCOL, "1 tensors", false },
	{ "sizes that overflow", PEER_MAGIC, 1, 24, { 0, 2, 0, 0x40000000, 64, 0 }, PROTOCOL, "1 tensors", false },
	{ "less data than sizes", PEER_MAGIC, 1, 32, { 0, 2, 1, 0, 64, 0 }, PROTOCOL, "1 tensors", false },
	{ "more data than sizes", PEER_MAGIC, 1, 40, { 0, 1, 1, 0, 0 }, PROTOCOL, "1 tensors", false },
	{ "other dtype", PEER_MAGIC, 1, 24, { 5, 2, 0, 0, 64, 0 }, INPUT, "dtype", false },
	{ "other shape", PEER_MAGIC, 1, 24, { 0, 1, 1, 0, 0 }, INPUT, "'x'", false },
};

Test(server, answers_wrong_requests)
{
	pid_t pid = start(0, "", DOUBLE);
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		const struct wrong *wrong = &wrongs[i];
		const uint32_t header[4] = { wrong->magic, 42, wrong->number, wrong->bytes };
		int fd = peer_connect();
		peer_send_bytes(fd, header, sizeof header);
		peer_send_bytes(fd, wrong->body, wrong->bytes < sizeof wrong->body ? wrong->bytes : sizeof wrong->body);
		expect_error(wrong->name, fd, 42, wrong->status, wrong->message);
		if (wrong->closes) {
			expect_closed(wrong->name, fd);
			continue;
		}
		peer_send(fd, 43, 4, 1);
		expect_result(wrong->name, fd, 43, 4, 3);
		close(fd);
	}
	expect_end("wrong requests", pid, SIGTERM, 0);
}

Test(server, survives_random_bytes)
{
	pid_t pid = start(0, "", DOUBLE);
	uint32_t random = 1;
	for (int i = 0; i < 100; i++) {
		unsigned char bytes[600];
		int fd = peer_connect();
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (unsigned char)((random = random * 1664525 + 1013904223) >> 24);
		for (int k = 0; i % 2 && k < 4; k++)
			bytes[k] = (unsigned char)(PEER_MAGIC >> 8 * k);
		if (i % 2)
			bytes[13] = bytes[14] = bytes[15] = 0; /* a short body, which is all there */
		peer_send_bytes(fd, bytes, sizeof bytes);
		close(fd);
	}
	expect_serves("after random bytes");
	expect_end("random bytes", pid, SIGTERM, 0);
}

Test(server, tells_what_an_op_says)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "", GRAPH("op=fail, at=2, text=\"no such luck\""));
		int fd = peer_connect();
		for (uint32_t i = 0; i < 5; i++)
			peer_send(fd, i, 1, (float)i);
		for (uint32_t i = 0; i < 5; i++) {
			if (i == 2)
				expect_error("op error", fd, i, OP, "no such luck");
			else
				expect_result("beside an op error", fd, i, 1, (float)i + 1);
		}
		close(fd);
		expect_end("op error", pid, SIGTERM, 0);
	}
}

/* -- back-pressure ----------------------------------------------------------------------------------------------------- */

/* 2000 requests of 64 KiB are 128 MB; sockets hold a fraction of a megabyte. */
Test(server, holds_a_fast_client_back)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "-n 2", GRAPH("op=sleep, us=1000000"));
		int fast = peer_connect();
		size_t cut;
		int n_sent = peer_flood(fast, PEER_ROWS_MAX, 1, 2000, &cut);
		cr_expect(n_sent < 50, "%d requests were taken while none was answered", n_sent);
		close(fast);
		expect_end("fast client", pid, SIGTERM, 0);
	}
}

Test(server, serves_others_beside_a_fast_client)
{
	pid_t pid = start(0, "-n 2", GRAPH("op=sleep, us=5000"));
	int fast = peer_connect(), other = peer_connect();
	for (uint32_t i = 0; i < 40; i++)
		peer_send(fast, i, 1, 1);
	for (uint32_t i = 0; i < 5; i++) {
		peer_send(other, i, 1, 2);
		expect_result("beside a fast client", other, i, 1, 3);
	}
	struct peer_answer answer;
	int n_fast = 0;
	while (n_fast < 40 && recv(fast, &answer, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && peer_receive(fast, &answer))
		n_fast++;
	cr_expect(n_fast < 40, "the other client had its five answers only after all %d of the fast one", n_fast);
	close(fast);
	close(other);
	expect_end("beside a fast client", pid, SIGTERM, 0);
}

Test(server, holds_back_who_does_not_fetch_answers)
{
	pid_t pid = start(0, "-n 4", DOUBLE);
	int lazy = peer_connect();
	size_t cut;
	int n_sent = peer_flood(lazy, PEER_ROWS_MAX, 1, 2000, &cut);
	cr_expect(n_sent < 200, "%d requests were taken while no answer was fetched", n_sent);
	expect_serves("beside a lazy client");
	for (int i = 0; i < n_sent; i++)
		expect_result("lazy client", lazy, (uint32_t)i, PEER_ROWS_MAX, 3);
	peer_send_rest(lazy, (uint32_t)n_sent, PEER_ROWS_MAX, 1, cut);
	expect_result("lazy client, the last", lazy, (uint32_t)n_sent, PEER_ROWS_MAX, 3);
	close(lazy);
	expect_end("lazy client", pid, SIGTERM, 0);
}

/* -- the end ----------------------------------------------------------------------------------------------------------- */

Test(server, answers_what_is_in_flight_when_it_ends)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "-n 4 -o @TMP@/t.tandem", GRAPH("op=sleep, us=100000"));
		int fd = peer_connect();
		for (uint32_t i = 0; i < 3; i++)
			peer_send(fd, i, 1, 1);
		expect_result("the first", fd, 0, 1, 2);
		kill(pid, SIGTERM);
		expect_result("in flight at the end", fd, 1, 1, 2);
		expect_result("in flight at the end", fd, 2, 1, 2);
		expect_closed("at the end", fd);
		expect_end("end", pid, 0, 0);
		struct tool_result result = tool_run("check @TMP@/t.tandem");
		cr_expect_eq(result.exit_status, 0, "the trace is not sound: %s%s", result.out, result.err);
		tool_result_finish(&result);
	}
}

Test(server, ends_at_once_when_asked_twice)
{
	pid_t pid = start(0, "", GRAPH("op=sleep, us=300000"));
	int fd = peer_connect();
	for (uint32_t i = 0; i < 6; i++)
		peer_send(fd, i, 1, 1);
	usleep(50000);
	kill(pid, SIGINT);
	usleep(50000);
	kill(pid, SIGINT);
	expect_end("asked twice", pid, 0, 0);
	close(fd);
}

Test(server, tells_everybody_when_a_worker_dies)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "-o @TMP@/t.tandem", GRAPH("op=crash, at=1, signal=segv"));
		int a = peer_connect(), b = peer_connect();
		peer_send(a, 1, 1, 1);
		expect_result("before the crash", a, 1, 1, 2);
		peer_send(b, 2, 1, 1);
		expect_error("crash", b, 2, DIED, "w0");
		expect_closed("crash, the other client", a);
		expect_closed("crash", b);
		expect_end("crash", pid, 0, 1);
	}
}

Test(server, notices_a_death_while_idle)
{
	for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
		pid_t pid = start(mode, "", DOUBLE);
		expect_serves("before the death");
		pid_t worker = leftovers_find("tandem worker w1", 3000);
		cr_assert(worker > 0, "there is no worker w1");
		kill(worker, SIGKILL);
		expect_end("death while idle", pid, 0, 1);
	}
}

Test(server, says_what_is_wrong_at_the_start)
{
	static const struct {
		const char *name, *arguments;
		int exit_status;
		const char *message;
	} cases[] = {
		{ "no arguments", "", 2, "usage:" },
		{ "no graph", "@TMP@/s", 2, "usage:" },
		{ "no such graph", "@TMP@/s @TMP@/none.dot", 1, "none.dot" },
		{ "unknown option", "-x @TMP@/s @TMP@/g.dot", 2, "invalid option" },
		{ "no room in flight", "-n 0 @TMP@/s @TMP@/g.dot", 2, "usage:" },
		{ "no such folder", "@TMP@/none/s @TMP@/g.dot", 1, "No such file" },
		{ "no such module", "-m @TMP@/none.so @TMP@/s @TMP@/g.dot", 1, "none.so" },
		{ "trace that is no trace", "-o @TMP@/g.dot @TMP@/s @TMP@/g.dot", 1, "g.dot" },
		{ "unused setting", "-s NAME=1 @TMP@/s @TMP@/g.dot", 1, "NAME" },
	};
	tool_write_file("g.dot", DOUBLE);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *words[8] = { peer_server_file() };
		char *line = tool_expand(cases[i].arguments), *next = line, *word;
		for (int n = 1; n < 7 && (word = strsep(&next, " ")) != NULL;) {
			if (*word)
				words[n++] = word;
		}
		struct tool_result result = tool_run_words(words);
		cr_expect_eq(result.exit_status, cases[i].exit_status, "%s: exit status %d: %s", cases[i].name, result.exit_status, result.err);
		cr_expect(strstr(result.err, cases[i].message), "%s: '%s' is not in: %s", cases[i].name, cases[i].message, result.err);
		tool_result_finish(&result);
		free(line);
	}
	cr_expect_eq(leftovers_count(3000), 0, "something is left");
}
