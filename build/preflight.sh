#!/bin/sh
# Names everything that is missing on this machine at once, each with the command that mends it; silent and
# status 0 when nothing is. `make` runs it first.
set -u

need_go=1.26
need_node=20.19
need_python=3.10
need_disk_gb=6

os=$(uname -s)
arch=$(uname -m)
missing=0

# report WHAT DEBIAN FEDORA MACOS
report() {
	if [ "$missing" -eq 0 ]; then
		echo "preflight: this is missing:" >&2
	fi
	missing=$((missing + 1))
	echo "  - $1" >&2
	if [ "$os" = Darwin ]; then
		echo "      macOS:  $4" >&2
		return
	fi
	echo "      Debian: $2" >&2
	echo "      Fedora: $3" >&2
	echo "      macOS:  $4" >&2
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT compares versions of two numbers, major.minor.
at_least() {
	have_major=${1%%.*}
	have_rest=${1#*.}
	have_minor=${have_rest%%.*}
	want_major=${2%%.*}
	want_minor=${2#*.}
	case "$have_major$have_minor" in
	'' | *[!0-9]*) return 1 ;;
	esac
	[ "$have_major" -gt "$want_major" ] ||
		{ [ "$have_major" -eq "$want_major" ] && [ "$have_minor" -ge "$want_minor" ]; }
}

check_go() {
	if have go; then
		found=$(go env GOVERSION 2>/dev/null)
		at_least "${found#go}" "$need_go" && return
		found="found ${found:-one that does not run}"
	else
		found="found none"
	fi
	report "Go $need_go or newer ($found)" \
		"install it from https://go.dev/dl (Debian's own is older)" \
		"sudo dnf install golang (or https://go.dev/dl if that is older)" \
		"brew install go"
}

check_node() {
	if have node; then
		found=$(node --version 2>/dev/null)
		at_least "${found#v}" "$need_node" || report "Node $need_node or newer (found ${found:-one that does not run})" \
			"install Node 20 or newer from https://nodejs.org" "sudo dnf install nodejs" "brew install node"
	else
		report "Node $need_node or newer (found none)" \
			"install Node 20 or newer from https://nodejs.org" "sudo dnf install nodejs" "brew install node"
	fi
	have npm || report "npm" "sudo apt-get install npm" "sudo dnf install nodejs-npm" "brew install node"
}

check_python() {
	python=${PYTHON:-python3}
	if ! have "$python"; then
		report "Python $need_python or newer (found none)" \
			"sudo apt-get install python3 python3-venv" "sudo dnf install python3" "brew install python@3.12"
		return
	fi
	found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
	if ! at_least "$found" "$need_python"; then
		report "Python $need_python or newer (found ${found:-one that does not run}; name another with PYTHON=...)" \
			"sudo apt-get install python3 python3-venv" "sudo dnf install python3" "brew install python@3.12"
		return
	fi
	# Debian ships Python without ensurepip; then `python3 -m venv` fails half-way.
	"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || report "Python's venv with ensurepip" \
		"sudo apt-get install python3-venv" "sudo dnf install python3-pip" "brew install python@3.12"
}

check_tools() {
	have git || report "git" "sudo apt-get install git" "sudo dnf install git" "xcode-select --install"
	have make || report "make" "sudo apt-get install make" "sudo dnf install make" "xcode-select --install"
}

check_platform() {
	case $os in
	Linux | Darwin) ;;
	*) report "Linux or macOS (this is $os)" "use such a machine" "use such a machine" "use such a machine" ;;
	esac
	case $arch in
	x86_64 | amd64 | aarch64 | arm64) ;;
	*) report "a processor of x86_64 or arm64 (this is $arch): the ClickHouse engine exists for no other" \
		"use another machine" "use another machine" "use another machine" ;;
	esac
	if [ "$os" = Linux ]; then
		# musl has no GNU_LIBC_VERSION; a glibc system without getconf is not told apart, and let through.
		if have getconf && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
			report "glibc (this system has another C library, perhaps musl): the ClickHouse engine needs it" \
				"use Debian, Ubuntu or another glibc system" "use Fedora or another glibc system" "works as it is"
		fi
	fi
}

check_disk() {
	# What is installed already need not be counted again.
	if [ -d .build/venv ] && [ -d deploy/engine/node_modules ]; then
		return
	fi
	free_kb=$(df -Pk . 2>/dev/null | awk 'NR == 2 { print $4 }')
	case $free_kb in
	'' | *[!0-9]*) return ;;
	esac
	if [ "$free_kb" -lt $((need_disk_gb * 1024 * 1024)) ]; then
		report "$need_disk_gb GB of free disk here (there are $((free_kb / 1024 / 1024)) GB)" \
			"make room, or clone to another disk" "make room, or clone to another disk" "make room, or clone to another disk"
	fi
}

check_go
check_node
check_python
check_tools
check_platform
check_disk
[ "$missing" -eq 0 ]
