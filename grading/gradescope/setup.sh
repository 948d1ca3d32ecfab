#!/usr/bin/env bash
# Gradescope runs this once, as root, when the autograder's image is built.
#
# It makes /autograder/venv with the libraries of requirements.txt, pinned by requirements.lock, torch first. pip's own
# environment variables are honoured (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL …): for an image with PyTorch's small CPU
# wheels, set PIP_EXTRA_INDEX_URL below to the index that pytorch.org names for them.
#
#   AUTOGRADER_ROOT   where Gradescope's folders are (default /autograder)
#   LABS_PYTHON       an interpreter that has the libraries already; nothing is installed then
set -euo pipefail

ROOT="${AUTOGRADER_ROOT:-/autograder}"
SOURCE="$ROOT/source"
# export PIP_EXTRA_INDEX_URL=

if [ -n "${LABS_PYTHON:-}" ]; then
  printf '%s\n' "$LABS_PYTHON" > "$SOURCE/.python"
  exit 0
fi

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
python=""
for candidate in python3 python3.13 python3.12 python3.11; do
  if new_enough "$candidate"; then python="$candidate"; break; fi
done
if [ -z "$python" ]; then
  apt-get install -y -qq python3.11 || { echo "Python 3.11 or newer is needed: choose a newer base image"; exit 1; }
  python=python3.11
fi
version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
apt-get install -y -qq "python$version-venv" || apt-get install -y -qq python3-venv
# The stronger sandbox. Where the container forbids namespaces, the grader drops to an unprivileged user instead.
apt-get install -y -qq bubblewrap || echo "bubblewrap could not be installed; submissions run as another user"

"$python" -m venv "$ROOT/venv"
PIP=("$ROOT/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check)
"${PIP[@]}" "$(grep '^torch==' "$SOURCE/requirements.lock")"
"${PIP[@]}" -r "$SOURCE/requirements.txt" -c "$SOURCE/requirements.lock"

# A worker's user runs this Python, and reads nothing else of ours.
chmod 755 "$ROOT"
chmod -R go+rX,go-w "$ROOT/venv"
chmod 700 "$SOURCE"
printf '%s\n' "$ROOT/venv/bin/python" > "$SOURCE/.python"
cd "$SOURCE" && "$ROOT/venv/bin/python" -m grading.gradescope.run --check
