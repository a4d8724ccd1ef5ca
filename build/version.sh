#!/bin/sh
# Prints the version that the program and the Python packages of this checkout carry, as Python's packages have them:
# the library's own at its tag (0.1.0 at v0.1.0), elsewhere a development version before it, 0.1.0.dev812+g1a2b3c4,
# with the number of commits, so that newer ones replace older ones, and .dirty if files are changed.
set -u
cd "$(dirname "$0")/.." || exit 1
base=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' clients/python/src/streamgauge/_version.py)
commit=$(git rev-parse --short HEAD 2>/dev/null) || {
	echo "$base.dev0"
	exit
}
changed=$(git status --porcelain --untracked-files=no)
if [ -z "$changed" ] && [ "$(git describe --tags --exact-match --match "v$base" 2>/dev/null)" = "v$base" ]; then
	echo "$base"
else
	echo "$base.dev$(git rev-list --count HEAD)+g$commit${changed:+.dirty}"
fi
