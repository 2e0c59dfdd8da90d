# shellcheck shell=bash
# How the developer's commands talk. Sourced by ./dev and the scripts beside this file.

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# step TITLE COMMAND…: one line for a long quiet command; everything that it printed when it fails.
step() {
	local title=$1 log status=0 start=$SECONDS
	shift
	log=$(mktemp)
	printf -- '-- %s\n' "$title" >&2
	"$@" >"$log" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		printf '   done in %d s\n' $((SECONDS - start)) >&2
	else
		cat "$log" >&2
		printf '   failed after %d s: %s\n' $((SECONDS - start)) "$title" >&2
	fi
	rm -f "$log"
	return "$status"
}
