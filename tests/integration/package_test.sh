#!/bin/bash
# Installs the package and builds models against it from outside the tree, as their authors would.
# usage: package_test.sh BUILD_FOLDER SOURCE_FOLDER MODEL_CONTRACT_PROGRAM
# CC and CFLAGS are those of the build.
set -euo pipefail
build=$1
source=$2
contract=$3
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

# The first block of the language $1 in the models' README that has the word $2.
block() {
	awk -v language="$1" -v word="$2" '
		/^```/ && inside { if (found) exit; inside = 0; next }
		/^```/ { inside = substr($0, 4) == language; text = ""; next }
		inside { text = text $0 "\n"; if (index($0, word)) found = 1 }
		END { printf "%s", text; exit !found }
	' "$source/models/README.md"
}

step() {
	echo "== $*"
}

step "the package is installed, then moved"
cmake --install "$build" --prefix "$here/first" >/dev/null
mv "$here/first" "$here/prefix"
if grep -rl "$here\|$source\|$build" "$here/prefix/lib" --include='*.cmake' --include='*.pc'; then
	echo "these files name the folder that they were built in or installed to"
	exit 1
fi
export CMAKE_PREFIX_PATH=$here/prefix
PKG_CONFIG_PATH=$(dirname "$(find "$here/prefix" -name msp.pc)")
export PKG_CONFIG_PATH
mkdir "$here/bin"
printf '#!/bin/sh\nexec %s %s "$@"\n' "$CC" "$CFLAGS" >"$here/bin/cc"
chmod +x "$here/bin/cc"
export PATH=$here/bin:$here/prefix/bin:$PATH

step "test models are not installed"
test -z "$(find "$here/prefix" -name faulty.so)"

step "echo, copied out of the tree, builds, keeps the contract and installs beside the others"
cp -r "$source/models/echo" "$here/echo"
cmake -S "$here/echo" -B "$here/echo/build"
cmake --build "$here/echo/build"
"$contract" "$here/echo/build/echo.so"
cmake --install "$here/echo/build" --prefix "$here/own"
test -f "$here/own/$(cd "$here/prefix" && find . -name echo.so)"

step "the README's model builds with CMake"
mkdir "$here/fahrenheit"
cd "$here/fahrenheit"
block c msp_model_plugin >fahrenheit.c
block cmake msp_add_model >CMakeLists.txt
CFLAGS="$CFLAGS -Wall -Wextra -Werror" bash -euo pipefail -c "$(block sh 'cmake -S')"
"$contract" "$PWD/build/fahrenheit.so"

step "the README's model builds with pkg-config"
bash -euo pipefail -c "$(block sh pkg-config)"
"$contract" "$PWD/fahrenheit.so"

if [ -x "$here/prefix/bin/msp" ]; then
	step "the README's model answers"
	answer=$(bash -euo pipefail -c "$(block sh 'msp predict')")
	test "$answer" = "$(block text fahrenheit)"
fi
