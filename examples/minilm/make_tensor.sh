#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Writes a tensor-parallel layout of all-MiniLM-L6-v2 to standard output. Usage: make_tensor.sh tensor2|pipeline2_tensor2
#
# tensor2.dot and pipeline2_tensor2.dot beside it are what it wrote; a test holds that they still are.
set -eu
case ${1-} in
tensor2) stages=1 ;;
pipeline2_tensor2) stages=2 ;;
*)
	echo "usage: make_tensor.sh tensor2|pipeline2_tensor2" >&2
	exit 2
	;;
esac

exec awk -v name="$1" -v stages="$stages" '
function worker(stage, part) { return stage * parts + part }

# The stage of a layer.
function stage_of(layer) { return int(layer * stages / layers) }

# What a layer reads on this part: the end of the layer before it.
function before(layer, part) { return layer ? "layer" layer - 1 "_out" part : "embed" part }

# The last layer is summed on all workers of its stage, but only the first goes on with it.
function goes_on(layer, part) { return layer < layers - 1 || part == 0 }

function node(text) { print "    " text }
function edge(src, dst, attributes) { printf "  %s -> %s%s;\n", src, dst, attributes ? " [" attributes "]" : "" }

function write_cluster(stage, part,    w, l, n) {
	w = worker(stage, part)
	printf "\n  subgraph cluster_%d {\n    worker=w%d; device=\"cpu:%d\";\n", w, w, w
	if (stage == 0)
		node("embed" part " [op=bert_embed];")
	for (l = 0; l < layers; l++) {
		if (stage_of(l) != stage)
			continue
		n = "layer" l
		print ""
		node(n "_attention" part " [op=bert_attention_shard, part=" part ", layer=" l "];")
		node(n "_attention_sum" part " [op=all_reduce, collective=" n "_attention];")
		node(n "_attention_norm" part " [op=bert_add_norm, which=attention, layer=" l "];")
		node(n "_ffn" part " [op=bert_ffn_shard, part=" part ", layer=" l "];")
		node(n "_ffn_sum" part " [op=all_reduce, collective=" n "_ffn];")
		if (goes_on(l, part))
			node(n "_out" part " [op=bert_add_norm, which=output, layer=" l "];")
	}
	if (stage == stages - 1 && part == 0)
		print "\n    pool [op=mean_pool, normalise=true];"
	print "  }"
}

function write_layer(l, part,    n) {
	n = "layer" l
	edge(before(l, part), n "_attention" part, "arg=x")
	edge("input", n "_attention" part, "from=mask, arg=mask")
	edge(n "_attention" part, n "_attention_sum" part)
	edge(n "_attention_sum" part, n "_attention_norm" part, "arg=x")
	edge(before(l, part), n "_attention_norm" part, "arg=residual")
	edge(n "_attention_norm" part, n "_ffn" part)
	edge(n "_ffn" part, n "_ffn_sum" part)
	if (goes_on(l, part)) {
		edge(n "_ffn_sum" part, n "_out" part, "arg=x")
		edge(n "_attention_norm" part, n "_out" part, "arg=residual")
	} else {
		edge(n "_ffn_sum" part, "output", "control=true")
	}
}

BEGIN {
	layers = 6
	parts = 2
	print "// all-MiniLM-L6-v2 with every layer cut over two workers: half of the attention heads and half of the feed-forward columns on"
	if (stages == 1)
		print "// each. The model and the result are those of single.dot, which explains the words."
	else
		print "// each, and the layers cut in two: the first half on w0 and w1, the second on w2 and w3. The model and the result are those of" \
			"\n// single.dot, which explains the words."
	print "//"
	print "// A half is a summand of the whole, so each layer has two sums over its workers, the collectives layer0_attention and layer0_ffn:"
	print "//   attention -> sum -> norm (adds what the attention read) -> ffn -> sum -> out (norm; adds what the ffn read)"
	print "// Written by make_tensor.sh " name "; change that."
	print "digraph minilm_" name " {"
	print "  rankdir=LR;\n"
	print "  input [tensors=\"ids:i32[B<=64,L<=512] mask:f32[B<=64,L<=512]\"];"
	print "  node [weights=\"$MODEL\", parts=" parts "];  // counts for the ops that have such a parameter"
	for (s = 0; s < stages; s++)
		for (p = 0; p < parts; p++)
			write_cluster(s, p)
	print ""
	for (p = 0; p < parts; p++)
		edge("input", "embed" p, "from=ids")
	for (l = 0; l < layers; l++) {
		print ""
		if (l && stage_of(l) != stage_of(l - 1))
			print "  // From here on w2 and w3: the edges of part 0 lead from w0 to w2, those of part 1 from w1 to w3."
		for (p = 0; p < parts; p++)
			write_layer(l, p)
	}
	print "\n  layer" layers - 1 "_out0 -> pool [arg=x];"
	print "  input -> pool [from=mask, arg=mask];"
	print "  pool -> output [arg=embedding];"
	print "}"
}'
