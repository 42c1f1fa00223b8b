#!/bin/sh
# What can fail, in one run: tests/run-all.sh [STEP...]
#
# `make test`, which an ordinary change must pass:
#
#   interop   the release server and real phones (tests/interop), four cases at a time; INTEROP_ARGS= for the full sizes
#   browser   the console in Chromium: the page by itself, and before the release server with phones. Wants npm's registry once
#   house     layers, symbols, documents, packaging, the life of a server
#   release   gcc, optimised, warnings are errors: unit, flow and fuzz tests
#   asan      clang, warnings are errors; address and undefined sanitizers: unit and fuzz tests
#
# `make test-rest`, the rest of what CI runs:
#
#   ladders   the server under the address and undefined sanitizers, and what sipp plays to it
#   leaks     nothing is lost at the end of a server that has seen calls, REFER, TLS, HTTP and reloads
#   flow      the flow tests under the address and undefined sanitizers
#   tsan      thread sanitizer: the tests with threads or a whole server in them, and real calls
#   rtguard   media threads abort when they allocate, lock, log or make a system call that is not theirs: unit and flow tests,
#             and real calls
#   tidy      clang-tidy with the short list of .clang-tidy
#
# Phones and pages in real time mostly wait. What only computes is built and run beside them at idle priority: it gives way at once to
# whoever wakes up. A test that failed there is tried again when it has the processors; what it says then counts.
#
# Every test program counts once for each set-up it ran in. The last line is `N passed, N failed`.
#
#   SUMS=FILE   the sums of an earlier run are taken from there, and the new ones written; without LAST=1 the last line says `so far:`
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

# One JSON object a line; results of a set-up added to the sums, names of what failed kept. Of a test that stands there twice the last counts.
count_log() { # SET-UP FILE
	counts=$(python3 - "$2" <<'PY'
import json, sys
last, tries = {}, {}
for line in open(sys.argv[1]):
    t = json.loads(line)
    last[t["name"]] = t["result"]
    tries[t["name"]] = tries.get(t["name"], 0) + 1
ok = [n for n, r in last.items() if r in ("OK", "EXPECTEDFAIL")]
skip = [n for n, r in last.items() if r == "SKIP"]
for n in skip:
    print("skipped: " + n, file=sys.stderr)
bad = [n.replace(" ", "") + ":" + r.lower() for n, r in last.items() if n not in ok + skip]
print(len(ok), len(bad), len(skip), sum(tries[n] > 1 for n in ok), *bad)
PY
	) || return 1
	# shellcheck disable=SC2086 # words
	set -- "$1" $counts
	name=$1
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4)) flaky=$((flaky + $5))
	shift 5
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

# The options of each set-up, in one place.
options() { # FOLDER
	case $1 in
	build-release) echo --buildtype=release -Dwerror=true ;;
	build-asan) echo --buildtype=debugoptimized -Doptimization=1 -Dchecks=asan -Dwerror=true -Db_lundef=false ;;
	build-tsan) echo --buildtype=debugoptimized -Dchecks=tsan ;;
	build-rtguard) echo --buildtype=debugoptimized -Doptimization=1 -Dchecks=rtguard -Dwerror=true ;;
	esac
}

# gcc makes what is shipped; clang sees the same sources once, with its own warnings, in the build that it also looks at while it runs.
configure() { # FOLDER
	[ ! -f "$1/build.ninja" ] || return 0
	case $1 in *asan) export CC=clang ;; *) unset CC ;; esac
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

setup() { # FOLDER [TARGET...]
	(configure "$1") && ninja -C "$@" --quiet
}

# Under a thread sanitizer older than the kernel the addresses must not be random.
find_wrap() { # FOLDER
	wrap=
	case $1 in *tsan*) ! setarch -R true 2>/dev/null || wrap='setarch -R' ;; esac
}

# --- jobs: what only computes. Each leaves NAME.out (what was said), NAME.built (a status), NAME.json (results), NAME.done in $results ---

# What has one thread and a clock turned by hand (the arithmetic, the parsers) has nothing to show under tsan, at ten times the time.
threaded_units='ring log loop store'
threaded_flows='focus register session sip mixer-churn mixer-lend mixer-move mixer-tap record'

# The folder, how many times longer a test may take, and which tests.
tests_of() { # JOB
	case $1 in
	release) echo build-release 1 --no-suite interop ;;
	asan) echo build-asan 3 --suite unit --suite fuzz ;;
	flow) echo build-asan 3 --suite flow ;;
	rtguard) echo build-rtguard 1 --suite unit --suite flow ;;
	tsan) echo build-tsan 5 "$threaded_units" "$threaded_flows" ;;
	esac
}

targets_of() { # JOB: nothing is everything
	# shellcheck disable=SC2086 # words
	[ "$1" != tsan ] || echo tutti tutti-load $(printf 'tests/unit/test-%s ' $threaded_units) $(printf 'tests/flow/flow-%s ' $threaded_flows)
}

run_tests() { # JOB FOLDER FACTOR MESON-TEST-OPTION...
	job=$1 dir=$2 factor=$3
	shift 3
	# At idle priority a test may have to wait for its turn.
	[ -z "${idle:-}" ] || factor=$((2 * factor))
	rm -f "$dir/meson-logs/testlog.json"
	find_wrap "$dir"
	# Some tests wait for what takes its time: one more than there are processors.
	# shellcheck disable=SC2086 # two words
	$wrap meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes $(($(nproc) + 1)) -t "$factor" "$@"
	cat "$dir/meson-logs/testlog.json" >>"$results/$job.json"
}

# By the commands of clang's own build.
run_tidy() {
	setup build-asan || return
	# What is compiled here: the kernels of other processors are not.
	sources=$(python3 - <<'PY'
import json, os
for f in sorted({os.path.relpath(os.path.join(c["directory"], c["file"])) for c in json.load(open("build-asan/compile_commands.json"))}):
    if f.split("/")[0] in ("mixer", "control", "server", "osc", "web", "client"): print(f)
PY
	)
	[ -n "$sources" ] || return
	# The analyzer follows each function for 225,000 steps; a tenth of that finds what it finds here, in a fifth of the time.
	shallower='--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=22500'
	# Each process takes a few files: loading one header set a file is most of its time.
	# shellcheck disable=SC2086,SC2016 # a word for each file; the inner shell's variables
	printf '%s\n' $sources | shallower=$shallower xargs -P "$(nproc)" -n 4 sh -c \
		'clang-tidy -p build-asan --quiet --warnings-as-errors="*" $shallower "$@" 2>/dev/null' tidy >"$results/tidy.log"
}

do_job() { # JOB
	case $1 in
	tidy) run_tidy ;;
	*)
		# shellcheck disable=SC2046 # words
		folder=$(tests_of "$1" | cut -d ' ' -f 1) && setup "$folder" $(targets_of "$1")
		;;
	esac >"$results/$1.out" 2>&1
	echo $? >"$results/$1.built"
	# shellcheck disable=SC2046 # words
	[ "$1" = tidy ] || [ "$(cat "$results/$1.built")" != 0 ] || run_tests "$1" $(tests_of "$1") >>"$results/$1.out" 2>&1
	touch "$results/$1.done"
}

beside=
# Beside phones and pages: the jobs of the steps still to come, in their order, in a process group of its own, which is ended as a whole.
begin_beside() { # STEP...
	[ -z "$beside" ] && [ "$(nproc)" -gt 1 ] && chrt -i 0 true 2>/dev/null || return 0
	results=$results idle=1 setsid chrt -i 0 sh tests/run-all.sh --beside "$@" >/dev/null 2>&1 </dev/null &
	beside=$!
}

do_beside() { # STEP...
	for later in "$@"; do
		case $later in release | asan | flow | tsan | rtguard | tidy) do_job "$later" ;; esac
	done
}

# A child that has ended is still there until it is waited for.
goes_on_beside() {
	[ -n "$beside" ] || return 1
	case $(ps -o stat= -p "$beside") in '' | Z*) return 1 ;; esac
}

end_beside() {
	[ -z "$beside" ] || kill -- "-$beside" 2>/dev/null
	beside=
	rm -rf "$results"
}

# Who waits here lets them have the processors.
finish() { # JOB
	while [ ! -e "$results/$1.done" ] && goes_on_beside; do sleep 1; done
	was_beside=1
	[ ! -e "$results/$1.done" ] || return 0
	was_beside=
	rm -f "$results/$1".*
	do_job "$1"
}

# What failed while others had the processors is tried once more with them.
try_again() { # JOB
	python3 - "$results/$1.json" <<'PY' >"$results/$1.again"
import json, sys
for line in open(sys.argv[1]):
    t = json.loads(line)
    if t["result"] not in ("OK", "EXPECTEDFAIL", "SKIP"):
        suite, name = t["name"].split(":")[-1].split(" / ")
        print(suite, name)
PY
	while read -r suite test; do
		echo "once more, not beside others: $suite / $test"
		# shellcheck disable=SC2046 # words
		set -- "$1" $(tests_of "$1" | cut -d ' ' -f 1,2)
		run_tests "$1" "$2" "$3" --suite "$suite" "$test" </dev/null
	done <"$results/$1.again"
}

judge() { # JOB WHAT-THE-BUILD-SHOWS
	finish "$1"
	cat "$results/$1.out"
	count "$1: $2" "$(cat "$results/$1.built")"
	[ "$(cat "$results/$1.built")" = 0 ] || return
	[ -z "$was_beside" ] || try_again "$1"
	if [ -s "$results/$1.json" ]; then count_log "$1" "$results/$1.json"; else count "$1: tests ran" 1; fi
}

phones() { # NAME FOLDER ARGUMENT...
	name=$1 dir=$2
	shift 2
	find_wrap "$dir"
	# shellcheck disable=SC2086 # two words
	TUTTI_BUILD=$(pwd)/$dir TUTTI=$(pwd)/$dir/tutti $wrap tests/interop/run-all "$@" 2>&1 | tee "$dir/interop.tap"
	count_tap "$name" "$dir/interop.tap"
}

# --- steps ---

step_interop() {
	setup build-release || { count "interop: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
	# Without its packages one case is skipped, and says so.
	[ -z "$npm" ] || wait "$npm"
	npm_packages tests/interop/applemidi "$results/npm-interop.log" || true
	# shellcheck disable=SC2086 # words
	phones interop build-release -j 4 ${INTEROP_ARGS---quick}
}

# What comes from npm only tests (package-lock.json of each folder); without a network and without them there is nothing to run.
npm_packages() { # FOLDER LOG
	have=$1/node_modules/.package-lock.json
	{ [ -f "$have" ] && [ ! "$1/package-lock.json" -nt "$have" ]; } ||
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1) >"$2" 2>&1
}

# It waits for a network: while the first set-up is compiled.
npm=
begin_npm() {
	(
		npm_packages tests/interop/applemidi "$results/npm-interop.log"
		npm_packages tests/browser "$results/npm.log"
	) </dev/null &
	npm=$!
}

step_browser() {
	setup build-release || { count "browser: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
	[ -z "$npm" ] || wait "$npm"
	if ! npm_packages tests/browser "$results/npm.log"; then
		if grep -Eq 'EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' "$results/npm.log"; then
			skipped=$((skipped + 1))
			echo "skipped: browser: npm has no network for the packages of tests/browser"
		else
			tail -n 20 "$results/npm.log"
			count "browser: npm ci" 1
		fi
		return
	fi
	TUTTI_BUILD=$(pwd)/build-release TUTTI=$(pwd)/build-release/tutti node tests/browser/run.js 2>&1 | tee build-release/browser.tap
	count_tap browser build-release/browser.tap
}

step_house() {
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
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

step_release() { judge release "builds without warnings (gcc)"; }

step_asan() { judge asan "builds without warnings (clang)"; }

step_ladders() {
	setup build-asan || { count "ladders: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
	phones asan-interop build-asan -j 3 --quick sip- change-python torture-media apple-loss
}

step_leaks() {
	setup build-asan && setup build-release ||
		{ count "leaks: builds" 1; return; }
	# shellcheck disable=SC2086 # words
	begin_beside $to_come
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

step_flow() { judge flow "builds without warnings (clang)"; }

step_tsan() {
	judge tsan "builds"
	# One at a time: three of these servers and their phones at once want more than two processors.
	phones tsan-interop build-tsan -j 1 change-python sip-busy sip-replaces sip-refer apple-loss
}

# What the ladders and a room do to the hot path of a whole server; all else there the flows have done.
step_rtguard() {
	judge rtguard "builds without warnings"
	phones rtguard-interop build-rtguard -j 3 --quick room-python-mixed room-udp-srtp change-python sip-hold apple-loss
}

step_tidy() {
	finish tidy
	cat "$results/tidy.out"
	grep -E '(warning|error):' "$results/tidy.log" 2>/dev/null | sort -u
	count "clang-tidy" "$(cat "$results/tidy.built")"
}

[ "${1:-}" != --beside ] || { shift; do_beside "$@"; exit; }
case $* in
'') set -- interop browser house release asan ;;
rest) set -- ladders leaks flow rtguard tsan tidy ;;
esac
results=$(mktemp -d)
trap end_beside EXIT
trap 'exit 130' INT TERM HUP
[ ! -s "${SUMS:-}" ] || read -r passed failed skipped flaky <"$SUMS"
[ ! -s "${SUMS:-}" ] || broken=$(sed 1d "$SUMS")
begin=$(date +%s)
case " $* " in *' browser '*) begin_npm ;; esac
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
[ -z "${SUMS:-}" ] || printf '%s\n%s' "$passed $failed $skipped $flaky" "$broken" >"$SUMS"
[ -z "${SUMS:-}" ] || [ -n "${LAST:-}" ] || printf 'so far: '
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
