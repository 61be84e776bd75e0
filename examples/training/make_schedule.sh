#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Writes one step of pipelined training, 4 stages and 8 micro-batches, to standard output. Usage: make_schedule.sh
# one_f_one_b|gpipe [STAGES [MICRO_BATCHES]]
#
# one_f_one_b.dot and gpipe.dot beside it are what it wrote; a test holds that they still are.
set -eu
case ${1-} in
one_f_one_b | gpipe) ;;
*)
	echo "usage: make_schedule.sh one_f_one_b|gpipe [STAGES [MICRO_BATCHES]]" >&2
	exit 2
	;;
esac

exec awk -v name="$1" -v stages="${2-4}" -v micro="${3-8}" '
# Appends to what this stage does, in order.
function forward(m, s) { plan[n++] = "f" m "_" s " [op=spin, us=\"$F\"" }
function backward(m, s) { plan[n++] = "b" m "_" s " [op=spin, us=\"$B\"" }

# All forwards, then all backwards.
function plan_gpipe(s,    m) {
	for (m = 0; m < micro; m++)
		forward(m, s)
	for (m = 0; m < micro; m++)
		backward(m, s)
}

# As many forwards as there are stages behind, so that the last stage can start; then one forward, one backward in turn; then the
# backwards that are left.
function plan_one_f_one_b(s,    m, ahead) {
	ahead = stages - 1 - s < micro ? stages - 1 - s : micro
	for (m = 0; m < ahead; m++)
		forward(m, s)
	for (m = ahead; m < micro; m++) {
		forward(m, s)
		backward(m - ahead, s)
	}
	for (m = micro - ahead; m < micro; m++)
		backward(m, s)
}

function write_stage(s,    i) {
	n = 0
	if (name == "gpipe")
		plan_gpipe(s)
	else
		plan_one_f_one_b(s)
	printf "\n  subgraph cluster_%d {\n    worker=stage%d; device=\"cpu:%d\";\n", s, s, s
	for (i = 0; i < n; i++)
		print "    " plan[i] ", order=" i + 1 "];"
	print "    update" s " [op=copy, order=" n + 1 "];"
	print "  }"
}

function write_edges(m,    s) {
	printf "\n  input -> f%d_0 [from=x%d];\n", m, m
	printf "  f%d_0", m
	for (s = 1; s < stages; s++)
		printf " -> f%d_%d", m, s
	print ";"
	for (s = stages - 1; s >= 0; s--) {
		if (s < stages - 1)
			printf "  b%d_%d -> b%d_%d [arg=0];  f%d_%d -> b%d_%d [arg=1];", m, s + 1, m, s, m, s, m, s
		else
			printf "  f%d_%d -> b%d_%d;", m, s, m, s
		printf "  b%d_%d -> update%d [arg=%d];\n", m, s, s, m
	}
}

BEGIN {
	title = name == "gpipe" ? "GPipe order" : "1F1B order"
	print "// One training step over a pipeline of " stages " stages with " micro " micro-batches, in " title ". f3_1 is the forward pass of"
	print "// micro-batch 3 on stage 1, b3_1 its backward pass; update1 collects the gradients of stage 1. The passes only keep a core busy, for F"
	print "// and B µs."
	print "//"
	if (name == "gpipe") {
		print "// Every stage runs all forward passes, then all backward passes, so that it holds the activations of all micro-batches."
	} else {
		print "// A stage runs as many forward passes ahead as there are stages behind it, then one forward and one backward in turn, so that it holds"
		print "// the activations of at most that many micro-batches and one. `order` says so; `tandem check` proves that it cannot deadlock."
	}
	print "//"
	print "//   tandem run examples/training/" name ".dot --set F=2000 --set B=4000 --in-flight 1 --executions 20 -o t.tandem"
	print "//   tandem report t.tandem"
	print "// Written by make_schedule.sh " name "; change that."
	print "digraph " name " {"
	print "  rankdir=LR;\n"
	printf "  input [tensors=\""
	for (m = 0; m < micro; m++)
		printf "%sx%d:f32[D%s]", m ? " " : "", m, m ? "" : "<=1024"
	print "\"];"
	for (s = 0; s < stages; s++)
		write_stage(s)
	for (m = 0; m < micro; m++)
		write_edges(m)
	print ""
	for (s = 0; s < stages; s++)
		print "  update" s " -> output;"
	print "}"
}'
