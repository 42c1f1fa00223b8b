#!/bin/bash
# Does the front door open on a machine that has nothing? As root:
#
#     tests/fresh/run.sh [bookworm|trixie] [run|packages|test]
#
# Makes a bare Debian with debootstrap in a temporary folder, puts git and make and a clean clone of HEAD into it, and there
#
#     run    `make run`: installs, builds, starts; an OPTIONS is answered 200, the token was printed once, SIGTERM ends it
#            with status 0; a second start installs and builds nothing and prints no token
#     packages   only the first thing `make test` does: installs what it needs; a second time it installs nothing and is silent
#     test   `make test`
#
#   FRESH_BASE   a folder that debootstrap has filled before: copied instead of made
#   FRESH_KEEP   set: the folder is left for a look
#
# The mirror is the one this machine itself uses. The network is shared with it, so SIP is put on a free loopback port.
set -euo pipefail
release=${1:-bookworm} mode=${2:-run}
here=$(cd "$(dirname "$0")/../.." && pwd)

say() { echo "fresh: $*"; }
fail() { echo "fresh: FAILED: $*" >&2; exit 1; }

case $release in bookworm | trixie) ;; *) echo "usage: $0 [bookworm|trixie] [run|packages|test]" >&2; exit 2 ;; esac
case $mode in run | packages | test) ;; *) echo "usage: $0 [bookworm|trixie] [run|packages|test]" >&2; exit 2 ;; esac
[ "$(id -u)" = 0 ] || { echo "fresh: needs root, for chroot and mounts" >&2; exit 1; }
command -v debootstrap >/dev/null || [ -n "${FRESH_BASE:-}" ] || { echo "fresh: needs debootstrap" >&2; exit 1; }

# The first source with "main" for the running release, in either form of the file; only one that mirrors all of Debian.
mirror() {
	local codename
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	{
		sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\)  *\([^ ]*\) .*main.*/\3 \2/p' /etc/apt/sources.list \
			/etc/apt/sources.list.d/*.list 2>/dev/null || true
		for f in /etc/apt/sources.list.d/*.sources; do
			[ ! -f "$f" ] || awk -v RS= '{
				uri = ""; suites = ""; main = 0
				n = split($0, lines, "\n")
				for (i = 1; i <= n; i++) {
					if (lines[i] ~ /^URIs:/) { split(lines[i], w, /[ \t]+/); uri = w[2] }
					if (lines[i] ~ /^Suites:/) { suites = lines[i]; sub(/^Suites:[ \t]*/, "", suites) }
					if (lines[i] ~ /^Components:.*main/) main = 1
				}
				if (main && uri) { split(suites, s, /[ \t]+/); print s[1], uri }
			}' "$f"
		done
	} | awk -v c="$codename" '$1 == c {print $2; exit}'
}

root=$(mktemp -d /tmp/tutti-fresh.XXXXXX)
make_pid=''

# Whatever runs with that root was started by this script.
processes_inside() { # [NAME]
	local dir
	for dir in /proc/[0-9]*; do
		[ "$(readlink "$dir/root" 2>/dev/null)" = "$root" ] || continue
		[ -z "${1:-}" ] || [ "$(cat "$dir/comm" 2>/dev/null)" = "$1" ] || continue
		echo "${dir#/proc/}"
	done
}

cleanup() {
	local pid m
	for pid in $(processes_inside); do kill -9 "$pid" 2>/dev/null || true; done
	for m in dev/pts dev/shm proc; do
		! mountpoint -q "$root/$m" || umount "$root/$m" || true
	done
	if [ -n "${FRESH_KEEP:-}" ]; then
		say "left in $root"
	elif mountpoint -q "$root/proc"; then
		say "$root is still in use, and left there"
	else
		rm -rf --one-file-system "$root"
	fi
}
trap cleanup EXIT

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb "$@"; }

prepare() {
	if [ -n "${FRESH_BASE:-}" ]; then
		cp -a "$FRESH_BASE/." "$root/"
	else
		local from
		from=$(mirror)
		[ -n "$from" ] || fail "no mirror found in /etc/apt"
		say "debootstrap $release"
		debootstrap --variant=minbase "$release" "$root" "$from" >"$root.log" 2>&1 || { tail -n 20 "$root.log"; fail debootstrap; }
		rm -f "$root.log"
	fi
	mount -t proc proc "$root/proc"
	mkdir -p "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	apt-config dump 2>/dev/null | grep -E '^Acquire::(https?::Proxy|Check-)' >"$root/etc/apt/apt.conf.d/90fresh" || true

	say "git, make and a clone"
	inside sh -c 'export DEBIAN_FRONTEND=noninteractive
		apt-get -q update && apt-get -q -y install --no-install-recommends git make' >"$root/log" 2>&1 </dev/null ||
		{ tail -n 20 "$root/log"; fail "git and make"; }
	# As on a machine that was set up a while ago: the package lists are not there.
	rm -rf "$root"/var/lib/apt/lists/*
	git clone -q --no-hardlinks "$here" "$root/root/tutti"
	rm -f "$root/log"
}

answers() { # PORT: an OPTIONS over UDP, and the first line of what comes back
	local line='' branch=z9hG4bK$RANDOM$RANDOM
	exec 3<>"/dev/udp/127.0.0.1/$1" || return 1
	# Not bash's own printf: it writes line by line, and each would be a datagram.
	env printf 'OPTIONS sip:127.0.0.1:%s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=%s\r\nMax-Forwards: 70\r\nFrom: <sip:fresh@127.0.0.1>;tag=%s\r\nTo: <sip:127.0.0.1:%s>\r\nCall-ID: %s@fresh\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n' \
		"$1" "$branch" "$RANDOM" "$1" "$branch" >&3 2>/dev/null || { exec 3>&-; return 1; }
	# Not with read: it takes one byte a time, and of a datagram the rest is gone then.
	line=$(timeout 1 dd bs=65535 count=1 status=none <&3 2>/dev/null | head -n 1) || true
	exec 3>&-
	[[ $line == "SIP/2.0 200"* ]]
}

start_and_stop() { # LIMIT LOG
	local port=$((20000 + RANDOM % 9000)) begin=$SECONDS status=0 server_pid
	inside make -C /root/tutti --no-print-directory run \
		ARGS="-o sip.listen=udp:127.0.0.1:$port,tcp:127.0.0.1:$port,tls:127.0.0.1:$((port + 1)) -o http.listen= -o media.ports=40000-40999" \
		>"$2" 2>&1 </dev/null &
	make_pid=$!
	until answers "$port"; do
		kill -0 "$make_pid" 2>/dev/null || { tail -n 40 "$2"; fail "make run ended before it answered"; }
		[ $((SECONDS - begin)) -lt "$1" ] || { tail -n 40 "$2"; fail "no answer within $1 s"; }
		sleep 1
	done
	say "make run answers OPTIONS after $((SECONDS - begin)) s"

	server_pid=$(processes_inside tutti)
	[ -n "$server_pid" ] || fail "no process named tutti in there"
	kill -TERM "$server_pid"
	wait "$make_pid" || status=$?
	make_pid=''
	[ "$status" = 0 ] || { tail -n 20 "$2"; fail "exit status $status after SIGTERM"; }
}

try_run() {
	start_and_stop 900 "$root/first.log"
	[ -s "$root/var/lib/tutti/admin-token" ] || fail "no admin token in the state folder"
	grep -q "$(cat "$root/var/lib/tutti/admin-token")" "$root/first.log" || fail "the token was not printed"
	grep -q 'sip:' "$root/first.log" || fail "no address to dial was printed"
	[ "$(stat -c %a "$root/var/lib/tutti")" = 700 ] || fail "the state folder is open to others"

	start_and_stop 60 "$root/second.log"
	! grep -q "$(cat "$root/var/lib/tutti/admin-token")" "$root/second.log" || fail "the token was printed a second time"
	! grep -q installing "$root/second.log" || fail "packages were installed a second time"
	sed 's/^/    /' "$root/second.log"
	say "make run: passed on $release"
}

try_packages() {
	inside sh /root/tutti/tools/install-deps.sh test >"$root/packages.log" 2>&1 </dev/null || { tail -n 20 "$root/packages.log"; fail "packages"; }
	inside sh /root/tutti/tools/install-deps.sh test >"$root/again.log" 2>&1 </dev/null && [ ! -s "$root/again.log" ] ||
		{ tail -n 20 "$root/again.log"; fail "packages: a second time"; }
	say "packages of make test: passed on $release"
}

try_test() {
	local status=0
	inside make -C /root/tutti --no-print-directory test </dev/null 2>&1 | tee "$root/test.log" | tail -n 40 || status=$?
	grep -Eq '^[0-9]+ passed, 0 failed$' <(tail -n 1 "$root/test.log") || fail "the last line is: $(tail -n 1 "$root/test.log")"
	[ "$status" = 0 ] || fail "exit status $status"
	say "make test: passed on $release"
}

prepare
"try_$mode"
