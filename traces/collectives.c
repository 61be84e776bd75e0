/* SPDX-License-Identifier: Apache-2.0
 *
 * collectives: matching: kernels are put in order of (group, device, time); each group is then matched by the best way that it allows.
 */
#include "traces/collectives.h"

#include <stdlib.h>
#include <string.h>

struct item {
	uint32_t group, device, span;
	uint32_t key, stream;
	int64_t sequence;
	int64_t start_ns, end_ns;
	uint32_t name;
	uint32_t nth;             /* of this sequence number on this device */
};

/* The kernels of one device in a group. */
struct part {
	struct item *items;
	uint32_t n;
};

struct match {
	const struct gpu_model *model;
	struct collectives *set;
	struct item *items;
	uint32_t n_items;
	struct part *parts;       /* [n_devices] of the group that is looked at */
	uint32_t n_parts;
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the collectives of a trace");
}

const char *collective_match_word(enum collective_match match)
{
	static const char *const words[] = {
#define X(name, word) [COLLECTIVE_BY_##name] = word,
		COLLECTIVE_MATCH_MAP(X)
#undef X
	};
	return words[match];
}

/* -- collecting ------------------------------------------------------------------------------------------------------------- */

static bool is_collective(const struct gpu_span *span)
{
	return gpu_kind(span) == SPAN_KIND_KERNEL && span->class == SPAN_CLASS_COLLECTIVE;
}

static bool has_collectives(const struct gpu_model *model, const struct gpu_lane *lane)
{
	if (lane->kind != GPU_LANE_STREAM || lane->device == GPU_NONE)
		return false;
	for (uint32_t i = 0; i < lane->n; i++) {
		if (is_collective(&model->spans[lane->first + i]))
			return true;
	}
	return false;
}

static uint32_t count_items(const struct gpu_model *model)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < model->n_spans; i++)
		n += is_collective(&model->spans[i]) && model->lanes[model->spans[i].lane].device != GPU_NONE;
	return n;
}

static int compare_facts(const void *a, const void *b)
{
	const struct collective_fact *x = a, *y = b;
	return (x->span > y->span) - (x->span < y->span);
}

/* The n-th stream with collectives of its device. */
static uint32_t stream_position(const struct gpu_model *model, const bool *has, uint32_t lane)
{
	uint32_t position = 0;
	for (uint32_t i = 0; i < model->n_lanes; i++)
		position += i != lane && has[i] && model->lanes[i].device == model->lanes[lane].device
			&& (model->lanes[i].stream < model->lanes[lane].stream || (model->lanes[i].stream == model->lanes[lane].stream && i < lane));
	return position;
}

/* Streams can only be told apart by position where each device has equally many. */
static bool are_streams_alike(const struct gpu_model *model, const bool *has)
{
	uint32_t n_first = 0;
	for (uint32_t device = 0; device < model->n_devices; device++) {
		uint32_t n = 0;
		for (uint32_t i = 0; i < model->n_lanes; i++)
			n += has[i] && model->lanes[i].device == device;
		if (n && n_first && n != n_first)
			return false;
		n_first = n ? n : n_first;
	}
	return true;
}

static void collect_lane(struct match *match, const struct collective_fact *facts, uint32_t n_facts, uint32_t lane_idx, uint32_t position)
{
	const struct gpu_lane *lane = &match->model->lanes[lane_idx];
	for (uint32_t i = lane->first; i < lane->first + lane->n; i++) {
		const struct gpu_span *span = &match->model->spans[i];
		if (!is_collective(span))
			continue;
		struct collective_fact wanted = { .span = i };
		const struct collective_fact *fact = n_facts ? bsearch(&wanted, facts, n_facts, sizeof *facts, compare_facts) : NULL;
		bool has_key = fact && fact->group_text >= 0;
		match->items[match->n_items++] = (struct item){ .device = lane->device, .span = i, .name = span->name, .start_ns = span->start_ns,
			.end_ns = span->end_ns, .key = has_key ? (uint32_t)fact->group_text : GPU_NONE, .stream = has_key ? GPU_NONE : position,
			.sequence = fact ? fact->sequence : -1 };
	}
}

static int collect(struct match *match, const struct collective_fact *facts, uint32_t n_facts)
{
	const struct gpu_model *model = match->model;
	bool *has = calloc((size_t)model->n_lanes + 1, sizeof *has);
	match->items = malloc(((size_t)count_items(model) + 1) * sizeof *match->items);
	if (!has || !match->items) {
		free(has);
		return out_of_memory(match->error);
	}
	for (uint32_t i = 0; i < model->n_lanes; i++)
		has[i] = has_collectives(model, &model->lanes[i]);
	bool are_alike = are_streams_alike(model, has);
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		if (has[i])
			collect_lane(match, facts, n_facts, i, are_alike ? stream_position(model, has, i) : GPU_NONE);
	}
	free(has);
	return STATUS_OK;
}

#define ORDER(a, b) if ((a) != (b)) return (a) < (b) ? -1 : 1
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	ORDER(x->key, y->key);
	ORDER(x->stream, y->stream);
	ORDER(x->device, y->device);
	ORDER(x->start_ns, y->start_ns);
	ORDER(x->span, y->span);
	return 0;
}

static int compare_sequences(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	ORDER(x->sequence, y->sequence);
	ORDER(x->nth, y->nth);
	ORDER(x->device, y->device);
	return 0;
}

/* -- one group -------------------------------------------------------------------------------------------------------------- */

static bool is_overlapping(const struct item *a, const struct item *b)
{
	return a->start_ns <= b->end_ns + COLLECTIVE_CLOCK_NS && b->start_ns <= a->end_ns + COLLECTIVE_CLOCK_NS;
}

static void measure(struct match *match, struct collective *item)
{
	struct collective_member *members = &match->set->members[item->first];
	const struct gpu_span *spans = match->model->spans;
	int64_t first_end_ns = INT64_MAX;
	*item = (struct collective){ .group = item->group, .first = item->first, .n = item->n, .last = GPU_NONE, .start_ns = INT64_MAX,
		.last_ns = INT64_MIN, .end_ns = INT64_MIN, .moving_ns = INT64_MAX };
	uint32_t last = 0;
	for (uint32_t i = 0; i < item->n; i++) {
		const struct gpu_span *span = &spans[members[i].span];
		if (span->start_ns > item->last_ns) {
			item->last_ns = span->start_ns;
			last = i;
		}
		item->start_ns = span->start_ns < item->start_ns ? span->start_ns : item->start_ns;
		item->end_ns = span->end_ns > item->end_ns ? span->end_ns : item->end_ns;
		first_end_ns = span->end_ns < first_end_ns ? span->end_ns : first_end_ns;
		item->moving_ns = span->end_ns - span->start_ns < item->moving_ns ? span->end_ns - span->start_ns : item->moving_ns;
	}
	item->is_consistent = item->n > 1 && item->last_ns <= first_end_ns + COLLECTIVE_CLOCK_NS;
	if (!item->is_consistent)
		return;
	item->last = item->first + last;
	for (uint32_t i = 0; i < item->n; i++) {
		const struct gpu_span *span = &spans[members[i].span];
		int64_t until_ns = span->end_ns < item->last_ns ? span->end_ns : item->last_ns;
		members[i].wait_ns = i == last || until_ns < span->start_ns ? 0 : until_ns - span->start_ns;
		item->wait_ns += members[i].wait_ns;
	}
}

static void begin(struct match *match, uint32_t group)
{
	struct collectives *set = match->set;
	set->items[set->n] = (struct collective){ .group = group, .first = set->n_members };
}

static void enter(struct match *match, const struct item *item)
{
	struct collectives *set = match->set;
	set->members[set->n_members++] = (struct collective_member){ .span = item->span, .device = item->device, .collective = set->n };
	set->items[set->n].n++;
}

/* One that no other device has is unmatched, unless there is no other device. */
static void end(struct match *match, uint32_t group)
{
	struct collectives *set = match->set;
	struct collective *item = &set->items[set->n];
	struct collective_group *owner = &set->groups[group];
	if (!item->n)
		return;
	measure(match, item);
	owner->n_unmatched += item->n == 1 && owner->match != COLLECTIVE_BY_ALONE;
	owner->n_collectives++;
	owner->n_consistent += item->is_consistent;
	set->n++;
}

static void match_sequences(struct match *match, uint32_t group, struct item *items, uint32_t n)
{
	for (uint32_t p = 0; p < match->n_parts; p++) {
		struct part *part = &match->parts[p];
		for (uint32_t i = 0; i < part->n; i++)
			part->items[i].nth = i && part->items[i].sequence == part->items[i - 1].sequence ? part->items[i - 1].nth + 1 : 0;
	}
	qsort(items, n, sizeof *items, compare_sequences);
	for (uint32_t i = 0; i < n;) {
		uint32_t first = i;
		begin(match, group);
		for (; i < n && items[i].sequence == items[first].sequence && items[i].nth == items[first].nth; i++)
			enter(match, &items[i]);
		end(match, group);
	}
}

static void match_order(struct match *match, uint32_t group)
{
	for (uint32_t i = 0; i < match->parts[0].n; i++) {
		begin(match, group);
		for (uint32_t p = 0; p < match->n_parts; p++)
			enter(match, &match->parts[p].items[i]);
		end(match, group);
	}
}

/* Against the device with most kernels: those of others that are of one name and overlap, each once and in order. */
static void match_time(struct match *match, uint32_t group, uint32_t *at)
{
	uint32_t reference = 0, n_matched = 0, n_all = 0;
	memset(at, 0, match->n_parts * sizeof *at);
	for (uint32_t p = 0; p < match->n_parts; p++) {
		n_all += match->parts[p].n;
		if (match->parts[p].n > match->parts[reference].n)
			reference = p;
	}
	for (uint32_t i = 0; i < match->parts[reference].n; i++) {
		const struct item *wanted = &match->parts[reference].items[i];
		begin(match, group);
		for (uint32_t p = 0; p < match->n_parts; p++) {
			struct part *part = &match->parts[p];
			uint32_t k = p == reference ? i : at[p];
			while (p != reference && k < part->n && part->items[k].start_ns <= wanted->end_ns + COLLECTIVE_CLOCK_NS
				&& (part->items[k].name != wanted->name || !is_overlapping(&part->items[k], wanted)))
				k++;
			if (k >= part->n || (p != reference && part->items[k].start_ns > wanted->end_ns + COLLECTIVE_CLOCK_NS))
				continue;
			enter(match, &part->items[k]);
			n_matched++;
			at[p] = k + 1;
		}
		end(match, group);
	}
	match->set->groups[group].n_unmatched += n_all - n_matched;
}

static bool is_same_order(const struct part *a, const struct part *b)
{
	for (uint32_t i = 0; i < a->n && a->n == b->n; i++) {
		if (a->items[i].name != b->items[i].name)
			return false;
	}
	return a->n == b->n;
}

static int match_group(struct match *match, uint32_t group, struct item *items, uint32_t n)
{
	struct collective_group *owner = &match->set->groups[group];
	bool has_sequences = true;
	*owner = (struct collective_group){ .key = items[0].key, .stream = items[0].stream };
	match->n_parts = 0;
	for (uint32_t i = 0; i < n; i++) {
		has_sequences = has_sequences && items[i].sequence >= 0;
		if (!i || items[i].device != items[i - 1].device)
			match->parts[match->n_parts++] = (struct part){ .items = &items[i] };
		match->parts[match->n_parts - 1].n++;
	}
	owner->n_devices = match->n_parts;
	for (uint32_t p = 0; p < match->n_parts; p++)
		owner->n_agreeing += is_same_order(&match->parts[0], &match->parts[p]);
	owner->match = match->n_parts == 1 ? COLLECTIVE_BY_ALONE : has_sequences ? COLLECTIVE_BY_SEQUENCE
		: owner->n_agreeing == owner->n_devices ? COLLECTIVE_BY_ORDER : COLLECTIVE_BY_TIME;
	if (owner->match == COLLECTIVE_BY_SEQUENCE) {
		match_sequences(match, group, items, n);
	} else if (owner->match == COLLECTIVE_BY_TIME) {
		uint32_t *at = malloc(match->n_parts * sizeof *at);
		if (!at)
			return out_of_memory(match->error);
		match_time(match, group, at);
		free(at);
	} else {
		match_order(match, group);
	}
	return STATUS_OK;
}

/* -- all -------------------------------------------------------------------------------------------------------------------- */

static int allocate(struct match *match)
{
	struct collectives *set = match->set;
	size_t n = (size_t)match->n_items + 1;
	set->items = calloc(n, sizeof *set->items);
	set->members = calloc(n, sizeof *set->members);
	set->groups = calloc(n, sizeof *set->groups);
	set->by_span = calloc(n, sizeof *set->by_span);
	match->parts = calloc((size_t)match->model->n_devices + 1, sizeof *match->parts);
	return set->items && set->members && set->groups && set->by_span && match->parts ? STATUS_OK : out_of_memory(match->error);
}

static int compare_by_span(const void *a, const void *b, void *members)
{
	uint32_t x = ((struct collective_member *)members)[*(const uint32_t *)a].span;
	uint32_t y = ((struct collective_member *)members)[*(const uint32_t *)b].span;
	return (x > y) - (x < y);
}

int collectives_make(const struct gpu_model *model, const struct collective_fact *facts, uint32_t n_facts, struct error *error,
	struct collectives *ret)
{
	struct match match = { .model = model, .set = ret, .error = error };
	*ret = (struct collectives){ 0 };
	int status = collect(&match, facts, n_facts);
	if (status == STATUS_OK)
		status = allocate(&match);
	if (status == STATUS_OK && match.n_items)
		qsort(match.items, match.n_items, sizeof *match.items, compare_items);
	for (uint32_t i = 0, first = 0; status == STATUS_OK && i < match.n_items; first = i) {
		while (i < match.n_items && match.items[i].key == match.items[first].key && match.items[i].stream == match.items[first].stream)
			i++;
		status = match_group(&match, ret->n_groups++, &match.items[first], i - first);
	}
	for (uint32_t i = 0; status == STATUS_OK && i < ret->n_members; i++)
		ret->by_span[i] = i;
	if (status == STATUS_OK && ret->n_members)
		qsort_r(ret->by_span, ret->n_members, sizeof *ret->by_span, compare_by_span, ret->members);
	free(match.items);
	free(match.parts);
	if (status != STATUS_OK)
		collectives_finish(ret);
	return status;
}

void collectives_finish(struct collectives *set)
{
	free(set->items);
	free(set->members);
	free(set->groups);
	free(set->by_span);
	*set = (struct collectives){ 0 };
}

const struct collective_member *collectives_of_span(const struct collectives *set, uint32_t span)
{
	for (uint32_t low = 0, high = set->n_members; low < high;) {
		uint32_t middle = low + (high - low) / 2;
		const struct collective_member *member = &set->members[set->by_span[middle]];
		if (member->span == span)
			return member;
		if (member->span < span)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint32_t collectives_last(const struct collectives *set, uint32_t span)
{
	const struct collective_member *member = collectives_of_span(set, span);
	uint32_t last = member ? set->items[member->collective].last : GPU_NONE;
	return last == GPU_NONE || set->members[last].span == span ? GPU_NONE : set->members[last].span;
}
