/* SPDX-License-Identifier: Apache-2.0
 *
 * run_both: blocks in turn, and the outputs of one mode kept until the other has made the same execution.
 */
#include "tool/run_both.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool/interrupt.h"

#define LINES_MOST 5

/* One output of one execution. */
struct kept {
	bool is_failed;
	uint64_t digest;
	struct tensor tensor; /* data NULL: only the digest was kept */
};

struct both {
	struct run_loop *loops;
	const char *const *names;
	int n_outputs;
	uint64_t first;      /* execution of the block */
	struct kept *kept;   /* [block][n_outputs] */
	uint64_t kept_bytes;
	int turn, second;    /* loop that runs; loop that runs second in this block */
	uint64_t n_different;
	int n_lines;
	struct strbuf *out;
};

static uint64_t digest_of(const struct tensor *tensor)
{
	const uint8_t *bytes = tensor->data;
	size_t n = tensor_bytes(tensor);
	uint64_t digest = n * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t at = 0; at < n; at += 8) {
		uint64_t word = 0;
		memcpy(&word, bytes + at, n - at < 8 ? n - at : 8);
		digest = (digest ^ word) * UINT64_C(0xff51afd7ed558ccd);
		digest ^= digest >> 29;
	}
	return digest;
}

static void keep(struct both *both, struct kept *kept, const struct tensor *output)
{
	size_t bytes = tensor_bytes(output);
	kept->tensor = *output;
	kept->digest = digest_of(output);
	kept->tensor.data = both->kept_bytes + bytes <= RUN_BOTH_KEEP_BYTES ? malloc(bytes + 1) : NULL;
	if (!kept->tensor.data)
		return;
	memcpy(kept->tensor.data, output->data, bytes);
	both->kept_bytes += bytes;
}

static double element(const struct tensor *tensor, size_t idx)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		return ((const float *)tensor->data)[idx];
	case DTYPE_F64:
		return ((const double *)tensor->data)[idx];
	case DTYPE_I8:
		return ((const int8_t *)tensor->data)[idx];
	case DTYPE_U8:
		return ((const uint8_t *)tensor->data)[idx];
	case DTYPE_I32:
		return ((const int32_t *)tensor->data)[idx];
	case DTYPE_I64:
		return (double)((const int64_t *)tensor->data)[idx];
	case DTYPE_COUNT:
		break;
	}
	return 0;
}

static void tell_values(struct both *both, const struct kept *kept, const struct tensor *output)
{
	const char *a = kept->tensor.data, *b = output->data;
	size_t unit = dtype_bytes(output->dtype), idx = 0, n = tensor_bytes(output) / unit;
	while (idx < n && memcmp(a + idx * unit, b + idx * unit, unit) == 0)
		idx++;
	if (idx < n)
		strbuf_addf(both->out, " [%zu]: %.17g %s, %.17g %s", idx, element(&kept->tensor, idx), both->names[1 - both->second],
			element(output, idx), both->names[both->second]);
}

static void tell(struct both *both, uint64_t execution, int output_idx, const struct kept *kept, const struct tensor *output)
{
	if (both->n_lines++ >= LINES_MOST)
		return;
	strbuf_addf(both->out, "execution %" PRIu64 ", output '%s'", execution, run_loop_result_name(both->loops[0].plan, output_idx));
	char a[100], b[100];
	if (kept->is_failed != !output)
		strbuf_addf(both->out, ": failed only %s", both->names[output ? 1 - both->second : both->second]);
	else if (!tensor_same_shape(&kept->tensor, output))
		strbuf_addf(both->out, ": %s %s, %s %s", tensor_describe(&kept->tensor, a, sizeof a), both->names[1 - both->second],
			tensor_describe(output, b, sizeof b), both->names[both->second]);
	else if (kept->tensor.data)
		tell_values(both, kept, output);
	else
		strbuf_add(both->out, ": differs (too large to be kept, so which value is not known)");
	strbuf_add(both->out, "\n");
}

static bool is_same(const struct kept *kept, const struct tensor *output)
{
	if (kept->is_failed || !output)
		return kept->is_failed && !output;
	if (!tensor_same_shape(&kept->tensor, output))
		return false;
	return kept->tensor.data ? memcmp(kept->tensor.data, output->data, tensor_bytes(output)) == 0
		: kept->digest == digest_of(output);
}

/* Of the loop that comes first the outputs are kept, those of the other are compared with them. */
static void took(void *user, uint64_t execution, const struct tensor *outputs)
{
	struct both *both = user;
	struct kept *kept = &both->kept[(execution - both->first) * (uint64_t)both->n_outputs];
	bool differs = false;
	for (int i = 0; i < both->n_outputs; i++) {
		if (both->turn != both->second) {
			kept[i] = (struct kept){ .is_failed = !outputs };
			if (outputs)
				keep(both, &kept[i], &outputs[i]);
			continue;
		}
		if (!differs && !is_same(&kept[i], outputs ? &outputs[i] : NULL)) {
			tell(both, execution, i, &kept[i], outputs ? &outputs[i] : NULL);
			differs = true;
		}
		free(kept[i].tensor.data);
		kept[i].tensor.data = NULL;
	}
	both->n_different += differs;
}

static int run_block(struct both *both, uint64_t end, struct error *error)
{
	int status = STATUS_OK;
	both->kept_bytes = 0;
	for (int i = 0; i < 2 && status == STATUS_OK; i++) {
		both->turn = i == 0 ? 1 - both->second : both->second;
		struct run_loop *loop = &both->loops[both->turn];
		loop->progress_before = both->loops[1 - both->turn].n_done;
		interrupt_set_driver(loop->driver);
		status = run_loop_until(loop, end, error);
		interrupt_set_driver(NULL);
	}
	return status;
}

int run_both(struct run_loop *loops, const char *const *names, struct strbuf *out, uint64_t *ret_n_different, struct error *error)
{
	const struct plan *plan = loops[0].plan;
	uint64_t n = loops[0].n_executions, block = (n + RUN_BOTH_BLOCKS - 1) / RUN_BOTH_BLOCKS;
	struct both both = { .loops = loops, .names = names, .n_outputs = plan->graph->nodes[GRAPH_OUTPUT].n_inputs, .out = out };
	int status = STATUS_OK;
	both.kept = calloc(block * (uint64_t)both.n_outputs + 1, sizeof *both.kept);
	if (!both.kept)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < 2; i++) {
		loops[i].took = took;
		loops[i].user = &both;
	}
	both.second = 1;
	for (uint64_t at = 0; at < n && status == STATUS_OK; at += block) {
		both.first = at;
		status = run_block(&both, at + block < n ? at + block : n, error);
		both.second = 1 - both.second;
	}
	for (uint64_t i = 0; i < block * (uint64_t)both.n_outputs; i++)
		free(both.kept[i].tensor.data);
	free(both.kept);
	*ret_n_different = both.n_different;
	return status;
}
