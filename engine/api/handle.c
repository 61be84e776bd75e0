/* SPDX-License-Identifier: Apache-2.0
 *
 * handle: marks, the page that forked children find empty, and the shelf of ended handles.
 */
#include "engine/api/handle.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOME_BYTES 4096
#define MAGIC_ENDED UINT64_C(0x444e45646e617400)

const uint64_t handle_magics[HANDLE_KINDS] = {
	[HANDLE_CONTEXT] = UINT64_C(0x5854436d65646e74),
	[HANDLE_GRAPH] = UINT64_C(0x4850476d65646e74),
	[HANDLE_RUN] = UINT64_C(0x4e55526d65646e74),
};

static const struct {
	const char *type, *ended;
} kind_words[HANDLE_KINDS] = {
	[HANDLE_CONTEXT] = { "struct tandem", "tandem_finish was called for it" },
	[HANDLE_GRAPH] = { "struct tandem_graph", "tandem_graph_destroy was called for it" },
	[HANDLE_RUN] = { "struct tandem_run", "tandem_run_stop was called for it" },
};

struct handle_home *handle_home_create(void)
{
	struct handle_home *home = mmap(NULL, HOME_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (home == MAP_FAILED)
		return NULL;
	home->is_wiped = madvise(home, HOME_BYTES, MADV_WIPEONFORK) == 0;
	home->pid = getpid();
	atomic_store(&home->is_here, 1);
	return home;
}

void handle_home_destroy(struct handle_home *home)
{
	munmap(home, HOME_BYTES);
}

void handle_shelf_init(struct handle_shelf *shelf)
{
	*shelf = (struct handle_shelf){ 0 };
	pthread_mutex_init(&shelf->lock, NULL);
}

void handle_shelf_finish(struct handle_shelf *shelf)
{
	for (int i = 0; i < HANDLE_SHELF_PLACES; i++)
		free(shelf->places[i]);
	pthread_mutex_destroy(&shelf->lock);
}

void handle_init(struct handle *handle, enum handle_kind kind, const struct handle_home *home, struct handle_shelf *shelf)
{
	handle->home = home;
	handle->shelf = shelf;
	atomic_store_explicit(&handle->magic, handle_magics[kind], memory_order_release);
}

void handle_end(struct handle *handle)
{
	atomic_store_explicit(&handle->magic, MAGIC_ENDED, memory_order_release);
}

void handle_put(struct handle *handle)
{
	struct handle_shelf *shelf = handle->shelf;
	pthread_mutex_lock(&shelf->lock);
	struct handle **place = &shelf->places[shelf->n_put++ % HANDLE_SHELF_PLACES];
	struct handle *oldest = *place;
	*place = handle;
	pthread_mutex_unlock(&shelf->lock);
	free(oldest);
}

int handle_refuse(const struct handle *handle, enum handle_kind kind, struct error *error)
{
	if (!handle)
		return error_set(error, STATUS_USAGE, "the %s is NULL", kind_words[kind].type);
	uint64_t magic = atomic_load_explicit(&handle->magic, memory_order_relaxed);
	if (magic == MAGIC_ENDED)
		return error_set(error, STATUS_USAGE, "the %s is gone: %s before", kind_words[kind].type, kind_words[kind].ended);
	if (magic != handle_magics[kind])
		return error_set(error, STATUS_USAGE, "the pointer is no %s", kind_words[kind].type);
	const struct handle_home *home = handle->home;
	if (!atomic_load_explicit(&home->is_here, memory_order_relaxed) || (!home->is_wiped && home->pid != getpid()))
		return error_set(error, STATUS_USAGE, "the %s belongs to the process that made it, and this is a forked child of that one",
			kind_words[kind].type);
	return STATUS_OK;
}
