#!/bin/sh
# Starts a fresh broker for the tests, or does nothing when MSP_TEST_KAFKA names a running one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -z "${MSP_TEST_KAFKA:-}" ] || exit 0
"$here/broker.sh" stop "$2"
rm -rf "$2"
[ "$1" = stop ] || "$here/broker.sh" start "$2"
