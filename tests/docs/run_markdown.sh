#!/bin/bash
# Runs the commands in a Markdown file, as a reader would. README.md beside this file has the rules.
# usage: run_markdown.sh FILE PROGRAM_DIRECTORY
set -euo pipefail
document=$(realpath "$1")
programs=$(realpath "$2")
session=$(dirname "$(realpath "$0")")/session.sh
deadline_s=100

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/blocks" "$work/home"

# Each block goes to a folder of its own: the script, named like the document and padded to keep its line numbers, and
# `expected` when an output is shown below it.
awk -v blocks="$work/blocks" '
	function open_block(name) {
		folder = sprintf("%s/%04d", blocks, FNR)
		system("mkdir " folder)
		script = folder "/" name
		for (i = 1; i <= FNR; i++) print "" > script
	}
	BEGIN { name = ARGV[1]; sub(/.*\//, "", name) }
	inside && /^```[ \t]*$/ { close(into); after_script = into == script; inside = 0; next }
	inside { if (into != "") print > into; next }
	/^```/ {
		into = ""
		if ($0 == "```sh") { open_block(name); into = script }
		else if ($0 == "```text" && after_script) { into = folder "/expected"; printf "" > into }
		after_script = 0
		inside = 1
		next
	}
	/[^ \t]/ { after_script = 0 }
	END { if (inside) { print name ": a code block has no end" > "/dev/stderr"; exit 1 } }' "$document"

count=$(find "$work/blocks" -mindepth 1 -maxdepth 1 | wc -l)
[ "$count" -gt 0 ] || { echo "${document##*/}: no commands to run" && exit 1; }
cd "$work/home"
env -i HOME="$work/home" PATH="$programs:$PATH" LANG=C.UTF-8 \
	timeout --kill-after=5 "$deadline_s" bash "$session" "${document##*/}" "$work/blocks" </dev/null
echo "${document##*/}: $count blocks ran"
