#!/bin/sh
# Where do the nanoseconds go? One room on one media thread under perf, while tutti-load calls it.
#
#   tests/bench/profile.sh [options of tutti-load]     default: -n 100 --talkers 8
#   TUTTI_BUILD=DIR   which build (build-bench); NAME=room (music-... for a music room); SECONDS_=5
set -eu
cd "$(dirname "$0")/../.."
build=${TUTTI_BUILD:-build-bench}
dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill $server; wait; rm -rf "$dir"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

"$build/tutti" -o sip.listen=udp:127.0.0.1:"$port" -o media.ports=20000-32001 -o http.listen= -o state.dir="$dir" \
	-o sip.invite-rate=0 -o sip.max-calls=20000 -o rooms.max-members=20000 -o media.threads=1 -o log.level=warning >"$dir/log" 2>&1 &
server=$!
sleep 1
[ $# -gt 0 ] || set -- -n 100 --talkers 8
"$build/tutti-load" "$@" --cps 400 --hold $((${SECONDS_:-5} + 3)) --pid $server "sip:${NAME:-load}@127.0.0.1:$port" >"$dir/load" &
load=$!
sleep 2
perf record -q -e cpu-clock -F 997 -g -p $server -o "$dir/perf.data" -- sleep "${SECONDS_:-5}"
wait $load || true
cat "$dir/load"
perf report -i "$dir/perf.data" --no-children -g none --percent-limit 0.7 2>/dev/null | grep -v '^#' | grep .
