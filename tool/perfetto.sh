#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Gets Perfetto's protocol definitions, an independent reader of what `tandem export` writes, from packages of the Python index into FOLDER
# (default: build/perfetto), unless they are there. Only tests need them. The last line on standard output is the folder.
# Usage: tool/perfetto.sh [FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1-$root/build/perfetto}
packages='perfetto==0.59.1 protobuf'

is_there() {
	PYTHONPATH=$1 python3 -c 'import perfetto.protos.perfetto.trace.perfetto_trace_pb2' > /dev/null 2>&1
}

if is_there "$folder"; then
	echo "$folder"
	exit 0
fi

pip=$(sh "$root/tool/pip.sh" perfetto)

mkdir -p "$folder"
echo "perfetto: getting $packages" >&2
# shellcheck disable=SC2086
if ! $pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: --upgrade --target "$folder" \
	$packages >&2; then
	echo "perfetto: $packages could not be installed into $folder" >&2
	exit 1
fi
if ! is_there "$folder"; then
	echo "perfetto: what was installed into $folder cannot be used by python3" >&2
	exit 1
fi
echo "$folder"
