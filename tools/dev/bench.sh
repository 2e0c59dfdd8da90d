#!/bin/bash
# Runs the bench programs and prints one table. tests/bench/README.md says what they print.
# usage: bench.sh BUILD_DIRECTORY [NAME…]
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tools/dev/say.sh"
build=$(cd "$1" && pwd)
shift

benches() {
	find "$build/tests/bench" -maxdepth 1 -type f -name '*_bench' -executable
	find "$top/tests/bench" -maxdepth 1 -type f -name '*_bench.sh' -executable
}

is_wanted() { # PATH [NAME…]
	local name=${1##*/} wanted
	shift
	[ $# -gt 0 ] || return 0
	for wanted in "$@"; do
		[ "${name%%_bench*}" != "${wanted%%_bench*}" ] || return 0
	done
	return 1
}

form='^bench: ([^|]+) floor=(\S+) ours=(\S+) ratio=(\S+) met=(yes|no) target=([^|]+)$'

print_table() { # the `bench:` lines of FILE
	sed -nE "s/$form/\\1|\\2|\\3|\\4|\\6|\\5/p" "$1" |
		awk -F '|' '
			function row(what, floor, ours, ratio, target) {
				printf "%-*s  %12s  %12s  %7s  %s\n", width, what, floor, ours, ratio, target
			}
			length($1) > width { width = length($1) }
			{ line[NR] = $0; missed += $6 != "yes" }
			END {
				row("what", "floor", "ours", "ratio", "target")
				for (i = 1; i <= NR; i++) {
					split(line[i], field, "|")
					row(field[1], field[2], field[3], field[4], field[5] (field[6] == "yes" ? "" : "   MISSED"))
				}
				exit NR == 0 || missed > 0
			}'
}

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
failed=()
while read -r bench; do
	is_wanted "$bench" "$@" || continue
	echo "-- ${bench##*/}" >&2
	MSP_BUILD_DIR=$build MSP_SOURCE_DIR=$top "$bench" </dev/null | tee -a "$lines" | { grep -v '^bench: ' >&2 || true; } ||
		failed+=("${bench##*/}")
done < <(benches | sort)

mapfile -t malformed < <(grep '^bench: ' "$lines" | grep -vE "$form")
failed+=("${malformed[@]/#/not in the agreed form: }")
print_table "$lines" || failed+=("a target was missed, or nothing was measured")
for failure in "${failed[@]}"; do
	echo "failed: $failure" >&2
done
[ ${#failed[@]} = 0 ]
