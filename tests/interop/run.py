#!/usr/bin/env python3
"""The outside tests: real phones against a real server, told in TAP.

    tests/interop/run.py [-j N] [--quick] [--list] [CASE...]        CASE: a name or the beginning of one

    --quick        the size that `make test` has time for: 200 calls instead of 500, 5 s of a room instead of 10; `make interop` runs
                   them all whole

    TUTTI          the server (build/tutti)
    TUTTI_BUILD    build folder, for tutti and tutti-load (build)
    TUTTI_TORTURE  the torture runner (../shared/torture/run.py beside the checkout)
    KEEP=1         keep the folders of cases that passed

Each case is a process of its own with a time limit. Exit status 0: none failed.

Phones in real time need a processor in time. While a case runs a watch sleeps as a phone does, and what the phones send is
watched on the wire. A case that failed while one of these was late says nothing: when all others are done it is tried again,
alone, up to three times, each time after the machine has been in time for a few seconds; what passes then is said to be
"flaky on a busy machine". A case that failed on a machine that was in time has failed. One that met a late machine in all
four tries has not been judged, if it was the sound that was wrong: it is skipped, and says so. Rooms of baresip, linphone and sipp are tried once more in any
case, for what such a phone did in time cannot be seen from outside.
"""
import argparse
import concurrent.futures
import os
import re
import resource
import subprocess
import sys
import threading
import time
import traceback

if '--quick' in sys.argv:
    os.environ['TUTTI_QUICK'] = '1'   # read where cases are made

import cases
from awake import Awake            # of tests/bench: cases has put that on the path
from phones import LATE, Missing
from pyphone import LATE_S
from server import COUNTERS

SKIPPED, BUSY, BUSY_WRONG = 77, 75, 76  # BUSY_WRONG: something else than sound was wrong, too
AGAIN = 3                             # tries after the first
DELAY_LATE_S = 0.004
CALM_S, CALM_WAIT_S = 4, 60           # in time for so long before a try, waited for at most so long


class Watch(threading.Thread):
    """Was the machine so busy that a phone must have been late? It sleeps as a phone does, and counts. Where delays are measured
    that are a few periods of a sound card, a few of these are late already."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.late_s = DELAY_LATE_S if cases.ALL[name].alone == 'delay' else LATE_S
        self.late, self.on = 0, True
        self.start()

    def run(self):
        while self.on:
            before = time.monotonic()
            time.sleep(0.01)
            self.late += time.monotonic() - before > 0.01 + self.late_s


FLAKY = 'flaky on a busy machine: passed when tried again'
# What is judged of sound. All else must come right on a late machine, too.
SOUND = re.compile(r'\bis away\b|\bhears\b|\bdB\b|\bmanifest: ')
TOOK = re.compile(r'\(\d+ s, [\d.]+ s of processor\)')
USED = re.compile(r'\n?\(([\d.]+) s of processor\)$')
UNJUDGED = 'not judged: this machine was late in every try'


def others_phones(name):
    """Programs whose pace cannot be seen from here all the way: once more even if nothing was seen to be late."""
    return name.startswith(('room-', 'change-')) and 'python' not in name


def one(name):
    """Runs here, once; the lines of stdout are the reasons. BUSY: it failed, and something was late meanwhile."""
    watch = Watch(name)
    status, lines = attempt(name)
    watch.on = False
    late = watch.late + len(LATE)
    if status == 1:
        lines += ['(server: %s)' % c for c in COUNTERS]
        if late:
            lines.append('(this machine or a phone on it was late %d times meanwhile)' % late)
            status = BUSY if all(SOUND.search(line) for line in lines if not line.startswith('(')) else BUSY_WRONG
    print('\n'.join(lines + ['(%.1f s of processor)' % processor_s()]))
    return status


def processor_s():
    """What this process and those it has waited for have used: what else may run beside the case is decided by that."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def attempt(name):
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -5)      # a phone that sleeps too long makes a gap of its own
    except OSError:
        pass
    try:
        wrong = cases.ALL[name].run()
    except Missing as e:
        return SKIPPED, [str(e)]
    except Exception as e:
        wrong = [str(e) or repr(e)]
        if not isinstance(e, AssertionError):
            traceback.print_exc()
    return (1 if wrong else 0), wrong


def child(name):
    limit, began = cases.ALL[name].limit, time.monotonic()
    p = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--once', name], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = p.communicate(timeout=limit)
        out = out.decode('utf-8', 'replace').rstrip()
        used = USED.search(out)
        took = '\n(%.0f s, %s s of processor)' % (time.monotonic() - began, used.group(1) if used else '?')
        left = left_behind(p.pid)
        status = 1 if left and p.returncode in (0, SKIPPED) else p.returncode
        return name, status, USED.sub('', out) + ''.join('\nleft behind: ' + what for what in left) + took
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 15)                    # the case and what it started: its own session
        try:
            out, _ = p.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            out, _ = p.communicate()
        return name, 1, 'not done in %d s\n' % limit + out.decode('utf-8', 'replace')


def session(leader):
    """{number: name} of what still runs of a session."""
    found = {}
    for n in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % n) as f:
                name, rest = f.read().split('(', 1)[1].rsplit(')', 1)
        except OSError:
            continue                      # it has just ended
        state, _, _, sid = rest.split()[:4]
        if state != 'Z' and int(sid) == leader:
            found[int(n)] = name
    return found


def left_behind(leader):
    """What a case has begun and not ended would have ports, or send to them, when they are another's. It is ended here, and told."""
    until = time.monotonic() + 2
    while session(leader) and time.monotonic() < until:
        time.sleep(0.05)
    found = session(leader)
    for n in found:
        try:
            os.kill(n, 9)
        except OSError:
            pass
    return sorted(found.values())


def calm(name):
    """Waits until the machine has been in time for a while, as the case counts it; on one that never is, not for ever."""
    until = time.monotonic() + CALM_WAIT_S
    late = True
    while late and time.monotonic() < until:
        watch = Watch(name)
        time.sleep(CALM_S)
        watch.on = False
        late = watch.late


def again(name, status, out):
    """The outcome of a case whose first try said nothing, tried alone."""
    told, n = out, 0
    while n < AGAIN and (status in (BUSY, BUSY_WRONG) or (status == 1 and n == 0)):
        calm(name)
        _, status, out = child(name)
        n += 1
    if status == 0:
        return name, 0, FLAKY + '\n' + told
    if status == BUSY:
        return name, SKIPPED, UNJUDGED + '\n' + out
    return name, 1 if status == BUSY_WRONG else status, out


def report(n, name, status, out):
    title = '%s: %s' % (name, cases.ALL[name].what)
    lines = out.strip().splitlines()
    if lines and TOOK.fullmatch(lines[-1]):
        title += ' ' + lines.pop()
    if status == SKIPPED:
        print('ok %d - %s # SKIP %s' % (n, title, ' '.join(lines)))
    else:
        print('%s %d - %s%s' % ('ok' if status == 0 else 'not ok', n, title, ' (%s)' % FLAKY if FLAKY in lines else ''))
        for line in lines:
            print('#   ' + line)
    sys.stdout.flush()


def says_nothing(name, status):
    return status in (BUSY, BUSY_WRONG) or (status == 1 and others_phones(name))


# Cases of one lane wait for each other, and go on beside the ladders and the other lanes: how many at a time.
LANES = {
    'memory': 2,                      # counts memory while calls come and go: it waits most of the time
    'house': 1,                       # a house that churns, dies, is looked for by name; no sound is judged
    'delay': 1,                       # measures delays: not beside another that does
}
LONG = 'gestures-beside', 'gesture-no-reports', 'lobby-', 'record-', 'gesture-peer', 'selftest'


def in_turn(names, jobs):
    """The cases as they end. First the rooms, whose sound is judged; then the ladders, the longest first, beside the lanes; in the end what
    talks while something hostile goes on, one by one."""
    rooms = [n for n in names if n.startswith(('room-', 'change-'))]
    lanes = {lane: [n for n in names if cases.ALL[n].alone == lane] for lane in LANES}
    hostile = [n for n in names if cases.ALL[n].alone is True]
    ladders = [n for n in names if n not in rooms and not cases.ALL[n].alone]
    ladders.sort(key=lambda n: not n.startswith(LONG))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from concurrent.futures.as_completed([pool.submit(child, n) for n in rooms])
    # On one processor nothing goes on beside anything.
    pools = {lane: concurrent.futures.ThreadPoolExecutor(min(jobs, n)) for lane, n in LANES.items()} if jobs > 1 else {}
    waiting = [pool.submit(child, n) for lane, pool in pools.items() for n in lanes[lane]]
    if not pools:
        hostile = sum(lanes.values(), []) + hostile
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from concurrent.futures.as_completed(waiting + [pool.submit(child, n) for n in ladders])
    for pool in pools.values():
        pool.shutdown()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield from concurrent.futures.as_completed([pool.submit(child, n) for n in hostile])


def plan_s(name):
    return cases.ALL[name].limit + AGAIN * (cases.ALL[name].limit + CALM_WAIT_S + CALM_S)


def outcomes(names, jobs):
    unsaid = []
    for done in in_turn(names, jobs):
        if says_nothing(*done.result()[:2]):
            unsaid.append(done.result())
        else:
            yield done.result()
    for name, status, out in unsaid:
        yield again(name, status, out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('-j', type=int, default=max(1, min(4, os.cpu_count() or 1)), help='cases at a time')
    p.add_argument('--quick', action='store_true', help='fewer calls up and down')
    p.add_argument('--list', action='store_true')
    p.add_argument('--plan', action='store_true', help='for meson: name, seconds, alone or beside others')
    p.add_argument('--one', help=argparse.SUPPRESS)
    p.add_argument('--once', help=argparse.SUPPRESS)
    p.add_argument('case', nargs='*')
    args = p.parse_args()
    if args.once:
        return one(args.once)
    if args.one:
        _, status, out = next(outcomes([args.one], 1))
        print(out)
        return status
    names = [n for n in cases.ALL if not args.case or any(n == c or n.startswith(c) for c in args.case)]
    if args.plan:
        for n in names:
            print(n, plan_s(n), 'alone' if cases.ALL[n].alone else 'beside')
        return 0
    if args.list:
        for n in names:
            print('%-28s %s' % (n, cases.ALL[n].what))
        return 0
    if not names:
        print('no such case; see --list', file=sys.stderr)
        return 2
    count = {0: 0, 1: 0, SKIPPED: 0}
    print('1..%d' % len(names), flush=True)
    n = 0
    with Awake():
        for name, status, out in outcomes(names, args.j):
            n += 1
            report(n, name, status, out)
            count[status if status in count else 1] += 1
    print('%d passed, %d failed, %d skipped' % (count[0], count[1], count[SKIPPED]))
    return 1 if count[1] else 0


if __name__ == '__main__':
    sys.exit(main())
