/* SPDX-License-Identifier: Apache-2.0
 *
 * import_names: what an import has of each once, found by hashing: texts, processes, threads, devices and streams. Memory is
 * bounded: beyond the bounds of import_model.h what is new shares one entry, and is counted.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/utf8.h"
#include "traces/import_model.h"

int import_out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for what is being imported");
}

bool import_room(struct import_sink *sink, void *items, uint32_t n, size_t item_bytes)
{
	void **array = items;
	if (n & (n - 1) && n)
		return true;
	size_t n_new = n ? (size_t)n * 2 : 1;
	void *more = realloc(*array, n_new * item_bytes);
	if (more)
		*array = more;
	else
		sink->is_out_of_memory = true;
	return more != NULL;
}

bool import_bytes_by_text(struct import_sink *sink, uint8_t **bytes, uint32_t *n)
{
	uint8_t *more = realloc(*bytes, (size_t)sink->n_strings + sink->n_strings / 2 + 64);
	if (!more) {
		sink->is_out_of_memory = true;
		return false;
	}
	uint32_t n_new = sink->n_strings + sink->n_strings / 2 + 64;
	memset(more + *n, 0, n_new - *n);
	*bytes = more;
	*n = n_new;
	return true;
}

/* -- finding by content ----------------------------------------------------------------------------------------------------- */

static uint64_t hash_bytes(const char *bytes, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325ull ^ n;
	for (; n >= 8; n -= 8, bytes += 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	for (; n; n--, bytes++)
		hash = (hash ^ (unsigned char)*bytes) * 0x100000001b3ull;
	return hash ^ hash >> 32;
}

typedef uint64_t hash_fn(const struct import_sink *sink, uint32_t idx);

/* Twice as large when it is two thirds full. */
static bool index_grow(struct import_sink *sink, struct import_index *index, hash_fn *hash)
{
	if (index->n_slots && index->n * 3 < index->n_slots * 2)
		return true;
	uint32_t n_slots = index->n_slots ? index->n_slots * 2 : 64;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	if (!slots) {
		sink->is_out_of_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < index->n; i++) {
		uint64_t at = hash(sink, i);
		while (slots[at & (n_slots - 1)])
			at++;
		slots[at & (n_slots - 1)] = i + 1;
	}
	free(index->slots);
	index->slots = slots;
	index->n_slots = n_slots;
	return true;
}

static uint64_t string_hash(const struct import_sink *sink, uint32_t idx)
{
	return hash_bytes(sink->text.text + sink->strings[idx].at, sink->strings[idx].n);
}

static uint32_t add_string(struct import_sink *sink, const char *text, size_t n)
{
	bool is_full = sink->n_strings >= IMPORT_STRINGS_MAX || sink->text.length >= IMPORT_TEXT_BYTES_MAX;
	uint64_t at = hash_bytes(text, n);
	if (!index_grow(sink, &sink->string_index, string_hash))
		return IMPORT_NONE;
	for (;; at++) {
		uint32_t *slot = &sink->string_index.slots[at & (sink->string_index.n_slots - 1)];
		const struct model_string *string = *slot ? &sink->strings[*slot - 1] : NULL;
		if (string && (string->n != n || (n && memcmp(sink->text.text + string->at, text, n) != 0)))
			continue;
		if (string)
			return *slot - 1;
		if (unlikely(is_full)) {
			import_note(sink, "texts beyond what memory is spent on: each is shown as \"…\"", 1);
			return sink->other_text;
		}
		if (!import_room(sink, &sink->strings, sink->n_strings, sizeof *sink->strings))
			return IMPORT_NONE;
		sink->strings[sink->n_strings] = (struct model_string){ (uint32_t)sink->text.length, (uint32_t)n };
		strbuf_add_bytes(&sink->text, text, n);
		*slot = ++sink->n_strings;
		sink->string_index.n = sink->n_strings;
		return sink->n_strings - 1;
	}
}

static bool is_plain(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] - 1u >= 0x7f)
			return false;
	}
	return true;
}

/* With what is no UTF-8, and zeros, replaced. */
static uint32_t add_mended(struct import_sink *sink, const char *text, size_t n)
{
	struct strbuf copy = STRBUF_INIT, mended = STRBUF_INIT;
	uint32_t code;
	uint64_t n_bad = 0;
	strbuf_add_bytes(&copy, text, n);
	for (size_t i = 0; i < n && !copy.is_failed;) {
		size_t length = copy.text[i] ? (size_t)utf8_decode(copy.text + i, &code) : 0;
		n_bad += !length;
		strbuf_add_bytes(&mended, length ? copy.text + i : "\xef\xbf\xbd", length ? length : 3);
		i += length ? length : 1;
	}
	import_note(sink, "bytes in texts that are no UTF-8: replaced", n_bad);
	sink->is_out_of_memory |= copy.is_failed || mended.is_failed;
	uint32_t string = add_string(sink, strbuf_text(&mended), mended.length);
	strbuf_finish(&copy);
	strbuf_finish(&mended);
	return string;
}

uint32_t import_string(struct import_sink *sink, const char *text, size_t n)
{
	if (unlikely(n > IMPORT_STRING_BYTES_MAX)) {
		import_note(sink, "texts of more than 64 KiB: cut", 1);
		n = IMPORT_STRING_BYTES_MAX;
	}
	return likely(is_plain(text, n)) ? add_string(sink, text, n) : add_mended(sink, text, n);
}

size_t import_string_copy(const struct import_sink *sink, uint32_t string, char *bytes, size_t size)
{
	uint32_t n;
	const char *text = import_text(sink, string, &n);
	n = n < size - 1 ? n : (uint32_t)(size - 1);
	memcpy(bytes, text, n);
	bytes[n] = '\0';
	return n;
}

/* -- processes, threads, devices, streams ----------------------------------------------------------------------------------- */

static uint64_t hash_numbers(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t numbers[3] = { a, b, c };
	return hash_bytes((const char *)numbers, sizeof numbers);
}

char *import_copy(struct import_sink *sink, const char *name)
{
	char *copy = name ? strdup(name) : NULL;
	sink->is_out_of_memory |= name && !copy;
	return copy;
}

static void set_name(struct import_sink *sink, char **at, const char *name)
{
	if (!name || !*name)
		return;
	free(*at);
	*at = import_copy(sink, name);
}

static uint64_t process_key(int64_t source, int64_t pid, uint32_t name)
{
	return hash_numbers((uint64_t)source, (uint64_t)pid, name);
}

static uint64_t process_hash(const struct import_sink *sink, uint32_t idx)
{
	const struct model_process *process = &sink->processes[idx];
	return process_key(process->source, process->key, process->key_name);
}

/* Those that have no number are told apart by their names, one without a name from all others. */
uint32_t import_process(struct import_sink *sink, int64_t pid, const char *name)
{
	int source = (int)sink->n_sources - 1;
	bool has_key = pid != IMPORT_UNKNOWN || name;
	uint32_t key_name = pid == IMPORT_UNKNOWN && name ? import_string(sink, name, strlen(name)) : IMPORT_NONE;
	uint64_t at = process_key(source, pid, key_name);
	if (!index_grow(sink, &sink->process_index, process_hash))
		return IMPORT_NONE;
	for (;; at++) {
		uint32_t *slot = &sink->process_index.slots[at & (sink->process_index.n_slots - 1)];
		const struct model_process *process = *slot ? &sink->processes[*slot - 1] : NULL;
		if (process && has_key && process->source == source && process->key == pid && process->key_name == key_name)
			return *slot - 1;
		if (process)
			continue;
		if (sink->n_processes >= IMPORT_TRACKS_MAX) {
			import_note(sink, "processes beyond the first 4096: shown as one", 1);
			return sink->n_processes - 1;
		}
		if (!import_room(sink, &sink->processes, sink->n_processes, sizeof *sink->processes))
			return IMPORT_NONE;
		sink->processes[sink->n_processes] = (struct model_process){ .pid = pid, .key = pid, .key_name = key_name, .rank = -1,
			.source = source, .name = import_copy(sink, name) };
		*slot = ++sink->n_processes;
		sink->process_index.n = sink->n_processes;
		return sink->n_processes - 1;
	}
}

void import_process_name(struct import_sink *sink, uint32_t process, const char *name, int64_t rank)
{
	if (process >= sink->n_processes)
		return;
	set_name(sink, &sink->processes[process].name, name);
	if (rank >= 0)
		sink->processes[process].rank = rank;
}

void import_process_pid(struct import_sink *sink, uint32_t process, int64_t pid)
{
	if (process < sink->n_processes)
		sink->processes[process].pid = pid;
}

uint32_t import_n_processes(const struct import_sink *sink)
{
	return sink->n_processes;
}

static uint64_t track_hash(const struct import_sink *sink, uint32_t idx)
{
	const struct model_track *track = &sink->tracks[idx];
	uint64_t owner = (uint64_t)(track->is_stream ? track->device : track->process) << 1 | track->is_stream;
	return hash_numbers(owner, (uint64_t)track->number, (uint64_t)track->context);
}

static bool is_same_track(const struct model_track *a, const struct model_track *b)
{
	return a->is_stream == b->is_stream && a->process == b->process && a->device == b->device && a->number == b->number
		&& a->context == b->context;
}

/* Beyond the bound: one thread, or one stream of the first device. */
static uint32_t other_track(struct import_sink *sink, bool is_stream)
{
	import_note(sink, "threads and streams beyond the first 4096: shown as one", 1);
	for (uint32_t i = sink->n_tracks; i-- > 0;) {
		if (sink->tracks[i].is_stream == is_stream)
			return i;
	}
	return 0;
}

static uint32_t find_track(struct import_sink *sink, const struct model_track *wanted, bool makes)
{
	uint64_t owner = (uint64_t)(wanted->is_stream ? wanted->device : wanted->process) << 1 | wanted->is_stream;
	uint64_t at = hash_numbers(owner, (uint64_t)wanted->number, (uint64_t)wanted->context);
	if (!index_grow(sink, &sink->track_index, track_hash))
		return IMPORT_NONE;
	for (;; at++) {
		uint32_t *slot = &sink->track_index.slots[at & (sink->track_index.n_slots - 1)];
		if (*slot && is_same_track(&sink->tracks[*slot - 1], wanted))
			return *slot - 1;
		if (*slot)
			continue;
		if (!makes)
			return IMPORT_NONE;
		if (sink->n_tracks >= IMPORT_TRACKS_MAX)
			return other_track(sink, wanted->is_stream);
		if (!import_room(sink, &sink->tracks, sink->n_tracks, sizeof *sink->tracks))
			return IMPORT_NONE;
		sink->tracks[sink->n_tracks] = *wanted;
		*slot = ++sink->n_tracks;
		sink->track_index.n = sink->n_tracks;
		return sink->n_tracks - 1;
	}
}

static struct model_track thread_track(uint32_t process, int64_t tid)
{
	return (struct model_track){ .process = process, .device = IMPORT_NONE, .number = tid, .context = IMPORT_UNKNOWN };
}

uint32_t import_thread(struct import_sink *sink, uint32_t process, int64_t tid)
{
	struct model_track wanted = thread_track(process, tid);
	return find_track(sink, &wanted, true);
}

void import_thread_name(struct import_sink *sink, uint32_t thread, const char *name)
{
	if (thread < sink->n_tracks)
		set_name(sink, &sink->tracks[thread].name, name);
}

static uint64_t device_hash(const struct import_sink *sink, uint32_t idx)
{
	return hash_numbers(sink->devices[idx].process, (uint64_t)sink->devices[idx].number, 0);
}

static uint32_t find_device(struct import_sink *sink, uint32_t process, int64_t device, bool makes)
{
	uint64_t at = hash_numbers(process, (uint64_t)device, 0);
	if (!index_grow(sink, &sink->device_index, device_hash))
		return IMPORT_NONE;
	for (;; at++) {
		uint32_t *slot = &sink->device_index.slots[at & (sink->device_index.n_slots - 1)];
		if (*slot && sink->devices[*slot - 1].process == process && sink->devices[*slot - 1].number == device)
			return *slot - 1;
		if (*slot)
			continue;
		if (!makes)
			return IMPORT_NONE;
		if (sink->n_devices >= IMPORT_TRACKS_MAX) {
			import_note(sink, "devices beyond the first 4096: shown as one", 1);
			return sink->n_devices - 1;
		}
		if (!import_room(sink, &sink->devices, sink->n_devices, sizeof *sink->devices))
			return IMPORT_NONE;
		sink->devices[sink->n_devices] = (struct model_device){ .process = process, .number = device };
		*slot = ++sink->n_devices;
		sink->device_index.n = sink->n_devices;
		return sink->n_devices - 1;
	}
}

uint32_t import_device(struct import_sink *sink, uint32_t process, int64_t device)
{
	return find_device(sink, process, device, true);
}

void import_device_name(struct import_sink *sink, uint32_t device, const char *name, const char *kind)
{
	if (device >= sink->n_devices)
		return;
	set_name(sink, &sink->devices[device].name, name);
	set_name(sink, &sink->devices[device].kind, kind);
}

uint32_t import_stream(struct import_sink *sink, uint32_t device, int64_t context, int64_t stream)
{
	if (device >= sink->n_devices)
		return IMPORT_NONE;
	struct model_track wanted = { .is_stream = true, .process = sink->devices[device].process, .device = device, .number = stream,
		.context = context };
	return find_track(sink, &wanted, true);
}

void import_name_thread(struct import_sink *sink, uint32_t process, int64_t tid, const char *name)
{
	struct model_track wanted = thread_track(process, tid);
	import_thread_name(sink, find_track(sink, &wanted, false), name);
}

void import_name_device(struct import_sink *sink, uint32_t process, int64_t device, const char *name, const char *kind)
{
	import_device_name(sink, find_device(sink, process, device, false), name, kind);
}

void import_set_device_kind(struct import_sink *sink, uint32_t process, const char *kind)
{
	for (uint32_t i = 0; i < sink->n_devices; i++) {
		if (sink->devices[i].process == process)
			set_name(sink, &sink->devices[i].kind, kind);
	}
}
