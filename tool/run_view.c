/* SPDX-License-Identifier: Apache-2.0
 *
 * run_view: two threads and one lock: the run's thread writes counters and texts, the screens' thread reads them before each frame.
 */
#include "tool/run_view.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/strbuf.h"
#include "tool/view_loop.h"
#include "traces/db.h"
#include "viewers/live.h"

#define TICK_MS 200
#define ASKED_NS INT64_C(5000000000) /* so long a second q counts as the answer */
#define NICE 19
#define OPEN_NS INT64_C(5000000000)
#define OPEN_AGAIN_NS 20000000
#define TOLD_BYTES_MAX 65536         /* of what is printed at the end */

struct run_view {
	struct config config;
	char *trace, *folder;          /* folder: made up here; NULL: the trace is the user's */
	struct session *session;       /* the screens' thread's, like `live` */
	struct live live;
	int64_t start_ns, asked_ns;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock;          /* the rest is shared */
	const struct driver *driver;   /* NULL: it has ended */
	struct driver_progress progress;
	bool has_ended;                /* the screens */
	int64_t elapsed_ns;
	char verdict[300], message[300];
	int n_messages;
	struct strbuf told;
	bool has_told_enough;
	struct error error;            /* of the screens */
};

/* -- opening ------------------------------------------------------------------------------------------------------------------ */

static int make_folder(struct run_view *view, struct error *error)
{
	const char *parent = getenv("TMPDIR");
	char path[4096];
	if (snprintf(path, sizeof(path), "%s/tandem-view-XXXXXX", parent && *parent ? parent : "/tmp") >= (int)sizeof(path) || !mkdtemp(path))
		return error_set_errno(error, STATUS_SYSTEM, "--view: cannot make a folder for what is looked at; name a file with -o");
	view->folder = strdup(path);
	strncat(path, "/run.tandem", sizeof(path) - strlen(path) - 1);
	view->trace = strdup(path);
	return view->folder && view->trace ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
}

int run_view_open(const char *trace, uint64_t n_executions, struct error *error, struct run_view **ret_view)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(error, STATUS_UNSUPPORTED, "--view needs a terminal; record with -o, and see 'tandem view --batch'");
	struct run_view *view = calloc(1, sizeof(*view));
	if (!view)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	pthread_mutex_init(&view->lock, NULL);
	view->live.n_wanted = (int64_t)n_executions;
	setlocale(LC_CTYPE, "");
	int status = config_load(NULL, &view->config, error);
	if (status == STATUS_OK && trace && !(view->trace = strdup(trace)))
		status = error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	if (status == STATUS_OK && !trace)
		status = make_folder(view, error);
	if (status != STATUS_OK) {
		run_view_close(view);
		return status;
	}
	*ret_view = view;
	return STATUS_OK;
}

const char *run_view_trace(const struct run_view *view)
{
	return view->trace;
}

static void remove_traces(const struct run_view *view)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".notes" };
	for (size_t i = 0; view->trace && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char path[4200];
		snprintf(path, sizeof(path), "%s%s", view->trace, suffixes[i]);
		unlink(path);
	}
	rmdir(view->folder);
}

void run_view_close(struct run_view *view)
{
	if (!view)
		return;
	if (view->folder)
		remove_traces(view);
	config_finish(&view->config);
	strbuf_finish(&view->told);
	pthread_mutex_destroy(&view->lock);
	free(view->live.workers);
	free(view->folder);
	free(view->trace);
	free(view);
}

/* -- states ------------------------------------------------------------------------------------------------------------------- */

static enum live_state state_of(const struct driver_activity *activity)
{
	if (activity->has_ended)
		return LIVE_ENDED;
	if (activity->wait == PHASE_UNKNOWN)
		return activity->computes ? LIVE_COMPUTING : LIVE_BETWEEN;
	if (activity->is_idle)
		return LIVE_IDLE;
	return activity->wait == PHASE_BACKPRESSURE ? LIVE_BACKPRESSURE : activity->wait == PHASE_LATE_RANK ? LIVE_LATE_RANK : LIVE_STARVED;
}

static int index_of(uint32_t idx)
{
	return idx == PROGRAM_NONE ? TIMELINE_NONE : (int)idx;
}

/* How long an op runs is not published: it is known since it was seen first. */
static void look(const struct driver *driver, int idx, int64_t passed_ns, struct live_worker *worker)
{
	struct driver_activity activity;
	const struct live_worker before = *worker;
	driver_look(driver, (uint32_t)idx, &activity);
	*worker = (struct live_worker){ .state = state_of(&activity), .node = index_of(activity.node), .edge = index_of(activity.edge),
		.peer = index_of(activity.peer), .execution = TIMELINE_NONE };
	if (worker->state != LIVE_BETWEEN && worker->state != LIVE_ENDED)
		worker->execution = (int64_t)activity.execution;
	worker->lasted_ns = activity.wait == PHASE_UNKNOWN ? 0 : activity.waited_ns;
	if (worker->state == LIVE_COMPUTING && before.state == LIVE_COMPUTING && before.node == worker->node && before.execution == worker->execution)
		worker->lasted_ns = before.lasted_ns + passed_ns;
}

/* Before each frame. Never ends the screens: their user does. */
static bool update(void *user)
{
	struct run_view *view = user;
	struct live *live = &view->live;
	int64_t now_ns = clock_now().ns;
	pthread_mutex_lock(&view->lock);
	live->goes_on = view->driver != NULL;
	if (view->driver) {
		driver_progress(view->driver, &view->progress);
		for (int i = 0; i < live->n_workers; i++)
			look(view->driver, i, now_ns - view->start_ns - live->elapsed_ns, &live->workers[i]);
	}
	live->n_submitted = (int64_t)view->progress.n_submitted;
	live->n_finished = (int64_t)view->progress.n_finished;
	live->n_failed = (int64_t)view->progress.n_failed;
	live->elapsed_ns = view->driver ? now_ns - view->start_ns : view->elapsed_ns;
	live->n_messages = view->n_messages;
	snprintf(live->message, sizeof(live->message), "%s", view->message);
	snprintf(live->verdict, sizeof(live->verdict), "%s", view->verdict);
	pthread_mutex_unlock(&view->lock);
	if (!live->was_asked)
		view->asked_ns = now_ns;
	else if (now_ns - view->asked_ns > ASKED_NS)
		live->was_asked = false;
	return false;
}

/* -- the screens' thread -------------------------------------------------------------------------------------------------------- */

static bool has_driver(struct run_view *view)
{
	pthread_mutex_lock(&view->lock);
	bool has_driver = view->driver != NULL;
	pthread_mutex_unlock(&view->lock);
	return has_driver;
}

/* The zoom levels are there with the collector's first batch of records; a timeline opened before makes its own, which do not grow. */
static int open_when_it_grows(struct run_view *view, struct error *error)
{
	const struct session_options options = { .files = { view->trace }, .is_live = true };
	int64_t until_ns = clock_now().ns + OPEN_NS;
	for (;;) {
		bool is_last = !has_driver(view) || clock_now().ns > until_ns;
		int status = session_open(&options, error, &view->session);
		if (status != STATUS_OK || is_last || !view->session->sides[0].timeline->was_built)
			return status;
		session_close(view->session);
		view->session = NULL;
		nanosleep(&(struct timespec){ .tv_nsec = OPEN_AGAIN_NS }, NULL);
	}
}

static int show(struct run_view *view, int *ret_signal, struct error *error)
{
	int status = open_when_it_grows(view, error);
	if (status != STATUS_OK)
		return status;
	view->session->live = &view->live;
	update(view);
	const struct view_loop loop = { .session = view->session, .config = &view->config, .view = views[0], .extra_fd = -1, .tick = update,
		.user = view, .tick_ms = TICK_MS };
	status = view_loop_run(&loop, ret_signal, error);
	session_close(view->session);
	view->session = NULL;
	return status;
}

static void *screens_main(void *user)
{
	struct run_view *view = user;
	struct error error = { 0 };
	int number = 0;
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	int status = show(view, &number, &error);
	pthread_mutex_lock(&view->lock);
	bool goes_on = view->driver != NULL;
	view->has_ended = true;
	view->error = error;
	pthread_mutex_unlock(&view->lock);
	if (status == STATUS_OK && (number || goes_on))
		raise(number ? number : SIGINT);
	return NULL;
}

int run_view_start(struct run_view *view, const struct driver *driver, struct error *error)
{
	view->live.n_workers = driver_n_workers(driver);
	view->live.workers = calloc((size_t)view->live.n_workers, sizeof(*view->live.workers));
	view->start_ns = clock_now().ns;
	view->driver = driver;
	if (!view->live.workers)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < view->live.n_workers; i++)
		view->live.workers[i] = (struct live_worker){ .node = TIMELINE_NONE, .edge = TIMELINE_NONE, .peer = TIMELINE_NONE,
			.execution = TIMELINE_NONE };
	int code = pthread_create(&view->thread, NULL, screens_main, view);
	view->has_thread = code == 0;
	return code ? error_set(error, STATUS_SYSTEM, "--view: cannot start a thread: %s", strerror(code)) : STATUS_OK;
}

/* -- what the run's thread says ------------------------------------------------------------------------------------------------- */

static void print_told(struct run_view *view)
{
	fputs(strbuf_text(&view->told), stderr);
	fflush(stderr);
	strbuf_clear(&view->told);
}

void run_view_note(void *user, const char *who, const char *text)
{
	struct run_view *view = user;
	pthread_mutex_lock(&view->lock);
	char message[sizeof(view->message)];
	snprintf(message, sizeof(message), "%s%s%s", who ? who : "", who ? ": " : "", text);
	if (view->has_thread)
		memcpy(view->message, message, sizeof(message));
	view->n_messages += view->has_thread;
	if (view->told.length < TOLD_BYTES_MAX) {
		strbuf_add_printable(&view->told, message);
		strbuf_add(&view->told, "\n");
	} else if (!view->has_told_enough) {
		strbuf_add(&view->told, "more was said; the trace's log has it all\n");
		view->has_told_enough = true;
	}
	if (!view->has_thread || view->has_ended)
		print_told(view);
	pthread_mutex_unlock(&view->lock);
}

void run_view_detach(struct run_view *view, int64_t elapsed_ns)
{
	pthread_mutex_lock(&view->lock);
	if (view->driver)
		driver_progress(view->driver, &view->progress);
	view->driver = NULL;
	view->elapsed_ns = elapsed_ns;
	pthread_mutex_unlock(&view->lock);
}

/* While it was looked at the collector could not make one file of the trace and its log. */
static void seal(const struct run_view *view)
{
	struct db *db = NULL;
	if (db_open(view->trace, DB_WRITE, NULL, &db) == STATUS_OK)
		db_exec(db, "PRAGMA journal_mode = DELETE", NULL);
	db_close(db);
}

void run_view_wait(struct run_view *view, const char *verdict)
{
	pthread_mutex_lock(&view->lock);
	snprintf(view->verdict, sizeof(view->verdict), "%s", verdict);
	pthread_mutex_unlock(&view->lock);
	if (view->has_thread)
		pthread_join(view->thread, NULL);
	view->has_thread = false;
	print_told(view);
	if (view->error.status)
		fprintf(stderr, "tandem: --view: %s\n", view->error.text);
	if (!view->folder)
		seal(view);
}
