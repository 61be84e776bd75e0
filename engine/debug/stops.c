/* SPDX-License-Identifier: Apache-2.0
 *
 * stops: the list of stops, what they are called, and which gates they need. Whether one is hit is decided in stops_hit.c.
 */
#include "engine/debug/stops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/debug/stops_private.h"

static const struct {
	const char *word;
	uint8_t flags; /* BREAK: by its place */
} kinds[] = {
	[DEBUG_STOP_BREAK] = { "break", 0 },
	[DEBUG_STOP_ERROR] = { "catch error", GATE_STOP_FAILED },
	[DEBUG_STOP_NAN] = { "catch nan", GATE_STOP_UNSOUND },
	[DEBUG_STOP_INF] = { "catch inf", GATE_STOP_UNSOUND },
	[DEBUG_STOP_SLOW] = { "catch duration", GATE_STOP_AFTER },
	[DEBUG_STOP_WAIT] = { "catch wait", GATE_STOP_AFTER },
	[DEBUG_STOP_WATCH] = { "watch", GATE_STOP_AFTER },
};
static_assert(ARRAY_LEN(kinds) == DEBUG_STOP_KINDS, "each kind has its word and its gates");

/* -- the list ------------------------------------------------------------------------------------------------------------ */

static void free_stop(struct debug_stop *stop)
{
	for (int i = 0; i < stop->n_commands; i++)
		free(stop->commands[i]);
	free(stop->commands);
	free(stop->op);
	free(stop->condition_text);
	debug_expression_finish(stop->condition);
	free(stop->previous);
	free(stop);
}

static bool append(struct debug_stop ***items, int *n_items, struct debug_stop *stop)
{
	struct debug_stop **grown = realloc(*items, (size_t)(*n_items + 1) * sizeof *grown);
	if (!grown)
		return false;
	*items = grown;
	grown[(*n_items)++] = stop;
	return true;
}

struct debug_stop *debug_stops_add(struct debug_stops *stops, enum debug_stop_kind kind)
{
	struct debug_stop *stop = calloc(1, sizeof *stop);
	if (!stop || !append(&stops->items, &stops->n_items, stop)) {
		free(stop);
		return NULL;
	}
	*stop = (struct debug_stop){ .id = ++stops->n_ids, .kind = kind, .node = PROGRAM_NONE, .worker = PROGRAM_NONE,
		.place = kind == DEBUG_STOP_BREAK ? GATE_BEFORE : GATE_AFTER, .execution = UINT64_MAX, .is_enabled = true };
	return stop;
}

static int position_of(const struct debug_stops *stops, int id)
{
	for (int i = 0; i < stops->n_items; i++) {
		if (stops->items[i]->id == id)
			return i;
	}
	return -1;
}

struct debug_stop *debug_stops_find(const struct debug_stops *stops, int id)
{
	int at = position_of(stops, id);
	for (int i = 0; at < 0 && i < stops->n_spent; i++) {
		if (stops->spent[i]->id == id)
			return stops->spent[i];
	}
	return at < 0 ? NULL : stops->items[at];
}

static struct debug_stop *take_out(struct debug_stops *stops, int id)
{
	int at = position_of(stops, id);
	if (at < 0)
		return NULL;
	struct debug_stop *stop = stops->items[at];
	stops->n_items--;
	memmove(&stops->items[at], &stops->items[at + 1], (size_t)(stops->n_items - at) * sizeof *stops->items);
	return stop;
}

bool debug_stops_delete(struct debug_stops *stops, int id)
{
	struct debug_stop *stop = take_out(stops, id);
	if (stop)
		free_stop(stop);
	return stop != NULL;
}

bool debug_stops_spend(struct debug_stops *stops, int id)
{
	struct debug_stop *stop = debug_stops_find(stops, id);
	return stop && append(&stops->spent, &stops->n_spent, stop) && take_out(stops, id);
}

void debug_stops_forget_spent(struct debug_stops *stops)
{
	for (int i = 0; i < stops->n_spent; i++)
		free_stop(stops->spent[i]);
	free(stops->spent);
	stops->spent = NULL;
	stops->n_spent = 0;
}

void debug_stops_finish(struct debug_stops *stops)
{
	debug_stops_forget_spent(stops);
	for (int i = 0; i < stops->n_items; i++)
		free_stop(stops->items[i]);
	free(stops->items);
	*stops = (struct debug_stops){ 0 };
}

int debug_stop_set_condition(struct debug_stop *stop, const struct program *program, const char *text, struct error *error)
{
	struct debug_expression *condition = NULL;
	char *copy = NULL;
	if (text) {
		int status = debug_expression_parse(program, text, &condition, error);
		if (status != STATUS_OK)
			return status;
		copy = strdup(text);
		if (!copy) {
			debug_expression_finish(condition);
			return error_set(error, STATUS_NO_MEMORY, "no memory for a condition");
		}
	}
	free(stop->condition_text);
	debug_expression_finish(stop->condition);
	stop->condition_text = copy;
	stop->condition = condition;
	return STATUS_OK;
}

/* -- another program ------------------------------------------------------------------------------------------------------ */

/* Looks up again what an index stood for; false when it is gone. */
static bool move_index(uint32_t *idx, const char *name, uint32_t found, const char *what, int id, struct strbuf *out)
{
	if (found == PROGRAM_NONE) {
		strbuf_addf(out, "stop %d is disabled: there is no %s ", id, what);
		strbuf_add_printable(out, name);
		strbuf_add(out, " any more\n");
	}
	*idx = found;
	return found != PROGRAM_NONE;
}

static bool move_node(uint32_t *node, const struct program *before, const struct program *program, int id, struct strbuf *out)
{
	if (*node == PROGRAM_NONE)
		return true;
	const char *name = debug_node_name(before, *node);
	return move_index(node, name, debug_find_node(program, name, NULL), "node", id, out);
}

static bool move_worker(uint32_t *worker, const struct program *before, const struct program *program, int id, struct strbuf *out)
{
	if (*worker == PROGRAM_NONE)
		return true;
	const char *name = debug_worker_name(before, *worker);
	return move_index(worker, name, debug_find_worker(program, name, NULL), "worker", id, out);
}

static bool move_condition(struct debug_stop *stop, const struct program *program, struct strbuf *out)
{
	struct error error = { 0 };
	char *text = stop->condition_text;
	if (!text)
		return true;
	stop->condition_text = NULL;
	bool is_sound = debug_stop_set_condition(stop, program, text, &error) == STATUS_OK;
	if (is_sound) {
		free(text);
		return true;
	}
	debug_expression_finish(stop->condition);
	stop->condition = NULL;
	stop->condition_text = text;
	strbuf_addf(out, "stop %d is disabled: its condition no longer holds for this graph: ", stop->id);
	strbuf_add_printable(out, error.text);
	strbuf_add(out, "\n");
	return false;
}

static void bind(struct debug_stop *stop, const struct program *before, const struct program *program, struct strbuf *out)
{
	free(stop->previous);
	stop->previous = NULL;
	stop->judged = 0;
	bool is_sound = move_node(&stop->node, before, program, stop->id, out)
		&& move_worker(&stop->worker, before, program, stop->id, out)
		&& (stop->kind != DEBUG_STOP_WATCH || move_node(&stop->watched.node, before, program, stop->id, out));
	/* also for one that is disabled: what it is bound to may go */
	is_sound = move_condition(stop, program, out) && is_sound;
	stop->is_enabled = stop->is_enabled && is_sound;
}

void debug_stops_bind(struct debug_stops *stops, const struct program *before, const struct program *program, struct strbuf *out)
{
	debug_stops_forget_spent(stops);
	for (int i = 0; i < stops->n_items; i++)
		bind(stops->items[i], before, program, out);
}

/* -- gates ----------------------------------------------------------------------------------------------------------------- */

enum gate_place debug_stop_place(const struct debug_stop *stop, uint32_t node)
{
	return node == GRAPH_INPUT ? GATE_AFTER : node == GRAPH_OUTPUT ? GATE_BEFORE : stop->place;
}

bool debug_stop_concerns(const struct debug_stop *stop, const struct program *program, uint32_t node)
{
	uint32_t wanted = stop->kind == DEBUG_STOP_WATCH ? stop->watched.node : stop->node;
	if (wanted == PROGRAM_NONE && stop->kind == DEBUG_STOP_WATCH)
		return false;
	if (node == GRAPH_OUTPUT && stop->kind != DEBUG_STOP_BREAK)
		return false;
	return (wanted == PROGRAM_NONE || wanted == node)
		&& (stop->worker == PROGRAM_NONE || stop->worker == program->nodes[node].worker)
		&& (!stop->op || strcmp(stop->op, debug_op_name(program, node)) == 0);
}

/* Whether the stop stands behind compute of another rank of the collective that `node` belongs to. */
static bool is_at_peer(const struct debug_stop *stop, const struct program *program, uint32_t node)
{
	return stop->kind == DEBUG_STOP_BREAK && stop->place == GATE_AFTER && stop->node != PROGRAM_NONE && stop->node != node
		&& program->nodes[node].collective != PROGRAM_NONE
		&& strcmp(program_string(program, program->nodes[node].collective),
			   program_string(program, program->nodes[stop->node].collective)) == 0;
}

bool debug_stops_await(const struct debug_stops *stops, const struct program *program, const struct gate_stop *gate)
{
	for (int i = 0; i < stops->n_items && gate->place == GATE_AFTER && !gate->failure; i++) {
		const struct debug_stop *stop = stops->items[i];
		bool is_due = stop->execution == UINT64_MAX ? gate->execution >= stop->from_execution : gate->execution == stop->execution;
		if (stop->is_enabled && is_due && stop->judged <= gate->execution && is_at_peer(stop, program, gate->node))
			return true;
	}
	return false;
}

uint8_t debug_stops_flags(const struct debug_stops *stops, const struct program *program, uint32_t node)
{
	uint8_t flags = 0;
	for (int i = 0; i < stops->n_items; i++) {
		const struct debug_stop *stop = stops->items[i];
		if (stop->is_enabled && is_at_peer(stop, program, node))
			flags |= GATE_STOP_AFTER;
		if (!stop->is_enabled || !debug_stop_concerns(stop, program, node))
			continue;
		if (stop->kind == DEBUG_STOP_BREAK)
			flags |= debug_stop_place(stop, node) == GATE_BEFORE ? GATE_STOP_BEFORE : GATE_STOP_AFTER;
		else
			flags |= kinds[stop->kind].flags;
	}
	return flags;
}

uint64_t debug_stops_from(const struct debug_stops *stops)
{
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < stops->n_items; i++) {
		const struct debug_stop *stop = stops->items[i];
		uint64_t from = stop->execution != UINT64_MAX ? stop->execution : stop->from_execution;
		if (stop->kind == DEBUG_STOP_WATCH && from)
			from--; /* to have something to compare with */
		if (stop->is_enabled && from < least)
			least = from;
	}
	return least;
}

/* -- words ----------------------------------------------------------------------------------------------------------------- */

static void describe_where(const struct debug_stop *stop, const struct program *program, struct strbuf *out)
{
	if (stop->kind == DEBUG_STOP_WATCH) {
		strbuf_add(out, " ");
		debug_reference_describe(program, &stop->watched, out);
	} else if (stop->node != PROGRAM_NONE) {
		strbuf_add(out, " at ");
		strbuf_add_printable(out, debug_node_name(program, stop->node));
	}
	if (stop->op) {
		strbuf_add(out, " at op ");
		strbuf_add_printable(out, stop->op);
	}
	if (stop->worker != PROGRAM_NONE) {
		strbuf_add(out, " on ");
		strbuf_add_printable(out, debug_worker_name(program, stop->worker));
	}
	if (stop->kind == DEBUG_STOP_BREAK) {
		bool is_after = stop->node == PROGRAM_NONE ? stop->place == GATE_AFTER : debug_stop_place(stop, stop->node) == GATE_AFTER;
		strbuf_addf(out, ", %s", is_after ? "after compute" : "before compute");
	}
}

void debug_stop_describe(const struct debug_stop *stop, const struct program *program, struct strbuf *out)
{
	char text[32];
	strbuf_add(out, kinds[stop->kind].word);
	if (stop->kind == DEBUG_STOP_SLOW || stop->kind == DEBUG_STOP_WAIT)
		strbuf_addf(out, " over %s", units_duration(stop->limit_ns, text, sizeof text));
	describe_where(stop, program, out);
	if (stop->tolerance > 0)
		strbuf_addf(out, ", tolerance %g", stop->tolerance);
	if (stop->execution != UINT64_MAX)
		strbuf_addf(out, ", execution %" PRIu64, stop->execution);
	else if (stop->from_execution)
		strbuf_addf(out, ", from execution %" PRIu64, stop->from_execution);
	if (stop->condition_text) {
		strbuf_add(out, ", if ");
		strbuf_add_printable(out, stop->condition_text);
	}
	if (stop->is_temporary)
		strbuf_add(out, ", once");
	if (stop->n_ignore)
		strbuf_addf(out, ", next %" PRIu64 " passed over", stop->n_ignore);
	if (!stop->is_enabled)
		strbuf_add(out, ", disabled");
}
