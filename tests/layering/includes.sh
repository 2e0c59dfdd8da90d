#!/bin/bash
# Who may include what. README.md beside this file draws it.
# usage: includes.sh SOURCE_DIRECTORY
set -euo pipefail
shopt -s nullglob
cd "$1"

# folder                headers of its one library
libraries='
core
cli                     yaml.h
codecs/json             jansson.h
codecs/msgpack          msgpack.h msgpack/unpack_define.h msgpack/unpack_template.h
transports/kafka        librdkafka/rdkafka.h librdkafka/rdkafka_mock.h
transports/redis        hiredis/hiredis.h hiredis/hiredis_ssl.h
transports/sqlite       sqlite3.h
models/echo
models/iris             libsvm/svm.h
'

# The language and the operating system, which everybody may use.
system='(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg'
system+='|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|time|uchar|wchar|wctype'
system+='|dirent|dlfcn|fcntl|fnmatch|getopt|glob|langinfo|libgen|netdb|poll|pthread|pwd|regex|sched|semaphore|spawn'
system+='|syslog|termios|unistd|arpa/inet|linux/[a-z_]+|net/if|netinet/[a-z]+|sys/[a-z_]+)\.h'

failures=0
refuse() { # FILE HEADER REASON
	echo "$1: #include $2: $3" >&2
	failures=$((failures + 1))
}

is_listed() { # WORD WORD…
	local word=$1
	shift
	[[ " $* " == *" $word "* ]]
}

check_angle_include() { # FOLDER FILE HEADER LIBRARY_HEADER…
	local folder=$1 file=$2 header=$3
	shift 3
	[[ ! $header =~ ^$system$ ]] || return 0
	! is_listed "$header" "$@" || return 0
	[ ! -e "core/include/$header" ] && [ ! -e "$folder/include/$header" ] || return 0
	refuse "$file" "<$header>" "neither core's, nor of the one library of $folder/, nor the system's"
}

# Own private headers stand in the same folder. The rooms of the program name each other's from its top, and what is
# built in through generated builtin_*.h.
check_quoted_include() { # FOLDER FILE HEADER
	local folder=$1 file=$2 header=$3
	[ ! -e "$(dirname "$file")/$header" ] || [[ $header == */* ]] || return 0
	[ ! -e "$folder/include/$header" ] || return 0
	[ "$folder" != cli ] || [ ! -e "cli/$header" ] || [[ $header == *..* ]] || return 0
	[ ! -e "$folder/$header.in" ] || return 0
	refuse "$file" "\"$header\"" "not a header of $folder/"
}

check_folder() { # FOLDER LIBRARY_HEADER…
	local folder=$1 file form header count=0
	shift
	while read -r file form header; do
		count=$((count + 1))
		case $form in
		'<') check_angle_include "$folder" "$file" "$header" "$@" ;;
		'"') check_quoted_include "$folder" "$file" "$header" ;;
		esac
	done < <(find "$folder" -name '*.[ch]' -exec \
		sed -nE 's|^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"].*|\1 \2|; t show; b; :show; F; p' {} + | paste -d ' ' - -)
	[ "$count" -gt 0 ] || refuse "$folder" '' 'has no includes at all: is this the source tree?'
}

checked=' '
while read -r folder headers; do
	[ -d "${folder:-none}" ] || continue
	# shellcheck disable=SC2086 # one word per header
	check_folder "$folder" $headers
	checked+="$folder "
done <<<"$libraries"

for folder in transports/*/ codecs/*/ models/*/; do
	is_listed "${folder%/}" "$checked" || refuse "${folder%/}" '' 'say in includes.sh which library it may use'
done
[ "$failures" = 0 ]
