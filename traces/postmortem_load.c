/* SPDX-License-Identifier: Apache-2.0
 *
 * postmortem_load: reading what was saved. The file may come from a stranger: sizes are bounded, and what is placed lies inside them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "traces/postmortem.h"

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

static void read_item(struct db_stmt *stmt, struct postmortem *item)
{
	const char *reason = db_column_text(stmt, 3);
	item->id = db_column_int(stmt, 0);
	item->run = db_column_int(stmt, 1);
	item->time_ns = db_column_int(stmt, 2);
	snprintf(item->reason, sizeof(item->reason), "%s", reason ? reason : "");
	item->worker = copy_text(stmt, 4);
	item->node = copy_text(stmt, 5);
	item->execution = db_column_type(stmt, 6) == DB_NULL ? -1 : db_column_int(stmt, 6);
	item->text = copy_text(stmt, 7);
	item->stack = copy_text(stmt, 8);
	item->n_bytes = (uint64_t)db_column_int(stmt, 9);
	item->n_left_out = (uint64_t)db_column_int(stmt, 10);
}

int postmortems_list(struct trace *trace, struct postmortem **ret_items, int *ret_n, struct error *error)
{
	struct postmortem *items = NULL;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int n = 0;
	int status = db_prepare(trace->db, "SELECT id, run, time_ns, reason, worker, node, execution, text, stack, n_bytes, n_left_out"
		" FROM v_postmortem ORDER BY run, time_ns, id", NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		struct postmortem *more = realloc(items, ((size_t)n + 1) * sizeof(*items));
		if (!more) {
			status = error_set(error, STATUS_NO_MEMORY, "no memory for the post-mortems of the trace");
			break;
		}
		items = more;
		read_item(stmt, memset(&items[n++], 0, sizeof(*items)));
	}
	db_finish(stmt);
	if (status != STATUS_OK) {
		postmortems_free(items, n);
		return status;
	}
	*ret_items = items;
	*ret_n = n;
	return STATUS_OK;
}

void postmortems_free(struct postmortem *items, int n)
{
	for (int i = 0; i < n; i++) {
		char *const texts[] = { items[i].worker, items[i].node, items[i].text, items[i].stack };
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	free(items);
}

static void describe(const char *reason, const char *worker, const char *node, int64_t execution, struct strbuf *out)
{
	strbuf_add_printable(out, reason ? reason : "?");
	if (worker) {
		strbuf_add(out, " of ");
		strbuf_add_printable(out, worker);
	}
	if (node) {
		strbuf_add(out, " in ");
		strbuf_add_printable(out, node);
	}
	if (execution >= 0)
		strbuf_addf(out, ", execution %" PRId64, execution);
}

void postmortem_describe(const struct postmortem *postmortem, struct strbuf *out)
{
	describe(postmortem->reason, postmortem->worker, postmortem->node, postmortem->execution, out);
}

void postmortem_describe_row(struct db_stmt *stmt, struct strbuf *out)
{
	describe(db_column_text(stmt, 0), db_column_text(stmt, 1), db_column_text(stmt, 2),
		db_column_type(stmt, 3) == DB_NULL ? -1 : db_column_int(stmt, 3), out);
}

/* -- images --------------------------------------------------------------------------------------------------------------- */

struct loader {
	struct trace *trace;
	int64_t id;
	uint8_t *bases[POSTMORTEM_SEGMENTS];
	int fds[POSTMORTEM_SEGMENTS];
	uint64_t sizes[POSTMORTEM_SEGMENTS], placed[POSTMORTEM_SEGMENTS];
	int64_t n_bytes;
	double ns_per_tick;
	struct error *error;
};

static int refuse(const struct loader *loader, const char *why)
{
	return error_set(loader->error, STATUS_TRACE, "%s: post-mortem %" PRId64 " makes no sense: %s", loader->trace->file, loader->id, why);
}

static int read_sizes(struct loader *loader)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(loader->trace->db, "SELECT program_bytes, control_bytes, slots_bytes, gates_bytes, n_bytes, ns_per_tick"
		" FROM postmortem WHERE id = ?", NULL, loader->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, loader->id);
		status = db_step(stmt, &has_row, loader->error);
	}
	if (status == STATUS_OK && !has_row)
		status = error_set(loader->error, STATUS_INPUT, "%s: there is no post-mortem %" PRId64, loader->trace->file, loader->id);
	for (int i = 0; status == STATUS_OK && i < POSTMORTEM_SEGMENTS; i++) {
		int64_t bytes = db_column_int(stmt, i);
		if (bytes < 0 || (uint64_t)bytes > POSTMORTEM_SEGMENT_BYTES_MAX || (bytes == 0 && i != POSTMORTEM_SLOTS))
			status = refuse(loader, "the size of a segment");
		loader->sizes[i] = (uint64_t)bytes;
	}
	if (status == STATUS_OK) {
		loader->n_bytes = db_column_int(stmt, POSTMORTEM_SEGMENTS);
		loader->ns_per_tick = db_column_real(stmt, POSTMORTEM_SEGMENTS + 1);
	}
	db_finish(stmt);
	return status;
}

/* What nothing is placed in takes no memory. */
static int reserve(struct loader *loader)
{
	for (int i = 0; i < POSTMORTEM_SEGMENTS; i++) {
		if (!loader->sizes[i])
			continue;
		loader->fds[i] = memfd_create("tandem-postmortem", MFD_CLOEXEC);
		bool is_made = loader->fds[i] > 0 && ftruncate(loader->fds[i], (off_t)loader->sizes[i]) == 0;
		void *memory = MAP_FAILED;
		if (is_made)
			memory = mmap(NULL, loader->sizes[i], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, loader->fds[i], 0);
		if (memory == MAP_FAILED)
			return error_set_errno(loader->error, STATUS_NO_MEMORY, "no memory for the %" PRIu64 " bytes of a saved segment",
				loader->sizes[i]);
		loader->bases[i] = memory;
	}
	return STATUS_OK;
}

static int find_segment(const char *word)
{
	for (int i = 0; word && i < POSTMORTEM_SEGMENTS; i++) {
		if (strcmp(word, postmortem_segment_word((enum postmortem_segment)i)) == 0)
			return i;
	}
	return -1;
}

static int place(struct loader *loader, struct db_stmt *stmt)
{
	size_t n = 0;
	int segment = find_segment(db_column_text(stmt, 0));
	int64_t offset = db_column_int(stmt, 1);
	const void *bytes = db_column_type(stmt, 2) == DB_BLOB ? db_column_blob(stmt, 2, &n) : NULL;
	if (segment < 0 || offset < 0 || !bytes || n == 0)
		return refuse(loader, "a piece without place or bytes");
	uint64_t size = loader->sizes[segment];
	if ((uint64_t)offset > size || n > size - (uint64_t)offset || n > size - loader->placed[segment])
		return refuse(loader, "a piece outside its segment");
	memcpy(loader->bases[segment] + offset, bytes, n);
	loader->placed[segment] += n;
	return STATUS_OK;
}

static int place_all(struct loader *loader)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int64_t n_placed = 0;
	int status = db_prepare(loader->trace->db, "SELECT segment, offset, bytes FROM image WHERE postmortem = ?", NULL, loader->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, loader->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, loader->error)) == STATUS_OK && has_row)
		status = place(loader, stmt);
	db_finish(stmt);
	for (int i = 0; i < POSTMORTEM_SEGMENTS; i++)
		n_placed += (int64_t)loader->placed[i];
	return status == STATUS_OK && n_placed != loader->n_bytes ? refuse(loader, "pieces are missing") : status;
}

int postmortem_load(struct trace *trace, int64_t id, struct debug_images *ret_images, struct error *error)
{
	struct loader loader = { .trace = trace, .id = id, .error = error };
	int status = read_sizes(&loader);
	if (status == STATUS_OK)
		status = reserve(&loader);
	if (status == STATUS_OK)
		status = place_all(&loader);
	*ret_images = (struct debug_images){
		.program = loader.bases[POSTMORTEM_PROGRAM], .program_bytes = loader.sizes[POSTMORTEM_PROGRAM],
		.control = loader.bases[POSTMORTEM_CONTROL], .control_bytes = loader.sizes[POSTMORTEM_CONTROL],
		.slots = loader.bases[POSTMORTEM_SLOTS], .slots_bytes = loader.sizes[POSTMORTEM_SLOTS],
		.gates = loader.bases[POSTMORTEM_GATES], .gates_bytes = loader.sizes[POSTMORTEM_GATES],
		.ns_per_tick = loader.ns_per_tick,
		.fds = { loader.fds[0], loader.fds[1], loader.fds[2], loader.fds[3] },
	};
	if (status != STATUS_OK)
		postmortem_images_free(ret_images);
	return status;
}

static void unmap(const void *memory, size_t bytes)
{
	if (memory)
		munmap((void *)(uintptr_t)memory, bytes);
}

void postmortem_images_free(struct debug_images *images)
{
	unmap(images->program, images->program_bytes);
	unmap(images->control, images->control_bytes);
	unmap(images->slots, images->slots_bytes);
	unmap(images->gates, images->gates_bytes);
	for (size_t i = 0; i < ARRAY_LEN(images->fds); i++) {
		if (images->fds[i] > 0)
			close(images->fds[i]);
	}
	*images = (struct debug_images){ .program = NULL };
}
