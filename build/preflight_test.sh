#!/bin/sh
# Tests preflight.sh with a PATH of our own making: a folder that holds links to the plain tools and, case by
# case, programs that pretend to be old, broken or absent. Prints `ok NAME` or `FAIL NAME` a case.
set -u

here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# fresh makes $bin, a machine on which nothing is missing, and $dir, its working folder.
fresh() {
	bin=$tmp/bin
	dir=$tmp/dir
	rm -rf "$bin" "$dir"
	mkdir -p "$bin" "$dir"
	for tool in sh awk; do
		ln -s "$(command -v $tool)" "$bin/$tool"
	done
	fake uname 'if [ "$1" = -s ]; then echo Linux; else echo x86_64; fi'
	fake go 'echo go1.26.3'
	fake node 'echo v20.20.2'
	fake npm 'echo 10.8.2'
	fake python3 'case $2 in *version_info*) echo 3.11 ;; esac'
	fake git :
	fake make :
	fake getconf 'echo glibc 2.36'
	disk 50
}

fake() {
	printf '#!%s\n%s\n' "$(command -v sh)" "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

disk() {
	fake df "echo header; echo /dev/x 100 50 $(($1 * 1024 * 1024)) 50% /"
}

preflight() {
	(cd "$dir" && PYTHON='' PATH=$bin "$bin/sh" "$here/preflight.sh" 2>&1)
}

# expect NAME WANTED... runs preflight and looks for each wanted text; none wanted means silence and status 0.
expect() {
	name=$1
	shift
	out=$(preflight)
	status=$?
	good=1
	if [ $# -eq 0 ]; then
		[ "$status" -eq 0 ] && [ -z "$out" ] || good=0
	else
		[ "$status" -ne 0 ] || good=0
		[ "$(echo "$out" | grep -c '^  - ')" -eq $# ] || good=0
		for wanted in "$@"; do
			case $out in
			*"$wanted"*) ;;
			*) good=0 ;;
			esac
		done
	fi
	if [ "$good" -eq 1 ]; then
		echo "ok preflight: $name"
	else
		echo "FAIL preflight: $name: status $status, output:"
		echo "$out"
		failed=1
	fi
}

fresh
expect "silent when nothing is missing"

fresh
fake go 'echo go1.25.9'
expect "an old Go is named with what was found" "Go 1.26 or newer (found go1.25.9)"

fresh
fake go 'echo go2.0'
expect "a newer major version is enough"

fresh
fake go 'echo "devel go1.27-abc"'
fake node 'exit 1'
expect "versions that cannot be read are reported" "Go 1.26" "Node 20.19 or newer (found one that does not run)"

fresh
fake node 'echo v18.19.0'
expect "an old Node" "Node 20.19 or newer (found v18.19.0)"

fresh
fake python3 'case $2 in *version_info*) echo 3.9 ;; esac'
expect "an old Python" "Python 3.10 or newer (found 3.9"

fresh
fake python3 'case $2 in *version_info*) echo 3.12 ;; *) exit 1 ;; esac'
expect "Python without ensurepip" "sudo apt-get install python3-venv"

fresh
fake getconf 'exit 1'
expect "musl" "glibc"

fresh
fake uname 'if [ "$1" = -s ]; then echo Linux; else echo riscv64; fi'
expect "another processor" "this is riscv64"

fresh
fake uname 'if [ "$1" = -s ]; then echo Darwin; else echo arm64; fi'
rm "$bin/getconf" "$bin/git"
expect "macOS gets its own command alone" "xcode-select --install"
case $(preflight) in
*Debian*)
	echo "FAIL preflight: macOS is told of Debian"
	failed=1
	;;
esac

fresh
disk 5
expect "too little disk" "6 GB of free disk here (there are 5 GB)"

fresh
disk 1
mkdir -p "$dir/.build/venv" "$dir/deploy/engine/node_modules"
expect "disk is not asked for when all is installed"

fresh
rm "$bin/go" "$bin/node" "$bin/npm" "$bin/python3" "$bin/git" "$bin/make" "$bin/getconf"
disk 2
expect "everything that is missing is named at once" "Go 1.26" "Node 20" "  - npm" "Python 3.10" "  - git" "  - make" "GB of free disk"

exit $failed
