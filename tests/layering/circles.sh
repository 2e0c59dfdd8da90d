#!/bin/bash
# Fails when files of one folder need each other in a circle: a file needs the headers that it includes, and a .c file
# those that define the symbols which its object uses. Folders in it must not include each other in a circle either.
# usage: circles.sh FOLDER OBJECT…
set -euo pipefail
folder=$1
shift

while read -r file; do
	[[ " $* " == *"/${file##*/}.o "* ]] || { echo "$file: no object" >&2 && exit 1; }
done < <(find "$folder" -name '*.c')

# Each line: a file or a folder, and one that it needs.
includes() {
	find "$folder" -name '*.[ch]' -exec grep -EHo '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"][^>"]+' {} + |
		awk -v folder="$folder/" -v headers="$(find "$folder" -name '*.h' -printf '%p ')" '
			function name_of(path) { sub(/.*\//, "", path); return path }
			function room_of(path) { path = substr(path, length(folder) + 1); return sub(/\/[^\/]*$/, "/", path) ? path : "" }
			BEGIN { count = split(headers, list, " "); for (i = 1; i <= count; i++) ours[list[i]] }
			{
				file = $0; sub(/:.*/, "", file)
				header = $0; sub(/.*[<"]/, "", header)
				own = file; sub(/[^\/]*$/, "", own)
				path = (own header) in ours ? own header : (folder header) in ours ? folder header : folder "include/" header
				if (!(path in ours)) next
				print name_of(file), name_of(path)
				if (room_of(file) && room_of(path) && path !~ /\/include\//) print room_of(file), room_of(path)
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
