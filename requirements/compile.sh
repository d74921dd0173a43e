#!/bin/sh
# Compile the pins: requirements.txt holds everything; the other files are cuts of it.
# By uv, which is in .venv/bin. Pass --upgrade to move the pins. Each file begins with its command, by which update bots
# (Renovate, Dependabot) repeat it: only options that they know, with `=`, and paths from the repository's root.
set -eu
cd "$(dirname "$0")/.."
# compile NAME.in OUT OPTION…
compile() {
  in=requirements/$1 out=$2
  shift 2
  uv pip compile --universal --python-version=3.11 --generate-hashes "$@" --output-file="$out" "$in" >/dev/null
}
compile all.in requirements.txt "$@"
cut=--constraints=requirements.txt
for part in run laptop mysql tracing tools test peers loadgen; do compile "$part.in" "requirements/$part.txt" $cut "$@"; done
# The bundle of collections without what requirements.txt has.
compile collections.in requirements/collections.txt $cut \
  --no-emit-package=ansible-core --no-emit-package=cffi --no-emit-package=cryptography --no-emit-package=jinja2 \
  --no-emit-package=markupsafe --no-emit-package=packaging --no-emit-package=pycparser --no-emit-package=pyyaml \
  --no-emit-package=resolvelib "$@"
