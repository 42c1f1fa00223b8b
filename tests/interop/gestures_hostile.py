"""Cases of hostile gestures: what section 13 of the specification says of packets, floods, bombs and forged
addresses. Meanwhile two play and two talk: of their gestures every one comes, once, and their sound has no gap.
"""
import os
import re
import socket
import struct
import threading
import time
import urllib.request

import oscstream
import oscwire
from cases import Talkers, case
from gestpeer import wait
from gestures_stage import on_stage, said

PACE_S = 0.02


def counters(server):
    """What the server counts of gestures: {name with labels: value}."""
    with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % server.http_port, timeout=5) as r:
        text = r.read().decode()
    return {name: float(value) for name, value in re.findall(r'^(tutti_gesture\S*) ([0-9.e+]+)$', text, re.M)}


class Duet(threading.Thread):
    """Two who play numbered events to each other while something else goes on."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.pair = [stage.party('good%d' % i, 'osc') for i in (0, 1)]
        self.n, self.on = 0, True
        for p, other in zip(self.pair, reversed(self.pair)):
            p.play('/tone', 'i', 0)
            assert wait(lambda p=p, o=other: '/p/%s/tone' % p.name in o.states()), 'the good two do not hear each other'
        self.start()

    def run(self):
        while self.on:
            for p in self.pair:
                p.play('/hit', 'iI', self.n)
            self.n += 1
            time.sleep(PACE_S)

    def stop(self):
        self.on = False
        self.join()
        wrong = []
        for p, other in zip(self.pair, reversed(self.pair)):
            address = '/p/%s/hit' % other.name
            wait(lambda p=p, a=address: len(p.messages(a)) >= self.n)
            got = [g.message.args[0] for g in p.messages(address)]
            if got != list(range(self.n)):
                missing = sorted(set(range(self.n)) - set(got))
                wrong.append('%s heard %d of %d events of %s; missing %s, twice %d, packets lost on the way: %d' % (
                    p.name, len(got), self.n, other.name, missing[:10], len(got) - len(set(got)),
                    sum(x.n['lost'] for x in p.osc.streams.values())))
        return wrong


def rtp_of(m, payload, first=0x80, pt=None, ssrc=None, csrc=b'', marker=True):
    """The next packet of m's stream, with another content."""
    s = m.osc.sender
    data = struct.pack('!BBHII', first, (m.osc.pt if pt is None else pt) | (0x80 if marker else 0), s.next & 0xffff,
                       s.clock(time.monotonic()) & 0xffffffff, s.ssrc if ssrc is None else ssrc) + csrc + payload
    return data


def element(raw, check):
    return struct.pack('!BBHHH', 0x20, 1, check & 0xffff, len(raw), 0) + raw


def bad_payloads(check):
    good = oscwire.write('/forged', 'i', 1)
    head = struct.pack('!BBH', 0x20, 1, check & 0xffff)
    yield 'short', b'\x20\x01'
    yield 'version', b'\x60' + element(good, check)[1:]
    yield 'more elements than there are', struct.pack('!BBH', 0x20, 9, check & 0xffff) + element(good, check)[4:]
    yield 'P without J', struct.pack('!BBH', 0x10, 0, 0)
    yield 'CHECK to come', struct.pack('!BBH', 0x20, 1, check + 10 & 0xffff) + element(good, check)[4:]
    yield 'odd length', head + struct.pack('!HH', 7, 0) + good
    yield 'length past the end', head + struct.pack('!HH', 4000, 0) + good
    yield 'octets left over', element(good, check) + b'\0\0'
    yield 'BACK 0', element(good, check) + struct.pack('!HH', len(good), 0) + good
    yield 'bundle in the journal', element(good, check) + struct.pack('!HH', 16, 1) + oscwire.write_bundle(1)
    for name, raw in bad_osc():
        yield name, element(raw, check)


def bad_osc():
    good = oscwire.write('/forged', 'i', 1)
    deep = good
    for _ in range(9):
        deep = oscwire.write_bundle(1, deep)
    yield 'no slash', b'forged\0\0,i\0\0\0\0\0\1'
    yield 'no tags', b'/forged\0'
    yield 'unknown tag', b'/forged\0,x\0\0\0\0\0\1'
    yield 'argument missing', b'/forged\0,ii\0\0\0\0\1'
    yield 'blob past the end', b'/forged\0,b\0\0\0\0\1\0'
    yield 'negative blob', b'/forged\0,b\0\0\xff\xff\xff\xfc'
    yield 'arrays', b'/forged\0,[[[[[]]]]]\0'
    yield 'deep bundles', deep
    yield 'element past its bundle', b'#bundle\0' + bytes(7) + b'\1\0\0\1\0' + good
    yield 'space', b'/for ged\0\0\0\0,i\0\0\0\0\0\1'


# ---- attacks; each returns what is wrong ----

def malformed(stage, m, ear):
    """"Dropped whole, counter, error 1 to OSC parties"."""
    for _, payload in bad_payloads(m.osc.sender.next):
        m.osc.raw(rtp_of(m, payload, marker=payload[1] > 0))
        m.osc.sender.next += 1
        time.sleep(0.005)
    wrong = []
    said(wrong, lambda: [g for g in m.messages('/_gest/error') if g.message.args[0] == 1],
         'no error 1 for what is malformed')
    errors = len([g for g in m.messages('/_gest/error') if g.message.args[0] == 1])
    if errors > 3:
        wrong.append('%d errors in less than a second' % errors)
    return wrong


def malformed_udp(stage, m, ear):
    """The same in datagrams without RTP; what stands after it in the same datagram is not heard either."""
    wrong, p = [], stage.party('plain', 'udp')
    good = oscwire.write('/forged', 'i', 1)
    for _, raw in bad_osc():
        p.udp.raw(raw)
        p.udp.raw(b'#bundle\0' + bytes(8) + struct.pack('!I', len(good)) + good + struct.pack('!I', len(raw)) + raw)
    for raw in b'', b'\0', b'#bundle\0', os.urandom(1000), good[:-1]:
        p.udp.raw(raw)
    said(wrong, lambda: [g for g in p.messages('/_gest/error') if g.message.args[0] == 1],
         'no error 1 for malformed datagrams')
    p.play('/fine', 'i', 1)
    said(wrong, lambda: '/p/plain/fine' in ear.states(), 'after malformed datagrams good ones are not heard')
    p.bye()
    return wrong


def strangers(stage, m, ear):
    """From another address, with another payload type, of another version: dropped."""
    payload = element(oscwire.write('/forged', 'i', 2), m.osc.sender.next)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        for _ in range(20):
            s.sendto(rtp_of(m, payload), m.osc.dst)
        s.settimeout(0.3)
        try:
            return ['a stranger is sent %d octets' % len(s.recv(2000))]
        except OSError:
            pass
    m.osc.raw(rtp_of(m, payload, pt=96))
    m.osc.raw(rtp_of(m, payload, first=0x40))
    m.osc.raw(b'\x80')
    m.osc.raw(os.urandom(200))
    return []


def reserved(stage, m, ear):
    """"A party cannot speak as another"."""
    wrong = []
    for address in '/p/good0/hit', '/p/x':
        m.play(address, 'i', 3)
    for address in '/_gest/join', '/_gest/leave', '/_gest/owner', '/_gest/forged':
        m.play(address, 's', 'good0')
    said(wrong, lambda: [g for g in m.messages('/_gest/error') if g.message.args[0] == 4], 'no error 4 for /p/')
    m.play('/to/good1/p/good0/hit', 'i', 3)
    m.play('/to/good1/_gest/leave', 's', 'good0')
    time.sleep(0.2)
    for name in b'good0', b'mallory':
        if [g for g in ear.messages('/_gest/leave') if g.message.args[0] == name]:
            wrong.append('a forged /_gest/leave comes through')
    return wrong


def patterns(stage, m, ear):
    """Never expanded, never a matter of time: bombs in addresses and in claims."""
    for bomb in '/' + '{a,aa}' * 42, '/' + '*a' * 127, '/*' * 127, '/[!' + 'a' * 250 + ']', '/' + '{' * 200 + '}' * 54:
        if len(bomb) <= 255:
            m.play_raw(oscwire.write(bomb, 'i', 4))
    began = time.monotonic()
    claims = ['a=osc-own:/' + '*a' * 120, 'a=osc-own:/' + '{a,b}' * 50,
              'a=osc-space:both /' + '*' * 250 + ' ,f kind=event', 'a=osc-own:/x/' + '?' * 300]
    p = stage.party('bomber', ('osc', {'view': 'flat', 'attrs': claims}))
    took = time.monotonic() - began
    p.bye()
    return ['a call with pattern bombs took %.1f s' % took] if took > 3 else []


def direction(stage, m, ear):
    """"Dropped, counted; but /_gest/ messages may be sent on a recvonly line"."""
    wrong = []
    p = stage.party('quiet', ('osc', {'direction': 'recvonly'}))
    p.play('/forged', 'i', 5)
    p.play('/_gest/ping', 'i', 77)
    said(wrong, lambda: [g for g in p.messages('/_gest/pong') if g.message.args[0] == 77],
         'a ping on a recvonly line is not answered')
    if [g for g in ear.messages() if g.message.address == '/p/quiet/forged']:
        wrong.append('what was sent on a recvonly line is heard')
    p.bye()
    return wrong


def jump(stage, m, ear):
    """"Resynchronise after two consecutive packets"."""
    m.osc.sender.next += 5000
    for i in range(3):
        m.play('/jump', 'iI', i)
        time.sleep(0.01)
    wrong = []
    said(wrong, lambda: [g for g in ear.messages('/p/mallory/jump') if g.message.args[0] == 2],
         'after a far jump nothing is heard')
    return wrong


def loops(stage, m, ear):
    """The server's own SSRC coming back as a contributor: dropped. (As the source itself it is a collision, gesture-collision.)"""
    payload = element(oscwire.write('/forged', 'i', 6), m.osc.sender.next)
    for ssrc in list(m.osc.streams):
        m.osc.raw(rtp_of(m, payload, first=0x81, csrc=struct.pack('!I', ssrc)))
    wrong, number = [], len(ear.messages())
    m.play('/after', 'iI', number)
    said(wrong, lambda: [g for g in ear.messages('/p/mallory/after') if g.message.args[0] == number],
         'after a loop mallory is not heard')
    return wrong


def srtp(stage, m, ear):
    """"SRTP authentication failure: packet dropped, counted; never bridged"."""
    wrong = []
    p = stage.party('sealed', ('osc', {'srtp': True}))
    payload = element(oscwire.write('/forged', 'i', 7), p.osc.sender.next)
    p.osc.raw(rtp_of(p, payload))
    p.osc.raw(rtp_of(p, payload) + bytes(10))
    p.play('/sealed', 'i', 1)
    said(wrong, lambda: '/p/sealed/sealed' in ear.states(), 'after a forged packet the sealed line is not heard')
    p.bye()
    return wrong


def reflector(stage, m, ear):
    """Nothing goes to an address that has not spoken, and nothing to one that nobody agreed on."""
    wrong = []
    p = stage.party('ghost', 'udp', call=False)
    p.udp.quiet = True
    p.call('band')
    ear.play('/seen', 'i', 1)
    time.sleep(0.5)
    if p.udp.n['rx']:
        wrong.append('%d datagrams came before the address had spoken' % p.udp.n['rx'])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        for _ in range(10):
            s.sendto(oscwire.write('/_gest/refresh'), p.udp.dst)
        s.settimeout(0.3)
        try:
            wrong.append('a forged address got %d octets' % len(s.recv(65536)))
        except OSError:
            pass
    if p.udp.n['rx']:
        wrong.append('a stranger opened the line')
    p.udp.raw(oscwire.write('/_gest/ping', 'i', 1))
    said(wrong, lambda: '/p/good0/seen' in p.states(), 'the first datagram does not open the line')
    p.bye()
    return wrong


def refreshes(stage, m, ear):
    """A snapshot has "at most one packet per 5 ms", however often it is asked for."""
    before, began = m.osc.n['rx'], time.monotonic()
    for _ in range(300):
        m.play('/_gest/refresh')
        time.sleep(0.002)
    time.sleep(0.5)
    seconds, n = time.monotonic() - began, m.osc.n['rx'] - before
    own = 2 * seconds / PACE_S
    return ['%d packets in %.1f s to who asks for the state all the time' % (n,
                                                                             seconds)] if n > 200 * seconds + 2 * own + 50 else []


def flood(stage, m, ear):
    """Over the rate events are dropped and state is coalesced; error 6, "at most once per second"."""
    limit = int(ear.osc.told('rate', 1000))
    wrong, began, n = [], time.monotonic(), 0
    while time.monotonic() < began + 2:
        for _ in range(10):
            n += 1
            m.play('/flood', 'iI', n)
            m.play('/last', 'i', n)
        time.sleep(0.001)
    seconds = time.monotonic() - began
    said(wrong, lambda: ear.states().get('/p/mallory/last') == ('i', (n,)),
         lambda: 'the last value of a flood of %d: %s' % (n, ear.states().get('/p/mallory/last')))
    heard = len(ear.messages('/p/mallory/flood'))
    if n > 1.5 * limit * seconds and heard > 1.3 * limit * seconds + limit / 4:
        wrong.append('%d of %d events of a flood came in %.1f s' % (heard, n, seconds))
    errors = len([g for g in m.messages('/_gest/error', began) if g.message.args[0] == 6])
    if n > 2 * limit * seconds and not 1 <= errors <= seconds + 2:
        wrong.append('%d times error 6 in %.1f s' % (errors, seconds))
    print('# flood: %d messages, limit %d a second, %d events heard, %d errors' % (2 * n, limit, heard, errors))
    return wrong


ATTACKS = [malformed, malformed_udp, strangers, reserved, patterns, direction, jump, loops, srtp, reflector, refreshes,
           flood]


@case('gesture-hostile', 'malformed packets, strangers, forged names, bombs, loops, floods: refused and counted; two who play miss no event, two who talk no sound',
      limit=120, alone=True)
def hostile():
    def play(stage):
        wrong, before = [], counters(stage.server)
        talkers, duet = Talkers(stage.server, 'band'), Duet(stage)
        m, ear = stage.party('mallory', 'osc'), duet.pair[0]
        for attack in ATTACKS:
            wrong += ['%s: %s' % (attack.__name__, w) for w in attack(stage, m, ear)]
            if stage.server.process.poll() is not None:
                return wrong + ['the server ended during ' + attack.__name__]
        wrong += duet.stop() + talkers.stop()
        forged = sorted({g.message.address for g in ear.messages() if g.message.address.endswith('/forged')})
        if forged:
            wrong.append('heard: %s' % forged)
        after = counters(stage.server)
        risen = {k: after[k] - before.get(k, 0) for k in after if after[k] > before.get(k, 0)}
        print('# counters: %s' % risen)
        for word in 'malformed', 'stranger', 'rate', 'other':       # other: direction, SRTP, loops, owners
            if not [k for k in risen if word in k]:
                wrong.append('nothing is counted as %s' % word)
        return wrong
    return on_stage(play)


# ---- one line's troubles ----

@case('gesture-collision', 'a party takes the SSRC that the server sends with: the server changes its own, with BYE for the old, and all goes on')
def collision():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'osc')
        bob.play('/a', 'i', 1)
        said(wrong, lambda: '/p/bob/a' in anna.states(), 'anna does not hear bob')
        old = next(iter(anna.osc.streams))
        with anna.lock:
            anna.osc.sender.ssrc = old
        for i in range(5):
            anna.play('/x', 'i', i)
            bob.play('/a', 'i', 10 + i)
            time.sleep(0.1)
        said(wrong, lambda: [s for s in anna.osc.streams if s != old],
             'the server goes on with the SSRC that its party took')
        said(wrong, lambda: [s for ssrc,
                             s in anna.osc.streams.items() if ssrc != old and s.state.get('/p/bob/a') == ('i', (14,))],
             'what bob plays does not come under a new SSRC')
        return wrong
    return on_stage(play)


@case('gesture-no-reports', 'a party that never reports goes on hearing; packets stay under the MTU; when it reports again all is as it should be', limit=90)
def no_reports():
    def play(stage):
        wrong, longest = [], 0
        anna, bob = (stage.party(n, 'osc', silent=False) for n in ('anna', 'bob'))        # a call without sound ends
        anna.osc.mute_reports = True
        anna.tracing = True
        until, n = time.monotonic() + 32, 0
        while time.monotonic() < until:
            n += 1
            bob.play('/k/%d' % (n % 200), 'is', n, 'x' * 20)
            anna.play('/alive', 'i', n)
            time.sleep(0.02)
        said(wrong, lambda: anna.states().get('/p/bob/k/%d' % (n % 200)) == ('is', (n, b'x' * 20)),
             'without reports nothing is heard any more')
        longest = max(len(t[3]) for t in anna.traced)
        if longest > 1200 + 12 + 4:           # RTP header and a CSRC
            wrong.append('a packet of %d octets' % longest)
        anna.osc.mute_reports = False
        bob.play('/last', 'i', n)
        said(wrong, lambda: anna.states().get('/p/bob/last') == ('i', (n,)), 'when reports come again nothing is heard')
        print('# %d packets, the longest %d octets' % (len(anna.traced), longest))
        return wrong
    return on_stage(play)


@case('gesture-reconnect', 'a TCP line that is lost: the call goes on; a new offer brings it back, with the state')
def reconnect():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', ('tcp', {'framing': 'slip'})), stage.party('bob', 'osc')
        bob.play('/a', 'i', 1)
        said(wrong, lambda: anna.states() == {'/p/bob/a': ('i', (1,))}, lambda: 'anna knows %s' % anna.states())
        with anna.lock:
            anna.tcp.octets(b'\xc0' + b'x' * 70000)     # longer than any packet, without an end
            anna.tcp.sock.close()
            anna.tcp.sock, anna.tcp.state = None, {}
        bob.play('/b', 'i', 2)
        assert anna.reinvite().status == 200
        said(wrong, lambda: anna.states() == {'/p/bob/a': ('i', (1,)), '/p/bob/b': ('i', (2,))},
             lambda: 'again anna knows %s' % anna.states())
        with socket.create_connection(anna.tcp.sock.getpeername()) as second:
            second.settimeout(3)
            try:
                if second.recv(100):
                    wrong.append('a second connection is served')
            except OSError as e:
                wrong.append('a second connection is not closed: %s' % e)
        return wrong
    return on_stage(play)
