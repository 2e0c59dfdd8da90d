# shellcheck shell=bash
# What each job needs from Debian, and its installation. Sourced by ./dev.
# Names hold on Debian 12 and 13. A name that differs between them is written a|b: the first that exists is taken.
# shellcheck disable=SC2034 # ./dev reads the lists

build_packages=(
	gcc libc6-dev cmake ninja-build pkgconf
	libhiredis-dev libjansson-dev "libmsgpack-dev|libmsgpack-c-dev" librdkafka-dev libsqlite3-dev libsvm-dev libyaml-dev
)
test_packages=(
	"${build_packages[@]}" libcmocka-dev
	default-jre-headless kcat maven openssl python3 redis-server # the brokers
	python3-msgpack                                      # the other implementation of the format
	docker-compose python3-yaml                          # the container files
)
clang_packages=(clang libclang-rt-dev)
format_packages=(clang-format)
lint_packages=("${test_packages[@]}" "${clang_packages[@]}" "${format_packages[@]}" clang-tidy cppcheck shellcheck)

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_available() {
	apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Prints those alternatives of which none is installed.
missing_packages() {
	local alternatives name
	for alternatives in "$@"; do
		for name in ${alternatives//|/ }; do
			is_installed "$name" && continue 2
		done
		echo "$alternatives"
	done
}

# Prints the first name of each alternative that the package lists know; fails when they know none of them.
choose_packages() {
	local alternatives name
	for alternatives in "$@"; do
		for name in ${alternatives//|/ }; do
			is_available "$name" && echo "$name" && continue 2
		done
		return 1
	done
}

# The lists of a fresh machine are empty and those of an old one out of date: fetch them when they do not serve.
install_missing() {
	local chosen
	if chosen=$(choose_packages "$@"); then
		# shellcheck disable=SC2086 # one word per package
		apt_get install --no-install-recommends $chosen && return
	fi
	apt_get update && chosen=$(choose_packages "$@") || return
	# shellcheck disable=SC2086
	apt_get install --no-install-recommends $chosen
}

# Asks nothing of the network when everything is there.
install_packages() {
	local missing
	command -v dpkg-query >/dev/null || die "this is no Debian: please install the like of: $*"
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "missing packages: ${missing[*]}; run as root or install sudo, so that apt-get can install them"
	fi
	step "install ${missing[*]}" install_missing "${missing[@]}"
}
