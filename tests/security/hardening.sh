#!/bin/sh
# usage: hardening.sh READELF OBJDUMP FILE: whether a program or plugin is built with all that it should be.
set -eu
readelf=$1 objdump=$2 file=$3
failed=0

require() { # WHAT PATTERN readelf-option…
	what=$1 pattern=$2
	shift 2
	if ! "$readelf" "$@" --wide "$file" | grep -Eq "$pattern"; then
		echo "$file: no $what"
		failed=1
	fi
}

require 'position independent code' 'Type: +DYN' --file-header
require 'read-only relocations' 'GNU_RELRO' --program-headers
require 'immediate binding' 'BIND_NOW|FLAGS.*NOW' --dynamic
require 'stack protector' '__stack_chk_fail' --dyn-syms
require 'fortified functions' '_chk(@|$)' --dyn-syms
# The property note of the file is lost where the C library's own start files lack it: the functions tell.
case $("$readelf" --file-header "$file") in
*X86-64*)
	if [ "$("$objdump" --disassemble --no-show-raw-insn "$file" | grep -c endbr64)" -lt 10 ]; then
		echo "$file: no control-flow protection"
		failed=1
	fi
	;;
esac
if "$readelf" --program-headers --wide "$file" | grep -Eq 'GNU_STACK.*E +0x'; then
	echo "$file: an executable stack"
	failed=1
fi
exit $failed
