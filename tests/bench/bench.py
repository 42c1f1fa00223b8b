"""The promises about sound, one function each: measure, compare with the echo of the same run, tell.

Figures are CPU time, not wall time: on a shared machine that is what stays. Costs are ratios against the bare echo of the
same packets measured just before; several turns, the median counts. Where the machine was too busy for a figure, it says
"not measured" and why: nothing is guessed.
"""
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time

import players as bands
import svg
from rig import (BUILD, LOAD, Echo, Server, Trouble, late, load_begin, median, per_member, received_share, tool)

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'docs')
QUICK = os.environ.get('QUICK', '') not in ('', '0')
OUT = os.environ.get('OUT') or os.path.join(BUILD, 'bench')
ONLY = [x for x in os.environ.get('ONLY', '').split(',') if x]
TURNS = 1 if QUICK else 3
HOLD = 2 if QUICK else 6
SETTLE = 1.5                      # buffers fill, gates close;
SETTLE_OPUS = 5                   # and who hears the same comes to share an encoder, which waits for a silence;
SETTLE_DELAY = 14                 # and what a jitter buffer begins with is played away, a few parts in a thousand faster
# Nothing held but the packet that is due: for players on one wire, and what the figures of others were measured with.
BARE = {'media.jitter-music': '0'}
BUSY = 0.9                        # of a core: over that a media thread drops ticks, and its figure is none

rows, data = [], {'quick': QUICK, 'growth': {}, 'echo': {}}


def tell(promise, figure, met, note=''):
    """met: True, False, None for what could not be measured, '' where nothing was promised."""
    verdict = {True: 'met', False: 'MISSED', None: 'not measured', '': '-'}[met]
    rows.append({'promise': promise, 'figure': figure, 'verdict': verdict, 'note': note})
    print('%-62s %-44s %s%s' % (promise, figure, verdict, '  (%s)' % note if note else ''), flush=True)


def media_share(r):
    """How much of its core the busiest thread had."""
    return max(t['cpu_ms_s'] for t in r['hold']['threads'].values()) / 1000


def busy(r, per_second):
    """Why a figure is none; empty when it is one."""
    if media_share(r) > BUSY:
        return 'one core is not enough: %.0f %%' % (100 * media_share(r))
    if received_share(r, per_second) < 0.97:
        return 'only %.0f %% of the packets came' % (100 * received_share(r, per_second))
    return ''


def tainted(r):
    return 'generator late with %.1f %% of its packets' % (100 * late(r)) if late(r) > 0.02 else ''


# ---- instruments ----

def instruments():
    p = subprocess.run([LOAD, '--self-test'], capture_output=True, text=True)
    lines = p.stdout.splitlines()
    good = sum(x.endswith(' ok') for x in lines)
    for x in lines:
        if not x.endswith(' ok'):
            print('  ' + x)
    tell('instrument: reflectors of known delay', '%d of %d within 0.25 ms' % (good, len(lines)), good == len(lines))


# ---- cost ----

def voice(codec, n, talkers=8):
    return ['-n', n, '--talkers', talkers, '--cps', 500 if codec == 'pcmu' else 50, '--settle', SETTLE if codec == 'pcmu' else SETTLE_OPUS, '--hold', HOLD,
            '--codec', codec]


def echo_cost(codec, n):
    with Echo(n) as echo:
        cost = per_member(echo.load(*voice(codec, n), '--cps', 1000, '--settle', 0.5))
    data['echo'].setdefault(codec, []).append([n, cost])
    return cost


def pair(codec, n):
    """Echo, then server: cost of each per member, and what the server said of itself. A small echo wakes for every packet
    and is dearer: the unit is that of 200 at least."""
    unit = echo_cost(codec, max(n, 200))
    with Server() as s:
        r = s.load(*voice(codec, n))
    return per_member(r), unit, r


def listener_cost():
    turns = [pair('pcmu', 200) for _ in range(3)]
    ratio = median([cost / unit for cost, unit, _ in turns])
    why = busy(turns[0][2], 50)
    tell('G.711 member, 200 in a room, 8 talk: <= 1.5 x echo',
         '%.2f x (%.3f ms/s; echo %.3f)' % (ratio, median([t[0] for t in turns]), median([t[1] for t in turns])),
         None if why else ratio <= 1.5, why or tainted(turns[0][2]))
    data['growth'].setdefault('pcmu', []).append([200, median([t[0] for t in turns])])
    memory(turns[0][2])


def memory(r):
    a, b = r['server_before'], r['server_hold_end']
    leg = (b['rss_kib'] - a['rss_kib']) / r['calls']
    tell('memory of a G.711 leg: <= 96 KiB', '%.0f KiB' % leg, leg <= 96)
    tell('threads do not grow with members', '%d, with %d members %d' % (a['threads'], r['calls'], b['threads']),
         a['threads'] == b['threads'])
    tell('context switches a second (no promise)', '%.0f for %d members' % (r['hold']['switches_s'], r['calls']), '')


def opus_cost():
    """The promise is for a room of 200; where one core does not carry that, a smaller room is told instead, as what it is."""
    for n in (200, 40):
        turns = [pair('opus', n)]
        why = busy(turns[0][2], 50)
        if not why:
            break
    turns += [pair('opus', n) for _ in range(TURNS - 1)]
    ratio = median([cost / unit for cost, unit, _ in turns])
    note = '' if n == 200 else 'with %d members; 200 do not fit on one core' % n
    tell('Opus member 32 kb/s, 8 of 200 talk: <= 4 x echo',
         '%.2f x (%.3f ms/s; echo %.3f)' % (ratio, median([t[0] for t in turns]), median([t[1] for t in turns])),
         None if why else ratio <= 4 and n == 200, why or note or tainted(turns[0][2]))
    data['growth'].setdefault('opus', []).append([n, median([t[0] for t in turns])])
    for name, codec, cost, want in ('G.711', 'pcmu', None, 3000), ('Opus', 'opus', median([t[0] for t in turns]), 1500):
        cost = cost or median([c for _, c in data['growth'].get(codec, [])] or [0])
        if cost:
            tell('%s members of one core in one room: %d' % (name, want), '%d (computed: 900 ms of CPU by the cost of one)' % (900 / cost),
                 900 / cost >= want, 'computed, not run')


def musicians(n, *args):
    """(us of CPU for a client and frame, figures): the room is a music room, everybody plays."""
    with Server(**BARE) as s:
        r = s.load('-n', n, '--cps', 50, '--settle', SETTLE_DELAY, '--hold', HOLD, '--stereo', *args, name='music-bench')
    sent = r['hold']['sent'] / r['hold']['seconds'] / n
    return r['hold']['cpu_ms_s'] * 1000 / n / sent, r, sent


def music_cost():
    n = 12
    got = [musicians(n, '--codec', 'l16', '--ptime', '1.333') for _ in range(TURNS)]
    us, r, sent = sorted(got, key=lambda g: g[0])[len(got) // 2]
    back = r['hold']['received'] / r['hold']['seconds'] / n
    why = media_share(r) > BUSY and 'one core is not enough'
    note = '' if abs(back / sent - 1) < 0.03 else 'sent 64-sample frames, the server sends %.0f packets a second' % back
    tell('musician, L16 stereo, 64 samples, %d play: <= 6 us a frame' % n, '%.1f us' % us, None if why else us <= 6 and not note, why or note)

    with Echo(n) as echo:
        r = echo.load('-n', n, '--cps', 400, '--settle', 0.5, '--hold', HOLD, '--stereo', '--codec', 'l16', '--ptime', '1.333')
    tell('  a bare echo of the same packets (no promise)', '%.1f us' % (r['hold']['cpu_ms_s'] * 1000 / n / sent), '')

    n = 12
    dec, enc = [float(x) for x in subprocess.check_output([tool('bare-codec'), '2.5', '2', '96000'], text=True).split()]
    got = [musicians(n, '--codec', 'opus', '--ptime', '2.5') for _ in range(TURNS)]
    us, r, sent = sorted(got, key=lambda g: g[0])[len(got) // 2]
    why = busy(r, 400)
    tell('musician, Opus stereo 2.5 ms, %d play, own mix: <= 1.2 x codec' % n,
         '%.2f x (%.1f us; codec %.1f + %.1f)' % (us / (dec + enc), us, dec, enc), None if why else us <= 1.2 * (dec + enc), why)
    tell('musicians of one core, Opus 2.5 ms: 100', '%d (computed: 900 ms by the cost of one)' % (900e3 / (us * sent)),
         None if why else 900e3 / (us * sent) >= 100, why or 'computed, not run')


def growth():
    """As far as two cores carry server and generator; which sizes those were is told."""
    sizes = [100, 1000] if QUICK else [100, 500, 1000, 1500, 2000]
    cost, note = {}, ''
    for n in sizes:
        got = [pair('pcmu', n) for _ in range(1 if n > 100 else 2)]
        why = busy(got[-1][2], 50)
        if why:
            note = '%d: %s' % (n, why)
            break
        cost[n] = median([g[0] for g in got])
        data['growth'].setdefault('pcmu', []).append([n, cost[n]])
        if late(got[-1][2]) > 0.02:
            note = '%d: %s' % (n, tainted(got[-1][2]))
    if len(cost) < 2:
        tell('growth: CPU of a member at 2000 <= 1.2 x that at 100', '-', None, note)
        return
    top = max(cost)
    tell('growth: CPU of a member at 2000 <= 1.2 x that at 100', '%.2f x at %d (%.3f, %.3f ms/s)' % (cost[top] / cost[100], top, cost[100], cost[top]),
         cost[top] / cost[100] <= 1.2 if top == 2000 or cost[top] > 1.2 * cost[100] else None if note else cost[top] <= 1.2 * cost[100],
         note or ('' if top == 2000 else 'up to %d here' % top))


# ---- gestures ----

FIGURE = re.compile(r'^(bare|relay) +p50 ([0-9.]+) +p95 ([0-9.]+) +p99 ([0-9.]+) .*\(([0-9.]+) %\), ([0-9.]+) us .* ([0-9]+) copies', re.M)


def gestures_run(kind, rate, players=20):
    """{'bare' or 'relay': (p50, p95, p99 in ms, per cent heard, us of CPU a message, copies a second of one core)}; the turn with the median p99."""
    turns = []
    for _ in range(TURNS):
        p = subprocess.run([tool('bench-relay'), kind, str(players), str(rate), '4' if QUICK else '10'], capture_output=True, text=True, timeout=120)
        found = {m[0]: [float(x) for x in m[1:]] for m in FIGURE.findall(p.stdout)}
        if set(found) != {'bare', 'relay'}:
            raise Trouble('bench-relay %s: %s' % (kind, p.stderr.strip() or p.stdout.strip()))
        turns.append(found)
    return sorted(turns, key=lambda t: t['relay'][2])[len(turns) // 2]


def gestures_tell(what, found, promised):
    relay, bare = found['relay'], found['bare']
    met = (relay[0] <= 0.1 and relay[2] <= 0.3) if promised else ''
    note = '' if relay[3] >= 99.99 else 'only %.2f %% were heard' % relay[3]
    tell('gestures, 20 players, %s%s' % (what, ': p50 <= 0.1, p99 <= 0.3 ms' if promised else ' (no promise)'),
         'p50 %.3f, p95 %.3f, p99 %.3f ms (bare forwarder %.3f, %.3f, %.3f)' % (*relay[:3], *bare[:3]), met and not note if promised else '', note)
    data.setdefault('gestures', {})[what] = found


def gestures():
    """Through the relay in a process of its own, against a bare forwarder; then with a server beside it whose media threads have work."""
    for kind, name in ('osc', 'RTP'), ('udp', 'UDP'):
        found = gestures_run(kind, 1000)
        gestures_tell('1,000 messages/s over ' + name, found, True)
        full = gestures_run(kind, 4000)['relay']
        tell('gestures, copies a second of one core over %s (no promise)' % name, '%.0f at 4,000 messages/s x 19 (%.1f us a message)' % (full[5], full[4]), '')
    with Server(threads=2) as s:
        with load_begin('-n', 200, '--cps', 100, '--hold', 600, '--talkers', 8, '--pid', s.pid, 'sip:load@127.0.0.1:%d' % s.port):
            time.sleep(3)
            found = gestures_run('osc', 1000)
    gestures_tell('1,000 messages/s over RTP beside a room of 200 phones', found, False)


# ---- delay ----

def delays(name, room, n, want, turns, settings, *args):
    """want: (percentile, ms) pairs. One talker chirps, and how its frames lie to the ticks is a matter of luck: what several
    turns found is put together."""
    path = os.path.join(OUT, 'delay-%s.txt' % name)
    found, sought, creep, note = [], 0, [], ''
    for _ in range(turns):
        with Server(**settings) as s:
            r = s.load('-n', n, '--cps', 100, '--settle', SETTLE_DELAY, '--hold', 4, '--delay', '--delays', path, *args, name=room)
        d = r['delay_ms']
        sought += d['sought']
        note = note or tainted(r)
        with open(path) as f:
            found += [float(x) for x in f]
        if d['found']:
            creep.append(d['second_half_p50'] - d['first_half_p50'])
    found.sort()
    with open(path, 'w') as f:
        f.writelines('%.4f\n' % x for x in found)
    if len(found) < sought * 0.9 or not found:
        return None, {'found': len(found), 'p50': 0, 'p95': 0, 'p99': 0, 'creep': 0}, 'only %d of %d chirps found' % (len(found), sought)
    d = {'p%d' % p: found[min(len(found) - 1, len(found) * p // 100)] for p in (50, 95, 99)}
    d.update(found=len(found), creep=median(creep))
    return all(d[p] <= ms for p, ms in want), d, note


def delay_rows():
    phone, turns = [('p50', 11), ('p99', 21)], 3 if QUICK else 6
    opus, l16 = ['--codec', 'opus', '--ptime', '2.5', '--stereo'], ['--codec', 'l16', '--ptime', '1.333', '--stereo']
    jobs = [
        ('g711', 'load', 100, phone, turns, {}, 'delay, 20 ms phones, 100 in a room: p50 <= 11, p99 <= 21 ms', ['--talkers', '8']),
        ('opus', 'music-bench', 8, [('p50', 1.8), ('p95', 3)], turns, BARE, 'delay, Opus 2.5 ms, 8 play: p50 <= 1.8, p95 <= 3 ms', opus),
        ('l16', 'music-bench', 8, [('p50', 0.7), ('p95', 1.4)], turns, BARE, 'delay, L16 64 samples, 8 play: p50 <= 0.7, p95 <= 1.4 ms', l16),
        ('opus-auto', 'music-bench', 8, [], 1 if QUICK else 3, {}, 'delay, the same with media.jitter-music = auto: Opus', opus),
        ('l16-auto', 'music-bench', 8, [], 1 if QUICK else 3, {}, 'delay, the same with media.jitter-music = auto: L16', l16),
    ]
    if not QUICK:
        jobs.insert(1, ('g711-big', 'load', 1000, phone, 3, {}, 'delay, 20 ms phones, 1000 in a room: p50 <= 11, p99 <= 21 ms', ['--talkers', '8']))
    for name, room, n, want, turns, settings, promise, args in jobs:
        met, d, note = delays(name, room, n, want, turns, settings, *args)
        tell(promise, 'p50 %.2f, p95 %.2f, p99 %.2f ms' % (d['p50'], d['p95'], d['p99']), met if want or met is None else '', note)
        data.setdefault('delay', {})[name] = d
        if name.startswith('g711'):
            tell('  and it does not creep: second half less first <= 1 ms', '%+.2f ms' % d['creep'], d['creep'] <= 1)


def echo_delay():
    """The same way through the kernel and nothing else: how much of a delay is the machine's."""
    for what, n, args in ('20 ms phones', 100, ['--talkers', '100']), ('L16 64 samples', 8, ['--codec', 'l16', '--ptime', '1.333', '--stereo']):
        with Echo(n) as e:
            d = e.load('-n', n, '--cps', 400, '--hold', 3, '--delay', *args)['delay_ms']
        tell('delay of the bare echo, %s (no promise)' % what, 'p50 %.2f, p95 %.2f, p99 %.2f ms' % (d['p50'], d['p95'], d['p99']), '')


def overload():
    """Half as much again as one core can do, everybody talking, so that there is a mix of their own to encode for each."""
    args = ['--codec', 'opus', '--cps', 100]
    with Server() as s:
        cost = per_member(s.load('-n', 10, '--settle', SETTLE, '--hold', 2, *args))
    n = int(1.5 * 950 / cost)
    with Server() as s:
        r = s.load('-n', n, '--hold', 4 if QUICK else 8, '--delay', '--probes', 16, *args, may_fail=True)
    d = r['delay_ms']
    if d['found'] < d['sought'] / 5:
        tell('overload by half: second half no later than first, 20 ms', '-', None,
             'only %d of %d chirps found with %d members' % (d['found'], d['sought'], n))
        return
    creep = d['second_half_p50'] - d['first_half_p50']
    tell('overload by half: second half no later than first, 20 ms', '%+.1f ms (p50 %.0f) with %d members, %d of %d chirps found' % (
        creep, d['p50'], n, d['found'], d['sought']), creep <= 20)


def levels():
    with Server() as s:
        r = s.load('-n', 16, '--talkers', 8, '--cps', 100, '--settle', SETTLE_DELAY, '--hold', 3, '--levels')
        tell('level errors under 0.5 dB (G.711, 8 sines)', '%.2f dB at worst' % r['levels']['worst_error_db'], r['levels']['worst_error_db'] < 0.5)
        r = s.load('-n', 8, '--cps', 100, '--settle', SETTLE_DELAY, '--hold', 3, '--levels', '--codec', 'l16', '--stereo', name='music-levels')
        tell('own voice 60 dB down (L16, 8 sines)', '%.1f dB' % r['levels']['own_db'], r['levels']['own_db'] <= -60)


# ---- calls ----

def setup():
    """Calls without sound: what SIP costs. The CPU of the control thread is what holds on a busy machine; the waiting times
    hold only where nobody else wants the cores."""
    talking = 100 if QUICK else 500
    with Server(threads=1) as s:
        with load_begin('-n', talking, '--cps', 200, '--hold', 12, 'sip:talk@127.0.0.1:%d' % s.port):
            time.sleep(talking / 200 + 1.5)
            r = s.load('-n', 600, '-r', 60, '--inactive', '--cps', 200, '--hold', 0, may_fail=True)
    tell('set-up, 200 calls/s, %d talk: p99 <= 20 ms' % talking, 'p50 %.1f, p99 %.1f ms' % (r['setup_ms']['p50'], r['setup_ms']['p99']),
         r['setup_ms']['p99'] <= 20 and not r['failed'], tainted(r))
    with Server() as s:
        r = s.load('-n', 500, '-r', 50, '--inactive', '--cps', 500, '--rounds', 3, '--hold', 0, may_fail=True)
    cpu_ms = r['all']['threads']['tutti']['cpu_ms_s'] * r['all']['seconds'] / r['answered']
    tell('set-up, 500 calls/s on one core: <= 2 ms of CPU a call', '%.2f ms for INVITE to the end of BYE' % cpu_ms, cpu_ms <= 2)
    tell('  and at 500 a second all are answered, none asked twice', 'p99 %.1f ms, %d of %d' % (r['setup_ms']['p99'], r['answered'], 1500),
         r['answered'] == 1500 and r['setup_ms']['p99'] < 500, tainted(r))


def start():
    took = []
    for _ in range(3):
        with Server() as s:
            took.append(s.answer_s)
    tell('start: first INVITE answered within 1 s', '%.2f s' % median(took), median(took) <= 1)


# ---- jitter buffer ----

def jitter():
    text = subprocess.check_output([tool('bench-jitter')], text=True)
    with open(os.path.join(OUT, 'jitter.csv'), 'w') as f:
        f.write(text)
    table = list(csv.DictReader(text.splitlines()))
    colours = dict(zip(['clean', 'wifi', '4g', 'step'], svg.COLOURS))
    c = svg.Chart('Jitter buffer: delay against sound that was missing', 'delay, ms (mean)', 'concealed, % of the time',
                  (0, 240), (0, max(float(r['concealed_pct']) for r in table) * 1.1))
    for net, colour in colours.items():
        for mode in 'fixed', 'adaptive':
            pts = [(float(r['delay_ms']), float(r['concealed_pct'])) for r in table if r['network'] == net and r['mode'] == mode]
            c.series('%s, %s' % (net, mode), pts, colour, joined=mode == 'fixed', dash='4 3')
    c.write(os.path.join(OUT, 'jitter.svg'))
    rec = {r['network']: r for r in table if r['mode'] == 'adaptive' and r['setting_ms'] == '20'}
    tell('jitter buffer, adaptive from 20 ms (no promise)', ', '.join('%s %.0f ms %.2f %%' % (n, float(r['delay_ms']), float(r['concealed_pct']))
                                                                   for n, r in rec.items()), '')


# ---- pictures ----

def average(points):
    by = {}
    for n, v in points:
        by.setdefault(n, []).append(v)
    return sorted((n, median(v)) for n, v in by.items())


def pictures():
    series = {}
    for codec, name in ('pcmu', 'G.711'), ('opus', 'Opus'):
        if data['growth'].get(codec):
            series['%s member' % name] = average(data['growth'][codec])
    if data['echo'].get('pcmu'):
        series['bare echo'] = average(data['echo']['pcmu'])
    if series:
        svg.lines(os.path.join(OUT, 'cost.svg'), 'CPU of a member, all in one room', 'members', 'ms of CPU a second', series)
    samples = {}
    for name, title in ('g711', 'G.711 20 ms'), ('opus', 'Opus 2.5 ms'), ('l16', 'L16 64 samples'):
        path = os.path.join(OUT, 'delay-%s.txt' % name)
        if name in data.get('delay', {}) and data['delay'][name]['found']:
            samples[title] = [float(x) for x in open(path)]
    if samples:
        svg.histogram(os.path.join(OUT, 'delay.svg'), "The server's own delay", 'ms', samples)


# ---- docs/performance.md: what stands between the two marks is written here, the rest by people ----

BEGIN, END = '<!-- figures: written by make bench DOCS=1 -->', '<!-- end of figures -->'


def cpu_name():
    with open('/proc/cpuinfo') as f:
        names = [x.split(':', 1)[1].strip() for x in f if x.startswith('model name')]
    vendor = names[0].split()[0] if names else 'unknown'
    return '%d cores of a shared x86-64 virtual machine (%s)' % (os.cpu_count(), vendor)


def docs_write():
    version = subprocess.check_output([os.path.join(BUILD, 'tutti'), '--version'], text=True).strip().splitlines()[0]
    lines = [BEGIN, '', '%s; %s; %s run, load of the machine before it %.1f.' % (
        version, cpu_name(), 'quick' if QUICK else 'full', data['load_before']), '', '| promise | figure | verdict |', '|---|---|---|']
    for r in rows:
        note = ' (%s)' % r['note'] if r['note'] else ''
        lines.append('| %s | %s | %s%s |' % (r['promise'].strip(), r['figure'], r['verdict'], note))
    path = os.path.join(DOCS, 'performance.md')
    with open(path) as f:
        text = f.read()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    with open(path, 'w') as f:
        f.write(head + '\n'.join(lines) + '\n\n' + END + tail)
    os.makedirs(os.path.join(DOCS, 'performance'), exist_ok=True)
    for name in 'cost.svg', 'delay.svg', 'jitter.svg':
        if os.path.exists(os.path.join(OUT, name)):
            shutil.copy(os.path.join(OUT, name), os.path.join(DOCS, 'performance', name))


# ---- musicians: sections of their own in docs/performance.md ----

def band():
    bands.band_part(tell)


def net():
    bands.net_part(tell)


PARTS = [instruments, listener_cost, opus_cost, music_cost, growth, gestures, delay_rows, echo_delay, overload, levels, setup, start, jitter]
APART = [band, net]               # only when asked for: each is minutes


def main():
    os.makedirs(OUT, exist_ok=True)
    began = time.time()
    data['load_before'] = os.getloadavg()[0]
    print('%d cores, load %.1f, %s\n' % (os.cpu_count(), os.getloadavg()[0], 'quick' if QUICK else 'full'))
    parts = [p for p in PARTS + APART if p.__name__ in ONLY] if ONLY else PARTS
    for part in parts:
        try:
            part()
        except Trouble as e:
            tell(part.__name__, '-', None, str(e))
    pictures()
    data.update(rows=rows, seconds=round(time.time() - began), load=os.getloadavg())
    with open(os.path.join(OUT, 'results.json'), 'w') as f:
        json.dump(data, f, indent=1)
    if os.environ.get('DOCS', '') not in ('', '0') and any(p in PARTS for p in parts):
        docs_write()
    count = {v: sum(r['verdict'] == v for r in rows) for v in ('met', 'MISSED', 'not measured')}
    print('\n%(met)d met, %(MISSED)d missed, %(not measured)d not measured' % count + '; %d s; %s' % (data['seconds'], OUT))
    return 0 if rows and all(r['verdict'] == 'met' for r in rows if r['promise'].startswith('instrument')) else 1


if __name__ == '__main__':
    sys.exit(main())
