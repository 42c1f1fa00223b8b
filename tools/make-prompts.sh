#!/bin/sh
# Speaks the prompts: tools/make-prompts.sh TABLE FOLDER
#
# TABLE has lines of NAME, a tab, the text (sounds/en.txt); the line `voice` names the voice of espeak-ng. Each becomes
# FOLDER/NAME.flac, 16 kHz mono, without silence around it, all about equally loud. So do the numbers 0 to 99, 100 to 900
# and 1000 to 9000. What is already there and newer than the table is left alone: own recordings stay.
set -eu
export LC_ALL=C

[ $# = 2 ] || { echo "usage: $0 TABLE FOLDER" >&2; exit 2; }
table=$1
out=$2
for p in espeak-ng sox; do
	command -v $p >/dev/null || { echo "$0: $p is missing" >&2; exit 1; }
done
tab=$(printf '\t')
voice=$(sed -n "s/^voice$tab//p" "$table")
[ -n "$voice" ] || { echo "$0: $table names no voice" >&2; exit 1; }
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lines() {
	grep -v '^#' "$table" | grep "$tab" | grep -v "^voice$tab"
	i=0
	while [ $i -le 99 ]; do
		printf '%d\t%d\n' $i $i
		i=$((i + 1))
	done
	for i in 1 2 3 4 5 6 7 8 9; do
		printf '%d00\t%d00\n%d000\t%d000\n' $i $i $i $i
	done
}

speak() { # NAME TEXT
	file=$out/$1.flac
	[ ! "$file" -nt "$table" ] || return 0
	espeak-ng -v "$voice" -s 150 -w "$tmp/said.wav" -- "$2"
	# Silence goes at both ends, 60 ms come back at the end; then the loudest sample is at -6 dB.
	sox -q -D "$tmp/said.wav" -r 16000 -b 16 -c 1 "$tmp/p.flac" silence 1 0.02 0.4% reverse silence 1 0.02 0.4% reverse \
		pad 0.01 0.06 gain -3 highpass 80 norm -6
	mv "$tmp/p.flac" "$file"
}

lines >"$tmp/lines"
n=0
while IFS=$tab read -r name text; do
	case $name in
	'' | *[!a-z0-9-]*) echo "$0: $table: $name is no name" >&2; exit 1 ;;
	esac
	speak "$name" "$text"
	n=$((n + 1))
done <"$tmp/lines"
echo "$0: $n prompts in $out"
