"""AppleMIDI: software without SIP in a room. A peer in Python with journals on links that lose packets, one of npm's without, and tshark as
judge of what the server sends."""
import contextlib
import os
import random
import shutil
import struct
import subprocess
import tempfile
import time
import urllib.request

import applepeer
from cases import case
from gestpeer import wait
from houseapi import Api
from phones import Missing
from server import Server

PORT = 190                        # of the slot; what lies below are phones


class House:
    """A server with an AppleMIDI port for room band, and peers; all are ended."""

    def __init__(self, allow='127.0.0.1', announce='no'):
        self.server = Server({'gesture.applemidi': lambda base: 'band:%d %d' % (base + PORT, base + PORT + 2),
                              'gesture.applemidi-from': allow, 'gesture.announce': announce})
        self.port, self.ends, self.wrong, self.stopped = self.server.port + PORT, [], [], False

    def __enter__(self):
        return self

    def end(self, what):
        self.ends.insert(0, what)
        return what

    def python(self, name, **more):
        return self.end(applepeer.Python(self.port, name, self.server.slot.take(), seed=len(self.ends) + 7, **more))

    def stop(self):
        self.stopped = True
        self.wrong += self.server.stop()

    def check(self, true, text):
        if not true:
            self.wrong.append(text)

    def __exit__(self, *raised):
        for e in self.ends:
            e.close()
        if not self.stopped:
            self.stop()
        if raised[0] and self.wrong:
            print('\n'.join(self.wrong))


def something(rng, held):
    """A command, and no note that is struck twice."""
    key, ch = 60 + rng.randrange(8), rng.randrange(2)
    kind = rng.randrange(5)
    if kind == 0:
        return bytes([0xb0 | ch, 7 + rng.randrange(4), rng.randrange(128)])
    if kind == 1:
        return bytes([0xe0 | ch, 0, rng.randrange(128)])
    if (ch, key) in held:
        held.discard((ch, key))
        return bytes([0x80 | ch, key, 64])
    held.add((ch, key))
    return bytes([0x90 | ch, key, 1 + rng.randrange(127)])


@case('apple-loss', 'AppleMIDI: two peers with journals play in a room, a quarter of all packets is lost, and nothing hangs', limit=60)
def apple_loss():
    rng = random.Random(4)
    with House() as house:
        anna, bob = house.python("Anna's iPad"), house.python('bob')
        for p in anna, bob:
            house.check(p.connect() == 'open', '%s does not come in: %s' % (p.name, p.state))
        for p in anna, bob:
            p.loss = 0.25
        held = set()
        for _ in range(400):
            anna.play(something(rng, held))
            time.sleep(rng.random() * 0.015)
        for ch, key in sorted(held):
            anna.play(bytes([0x80 | ch, key, 64]))
        house.check(wait(lambda: not anna.sender.now.same(bob.receiver.held), 8),
                    'bob: ' + ', '.join(anna.sender.now.same(bob.receiver.held)))
        house.check(bob.receiver.n['lost'] > 30, 'only %d packets were lost' % bob.receiver.n['lost'])
        house.check(not bob.receiver.n['malformed'], 'malformed: %r' % dict(bob.receiver.n))
        house.check(not anna.heard, 'anna hears herself')

        # She goes with a key down, and says so. (A lost NoteOn would not be struck late.)
        anna.loss = bob.loss = 0.0
        anna.play(bytes([0x95, 72, 99]))
        house.check(wait(lambda: (5, 72) in bob.receiver.held.notes, 4), 'the last note is not held')
        anna.leave()
        house.check(wait(lambda: not bob.receiver.held.notes, 4), 'held of a leaver: %r' % bob.receiver.held.notes)
    return house.wrong


@case('apple-npm', 'AppleMIDI: peers of another make (npm rtpmidi) play with each other and with one that has journals, also with losses',
      limit=60)
def apple_npm():
    rng = random.Random(5)
    with House() as house:
        take = house.server.slot.take
        a = house.end(applepeer.Npm(house.port, 'anna', take()))
        b = house.end(applepeer.Npm(house.port, 'bob', take()))
        link = house.end(applepeer.Lossy(house.port, take()))
        c = house.end(applepeer.Npm(link.near[0].getsockname()[1], 'carl', take()))
        d = house.python('dora')
        house.check(d.connect() == 'open', 'dora does not come in')
        for p, name in (a, 'anna'), (b, 'bob'), (c, 'carl'):
            house.check(wait(lambda p=p: 'synced' in p.events, 12), '%s does not come in: %r' % (name, p.events))
        time.sleep(0.3)                   # the last clock packet is on its way
        a.play(b'\x90\x3c\x64', b'\xb0\x07\x21')
        b.play(b'\x91\x40\x50')
        d.play(b'\xc2\x05')
        house.check(wait(lambda: b'\x90\x3c\x64' in b.heard and b'\xb0\x07\x21' in b.heard), 'bob heard %r' % b.heard)
        house.check(wait(lambda: b'\x91\x40\x50' in a.heard and b'\xc2\x05' in a.heard), 'anna heard %r' % a.heard)
        house.check(wait(lambda: b'\x90\x3c\x64' in c.heard and b'\x90\x3c\x64' in d.heard), 'carl heard %r' % c.heard)
        house.check(b'\x90\x3c\x64' not in a.heard, 'anna hears herself')
        a.leave()
        house.check(wait(lambda: (0, 60) not in b.sounding() and (0, 60) not in d.receiver.held.notes), 'anna has gone, her note has not')

        # What carl's software loses is lost: it has no journal. When he goes nothing of it may be left.
        link.loss = 0.25
        held = set()
        before = len(b.heard)
        for _ in range(300):
            c.play(something(rng, held))
            time.sleep(0.01)
        house.check(len(b.heard) - before > 100, 'bob heard only %d of 300' % (len(b.heard) - before))
        link.loss = 0.0
        c.leave()
        # dora hears bob's note, bob himself does not
        house.check(wait(lambda: not b.sounding() and set(d.receiver.held.notes) == {(1, 64)}),
                    'carl has gone: bob %r, dora %r' % (b.sounding(), d.receiver.held.notes))
    return house.wrong


# ---- what tshark says ----

class Folder:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='tutti-apple-')

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)


def datagram(port, data):
    """As a record of a pcap file of raw IP packets."""
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0, b'\x7f\0\0\1', b'\x7f\0\0\2')
    udp = struct.pack('!HHHH', port, port, 8 + len(data), 0)
    raw = ip + udp + data
    return struct.pack('<IIII', 0, 0, len(raw), len(raw)) + raw


def asked(path, show):
    out = subprocess.run(['tshark', '-n', '-r', path, '-d', 'udp.port==5005,rtp', '-d', 'rtp.pt==97,rtpmidi', '-Y', show, '-T', 'fields',
                          '-e', 'frame.number'], capture_output=True, text=True, timeout=60)
    return [int(n) for n in out.stdout.split()]


@case('apple-tshark', 'AppleMIDI: every kind of packet the server sends is taken apart by tshark, and none is malformed', limit=60)
def apple_tshark():
    if not shutil.which('tshark'):
        raise Missing('no tshark')
    with House() as house:
        anna, bob, eve = house.python('anna'), house.python('bob'), house.python('eve', host='127.0.0.66')
        for p, state in (anna, 'open'), (bob, 'open'), (eve, 'refused'):
            house.check(p.connect() == state, '%s: %s' % (p.name, p.state))
        for c in b'\xc0\x05', b'\xb0\x07\x21', b'\xe0\x10\x20', b'\xd0\x30', b'\x90\x3c\x64', b'\x80\x3c\x40', b'\xa0\x3c\x22':
            anna.play(c)
            time.sleep(0.05)
        house.check(wait(lambda: len(bob.heard) == 7), 'bob heard %r' % bob.heard)
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % house.server.http_port, timeout=5) as r:
            metrics = r.read()
        for line in b'tutti_applemidi_players 2', b'tutti_applemidi_sessions_total 2', b'tutti_applemidi_refused_total 1':
            house.check(line + b'\n' in metrics, 'not in /metrics: %r' % line)
        house.check(wait(lambda: any(k[2] == b'RS' for k in anna.kinds)), 'anna is not told what has come')
        time.sleep(0.5)
        house.stop()
        house.check(wait(lambda: bob.state == 'over'), 'the server does not say BY')
        got = anna.got + bob.got + eve.got
        folder = house.end(Folder())
        path = os.path.join(folder.path, 'apple.pcap')
        with open(path, 'wb') as f:
            f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
            for channel, data in got:
                f.write(datagram(5005 if channel and data[:2] != b'\xff\xff' else 5006, data))
            f.write(datagram(5005, b'\x80\x61\0\1' + b'\0' * 7 + b'\1\x40\x80'))          # that it can complain
        kinds = {data[2:4] for _, data in got if data[:2] == b'\xff\xff'}
        house.check(kinds == {b'OK', b'NO', b'CK', b'RS', b'BY'}, 'kinds seen: %r' % kinds)
        house.check(len(asked(path, 'applemidi')) == sum(d[:2] == b'\xff\xff' for _, d in got), 'tshark knows not all session packets')
        house.check(len(asked(path, 'rtpmidi')) == 1 + sum(d[:2] != b'\xff\xff' for _, d in got), 'tshark knows not all RTP MIDI')
        house.check(asked(path, '_ws.malformed') == [len(got) + 1], 'malformed: %r of %d' % (asked(path, '_ws.malformed'), len(got)))
    return house.wrong


# ---- found by name ----

BUS = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
'''
AVAHI = '''[server]
host-name=loft
use-ipv6=no
allow-interfaces=lo
[publish]
publish-workstation=no
'''


class Daemons:
    """A D-Bus and an Avahi daemon of our own, on the loopback interface."""

    def __init__(self):
        for tool in 'dbus-daemon', 'avahi-daemon', 'avahi-browse':
            if not shutil.which(tool, path=os.environ.get('PATH', '') + ':/usr/sbin'):
                raise Missing('no ' + tool)
        if os.geteuid() or os.path.exists('/run/avahi-daemon/pid'):
            raise Missing('an avahi-daemon of our own wants root, and no other one')
        self.folder, self.avahi = tempfile.mkdtemp(prefix='tutti-dnssd-'), None
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS='unix:path=%s/bus' % self.folder)
        for name, text in ('bus.conf', BUS % (self.folder + '/bus')), ('avahi.conf', AVAHI):
            with open(os.path.join(self.folder, name), 'w') as f:
                f.write(text)
        self.bus = self._begin('dbus-daemon', '--nofork', '--config-file=%s/bus.conf' % self.folder)
        wait(lambda: os.path.exists(self.folder + '/bus'))

    def _begin(self, *args):
        return subprocess.Popen(args, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def begin(self):
        self.avahi = self._begin('/usr/sbin/avahi-daemon', '-f', self.folder + '/avahi.conf', '--no-drop-root', '--no-chroot',
                                 '--no-rlimits')

    def end(self):
        self.avahi.terminate()
        self.avahi.wait()
        self.avahi = None

    def browse(self, what):
        """Services of a type, or of all (-a): type, name, port."""
        out = subprocess.run(['avahi-browse', '-trp', what], env=self.env, capture_output=True, text=True, timeout=20).stdout
        rows = [line.split(';') for line in out.splitlines() if line.startswith('=')]
        return {(r[4], r[3].replace('\\032', ' ').split(' on ')[0], int(r[8])) for r in rows}

    def found(self):
        """Names and ports of AppleMIDI services."""
        return {(name, port) for _, name, port in self.browse('_apple-midi._udp')}

    def close(self):
        if self.avahi:
            self.end()
        self.bus.terminate()
        self.bus.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def own_daemons():
    """... that a server finds which is started meanwhile."""
    daemons = Daemons()
    before = os.environ.get('DBUS_SYSTEM_BUS_ADDRESS')
    os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = daemons.env['DBUS_SYSTEM_BUS_ADDRESS']
    try:
        yield daemons
    finally:
        daemons.close()
        os.environ.pop('DBUS_SYSTEM_BUS_ADDRESS')
        if before:
            os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = before


@case('apple-dnssd', 'AppleMIDI: rooms are found by name through avahi-daemon, which comes, goes, and comes again', limit=90, alone='house')
def apple_dnssd():
    with own_daemons() as daemons:
        with House(announce='yes') as house:
            rooms = {('band', house.port), ('duo', house.port + 2)}
            for _ in range(2):
                daemons.begin()
                house.check(wait(lambda: ('band', house.port) in daemons.found(), 20), 'found: %r' % daemons.found())
                Api(house.server).post('/rooms', room='duo')
                house.check(wait(lambda: daemons.found() == rooms, 10), 'found: %r' % daemons.found())
                Api(house.server).delete('/rooms/duo')
                house.check(wait(lambda: daemons.found() == rooms - {('duo', house.port + 2)}, 10), 'found: %r' % daemons.found())
                daemons.end()
            daemons.begin()
            house.check(wait(lambda: daemons.found(), 20), 'nothing is found')
            house.stop()
            house.check(wait(lambda: not daemons.found(), 10), 'found when the server has gone: %r' % daemons.found())
    return house.wrong
