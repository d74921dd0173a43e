#!/bin/sh
# Compile the pins: requirements.txt holds everything; the other files are cuts of it.
# Needs uv (pip install uv). Pass --upgrade to move the pins.
set -eu
cd "$(dirname "$0")"
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"
}
compile all.in -o ../requirements.txt "$@"
for part in run laptop mysql tracing tools test peers loadgen; do compile "$part.in" -c ../requirements.txt -o "$part.txt"; done
