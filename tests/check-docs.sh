#!/bin/sh
# The documents are true about names: tests/check-docs.sh [ROOT]; --self-test shows that it can fail.
#
# In every .md file: a link to a file, a word in backticks that looks like a file of the tree, and a word that looks like a
# test (session/invite/offer, tests/flow) must be there. Every .c file must be found in docs/architecture.md, every decision
# in its list, every setting of the documents in the table.
set -u

bad=0
complain() { echo "$1: $2" >&2; bad=1; }

# A file, a folder, or a pair of .c and .h; from the root or beside the document.
is_there() { # DOCUMENT NAME
	for at in "$2" "$(dirname "$1")/$2"; do
		[ ! -e "$at" ] && [ ! -e "$at.c" ] && [ ! -e "$at.h" ] || return 0
		# shellcheck disable=SC2086 # a pattern
		for f in $at; do [ ! -e "$f" ] || return 0; done
	done
	return 1
}

check_links() { # DOCUMENT
	for link in $(grep -oE '\]\([^)# ]+' "$1" | cut -c3- | grep -vE '^(https?|mailto|sip|tel):'); do
		[ -e "$(dirname "$1")/$link" ] || complain "$1" "no file $link"
	done
}

check_files() { # DOCUMENT
	for name in $(grep -oE '`[^` ]+`' "$1" | tr -d '`' |
		grep -E '^(\.ci|mixer|control|server|osc|web|client|tests|docs|packaging|tools|man)/' | grep -vE 'NAME|[<>]'); do
		is_there "$1" "$name" || complain "$1" "no file $name"
	done
	for name in $(grep -oE '`[a-zA-Z0-9_-]+\.(c|h|md|sh|py|build|txt|8|1)`' "$1" | tr -d '`' | grep -v NAME); do
		[ -n "$(find . -name "$name" -not -path './build*' -print -quit)" ] || complain "$1" "no file named $name"
	done
}

# `flow session/reinvite/glare`, `unit offer`, `fuzz sdesc`, `interop sip-hold`
check_tests() { # DOCUMENT
	grep -oE '`(flow|unit|fuzz|interop) [^`]+`' "$1" | tr -d '`' | sort -u | while read -r kind name; do
		case $kind in
		unit) [ -f "tests/unit/test-${name%%/*}.c" ] ;;
		fuzz) [ -f "tests/fuzz/fuzz-$name.c" ] ;;
		interop) printf '%s\n' "$cases" | grep -q "^$name" ;;
		flow) grep -qF "\"/${name%\*}" tests/flow/*.c ;;
		esac || echo "no test: $kind $name"
	done >"$tmp/tests"
	while read -r line; do complain "$1" "$line"; done <"$tmp/tests"
}

check_tree() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	cases=$(python3 tests/interop/run.py --plan 2>/dev/null | cut -d' ' -f1)
	documents=$(find . -name '*.md' -not -path './build*' -not -path './.git/*' -not -path '*/node_modules/*' | sed 's|^\./||' | sort)
	for f in $documents; do
		check_links "$f"
		check_files "$f"
		check_tests "$f"
	done
	for f in mixer/*.c control/*.c server/*.c web/*.c osc/*.c client/*.c tests/lib/*.c; do
		[ ! -e "$f" ] || awk -v d="${f%/*}/" '/^## /{on = index($2, d) == 1 || $2 == "tests/"} on' docs/architecture.md |
			grep -qwF "$(basename "$f" .c)" || complain docs/architecture.md "$f is not told"
	done
	for f in docs/decisions/[0-9]*.md; do
		[ ! -e "$f" ] || grep -qF "(${f##*/})" docs/decisions/README.md || complain docs/decisions/README.md "$f is not in the list"
	done
	return $bad
}

self_test() {
	self=$(realpath "$0")
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	n=0
	try() { # EXPECTED TEXT
		rm -rf "${root:?}/t"
		mkdir -p "$root/t/mixer" "$root/t/docs/decisions" "$root/t/tests/flow" "$root/t/tests/unit"
		: >"$root/t/mixer/leg.c"
		echo '"/session/bye"' >"$root/t/tests/flow/flow-session.c"
		: >"$root/t/tests/unit/test-leg.c"
		printf '## mixer/\n\nleg\n' >"$root/t/docs/architecture.md"
		echo "$2" >"$root/t/README.md"
		(cd "$root/t" && sh "$self" . >/dev/null 2>&1)
		if [ $? != "$1" ]; then
			echo "check-docs: '$2' should give $1" >&2
			exit 1
		fi
		n=$((n + 1))
	}
	try 0 'see [the tour](docs/architecture.md), `mixer/leg`, `leg.c`, `unit leg`, `flow session/bye`'
	try 1 'see [the tour](docs/none.md)'
	try 1 'see `mixer/none`'
	try 1 'see `none.c`'
	try 1 'see `unit none`'
	try 1 'see `flow session/none`'
	try 1 'see `interop none`'
	echo "check-docs: self-test of $n trees"
}

if [ "${1:-}" = --self-test ]; then
	self_test
else
	cd "${1:-$(dirname "$0")/..}" || exit 1
	check_tree
fi
