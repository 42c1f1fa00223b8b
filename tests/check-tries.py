#!/usr/bin/env python3
"""What tests/interop/run.py makes of tries on a late machine: each row is what the tries say, and what must come of it."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'interop'))
import run  # noqa: E402

GOOD, BAD, BUSY, OTHER, SKIPPED = 0, 1, run.BUSY, run.BUSY_WRONG, run.SKIPPED
ROWS = [
    # name, tries, outcome, tries taken
    ('sip-echo', [GOOD], GOOD, 1),
    ('sip-echo', [BAD, GOOD], BAD, 1),                        # in time and wrong: no second chance
    ('sip-echo', [SKIPPED], SKIPPED, 1),
    ('sip-echo', [BUSY, GOOD], GOOD, 2),
    ('sip-echo', [BUSY, BAD, GOOD], BAD, 2),
    ('sip-echo', [BUSY, BUSY, BUSY, GOOD], GOOD, 4),
    ('sip-echo', [BUSY, BUSY, BUSY, BUSY, GOOD], SKIPPED, 4),
    ('sip-echo', [OTHER, GOOD], GOOD, 2),
    ('sip-echo', [BUSY, BUSY, BUSY, OTHER, GOOD], BAD, 4),    # not its sound: that is judged
    ('room-baresip', [BAD, GOOD], GOOD, 2),                   # what other people's phones did in time cannot be seen
    ('room-baresip', [BAD, BAD, GOOD], BAD, 2),
    ('room-baresip', [BAD, BUSY, GOOD], GOOD, 3),
    ('room-python-tls', [BAD, GOOD], BAD, 1),
]


class Done:
    def __init__(self, value):
        self.result = lambda: value


def outcome(name, tries):
    left = iter(tries)
    taken = []

    def child(n):
        taken.append(n)
        return n, next(left), ''
    run.child, run.calm = child, lambda n: None
    run.in_turn = lambda names, jobs: [Done(child(n)) for n in names]
    return next(run.outcomes([name], 1))[1], len(taken)


wrong = 0
for name, tries, want, n in ROWS:
    got = outcome(name, tries)
    if got != (want, n):
        print('%s %r: %r, should be %r' % (name, tries, got, (want, n)), file=sys.stderr)
        wrong += 1
sys.exit(1 if wrong else 0)
