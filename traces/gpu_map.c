/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_map: open addressing, at most half full.
 */
#include "traces/gpu_map.h"

#include <stdlib.h>
#include <string.h>

#include "traces/gpu_tally_private.h"

#define FIRST_SLOTS 1024

uint64_t gpu_map_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u ^ (b + 0x7f4a7c15u) * 0xbf58476d1ce4e5b9u;
	x ^= x >> 29;
	return x * 0x94d049bb133111ebu ^ x >> 32;
}

static struct gpu_map_slot *slot_of(const struct gpu_map *map, uint64_t a, uint64_t b)
{
	for (uint32_t at = (uint32_t)(gpu_map_mix(a, b) >> 20);; at++) {
		struct gpu_map_slot *slot = &map->slots[at & (map->n_slots - 1)];
		if (!slot->value || (slot->a == a && slot->b == b))
			return slot;
	}
}

static int grow(struct gpu_map *map)
{
	struct gpu_map larger = { .n_slots = map->n_slots ? map->n_slots * 2 : FIRST_SLOTS, .n = map->n };
	larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
	if (!larger.slots)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < map->n_slots; i++) {
		if (map->slots[i].value)
			*slot_of(&larger, map->slots[i].a, map->slots[i].b) = map->slots[i];
	}
	free(map->slots);
	*map = larger;
	return STATUS_OK;
}

struct gpu_map_slot *gpu_map_find(struct gpu_map *map, uint64_t a, uint64_t b)
{
	if ((uint64_t)map->n * 2 >= map->n_slots && grow(map) != STATUS_OK)
		return NULL;
	struct gpu_map_slot *slot = slot_of(map, a, b);
	if (!slot->value) {
		slot->a = a;
		slot->b = b;
		map->n++;
	}
	return slot;
}

const struct gpu_map_slot *gpu_map_look(const struct gpu_map *map, uint64_t a, uint64_t b)
{
	const struct gpu_map_slot *slot = map->n_slots ? slot_of(map, a, b) : NULL;
	return slot && slot->value ? slot : NULL;
}

void gpu_map_finish(struct gpu_map *map)
{
	free(map->slots);
	*map = (struct gpu_map){ 0 };
}

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

uint32_t gpu_texts_intern(struct gpu_texts *texts, const char *text)
{
	uint64_t hash = hash_text(text);
	for (uint64_t attempt = 0;; attempt++) {
		struct gpu_map_slot *slot = gpu_map_find(&texts->map, hash, attempt);
		if (slot && slot->value && strcmp(texts->texts[slot->value - 1], text) != 0)
			continue;
		if (!slot || slot->value)
			return slot ? slot->value - 1 : UINT32_MAX;
		char **list = gpu_tally_room(texts->texts, texts->n, sizeof *list);
		if (!list)
			return UINT32_MAX;
		texts->texts = list;
		list[texts->n] = strdup(text);
		if (!list[texts->n])
			return UINT32_MAX;
		slot->value = ++texts->n;
		return slot->value - 1;
	}
}

void gpu_texts_finish(struct gpu_texts *texts)
{
	for (uint32_t i = 0; i < texts->n; i++)
		free(texts->texts[i]);
	free(texts->texts);
	gpu_map_finish(&texts->map);
	*texts = (struct gpu_texts){ 0 };
}
