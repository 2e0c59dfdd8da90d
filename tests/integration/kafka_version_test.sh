#!/bin/bash
# A smoke run on another release of Apache Kafka, on a broker of its own.
# usage: kafka_version_test.sh BROKER_SCRIPT PROGRAM VERSION
set -euo pipefail
broker=$1 msp=$2
export KAFKA_TEST_VERSION=$3

work=$(mktemp -d)
finish() {
	"$broker" kill "$work/broker"
	rm -rf "$work"
}
trap finish EXIT
cd "$work"
MSP_BROKER=kafka://$("$broker" start "$work/broker")
export MSP_BROKER

for guarantee in at_least_once exactly_once; do
	export MSP_TOPIC_PREFIX=$guarantee MSP_PROCESSING_GUARANTEE=$guarantee
	"$msp" topics create -m iris -p 2
	for number in $(seq 100); do
		echo "{\"sepal_length\": 6.2, \"sepal_width\": 3.4, \"petal_length\": 5.4, \"petal_width\": 2.3}"
		echo "{\"number\": $number}"
	done | "$msp" send -m iris
	"$msp" run -e iris
	"$msp" receive -m iris outputs -e | sort | uniq -c | grep -x ' *100 {"species": "virginica"}'
	[ "$("$msp" receive -m iris errors -e | wc -l)" = 100 ]
	"$msp" topics describe -m iris | grep -x "  group $guarantee.iris_model.0.1: 0 messages to settle"
	"$msp" topics delete -m iris
done
[ -z "$("$msp" topics list)" ]
