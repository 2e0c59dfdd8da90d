#!/bin/bash
# Everything that a machine can say about the code without running it. Both compilers have built it before.
# usage: lint.sh BUILD_DIRECTORY    (of a clang build, whose compile_commands.json the tools read)
set -uo pipefail
build=$(cd "$1" && pwd) || exit 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

[ -e "$build/compile_commands.json" ] || { echo "lint: $build has no compile_commands.json" >&2 && exit 2; }
most_lines=600

# All files with these extensions, NUL after each; without git, which a source archive lacks.
sources() { # EXTENSION…
	local extension
	for extension in "$@"; do
		find . \( -path ./build -o -path ./.git \) -prune -o -type f -name "*.$extension" -print0
	done
}

# What is compiled, without what the build has generated.
compiled() {
	sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$build/compile_commands.json" | sort -u | grep -vF "$build/"
}

shell_files() {
	find . \( -path ./build -o -path ./.git \) -prune -o -type f -print0 |
		xargs -0 awk 'FNR == 1 && /^#!.*[ \/](ba)?sh/ || FNR == 1 && /^# shellcheck shell=/ { print FILENAME } { nextfile }'
}

check_format() {
	sources c h | xargs -0r clang-format --dry-run -Werror
}

check_tidy() {
	compiled | xargs -r -d '\n' -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>&1 |
		{ grep -vE '^[0-9]+ warnings? generated|^Suppressed |^Use -header-filter' || true; }
	return "${PIPESTATUS[1]}"
}

# Suppressed: what cppcheck cannot know.
#   missingIncludeSystem    it needs no system headers, and says so for each
#   incorrectLogicOperator  2.10 reads a hexadecimal float such as 0x1p63 as an integer
#   varFuncNullUB           POSIX says that NULL is a pointer, also in a variable argument list
#   unusedStructMember      members that only a plugin or the kernel reads
check_cppcheck() {
	cppcheck --project="$build/compile_commands.json" --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=incorrectLogicOperator --suppress=varFuncNullUB \
		--suppress=unusedStructMember -i "$build" --error-exitcode=1 --quiet -j "$(nproc)"
}

check_shell() {
	shell_files | xargs -r -d '\n' shellcheck -x
}

check_length() {
	sources c h | xargs -0r awk -v most=$most_lines '
		FNR == most + 1 { print FILENAME ": more than " most " lines"; found = 1 }
		END { exit found }'
}

# Unfinished work has no place here, nor has the machine on which the code was written.
check_words() {
	! find . \( -path ./build -o -path ./.git \) -prune -o -type f ! -path ./tools/dev/lint.sh -print0 |
		xargs -0 grep -nIE '\b(TODO|FIXME|XXX)\b|/home/[a-z]|/root/'
}

failed=()
for check in format tidy cppcheck shell length words; do
	echo "-- lint $check" >&2
	"check_$check" || failed+=("$check")
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "lint: failed: ${failed[*]}" >&2
	exit 1
fi
echo "lint: clean"
