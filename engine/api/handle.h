/* SPDX-License-Identifier: Apache-2.0
 *
 * handle: what a program holds, and whether it may be used. A handle that was released keeps its first bytes among the last few of its
 * context, so that using it again is told rather than undefined; beyond those, and once the context's last reference is gone, it is the
 * program's own mistake. In a forked child no handle of the parent works: a page that the kernel empties in children tells, without a
 * system call.
 */
#ifndef TANDEM_ENGINE_API_HANDLE_H
#define TANDEM_ENGINE_API_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"

enum handle_kind { HANDLE_CONTEXT, HANDLE_GRAPH, HANDLE_RUN, HANDLE_KINDS };

/* First in the struct of each kind of handle. */
struct handle {
	_Atomic uint64_t magic;           /* one of a kind while it lives, another after */
	const struct handle_home *home;
	struct handle_shelf *shelf;
};

/* Which process handles belong to. */
struct handle_home {
	_Atomic uint32_t is_here;         /* 0 in a forked child */
	bool is_wiped;                    /* the kernel sees to it; otherwise `pid` is compared */
	int32_t pid;
};

/* A page of its own. NULL when memory is out. */
struct handle_home *handle_home_create(void);
void handle_home_destroy(struct handle_home *home);

#define HANDLE_SHELF_PLACES 64

/* The last handles that were released, in order. */
struct handle_shelf {
	pthread_mutex_t lock;
	struct handle *places[HANDLE_SHELF_PLACES];
	unsigned n_put;
};

void handle_shelf_init(struct handle_shelf *shelf);
void handle_shelf_finish(struct handle_shelf *shelf);

extern const uint64_t handle_magics[HANDLE_KINDS];

void handle_init(struct handle *handle, enum handle_kind kind, const struct handle_home *home, struct handle_shelf *shelf);

/* The program is done with it: further calls are refused, its memory stays. */
void handle_end(struct handle *handle);

/* Gives the memory (of calloc) of an ended handle away; what the struct points to must have been released. */
void handle_put(struct handle *handle);

COLD int handle_refuse(const struct handle *handle, enum handle_kind kind, struct error *error);

/* Whether the handle may be used by this process: STATUS_OK, or STATUS_USAGE with the reason. */
static inline int handle_check(const struct handle *handle, enum handle_kind kind, struct error *error)
{
	if (unlikely(!handle || atomic_load_explicit(&handle->magic, memory_order_relaxed) != handle_magics[kind]
		    || !atomic_load_explicit(&handle->home->is_here, memory_order_relaxed) || !handle->home->is_wiped))
		return handle_refuse(handle, kind, error);
	return STATUS_OK;
}

#endif
