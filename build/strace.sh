#!/bin/sh
# A fault test kills processes at exact system calls, by strace. Where it is missing and root asks, Debian's is
# installed; elsewhere the test says that it is missing.
set -eu

command -v strace >/dev/null && exit 0
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "no strace here; install it (Debian: sudo apt-get install strace)" >&2
	exit 0
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends strace >/dev/null
