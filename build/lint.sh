#!/bin/sh
# lint.sh MODULE...: every check that needs no running server. All run; the names of those that failed stand
# at the end.
set -u

python=.build/venv/bin/python
tools=$PWD/.build/tools
failed=""

# check NAME COMMAND...: a check is well if the command succeeds.
check() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "ok   $name"
	else
		echo "FAIL $name"
		echo "$out" | sed 's/^/     /'
		failed="$failed
  $name"
	fi
}

# quiet COMMAND... succeeds if the command says nothing.
quiet() {
	said=$("$@" 2>&1) && [ -z "$said" ] && return
	echo "$said"
	return 1
}

in_dir() {
	dir=$1
	shift
	(cd "$dir" && "$@")
}

install_tools() {
	mkdir -p "$tools"
	in_dir schemas go build -modfile=tools.mod -o "$tools/" tool
}

scripts_parse() {
	for script in .ci/run build/*.sh examples/clients/*.sh; do
		sh -n "$script" || return 1
	done
}

# A service module may import the contracts and itself, no sibling.
imports_only_schemas() {
	siblings=$(in_dir "$1" go list -deps -test ./... | grep '^github.com/streamgauge/streamgauge/' |
		grep -v -E "^github.com/streamgauge/streamgauge/(schemas|$1)(/|_test|\.test| |$)")
	[ -z "$siblings" ] || {
		echo "$1 imports:"
		echo "$siblings"
		return 1
	}
}

generated_is_current() {
	fresh=$(mktemp -d)
	in_dir schemas "$tools/buf" generate -o "$fresh" && diff -r "$fresh/sgpb" schemas/sgpb
	status=$?
	rm -rf "$fresh"
	return $status
}

# Lock files pin by hash; where packages come from is the user's own setting.
locks_name_no_address() {
	! grep -n '"resolved"' dashboards/web/package-lock.json deploy/engine/package-lock.json &&
		! grep -n -E '://|^ *(-i|--index-url|--extra-index-url|--find-links) ' clients/python/requirements.lock
}

# A page that walks through the code must not name files that are gone.
docs_name_real_files() {
	gone=$(grep -o -h -E '`[a-z][A-Za-z0-9_./-]*/[A-Za-z0-9_.-]+\.(go|sql|proto|py|sh|ts|svelte)`' README.md CONTRIBUTING.md docs/*.md |
		tr -d '\`' | sort -u | while read -r file; do [ -e "$file" ] || echo "$file"; done)
	[ -z "$gone" ] || {
		echo "the docs name files that are not there:"
		echo "$gone"
		return 1
	}
}

# A Python package can have files of its own folder only.
licences_are_one() {
	cmp LICENSE clients/python/LICENSE && cmp LICENSE deploy/engine/wheel/LICENSE
}

check "scripts parse" scripts_parse
check "licences are one" licences_are_one
check "lock files name no address" locks_name_no_address
check "docs name real files" docs_name_real_files
check "gofmt" quiet gofmt -l build "$@"
check "sizes" go run build/tidy/tidy.go build/tidy/allowed.txt "$@"
check "tools build" install_tools
for module in "$@"; do
	check "vet $module, alone" in_dir "$module" go vet ./...
	check "staticcheck $module" in_dir "$module" "$tools/staticcheck" ./...
	check "go.mod of $module is tidy" in_dir "$module" go mod tidy -diff
done
for module in ingest consumers registry query; do
	check "$module imports only schemas" imports_only_schemas "$module"
done
check "buf lint" in_dir schemas "$tools/buf" lint
check "buf breaking" in_dir schemas "$tools/buf" breaking --against proto/baseline.binpb
check "generated code is current" generated_is_current
check "ruff format" "$python" -m ruff format --check --quiet --diff .
check "ruff check" "$python" -m ruff check --quiet .
check "mypy" "$python" -m mypy
check "web page" npm run --silent --prefix dashboards/web check

[ -z "$failed" ] || {
	echo "failed:$failed" >&2
	exit 1
}
