#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh clone to an answer: packages, build, model, a run over two processes in both modes, its results verified, the report, and what
# dynamic execution costs. Quick the second time.
# Usage: tool/demo.sh
set -eu
cd "$(dirname "$0")/.."

step() {
	printf '\n== %s\n' "$*"
}

step "packages"
sh tool/setup.sh

step "build"
if [ ! -f build/build.ninja ]; then
	meson setup build --buildtype=release -Db_lto=true > build-setup.log 2>&1 || {
		cat build-setup.log >&2
		exit 1
	}
	rm -f build-setup.log
fi
ninja -C build tool/tandem | tail -n 1
tandem=build/tool/tandem
$tandem --version

step "model"
if model=$(sh tool/model.sh | tail -n 1) && [ -n "$model" ]; then
	echo "weights: ${model#"$PWD/"}"
	model=${model#"$PWD/"}
else
	model=seeded:7
	echo "the model could not be had, so the same graph runs with made-up weights ($model)"
fi

input=examples/minilm/sentences.safetensors
step "run: six transformer layers over two processes, 100 times, compiled and interpreted in turn"
if [ "$model" = seeded:7 ]; then
	echo "to be compared with a run in one process, since made-up weights have no published result"
	$tandem run examples/minilm/single.dot --set MODEL=$model --input $input --output build/one-process.safetensors --quiet
	$tandem run examples/minilm/pipeline2.dot --mode both --set MODEL=$model --input $input --executions 100 -o build/minilm.tandem \
		--expect build/one-process.safetensors --tolerance 1e-6
else
	$tandem run examples/minilm/pipeline2.dot --mode both --set "MODEL=$model" --input $input --executions 100 -o build/minilm.tandem \
		--output build/embeddings.safetensors --expect examples/minilm/expected.safetensors --tolerance 2e-5
fi

step "report of the compiled run"
$tandem report build/minilm.tandem --run 1

step "compiled against interpreted"
$tandem compare build/minilm.tandem

step "one execution on the timeline"
$tandem view --batch --node layer3 --execution 60 --zoom 300ms --size 110x26 build/minilm.tandem
echo "the same on the terminal, with keys: $tandem view build/minilm.tandem"
