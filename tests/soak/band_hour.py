#!/usr/bin/env python3
"""A band of real programs for an hour, in real time: band_hour.py MINUTES.

Three tutti-join in JACK (dummy driver) that stay, and a fourth that joins and leaves five times a minute. The rig plays a chirp and a note at the
same sample into the first, four times a second, and listens at the second. Each minute: chirps and notes that were missed, notes that did not end, memory, threads and
descriptors of the server and of those who stay. Fails when memory, descriptors or threads grow, when a program ends,
when more notes are missed, or do not end, than JACK left out periods, or more than one chirp in fifty in a minute in which it left out none.
"""
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(ROOT, 'tests', 'bench'))

import bandpeers  # noqa: E402
from jacklab import Jack  # noqa: E402
from rig import Process  # noqa: E402

VISITS, CHIRPS = 5, 170               # a minute; some 51 s of chirps
GROWTH_KIB = 2048                     # malloc's own fits in that
SERVER_KIB = 8192                     # ... and of a server the last 4,096 events, kept for who comes back to their stream


class Band(bandpeers.Tutti):
    def visit(self, seconds):
        """The fourth: in, and out again as one who quits."""
        args = [os.path.abspath(self.join), '--driver', 'tone', '--tone', '660', '--gain', '-40', '--name', 'visitor', '--no-ui', '--quiet', '--midi', 'none',
                '--seconds', str(seconds), 'sip:music-band@127.0.0.1:%d' % self.port]
        return Process(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.jack.env)


def size(pid):
    with open('/proc/%d/status' % pid) as f:
        status = dict(line.split(':', 1) for line in f if ':' in line)
    return int(status['VmRSS'].split()[0]), int(status['Threads']), len(os.listdir('/proc/%d/fd' % pid))


def minute(jack, band):
    """(what the rig found, what is wrong with visits)"""
    wrong = []
    args = ['--note-to', band.names[0] + ':midi_in', '--note-from', band.names[1] + ':midi_out']
    rig = jack.begin_measure(band.mouths[:1], band.ears[1:2], CHIRPS, 1, args)
    for _ in range(VISITS):
        with band.visit(5) as v:
            try:
                if v.process.wait(9) != 0:
                    wrong.append('a visitor ended with %d' % v.process.returncode)
            except subprocess.TimeoutExpired:
                wrong.append('a visitor did not leave')
        time.sleep(5)
    return jack.end_measure(rig), wrong


def judge(f):
    ear, notes, wrong = f['ears'][0], f['notes'], []
    # A note begins in one period, and ends in one: what JACK left out of these is gone.
    if abs(notes['on'] - notes['off']) > f['jumps']:
        wrong.append('%d notes begin, %d end' % (notes['on'], notes['off']))
    if notes['on'] < f['probes'] - f['jumps']:
        wrong.append('%d of %d notes came' % (notes['on'], f['probes']))
    if not f['jumps'] and not f['xruns'] and ear['missed'] > f['probes'] / 50:
        wrong.append('%d of %d chirps missed' % (ear['missed'], f['probes']))
    return wrong


def grown(first, last):
    wrong = []
    for who in first:
        (rss0, threads0, fds0), (rss1, threads1, fds1) = first[who], last[who]
        if rss1 > rss0 + (SERVER_KIB if who == 'tutti' else GROWTH_KIB):
            wrong.append('%s has grown from %d to %d KiB' % (who, rss0, rss1))
        if threads1 > threads0 or fds1 > fds0:
            wrong.append('%s: %d threads and %d descriptors, before %d and %d' % (who, threads1, fds1, threads0, fds0))
    return wrong


def main():
    minutes, wrong, first, now = int(sys.argv[1]), [], None, {}
    with Jack(64) as jack, Band(jack, 3, buffer='auto', more=['--midi', 'jack', '--align']) as band:
        for k in range(minutes):
            f, trouble = minute(jack, band)
            trouble += judge(f)
            now = {p.log: size(p.pid) for p in band.running if p.process.poll() is None}
            trouble += ['%s has ended' % p.log for p in band.running if p.process.poll() is not None]
            first = first or (now if k or minutes == 1 else None)         # the first minute fills what is made once
            e = f['ears'][0]
            print('minute %d: delay %.2f ms, %d missed, %d periods left out, notes %d/%d, apart %.2f ms; KiB, threads, descriptors: %s%s' % (
                k + 1, e['ms']['p50'], e['missed'], f['jumps'], f['notes']['on'], f['notes']['off'], f['notes']['apart_ms']['p50'],
                ', '.join('%s %d %d %d' % (n, *v) for n, v in now.items()), ''.join('; ' + t for t in trouble)), flush=True)
            wrong += trouble
    wrong += grown(first, now)
    print('\n'.join(['WRONG: ' + w for w in wrong] or ['nothing grows, nothing hangs, nobody is missed']))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
