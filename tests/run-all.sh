#!/bin/sh
# Everything that can fail, in one run: tests/run-all.sh [STEP...]
#
#   release   gcc, optimised, warnings are errors: unit, flow and fuzz tests
#   interop   the release server and real phones (tests/interop), four cases at a time; INTEROP_ARGS= for the full sizes
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

# The options of each set-up, in one place: a folder is made once, here or beforehand (begin_beside).
options() { # FOLDER
	case $1 in
	build-release) echo --buildtype=release -Dwerror=true ;;
	build-asan) echo --buildtype=debugoptimized -Dchecks=asan ;;
	build-tsan) echo --buildtype=debugoptimized -Dchecks=tsan ;;
	build-rtguard) echo --buildtype=debugoptimized -Doptimization=1 -Dchecks=rtguard -Dwerror=true ;;
	build-clang) echo --buildtype=debugoptimized -Dwerror=true ;;
	esac
}

configure() { # FOLDER
	[ ! -f "$1/build.ninja" ] || return 0
	case $1 in *clang) export CC=clang ;; *) unset CC ;; esac
	# shellcheck disable=SC2046 # words
	meson setup "$1" $(options "$1") >"$1.log" 2>&1 || { tail -n 30 "$1.log"; return 1; }
	rm -f "$1.log"
	# Prompts are spoken once, not once for each set-up.
	if [ -d build-release/sounds ] && [ "$1" != build-release ]; then
		mkdir -p "$1/sounds"
		cp -a build-release/sounds/?? "$1/sounds/" 2>/dev/null
	fi
	return 0
}

setup() { # FOLDER
	end_beside
	(configure "$1") && ninja -C "$1" --quiet
}

# While phones talk in real time the processors mostly wait. What is compiled for later steps may have that time: at idle
# priority it gives way at once to whoever wakes up.
beside=
run=${run:-$$}                        # this run's number, also for what goes on beside it
begin_beside() { # STEP... : those still to come
	[ -z "$beside" ] && [ "$(nproc)" -gt 1 ] && chrt -i 0 true 2>/dev/null || return 0
	run=$run setsid chrt -i 0 sh tests/run-all.sh --beside "$@" >/dev/null 2>&1 </dev/null &
	beside=$!
}

# In a process group of its own, which is ended as a whole.
do_beside() { # STEP...
	for later in "$@"; do
		case $later in
		asan | tsan | rtguard | clang) (configure "build-$later") && ninja -C "build-$later" --quiet ;;
		tidy) run_tidy ;;
		esac
	done
}

# Not yet done when the processors are wanted for themselves: whoever needs it builds the rest at its own priority.
end_beside() {
	[ -n "$beside" ] || return 0
	kill -- "-$beside" 2>/dev/null
	wait "$beside" 2>/dev/null
	beside=
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
	setup build-release
	count "release: builds without warnings (gcc)" $?
	run_tests release build-release 1 --no-suite interop
}

step_interop() {
	setup build-release || { count "interop: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
	# Without its packages one case is skipped, and says so.
	npm_packages tests/interop/applemidi build-release/npm-interop.log || true
	# shellcheck disable=SC2086 # words
	phones interop build-release -j 4 ${INTEROP_ARGS---quick}
}

step_asan() {
	setup build-asan
	count "asan: builds" $?
	run_tests asan build-asan 3 --no-suite interop --no-suite soak
	phones asan-interop build-asan -j 3 --quick sip- change-python torture-media apple-loss
}

step_leaks() {
	setup build-asan && setup build-release ||
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
	setup build-tsan
	count "tsan: builds" $?
	# What has one thread and a clock turned by hand (the arithmetic, the parsers) has nothing to show here, at ten times the time.
	run_tests tsan build-tsan 5 ring log loop store focus register session sip mixer-churn mixer-lend mixer-move mixer-tap record
	# One at a time: three of these servers and their phones at once want more than two processors.
	phones tsan-interop build-tsan -j 1 change-python sip-busy sip-replaces sip-refer apple-loss
}

step_rtguard() {
	setup build-rtguard
	count "rtguard: builds" $?
	run_tests rtguard build-rtguard 1 --suite unit --suite flow
	phones rtguard-interop build-rtguard -j 3 --quick room-python-mixed room-udp-srtp change-python sip-hold apple-loss
}

step_clang() {
	setup build-clang
	count "clang: builds without warnings" $?
}

# Names of files without a finding go to a list with this run's number, so that what was judged beside the phones is not again.
run_tidy() {
	(configure build-clang) || return 1
	done=build-clang/tidy.done.$run
	touch "$done"
	# What is compiled here: the kernels of other processors are not.
	sources=$(python3 - "$done" <<'PY'
import json, os, sys
done = set(open(sys.argv[1]).read().split())
for f in sorted({os.path.relpath(os.path.join(c["directory"], c["file"])) for c in json.load(open("build-clang/compile_commands.json"))}):
    if f.split("/")[0] in ("mixer", "control", "server", "osc", "web", "client") and f not in done: print(f)
PY
	)
	# The analyzer follows each function for 225,000 steps; a tenth of that finds what it finds here, in a fifth of the time.
	shallower='--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=22500'
	# Each process takes a few files: loading one header set a file is most of its time.
	# shellcheck disable=SC2086,SC2016 # a word for each file; the inner shell's variables
	[ -z "$sources" ] || printf '%s\n' $sources | done=$done shallower=$shallower xargs -P "$(nproc)" -n 4 sh -c \
		'clang-tidy -p build-clang --quiet --warnings-as-errors="*" $shallower "$@" 2>/dev/null && printf "%s\n" "$@" >>"$done"' tidy \
		>build-clang/tidy.log
}

step_tidy() {
	end_beside
	run_tidy
	status=$?
	[ -s "build-clang/tidy.done.$run" ] || status=1
	rm -f build-clang/tidy.done.*
	grep -E '(warning|error):' build-clang/tidy.log 2>/dev/null | sort -u
	count "clang-tidy" "$status"
}

# What comes from npm only tests (package-lock.json of each folder); without a network and without them there is nothing to run.
npm_packages() { # FOLDER LOG
	have=$1/node_modules/.package-lock.json
	{ [ -f "$have" ] && [ ! "$1/package-lock.json" -nt "$have" ]; } ||
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1) >"$2" 2>&1
}

step_browser() {
	setup build-release || { count "browser: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
	if ! npm_packages tests/browser build-release/npm.log; then
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

[ "${1:-}" != --beside ] || { shift; do_beside "$@"; exit; }
[ $# -gt 0 ] || set -- release interop browser asan leaks tsan rtguard clang tidy house
trap end_beside EXIT
begin=$(date +%s)
while [ $# -gt 0 ]; do
	step=$1
	shift
	to_come=$*
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
