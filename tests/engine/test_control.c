/* SPDX-License-Identifier: Apache-2.0
 *
 * test_control: tests of engine/run/control.h and engine/run/wait.h.
 */
#include "engine/run/control.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/run/program.h"
#include "engine/run/wait.h"

struct fixture {
	struct control control;
	void *memory;
	_Atomic uint64_t word;
};

static void open_fixture(struct fixture *fixture, uint32_t n_workers)
{
	size_t bytes = round_up(control_bytes(n_workers, 4), CACHE_LINE_BYTES);
	clock_init();
	memset(fixture, 0, sizeof *fixture);
	fixture->memory = aligned_alloc(CACHE_LINE_BYTES, bytes);
	memset(fixture->memory, 0, bytes);
	control_init(fixture->memory, n_workers, 4, control_count_cores(), &fixture->control);
}

static const struct wait_name name = { .cause = PHASE_STARVED, .node = 5, .edge = 6, .channel = 7, .slot = 1, .peer = 0,
	.execution = 41 };

Test(control, opens_what_it_created)
{
	struct error error = { 0 };
	struct control control;
	int fd = -1;
	cr_assert_eq(control_create(3, 4, 2, &error, &fd), STATUS_OK, "%s", error.text);
	cr_assert_eq(control_open(fd, &control, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(control.header->n_workers, 3u);
	cr_expect_eq(control.header->n_cores, 2u);
	control_close(&control);
	close(fd);
}

Test(control, refuses_another_layout)
{
	static const struct {
		const char *name;
		size_t offset;
		uint32_t value;
	} cases[] = {
		{ "magic", offsetof(struct control_header, magic), 1 },
		{ "version", offsetof(struct control_header, version), 99 },
		{ "workers", offsetof(struct control_header, n_workers), 70000 },
		{ "fewer workers", offsetof(struct control_header, n_workers), 1 },
		{ "failures", offsetof(struct control_header, n_failures), 3 },
		{ "no failures", offsetof(struct control_header, n_failures), 0 },
		{ "size", offsetof(struct control_header, total_bytes), 12 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		struct control control;
		int fd = -1;
		cr_assert_eq(control_create(3, 4, 2, &error, &fd), STATUS_OK);
		cr_assert_eq(pwrite(fd, &cases[i].value, 4, (off_t)cases[i].offset), 4);
		int status = control_open(fd, &control, &error);
		cr_expect_eq(status, STATUS_PROTOCOL, "%s: status %d", cases[i].name, status);
		close(fd);
	}
}

Test(control, failures_and_cancels)
{
	struct fixture fixture;
	open_fixture(&fixture, 2);
	uint32_t word = control_fail(&fixture.control, STATUS_OP, 1, 3, 17, "it broke");
	const struct control_failure *failure = &fixture.control.failures[word - 1];
	cr_expect_str_eq(failure->text, "it broke");
	cr_expect(failure->execution == 17 && failure->node == 3 && failure->status == STATUS_OP);
	cr_expect_eq(control_cancelled(&fixture.control, 17), 0u);
	control_cancel(&fixture.control, 17, word);
	cr_expect_eq(control_cancelled(&fixture.control, 17), word);
	cr_expect_eq(control_cancelled(&fixture.control, 18), 0u);
	uint32_t n = fixture.control.n_failures;
	for (uint64_t k = 17; k < 17 + n; k++)
		control_cancel(&fixture.control, k, word);
	cr_expect_eq(control_cancelled(&fixture.control, 17), word, "as many as can be in flight are kept");
	control_cancel(&fixture.control, 17 + n, word);
	cr_expect_eq(control_cancelled(&fixture.control, 17), 0u, "the oldest is over");
	free(fixture.memory);
}

static void *publish_late(void *argument)
{
	struct fixture *fixture = argument;
	usleep(30000);
	atomic_store_explicit(&fixture->word, 9, memory_order_release);
	control_wake(fixture->control.header, &fixture->control.header->workers[1]);
	return NULL;
}

/* Long enough to fall asleep; the name can be read while it lasts and is gone after. */
Test(wait, sleeps_and_is_woken)
{
	struct fixture fixture;
	struct waiter waiter;
	struct wait_times times;
	pthread_t thread;
	open_fixture(&fixture, 2);
	waiter_init(&waiter, &fixture.control, 1);
	pthread_create(&thread, NULL, publish_late, &fixture);
	cr_expect_eq(wait_slow(&waiter, &fixture.word, 9, &name, 0, &times), STATUS_OK);
	cr_expect(times.was_named);
	pthread_join(thread, NULL);
	struct control_wait_copy copy;
	cr_expect(!control_read_wait(&fixture.control.header->workers[1], &copy), "the wait is over");
	cr_expect_eq(atomic_load(&fixture.control.header->n_awake), 2u);
	free(fixture.memory);
}

static void *read_name(void *argument)
{
	struct fixture *fixture = argument;
	struct control_wait_copy copy = { 0 };
	while (!control_read_wait(&fixture->control.header->workers[1], &copy))
		usleep(1000);
	cr_expect(copy.node == 5 && copy.edge == 6 && copy.channel == 7 && copy.slot == 1 && copy.execution == 41);
	control_stop(&fixture->control);
	return NULL;
}

Test(wait, has_a_name_and_ends_with_the_run)
{
	struct fixture fixture;
	struct waiter waiter;
	struct wait_times times;
	pthread_t thread;
	open_fixture(&fixture, 2);
	waiter_init(&waiter, &fixture.control, 1);
	pthread_create(&thread, NULL, read_name, &fixture);
	cr_expect_eq(wait_slow(&waiter, &fixture.word, 1, &name, 0, &times), STATUS_STOPPED);
	pthread_join(thread, NULL);
	free(fixture.memory);
}

Test(wait, keeps_its_deadline)
{
	struct fixture fixture;
	struct waiter waiter;
	struct wait_times times;
	open_fixture(&fixture, 2);
	waiter_init(&waiter, &fixture.control, 1);
	uint64_t deadline = clock_ticks().count + clock_ticks_of_ns(5000000);
	cr_expect_eq(wait_slow(&waiter, &fixture.word, 1, &name, deadline, &times), STATUS_AGAIN);
	cr_expect(clock_ticks().count >= deadline);
	free(fixture.memory);
}

Test(wait, without_membarrier_publishers_fence)
{
	struct fixture fixture;
	struct waiter waiter;
	struct wait_times times;
	pthread_t thread;
	open_fixture(&fixture, 2);
	fixture.control.header->needs_fence = 1;
	waiter_init(&waiter, &fixture.control, 1);
	pthread_create(&thread, NULL, publish_late, &fixture);
	cr_expect_eq(wait_slow(&waiter, &fixture.word, 9, &name, 0, &times), STATUS_OK);
	pthread_join(thread, NULL);
	free(fixture.memory);
}
