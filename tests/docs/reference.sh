#!/bin/bash
# Compares the configuration reference in README.md with what the program says of itself; --write puts it there.
# usage: reference.sh PROGRAM README [--write]
set -euo pipefail
program=$1
readme=$2
expected=$(mktemp)
trap 'rm -f "$expected"' EXIT

{
	sed '/^<!-- reference: begin/q' "$readme"
	echo
	"$program" config describe --markdown
	sed -n '/^<!-- reference: end/,$p' "$readme"
} >"$expected"

if [ "${3-}" = --write ]; then
	cat "$expected" >"$readme"
elif ! diff -u "$readme" "$expected"; then
	echo "README.md is behind the program: run tests/docs/reference.sh $program README.md --write" >&2
	exit 1
fi
