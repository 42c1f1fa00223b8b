#!/bin/sh
# What is installed fits together: tests/check-packaging.sh BUILD-FOLDER
set -eu
build=${1:-build}
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() { echo "check-packaging: $*" >&2; exit 1; }

# The sample is a right file, and the checker finds a wrong one and names its line.
"$build/tutti" --sample-config >"$tmp/tutti.conf"
"$build/tutti" --check "$tmp/tutti.conf" >/dev/null || fail "the sample does not pass --check"
printf '\n[sip]\nlisen = x\n' >"$tmp/wrong.conf"
! "$build/tutti" --check "$tmp/wrong.conf" >/dev/null 2>"$tmp/said" || fail "a wrong file passes --check"
grep -q 'wrong.conf:3: unknown setting sip.lisen (did you mean sip.listen?)' "$tmp/said" || fail "--check said: $(cat "$tmp/said")"

# Man pages without a complaint of the formatter.
"$build/tutti" --man-page >"$tmp/tutti.conf.5"
if command -v groff >/dev/null; then
	for page in man/*.[18] "$tmp/tutti.conf.5"; do
		groff -man -Tutf8 -ww -z "$page" 2>"$tmp/said"
		[ ! -s "$tmp/said" ] || fail "$page: $(head -n 3 "$tmp/said")"
	done
fi

# Installed below a folder; a second time without touching the configuration.
mkdir "$tmp/build"
ln -s "$(realpath "$build")/tutti" "$tmp/build/tutti"
ln -s "$(realpath "$build")/tuttictl" "$tmp/build/tuttictl"
: >"$tmp/build/build.ninja"
for n in 1 2; do
	[ $n = 1 ] || echo '# mine' >"$tmp/root/etc/tutti/tutti.conf"
	make -s -o build install BUILD="$tmp/build" DESTDIR="$tmp/root" PREFIX=/usr >"$tmp/said" 2>&1 || fail "$(cat "$tmp/said")"
done
for f in usr/sbin/tutti usr/share/man/man8/tutti.8 usr/share/man/man5/tutti.conf.5 etc/tutti/tutti.conf \
	usr/bin/tuttictl usr/share/bash-completion/completions/tuttictl usr/share/zsh/site-functions/_tuttictl \
	etc/systemd/system/tutti.service usr/lib/sysusers.d/tutti.conf etc/fail2ban/filter.d/tutti.conf; do
	[ -f "$tmp/root/$f" ] || fail "$f is not installed"
done
[ "$(cat "$tmp/root/etc/tutti/tutti.conf")" = '# mine' ] || fail "make install overwrote tutti.conf"
! grep -q '@[A-Z]*@' "$tmp/root/etc/systemd/system/tutti.service" || fail "a placeholder is left in the unit"
grep -q '^ExecStart=/usr/sbin/tutti -f /etc/tutti/tutti.conf$' "$tmp/root/etc/systemd/system/tutti.service" || fail "ExecStart"

# The unit, if systemd is here to judge it (its programs are not at their places here).
if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/sbin/tutti|$(command -v true)|" "$tmp/root/etc/systemd/system/tutti.service" >"$tmp/tutti.service"
	systemd-analyze verify --man=no "$tmp/tutti.service" >"$tmp/said" 2>&1 || true
	! grep -iE 'tutti.service:[0-9]+:.*(unknown|invalid|fail)' "$tmp/said" || fail "systemd-analyze verify"
fi

python3 tests/check-fail2ban.py packaging/fail2ban/filter.d/tutti.conf || fail "fail2ban filter"
