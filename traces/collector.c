/* SPDX-License-Identifier: Apache-2.0
 *
 * collector: the loop over rings, socket and clock, transactions, and the ends of a run.
 */
#include "traces/collector.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/run/collect.h"
#include "engine/run/program.h"
#include "engine/run/ring.h"
#include "traces/blame_findings.h"
#include "traces/intake.h"
#include "traces/keeper.h"
#include "traces/postmortem_watch.h"
#include "traces/store.h"

#define COLLECTOR_BATCH 1024          /* records copied out of a ring at once */
#define COLLECTOR_COMMIT_NS 60000000  /* age at which a transaction is committed: with the longest sleep under 100 ms */
#define COLLECTOR_SLEEP_MIN_MS 1
#define COLLECTOR_SLEEP_MAX_MS 32
#define COLLECTOR_RECORDS_PER_MS 1000 /* fastest rate that must find room while the collector sleeps */
#define COLLECTOR_RESERVE_BYTES (256 * 1024)
#define COLLECTOR_SEND_MS 1000
#define COLLECTOR_LAST_ROUNDS 64
#define COLLECTOR_LOSS_MAX (INT64_MAX / 65536) /* of one cause on one lane, so that sums of what a broken ring says do not overflow */
#define COLLECTOR_LINGER_US 20000     /* what workers get to die in after their driver did */

enum collector_state {
	COLLECTOR_COLLECTING,
	COLLECTOR_DROPPING,
};

struct collector_lane {
	uint64_t n_open;                /* records in the open transaction */
	uint64_t n_dropped;             /* for want of space */
	uint64_t told[LOSS_COUNT];      /* what `loss` says */
};

struct collector {
	const struct collector_options *options;
	enum collector_state state;
	struct program program;
	struct rings rings;
	struct store *store;
	struct intake *intake;
	struct keeper *keeper;
	struct postmortem_watch postmortem;
	struct collector_lane *lanes;   /* [rings.n_rings] */
	struct record *batch;
	int64_t begun_ns;               /* when the open transaction began */
	int reserve_fd;                 /* space given back when the disk is full; -1: none */
	int sleep_ms, sleep_max_ms;
	bool is_stopped;
	char run_status[32];
	char message[COLLECT_TEXT_BYTES_MAX + 1];
	int64_t end_ns;
	struct error failure;           /* why the state is DROPPING */
};

static void send_message(const struct collector *collector, enum collect_kind kind, int status, const char *text)
{
	struct collect_message message = { .kind = (uint16_t)kind, .status = (uint32_t)status, .worker = PROGRAM_NONE,
		.node = PROGRAM_NONE, .execution = UINT64_MAX, .time_ns = clock_now().ns };
	struct pollfd room = { .fd = collector->options->socket_fd, .events = POLLOUT };
	if (collect_send(room.fd, &message, text) == STATUS_AGAIN && poll(&room, 1, COLLECTOR_SEND_MS) == 1)
		collect_send(room.fd, &message, text);
}

/* An unlinked file beside the trace that keeps a little space for the last rows. */
static int make_reserve(const char *file)
{
	char folder[4096];
	const char *slash = strrchr(file, '/');
	if ((size_t)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".")
		>= sizeof(folder))
		return -1;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 && posix_fallocate(fd, 0, COLLECTOR_RESERVE_BYTES)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void release_reserve(struct collector *collector)
{
	if (collector->reserve_fd >= 0)
		close(collector->reserve_fd);
	collector->reserve_fd = -1;
}

/* So that they are entered again. */
static void forget_told_losses(struct collector *collector)
{
	for (uint32_t i = 0; i < collector->rings.n_rings; i++)
		memset(collector->lanes[i].told, 0, sizeof(collector->lanes[i].told));
}

/* COLLECTING → DROPPING. What the open transaction held is lost. */
static void start_dropping(struct collector *collector, const struct error *failure)
{
	char text[ERROR_TEXT_BYTES + 100];
	store_rollback(collector->store);
	intake_forget(collector->intake);
	for (uint32_t i = 0; i < collector->rings.n_rings; i++) {
		collector->lanes[i].n_dropped += collector->lanes[i].n_open;
		collector->lanes[i].n_open = 0;
	}
	forget_told_losses(collector);
	collector->state = COLLECTOR_DROPPING;
	collector->failure = *failure;
	snprintf(text, sizeof(text), "%s: recording stopped: %s", collector->options->file, failure->text);
	send_message(collector, COLLECT_WARNING, failure->status, text);
}

static int ensure_transaction(struct collector *collector, struct error *error)
{
	if (store_is_in_transaction(collector->store))
		return STATUS_OK;
	collector->begun_ns = clock_now().ns;
	return store_begin(collector->store, error);
}

static int enter_batch(struct collector *collector, uint32_t lane, uint32_t n, struct error *error)
{
	collector->lanes[lane].n_open += n;
	int status = ensure_transaction(collector, error);
	if (status == STATUS_OK)
		status = intake_sample_clock(collector->intake, error);
	if (status == STATUS_OK)
		status = keeper_records(collector->keeper, lane, collector->batch, n, error);
	return status;
}

/* What the state of recording asks for after a round over the rings. */
static void keep(struct collector *collector)
{
	struct error error = { 0 };
	if (collector->state == COLLECTOR_DROPPING || (!keeper_is_due(collector->keeper) && !store_is_in_transaction(collector->store)))
		return;
	int status = ensure_transaction(collector, &error);
	if (status == STATUS_OK)
		status = keeper_round(collector->keeper, &error);
	if (status != STATUS_OK)
		start_dropping(collector, &error);
}

static void take_batch(struct collector *collector, uint32_t lane, uint32_t n)
{
	struct error error = { 0 };
	if (collector->state == COLLECTOR_DROPPING)
		collector->lanes[lane].n_dropped += n;
	else if (enter_batch(collector, lane, n, &error) != STATUS_OK)
		start_dropping(collector, &error);
}

static int enter_losses(struct collector *collector, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t lane = 0; lane < collector->rings.n_rings; lane++) {
		struct ring_header *ring = rings_get(&collector->rings, lane);
		struct collector_lane *state = &collector->lanes[lane];
		for (int cause = 0; status == STATUS_OK && cause < LOSS_COUNT; cause++) {
			if (cause == LOSS_LIMIT)
				atomic_store_explicit(&ring->lost[cause], keeper_n_limited(collector->keeper, lane), memory_order_relaxed);
			uint64_t n = atomic_load_explicit(&ring->lost[cause], memory_order_relaxed);
			n += cause == LOSS_DISK ? state->n_dropped : 0;
			n = n < COLLECTOR_LOSS_MAX ? n : COLLECTOR_LOSS_MAX;
			if (n == state->told[cause])
				continue;
			status = store_loss(collector->store, lane, (enum loss)cause, n, error);
			state->told[cause] = n;
		}
	}
	return status;
}

static void commit(struct collector *collector)
{
	struct error error = { 0 };
	if (collector->state == COLLECTOR_DROPPING || !store_is_in_transaction(collector->store))
		return;
	int status = intake_flush(collector->intake, &error);
	if (status == STATUS_OK)
		status = enter_losses(collector, &error);
	if (status == STATUS_OK)
		status = store_commit(collector->store, &error);
	if (status != STATUS_OK) {
		start_dropping(collector, &error);
		return;
	}
	keeper_committed(collector->keeper);
	for (uint32_t i = 0; i < collector->rings.n_rings; i++)
		collector->lanes[i].n_open = 0;
}

/* When something went wrong in the run: its memory, between two transactions of records. Its failure is no reason to stop recording. */
static void save_postmortem(struct collector *collector)
{
	struct strbuf text = STRBUF_INIT;
	char warning[ERROR_TEXT_BYTES + 100];
	if (!postmortem_watch_is_due(&collector->postmortem))
		return;
	commit(collector);
	if (collector->state == COLLECTOR_DROPPING) {
		collector->postmortem.is_done = true;
		return;
	}
	int status = postmortem_watch_save(&collector->postmortem, collector->store, &text);
	snprintf(warning, sizeof(warning), "the state of the run was not saved: %s", strbuf_text(&text));
	send_message(collector, status == STATUS_OK ? COLLECT_SAVED : COLLECT_WARNING, STATUS_OK, status == STATUS_OK ? strbuf_text(&text) : warning);
	strbuf_finish(&text);
}

/* One round over all rings, at most one ring's size from each, so that none starves. Returns the fullest ring's records. */
static uint32_t drain(struct collector *collector)
{
	uint32_t most = 0;
	for (uint32_t lane = 0; lane < collector->rings.n_rings; lane++) {
		struct ring_header *ring = rings_get(&collector->rings, lane);
		uint32_t taken = 0, n;
		do {
			n = ring_take(ring, collector->rings.n_records, collector->batch, COLLECTOR_BATCH);
			if (n)
				take_batch(collector, lane, n);
			if (n && keeper_wants_commit(collector->keeper))
				commit(collector);
			taken += n;
		} while (n == COLLECTOR_BATCH && taken < collector->rings.n_records);
		most = taken > most ? taken : most;
	}
	return most;
}

static const char *level_word(uint32_t level)
{
	static const char *const words[] = { "info", "warning", "error" };
	return words[level < ARRAY_LEN(words) ? level : COLLECT_LEVEL_ERROR];
}

static uint32_t checked_index(uint32_t idx, uint32_t n)
{
	return idx < n ? idx : PROGRAM_NONE;
}

static void enter_text(struct collector *collector, const struct collect_message *message, const char *text)
{
	const struct program_header *header = collector->program.header;
	uint32_t node = checked_index(message->node, header->n_nodes);
	struct error error = { 0 };
	if (collector->state == COLLECTOR_DROPPING || !keeper_admits_text(collector->keeper))
		return;
	int status = ensure_transaction(collector, &error);
	if (status == STATUS_OK && message->kind == COLLECT_LOG)
		status = store_log(collector->store, message->time_ns, level_word(message->level),
			checked_index(message->worker, header->n_workers), node, message->execution, text, &error);
	else if (status == STATUS_OK)
		status = store_failure(collector->store, message->failure, message->execution, node,
			message->status < STATUS_COUNT ? (int)message->status : STATUS_OP, message->time_ns, text, &error);
	if (status != STATUS_OK)
		start_dropping(collector, &error);
}

static void stop(struct collector *collector, const char *run_status, const char *message, int64_t end_ns)
{
	collector->is_stopped = true;
	collector->end_ns = end_ns;
	snprintf(collector->run_status, sizeof(collector->run_status), "%s", run_status);
	snprintf(collector->message, sizeof(collector->message), "%s", message);
}

/* All messages that have come. */
static void listen_to_driver(struct collector *collector)
{
	struct collect_message message;
	char text[COLLECT_TEXT_BYTES_MAX + 1];
	struct error error = { 0 };
	while (!collector->is_stopped) {
		int status = collect_receive(collector->options->socket_fd, &message, text, &error);
		if (status == STATUS_AGAIN)
			return;
		if (status == STATUS_PROTOCOL)
			stop(collector, status_word(status), error.text, clock_now().ns);
		else if (status != STATUS_OK)
			stop(collector, "killed", "the driver died before it ended the run", clock_now().ns);
		else if (message.kind == COLLECT_STOP)
			stop(collector, status_word((int)message.status), text, message.time_ns);
		else if (message.kind == COLLECT_LOG || message.kind == COLLECT_FAILURE)
			enter_text(collector, &message, text);
		else if (message.kind == COLLECT_SAVE)
			keeper_ask(collector->keeper, &message, text);
	}
}

/* Sleeps until something is said or the rings may have filled a quarter at the rate of the last round. */
static void wait_for_more(struct collector *collector, uint32_t n_taken)
{
	uint32_t quarter = collector->rings.n_records / 4;
	struct pollfd sources[] = { { .fd = collector->options->socket_fd, .events = POLLIN },
		{ .fd = collector->options->signal_fd, .events = POLLIN } };
	if (n_taken > quarter)
		collector->sleep_ms /= 2;
	else if (n_taken < quarter / 2)
		collector->sleep_ms = collector->sleep_ms * 2 + COLLECTOR_SLEEP_MIN_MS;
	if (collector->sleep_ms > collector->sleep_max_ms)
		collector->sleep_ms = collector->sleep_max_ms;
	if (poll(sources, 2, keeper_is_due(collector->keeper) ? COLLECTOR_SLEEP_MIN_MS : collector->sleep_ms) <= 0)
		return;
	if (sources[0].revents)
		listen_to_driver(collector);
	if (sources[1].revents && !collector->is_stopped)
		stop(collector, "stopped", "the collector was asked to end before the run did", clock_now().ns);
}

/* What is saved or rescued at the end, in transactions that the limit allows. */
static void keep_end(struct collector *collector)
{
	bool has_failed = strcmp(collector->run_status, status_word(STATUS_OK)) != 0
		&& strcmp(collector->run_status, status_word(STATUS_STOPPED)) != 0;
	bool is_done = false;
	while (collector->state == COLLECTOR_COLLECTING && !is_done) {
		struct error error = { 0 };
		int status = ensure_transaction(collector, &error);
		if (status == STATUS_OK)
			status = keeper_end(collector->keeper, has_failed ? collector->message : NULL, &is_done, &error);
		if (status != STATUS_OK)
			start_dropping(collector, &error);
		commit(collector);
	}
}

static void enter_unended(struct collector *collector)
{
	struct error error = { 0 };
	if (collector->state == COLLECTOR_DROPPING || strcmp(collector->run_status, status_word(STATUS_OK)) == 0)
		return;
	int status = ensure_transaction(collector, &error);
	if (status == STATUS_OK)
		status = postmortem_watch_enter_unended(&collector->postmortem, collector->intake, collector->end_ns, &error);
	if (status != STATUS_OK)
		start_dropping(collector, &error);
}

static void collect(struct collector *collector)
{
	while (!collector->is_stopped) {
		uint32_t n_taken = drain(collector);
		keep(collector);
		if (clock_now().ns - collector->begun_ns > COLLECTOR_COMMIT_NS)
			commit(collector);
		save_postmortem(collector);
		wait_for_more(collector, n_taken);
	}
	if (strcmp(collector->run_status, "killed") == 0) {
		postmortem_watch_driver_died(&collector->postmortem, collector->message);
		usleep(COLLECTOR_LINGER_US);
	}
	for (int round = 0; round < COLLECTOR_LAST_ROUNDS && drain(collector) > 0; round++)
		continue; /* not for ever: a run that goes on fills the rings meanwhile */
	keep_end(collector);
	enter_unended(collector);
	commit(collector);
	save_postmortem(collector);
}

static int enter_end(struct collector *collector, struct error *error)
{
	char senseless[100];
	struct store *store = collector->store;
	uint64_t n_senseless = intake_n_senseless(collector->intake);
	snprintf(senseless, sizeof(senseless), "%llu records made no sense and were left out",
		(unsigned long long)n_senseless);
	int status = store_begin(store, error);
	if (status == STATUS_OK)
		status = enter_losses(collector, error);
	if (status == STATUS_OK)
		status = store_end_run(store, collector->run_status, *collector->message ? collector->message : NULL,
			collector->end_ns, error);
	if (status == STATUS_OK && strcmp(collector->run_status, status_word(STATUS_OK)) != 0 && *collector->message)
		status = store_log(store, collector->end_ns, "error", PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX,
			collector->message, error);
	if (status == STATUS_OK && n_senseless)
		status = store_log(
			store, collector->end_ns, "error", PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX, senseless, error);
	if (status == STATUS_OK && collector->state == COLLECTOR_DROPPING)
		status = store_log(store, collector->end_ns, "error", PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX,
			collector->failure.text, error);
	if (status == STATUS_OK)
		status = store_commit(store, error);
	if (status != STATUS_OK)
		store_rollback(store);
	return status;
}

/* The end of the run and of the file. */
static int finish(struct collector *collector, struct error *error)
{
	struct error end_error = { 0 };
	if (collector->state == COLLECTOR_DROPPING)
		release_reserve(collector);
	int status = enter_end(collector, &end_error);
	if (status != STATUS_OK) {
		release_reserve(collector);
		store_make_room(collector->store);
		forget_told_losses(collector);
		status = enter_end(collector, &end_error);
	}
	release_reserve(collector);
	if (status == STATUS_OK && collector->state == COLLECTOR_COLLECTING)
		intake_close(collector->intake, NULL);
	if (status == STATUS_OK && collector->state == COLLECTOR_COLLECTING) /* whoever reads can make them, too */
		blame_findings_record(store_db(collector->store), store_run_id(collector->store), NULL);
	if (status == STATUS_OK)
		status = store_seal(collector->store, &end_error);
	if (collector->state == COLLECTOR_DROPPING)
		return error_set(error, collector->failure.status, "%s: the trace is incomplete: %s",
			collector->options->file, collector->failure.text);
	if (status != STATUS_OK)
		return error_set(error, status, "%s: the end of the run could not be recorded: %s", collector->options->file,
			end_error.text);
	return STATUS_OK;
}

static void pass_warning(void *user, const char *text)
{
	const struct collector *collector = user;
	send_message(collector, COLLECT_WARNING, STATUS_OK, text);
}

static int open_all(struct collector *collector, struct error *error)
{
	const struct collector_options *options = collector->options;
	struct clock_pair start = clock_take_pair();
	int status = program_open(options->program_fd, &collector->program, error);
	if (status == STATUS_OK)
		status = rings_open(options->rings_fd, &collector->rings, error);
	if (status == STATUS_OK && collector->rings.n_rings != collector->program.header->n_workers)
		status = error_set(error, STATUS_PROTOCOL, "%u rings for %u workers", collector->rings.n_rings,
			collector->program.header->n_workers);
	if (status == STATUS_OK)
		status = store_open(options->file, options->appends, error, &collector->store);
	if (status == STATUS_OK)
		status = store_begin_run(collector->store, &collector->program, start.host.ns, error);
	if (status == STATUS_OK)
		status = intake_create(collector->store, &collector->program, start, error, &collector->intake);
	if (status == STATUS_OK)
		status = store_clock_sample(collector->store, start, error);
	const int fds[POSTMORTEM_SEGMENTS] = { options->program_fd, options->control_fd, options->slots_fd, options->gates_fd };
	if (status == STATUS_OK && options->gates_fd)
		status = postmortem_watch_open(&collector->postmortem, &collector->program, fds, error);
	const struct keeper_host host = { .store = collector->store, .intake = collector->intake, .program = &collector->program,
		.n_lanes = collector->rings.n_rings, .warn = pass_warning, .user = collector };
	if (status == STATUS_OK)
		status = keeper_create(&host, error, &collector->keeper);
	collector->lanes = calloc(collector->rings.n_rings + 1, sizeof(*collector->lanes));
	collector->batch = calloc(COLLECTOR_BATCH, sizeof(*collector->batch));
	if (status == STATUS_OK && (!collector->lanes || !collector->batch))
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the collector");
	return status;
}

static void close_all(struct collector *collector)
{
	release_reserve(collector);
	keeper_destroy(collector->keeper);
	intake_destroy(collector->intake);
	store_close(collector->store);
	postmortem_watch_close(&collector->postmortem);
	free(collector->lanes);
	free(collector->batch);
	rings_close(&collector->rings);
	if (collector->program.header)
		program_close(&collector->program);
}

static int limit_sleep(const struct collector *collector)
{
	int ms = (int)(collector->rings.n_records / 2 / COLLECTOR_RECORDS_PER_MS);
	if (ms < COLLECTOR_SLEEP_MIN_MS)
		return COLLECTOR_SLEEP_MIN_MS;
	return ms > COLLECTOR_SLEEP_MAX_MS ? COLLECTOR_SLEEP_MAX_MS : ms;
}

int collector_run(const struct collector_options *options, struct error *error)
{
	struct collector collector = { .options = options, .reserve_fd = -1 };
	struct error unasked = { 0 };
	error = error ? error : &unasked;
	clock_init();
	fcntl(options->socket_fd, F_SETFL, fcntl(options->socket_fd, F_GETFL) | O_NONBLOCK);
	int status = open_all(&collector, error);
	if (status == STATUS_OK) {
		collector.sleep_max_ms = limit_sleep(&collector);
		collector.reserve_fd = make_reserve(options->file);
		send_message(&collector, COLLECT_READY, STATUS_OK, NULL);
		collect(&collector);
		status = finish(&collector, error);
	}
	close_all(&collector); /* before the driver hears that it is done */
	send_message(&collector, COLLECT_DONE, status, status == STATUS_OK ? NULL : error->text);
	return status;
}

static int block_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE, SIGXFSZ };
	sigset_t ends;
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool parse_fd(const char *text, int *ret_fd)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end || value < 0 || value > 1 << 20)
		return false;
	*ret_fd = (int)value;
	return true;
}

int collector_main(int argc, char **argv)
{
	struct collector_options options = { .signal_fd = -1 };
	struct error error = { 0 };
	if (argc < 6 || !parse_fd(argv[3], &options.program_fd) || !parse_fd(argv[4], &options.rings_fd)
		|| !parse_fd(argv[5], &options.socket_fd))
		return 2;
	options.file = argv[2];
	if (argc > 8 && (!parse_fd(argv[6], &options.control_fd) || !parse_fd(argv[7], &options.slots_fd)
		|| !parse_fd(argv[8], &options.gates_fd)))
		return 2;
	options.appends = argc > 6 && strcmp(argv[argc - 1], "append") == 0;
	options.signal_fd = block_signals();
	prctl(PR_SET_NAME, "collector");
	return collector_run(&options, &error) == STATUS_OK ? 0 : 1;
}
