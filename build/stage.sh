#!/bin/sh
# stage.sh TITLE COMMAND...: runs the command and says how long it took.
title=$1
shift
echo "- $title ..."
began=$(date +%s)
"$@" || {
	status=$?
	echo "- $title: failed" >&2
	exit $status
}
echo "- $title: $(($(date +%s) - began)) s"
