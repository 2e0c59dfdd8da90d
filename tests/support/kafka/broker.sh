#!/bin/bash
# One Apache Kafka broker (KRaft, one node, loopback) in a folder of its own. Data outlive stop and kill.
#
#     broker.sh jars [VERSION]      fetch the published jars (default 4.1.0) unless they are there
#     broker.sh start DIR [PROTOCOL…]
#                                   start, wait until it answers, print host:port; with a listener more for each
#                                   PROTOCOL (SASL_PLAINTEXT, SSL), its localhost:port in DIR/address.PROTOCOL
#     broker.sh run DIR             become the broker, for a caller that ends it and waits for it; DIR/address says where
#     broker.sh stop|kill DIR       SIGTERM or SIGKILL, and wait until it is gone
#     broker.sh pause|resume DIR    SIGSTOP, SIGCONT
#
# The jars live in ${XDG_CACHE_HOME:-~/.cache}/msp-tests/kafka-VERSION, or in $KAFKA_TEST_JARS. DIR/extra.properties, when
# it is there before the first start, is added to the broker's settings. With $KAFKA_TEST_PROXY=host:port at the first
# start, the broker has a second listener, at DIR/proxied, whose clients are told to come to that address. Needs a JRE,
# and Maven for the jars.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
version=${KAFKA_TEST_VERSION:-4.1.0}

jars_dir() {
	echo "${KAFKA_TEST_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/msp-tests/kafka-$version}"
}

# A folder is complete once it has its final name; two processes may fetch at the same time.
fetch_jars() {
	local jars partial
	jars=$(jars_dir)
	[ -d "$jars" ] && return
	mkdir -p "$(dirname "$jars")"
	partial=$(mktemp -d "$jars.XXXXXX")
	cp "$here/pom.xml" "$partial/"
	mvn -q -B -f "$partial/pom.xml" "-Dkafka.version=$version" dependency:copy-dependencies \
		"-DoutputDirectory=$partial/jars" >&2
	mv -T "$partial/jars" "$jars" 2>/dev/null || true
	rm -rf "$partial"
}

# The pid file may be stale and its number somebody else's.
alive() {
	[ -s "$dir/pid" ] && grep -qa kafka.Kafka "/proc/$(cat "$dir/pid")/cmdline" 2>/dev/null
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Small and quick: few partitions of the internal topics, no wait for more group members, dead transactions found soon.
write_settings() { # [PROTOCOL…]
	local port controller proxied protocol advertised listen='' advertise='' map=''
	port=$(free_port) controller=$(free_port)
	if [ -n "${KAFKA_TEST_PROXY:-}" ]; then
		proxied=$(free_port)
		echo "127.0.0.1:$proxied" > "$dir/proxied"
		listen=,PROXIED://127.0.0.1:$proxied advertise=,PROXIED://$KAFKA_TEST_PROXY
	fi
	echo "127.0.0.1:$port" > "$dir/address"
	for protocol in "$@"; do
		advertised="localhost:$(free_port)"
		echo "$advertised" > "$dir/address.$protocol"
		listen+=",$protocol://127.0.0.1:${advertised#*:}" advertise+=",$protocol://$advertised" map+=",$protocol:$protocol"
	done
	# No retention: half a minute after its start a broker would delete the messages that tests give times of 1970.
	cat > "$dir/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller$listen
		advertised.listeners=PLAINTEXT://127.0.0.1:$port$advertise
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT$map
		log.dirs=$dir/data
		auto.create.topics.enable=false
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		group.initial.rebalance.delay.ms=0
		group.min.session.timeout.ms=1000
		transaction.abort.timed.out.transaction.cleanup.interval.ms=500
		num.network.threads=2
		num.io.threads=4
		log.cleaner.dedupe.buffer.size=8388608
		log.segment.bytes=67108864
		log.retention.ms=-1
	END
	[ ! -f "$dir/extra.properties" ] || cat "$dir/extra.properties" >> "$dir/server.properties"
}

format() {
	local id
	id=A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)
	java -Xmx128m -cp "$jars/*" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" \
		> "$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; exit 1; }
}

answers() {
	kcat -L -b "$(cat "$dir/address")" -m 1 >/dev/null 2>&1
}

prepare() { # [PROTOCOL…]
	local jars
	fetch_jars
	jars=$(jars_dir)
	[ -f "$dir/server.properties" ] || write_settings "$@"
	[ -f "$dir/data/meta.properties" ] || format
	broker=(java -Xms128m "-Xmx${KAFKA_TEST_HEAP:-512m}" -XX:+UseSerialGC
		-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" kafka.Kafka "$dir/server.properties")
}

run() {
	prepare
	exec "${broker[@]}" >> "$dir/log" 2>&1 < /dev/null
}

start() { # [PROTOCOL…]
	if ! alive; then
		prepare "$@"
		# A session of its own and no stream of ours: it outlives the caller and holds none of its pipes.
		setsid "${broker[@]}" >> "$dir/log" 2>&1 < /dev/null &
		echo $! > "$dir/pid"
	fi
	for _ in $(seq 300); do
		if answers; then
			cat "$dir/address"
			return
		fi
		alive || { echo "the broker ended, see $dir/log" >&2; exit 1; }
		sleep 0.2
	done
	echo "the broker does not answer, see $dir/log" >&2
	exit 1
}

end() {
	alive || { rm -f "$dir/pid"; return; }
	local pid
	pid=$(cat "$dir/pid")
	kill "-$1" "$pid"
	for _ in $(seq 200); do
		alive || { rm -f "$dir/pid"; return; }
		sleep 0.1
	done
	kill -KILL "$pid"
	rm -f "$dir/pid"
}

command=${1:-help}
if [ "$command" = jars ]; then
	version=${2:-$version}
	fetch_jars
	exit
fi
if [ $# -lt 2 ]; then
	sed -n '2,15s/^# \{0,1\}//p' "$0"
	exit 2
fi
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $command in
start) start "${@:3}" ;;
run) run ;;
stop) end TERM ;;
kill) end KILL ;;
pause) kill -STOP "$(cat "$dir/pid")" ;;
resume) kill -CONT "$(cat "$dir/pid")" ;;
*) echo "broker.sh: what is $command?" >&2; exit 2 ;;
esac
