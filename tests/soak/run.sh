#!/bin/sh
# An hour of a room on a simulated clock, in some five minutes; then, when asked for, a real server under real calls.
#
#   MINUTES=60        and a real server for so long (none)
#   BAND=60           and tutti-join in JACK for so long (none)
#   SOAK_MINUTES=60   of simulated time
set -eu
cd "$(dirname "$0")/../.."

build=build-release
test -f $build/build.ninja || meson setup $build --buildtype=release -Dwerror=true >/dev/null
ninja -C $build --quiet
SOAK_MINUTES="${SOAK_MINUTES:-60}" $build/tests/soak/soak-mixer
BAND_MINUTES="${SOAK_MINUTES:-60}" $build/tests/soak/soak-band
NOTES_MINUTES="${SOAK_MINUTES:-60}" $build/tests/soak/soak-notes
test -z "${MINUTES:-}" || TUTTI_BUILD=$build python3 tests/soak/soak.py "$MINUTES"
test -z "${BAND:-}" || TUTTI_BUILD=$build python3 tests/soak/band_hour.py "$BAND"
