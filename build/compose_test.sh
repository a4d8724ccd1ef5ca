#!/bin/sh
# deploy/compose.yaml, read by a compose client: `config` needs no engine of containers. Where no client is and root
# asks, Debian's is installed; elsewhere it is a skip.
set -eu
cd "$(dirname "$0")/.."

client() {
	if docker compose version >/dev/null 2>&1; then
		docker compose "$@"
	else
		docker-compose "$@"
	fi
}

if ! docker compose version >/dev/null 2>&1 && ! command -v docker-compose >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "skip compose: no compose client here (Debian: sudo apt-get install docker-compose)"
		exit 0
	fi
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends docker-compose >/dev/null
fi
client -f deploy/compose.yaml config -q
services=$(client -f deploy/compose.yaml config --services | sort | tr '\n' ' ')
if [ "$services" = "grafana provision streamgauge " ]; then
	echo "ok compose"
else
	echo "FAIL compose: services $services"
	exit 1
fi
