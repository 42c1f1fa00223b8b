#!/usr/bin/env python3
"""tools/stems-to-daw.py: every stem stands at its sample, whatever its member is called; what is no manifest is refused."""
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'tools', 'stems-to-daw.py')
RATE = 48000
# Offsets that are no round number of seconds, and one after a day.
OFFSETS = [0, 1, 959, 47999, 48001, 1234567, 86400 * RATE + 7]
NAMES = ['Ann', '', 'a"b', "x'; rm -rf ~", '>\n  <TRACK', '`$(id)`', 'J\u00f6rg \U0001d11e']


def manifest():
    members = [{'id': i + 1, 'uri': 'sip:m%d@test' % i, 'name': name, 'role': 'speaker', 'joined': at, 'left': None,
                'file': 'stem-%d.flac' % (i + 1), 'channels': 1, 'offset': at, 'samples': 1000 + i, 'mutes': [[at + 10, at + 20]]}
               for i, (at, name) in enumerate(zip(OFFSETS, NAMES))]
    members.append(dict(members[0], id=99, file=None, no_file='not heard', name='silent', mutes=[[5, None]]))
    return {'state': 'finished', 'version': 1, 'id': '20261121-184900-0123456789abcdef', 'room': 'band', 'by': 'x', 'why': '', 'rate': RATE,
            'started_ms': 1, 'ended_ms': 2, 'samples': 90000 * RATE, 'codec': 'flac',
            'mix': {'file': 'mix.flac', 'channels': 1, 'offset': 0, 'samples': 90000 * RATE}, 'members': members,
            'gaps': [{'at': 4801, 'samples': 960, 'why': 'late', 'filled': True},
                     {'at': 9600, 'samples': 480000, 'why': 'paused', 'filled': False}]}


def run(folder, m):
    with open(os.path.join(folder, 'manifest.json'), 'w') as f:
        f.write(m if isinstance(m, str) else json.dumps(m))
    return subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True)


def samples(text):
    return round(float(text) * RATE)


def read(folder, name):
    path = os.path.join(folder, name)
    assert os.stat(path).st_mode & 0o777 == 0o600, name
    with open(path, encoding='utf-8') as f:
        return f.read()


def tree(lines):
    """A Reaper project as [head, line or tree, ...]; every < has its >."""
    head, out = next(lines), []
    out.append(head.strip().lstrip('<'))
    for line in lines:
        word = line.strip()
        if word == '>':
            return out
        if word.startswith('<'):
            out.append(tree(itertools.chain([line], lines)))
        else:
            out.append(word)
    raise AssertionError('a < without its >')


def value(node, key):
    return next(shlex.split(x) for x in node if isinstance(x, str) and x.startswith(key + ' '))[1]


def check_reaper(text):
    root = tree(iter(text.splitlines()))
    tracks = [n for n in root if isinstance(n, list) and n[0].startswith('TRACK')]
    assert len(tracks) == 1 + len(OFFSETS), len(tracks)
    assert value(tracks[0], 'MUTESOLO') == '1' and value(tracks[1], 'MUTESOLO') == '0'
    for i, t in enumerate(tracks[1:]):
        item = next(n for n in t if isinstance(n, list))
        source = next(n for n in item if isinstance(n, list))
        assert source[0] == 'SOURCE FLAC' and value(source, 'FILE') == 'stem-%d.flac' % (i + 1)
        assert samples(value(item, 'POSITION')) == OFFSETS[i], (i, item)
        assert samples(value(item, 'LENGTH')) == 1000 + i
        assert value(t, 'NAME'), t
    assert value(tracks[2], 'NAME') == 'sip:m1@test' and value(tracks[7], 'NAME') == NAMES[6]
    assert [samples(x.split()[2]) for x in root if isinstance(x, str) and x.startswith('MARKER')] == [4801, 9600]


def check_audacity(lof, labels):
    rows = re.findall(r'^file "(stem-\d+\.flac)" offset ([0-9.]+)$', lof, re.M)
    assert len(rows) == len(lof.splitlines()) == len(OFFSETS)
    assert [samples(at) for _, at in rows] == OFFSETS
    marks = [line.split('\t') for line in labels.splitlines()]
    assert all(len(m) == 3 for m in marks), marks
    assert ['late, 0.020 s'] == [m[2] for m in marks if samples(m[0]) == 4801 and samples(m[1]) == 5761]
    assert ['paused, 10.000 s'] == [m[2] for m in marks if samples(m[0]) == samples(m[1]) == 9600]
    assert any(m[2] == 'muted: silent' and samples(m[1]) == 90000 * RATE for m in marks)
    assert len(marks) == 2 + len(OFFSETS) + 1


def main():
    with tempfile.TemporaryDirectory(prefix='tutti-stems-') as folder:
        p = run(folder, manifest())
        assert p.returncode == 0, p.stderr
        check_reaper(read(folder, 'band.rpp'))
        check_audacity(read(folder, 'band.lof'), read(folder, 'band-labels.txt'))
        before = sorted(os.listdir(folder))
        bad = manifest()
        bad['members'][0]['file'] = '../../etc/passwd'
        for m in '', '{', '[]', '{"version": 2, "rate": 48000}', '{"version": 1, "rate": 48000}', bad:
            p = run(folder, m)
            assert p.returncode == 1 and 'Traceback' not in p.stderr, (m, p.stderr)
        assert sorted(os.listdir(folder)) == before
        room = manifest()
        room['room'] = '../../x/y'
        assert run(folder, room).returncode == 0 and os.path.exists(os.path.join(folder, '....xy.rpp'))
    assert subprocess.run([sys.executable, TOOL, '/nonexistent'], capture_output=True).returncode == 1
    print('check-stems: %d stems at their samples' % len(OFFSETS))


main()
