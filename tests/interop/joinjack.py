"""Musicians through JACK: jackd on its dummy driver, tutti-join for each, and the rig of the bench that puts chirps and notes into one's
ports and finds them at another's."""
import importlib.util
import os
import shutil
import socket
import statistics
import sys
import time

import oscwire
from cases import case
from phones import Missing
from server import BUILD, ROOT

os.environ['TUTTI_BUILD'] = BUILD     # whose programs the bench's own files start
sys.path.insert(1, os.path.join(ROOT, 'tests', 'bench'))

CHIRPS = 40
LATE_MS = 40                          # nothing on one machine is that far away, however busy it is


def lab():
    """The bench's files; Missing where something is not there that they need."""
    for program in 'jackd', 'jack_lsp':
        if not shutil.which(program):
            raise Missing('%s is not installed' % program)
    for built in 'tests/bench/jackrig', 'tutti-join':
        if not os.path.exists(os.path.join(BUILD, built)):
            raise Missing('%s was not built' % built)
    import bandpeers
    import jacklab
    import netlab
    return bandpeers, jacklab, netlab


def heard(name, figures, level=1.0):
    """What is wrong with what was heard. A period that the graph left out, because its thread was late, may have had a chirp in it; half
    of the chirps are heard on any machine."""
    wrong = []
    damaged = min(max(figures['jumps'], figures['probes'] // 10), figures['probes'] // 2)
    for ear in figures['ears']:
        ms = ear['ms']
        if ms['n'] < figures['probes'] - damaged:
            wrong.append('%s: %s hears %d of %d chirps, with %d periods left out' % (name, ear['port'], ms['n'], figures['probes'], figures['jumps']))
        elif ms['p50'] > LATE_MS:
            wrong.append('%s: %s hears them %.1f ms late, that is away too far' % (name, ear['port'], ms['p50']))
        elif abs(ear['level_db']['p50']) > level:
            wrong.append('%s: %s hears them with %.1f dB' % (name, ear['port'], ear['level_db']['p50']))
    return wrong


@case('join-jack', 'three tutti-join in a room, through JACK with 64 and 128 samples: each hears the chirps of the first, soon and as loud as they are', limit=120,
      alone='delay')
def join_jack():
    bandpeers, jacklab, _ = lab()
    wrong = []
    for period, codec, level in (64, 'L16/48000/2', 1), (128, 'opus', 3):
        with jacklab.Jack(period) as jack:
            with bandpeers.Tutti(jack, 3, codec=codec, frame=0 if codec != 'opus' else 2.5, buffer='auto') as band:
                figures = jack.measure(band.mouths[:1], band.ears[1:], CHIRPS)
                wrong += heard('%s, %d samples' % (codec, period), figures, level)
                for name in band.names:
                    if not band.events(name, 'stats'):
                        wrong.append('%s says nothing of itself' % name)
    return wrong


@case('join-pipewire', 'two tutti-join through PipeWire in the place of JACK: found without being told, heard soon and as loud as they are', limit=90,
      alone='delay')
def join_pipewire():
    bandpeers, jacklab, _ = lab()
    try:
        graph = jacklab.PipeWire(64)
    except bandpeers.Trouble as e:
        if 'not installed' in str(e):
            raise Missing(str(e)) from e
        return [str(e)]
    with graph as jack, bandpeers.Tutti(jack, 2, buffer='auto') as band:
        figures = jack.measure(band.mouths[:1], band.ears[1:], CHIRPS)
        print('# %s ms (median), %d periods left out' % (figures['ears'][0]['ms'].get('p50'), figures['jumps']))
        return heard('PipeWire', figures)


# ---- beside others ----

def bench_band():
    """There is a band.py here, too."""
    spec = importlib.util.spec_from_file_location('bench_band', os.path.join(ROOT, 'tests', 'bench', 'band.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one_turn(who):
    """Its median in ms; None: nothing was heard."""
    t = bench_band().turn(who, 64, 2, CHIRPS, 1)
    print('# %s: %s ms (median), %s (p95), %d periods left out' % (who, t.p50, t.p95, t.figures['jumps']))
    return t.p50


@case('join-beside', 'between two in a room, through JACK with 64 samples: not later than Jamulus and the hub of JackTrip, by the same rig', limit=240,
      alone='delay')
def join_beside():
    bandpeers, _, _ = lab()
    peers = (('jamulus-1', bandpeers.Jamulus), ('hub-2', bandpeers.JackTripHub))      # with their smallest buffers, as ours has none
    there = [who for who, peer in peers if shutil.which(peer.needs[0])]
    if not there:
        raise Missing('neither Jamulus nor JackTrip is installed')
    theirs = min((ms for ms in map(one_turn, there) if ms is not None), default=None)
    if theirs is None:
        raise Missing('nothing was heard through any of ' + ' '.join(there))
    # A program that was late for a period once may keep that: who is begun anew does not.
    ours = None
    for _ in range(3):
        ours = one_turn('tutti-l16')
        if ours is not None and ours < theirs + 0.1:
            return []
    return ['%s ms, and %.2f by others' % (ours, theirs)]


# ---- a duet ----

def apart(name, figures, far):
    """Sound and the note that was played with it, at the other's ports. What the rig writes into a period that is left out, or would
    hear in one, is gone."""
    notes = figures.get('notes', {'on': 0, 'off': 0})
    gone, wrong = min(figures['jumps'], figures['probes'] // 4), []
    if notes['on'] < 0.95 * figures['probes'] - gone:
        wrong.append('%s: %d of %d notes came' % (name, notes['on'], figures['probes']))
    if abs(notes['on'] - notes['off']) > gone:
        wrong.append('%s: %s notes begin, %s end' % (name, notes['on'], notes['off']))
    d = notes.get('apart_ms', {'n': 0})
    # Where JACK left cycles out, each of these was a period of sound and none of notes, and buffers at both ends of a line are for a while
    # other than they were told to be: then half of the notes are judged, and of those that came over a network none.
    steady = not figures['jumps'] and figures['run_late_us']['p99'] < 1000
    print('# %s: apart by %s ms (median), %s (p95)%s' % (name, d.get('p50'), d.get('p95'), '' if steady else '; %d cycles left out' % figures['jumps']))
    if not d['n'] or (d['p50'] > 2 and (steady or not far)) or (steady and d['p95'] > 2):
        wrong.append('%s: the note is away from its sound by %s ms (median), %s (p95)' % (name, d.get('p50'), d.get('p95')))
    return wrong


def free_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    s.settimeout(0.2)
    return s


def drain(s):
    """What came while nobody listened: levels and delays, until there was no room for more."""
    s.setblocking(False)
    try:
        while True:
            s.recv(2000)
    except BlockingIOError:
        s.settimeout(0.2)


def faders(port, ear):
    """A fader moved at one end arrives at the other, the last place for certain."""
    drain(ear)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for i in range(50):
            out.sendto(oscwire.write('/fader/1', 'f', i / 49), ('127.0.0.1', port))
            time.sleep(0.01)
    got, until = [], time.monotonic() + 3
    while time.monotonic() < until and (not got or got[-1] != 1.0):
        try:
            data = ear.recv(2000)
        except OSError:
            continue
        got += [m.args[0] for m in oscwire.messages(oscwire.read(data)) if m.address.endswith('/fader/1')]
    if not got or got[-1] != 1.0:
        return ['the fader stands at %s, not at 1, after %d messages' % (got[-1:] or 'no place', len(got))]
    if got != sorted(got):
        return ['the fader goes back and forth: %s' % got]
    return []


def duet(jack, bandpeers, name, net=None):
    """The first plays a chirp and a note at the same sample, forty times."""
    ear, mouth = free_udp(), free_udp()
    port = mouth.getsockname()[1]
    mouth.close()

    def each(i):
        return ['--osc-port', port] if i == 0 else ['--osc-to', '127.0.0.1:%d' % ear.getsockname()[1]]
    try:
        with bandpeers.Tutti(jack, 2, buffer='auto', more=['--midi', 'jack', '--align'], net=net, each=each) as band:
            a, b = band.names
            figures = jack.measure(band.mouths[:1], band.ears[1:], CHIRPS, 1, ['--note-to', a + ':midi_in', '--note-from', b + ':midi_out'])
            wrong = heard(name, figures) if not net else []
            return wrong + apart(name, figures, net) + (faders(port, ear) if not net else [])
    finally:
        ear.close()


@case('join-duet', 'notes and sound played at the same sample are heard within 2 ms of each other, on one machine and 10 ms apart; faders arrive',
      limit=150, alone='delay')
def join_duet():
    bandpeers, jacklab, netlab = lab()
    with jacklab.Jack(64) as jack:
        wrong = duet(jack, bandpeers, 'on one machine')
    why = netlab.possible()
    if why:
        print('# 10 ms apart: not tried, ' + why)
        return wrong
    with jacklab.Jack(64) as jack:
        with netlab.Net(os.path.join(BUILD, 'tests', 'bench', 'netbox'), 10, 0.3, 0, n=2) as net:
            wrong += duet(jack, bandpeers, '10 ms from the server each', net)
    return wrong
