/* SPDX-License-Identifier: Apache-2.0
 *
 * stress_debug: random sequences of debugger commands over real runs, and debuggers killed at random moments: no crash, no hang, nothing left
 * behind; a started run goes with its debugger, one that was attached to goes on and its results are right. $TANDEM is the executable;
 * arguments: what (commands, kill, attached), the mode, how often, the seed; a fifth one makes it loud.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/stress/debug_play.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

#define COMMANDS_MOST 12
#define LOOK_EVERY 20 /* sequences */

struct stress {
	struct debug_play play;
	const char *mode;
	int n;
	char graph[64];
};

static void fail(const struct stress *stress, int at, const char *what, int n)
{
	fprintf(stderr, "%d: %s: %d (seed now %u)\n", at, what, n, stress->play.seed);
	exit(1);
}

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;
	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

static int count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;
	while (file && fgets(line, sizeof line, file))
		n += strstr(line, "memfd:tandem") != NULL;
	if (file)
		fclose(file);
	return n;
}

/* A run that a `detach` let go ends by itself. */
static void check_nothing_is_left(const struct stress *stress, int at, int n_descriptors)
{
	int n = leftovers_count(20000);
	if (n)
		fail(stress, at, "processes are left", n);
	if (count_descriptors() != n_descriptors)
		fail(stress, at, "descriptors more than before", count_descriptors() - n_descriptors);
	if (count_mappings())
		fail(stress, at, "segments are still mapped", count_mappings());
}

static void play_commands(struct stress *stress)
{
	struct debug_play *play = &stress->play;
	int n_descriptors = count_descriptors();
	for (int i = 0; i < stress->n; i++) {
		debug_play_open(play, 0);
		for (int left = 1 + rand_r(&play->seed) % COMMANDS_MOST; left && !play->context.is_over; left--)
			debug_play_turn(play);
		debug_play_close(play);
		if (i % LOOK_EVERY == 0)
			check_nothing_is_left(stress, i, n_descriptors);
	}
	check_nothing_is_left(stress, stress->n, n_descriptors);
}

/* A process of its own that types commands until it is killed. */
static pid_t start_debugger(struct stress *stress, pid_t pid)
{
	unsigned seed = (unsigned)rand_r(&stress->play.seed);
	pid_t child = fork();
	if (child)
		return child;
	stress->play.seed = seed;
	for (;;) {
		if (!debug_play_open(&stress->play, pid))
			_exit(0);
		for (int left = 50; left && !(pid && stress->play.context.debugger->state == DEBUG_ENDED); left--)
			debug_play_turn(&stress->play);
		debug_play_close(&stress->play);
	}
}

static void kill_debugger(struct stress *stress, pid_t debugger)
{
	int status;
	usleep((useconds_t)(rand_r(&stress->play.seed) % 150000));
	kill(debugger, SIGKILL);
	if (waitpid(debugger, &status, 0) != debugger || (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		|| (WIFEXITED(status) && WEXITSTATUS(status)))
		fail(stress, 0, "the debugger ended by itself", status);
}

static void play_kills(struct stress *stress)
{
	for (int i = 0; i < stress->n; i++) {
		kill_debugger(stress, start_debugger(stress, 0));
		int n = leftovers_count(20000);
		if (n)
			fail(stress, i, "processes are left by a killed debugger", n);
	}
}

static char *read_bytes(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	char *bytes = calloc(1, 1 << 16);
	*ret_n = file && bytes ? fread(bytes, 1, 1 << 16, file) : 0;
	if (file)
		fclose(file);
	return bytes;
}

static pid_t start_run(const struct stress *stress, const char *output)
{
	char line[256];
	snprintf(line, sizeof line, "run %s --mode %s -n 800 --output %s", stress->graph, stress->mode, output);
	return tool_start(line);
}

/* `set` changes results, which is right then: nothing is typed here that sets, only what looks and moves. */
static void play_attached(struct stress *stress)
{
	char expected_file[64], file[64];
	size_t n_expected, n;
	int status;
	snprintf(expected_file, sizeof expected_file, "%s/expected.safetensors", stress->play.folder);
	snprintf(file, sizeof file, "%s/result.safetensors", stress->play.folder);
	waitpid(start_run(stress, expected_file), &status, 0);
	char *expected = read_bytes(expected_file, &n_expected);
	if (!n_expected)
		fail(stress, 0, "no results to compare with", status);
	for (int i = 0; i < stress->n; i++) {
		unlink(file);
		pid_t run = start_run(stress, file);
		kill_debugger(stress, start_debugger(stress, run));
		if (waitpid(run, &status, 0) != run || status != 0)
			fail(stress, i, "the run that was attached to ended badly", status);
		char *bytes = read_bytes(file, &n);
		if (n != n_expected || memcmp(bytes, expected, n) != 0)
			fail(stress, i, "its results are wrong", (int)n);
		free(bytes);
		n = (size_t)leftovers_count(20000);
		if (n)
			fail(stress, i, "processes are left by a run that was attached to", (int)n);
	}
	free(expected);
}

static const struct {
	const char *name, *n_executions;
	bool is_harmless;
	void (*play)(struct stress *stress);
} ways[] = {
	{ "commands", "60", false, play_commands },
	{ "kill", "3000", false, play_kills }, /* not without end: what `detach` lets go ends by itself */
	{ "attached", "800", true, play_attached },
};

int main(int argc, char **argv)
{
	struct stress stress = { .mode = argc > 2 ? argv[2] : "compiled", .n = argc > 3 ? atoi(argv[3]) : 50 };
	stress.play.seed = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
	stress.play.is_loud = argc > 5;
	leftovers_mark();
	snprintf(stress.play.folder, sizeof stress.play.folder, "/tmp/stress-debug-%d", (int)getpid());
	snprintf(stress.graph, sizeof stress.graph, "%s/play.dot", stress.play.folder);
	FILE *file = mkdir(stress.play.folder, 0700) == 0 ? fopen(stress.graph, "we") : NULL;
	if (!file || fputs(debug_play_graph, file) < 0 || fclose(file) != 0)
		fail(&stress, 0, "cannot write the graph", 0);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (argc > 1 && strcmp(argv[1], ways[i].name) != 0)
			continue;
		debug_play_init(&stress.play, stress.graph, stress.mode, ways[i].n_executions);
		stress.play.is_harmless = ways[i].is_harmless;
		ways[i].play(&stress);
		debug_play_finish(&stress.play);
		printf("%s, %s: %d times, nothing left\n", ways[i].name, stress.mode, stress.n);
	}
	static const char *const names[] = { "play.dot", "c.npy", "a.safetensors", "expected.safetensors", "result.safetensors" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[96];
		snprintf(path, sizeof path, "%s/%s", stress.play.folder, names[i]);
		unlink(path);
	}
	if (rmdir(stress.play.folder) != 0)
		fail(&stress, 0, "something was written that nobody knows of", 0);
	return 0;
}
