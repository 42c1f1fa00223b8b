#!/bin/sh
# Measures what is promised about sound, against a bare UDP echo in the same run. Prints promise, figure, verdict; writes
# them and the pictures to OUT.
#
#   QUICK=1          under three minutes: one turn each, smaller rooms
#   OUT=DIR          where results.json, *.csv and *.svg go (BUILD/bench)
#   TUTTI_BUILD=DIR  measure what is there; else build-bench is made, a release
#   ONLY=a,b         only these parts: see the names in bench.py
#   DOCS=1           write the figures into docs/performance.md and the pictures into docs/performance/
set -eu
cd "$(dirname "$0")/../.."

if [ -z "${TUTTI_BUILD:-}" ]; then
	TUTTI_BUILD=build-bench
	test -f $TUTTI_BUILD/build.ninja || meson setup $TUTTI_BUILD --buildtype=release >/dev/null
	meson configure $TUTTI_BUILD -Dtests=true              # some that measure stand on what the tests stand on
	ninja -C $TUTTI_BUILD --quiet tutti tutti-join tutti-load measure
fi
export TUTTI_BUILD OUT="${OUT:-$TUTTI_BUILD/bench}"
exec python3 tests/bench/bench.py
