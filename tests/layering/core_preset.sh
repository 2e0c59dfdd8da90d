#!/bin/bash
# Builds the preset "core" where pkg-config knows no client library, and runs its unit tests.
# usage: core_preset.sh SOURCE_DIRECTORY C_COMPILER
set -euo pipefail
source=$1
compiler=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/pkgconfig"
cp "$(pkg-config --variable=pcfiledir cmocka)/cmocka.pc" "$scratch/pkgconfig"
export PKG_CONFIG_LIBDIR=$scratch/pkgconfig
unset PKG_CONFIG_PATH

cd "$source"
if ! { cmake --preset core -B "$scratch/build" -DCMAKE_C_COMPILER="$compiler" && cmake --build "$scratch/build"; } \
	>"$scratch/log" 2>&1; then
	cat "$scratch/log" >&2
	exit 1
fi
cd "$scratch/build"
ctest --output-on-failure --no-tests=error -j "$(nproc)" -L unit
