"""A real server for an hour: does it grow, get slower or later? soak.py MINUTES

    steady    20 phones in one room for all the time, 2 % loss, 20 ms jitter, clocks up to 100 ppm off
    churn     seconds 0 to 36 of each minute: callers of four kinds come and go, some without a word
    probe     then, when the others are gone, four on a clean path: how late, what CPU, memory, descriptors

Each minute ends with the same calls in the house, so minutes can be compared: the last third with the one before it. Of
two minutes or three only the calls are judged. Exit status 0: nothing grows; 1: something does; 2: it did not run. Every
process it ends is one that it began, by its number.
"""
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'bench'))
from rig import LOAD, Server, Trouble  # noqa: E402

ROUGH = ['--loss', '2', '--jitter', '20', '--drift', '100']
CHURN_S, GONE_S, PROBE_S, MINUTE_S = 36, 8, 10, 60
MINUTES_MIN = 4                   # to tell growth from chance
TIMEOUT_S = 5                     # media.rtp-timeout: who went without a word is hung up on
KINDS = [                         # calls, rooms, seconds, what else
    ['-n', '12', '-r', '3', '--hold', '3', '--codec', 'pcma'],
    ['-n', '8', '-r', '2', '--hold', '2', '--codec', 'opus', '--stereo'],
    ['-n', '4', '-r', '1', '--hold', '4', '--codec', 'l16', '--ptime', '5'],
    ['-n', '6', '-r', '6', '--hold', '2', '--codec', 'pcmu', '--no-bye'],
]
bad = []


def fail(text):
    bad.append(text)
    print('not ok - ' + text, flush=True)


class Load:
    """One run of tutti-load; whoever waits gets its figures."""

    def __init__(self, server, name, *args):
        self.name = name
        self.process = subprocess.Popen([LOAD, '--json', '--pid', str(server.pid), *args, 'sip:%s@127.0.0.1:%d' % (name, server.port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def figures(self, timeout_s):
        try:
            out, err = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Trouble('%s: tutti-load did not end within %d s' % (self.name, timeout_s)) from None
        if not out.startswith('{'):
            raise Trouble('%s: %s' % (self.name, err.strip()))
        return json.loads(out)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def judge_calls(r, name, quiet_may=0):
    """All answered, none ended by the server, all heard something."""
    if r['failed'] or r['answered'] < r['calls'] * r['rounds']:
        fail('%s: %d of %d calls failed, %s' % (name, r['failed'], r['calls'] * r['rounds'], r['codes']))
    if r['ended_by_server']:
        fail('%s: the server ended %d calls' % (name, r['ended_by_server']))
    if r['rtp']['silent_calls'] > quiet_may:
        fail('%s: %d calls heard nothing' % (name, r['rtp']['silent_calls']))


def churn(server, minute, until):
    """One after another of each kind until the time is up; returns how many calls there were."""
    n_calls, running = 0, {}
    try:
        while running or time.monotonic() < until - 5:
            for i, kind in enumerate(KINDS):
                if i not in running and time.monotonic() < until - 5:
                    running[i] = Load(server, 'churn-%d-%d' % (minute, i), '--cps', '20', '--seed', str(minute), *ROUGH, *kind)
                elif i in running and running[i].process.poll() is not None:
                    r = running.pop(i).figures(5)
                    n_calls += r['answered']
                    judge_calls(r, 'minute %d, churn %d' % (minute, i))
            if time.monotonic() > until + 20:
                raise Trouble('the calls of minute %d do not end' % minute)
            time.sleep(0.1)
    finally:
        for one in running.values():
            one.stop()
    return n_calls


def probe(server, minute):
    r = Load(server, 'probe', '-n', '4', '--talkers', '1', '--delay', '--settle', '2', '--hold', str(PROBE_S - 2),
             '--codec', 'l16', '--ptime', '5').figures(60)
    judge_calls(r, 'minute %d, probe' % minute)
    d, at = r['delay_ms'], r['server_hold_end']
    return {'p50': d['p50'], 'p99': d['p99'], 'found': d['found'] / max(1, d['sought']), 'cpu': r['hold']['cpu_ms_s'],
            'rss': at['rss_kib'], 'fds': at['fds'], 'threads': at['threads']}


def tell(minute, calls, s):
    print('minute %3d: %3d calls came and went; delay p50 %.2f p99 %.2f ms (%.0f %% found), CPU %.1f ms/s, %d KiB, %d fds, %d threads'
          % (minute, calls, s['p50'], s['p99'], s['found'] * 100, s['cpu'], s['rss'], s['fds'], s['threads']), flush=True)


def thirds(samples, key):
    """The medians of the last two thirds: the first is for buffers and tables that fill once."""
    n = max(1, len(samples) // 3)
    return (statistics.median(s[key] for s in samples[-2 * n:-n]), statistics.median(s[key] for s in samples[-n:]))


def judge_growth(samples):
    limits = [                        # from one third to the next: what may be added, what it may be multiplied by
        ('rss', 'KiB of memory', 512, 1.02), ('cpu', 'ms CPU a second', 10, 1.3), ('p50', 'ms of delay, median', 3, 1.0),
    ]
    for key, what, add, times in limits:
        before, after = thirds(samples, key)
        print('%s: %.1f, then %.1f' % (what, before, after))
        if after > before * times + add:
            fail('%s: from %.1f to %.1f' % (what, before, after))
    for key in 'fds', 'threads':
        seen = {s[key] for s in samples}
        if max(seen) - min(seen) > (2 if key == 'fds' else 0):
            fail('%s: %s' % (key, sorted(seen)))


def judge_steady(r, minutes):
    """Through jitter and drift the buffers stay as they were: nobody who has been there for an hour is heard later."""
    judge_calls(r, 'steady')
    d = r['delay_ms']
    print('steady: %d of %d chirps found, delay p50 %.1f p99 %.1f ms; p50 of the halves %.1f, %.1f'
          % (d['found'], d['sought'], d['p50'], d['p99'], d['first_half_p50'], d['second_half_p50']))
    if not d['sought'] or d['found'] < d['sought'] / 2:
        fail('steady: only %d of %d chirps heard' % (d['found'], d['sought']))
    if minutes >= MINUTES_MIN and d['second_half_p50'] > d['first_half_p50'] + 3:
        fail('steady: delay creeps from %.1f to %.1f ms' % (d['first_half_p50'], d['second_half_p50']))


def soak(server, minutes):
    # Until after the last minute: then its own figures are read.
    steady = Load(server, 'steady', '-n', '20', '--talkers', '4', '--cps', '20', '--hold', str(minutes * MINUTE_S + 5),
                  '--delay', '--probes', '2', *ROUGH)
    samples = []
    try:
        begin = time.monotonic() + 3
        for minute in range(1, minutes + 1):
            at = begin + (minute - 1) * MINUTE_S
            time.sleep(max(0, at - time.monotonic()))
            calls = churn(server, minute, at + CHURN_S)
            time.sleep(max(GONE_S, at + CHURN_S + GONE_S - time.monotonic()))
            samples.append(probe(server, minute))
            tell(minute, calls, samples[-1])
            if steady.process.poll() is not None or server.process.poll() is not None:
                raise Trouble('the server or its steady calls ended in minute %d' % minute)
        judge_steady(steady.figures(MINUTE_S + 60), minutes)
    finally:
        steady.stop()
    return samples


def main():
    minutes = int(sys.argv[1]) if len(sys.argv) == 2 and sys.argv[1].isdigit() else 0
    if not 1 <= minutes <= 7 * 24 * 60:
        print('usage: soak.py MINUTES', file=sys.stderr)
        return 64
    try:
        with Server(threads=0, **{'media.rtp-timeout': str(TIMEOUT_S)}) as server:
            samples = soak(server, minutes)
            if minutes >= MINUTES_MIN:
                judge_growth(samples)
    except Trouble as e:
        print('did not run: %s' % e, file=sys.stderr)
        return 2
    print('soak: %d minutes, %s' % (minutes, '%d things wrong' % len(bad) if bad else 'nothing grows'))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
