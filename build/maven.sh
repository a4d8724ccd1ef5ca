#!/bin/sh
# What the Java example needs, resolved into .build/m2 and compiled. Where Maven or the compiler is missing and root
# asks, Debian's is installed; elsewhere the status is 1 and the test that needs it says so.
set -eu
cd "$(dirname "$0")/.."

if ! command -v mvn >/dev/null || ! command -v javac >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "no Maven or no Java compiler here; install them (Debian: sudo apt-get install maven default-jdk-headless)" >&2
		exit 1
	fi
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends maven default-jdk-headless >/dev/null
fi
# A goal is resolved when it first runs, so that of the runner asks for its help here.
mvn -q -B -f examples/clients/pom.xml -Dmaven.repo.local="$PWD/.build/m2" compile exec:help >/dev/null
