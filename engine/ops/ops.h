/* SPDX-License-Identifier: Apache-2.0
 *
 * ops: the built-in operations (doc/ops.md). Each is a `const struct op op_<name>` in the file of its family; adding one is
 * that and a line here.
 */
#ifndef TANDEM_ENGINE_OPS_OPS_H
#define TANDEM_ENGINE_OPS_OPS_H

#include "engine/graph/op.h"

/* X(name), grouped by the file that defines them, in the order of doc/ops.md. */
#define OPS_MAP(X)                                                                         \
	/* elementwise.c */                                                                \
	X(add) X(sub) X(mul) X(div) X(scale) X(gelu) X(relu) X(tanh)                       \
	/* shape.c */                                                                      \
	X(identity) X(reshape) X(transpose)                                                \
	/* cut.c */                                                                        \
	X(concat) X(split)                                                                 \
	/* dense.c */                                                                      \
	X(linear) X(matmul)                                                                \
	/* norm.c */                                                                       \
	X(softmax) X(layernorm) X(normalise)                                               \
	/* text.c */                                                                       \
	X(embedding) X(attention)                                                          \
	/* pool.c */                                                                       \
	X(mean_pool) X(cls_pool)                                                           \
	/* bert_embed.c, bert_layer.c, bert_shard.c */                                     \
	X(bert_embed) X(bert_layer) X(bert_attention_shard) X(bert_ffn_shard) X(bert_add_norm) \
	/* decoder_prefill.c, decoder_decode.c */                                          \
	X(prefill) X(decode)                                                               \
	/* collective.c, collective_move.c */                                              \
	X(all_reduce) X(reduce_scatter) X(all_gather) X(broadcast) X(all_to_all)           \
	/* testing.c */                                                                    \
	X(copy) X(touch) X(fill) X(spin) X(sleep) X(print) X(counter)                      \
	/* faults.c */                                                                     \
	X(fail) X(crash)

#define X(name) extern const struct op op_##name;
OPS_MAP(X)
#undef X

extern const struct op_registry ops_builtin;

/* Copies the data of input 0 to output 0, unless they are the same: the `run` of copy, and of forwarding ops when the engine
 * cannot pass the slot on. */
int ops_copy_first(struct op_run *run);

#endif
