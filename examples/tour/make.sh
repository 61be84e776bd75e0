#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Records the traces that doc/tour.md looks at, anew: after a change of the schema, or for fun. Then TANDEM_UPDATE=1 for test_tour writes the new
# screens into the page, whose sentences are to be read again. Takes half a minute on two cores; quiet ones give the better comparison.
# Usage: examples/tour/make.sh [TANDEM [MODEL.safetensors]]
set -eu
cd "$(dirname "$0")/../.."
tandem=${1:-build/tool/tandem}
model=${2:-build/models/minilm/model.safetensors}
[ -f "$model" ] || model=seeded:7
to=examples/tour

# In a process of its own, which becomes the driver.
record() {
	name=$1
	shift
	exec "$tandem" run examples/minilm/pipeline2.dot --set "MODEL=$model" --input examples/minilm/sentences.safetensors --quiet \
		-o "$to/$name.tandem" "$@"
}

# worker DRIVER NAME: its process.
worker() {
	pgrep -P "$1" -f "worker $2"
}

# What tells of the machine and of where things lie goes; small pages, since the tables are many and short; no write-ahead log.
strip() {
	file=$to/$1.tandem
	sqlite3 "$file" "DELETE FROM meta WHERE key IN ('host', 'kernel', 'cpu', 'cores', 'machine');
		DELETE FROM run_meta WHERE key = 'command';
		UPDATE node SET params = replace(params, '$model', 'model.safetensors');
		PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM;" > /dev/null
	if grep -a -q -e "$PWD" -e "$HOME/" -e "$(uname -r)" "$file"; then
		echo "make.sh: $file tells of this machine" >&2
		exit 1
	fi
	"$tandem" check "$file" > /dev/null
}

(record pipeline --executions 16)
(record both --mode both --executions 40 --in-flight 1)

# One worker stands still for a second and goes on.
record slow --executions 24 --stall-limit 400ms 2> "$to/said" & driver=$!
sleep 1
stopped=$(worker $driver w1)
kill -STOP "$stopped"
sleep 1
kill -CONT "$stopped"
wait $driver

# It stands still for good, until the time limit of an execution.
record hung --executions 24 --stall-limit 1s --timeout 2s 2>> "$to/said" & driver=$!
sleep 1
kill -STOP "$(worker $driver w1)"
wait $driver || true

# The other one is killed.
record killed --executions 24 2>> "$to/said" & driver=$!
sleep 1
kill -KILL "$(worker $driver w0)"
wait $driver || true

cat "$to/said"
rm "$to/said"
for name in pipeline both slow hung killed; do
	strip $name
done
ls -l $to/*.tandem
