"""Plain OSC: programs without SIP in a room. liblo's oscsend and oscdump, Pure Data, scsynth, and sockets of Python by UDP and TCP."""
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import urllib.error
import urllib.request

import oscwire
from cases import case
from gestpeer import wait
from gestures_apple import own_daemons
from houseapi import Api
from phones import Missing
from server import Server

PORT, QUERY, DUO, MIDI = 190, 192, 194, 196    # of the slot; what lies below are phones
SECRET = 'a good secret'

PATCH = r"""#N canvas 0 50 450 300 12;
#X obj 10 10 loadbang;
#X obj 10 40 trigger bang bang bang;
#X msg 200 70 connect 127.0.0.1 %(port)d;
#X obj 100 70 delay 300;
#X msg 100 100 list word pd;
#X obj 100 130 oscformat -f ss tutti login;
#X obj 10 70 metro 200;
#X msg 10 100 0.25;
#X obj 10 130 oscformat -f f knob;
#X obj 10 160 list prepend send;
#X obj 10 190 list trim;
#X obj 10 220 netsend -u -b;
#X obj 60 250 oscparse;
#X obj 60 280 print got;
#X connect 0 0 1 0;
#X connect 1 0 6 0;
#X connect 1 1 3 0;
#X connect 1 2 2 0;
#X connect 2 0 11 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 9 0;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 1 12 0;
#X connect 12 0 13 0;
"""


class Client:
    """A player by UDP or TCP."""

    def __init__(self, port, name, tcp=None, host='127.0.0.1'):
        self.tcp = tcp
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.connect(('127.0.0.1', port))
        self.sock.setblocking(False)
        self.reader = {'slip': oscwire.SlipReader, 'size': oscwire.SizeReader}[tcp]() if tcp else None
        self.heard, self.name = [], name
        if name:
            self.say('/tutti/login', 'ss', SECRET, name)

    def say(self, address, tags='', *args):
        packet = oscwire.write(address, tags, *args)
        self.sock.send({None: lambda p: p, 'slip': oscwire.slip, 'size': oscwire.sized}[self.tcp](packet))

    def listen(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except (BlockingIOError, ConnectionError):
                return
            if not data:
                return
            for packet in self.reader.feed(data) if self.reader else [data]:
                self.heard += [(m.address, m.tags, [text(a) for a in m.args]) for m in oscwire.messages(oscwire.read(packet))]

    def hears(self, address, *args):
        def true():
            self.listen()
            return any(a == address and got == list(args) for a, _, got in self.heard)
        return wait(true)

    def close(self):
        self.sock.close()


class House:
    def __init__(self, allow='', announce='no', local='127.0.0.1', midi=False):
        self.server = Server({'gesture.applemidi': lambda base: 'band:%d' % (base + MIDI) if midi else '',
                              'gesture.udp-osc': 'yes', 'gesture.osc-address': local, 'gesture.announce': announce,
                              'gesture.osc-ports': lambda base: 'band:%d %d' % (base + PORT, base + DUO),
                              'gesture.osc-query': lambda base: '%s:%d' % (local, base + QUERY),
                              'gesture.osc-secret': SECRET, 'gesture.osc-from': allow})
        self.port = self.server.port + PORT
        self.ends, self.wrong, self.stopped = [], [], False

    def __enter__(self):
        return self

    def client(self, name, **more):
        self.ends.append(Client(self.port, name, **more))
        return self.ends[-1]

    def run(self, *words, **more):
        if not shutil.which(words[0]):
            raise Missing('no ' + words[0])
        p = subprocess.Popen(words, **more)
        self.ends.append(Program(p))
        return p

    def check(self, true, text):
        if not true:
            self.wrong.append(text)

    def get(self, path):
        with urllib.request.urlopen('http://127.0.0.1:%d%s' % (self.server.port + QUERY, path), timeout=5) as r:
            return json.load(r)

    def stop(self):
        if not self.stopped:
            self.stopped = True
            self.wrong += self.server.stop()

    def __exit__(self, *raised):
        for e in reversed(self.ends):
            e.close()
        self.stop()
        if raised[0] and self.wrong:
            print('\n'.join(self.wrong))


class Program:
    def __init__(self, process):
        self.process = process

    def close(self):
        """Asked first: what is killed leaves shared memory behind."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def has(path, what):
    with open(path, errors='replace') as f:
        return what in f.read()


def text(value):
    return value.decode() if isinstance(value, bytes) else value


@case('plain-kinds', 'Plain OSC: players by UDP, SLIP and sizes hear each other; who has not logged in hears nothing')
def plain_kinds():
    with House() as house:
        eve = Client(house.port, None)
        players = [house.client('udp'), house.client('slip', tcp='slip'), house.client('size', tcp='size')]
        for p in players:
            house.check(p.hears('/tutti/welcome', p.name, 'band'), '%s is not welcome' % p.name)
        eve.say('/_gest/ping', 'i', 1)
        eve.say('/tutti/login', 's', 'a bad secret')
        for p in players:
            p.say('/fader', 'i', 7)
            for other in players:
                house.check(p is other or other.hears('/p/%s/fader' % p.name, 7), '%s does not hear %s' % (other.name, p.name))
        eve.listen()
        house.check(not eve.heard, 'who has not logged in heard %r' % eve.heard)
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % house.server.http_port, timeout=5) as r:
            metrics = r.read().decode()
        for line in 'ports 1', 'players 3', 'logins_total 3', 'refused_total{reason="secret"} 1', 'refused_total{reason="full"} 0':
            house.check('tutti_gesture_plain_%s\n' % line in metrics, 'not in /metrics: ' + line)
        eve.close()
    return house.wrong


@case('plain-liblo', 'Plain OSC: oscsend plays from an address of the list, oscdump hears on a port of its own')
def plain_liblo():
    with House(allow='127.0.0.1') as house, tempfile.TemporaryDirectory() as folder:
        ear = house.server.slot.take()
        out = os.path.join(folder, 'heard')
        if not shutil.which('oscsend') or not shutil.which('oscdump'):
            raise Missing('no liblo-tools')
        with open(out, 'w') as f:
            house.run('stdbuf', '-oL', 'oscdump', str(ear), stdout=f)
        house.check(wait(lambda: bound(ear)), 'oscdump does not listen')
        for words in ('/tutti/login', 'ssi', 'any', 'ear', str(ear)), ('/fader', 'f', '0.5'), ('/pad', 'is', '3', 'hit'):
            subprocess.run(('oscsend', 'localhost', str(house.port)) + words, check=True, timeout=10)
        for line in '/tutti/welcome ss "ear" "band"', '/fader f 0.500000', '/pad is 3 "hit"':
            house.check(wait(lambda: has(out, line)), 'oscdump did not hear %s' % line)
    return house.wrong


def bound(port):
    with open('/proc/net/udp') as f, open('/proc/net/udp6') as g:
        return ':%04X ' % port in f.read() + g.read()


@case('plain-pd', 'Plain OSC: Pure Data (netsend, oscformat, oscparse) plays in a room and hears it')
def plain_pd():
    if not shutil.which('pd'):
        raise Missing('no puredata-core')
    with House(allow='127.0.0.1') as house, tempfile.TemporaryDirectory() as folder:
        patch, out = os.path.join(folder, 'room.pd'), os.path.join(folder, 'said')
        with open(patch, 'w') as f:
            f.write(PATCH % {'port': house.port})
        ann = house.client('ann')
        house.check(ann.hears('/tutti/welcome', 'ann', 'band'), 'ann is not welcome')
        with open(out, 'w') as f:
            house.run('pd', '-nogui', '-noaudio', '-nomidi', '-stderr', patch, stderr=f)
        house.check(wait(lambda: has(out, 'welcome'), 10), 'Pd is not welcome')
        ann.listen()
        name = [a[2][0] for a in ann.heard if a[0] == '/_gest/join']
        house.check(name and ann.hears('/p/%s/knob' % name[-1], 0.25), 'ann does not hear Pd: %r' % ann.heard)
        ann.say('/fader', 'f', 0.5)
        house.check(wait(lambda: has(out, 'p ann fader 0.5')), 'Pd does not hear ann')
    return house.wrong


# ---- SuperCollider's server ----

def pstring(s):
    return bytes([len(s)]) + s.encode()


def synthdef(name):
    """A synthesizer that does nothing but be there: a control rate sine, 1 Hz, that goes nowhere. "SynthDef File Format", version 2."""
    sine = pstring('SinOsc') + b'\1' + struct.pack('>iih', 2, 1, 0) + struct.pack('>iiii', -1, 0, -1, 1) + b'\1'
    one = pstring(name) + struct.pack('>iff', 2, 1.0, 0.0) + struct.pack('>ii', 0, 0) + struct.pack('>i', 1) + sine + struct.pack('>h', 0)
    return b'SCgf' + struct.pack('>ih', 2, 1) + one


def ask(port, want, address, tags='', *args):
    """The arguments of an answer from a program of OSC itself; None: none came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.connect(('127.0.0.1', port))
        try:
            s.send(oscwire.write(address, tags, *args))
            for m in oscwire.messages(oscwire.read(s.recv(65536))):
                if m.address == want:
                    return m.args
        except OSError:
            return None
    return None


def synths(port):
    """How many synths play, and how many definitions there are."""
    status = ask(port, '/status.reply', '/status')       # "unused, unit generators, synths, groups, loaded synth definitions, .."
    return (status[2], status[4]) if status else None


class Quit:
    """Asks scsynth to end itself, before it has to be ended."""

    def __init__(self, port):
        self.port = port

    def close(self):
        ask(self.port, '/done', '/quit')
        wait(lambda: not bound(self.port))


def begin_scsynth(house, folder):
    """On a sound server of its own without sound."""
    if not shutil.which('scsynth') or not shutil.which('jackd'):
        raise Missing('no supercollider-server or jackd2')
    port = house.server.slot.take()
    env = dict(os.environ, JACK_DEFAULT_SERVER='tutti-%d' % port, JACK_NO_AUDIO_RESERVATION='1', JACK_NO_START_SERVER='1')
    with open(os.path.join(folder, 'said'), 'w') as out:
        house.run('jackd', '--no-mlock', '-n', env['JACK_DEFAULT_SERVER'], '-r', '-d', 'dummy', '-p', '1024', env=env, stdout=out, stderr=out)
        for _ in range(20):               # it gives up at once while jackd is not ready
            synth = house.run('scsynth', '-u', str(port), '-i', '0', '-o', '2', '-R', '0', env=env, stdout=out, stderr=out)
            if wait(lambda p=synth: p.poll() is not None or synths(port)) and synth.poll() is None:
                house.ends.append(Quit(port))
                return port
    raise RuntimeError('scsynth does not start')


@case('plain-scsynth', "Plain OSC: SuperCollider's scsynth, which knows only its own addresses, is played from a room and answers", limit=60)
def plain_scsynth():
    with House(allow='127.0.0.1') as house, tempfile.TemporaryDirectory() as folder:
        port = begin_scsynth(house, folder)
        ann, hand = house.client('ann'), house.client(None)
        before = synths(port)
        house.check(ann.hears('/tutti/welcome', 'ann', 'band'), 'ann is not welcome')
        hand.say('/tutti/login', 'ssis', 'any', 'sc', port, 'flat')
        house.check(ann.hears('/_gest/join', 'sc'), 'scsynth is not in')

        # said to all, as it is; and to it alone
        ann.say('/c_set', 'if', 3, 0.25)
        house.check(wait(lambda: ask(port, '/c_set', '/c_get', 'i', 3) == (3, 0.25)), 'a bus has not moved')
        ann.say('/to/sc/c_get', 'i', 3)
        house.check(ann.hears('/p/sc/c_set', 3, 0.25), 'ann does not hear the bus: %r' % ann.heard)
        ann.say('/to/sc/d_recv', 'b', synthdef('tutti'))
        house.check(ann.hears('/p/sc/done', '/d_recv'), 'the definition has not come: %r' % ann.heard)
        ann.say('/to/sc/s_new', 'siii', 'tutti', 1000, 0, 0)
        house.check(wait(lambda: synths(port) == (before[0] + 1, before[1] + 1)), 'synths: %r, before %r' % (synths(port), before))
        ann.say('/to/sc/n_free', 'i', 1000)
        house.check(wait(lambda: synths(port) == (before[0], before[1] + 1)), 'synths: %r, before %r' % (synths(port), before))
        fails = [a[2] for a in ann.heard if a[0] == '/p/sc/fail' and not a[2][0].startswith(('/_gest/', '/tutti/'))]
        house.check(not fails, 'scsynth says %r' % fails)
        house.check(not [a for a in ann.heard if a[0] == '/_gest/join' and a[2] != ['sc']], 'its answers are somebody else')
    return house.wrong


@case('plain-query', 'OSCQuery: rooms, state of players, addresses of the house, where to send, what is not there')
def plain_query():
    with House(allow='127.0.0.1') as house:
        ann = house.client('ann')
        house.check(ann.hears('/tutti/welcome', 'ann', 'band'), 'ann is not welcome')
        ann.say('/synth/gain', 'f', 0.5)
        house.check(wait(lambda: found(house, '/band/p/ann/synth/gain')), 'the state of ann does not appear')
        node = house.get('/band/p/ann/synth/gain')
        house.check(node == {'FULL_PATH': '/p/ann/synth/gain', 'TYPE': 'f', 'ACCESS': 1, 'VALUE': [0.5]}, 'ann: %r' % node)
        house.check('band' in house.get('/')['CONTENTS'], 'the room is not in the list')
        info = house.get('/band?HOST_INFO')
        house.check(info['OSC_PORT'] == house.port and not info['EXTENSIONS']['LISTEN'], 'host info: %r' % info)
        house.check(house.get('/band/tutti/tempo')['RANGE'] == [{'MIN': 20, 'MAX': 400}], 'the tempo has no range')
        house.check(not found(house, '/band/p/bob'), 'bob is there')
    return house.wrong


@case('plain-dnssd', 'Plain OSC: ports of rooms and OSCQuery are found by name while they are open; not what only this machine reaches',
      limit=90, alone='house')
def plain_dnssd():
    with own_daemons() as daemons:
        daemons.begin()
        with House(announce='yes', local='0.0.0.0') as house:
            rooms = {('_osc._' + t, 'band', house.port) for t in ('udp', 'tcp')}
            more = {('_osc._' + t, 'duo', house.server.port + DUO) for t in ('udp', 'tcp')}
            query = {('_oscjson._tcp', 'Tutti', house.server.port + QUERY)}

            def see(services, when):
                house.check(wait(lambda: daemons.browse('-a') == services, 20), '%s: %r' % (when, daemons.browse('-a')))
            see(rooms | query, 'at first')
            Api(house.server).post('/rooms', room='duo')
            see(rooms | more | query, 'with another room')
            Api(house.server).delete('/rooms/duo')
            see(rooms | query, 'without it')
            house.stop()
            see(set(), 'when the server has gone')
        with House(announce='yes', midi=True) as near:
            midi = {('_apple-midi._udp', 'band', near.server.port + MIDI)}
            near.check(wait(lambda: daemons.browse('-a'), 20), 'nothing is found')
            near.check(wait(lambda: daemons.browse('-a') == midi, 5), 'ports of this machine alone: %r' % daemons.browse('-a'))
    return house.wrong + near.wrong


def found(house, path):
    try:
        return house.get(path)
    except urllib.error.HTTPError as e:
        e.close()
        return None
