#!/usr/bin/env python3
"""What a choice of buffer costs and saves on a network: delay and concealed frames a minute, as a table and a plot.

    tests/bench/netem.py [--quick] [--kind l16-64] [--out DIR]

The engines of two players and the server run in one process on a clock turned by hand (bench-band.c), with packets held and lost by
dice: the same seed gives the same table, on a busy machine too. Both cards are wrong, by 200 ppm, in opposite directions. A
network is that of each of the two lines, each way: what two players have between them is twice as long, and twice as lossy.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys

import svg
from rig import BUILD, Trouble, tool

PPM = 200
BUFFERS = ['0', '1', '2', '3', 'auto']
QUANTUM_MS = {'l16-64': 64 / 48, 'l16-128': 128 / 48, 'opus-64': 2.5, 'opus-128': 2.5}
KINDS = {'l16-64': 'L16, frames and period of 64 samples', 'opus-64': 'Opus, frames of 2.5 ms, period of 64 samples'}
# delay ms, jitter ms, loss %, redundancy
NETS = [(0, 0, 0, 0), (10, 0, 0, 0), (20, 0, 0, 0), (40, 0, 0, 0),
        (10, 0.5, 0, 0), (10, 1, 0, 0), (10, 2, 0, 0), (10, 5, 0, 0), (10, 10, 0, 0),
        (10, 0.5, 1, 0), (10, 0.5, 1, 1), (10, 0.5, 5, 0), (10, 0.5, 5, 1), (10, 2, 1, 0), (10, 2, 1, 1), (10, 2, 5, 0), (10, 2, 5, 1),
        (10, 10, 5, 0), (10, 10, 5, 1)]
QUICK_NETS = [(0, 0, 0, 0), (40, 0, 0, 0), (10, 1, 0, 0), (10, 5, 0, 0), (10, 0.5, 5, 0), (10, 0.5, 5, 1)]


def cell(kind, buffer, net, seconds, seed):
    """(p50 ms, p95 ms, concealed a minute, chirps sought, found)"""
    args = [tool('bench-band'), kind, buffer, *[str(x) for x in net], str(PPM), str(seconds), str(seed)]
    p = subprocess.run(args, capture_output=True, text=True, timeout=600)
    if p.returncode:
        raise Trouble('%s: %s' % (' '.join(args[1:]), p.stderr.strip()[-400:] or p.stdout.strip()[-400:]))
    return [float(x) for x in p.stdout.split()[-5:]]


def median(v):
    return sorted(v)[len(v) // 2]


def measure(kind, nets, seconds, seeds, workers):
    """{(net, buffer): (delay beyond the network's ms, p95 of it, concealed a minute, share of chirps found)}; the median of the seeds' medians."""
    found = {}
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = {(n, b): [pool.submit(cell, kind, b, n, seconds, s + 1) for s in range(seeds)] for n in nets for b in BUFFERS}
        for (n, b), turns in jobs.items():
            got = [t.result() for t in turns]
            found[n, b] = (median([g[0] for g in got]) - 2 * n[0], median([g[1] for g in got]) - 2 * n[0], sum(g[2] for g in got) / seeds,
                           sum(g[4] for g in got) / max(1, sum(g[3] for g in got)))
    return found


HEAD = ['delay', 'jitter', 'loss', 'red'] + ['buffer %s' % b for b in BUFFERS]


def table(found, nets):
    lines = ['| %s |' % ' | '.join(HEAD), '|%s' % ('---|' * len(HEAD))]
    for n in nets:
        cells = ['%.1f / %.0f' % (found[n, b][0], found[n, b][2]) for b in BUFFERS]
        lines.append('| %g ms | %g ms | %g %% | %s | %s |' % (n[0], n[1], n[2], 'yes' if n[3] else '', ' | '.join(cells)))
    return '\n'.join(lines)


def plot(path, kind, found, nets):
    """One line for each network of the same delay: its price of delay in sound that is made up."""
    shown = [n for n in nets if n[0] == 10 and (n[1] or n[2])]
    most = max(found[n, b][0] for n in shown for b in BUFFERS)
    c = svg.Chart('What a buffer saves: %s' % KINDS.get(kind, kind), 'delay beyond that of the network, ms (median)',
                  'frames made up a minute (square root)', (0, most * 1.1), (0, max(found[n, b][2] for n in shown for b in BUFFERS) ** 0.5 * 1.05))
    for i, n in enumerate(shown[:16]):
        colour, dash = svg.COLOURS[i % len(svg.COLOURS)], '4 3' if n[3] else ''
        pts = [(found[n, b][0], found[n, b][2] ** 0.5) for b in BUFFERS[:-1]]
        c.series('%g ms, %g %%%s' % (n[1], n[2], ', red' if n[3] else ''), pts, colour, dash=dash)
    c.write(path)


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--quick', action='store_true')
    a.add_argument('--kind', default='l16-64')
    a.add_argument('--out', default=os.path.join(BUILD, 'bench'))
    o = a.parse_args()
    nets = QUICK_NETS if o.quick else NETS
    os.makedirs(o.out, exist_ok=True)
    for kind in o.kind.split(','):
        found = measure(kind, nets, 10 if o.quick else 20, 1 if o.quick else 3, 2)
        print('\n%s: delay beyond that of the network in ms, median / frames made up a minute\n\n%s' % (KINDS.get(kind, kind), table(found, nets)))
        plot(os.path.join(o.out, 'net-%s.svg' % kind), kind, found, nets)
    return 0


if __name__ == '__main__':
    sys.exit(main())
