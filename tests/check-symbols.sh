#!/bin/sh
# No function or variable of ours may have the name of a symbol libre exports: the linker would silently put ours in
# libre's place (or the other way round). tests/check-symbols.sh BUILD-FOLDER
set -eu
build=${1:-build}

# Meant: sip_via_decode takes the place of libre's, which drops requests of RFC 2543 clients (server/sip_words.c tells why).
meant='sip_via_decode'

lib=$(pkg-config --variable=libdir libre)/libre.so
[ -e "$lib" ] || lib=$(find /usr/lib /usr/local/lib -name 'libre.so*' | head -n 1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm -D --defined-only "$lib" | awk '$2 ~ /[TDBRVW]/ {print $3}' | sed 's/@.*//' | sort -u |
	grep -vxF "$meant" >"$tmp/theirs"
find "$build/mixer" "$build/control" "$build/server" "$build/osc" "$build/web" "$build/client" -name '*.o' 2>/dev/null >"$tmp/objects" || true
[ -s "$tmp/objects" ] || { echo "check-symbols: nothing is built in $build" >&2; exit 1; }
[ "$(wc -l <"$tmp/theirs")" -gt 500 ] || { echo "check-symbols: $lib does not look like libre" >&2; exit 1; }

xargs nm --defined-only <"$tmp/objects" | awk 'NF == 3 && $2 ~ /[TDBRVWC]/ {print $3}' | sort -u >"$tmp/ours"
[ -s "$tmp/ours" ] || { echo "check-symbols: no symbols in $build" >&2; exit 1; }

if both=$(comm -12 "$tmp/ours" "$tmp/theirs") && [ -n "$both" ]; then
	echo "check-symbols: libre exports these names too:" >&2
	echo "$both" >&2
	exit 1
fi
echo "check-symbols: $(wc -l <"$tmp/ours") names, none of them among libre's $(wc -l <"$tmp/theirs")"
