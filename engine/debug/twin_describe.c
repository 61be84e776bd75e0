/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_describe: what the twin found, in words and as a table.
 */
#include "engine/debug/twin_private.h"

#include <inttypes.h>
#include <math.h>

#include "engine/base/attributes.h"
#include "engine/base/table.h"
#include "engine/graph/graph.h"

static const char *const agreement_phrases[] = {
	[DEBUG_AGREEMENT_UNKNOWN] = "not compared",
	[DEBUG_AGREEMENT_EQUAL] = "equal bit for bit",
	[DEBUG_AGREEMENT_CLOSE] = "differs already, within the tolerance",
	[DEBUG_AGREEMENT_DIFFERENT] = "differs",
};

static bool has_tolerance(const struct debug_twin *twin)
{
	return twin->options.absolute > 0 || twin->options.relative > 0;
}

static void add_place(const int64_t *at, int n_dims, struct strbuf *out)
{
	strbuf_add(out, "[");
	for (int d = 0; d < n_dims; d++)
		strbuf_addf(out, "%s%" PRId64, d ? "," : "", at[d]);
	strbuf_add(out, "]");
}

static void add_node(const struct program *program, uint32_t node, struct strbuf *out)
{
	strbuf_add(out, "'");
	strbuf_add_printable(out, debug_node_name(program, node));
	strbuf_add(out, "'");
}

static void describe_failures(const struct debug_twin *twin, struct strbuf *out)
{
	const char *texts[TWIN_SIDES] = { twin->divergence.failure_a, twin->divergence.failure_b };
	for (int side = 0; side < TWIN_SIDES; side++) {
		strbuf_addf(out, "  %s: ", twin_side_word(twin, side));
		strbuf_add_printable(out, texts[side][0] ? texts[side] : "did not fail");
		strbuf_add(out, "\n");
	}
}

static void describe_types(const struct debug_twin *twin, struct strbuf *out)
{
	char a[128], b[128];
	strbuf_addf(out, "  types differ: %s %s, %s %s\n", tensor_describe(&twin->divergence.type_a, a, sizeof a), twin_side_word(twin, TWIN_A),
		tensor_describe(&twin->divergence.type_b, b, sizeof b), twin_side_word(twin, TWIN_B));
}

static void describe_elements(const struct debug_twin *twin, struct strbuf *out)
{
	const struct debug_divergence *found = &twin->divergence;
	const struct debug_difference *difference = &found->difference;
	int n_dims = found->type_a.n_dims;
	char type[128];
	if (!difference->n_different) {
		strbuf_addf(out, "  %" PRId64 " of %" PRId64 " elements of %s have other bits for the same number\n", difference->n_unequal_bits,
			difference->n, tensor_describe(&found->type_a, type, sizeof type));
		return;
	}
	strbuf_addf(out, "  %" PRId64 " of %" PRId64 " elements of %s differ", difference->n_different, difference->n,
		tensor_describe(&found->type_a, type, sizeof type));
	strbuf_add(out, has_tolerance(twin) ? " beyond the tolerance; first at " : "; first at ");
	add_place(difference->first, n_dims, out);
	strbuf_add(out, "\n  most at ");
	add_place(difference->worst, n_dims, out);
	strbuf_addf(out, ": %.9g %s, %.9g %s (absolute %.3g, relative %.3g)\n", difference->worst_a, twin_side_word(twin, TWIN_A),
		difference->worst_b, twin_side_word(twin, TWIN_B), difference->max_absolute, difference->max_relative);
}

static void describe_inputs(const struct debug_twin *twin, struct strbuf *out)
{
	const struct debug_divergence *found = &twin->divergence;
	const struct program *program = debugger_program(twin->a);
	if (found->n_inputs && found->n_inputs_equal == found->n_inputs) {
		strbuf_add(out, found->n_inputs == 1 ? "  its input was equal bit for bit" : "  all its inputs were equal bit for bit");
		strbuf_add(out, ": the difference begins here\n");
		return;
	}
	for (uint32_t i = 0; i < found->n_inputs; i++) {
		uint32_t edge = debug_input_edge(program, found->node, i);
		strbuf_addf(out, "  input %u", i);
		if (edge != PROGRAM_NONE) {
			strbuf_add(out, " from ");
			add_node(program, program->edges[edge].src, out);
		}
		strbuf_addf(out, ": %s\n", agreement_phrases[found->inputs[i]]);
	}
}

static void describe_divergence(const struct debug_twin *twin, struct strbuf *out)
{
	const struct debug_divergence *found = &twin->divergence;
	const struct program *program = debugger_program(twin->a);
	bool is_failure = found->failure_a[0] || found->failure_b[0];
	strbuf_add(out, "first divergence: ");
	add_node(program, found->node, out);
	if (found->node == GRAPH_OUTPUT)
		strbuf_addf(out, ", result %u", found->output);
	else if (program->nodes[found->node].types.n > 1)
		strbuf_addf(out, ", output %u", found->output);
	strbuf_addf(out, ", execution %" PRIu64 "\n", found->execution);
	if (is_failure)
		describe_failures(twin, out);
	else if (twin->options.by_digests)
		strbuf_add(out, "  digests differ\n");
	else if (!found->difference.same_type)
		describe_types(twin, out);
	else
		describe_elements(twin, out);
	describe_inputs(twin, out);
}

/* What was within the tolerance, and how large it was. */
static void describe_agreement(const struct debug_twin *twin, struct strbuf *out)
{
	const struct debug_twin_row *largest = NULL;
	for (uint32_t i = 0; i < twin->n_rows; i++) {
		const struct debug_twin_row *row = &twin->rows[i];
		if (row->max_absolute > 0 && (!largest || row->max_absolute > largest->max_absolute))
			largest = row;
	}
	if (!twin->n_nodes) {
		strbuf_add(out, "nothing was compared\n");
	} else if (!largest) {
		strbuf_add(out, twin->n_lost || twin->n_unseen ? "no divergence in what was compared\n" : "no divergence: all equal bit for bit\n");
	} else {
		strbuf_addf(out, "no divergence: all within the tolerance; largest absolute difference %.3g, in ", largest->max_absolute);
		add_node(debugger_program(twin->a), largest->node, out);
		strbuf_add(out, "\n");
	}
}

static void describe_gaps(const struct debug_twin *twin, struct strbuf *out)
{
	uint64_t n_missing[TWIN_SIDES] = { 0 }, n_failed = 0, n_types = 0;
	for (uint32_t i = 0; i < twin->n_rows; i++) {
		const struct debug_twin_row *row = &twin->rows[i];
		n_failed += row->n_failed;
		n_types += row->is_missing && row->node != PROGRAM_NONE && row->other != PROGRAM_NONE;
		n_missing[TWIN_A] += row->is_missing && row->other == PROGRAM_NONE;
		n_missing[TWIN_B] += row->is_missing && row->node == PROGRAM_NONE;
	}
	for (int side = 0; side < TWIN_SIDES; side++) {
		if (n_missing[side])
			strbuf_addf(out, "not compared: %" PRIu64 " node%s that only the %s run has\n", n_missing[side],
				n_missing[side] == 1 ? "" : "s", twin_side_word(twin, side));
	}
	if (n_types)
		strbuf_addf(out, "not compared: %" PRIu64 " node%s of the same name whose outputs have other types\n", n_types,
			n_types == 1 ? "" : "s");
	if (n_failed)
		strbuf_addf(out, "%" PRIu64 " failed in both runs, which counts as equal\n", n_failed);
	if (twin->n_lost)
		strbuf_addf(out, "%" PRIu64 " digests were overwritten before they were read, so nothing is known of them\n", twin->n_lost);
	if (twin->n_unseen)
		strbuf_addf(out, "%" PRIu64 " values could not be looked at, so nothing is known of them\n", twin->n_unseen);
}

void debug_twin_describe(const struct debug_twin *twin, struct strbuf *out)
{
	if (!debugger_program(twin->a) || !debugger_program(twin->b)) {
		strbuf_add(out, "nothing was compared\n");
		return;
	}
	if (twin->has_diverged)
		describe_divergence(twin, out);
	else
		describe_agreement(twin, out);
	strbuf_addf(out, "compared: %" PRIu64 " node%s, %" PRIu64 " execution%s whole\n", twin->n_nodes, twin->n_nodes == 1 ? "" : "s",
		twin->n_executions, twin->n_executions == 1 ? "" : "s");
	describe_gaps(twin, out);
}

static const char *remark(const struct debug_twin *twin, const struct debug_twin_row *row)
{
	if (row->is_skipped)
		return "left out";
	if (!row->is_missing)
		return isinf(row->max_absolute) ? "a NaN or infinity on one side" : NULL;
	if (row->node == PROGRAM_NONE)
		return "second only";
	return row->other == PROGRAM_NONE ? "first only" : row->node == GRAPH_OUTPUT ? "no result in common" : "types differ";
}

static void add_row(const struct debug_twin *twin, const struct debug_twin_row *row, struct table *table)
{
	bool is_of_b = row->node == PROGRAM_NONE, has_errors = row->n_compared && !twin->options.by_digests;
	table_text(table, debug_node_name(debugger_program(is_of_b ? twin->b : twin->a), is_of_b ? row->other : row->node));
	table_int(table, (int64_t)row->n_compared);
	table_int(table, (int64_t)row->n_different);
	table_real(table, has_errors ? row->max_absolute : NAN);
	table_real(table, has_errors ? row->max_relative : NAN);
	if (row->first_different == UINT64_MAX)
		table_null(table);
	else
		table_int(table, (int64_t)row->first_different);
	table_text(table, remark(twin, row));
}

void debug_twin_table(const struct debug_twin *twin, bool is_json, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{ "node", TABLE_TEXT }, { "compared", TABLE_INT }, { "different", TABLE_INT }, { "max_absolute", TABLE_REAL },
		{ "max_relative", TABLE_REAL }, { "first_different", TABLE_INT }, { "remark", TABLE_TEXT },
	};
	struct table table;
	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < twin->n_rows; i++)
		add_row(twin, &twin->rows[i], &table);
	if (is_json)
		table_json_document(&table, out);
	else
		table_print(&table, 0, out);
	table_finish(&table);
}
