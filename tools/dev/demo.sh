#!/bin/bash
# The main job from start to end, on the embedded broker: 150 flowers and a few bad messages through the iris model.
# usage: demo.sh BUILD_DIRECTORY FOLDER    (FOLDER is emptied, and keeps the topics afterwards)
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tools/dev/say.sh"
build=$(realpath "$1")
folder=$2
export PATH="$build:$PATH"

flowers=$top/models/iris/iris.csv
broker=sqlite:msp.db
deadline_s=30
server=

# Its exit status; killed when it does not end by itself.
stop_server() {
	[ -n "$server" ] || return 0
	local status=0 give_up=$((SECONDS + deadline_s))
	kill -TERM "$server" 2>/dev/null || true
	while kill -0 "$server" 2>/dev/null; do
		[ "$SECONDS" -lt "$give_up" ] || kill -KILL "$server" 2>/dev/null || true
		sleep 0.05
	done
	wait "$server" || status=$?
	server=
	return "$status"
}

cleanup() {
	local status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -s run.log ]; then
		printf '\nmsp run said:\n' >&2
		cat run.log >&2
	fi
	stop_server || true
	exit "$status"
}

heading() {
	printf '\n%s\n' "$*"
}

# The row number is the key, so that each output can be compared with the label of its row.
flowers_as_json() {
	awk -F , '
		NR == 1 { for (i = 1; i <= 4; i++) name[i] = $i; next }
		{
			printf "row-%03d:", NR - 1
			for (i = 1; i <= 4; i++) printf "%s\"%s\":%s", i == 1 ? "{" : ",", name[i], $i
			print "}"
		}' "$flowers"
}

bad_inputs() {
	cat <<-'INPUTS'
		broken-json:{"sepal_length":5.1,"sepal_width":
		missing-field:{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4}
		text-for-number:{"sepal_length":"5.1","sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}
		unknown-field:{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2,"colour":"blue"}
	INPUTS
}

# The server ends with this script, even when that is killed with no chance to clean up.
start_server() {
	setpriv --pdeathsig TERM msp run -b "$broker" --ready-file ready iris 2>run.log &
	server=$!
	local give_up=$((SECONDS + deadline_s))
	until [ -e ready ]; do
		kill -0 "$server" 2>/dev/null || die "msp run ended before it was ready"
		[ "$SECONDS" -lt "$give_up" ] || die "msp run was not ready within $deadline_s s"
		sleep 0.05
	done
}

# receive COUNT TOPIC FORMAT: waits until so many are there.
receive() {
	timeout "$deadline_s" msp receive -b "$broker" -m iris "$2" -c "$1" -f "$3" ||
		die "no $1 messages in $2 within $deadline_s s"
}

tally() {
	awk -F , '
		FNR == NR { if (FNR > 1) label[sprintf("row-%03d", FNR - 1)] = $5; next }
		{
			row = substr($0, 1, index($0, " ") - 1)
			match($0, /"species": *"[a-z]+"/)
			predicted = substr($0, RSTART, RLENGTH - 1)
			sub(/.*"/, "", predicted)
			count[label[row], predicted]++
			right += label[row] == predicted
		}
		END {
			n = split("setosa versicolor virginica", species, " ")
			printf "  %-18s", "true \\ predicted"
			for (i = 1; i <= n; i++) printf "%12s", species[i]
			print ""
			for (i = 1; i <= n; i++) {
				printf "  %-18s", species[i]
				for (j = 1; j <= n; j++) printf "%12d", count[species[i], species[j]]
				print ""
			}
			printf "  %d of %d as labelled\n", right, FNR
		}' "$flowers" "$1"
}

# FILE has lines of key, tab, headers as name=value with commas between.
reasons() {
	awk -F '\t' '
		function header(name, found) {
			if (!match($2, "(^|,)msp-error-" name "=")) return "-"
			found = substr($2, RSTART + RLENGTH)
			sub(/,msp-.*/, "", found)
			return found
		}
		{
			path = header("path")
			printf "  %-16s %-9s %-17s ", $1, header("stage"), header("code")
			print header("message") (path == "-" ? "" : "  (at " path ")")
		}' "$1"
}

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
trap cleanup EXIT
trap 'exit 130' INT TERM
flowers_as_json >flowers.txt
bad_inputs >bad.txt
flower_count=$(wc -l <flowers.txt)
bad_count=$(wc -l <bad.txt)

heading "1. Create the topics of the iris model in one SQLite file.   \$ msp topics create -b $broker -m iris"
msp topics create -b "$broker" -m iris | sed 's/^/  /'

heading "2. Serve the model.   \$ msp run -b $broker iris &"
start_server
echo "  ready"

heading "3. Send $flower_count flowers, then $bad_count bad messages.   \$ msp send -b $broker -m iris -K : <flowers.txt"
head -n 2 flowers.txt | sed 's/^/  /'
echo "  …"
sed 's/^/  /' bad.txt
msp send -b "$broker" -m iris -K : <flowers.txt
msp send -b "$broker" -m iris -K : <bad.txt

heading "4. What the model said.   \$ msp receive -b $broker -m iris outputs -f '%k %s\\n'"
receive "$flower_count" outputs '%k %s\n' >outputs.txt
awk 'NR % 50 == 1 { print "  " $0 }' outputs.txt
echo "  …"
tally outputs.txt

heading "5. What was refused, and why.   \$ msp receive -b $broker -m iris errors -f '%k\\t%h\\n'"
receive "$bad_count" errors '%k\t%h\n' >errors.txt
reasons errors.txt

heading "6. Stop the server: it settles what it holds and leaves."
stop_server
echo "  stopped"

cat <<NEXT

Try next: your own flower, without a broker
  echo '{"sepal_length":6,"sepal_width":3,"petal_length":5,"petal_width":2}' | build/release/msp predict -m iris
or the refused messages whole, with all that is known of each
  build/release/msp receive -b sqlite:$folder/msp.db -m iris errors -e -J
NEXT
