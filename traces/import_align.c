/* SPDX-License-Identifier: Apache-2.0
 *
 * import_align: one time axis for the files of one program. What a file says of its clock brings it near; where the same
 * collectives ran in both, they ended at one moment on all ranks, whatever clocks say: the median of the differences is the
 * offset, what they scatter its uncertainty.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "traces/import_model.h"

#define ENDS_MAX 65536          /* collectives looked at in each file */
#define PAIRS_MIN 2
#define SMALL_NS 10000          /* ends of one collective differ by so much with perfect clocks, too */
#define WALL_CLOCK_SURE_NS 1000000 /* what clocks of hosts that are kept together agree to */

static bool is_collective(struct import_sink *sink, uint32_t name)
{
	if (name >= sink->n_known && !import_bytes_by_text(sink, &sink->known_collectives, &sink->n_known))
		return false;
	if (!sink->known_collectives[name]) {
		uint32_t n;
		const char *text = import_text(sink, name, &n);
		sink->known_collectives[name] = import_is_collective(text, n) ? 2 : 1;
	}
	return sink->known_collectives[name] == 2;
}

void import_align_kernel(struct import_sink *sink, uint32_t name, int64_t start_ns, int64_t end_ns)
{
	struct model_source *source = &sink->source_times[sink->n_sources - 1];
	if (sink->options->n_files < 2 || name == IMPORT_NONE || !is_collective(sink, name) || source->n_ends == ENDS_MAX)
		return;
	if (import_room(sink, &source->ends, source->n_ends, sizeof *source->ends))
		source->ends[source->n_ends++] = (struct model_end){ end_ns, name };
}

int64_t import_first_ns(const struct import_sink *sink)
{
	return sink->n_sources ? sink->source_times[sink->n_sources - 1].start_ns : INT64_MAX;
}

void import_align_base(struct import_sink *sink, int64_t base_ns)
{
	if (!sink->n_sources)
		return;
	sink->source_times[sink->n_sources - 1].base_ns = base_ns;
	sink->source_times[sink->n_sources - 1].has_base = true;
}

/* -- pairs ------------------------------------------------------------------------------------------------------------------ */

static int compare_ends(const void *a, const void *b)
{
	const struct model_end *x = a, *y = b;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static uint32_t group_length(const struct model_source *source, uint32_t first)
{
	uint32_t n = first;
	while (n < source->n_ends && source->ends[n].name == source->ends[first].name)
		n++;
	return n - first;
}

/* Differences of the ends of collectives that ran equally often in both; both lists are sorted. */
static uint32_t pair_ends(const struct model_source *a, const struct model_source *b, int64_t *differences)
{
	uint32_t n = 0, i = 0, k = 0;
	while (i < a->n_ends && k < b->n_ends) {
		uint32_t n_a = group_length(a, i), n_b = group_length(b, k);
		int order = a->ends[i].name == b->ends[k].name ? 0 : a->ends[i].name < b->ends[k].name ? -1 : 1;
		for (uint32_t m = 0; !order && n_a == n_b && m < n_a; m++)
			differences[n++] = a->ends[i + m].end_ns - b->ends[k + m].end_ns;
		i += order <= 0 ? n_a : 0;
		k += order >= 0 ? n_b : 0;
	}
	return n;
}

/* What nine of ten differences are within. */
static int64_t scatter(int64_t *differences, uint32_t n, int64_t around_ns)
{
	for (uint32_t i = 0; i < n; i++)
		differences[i] = differences[i] < around_ns ? around_ns - differences[i] : differences[i] - around_ns;
	qsort(differences, n, sizeof *differences, compare_numbers);
	return differences[n < 10 ? n - 1 : n * 9 / 10];
}

/* -- offsets ---------------------------------------------------------------------------------------------------------------- */

static int64_t length_of(const struct model_source *source)
{
	return source->end_ns - source->start_ns;
}

/* By collectives: false when none tie the two. An offset that the clocks give already is kept as it is when the ends do not contradict it. */
static bool align_by_ends(struct model_source *first, struct model_source *other, int64_t known_ns, bool is_known)
{
	uint32_t n_most = first->n_ends < other->n_ends ? first->n_ends : other->n_ends;
	int64_t *differences = malloc((n_most + 1) * sizeof *differences);
	int64_t shorter_ns = length_of(first) < length_of(other) ? length_of(first) : length_of(other);
	uint32_t n = differences ? pair_ends(first, other, differences) : 0;
	bool is_tied = n >= PAIRS_MIN;
	if (is_tied) {
		qsort(differences, n, sizeof *differences, compare_numbers);
		int64_t median_ns = differences[n / 2], between_ns = scatter(differences, n, median_ns), change_ns = median_ns - known_ns;
		is_tied = between_ns <= shorter_ns / 4;
		bool keeps = is_known && llabs(change_ns) <= (between_ns > SMALL_NS ? between_ns : SMALL_NS);
		other->offset_ns = keeps ? known_ns : median_ns;
		other->uncertainty_ns = between_ns + (keeps ? llabs(change_ns) : 0);
		other->method = "collectives";
	}
	free(differences);
	return is_tied;
}

static bool overlaps(const struct model_source *first, const struct model_source *other)
{
	return other->start_ns + other->offset_ns <= first->end_ns && other->end_ns + other->offset_ns >= first->start_ns;
}

static int refuse(const struct import_sink *sink, uint32_t idx, struct error *error)
{
	const struct model_source *first = &sink->source_times[0], *other = &sink->source_times[idx];
	char text[32];
	bool is_later = other->start_ns + other->offset_ns > first->end_ns;
	int64_t apart_ns = is_later ? other->start_ns + other->offset_ns - first->end_ns : first->start_ns - other->end_ns - other->offset_ns;
	return error_set(error, STATUS_INPUT, "%s and %s have no moment in common (the second is %s %s) and no "
		"collectives that tie them: they are"
		" no ranks of one run; --align start puts their beginnings together, --align none keeps their "
			"times", sink->sources[0]->file,
		sink->sources[idx]->file, units_duration(apart_ns, text, sizeof text), is_later ? "later" : "earlier");
}

static int align_source(struct import_sink *sink, uint32_t idx, struct error *error)
{
	struct model_source *first = &sink->source_times[0], *other = &sink->source_times[idx];
	bool has_clocks = first->has_base && other->has_base, is_empty = other->start_ns > other->end_ns || first->start_ns > first->end_ns;
	int64_t known_ns = has_clocks ? other->base_ns - first->base_ns : 0;
	other->method = has_clocks ? "wall clock" : "none";
	other->uncertainty_ns = has_clocks ? WALL_CLOCK_SURE_NS : IMPORT_NOT_SURE;
	switch (sink->options->align) {
	case IMPORT_ALIGN_NONE:
		other->method = "none";
		other->uncertainty_ns = IMPORT_NOT_SURE;
		return STATUS_OK;
	case IMPORT_ALIGN_START:
		other->offset_ns = is_empty ? 0 : first->start_ns - other->start_ns;
		other->method = "start";
		other->uncertainty_ns = IMPORT_NOT_SURE;
		return STATUS_OK;
	default:
		other->offset_ns = known_ns;
		if (!is_empty && !align_by_ends(first, other, known_ns, first->has_base == other->has_base) && !overlaps(first, other))
			return refuse(sink, idx, error);
		return STATUS_OK;
	}
}

int import_align(struct import_sink *sink, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t i = 0; i < sink->n_sources && status == STATUS_OK; i++) {
		struct model_source *source = &sink->source_times[i];
		if (source->n_ends)
			qsort(source->ends, source->n_ends, sizeof *source->ends, compare_ends);
		if (i)
			status = align_source(sink, i, error);
		if (i && status == STATUS_OK && llabs(source->offset_ns) > INT64_MAX / 4)
			status = error_set(error, STATUS_INPUT, "%s: its clock cannot be brought onto the axis of the "
				"first file", sink->sources[i]->file);
		if (i && status == STATUS_OK)
			status = import_sort_shift(sink->sort, i, source->offset_ns, error);
		sink->sources[i]->offset_ns = source->offset_ns;
		sink->sources[i]->uncertainty_ns = source->uncertainty_ns;
		if (source->start_ns > source->end_ns)
			continue;
		int64_t start_ns = source->start_ns + source->offset_ns, end_ns = source->end_ns + source->offset_ns;
		sink->start_ns = start_ns < sink->start_ns ? start_ns : sink->start_ns;
		sink->end_ns = end_ns > sink->end_ns ? end_ns : sink->end_ns;
	}
	return status;
}
