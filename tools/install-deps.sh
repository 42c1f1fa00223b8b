#!/bin/sh
# Installs the Debian packages that Tutti needs and that are missing: tools/install-deps.sh build|test|fuzz|bench
#
# Silent when all are there. Needs root or sudo only when something is missing. The same names serve Debian 12 and 13.
set -eu

build='gcc libc6-dev make meson ninja-build pkgconf libre-dev libopus-dev libspandsp-dev libsamplerate0-dev libsndfile1-dev libsqlite3-dev
	libgstreamer1.0-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-good libglib2.0-dev libsoup-3.0-dev libjson-glib-dev libssl-dev libavahi-client-dev
	espeak-ng sox libjack-jackd2-dev libasound2-dev libncurses-dev'
# binutils: nm. libclang-rt-dev: what clang links for sanitizers and fuzzers. ca-certificates: only for npm (tests/browser, tests/interop/applemidi), all else is local.
fuzz='clang libclang-rt-dev'
test='binutils clang clang-tidy libclang-rt-dev valgrind sip-tester baresip-core linphone-cli sox python3 iproute2 procps
	libxml2-utils curl openssl groff-base tshark zsh flac opus-tools chromium fonts-inter nodejs npm ca-certificates
	liblo-tools puredata-core supercollider-server jackd2 pipewire pipewire-jack tmux'

case ${1:-} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
fuzz) wanted="$build $fuzz" ;;
bench) wanted="$build python3 jackd2 jamulus jacktrip" ;;
*) echo "usage: $0 build|test|fuzz|bench" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	# shellcheck disable=SC2086 # words
	echo "This is no Debian; these packages, or what they are called here, are needed:" $wanted >&2
	exit 0
fi

missing=
for p in $wanted; do
	# npm may have come with a nodejs that is not Debian's, and then keeps Debian's npm out.
	[ "$p" != npm ] || ! command -v npm >/dev/null || continue
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "Packages are missing; as root: apt-get install$missing" >&2
		exit 1
	fi
	# A password is asked for only where a person can give one.
	if [ -t 0 ]; then as_root=sudo; else as_root='sudo -n'; fi
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	# shellcheck disable=SC2086 # two words
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null
}

echo "installing:$missing"
# The lists of packages may be absent or old: they are fetched once, and only when it does not go without.
# shellcheck disable=SC2086 # a word for each package
if ! apt install --no-install-recommends $missing; then
	apt update || { cat "$log" >&2; exit 1; }
	apt install --no-install-recommends $missing || { cat "$log" >&2; exit 1; }
fi
