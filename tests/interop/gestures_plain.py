"""Plain OSC: programs without SIP in a room. liblo's oscsend and oscdump, Pure Data, and sockets of Python by UDP and TCP."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import oscwire
from cases import case
from gestpeer import wait
from phones import Missing
from server import Server

PORT, QUERY = 190, 192            # of the slot; what lies below are phones
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
    def __init__(self, allow=''):
        self.server = Server({'gesture.udp-osc': 'yes', 'gesture.osc-ports': lambda base: 'band:%d' % (base + PORT),
                              'gesture.osc-query': lambda base: '127.0.0.1:%d' % (base + QUERY),
                              'gesture.osc-secret': SECRET, 'gesture.osc-from': allow})
        self.port = self.server.port + PORT
        self.ends, self.wrong = [], []

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

    def __exit__(self, *raised):
        for e in self.ends:
            e.close()
        self.wrong += self.server.stop()
        if raised[0] and self.wrong:
            print('\n'.join(self.wrong))


class Program:
    def __init__(self, process):
        self.process = process

    def close(self):
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


def found(house, path):
    try:
        return house.get(path)
    except urllib.error.HTTPError as e:
        e.close()
        return None
