#!/bin/sh
# Everything that can fail, in one run: tests/run-all.sh [STEP...]
#
#   release   gcc, optimised, warnings are errors: unit, flow and fuzz tests
#   interop   the release server and real phones (tests/interop), three cases at a time; INTEROP_ARGS= for the full sizes
#   asan      address and undefined sanitizers: the same tests, and the ladders that sipp plays
#   leaks     nothing is lost at the end of a server that has seen calls, REFER, TLS, HTTP and reloads
#   tsan      thread sanitizer: the tests with threads or a whole server in them, and real calls
#   rtguard   media threads abort when they allocate, lock, log or make a system call that is not theirs: unit and flow tests,
#             and real calls
#   clang     clang, warnings are errors: it builds
#   tidy      clang-tidy with the short list of .clang-tidy
#   browser   the console in Chromium: the page by itself, and before the release server with phones. Wants npm's registry once
#   house     layers, symbols, documents, packaging, the life of a server
#
# Every test program counts once for each set-up it ran in. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8 ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}" \
	UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}" TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1}"

passed=0 failed=0 skipped=0 flaky=0 broken=

count() { # NAME STATUS: a step that is one check
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		broken="$broken
  $1"
		echo "not ok - $1"
	fi
}

# One JSON object a line; results of a set-up added to the sums, names of what failed kept.
count_log() { # SET-UP FILE
	counts=$(python3 - "$2" <<'PY'
import json, sys
ok = bad = skip = 0
names = []
for line in open(sys.argv[1]):
    t = json.loads(line)
    if t["result"] in ("OK", "EXPECTEDFAIL"):
        ok += 1
    elif t["result"] == "SKIP":
        skip += 1
        print("skipped: " + t["name"], file=sys.stderr)
    else:
        bad += 1
        names.append(t["name"].replace(" ", "") + ":" + t["result"].lower())
print(ok, bad, skip, *names)
PY
	) || return 1
	# shellcheck disable=SC2086 # words
	set -- "$1" $counts
	name=$1
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	shift 4
	for t in "$@"; do
		broken="$broken
  $name: $t"
	done
}

# TAP: one `ok` or `not ok` a line.
count_tap() { # NAME FILE
	passed=$((passed + $(grep -c '^ok .*' "$2") - $(grep -c '^ok .*# SKIP' "$2")))
	skipped=$((skipped + $(grep -c '^ok .*# SKIP' "$2")))
	failed=$((failed + $(grep -c '^not ok ' "$2")))
	lost=$(sed -n "s/^not ok [0-9]* - \([^:]*\):.*/\n  $1: \1/p" "$2")
	broken=$broken$lost
	flaky=$((flaky + $(grep -c '^ok .*flaky on a busy machine' "$2")))
	# A run that ended in the middle has no last line.
	tail -n 1 "$2" | grep -Eq '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' || count "$1: ran to its end" 1
}

setup() { # FOLDER OPTION...
	dir=$1
	shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" >"$dir.log" 2>&1 || { tail -n 30 "$dir.log"; return 1; }
	rm -f "$dir.log"
	ninja -C "$dir" --quiet
}

# Under a thread sanitizer older than the kernel the addresses must not be random.
find_wrap() { # FOLDER
	wrap=
	case $1 in *tsan*) ! setarch -R true 2>/dev/null || wrap='setarch -R' ;; esac
}

run_tests() { # NAME FOLDER FACTOR MESON-TEST-OPTION...
	name=$1 dir=$2 factor=$3
	shift 3
	log=$dir/meson-logs/testlog.json
	rm -f "$log"
	find_wrap "$dir"
	# shellcheck disable=SC2086 # two words
	$wrap meson test -C "$dir" --no-rebuild --print-errorlogs -t "$factor" "$@"
	if [ -s "$log" ]; then count_log "$name" "$log"; else count "$name: tests ran" 1; fi
}

phones() { # NAME FOLDER ARGUMENT...
	name=$1 dir=$2
	shift 2
	find_wrap "$dir"
	# shellcheck disable=SC2086 # two words
	TUTTI_BUILD=$(pwd)/$dir TUTTI=$(pwd)/$dir/tutti $wrap tests/interop/run-all "$@" 2>&1 | tee "$dir/interop.tap"
	count_tap "$name" "$dir/interop.tap"
}

step_release() {
	setup build-release --buildtype=release -Dwerror=true
	count "release: builds without warnings (gcc)" $?
	run_tests release build-release 1 --no-suite interop
}

step_interop() {
	setup build-release --buildtype=release -Dwerror=true || { count "interop: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	phones interop build-release -j 3 ${INTEROP_ARGS---quick}
}

step_asan() {
	setup build-asan --buildtype=debugoptimized -Dchecks=asan
	count "asan: builds" $?
	run_tests asan build-asan 3 --no-suite interop --no-suite soak
	phones asan-interop build-asan -j 3 --quick sip- change-python torture-media
}

step_leaks() {
	setup build-asan --buildtype=debugoptimized -Dchecks=asan && setup build-release --buildtype=release -Dwerror=true ||
		{ count "leaks: builds" 1; return; }
	python3 tests/check-leaks.py build-asan
	count "leaks: none under the leak sanitizer" $?
	if command -v valgrind >/dev/null; then
		python3 tests/check-leaks.py --valgrind build-release
		count "leaks: none under valgrind" $?
	else
		skipped=$((skipped + 1))
		echo "skipped: leaks under valgrind: it is not installed"
	fi
}

step_tsan() {
	setup build-tsan --buildtype=debugoptimized -Dchecks=tsan
	count "tsan: builds" $?
	# What has one thread and a clock turned by hand (the arithmetic, the parsers) has nothing to show here, at ten times the time.
	run_tests tsan build-tsan 5 ring log loop store focus register session sip mixer-churn mixer-lend mixer-move mixer-tap record
	# One at a time: three of these servers and their phones at once want more than two processors.
	phones tsan-interop build-tsan -j 1 change-python sip-busy sip-replaces sip-refer
}

step_rtguard() {
	setup build-rtguard --buildtype=debugoptimized -Doptimization=1 -Dchecks=rtguard -Dwerror=true
	count "rtguard: builds" $?
	run_tests rtguard build-rtguard 1 --suite unit --suite flow
	phones rtguard-interop build-rtguard -j 3 --quick room-python-mixed room-udp-srtp change-python sip-hold
}

step_clang() {
	CC=clang setup build-clang --buildtype=debugoptimized -Dwerror=true
	count "clang: builds without warnings" $?
}

step_tidy() {
	if [ ! -f build-clang/compile_commands.json ]; then
		CC=clang meson setup build-clang --buildtype=debugoptimized -Dwerror=true >build-clang.log 2>&1 ||
			{ tail -n 5 build-clang.log; count "clang-tidy" 1; return; }
		rm -f build-clang.log
	fi
	# What is compiled here: the kernels of other processors are not.
	sources=$(python3 -c 'import json, os
for f in sorted({os.path.relpath(os.path.join(c["directory"], c["file"])) for c in json.load(open("build-clang/compile_commands.json"))}):
    if f.split("/")[0] in ("mixer", "control", "server", "osc", "web", "client"): print(f)')
	[ -n "$sources" ] || { count "clang-tidy: finds the sources" 1; return; }
	# Each process takes a few files: loading one header set a file is most of its time.
	# shellcheck disable=SC2086 # a word for each file
	printf '%s\n' $sources | xargs -P "$(nproc)" -n 4 clang-tidy -p build-clang --quiet --warnings-as-errors='*' \
		>build-clang/tidy.log 2>/dev/null
	status=$?
	grep -E '(warning|error):' build-clang/tidy.log | sort -u
	count "clang-tidy" $status
}

# What comes from npm is three packages that only test (package-lock.json); without a network and without them there is nothing to run.
npm_packages() {
	have=tests/browser/node_modules/.package-lock.json
	{ [ -f "$have" ] && [ ! tests/browser/package-lock.json -nt "$have" ]; } ||
		(cd tests/browser && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1) >"$1" 2>&1
}

step_browser() {
	setup build-release --buildtype=release -Dwerror=true || { count "browser: builds" 1; return; }
	if ! npm_packages build-release/npm.log; then
		if grep -Eq 'EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' build-release/npm.log; then
			skipped=$((skipped + 1))
			echo "skipped: browser: npm has no network for the packages of tests/browser"
		else
			tail -n 20 build-release/npm.log
			count "browser: npm ci" 1
		fi
		return
	fi
	TUTTI_BUILD=$(pwd)/build-release TUTTI=$(pwd)/build-release/tutti node tests/browser/run.js 2>&1 | tee build-release/browser.tap
	count_tap browser build-release/browser.tap
}

step_house() {
	sh tests/check-layers.sh --self-test && sh tests/check-layers.sh
	count "layers: includes go down only" $?
	dir=build-release
	[ -f build-release/build.ninja ] || dir=build
	sh tests/check-symbols.sh "$dir"
	count "symbols: no name of ours is one of libre's" $?
	sh tests/check-docs.sh --self-test && sh tests/check-docs.sh
	count "documents: every file and test they name is there" $?
	sh tests/check-packaging.sh "$dir"
	count "packaging: sample, man pages, unit, fail2ban filter" $?
	python3 tests/check-server.py "$dir"
	count "server: first start, reload, drain, second start" $?
	python3 tests/check-stems.py
	count "stems: projects of a recording, every stem at its sample" $?
	python3 tests/check-tries.py
	count "tries: what a late machine says of a case" $?
	python3 tests/check-web.py "$dir"
	count "web: health, metrics, API" $?
	python3 tests/check-ctl.py "$dir"
	count "tuttictl: its requests, what it shows, completion" $?
}

[ $# -gt 0 ] || set -- release interop browser asan leaks tsan rtguard clang tidy house
begin=$(date +%s)
for step in "$@"; do
	echo "== $step"
	at=$(date +%s)
	"step_$step" </dev/null
	echo "== $step took $(($(date +%s) - at)) s"
done

echo
echo "took $(($(date +%s) - begin)) s; $skipped skipped; $flaky flaky on a busy machine: passed when tried again"
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
