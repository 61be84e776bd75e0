/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_bare: chains and rings of forked processes over an anonymous shared mapping.
 */
#include "tool/bench_bare.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"

#define STAGES_MAX 64
#define RING_CELLS 1024
#define SOCKET_BYTES_MAX 256

struct stage_flag {
	CACHE_ALIGNED _Atomic uint64_t round;
	uint64_t payload;
};

struct chain {
	_Atomic uint32_t stops;
	struct stage_flag flags[STAGES_MAX + 1]; /* [0] is the driver's */
	CACHE_ALIGNED uint8_t buffers[];         /* (n_stages + 1) × payload */
};

struct ring_pair {
	struct {
		CACHE_ALIGNED _Atomic uint64_t head;
		CACHE_ALIGNED _Atomic uint64_t tail;
		CACHE_ALIGNED uint64_t cells[RING_CELLS];
	} rings[2];
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof *values, compare_doubles);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static inline void pause_or_yield(bool yields)
{
	if (yields)
		sched_yield();
#if defined(__x86_64__)
	else
		__builtin_ia32_pause();
#endif
}

static void wait_for(struct chain *chain, struct stage_flag *flag, uint64_t round, bool yields)
{
	while (atomic_load_explicit(&flag->round, memory_order_acquire) < round) {
		if (atomic_load_explicit(&chain->stops, memory_order_relaxed))
			_exit(0);
		pause_or_yield(yields);
	}
}

static void pass_on(struct chain *chain, int stage, size_t payload_bytes, uint64_t round)
{
	if (payload_bytes)
		memcpy(chain->buffers + (size_t)stage * payload_bytes, chain->buffers + (size_t)(stage - 1) * payload_bytes,
			payload_bytes);
	else
		chain->flags[stage].payload = chain->flags[stage - 1].payload;
	atomic_store_explicit(&chain->flags[stage].round, round, memory_order_release);
}

static void run_stage(struct chain *chain, int stage, size_t payload_bytes, bool yields)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t round = 1;; round++) {
		wait_for(chain, &chain->flags[stage - 1], round, yields);
		pass_on(chain, stage, payload_bytes, round);
	}
}

static double drive(struct chain *chain, int n_stages, size_t payload_bytes, int n_rounds, bool yields, double *times)
{
	uint8_t *input = malloc(payload_bytes + 1);
	if (!input)
		return 0;
	memset(input, 1, payload_bytes + 1);
	for (int i = 0; i < n_rounds; i++) {
		int64_t start = clock_now().ns;
		if (payload_bytes)
			memcpy(chain->buffers, input, payload_bytes);
		chain->flags[0].payload = (uint64_t)i;
		atomic_store_explicit(&chain->flags[0].round, (uint64_t)i + 1, memory_order_release);
		wait_for(chain, &chain->flags[n_stages], (uint64_t)i + 1, yields);
		times[i] = (double)(clock_now().ns - start);
	}
	free(input);
	return bench_median(times, n_rounds);
}

static int measure_chain(int n_stages, size_t payload_bytes, int n_rounds, bool yields, struct error *error, double *ret_ns)
{
	size_t bytes = sizeof(struct chain) + (size_t)(n_stages + 1) * payload_bytes;
	struct chain *chain = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double *times = calloc((size_t)n_rounds, sizeof *times);
	pid_t pids[STAGES_MAX];
	int n_started = 0;
	if (chain == MAP_FAILED || !times) {
		free(times);
		return error_set(error, STATUS_NO_MEMORY, "no memory for a bare chain");
	}
	for (; n_started < n_stages; n_started++) {
		pids[n_started] = fork();
		if (pids[n_started] == 0)
			run_stage(chain, n_started + 1, payload_bytes, yields);
		if (pids[n_started] < 0)
			break;
	}
	int status = STATUS_OK;
	if (n_started == n_stages)
		*ret_ns = drive(chain, n_stages, payload_bytes, n_rounds, yields, times);
	else
		status = error_set_errno(error, STATUS_SYSTEM, "cannot fork");
	atomic_store(&chain->stops, 1);
	for (int i = 0; i < n_started; i++)
		waitpid(pids[i], NULL, 0);
	munmap(chain, bytes);
	free(times);
	return status;
}

int bench_bare_chain(int n_stages, size_t payload_bytes, int n_rounds, struct error *error, double *ret_ns)
{
	double spinning = 0, yielding = 0;
	/* Spinning with more processes than cores costs time slices: a few rounds tell that it is no candidate. */
	int status = measure_chain(n_stages, payload_bytes, n_stages > 1 ? 40 : n_rounds, false, error, &spinning);
	if (status == STATUS_OK)
		status = measure_chain(n_stages, payload_bytes, n_rounds, true, error, &yielding);
	if (status == STATUS_OK)
		*ret_ns = spinning < yielding ? spinning : yielding;
	return status;
}

static bool push(struct ring_pair *pair, int ring, uint64_t *head, uint64_t *tail_seen, uint64_t value)
{
	if (*head - *tail_seen == RING_CELLS) {
		*tail_seen = atomic_load_explicit(&pair->rings[ring].tail, memory_order_acquire);
		if (*head - *tail_seen == RING_CELLS)
			return false;
	}
	pair->rings[ring].cells[*head % RING_CELLS] = value;
	atomic_store_explicit(&pair->rings[ring].head, ++*head, memory_order_release);
	return true;
}

static bool pop(struct ring_pair *pair, int ring, uint64_t *tail, uint64_t *head_seen, uint64_t *ret_value)
{
	if (*tail == *head_seen) {
		*head_seen = atomic_load_explicit(&pair->rings[ring].head, memory_order_acquire);
		if (*tail == *head_seen)
			return false;
	}
	*ret_value = pair->rings[ring].cells[*tail % RING_CELLS];
	atomic_store_explicit(&pair->rings[ring].tail, ++*tail, memory_order_release);
	return true;
}

static void echo(struct ring_pair *pair, int n_messages)
{
	uint64_t tail = 0, head_seen = 0, head = 0, tail_seen = 0, value = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < n_messages; i++) {
		while (!pop(pair, 0, &tail, &head_seen, &value))
			pause_or_yield(false);
		while (!push(pair, 1, &head, &tail_seen, value))
			pause_or_yield(false);
	}
	_exit(0);
}

int bench_bare_rings(int n_messages, struct error *error, double *ret_rate)
{
	struct ring_pair *pair = mmap(NULL, sizeof *pair, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair == MAP_FAILED)
		return error_set(error, STATUS_NO_MEMORY, "no memory for bare rings");
	pid_t pid = fork();
	if (pid == 0)
		echo(pair, n_messages);
	if (pid < 0) {
		munmap(pair, sizeof *pair);
		return error_set_errno(error, STATUS_SYSTEM, "cannot fork");
	}
	uint64_t head = 0, tail_seen = 0, tail = 0, head_seen = 0, value;
	int64_t start = clock_now().ns;
	while (tail < (uint64_t)n_messages) {
		while (head < (uint64_t)n_messages && head - tail < 256 && push(pair, 0, &head, &tail_seen, head))
			;
		if (!pop(pair, 1, &tail, &head_seen, &value))
			pause_or_yield(false);
	}
	*ret_rate = (double)n_messages * 1e9 / (double)(clock_now().ns - start);
	waitpid(pid, NULL, 0);
	munmap(pair, sizeof *pair);
	return STATUS_OK;
}

static bool receive_packet(int fd, uint8_t *packet, size_t n_bytes, bool spins)
{
	ssize_t n;
	do
		n = recv(fd, packet, n_bytes, spins ? MSG_DONTWAIT : 0);
	while (n < 0 && errno == EAGAIN);
	return n == (ssize_t)n_bytes;
}

static void echo_packets(int fd, size_t n_bytes, bool spins)
{
	uint8_t packet[SOCKET_BYTES_MAX];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (receive_packet(fd, packet, n_bytes, spins) && send(fd, packet, n_bytes, MSG_NOSIGNAL) == (ssize_t)n_bytes)
		;
	_exit(0);
}

static int measure_socket(size_t n_bytes, int n_rounds, bool spins, struct error *error, double *ret_ns)
{
	uint8_t packet[SOCKET_BYTES_MAX] = { 0 };
	int pair[2], status = STATUS_OK;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make a socket pair");
	double *times = calloc((size_t)n_rounds, sizeof *times);
	pid_t pid = times ? fork() : -1;
	if (pid == 0) {
		close(pair[0]);
		echo_packets(pair[1], n_bytes, spins);
	}
	close(pair[1]);
	if (pid < 0)
		status = error_set_errno(error, STATUS_SYSTEM, "cannot fork");
	for (int i = 0; i < n_rounds && status == STATUS_OK; i++) {
		int64_t start = clock_now().ns;
		if (send(pair[0], packet, n_bytes, MSG_NOSIGNAL) < 0 || !receive_packet(pair[0], packet, n_bytes, spins))
			status = error_set_errno(error, STATUS_SYSTEM, "the bare socket broke");
		times[i] = (double)(clock_now().ns - start);
	}
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (status == STATUS_OK)
		*ret_ns = bench_median(times, n_rounds);
	free(times);
	return status;
}

int bench_bare_socket(size_t n_bytes, int n_rounds, struct error *error, double *ret_ns)
{
	double blocking = 0, spinning = 0;
	n_bytes = n_bytes < SOCKET_BYTES_MAX ? n_bytes : SOCKET_BYTES_MAX;
	int status = measure_socket(n_bytes, n_rounds, false, error, &blocking);
	if (status == STATUS_OK)
		status = measure_socket(n_bytes, n_rounds, true, error, &spinning);
	if (status == STATUS_OK)
		*ret_ns = spinning < blocking ? spinning : blocking;
	return status;
}
