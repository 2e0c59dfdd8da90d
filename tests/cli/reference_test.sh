#!/bin/bash
# Compares the configuration reference in the README with what the program describes.
# usage: reference_test.sh MSP README      UPDATE=1 writes the README anew instead
set -euo pipefail
msp=$1
readme=$2
begin='<!-- msp config describe --markdown: begin -->'
end='<!-- msp config describe --markdown: end -->'
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

cp "$readme" "$here/README.md"
cd "$here"
grep -qxF "$begin" README.md
grep -qxF "$end" README.md
"$msp" config describe --markdown >reference
awk -v begin="$begin" -v end="$end" '
	$0 == end { inside = 0 }
	!inside { print }
	$0 == begin { inside = 1; print ""; while ((getline line < "reference") > 0) print line }' README.md >expected
if [ "${UPDATE:-}" = 1 ]; then
	cp expected "$readme"
fi
diff -u "$readme" expected
