/* SPDX-License-Identifier: Apache-2.0
 *
 * locate: candidates in order, and the question for the version.
 */
#include "engine/api/locate.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/strbuf.h"
#include "engine/run/spawn.h"

#define VARIABLE "TANDEM_EXECUTABLE"
#define ANSWER_LIMIT_NS 10000000000 /* a guard: an answer takes milliseconds */

/* Beside the folder of this library: installed in lib, in lib/TRIPLET; uninstalled, from engine/api and tests/api of a build. */
static const char *const places[] = { "../bin/tandem", "../../bin/tandem", "../../tool/tandem" };

/* The file that this code is in: the shared library, or the program that it was linked into. False when that cannot be told. */
static bool find_self(char path[PATH_MAX])
{
	Dl_info info;
	struct link_map *map = NULL;
	if (dladdr1((void *)(uintptr_t)locate_executable, &info, (void **)&map, RTLD_DL_LINKMAP) && map && map->l_name[0])
		return realpath(map->l_name, path) != NULL;
	return realpath("/proc/self/exe", path) != NULL;
}

static bool take(const char *path, char *found, struct strbuf *looked)
{
	if (realpath(path, found) && access(found, X_OK) == 0)
		return true;
	strbuf_addf(looked, "%s%s", looked->length ? ", " : "", path);
	return false;
}

static bool find_beside_self(char *found, struct strbuf *looked)
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	if (!find_self(self))
		return false;
	char *slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < ARRAY_LEN(places); i++) {
		*slash = '\0';
		snprintf(path, sizeof path, "%s/%s", self, places[i]);
		if (take(path, found, looked))
			return true;
	}
	return false;
}

/* What `FILE --version` prints, one line of at most `size` bytes; "" when it says nothing in time. */
static int ask_version(const char *file, char *answer, size_t size, struct error *error)
{
	const char *argv[] = { "tandem", "--version", NULL };
	struct spawn_process process = SPAWN_PROCESS_INIT;
	int status = spawn_start(file, argv, NULL, 0, true, error, &process);
	if (status)
		return status;
	int64_t end_ns = clock_now().ns + ANSWER_LIMIT_NS;
	size_t length = 0;
	bool is_clean, is_over = false;
	char how[128];
	while (!is_over && clock_now().ns < end_ns) {
		struct pollfd fds[2] = { { .fd = process.out_fd, .events = POLLIN }, { .fd = process.pidfd, .events = POLLIN } };
		poll(fds, 2, 100);
		ssize_t n;
		while (length + 1 < size && (n = read(process.out_fd, answer + length, size - 1 - length)) > 0)
			length += (size_t)n;
		is_over = fds[1].revents && spawn_reap(&process, &is_clean, how, sizeof how);
	}
	if (!is_over)
		spawn_kill(&process, SIGKILL);
	while (!is_over && !spawn_reap(&process, &is_clean, how, sizeof how))
		usleep(1000);
	spawn_finish(&process);
	answer[length] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return STATUS_OK;
}

static int check_version(const char *file, struct error *error)
{
	char answer[128];
	int status = ask_version(file, answer, sizeof answer, error);
	if (status || strcmp(answer, "tandem " TANDEM_VERSION) == 0)
		return status;
	if (strncmp(answer, "tandem ", 7) != 0)
		return error_set(error, STATUS_UNSUPPORTED, "%s does not answer like tandem to --version; set " VARIABLE, file);
	return error_set(error, STATUS_UNSUPPORTED, "libtandem is version " TANDEM_VERSION " and %s is %.60s: both must be of one version; "
		"install them together or set " VARIABLE, file, answer + 7);
}

int locate_executable(struct error *error, char **ret_file)
{
	char found[PATH_MAX];
	struct strbuf looked = STRBUF_INIT;
	const char *given = getenv(VARIABLE);
	bool is_found = given && *given ? take(given, found, &looked)
		: find_beside_self(found, &looked) || take(TANDEM_BINDIR "/tandem", found, &looked);
	int status = is_found ? check_version(found, error)
		: error_set(error, STATUS_SYSTEM, "the tandem executable, which workers and the collector are started from, was not found: no %s; "
			"install it or set " VARIABLE, strbuf_text(&looked));
	strbuf_finish(&looked);
	if (status)
		return status;
	*ret_file = strdup(found);
	return *ret_file ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
}
