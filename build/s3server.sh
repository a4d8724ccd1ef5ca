#!/bin/sh
# Builds the server of S3 that the tests start, once, as .build/s3server. Its module stands by itself, so that nothing
# of ours depends on it. Where it cannot be built, the tests that need it say so.
set -eu
cd "$(dirname "$0")/.."
built=$PWD/.build/s3server

[ "$built" -nt build/s3server/go.sum ] && exit 0
mkdir -p .build
GOWORK=off CGO_ENABLED=0 go build -C build/s3server -o "$built.$$" github.com/versity/versitygw/cmd/versitygw
mv "$built.$$" "$built"
