/* SPDX-License-Identifier: Apache-2.0
 *
 * A server: one compiled graph, fed by many clients over a Unix-domain socket. One thread waits for everything with epoll:
 * clients, the run's results (tandem_poll_fd), the signals that end it. server_frames.h says what is sent; client.py is a client.
 *
 *     cc -O2 server.c $(pkg-config --cflags --libs tandem) -o server
 *     ./server [-i] [-m MODULE.so] [-n IN_FLIGHT] [-o FILE.tandem] [-s NAME=VALUE]... SOCKET GRAPH.dot     (-i: interpreted)
 *
 * Back-pressure: a request that finds IN_FLIGHT others waits, its client is not read from meanwhile, and clients take turns.
 * Neither is one read from that does not fetch its answers. Who hangs up has its requests cancelled. SIGINT and SIGTERM: what
 * is in flight is answered, within a second, and the trace is whole.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server_frames.h"

enum { CLIENTS_MAX = 250, SETTINGS_MAX = 32, UNREAD_BYTES_MAX = 1 << 20, END_SECONDS = 1 };

struct client {
	TAILQ_ENTRY(client) entry;
	int fd;            /* -1: has hung up, and is released when nothing of it is in flight */
	int n_in_flight;
	bool is_complete;  /* sends nothing more, and is closed when it has its answers */
	uint32_t events;   /* what epoll watches */
	struct buffer in;  /* one request, as far as it has come */
	struct buffer out; /* answers */
};

struct request {
	struct client *client; /* NULL: none */
	uint32_t id;
	uint64_t execution;
};

enum server_state { SERVER_RUNS, SERVER_ENDS, SERVER_IS_OVER }; /* ends: answers what is in flight */

struct server {
	struct tandem_run *run;
	struct tandem_error error;    /* that ended the run */
	enum server_state state;
	int n_inputs, in_flight, n_in_flight, n_clients;
	int epoll_fd, listen_fd, signal_fd, run_fd;
	struct request *requests;     /* [in_flight], by execution modulo in_flight */
	TAILQ_HEAD(clients, client) clients; /* the first has the next turn */
};

static void accept_client(struct server *server)
{
	int fd = accept(server->listen_fd, NULL, NULL);
	struct client *client = fd < 0 || server->n_clients == CLIENTS_MAX ? NULL : calloc(1, sizeof(*client));
	if (client && epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .data.ptr = client }) == 0) {
		client->fd = fd;
		server->n_clients++;
		TAILQ_INSERT_TAIL(&server->clients, client, entry);
		return;
	}
	free(client);
	if (fd >= 0)
		close(fd);
}

static void hang_up(struct server *server, struct client *client)
{
	close(client->fd);
	client->fd = -1;
	server->n_clients--;
	for (int i = 0; i < server->in_flight; i++) {
		if (server->requests[i].client == client)
			tandem_cancel(server->run, server->requests[i].execution, NULL);
	}
}

static void serve(struct server *server, struct client *client, uint32_t events)
{
	int status = events & (EPOLLHUP | EPOLLERR) ? -1 : 1;
	if (client->fd < 0)
		return;
	errno = 0;
	for (size_t left; status > 0 && events & EPOLLIN && (left = frame_bytes(&client->in) - client->in.end) > 0;)
		status = buffer_receive(&client->in, client->fd, left);
	if (status < 0 && errno != EAGAIN)
		hang_up(server, client);
	client->is_complete |= status == 0;
}

/* Sends answers, closes whom nothing is due to any more, and watches the others. */
static void tidy(struct server *server)
{
	for (struct client *client = TAILQ_FIRST(&server->clients), *next; client; client = next) {
		next = TAILQ_NEXT(client, entry);
		if (client->fd >= 0 && buffer_send(&client->out, client->fd) < 0 && errno != EAGAIN)
			hang_up(server, client);
		bool is_open = server->state == SERVER_RUNS, is_whole = client->in.end >= frame_bytes(&client->in);
		bool is_due = client->n_in_flight || buffer_used(&client->out) || (is_open && is_whole);
		bool reads = is_open && !client->is_complete && !is_whole && buffer_used(&client->out) < UNREAD_BYTES_MAX;
		if (client->fd >= 0 && !is_due && !reads)
			hang_up(server, client);
		struct epoll_event event = { .events = reads ? EPOLLIN : 0, .data.ptr = client };
		event.events |= buffer_used(&client->out) ? EPOLLOUT : 0;
		if (client->fd >= 0 && event.events != client->events)
			epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
		client->events = event.events;
		if (client->fd < 0 && !client->n_in_flight) {
			TAILQ_REMOVE(&server->clients, client, entry);
			free(client->in.data);
			free(client->out.data);
			free(client);
		}
	}
}

/* Submits the request that a client has sent, if it is whole. TANDEM_AGAIN when there is no room for it. */
static int submit(struct server *server, struct client *client)
{
	struct tandem_tensor inputs[TANDEM_INPUTS_MAX];
	struct tandem_error error = { 0 };
	uint64_t execution;
	const struct frame_header *header = (const struct frame_header *)client->in.data;
	if (client->fd < 0 || client->in.end < frame_bytes(&client->in))
		return TANDEM_OK;
	if (!frame_is_valid(header)) {
		tandem_error_set(&error, TANDEM_PROTOCOL, "no request, or one of more than %d bytes", FRAME_BYTES_MAX);
		client->is_complete = true;
	} else if ((int64_t)header->number != server->n_inputs
		|| !frame_parse(client->in.data + sizeof(*header), header->bytes, inputs, server->n_inputs)) {
		tandem_error_set(&error, TANDEM_PROTOCOL, "a request is %d tensors and nothing else", server->n_inputs);
	} else if (tandem_submit(server->run, inputs, &execution, &error) == TANDEM_AGAIN) {
		return TANDEM_AGAIN;
	}
	if (error.status) {
		frame_answer(&client->out, header->id, &error, NULL);
	} else {
		server->requests[execution % (uint64_t)server->in_flight] = (struct request){ client, header->id, execution };
		server->n_in_flight++;
		client->n_in_flight++;
	}
	client->in.end = 0;
	return TANDEM_OK;
}

/* A request of each client in turn, until there is no room for more. */
static void feed(struct server *server)
{
	struct client *last = TAILQ_LAST(&server->clients, clients), *client = NULL;
	while (client != last) {
		client = TAILQ_FIRST(&server->clients);
		if (submit(server, client) == TANDEM_AGAIN)
			return;
		TAILQ_REMOVE(&server->clients, client, entry);
		TAILQ_INSERT_TAIL(&server->clients, client, entry);
	}
}

static void finish(struct server *server, struct request *request, const struct tandem_error *error,
	const struct tandem_result *result)
{
	if (request->client->fd >= 0)
		frame_answer(&request->client->out, request->id, error, result);
	request->client->n_in_flight--;
	server->n_in_flight--;
	request->client = NULL;
}

static void begin_end(struct server *server)
{
	if (server->state == SERVER_RUNS) {
		close(server->listen_fd);
		alarm(END_SECONDS);
	}
	server->state++;
}

/* Answers what the run is through with. When the run is over, everybody in it learns why. */
static void take(struct server *server)
{
	while (!server->error.status) {
		struct tandem_error error = { 0 };
		struct tandem_result result;
		int status = tandem_wait(server->run, 0, &result, &error);
		if (status == TANDEM_AGAIN || status == TANDEM_USAGE) /* usage: nothing is in flight */
			return;
		if (status == TANDEM_OK || status == TANDEM_OP || status == TANDEM_TIMEOUT || status == TANDEM_CANCELLED) {
			finish(server, &server->requests[result.execution % (uint64_t)server->in_flight], &error, &result);
			tandem_release(server->run, result.execution, NULL);
			continue;
		}
		server->error = error;
		for (int i = 0; i < server->in_flight; i++) {
			if (server->requests[i].client)
				finish(server, &server->requests[i], &error, NULL);
		}
		begin_end(server);
	}
}

static void loop(struct server *server)
{
	while (server->state == SERVER_RUNS || (server->state == SERVER_ENDS && (server->n_in_flight || server->n_clients))) {
		struct epoll_event events[64];
		struct signalfd_siginfo signal;
		int n = epoll_wait(server->epoll_fd, events, 64, -1);
		for (int i = 0; i < n; i++) {
			void *source = events[i].data.ptr;
			if (source == &server->listen_fd)
				accept_client(server);
			else if (source == &server->signal_fd && read(server->signal_fd, &signal, sizeof(signal)) > 0)
				begin_end(server);
			else if (source != &server->signal_fd && source != &server->run_fd)
				serve(server, source, events[i].events);
		}
		take(server);
		if (server->state == SERVER_RUNS)
			feed(server);
		tidy(server);
	}
}

static void print_notice(void *user, enum tandem_notice notice, const char *who, const char *text)
{
	fprintf(stderr, "%s: %s\n", who, text);
}

static void add_source(struct server *server, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };
	if (*fd < 0 || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, *fd, &event) < 0)
		err(1, "epoll");
}

/* Before the run starts, so that threads of the library leave the signals to us. */
static void open_sources(struct server *server, const char *path)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGALRM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	server->listen_fd = frame_listen(path);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	add_source(server, &server->listen_fd);
	add_source(server, &server->signal_fd);
}

int main(int argc, char **argv)
{
	struct tandem_error error = { 0 };
	struct tandem_compile_options plan = { .bytes = sizeof(plan), .in_flight = 8 };
	struct tandem_run_options options = { .bytes = sizeof(options), .notice = print_notice };
	struct tandem_summary summary = { 0 };
	static struct server server = { .clients = TAILQ_HEAD_INITIALIZER(server.clients) }; /* lives as long as the program */
	const char *settings[SETTINGS_MAX + 1] = { NULL };
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	struct tandem_graph *graph = NULL;

	for (int option, n = 0; !error.status && (option = getopt(argc, argv, "im:n:o:s:")) > 0;) {
		if (option == 'i')
			options.mode = TANDEM_INTERPRETED;
		else if (option == 'm')
			tandem_load_module(tandem, optarg, &error);
		else if (option == 'n')
			plan.in_flight = atoi(optarg);
		else if (option == 'o')
			options.trace_file = optarg;
		else if (option == 's' && n < SETTINGS_MAX)
			settings[n++] = optarg;
		else
			exit(2);
	}
	if (!error.status && (argc - optind != 2 || plan.in_flight < 1))
		errx(2, "usage: server [-i] [-m MODULE.so] [-n IN_FLIGHT] [-o FILE.tandem] [-s NAME=VALUE] SOCKET GRAPH.dot");
	if (error.status || tandem_graph_load(tandem, argv[optind + 1], settings, &error, &graph)
		|| tandem_graph_compile(graph, &plan, &error))
		errx(1, "%s", error.text);
	server.n_inputs = tandem_graph_n_inputs(graph);
	server.in_flight = plan.in_flight;
	server.requests = calloc((size_t)plan.in_flight, sizeof(*server.requests));
	open_sources(&server, argv[optind]);
	if (server.requests && !tandem_run_start(graph, &options, &error, &server.run)) {
		server.run_fd = tandem_poll_fd(server.run, &error);
		add_source(&server, &server.run_fd);
		loop(&server);
		tandem_run_stop(server.run, &summary, &error);
	}
	unlink(argv[optind]);
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
	printf("%ju requests, %ju failed\n", (uintmax_t)summary.n_submitted, (uintmax_t)summary.n_failed);
	if (error.status)
		errx(1, "%s", error.text);
	return 0;
}
