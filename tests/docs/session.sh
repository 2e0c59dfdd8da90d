#!/bin/bash
# Runs the blocks that run_markdown.sh has cut out, in this one shell.
# usage: session.sh DOCUMENT_NAME BLOCKS_FOLDER
set -euo pipefail
name=$1
blocks=$2
block=
verdict=
exec 3>&1

matches() { # FILE EXPECTED, where … stands for any text
	local pattern
	pattern=$(sed 's/[][\\*?()|+@!]/\\&/g; s/…/*/g' "$2")
	# shellcheck disable=SC2053 # a pattern on purpose
	[[ $(cat "$1") == $pattern ]]
}

stop_jobs() {
	local running
	mapfile -t running < <(jobs -p)
	[ ${#running[@]} = 0 ] || kill -TERM "${running[@]}" 2>/dev/null
	wait
}

finish() {
	local status=$?
	trap - EXIT
	set +e
	if [ "$verdict" != passed ]; then
		echo "$name: the block after line $((10#${block##*/})) ${verdict:-ended the shell with status $status}"
		sed 's/^/    /' "$block/out" "$block/err"
		status=1
	fi >&3
	stop_jobs
	exit "$status"
}

trap finish EXIT
for block in "$blocks"/*; do
	# shellcheck disable=SC1090 # what the document says
	. "$block/$name" >"$block/out" 2>"$block/err"
	if [ -e "$block/expected" ] && ! matches "$block/out" "$block/expected"; then
		verdict="does not print what is shown (- shown, + printed)"
		diff -u "$block/expected" "$block/out" | tail -n +3 >"$block/err" || true
		: >"$block/out"
		exit 1
	fi
done
verdict=passed
