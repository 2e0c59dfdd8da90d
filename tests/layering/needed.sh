#!/bin/bash
# Fails when a program needs another shared library than the system's and the sanitizers'.
# usage: needed.sh PROGRAM
set -euo pipefail
needed=$(readelf --dynamic "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
[ -n "$needed" ] || { echo "$1 needs nothing at all" >&2 && exit 1; }
! grep -vE '^(ld-linux.*|lib(c|m|dl|pthread|gcc_s|asan|ubsan|tsan))\.so(\.|$)' <<<"$needed"
