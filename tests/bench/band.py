#!/usr/bin/env python3
"""From one's mouth to another's ear, on one machine: Tutti beside Jamulus and JackTrip, by the same rig with the same periods.

    tests/bench/band.py [--players 2,8,20] [--periods 64,128] [--probes 200] [--turns 3] [WHO...]

    jackrig: chirp > JACK > a player's program > its server > another player's program > JACK > jackrig

The programs take turns, so that a bad minute of the machine is nobody's alone; the median of the turns' medians counts. Each turn
starts everything anew, for how the clocks of the programs lie to each other is luck. A turn in which JACK left out cycles is told as such.
"""
import argparse
import functools
import statistics
import sys

import bandpeers
from jacklab import Jack
from rig import Trouble

WHO = {
    'tutti-l16': ('Tutti, L16, buffers 0', functools.partial(bandpeers.Tutti)),
    'tutti-l16-auto': ('Tutti, L16, automatic buffers', functools.partial(bandpeers.Tutti, buffer='auto')),
    'tutti-pair': ('Tutti, two ends, L16, buffers 0', functools.partial(bandpeers.TuttiPair)),
    'tutti-opus': ('Tutti, Opus 2.5 ms, buffers 0', functools.partial(bandpeers.Tutti, codec='opus', frame=2.5)),
    'tutti-opus-auto': ('Tutti, Opus 2.5 ms, automatic buffers', functools.partial(bandpeers.Tutti, codec='opus', frame=2.5, buffer='auto')),
    'jamulus-1': ('Jamulus, Opus, its smallest buffers', functools.partial(bandpeers.Jamulus, buffer=1)),
    'jamulus-2': ('Jamulus, Opus, buffers of 2', functools.partial(bandpeers.Jamulus, buffer=2)),
    'jamulus-auto': ('Jamulus, Opus, automatic buffers', functools.partial(bandpeers.Jamulus, buffer=None)),
    'jacktrip-2': ('JackTrip, two ends, queue 2 (smallest)', functools.partial(bandpeers.JackTripPair, queue=2)),
    'jacktrip-4': ('JackTrip, two ends, queue 4 (default)', functools.partial(bandpeers.JackTripPair, queue=4)),
    'hub-2': ('JackTrip, hub, queue 2 (smallest)', functools.partial(bandpeers.JackTripHub, queue=2)),
    'hub-4': ('JackTrip, hub, queue 4 (default)', functools.partial(bandpeers.JackTripHub, queue=4)),
}
PAIRS = ('tutti-pair', 'jacktrip-2', 'jacktrip-4')      # two ends only


class Turn:
    """What one turn found."""

    def __init__(self, figures, parts):
        self.figures, self.parts = figures, parts
        ears = [e for e in figures['ears'] if e['ms']['n']]
        self.missed = sum(e['missed'] for e in figures['ears'])
        self.sought = figures['probes'] * len(figures['ears'])
        self.p50 = statistics.median(e['ms']['p50'] for e in ears) if ears else None
        self.p95 = max(e['ms']['p95'] for e in ears) if ears else None
        self.least = min(e['ms']['min'] for e in ears) if ears else None
        self.most = max(e['ms']['max'] for e in ears) if ears else None
        self.level = statistics.median(e['level_db']['p50'] for e in ears) if ears else None


def turn(who, period, players, probes, seed):
    with Jack(period) as jack:
        with WHO[who][1](jack, players) as band:
            mouth = band.mouths[:1]
            figures = jack.measure(mouth, band.ears[1:players], probes, seed)
            return Turn(figures, band.parts())


def instrument(period):
    """The rig's own ear: what is written in one period is read in the next."""
    with Jack(period) as jack:
        f = jack.measure([], [], 40, 1, ['--self'])
    ms, want = f['ears'][0]['ms'], period / 48
    good = f['ears'][0]['missed'] == 0 and abs(ms['min'] - want) < 0.01 and abs(ms['max'] - want) < 0.01
    return good, 'period %d: the rig hears itself after %.3f ms (%.3f expected), %d cycles left out' % (period, ms['p50'], want, f['jumps'])


def row(label, turns):
    """One line of the table: over the turns, the median of medians, the worst of the rest."""
    heard = [t for t in turns if t.p50 is not None]
    if not heard:
        return [label, '-', '-', '-', '-', 'nothing was heard']
    cycles = sum(t.figures['jumps'] for t in turns)
    missed, sought = sum(t.missed for t in turns), sum(t.sought for t in turns)
    note = []
    if missed:
        note.append('%d of %d chirps missing' % (missed, sought))
    if cycles:
        note.append('%d cycles left out' % cycles)
    return [label, '%.2f' % statistics.median(t.p50 for t in heard), '%.2f to %.2f' % (min(t.p50 for t in heard), max(t.p50 for t in heard)),
            '%.2f' % statistics.median(t.p95 for t in heard), '%.1f' % statistics.median(t.level for t in heard), '; '.join(note)]


HEAD = ['who', 'median, ms', 'of the turns', 'p95, ms', 'level, dB', '']


def measure(who, periods, players, probes, turns, say=print):
    """{(period, players): [row]}, and what could not be measured."""
    table, troubles = {}, []
    for period in periods:
        for n in players:
            found = {w: [] for w in who}
            for k in range(turns):
                for w in who:
                    if w in PAIRS and n != players[0]:
                        continue
                    try:
                        t = turn(w, period, n, probes, k + 1)
                        found[w].append(t)
                        say('  %d smp, %d players, %-14s p50 %s p95 %s ms, missed %d of %d, %d jumps, late p99 %.0f us' % (
                            period, n, w, t.p50, t.p95, t.missed, t.sought, t.figures['jumps'], t.figures['run_late_us']['p99']))
                    except Trouble as e:
                        troubles.append('%s, %d samples, %d players: %s' % (WHO[w][0], period, n, e))
                        say('  ' + troubles[-1])
            table[period, n] = [row(WHO[w][0], found[w]) for w in who if found[w]]
    return table, troubles


def table_text(rows, head=HEAD):
    lines = ['| %s |' % ' | '.join(head), '|%s' % ('---|' * len(head))]
    return '\n'.join(lines + ['| %s |' % ' | '.join(r) for r in rows])


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--players', default='2')
    a.add_argument('--periods', default='64,128')
    a.add_argument('--probes', type=int, default=200)
    a.add_argument('--turns', type=int, default=3)
    a.add_argument('who', nargs='*')
    o = a.parse_args()
    who = [w for w in WHO if not o.who or any(w.startswith(x) for x in o.who)]
    periods, players = [[int(x) for x in v.split(',')] for v in (o.periods, o.players)]
    for p in periods:
        good, text = instrument(p)
        print(('ok   ' if good else 'BAD  ') + text)
        if not good:
            return 1
    table, troubles = measure(who, periods, players, o.probes, o.turns)
    for (period, n), rows in table.items():
        print('\n%d samples, %d players\n\n%s' % (period, n, table_text(rows)))
    for t in troubles:
        print('not measured: ' + t)
    return 0


if __name__ == '__main__':
    sys.exit(main())
