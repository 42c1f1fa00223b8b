#!/usr/bin/env python3
"""A recording's stems as projects for programs with many tracks.

    tools/stems-to-daw.py FOLDER            writes into FOLDER, beside manifest.json:

    NAME.rpp            Reaper: the mix, muted, and a track for each stem
    NAME.lof            Audacity: File > Import > all files, each at its place
    NAME-labels.txt     Audacity: File > Import > Labels: what is missing, and who was muted

Every item stands at the sample where the manifest says its file begins. Names of members are theirs; what could mean something
to the program that reads them is taken out.
"""
import argparse
import json
import os
import re
import sys
import uuid


class Wrong(Exception):
    pass


def load(folder):
    try:
        with open(os.path.join(folder, 'manifest.json'), encoding='utf-8') as f:
            m = json.load(f)
        if m['version'] != 1 or m['rate'] <= 0:
            raise Wrong('a manifest of another version')
        return m
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Wrong('%s: no manifest of a recording (%s)' % (folder, e))


def files(m):
    """(title, file, offset, samples, is the mix) of all there are; files only in the folder itself."""
    found = []
    if m['mix']:
        found.append(('Mix', m['mix'], True))
    for member in m['members']:
        if member['file']:
            found.append((member['name'] or member['uri'] or 'Member %d' % member['id'], member, False))
    out = []
    for title, f, mix in found:
        if not re.fullmatch(r'[a-z0-9-]+\.(opus|flac)', f['file']):
            raise Wrong('the manifest names %r, which is no file of a recording' % f['file'])
        out.append((title, f['file'], int(f['offset']), int(f['samples']), mix))
    return out


def plain(text):
    """Of a name, what is no quote, bracket or control character of any of these formats."""
    return re.sub(r'["\'`<>|\\\x00-\x1f\x7f]', '', text).strip() or '-'


def seconds(samples, rate):
    return '%.12f' % (samples / rate)


def guid(m, what):
    """The same at every run."""
    return '{%s}' % str(uuid.uuid5(uuid.NAMESPACE_OID, m['id'] + '/' + what)).upper()


def reaper(m):
    rate = m['rate']
    out = ['<REAPER_PROJECT 0.1 "6.0" 0', '  SAMPLERATE %d 1 0' % rate, '  TEMPO 120 4 4']
    for i, g in enumerate(m['gaps']):
        out.append('  MARKER %d %s "%s" 0' % (i + 1, seconds(g['at'], rate), plain(g['why'])))
    for title, name, offset, samples, mix in files(m):
        source = 'FLAC' if name.endswith('.flac') else 'OPUS'
        out += ['  <TRACK %s' % guid(m, name), '    NAME "%s"' % plain(title), '    MUTESOLO %d 0 0' % mix, '    NCHAN 2',
                '    <ITEM', '      POSITION %s' % seconds(offset, rate), '      LENGTH %s' % seconds(samples, rate),
                '      SOFFS 0', '      LOOP 0', '      IGUID %s' % guid(m, name + '/item'), '      NAME "%s"' % name,
                '      <SOURCE %s' % source, '        FILE "%s"' % name, '      >', '    >', '  >']
    return '\n'.join(out + ['>', ''])


def audacity(m):
    return ''.join('file "%s" offset %s\n' % (name, seconds(offset, m['rate'])) for _, name, offset, _, mix in files(m) if not mix)


def labels(m):
    rate, out = m['rate'], []
    for g in m['gaps']:
        until = g['at'] + (g['samples'] if g['filled'] else 0)
        out.append((g['at'], until, '%s, %.3f s' % (plain(g['why']), g['samples'] / rate)))
    for member in m['members']:
        for begin, end in member['mutes']:
            out.append((begin, m['samples'] if end is None else end, 'muted: ' + plain(member['name'] or member['uri'])))
    return ''.join('%s\t%s\t%s\n' % (seconds(a, rate), seconds(b, rate), text) for a, b, text in sorted(out))


def write(path, text):
    """Only for who may read the recording."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as f:
        f.write(text)
    print(path)


def main():
    p = argparse.ArgumentParser(description='Projects for Reaper and Audacity from a recording.')
    p.add_argument('folder')
    args = p.parse_args()
    try:
        m = load(args.folder)
        name = os.path.join(args.folder, re.sub(r'[^A-Za-z0-9._~+-]', '', m['room']) or 'recording')
        write(name + '.rpp', reaper(m))
        write(name + '.lof', audacity(m))
        write(name + '-labels.txt', labels(m))
    except (Wrong, OSError, KeyError, TypeError, ValueError) as e:
        print('stems-to-daw: %s' % e, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
