#!/bin/bash
# Prints the Debian packages with the libraries that an installed msp and its models load, one per line.
# usage: runtime_packages.sh PREFIX
set -euo pipefail
prefix=$1

# The paths of all libraries, as the loader finds them; fails when it misses one.
libraries() {
	local found
	found=$(ldd "$prefix/bin/msp" "$prefix"/lib/msp/models/*.so)
	if grep 'not found' <<<"$found" >&2; then
		return 1
	fi
	sed -nE 's/.* => (\/.*) \(0x[0-9a-f]+\)$/\1/p' <<<"$found" | sort -u
}

# Debian moved /lib to /usr/lib, but packages may still list the old place.
package_of() { # LIBRARY
	local path
	for path in "$1" "$(realpath "$1")" "/usr$1"; do
		dpkg-query --search "$path" 2>/dev/null && return
	done
	echo "${0##*/}: no package has $1" >&2
	return 1
}

paths=$(libraries)
for path in $paths; do
	package_of "$path"
done | sed 's/:.*//' | sort -u
