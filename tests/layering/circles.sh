#!/bin/bash
# Fails when files of one folder need each other in a circle: a file needs the headers that it includes, and a .c file
# those that define the symbols which its object uses.
# usage: circles.sh FOLDER OBJECT…
set -euo pipefail
folder=$1
shift

for file in "$folder"/*.c; do
	[[ " $* " == *"/${file##*/}.o "* ]] || { echo "$file: no object" >&2 && exit 1; }
done

# Each line: a file, and one that it needs.
includes() {
	find "$folder" -name '*.[ch]' -exec grep -EHo '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"][^>"]+' {} + |
		awk -v headers="$(find "$folder" -name '*.h' -printf '%P ' | sed 's|\binclude/||g')" '
			function name_of(path) { sub(/.*\//, "", path); return path }
			BEGIN { count = split(headers, list, " "); for (i = 1; i <= count; i++) ours[list[i]] }
			{
				file = $0; sub(/:.*/, "", file)
				header = $0; sub(/.*[<"]/, "", header)
				if (header in ours) print name_of(file), name_of(header)
			}'
}

symbols() { # OBJECT…
	nm --extern-only --print-file-name "$@" | awk '
		{ user = $1; sub(/.*\//, "", user); sub(/\.o:.*/, "", user) }
		$(NF - 1) == "U" { users[$NF] = users[$NF] " " user; next }
		{ owner[$NF] = user }
		END {
			for (symbol in users) {
				count = split(users[symbol], names, " ")
				for (i = 1; i <= count && symbol in owner; i++)
					print names[i], owner[symbol]
			}
		}'
}

needs=$({ includes && symbols "$@"; } | sort -u)
# Of a circle tsort names the files.
tsort <<<"$needs" >/dev/null
