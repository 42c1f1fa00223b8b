#!/bin/sh
# Runs every fuzz target under libFuzzer: tests/fuzz/run.sh [NAME...]
#
#   FUZZ_SECONDS   seconds for each target, one after the other (3600)
#   FUZZ_BUILD     build folder (build-fuzz); new finds are kept there, under finds/NAME, never in the tree
#   FUZZ_JOBS      targets at a time (number of processors)
#
# An input that kills a target is left in finds/NAME/crash-*; make it small, give it a telling name and add it to
# tests/fuzz/corpus/NAME with the fix.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${FUZZ_SECONDS:-3600}
build=${FUZZ_BUILD:-$root/build-fuzz}
jobs=${FUZZ_JOBS:-$(nproc)}

one() {
	finds=$build/finds/$1
	mkdir -p "$finds/corpus"
	if (cd "$finds" && "$build/tests/fuzz/fuzz-$1" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 "$finds/corpus" "$here/corpus/$1") >"$finds/log" 2>&1; then
		echo "ok - $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$finds/log") inputs"
	else
		echo "not ok - $1: see $finds/log"
		return 1
	fi
}

if [ "${FUZZ_ONE:-}" ]; then
	one "$FUZZ_ONE"
	exit
fi

command -v clang >/dev/null || { echo "make fuzz needs clang (apt-get install clang)" >&2; exit 69; }
[ -f "$build/build.ninja" ] ||
	CC=clang meson setup "$build" "$root" --buildtype=debugoptimized -Dfuzz=true -Dchecks=asan -Db_lundef=false

names=$*
[ -n "$names" ] || names=$(cd "$here" && ls | sed -n 's/^fuzz-\(.*\)\.c$/\1/p')
[ -n "$names" ] || { echo "no fuzz targets in $here" >&2; exit 1; }

targets=
for name in $names; do targets="$targets tests/fuzz/fuzz-$name"; done
# shellcheck disable=SC2086 # one word for each target
ninja -C "$build" $targets

export FUZZ_BUILD="$build" FUZZ_SECONDS="$seconds"
# shellcheck disable=SC2086
printf '%s\n' $names | xargs -P "$jobs" -I{} env FUZZ_ONE={} "$0" {}
