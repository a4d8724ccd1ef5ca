#!/bin/sh
# Fetches the Kafka broker that the tests start, once, as jars in .build/kafka. Where Java or Maven is missing and root
# asks, Debian's is installed; elsewhere the status is 1 and the tests that need the broker say so.
set -eu
cd "$(dirname "$0")/.."
jars=$PWD/.build/kafka

[ "$jars/.complete" -nt build/kafka/pom.xml ] && command -v java >/dev/null && exit 0
if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "no Maven or no Java here; install them (Debian: sudo apt-get install maven default-jdk-headless)" >&2
		exit 1
	fi
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends maven default-jdk-headless >/dev/null
fi
mkdir -p .build
fetched=$jars.$$
trap 'rm -rf "$fetched"' EXIT
mvn -q -B -f build/kafka/pom.xml -Dmaven.repo.local="$PWD/.build/m2" dependency:copy-dependencies \
	-DincludeScope=runtime -DoutputDirectory="$fetched" >/dev/null
touch "$fetched/.complete"
rm -rf "$jars"
mv "$fetched" "$jars"
