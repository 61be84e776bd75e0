/* SPDX-License-Identifier: Apache-2.0
 *
 * import_kineto: PyTorch's profiler. Format: ../doc/import.md. One file is one process, whose device rows carry the device as pid and the stream as
 * tid; links go by `correlation`, for arrows are incomplete in real files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_events.h"

#define ARGS_MAX 24
#define NAMES_MAX 65536
#define DEVICES_MAX 4096
#define KEY_SLOTS 128 /* a power of two, well above the number of keys */
#define WEEK_NS (INT64_C(7) * 24 * 3600 * 1000000000) /* longer ones are clocks that overflowed */
#define ABSOLUTE_NS INT64_C(100000000000000000)       /* times above are Unix times: 1973 and later */
#define TEXT_ID_BASE (INT64_MIN / 2) /* threads that have a name instead of a number */

/* X(MEMBER, KEY): args that are numbers. */
#define NUMBER_MAP(X)                                             \
	X(correlation, "correlation")                             \
	X(external, "External id")                                \
	X(device, "device")                                       \
	X(context, "context")                                     \
	X(stream, "stream")                                       \
	X(bytes, "bytes")                                         \
	X(graph, "graph id")                                      \
	X(graph_node, "graph node id")                            \
	X(wait_stream, "wait_on_stream")                          \
	X(wait_event, "wait_on_cuda_event_record_corr_id")        \
	X(process, "process") /* of a stream, in what export wrote */   \
	X(value, "value")

/* Keys of args that are kept as they are: what a collective says of itself. */
static const char *const kept_keys[] = { "Collective name", "In msg nelems", "Out msg nelems", "Group size", "dtype", "Rank",
	"Process Group Name", "Process Group Description", "Process Group Ranks", "Seq", "Comms Id", "Src Rank", "Dst Rank" };

/* Other args that mean something. */
#define WORD_MAP(X) X(GRID, "grid") X(BLOCK, "block") X(SYNC_KIND, "cuda_sync_kind") X(NAME, "name")
enum word {
#define X(name, key) WORD_##name,
	WORD_MAP(X)
#undef X
	WORDS
};

/* Values of cuda_sync_kind, by number from 1. */
static const char *const sync_words[] = { "Event Sync", "Stream Wait Event", "Stream Sync", "Context Sync" };

/* What a category's spans are. */
struct category {
	const char *word;
	uint8_t n, kind;
	bool is_device;
};
#define CATEGORY(word, kind, is_device) { word, sizeof word - 1, SPAN_KIND_##kind, is_device }
static const struct category categories[] = {
	CATEGORY("cuda_runtime", API, false), CATEGORY("kernel", KERNEL, true), CATEGORY("cpu_op", MARK, false),
	CATEGORY("python_function", MARK, false), CATEGORY("gpu_memcpy", MEMCPY, true), CATEGORY("gpu_memset", MEMSET, true),
	CATEGORY("cuda_driver", API, false), CATEGORY("cuda_sync", STREAM_SYNC, true), CATEGORY("cuda_event", EVENT, true),
	CATEGORY("gpu_user_annotation", MARK, true), CATEGORY("user_annotation", MARK, false), CATEGORY("overhead", OVERHEAD, false),
	CATEGORY("Runtime", API, false), CATEGORY("Kernel", KERNEL, true), CATEGORY("Operator", MARK, false), CATEGORY("Memcpy", MEMCPY, true),
	CATEGORY("Memset", MEMSET, true), CATEGORY("gpu_graph", GRAPH, true),
};
static const struct category other_category = CATEGORY("", MARK, false);

struct name_of {
	int64_t process, thread;
	bool is_thread;
	char text[128];
};

struct device_of {
	int64_t id;
	char name[96];
};

struct kineto {
	uint32_t process;          /* the one of the file */
	bool knows_pid;
	int64_t pid;
	/* args of the event that is being read */
	struct {
#define X(member, key) int64_t member;
		NUMBER_MAP(X)
#undef X
		uint32_t grid[3], block[3], sync_kind;
		struct json_text label; /* of M events: "name" */
		struct import_arg kept[ARGS_MAX];
		uint32_t n_kept;
	} args;
	/* keys of args: found by hash */
	struct arg_key {
		const char *word;
		uint32_t n;
		enum { KEY_NUMBER, KEY_WORD, KEY_KEPT } what;
		uint32_t which; /* an offset, an enum word, an index of kept_keys */
	} keys[KEY_SLOTS];
	bool is_hip;
	uint32_t kept_names[sizeof kept_keys / sizeof *kept_keys];
	struct name_of *names;
	struct device_of *devices;
	size_t n_names, n_devices;
	int64_t base_ns;
};

static struct kineto *kineto_of(struct import_reader *reader)
{
	return reader->user;
}

static void clear_args(struct import_reader *reader)
{
	struct kineto *kineto = kineto_of(reader);
#define X(member, key) kineto->args.member = IMPORT_UNKNOWN;
	NUMBER_MAP(X)
#undef X
	memset(kineto->args.grid, 0, sizeof kineto->args.grid);
	memset(kineto->args.block, 0, sizeof kineto->args.block);
	kineto->args.sync_kind = kineto->args.n_kept = 0;
	kineto->args.label.n = 0;
}

/* -- args ------------------------------------------------------------------------------------------------------------------- */

static void read_three(struct import_reader *reader, uint32_t numbers[3])
{
	struct json_scan *scan = reader->scan;
	int64_t value;
	if (json_peek(scan) != '[') {
		json_skip(scan);
		return;
	}
	json_array(scan);
	for (int i = 0; json_item(scan); i++) {
		if (import_json_int(reader, &value) && i < 3 && value > 0 && value <= UINT32_MAX)
			numbers[i] = (uint32_t)value;
	}
}

static void keep(struct import_reader *reader, uint32_t which)
{
	struct kineto *kineto = kineto_of(reader);
	struct json_text value;
	char c = json_peek(reader->scan);
	if (c == '{' || c == '[' || kineto->args.n_kept == ARGS_MAX) {
		json_skip(reader->scan);
		return;
	}
	uint32_t text = json_scalar(reader->scan, &value) ? import_json_string(reader, value) : IMPORT_NONE;
	if (text != IMPORT_NONE)
		kineto->args.kept[kineto->args.n_kept++] = (struct import_arg){ kineto->kept_names[which], text };
}

static void read_sync_kind(struct import_reader *reader)
{
	struct json_text text;
	char c = json_peek(reader->scan);
	if (c != '"') {
		json_skip(reader->scan);
		return;
	}
	json_string(reader->scan, &text);
	for (uint32_t i = 0; i < ARRAY_LEN(sync_words); i++) {
		if (json_is(reader->scan, text, sync_words[i]))
			kineto_of(reader)->args.sync_kind = i + 1;
	}
}

static void read_number(struct import_reader *reader, int64_t *number)
{
	struct json_scan *scan = reader->scan;
	struct json_text text;
	char c = json_peek(scan);
	if (c == '{' || c == '[') {
		json_skip(scan);
		return;
	}
	if (!json_scalar(scan, &text) || json_decimal(scan, text, 0, number) || !text.n)
		return;
	char first = *json_bytes(scan, text);
	if (first == '-' || (first >= '0' && first <= '9'))
		import_note(reader->sink, "numbers that do not fit 64 bits: taken as not known", 1);
}

static void read_word(struct import_reader *reader, enum word word)
{
	struct kineto *kineto = kineto_of(reader);
	if (word == WORD_GRID)
		read_three(reader, kineto->args.grid);
	else if (word == WORD_BLOCK)
		read_three(reader, kineto->args.block);
	else if (word == WORD_SYNC_KIND)
		read_sync_kind(reader);
	else if (json_peek(reader->scan) == '"')
		json_string(reader->scan, &kineto->args.label);
	else
		json_skip(reader->scan);
}

static uint32_t key_slot(const char *word, size_t n)
{
	return ((uint32_t)n * 7 + (uint32_t)(unsigned char)word[0] * 31 + (uint32_t)(unsigned char)word[n - 1] * 3) & (KEY_SLOTS - 1);
}

static void add_key(struct kineto *kineto, struct arg_key key)
{
	uint32_t slot = key_slot(key.word, key.n);
	while (kineto->keys[slot].word)
		slot = (slot + 1) & (KEY_SLOTS - 1);
	kineto->keys[slot] = key;
}

static void make_keys(struct kineto *kineto)
{
	const struct arg_key numbers[] = {
#define X(member, key) { key, sizeof key - 1, KEY_NUMBER, offsetof(struct kineto, args.member) },
		NUMBER_MAP(X)
#undef X
	};
	const struct arg_key words[] = {
#define X(name, key) { key, sizeof key - 1, KEY_WORD, WORD_##name },
		WORD_MAP(X)
#undef X
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		add_key(kineto, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		add_key(kineto, words[i]);
	for (uint32_t i = 0; i < ARRAY_LEN(kept_keys); i++)
		add_key(kineto, (struct arg_key){ kept_keys[i], (uint32_t)strlen(kept_keys[i]), KEY_KEPT, i });
}

static void read_arg(struct import_reader *reader, struct json_text key)
{
	struct kineto *kineto = kineto_of(reader);
	const char *word = json_bytes(reader->scan, key);
	const struct arg_key *found = &kineto->keys[key.n ? key_slot(word, key.n) : 0];
	while (found->word && (found->n != key.n || memcmp(found->word, word, key.n) != 0))
		found = found == &kineto->keys[KEY_SLOTS - 1] ? kineto->keys : found + 1;
	if (!found->word)
		json_skip(reader->scan);
	else if (found->what == KEY_NUMBER)
		read_number(reader, (int64_t *)((char *)kineto + found->which));
	else if (found->what == KEY_WORD)
		read_word(reader, (enum word)found->which);
	else
		keep(reader, found->which);
}

/* -- where an event belongs ------------------------------------------------------------------------------------------------- */

/* The process of the file is the one of its first call or op: others in it are rows of the profiler. */
static uint32_t thread_of(struct import_reader *reader, const struct import_event *event, const struct category *category)
{
	struct kineto *kineto = kineto_of(reader);
	struct import_sink *sink = reader->sink;
	uint32_t process = kineto->process;
	if (event->process.is_number && !kineto->knows_pid && category->n) {
		kineto->pid = event->process.number;
		kineto->knows_pid = true;
		import_process_pid(sink, process, kineto->pid);
	}
	if (event->process.is_number && event->process.number != kineto->pid) {
		process = import_process(sink, event->process.number, NULL);
	} else if (event->process.is_set && !event->process.is_number) {
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)(event->process.text.n < 60 ? event->process.text.n : 60),
			json_bytes(reader->scan, event->process.text));
		process = import_process(sink, IMPORT_UNKNOWN, name);
	}
	if (event->thread.is_number || !event->thread.is_set)
		return import_thread(sink, process, event->thread.is_set ? event->thread.number : 0);
	uint32_t text = import_json_string(reader, event->thread.text);
	return import_thread(sink, process, TEXT_ID_BASE + (int64_t)text);
}

/* Device rows say device and stream in their args; old ones only by pid and tid. */
static uint32_t stream_of(struct import_reader *reader, const struct import_event *event)
{
	struct kineto *kineto = kineto_of(reader);
	int64_t device = kineto->args.device, stream = kineto->args.stream;
	if (device == IMPORT_UNKNOWN)
		device = event->process.is_number ? event->process.number : 0;
	if (stream == IMPORT_UNKNOWN)
		stream = event->thread.is_number ? event->thread.number : 0;
	uint32_t process = kineto->process;
	if (kineto->args.process != IMPORT_UNKNOWN && (!kineto->knows_pid || kineto->args.process != kineto->pid))
		process = import_process(reader->sink, kineto->args.process, NULL);
	return import_stream(reader->sink, import_device(reader->sink, process, device), IMPORT_UNKNOWN, stream);
}

static const struct category *find_category(struct import_reader *reader, struct json_text text)
{
	const char *word = json_bytes(reader->scan, text);
	for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
		if (categories[i].n == text.n && memcmp(categories[i].word, word, text.n) == 0)
			return &categories[i];
	}
	return &other_category;
}

/* "Memcpy HtoD (Pinned -> Device)": what follows the first word. */
static uint32_t copy_kind(struct import_reader *reader, struct json_text name)
{
	const char *text = json_bytes(reader->scan, name), *blank = memchr(text, ' ', name.n);
	if (!blank)
		return IMPORT_NONE;
	struct json_text rest = { name.at + (size_t)(blank + 1 - text), name.n - (size_t)(blank + 1 - text), name.has_escapes };
	return import_json_string(reader, rest);
}

/* -- events ----------------------------------------------------------------------------------------------------------------- */

static int64_t known(int64_t number)
{
	return number < 0 ? IMPORT_UNKNOWN : number;
}

static int add_span(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct kineto *kineto = kineto_of(reader);
	const struct category *category = find_category(reader, event->category);
	uint32_t name = import_json_string(reader, event->name);
	enum import_api class = category->kind == SPAN_KIND_API ? import_api_class_of(reader->sink, name) : IMPORT_API_OTHER;
	if (event->has_duration && event->duration_ns > WEEK_NS) {
		import_problem(reader->sink, "an event of more than a week: a clock that overflowed", event->place);
		return STATUS_OK;
	}
	if (event->phase == 'X' && !event->has_duration)
		import_note(reader->sink, "events without a duration: shown up to the end", 1);
	if (category->kind == SPAN_KIND_API && event->name.n > 3 && memcmp(json_bytes(reader->scan, event->name), "hip", 3) == 0)
		kineto->is_hip = true;
	struct import_span span = {
		.lane = category->is_device ? stream_of(reader, event) : thread_of(reader, event, category),
		.kind = event->phase == 'i' || event->phase == 'I' ? SPAN_KIND_EVENT : category->kind,
		.start_ns = event->start_ns,
		.duration_ns = event->has_duration ? event->duration_ns : event->phase == 'X' ? IMPORT_UNKNOWN : 0,
		.name = name,
		.category = import_json_string(reader, event->category),
		.correlation = kineto->args.correlation,
		.external = kineto->args.external,
		.bytes = kineto->args.bytes,
		.copy_kind = category->kind == SPAN_KIND_MEMCPY ? copy_kind(reader, event->name) : IMPORT_NONE,
		.graph = known(kineto->args.graph),
		.graph_node = known(kineto->args.graph_node),
		.graph_root = IMPORT_UNKNOWN,
		.event = known(kineto->args.wait_event),
		.wait_stream = known(kineto->args.wait_stream),
		.sync_kind = (uint8_t)kineto->args.sync_kind,
		.api_class = (uint8_t)class,
		.n_args = kineto->args.n_kept,
		.args = kineto->args.kept,
	};
	memcpy(span.grid, kineto->args.grid, sizeof span.grid);
	memcpy(span.block, kineto->args.block, sizeof span.block);
	return import_add_span(reader->sink, &span, error);
}

static int add_name(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct kineto *kineto = kineto_of(reader);
	bool is_thread = json_is(reader->scan, event->name, "thread_name");
	if ((!is_thread && !json_is(reader->scan, event->name, "process_name")) || !kineto->args.label.n || !event->process.is_number)
		return STATUS_OK;
	if (kineto->n_names == NAMES_MAX) {
		import_note(reader->sink, "names of threads beyond the first 65536: left out", 1);
		return STATUS_OK;
	}
	if (!kineto->names)
		kineto->names = calloc(NAMES_MAX, sizeof *kineto->names);
	if (!kineto->names)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the names of threads");
	struct name_of *name = &kineto->names[kineto->n_names++];
	*name = (struct name_of){ .process = event->process.number, .thread = event->thread.number, .is_thread = is_thread };
	snprintf(name->text, sizeof name->text, "%.*s", (int)(kineto->args.label.n < 120 ? kineto->args.label.n : 120),
		json_bytes(reader->scan, kineto->args.label));
	return STATUS_OK;
}

static int add_counter(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	struct kineto *kineto = kineto_of(reader);
	if (kineto->args.value == IMPORT_UNKNOWN || !event->has_start)
		return STATUS_OK;
	return import_add_counter(reader->sink, kineto->process, import_json_string(reader, event->name), event->start_ns,
		(double)kineto->args.value, error);
}

static int handle_event(struct import_reader *reader, const struct import_event *event, struct error *error)
{
	int status = STATUS_OK;
	switch (event->phase) {
	case 'X':
	case 'i':
	case 'I':
		if (event->has_start)
			status = add_span(reader, event, error);
		else
			import_problem(reader->sink, "an event without a time", event->place);
		break;
	case 'M':
		status = add_name(reader, event, error);
		break;
	case 'C':
		status = add_counter(reader, event, error);
		break;
	case 's':
	case 't':
	case 'f':
		break; /* arrows: `correlation` says it better */
	default:
		import_problem(reader->sink, "an event of a kind that this format does not have", event->place);
	}
	return status;
}

/* -- metadata --------------------------------------------------------------------------------------------------------------- */

static void read_distributed(struct import_reader *reader)
{
	struct json_scan *scan = reader->scan;
	struct json_text key;
	int64_t value;
	if (json_peek(scan) != '{') {
		json_skip(scan);
		return;
	}
	json_object(scan);
	while (json_key(scan, &key)) {
		bool is_rank = json_is(scan, key, "rank"), is_world = json_is(scan, key, "world_size");
		if (!is_rank && !is_world)
			json_skip(scan);
		else if (import_json_int(reader, &value) && value >= 0)
			*(is_rank ? &reader->info->rank : &reader->info->world_size) = value;
	}
}

static void read_device(struct import_reader *reader)
{
	struct kineto *kineto = kineto_of(reader);
	struct json_scan *scan = reader->scan;
	struct device_of device = { .id = -1 };
	struct json_text key, text;
	json_object(scan);
	while (json_key(scan, &key)) {
		bool is_id = json_is(scan, key, "id"), is_name = json_is(scan, key, "name");
		if (is_id)
			import_json_int(reader, &device.id);
		else if (is_name && json_peek(scan) == '"' && json_string(scan, &text))
			snprintf(device.name, sizeof device.name, "%.*s", (int)(text.n < 90 ? text.n : 90), json_bytes(scan, text));
		else
			json_skip(scan);
	}
	if (kineto->n_devices == DEVICES_MAX)
		return;
	struct device_of *devices = realloc(kineto->devices, (kineto->n_devices + 1) * sizeof *devices);
	if (!devices)
		return;
	kineto->devices = devices;
	devices[kineto->n_devices++] = device;
}

static void read_devices(struct import_reader *reader)
{
	struct json_scan *scan = reader->scan;
	if (json_peek(scan) != '[') {
		json_skip(scan);
		return;
	}
	json_array(scan);
	while (json_item(scan)) {
		if (json_peek(scan) == '{')
			read_device(reader);
		else
			json_skip(scan);
	}
}

static void read_member(struct import_reader *reader, struct json_text key)
{
	struct json_scan *scan = reader->scan;
	int64_t value;
	if (json_is(scan, key, "distributedInfo")) {
		read_distributed(reader);
	} else if (json_is(scan, key, "deviceProperties")) {
		read_devices(reader);
	} else if (json_is(scan, key, "schemaVersion")) {
		if (import_json_int(reader, &value))
			snprintf(reader->info->version, sizeof reader->info->version, "%" PRId64, value);
	} else if (json_is(scan, key, "baseTimeNanoseconds")) {
		import_json_int(reader, &kineto_of(reader)->base_ns);
	} else {
		json_skip(scan);
	}
}

/* Names come before or behind what they name. */
static void give_names(struct import_reader *reader)
{
	struct kineto *kineto = kineto_of(reader);
	for (size_t i = 0; i < kineto->n_names; i++) {
		const struct name_of *name = &kineto->names[i];
		if (!kineto->knows_pid || name->process != kineto->pid)
			continue;
		if (name->is_thread)
			import_name_thread(reader->sink, kineto->process, name->thread, name->text);
		else
			import_process_name(reader->sink, kineto->process, name->text, -1);
	}
	for (size_t i = 0; i < kineto->n_devices; i++)
		import_name_device(reader->sink, kineto->process, kineto->devices[i].id, kineto->devices[i].name, NULL);
	if (kineto->is_hip)
		import_set_device_kind(reader->sink, kineto->process, "hip");
	import_process_name(reader->sink, kineto->process, NULL, reader->info->rank);
}

/* "…rank-3…", "…rank3…": where the file itself does not say. */
static int64_t rank_of_name(const char *file)
{
	const char *slash = strrchr(file, '/'), *at = strstr(slash ? slash : file, "rank");
	int64_t rank = 0;
	if (!at)
		return -1;
	at += strlen("rank");
	at += *at == '-' || *at == '_';
	if (*at < '0' || *at > '9')
		return -1;
	for (; *at >= '0' && *at <= '9' && rank < 1000000; at++)
		rank = rank * 10 + (*at - '0');
	return rank;
}

/* Times are relative to baseTimeNanoseconds, or Unix times. */
static int tell_base(struct import_sink *sink, int64_t base_ns, struct error *error)
{
	char text[24];
	if (base_ns == IMPORT_UNKNOWN) {
		if (import_first_ns(sink) > ABSOLUTE_NS)
			import_align_base(sink, 0);
		return STATUS_OK;
	}
	import_align_base(sink, base_ns);
	snprintf(text, sizeof text, "%" PRId64, base_ns);
	return import_add_meta(sink, "base_time_ns", text, error);
}

int import_kineto(struct import_sink *sink, const struct import_options *options, struct import_file *info, struct error *error)
{
	static const struct import_reader_kind kind = { .begin = clear_args, .arg = read_arg, .event = handle_event, .member = read_member };
	struct kineto *kineto = calloc(1, sizeof *kineto);
	if (!kineto)
		return error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	kineto->process = import_process(sink, IMPORT_UNKNOWN, NULL);
	kineto->base_ns = IMPORT_UNKNOWN;
	make_keys(kineto);
	struct import_reader reader = { .sink = sink, .options = options, .info = info, .kind = &kind, .user = kineto };
	for (size_t i = 0; i < ARRAY_LEN(kept_keys); i++)
		kineto->kept_names[i] = import_string(sink, kept_keys[i], strlen(kept_keys[i]));
	int status = import_read_events(&reader, error);
	if (info->rank < 0)
		info->rank = rank_of_name(info->file);
	give_names(&reader);
	if (status == STATUS_OK)
		status = tell_base(sink, kineto->base_ns, error);
	free(kineto->names);
	free(kineto->devices);
	free(kineto);
	return status;
}
