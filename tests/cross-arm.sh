#!/bin/sh
# The kernels for 64-bit ARM, on a machine that is none: compiled by the cross compiler, run by qemu's user mode against
# the reference in the same program. Needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user-static and the headers
# of GLib; GLib itself for ARM is fetched by apt with a state of its own, nothing is installed.
#
#     sh tests/cross-arm.sh [FOLDER]        build-arm when not said
set -eu
cd "$(dirname "$0")/.."
out=${1:-build-arm}
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64-static; do
	command -v "$tool" >/dev/null || { echo "cross-arm: no $tool; apt-get install gcc-aarch64-linux-gnu" \
		"libc6-dev-arm64-cross qemu-user-static" >&2; exit 77; }
done
mkdir -p "$out"
out=$(cd "$out" && pwd)

glib_fetch() { # libglib-2.0.so.0 and what it needs, into $out/root
	mkdir -p "$out/apt/lists/partial" "$out/apt/cache/archives/partial" "$out/debs" "$out/root"
	: >"$out/apt/status"
	set -- -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$out/apt" \
		-o Dir::State::lists="$out/apt/lists" -o Dir::State::status="$out/apt/status" -o Dir::Cache="$out/apt/cache" -o APT::Sandbox::User=root
	apt-get "$@" -qq update
	glib=libglib2.0-0
	apt-cache "$@" show libglib2.0-0t64 >/dev/null 2>&1 && glib=libglib2.0-0t64
	(cd "$out/debs" && apt-get "$@" -qq download "$glib" libpcre2-8-0)
	for deb in "$out"/debs/*.deb; do dpkg-deb -x "$deb" "$out/root"; done
}

lib=$out/root/usr/lib/aarch64-linux-gnu
[ -e "$lib/libglib-2.0.so.0" ] || glib_fetch
[ -e "$lib/libglib-2.0.so.0" ] || lib=$out/root/lib/aarch64-linux-gnu

flags="-std=gnu11 -O3 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -I. -fno-strict-aliasing -ffp-contract=off"
# glibconfig.h of x86-64 serves: both are LP64 and little endian.
glib_flags=$(pkg-config --cflags glib-2.0)
for f in kernel kernel_neon mix; do
	# shellcheck disable=SC2086 # words
	$cc $flags -c "mixer/$f.c" -o "$out/$f.o"
done
# shellcheck disable=SC2086 # words
$cc $flags -fno-tree-vectorize -fno-tree-slp-vectorize -c mixer/kernel_scalar.c -o "$out/kernel_scalar.o"
for t in kernel mix; do
	# shellcheck disable=SC2086 # words
	$cc $flags $glib_flags "tests/unit/test-$t.c" "$out"/kernel*.o "$out/mix.o" -o "$out/test-$t" \
		-L"$lib" -l:libglib-2.0.so.0 -lm -Wl,--allow-shlib-undefined
	qemu-aarch64-static -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$lib:$out/root/lib/aarch64-linux-gnu" "$out/test-$t"
done
