"""The parts of make bench that are about musicians: band (programs through JACK) and net (buffers on networks); each also a section of
docs/performance.md between marks of its own.
"""
import os
import shutil

import band
import netem
from rig import BUILD

QUICK = os.environ.get('QUICK', '') not in ('', '0')
OUT = os.environ.get('OUT') or os.path.join(BUILD, 'bench')
HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'docs')


def section(name, text):
    """Into docs/performance.md."""
    begin, end = '<!-- %s: written by make bench ONLY=%s DOCS=1 -->' % (name, name), '<!-- end of %s -->' % name
    path = os.path.join(DOCS, 'performance.md')
    with open(path) as f:
        old = f.read()
    with open(path, 'w') as f:
        f.write(old.split(begin)[0] + begin + '\n\n' + text.strip() + '\n\n' + end + old.split(end)[1])


def wanted_docs():
    return os.environ.get('DOCS', '') not in ('', '0')


def band_part(tell):
    """Instrument first; then all programs in turns."""
    periods, players = [64, 128], [2] if QUICK else [2, 8]
    for p in periods:
        good, text = band.instrument(p)
        tell('instrument: the rig hears itself after a period of %d' % p, text.split(': ')[1], good)
    table, troubles = band.measure(list(band.WHO), periods, players, 60 if QUICK else 150, 1 if QUICK else 5)
    for (period, n), rows in table.items():
        heard = {r[0]: float(r[1]) for r in rows if r[1] != '-'}
        ours = {k: v for k, v in heard.items() if k.startswith('Tutti')}
        others = {k: v for k, v in heard.items() if not k.startswith('Tutti')}
        if not ours or not others:
            tell('mouth to ear, %d samples, %d players: Tutti is the lowest' % (period, n), '-', None, 'one side is missing')
            continue
        best, rival = min(ours, key=ours.get), min(others, key=others.get)
        tell('mouth to ear, %d samples, %d players: Tutti is the lowest' % (period, n),
             '%s %.2f ms; %s %.2f ms' % (best, ours[best], rival, others[rival]), ours[best] <= others[rival])
    text = '\n\n'.join('%d samples, %d players:\n\n%s' % (p, n, band.table_text(rows)) for (p, n), rows in table.items())
    if troubles:
        text += '\n\nNot measured: ' + '; '.join(troubles) + '.'
    with open(os.path.join(OUT, 'band.md'), 'w') as f:
        f.write(text + '\n')
    print('\n' + text)
    if wanted_docs():
        section('band', text)


def net_part(tell):
    nets = netem.QUICK_NETS if QUICK else netem.NETS
    text, pictures = [], []
    for kind in netem.KINDS:
        found = netem.measure(kind, nets, 10 if QUICK else 20, 1 if QUICK else 3, 2)
        text.append('%s:\n\n%s' % (netem.KINDS[kind], netem.table(found, nets)))
        name = 'net-%s.svg' % kind
        netem.plot(os.path.join(OUT, name), kind, found, nets)
        pictures.append(name)
        least = found[nets[0], '0'][0]
        tell('%s on a clean wire, buffer 0, cards 400 ppm apart (no promise)' % kind, '%.1f ms, %.0f frames a minute made up' % (
            least, found[nets[0], '0'][2]), '')
    print('\n' + '\n\n'.join(text))
    with open(os.path.join(OUT, 'net.md'), 'w') as f:
        f.write('\n\n'.join(text) + '\n')
    if not wanted_docs():
        return
    os.makedirs(os.path.join(DOCS, 'performance'), exist_ok=True)
    for name in pictures:
        shutil.copy(os.path.join(OUT, name), os.path.join(DOCS, 'performance', name))
    section('net', '\n\n'.join(text) + '\n\n' + '\n\n'.join('![Delay against made up sound](performance/%s)' % p for p in pictures))
