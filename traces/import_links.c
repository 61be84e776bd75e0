/* SPDX-License-Identifier: Apache-2.0
 *
 * import_links: a hash table with open addressing.
 */
#include "traces/import_links.h"

#include <stdlib.h>

struct import_link {
	int64_t correlation, span;
	uint32_t process;
};

static uint64_t hash(uint32_t process, int64_t correlation)
{
	uint64_t word = ((uint64_t)correlation ^ (uint64_t)process << 40) * 0x9e3779b97f4a7c15ull;
	return word ^ word >> 32;
}

static struct import_link *find(const struct import_links *links, uint32_t process, int64_t correlation)
{
	for (uint64_t at = hash(process, correlation);; at++) {
		struct import_link *link = &links->slots[at & (links->n_slots - 1)];
		if (!link->span || (link->correlation == correlation && link->process == process))
			return link;
	}
}

static bool grow(struct import_links *links)
{
	struct import_links larger = { .n_slots = links->n_slots ? links->n_slots * 2 : 1024 };
	larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
	if (!larger.slots)
		return false;
	for (uint64_t i = 0; i < links->n_slots; i++) {
		const struct import_link *link = &links->slots[i];
		if (link->span)
			*find(&larger, link->process, link->correlation) = *link;
	}
	free(links->slots);
	links->slots = larger.slots;
	links->n_slots = larger.n_slots;
	return true;
}

int import_links_add(struct import_links *links, uint32_t process, int64_t correlation, int64_t span, struct error *error)
{
	if (links->n * 4 >= links->n_slots * 3 && !grow(links))
		return error_set(error, STATUS_NO_MEMORY, "no memory for the calls of an import");
	struct import_link *link = find(links, process, correlation);
	if (!link->span) {
		*link = (struct import_link){ correlation, span, process };
		links->n++;
	}
	return STATUS_OK;
}

static int remember(struct import_links *links, const struct import_link *work, struct error *error)
{
	if (links->n_late == links->late_capacity) {
		uint64_t capacity = links->late_capacity ? links->late_capacity * 2 : 256;
		struct import_link *late = realloc(links->late, capacity * sizeof *late);
		if (!late)
			return error_set(error, STATUS_NO_MEMORY, "no memory for the calls of an import");
		links->late = late;
		links->late_capacity = capacity;
	}
	links->late[links->n_late++] = *work;
	return STATUS_OK;
}

int import_links_find(struct import_links *links, uint32_t process, int64_t correlation, int64_t span, int64_t *ret_launch,
	struct error *error)
{
	const struct import_link *link = links->n_slots ? find(links, process, correlation) : NULL;
	if (!link || !link->span)
		return remember(links, &(struct import_link){ correlation, span, process }, error);
	*ret_launch = link->span;
	return STATUS_OK;
}

bool import_links_has(const struct import_links *links, uint32_t process, int64_t correlation, int64_t *ret_span)
{
	const struct import_link *link = links->n_slots ? find(links, process, correlation) : NULL;
	if (!link || !link->span)
		return false;
	*ret_span = link->span;
	return true;
}

int import_links_late(struct import_links *links, import_late_fn *visit, void *user, struct error *error)
{
	int status = STATUS_OK;
	for (uint64_t i = 0; i < links->n_late && links->n_slots && status == STATUS_OK; i++) {
		const struct import_link *work = &links->late[i], *link = find(links, work->process, work->correlation);
		if (link->span)
			status = visit(user, work->span, link->span, error);
	}
	return status;
}

void import_links_finish(struct import_links *links)
{
	free(links->slots);
	free(links->late);
	*links = (struct import_links){ 0 };
}
