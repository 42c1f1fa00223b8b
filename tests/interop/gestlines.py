"""The lines of a gesture party (gestpeer.py): one class for each kind, each with its sockets, its SDP and its
streams. They run on the party's thread; what a test calls takes the party's lock.
"""
import base64
import collections
import os
import random
import select
import socket
import ssl
import time

import midistream
import oscstream
import oscwire
import rtcpwire
from oscwire import Bad

Gesture = collections.namedtuple('Gesture', 'at kind source message how')
REPORT_S = 0.4                    # "the first RR within 250 ms of the first packet, then at most 1 s apart"
FIRST_REPORT_S = 0.15
NTP = rtcpwire.EPOCH


class Line:
    kind = media = proto = fmt = None
    port = 9

    def __init__(self, party, mid=None, attrs=(), direction='sendrecv', **fmtp):
        self.party, self.mid, self.attrs, self.direction = party, mid or self.kind, list(attrs), direction
        self.fmtp = dict(fmtp)
        self.accepted, self.answer, self.dropped = False, None, False
        self.n = collections.Counter()

    def describe(self):
        out = ['m=%s %d %s %s' % (self.media, 0 if self.dropped else self.port, self.proto, self.fmt)]
        if self.dropped:
            return out + ['a=mid:' + self.mid]
        if self.fmtp:
            out.append('a=fmtp:%s %s' % (self.fmt, '; '.join('%s=%s' % i for i in self.fmtp.items())))
        return out + self.attrs + ['a=' + self.direction, 'a=mid:' + self.mid]

    def told(self, name, default=None):
        """A parameter of the answer's fmtp."""
        for item in (self.answer.attr('fmtp') or '').partition(' ')[2].split(';'):
            key, _, value = item.strip().partition('=')
            if key == name:
                return value
        return default

    def use(self, answer):
        self.answer, self.accepted = answer, answer.port != 0
        if self.accepted:
            self.begin(answer)
        else:
            self.end()

    def begin(self, answer):
        raise NotImplementedError

    def end(self, bye=False):
        self.accepted = False

    def sockets(self):
        return []

    def readable(self, sock, now):
        pass

    def step(self, now):
        pass

    def is_heard(self):
        """By the other side, and it has answered."""
        return self.n['rx'] > 0

    def heard(self, message, how, source=0):
        self.party.came.append(Gesture(time.monotonic(), self.kind, source, message, how))


RCVBUFFORCE, ROOM = 33, 8 << 20          # Linux; what a flood leaves waiting is no loss


def roomy(sock):
    for option in RCVBUFFORCE, socket.SO_RCVBUF:
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, ROOM)
            return
        except OSError:
            pass


def pair(host):
    """An even port and the next one."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    for _ in range(100):
        a, b = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            a.bind((host, 0))
            if a.getsockname()[1] % 2 == 0:
                roomy(a)
                b.bind((host, a.getsockname()[1] + 1))
                return a, b
        except OSError:
            pass
        a.close()
        b.close()
    raise OSError('no pair of ports')


class RtpLine(Line):
    """What OSC and MIDI over RTP have in common."""
    pt = 98

    def __init__(self, party, srtp=False, mux=False, pli=False, clock=48000, **more):
        super().__init__(party, **more)
        self.clock, self.mux, self.pli, self.srtp = clock, mux, pli, srtp
        self.proto = 'RTP/%sAVP%s' % ('S' if srtp else '', 'F' if pli else '')
        self.fmt = str(self.pt)
        self.rtp, self.rtcp = pair(party.end.host)
        self.port = self.rtp.getsockname()[1]
        self.secret = os.urandom(30)
        self.seal = rtcpwire.Srtp(self.secret) if srtp else None
        self.open = None
        self.sender, self.streams, self.counted, self.names = None, {}, {}, {}
        self.rng, self.loss = random.Random(party.seed), (0.0, 0.0)
        self.report_due, self.gone, self.csrc, self.dst = None, [], set(), None
        self.mute_reports = False
        self.ahead = 0                            # of its wallclock, in seconds: it was never set

    def describe(self):
        out = super().describe()
        if not self.dropped:
            out.insert(1, 'a=rtpmap:%d %s/%d' % (self.pt, self.encoding, self.clock))
            if self.srtp:
                out.append('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:' + base64.b64encode(self.secret).decode())
            if self.mux:
                out.append('a=rtcp-mux')
            if self.pli:
                out.append('a=rtcp-fb:%d nack pli' % self.pt)
        return out

    def begin(self, answer):
        self.dst = answer.host, answer.port
        mux = self.mux and answer.attr('rtcp-mux') is not None
        at = int((answer.attr('rtcp') or str(answer.port + (0 if mux else 1))).split()[0])
        self.dst_rtcp = answer.host, at
        if self.srtp:
            key = answer.attr('crypto').split('inline:')[1].split('|')[0].split()[0]
            if not self.open or self.their_key != key:
                self.open, self.their_key = rtcpwire.Srtp(base64.b64decode(key)), key
        if not self.sender and self.direction in ('sendrecv', 'sendonly'):
            self.sender = self.make_sender()
            self.send(self.sender.start(time.monotonic()))
            self.report_due = time.monotonic() + FIRST_REPORT_S

    def end(self, bye=False):
        if bye and self.dst and self.sender:
            self._report(time.monotonic(), bye=True)
        self.accepted = False
        for s in self.rtp, self.rtcp:
            s.close()

    def sockets(self):
        return [self.rtp, self.rtcp] if self.accepted else []

    def send(self, data, sock=None, dst=None):
        self.n['tx'] += 1
        if self.rng.random() < self.loss[1]:
            self.n['tx lost'] += 1
            return
        if self.seal:
            data = self.seal.seal(data)
        self.raw(data, sock, dst)

    def raw(self, data, sock=None, dst=None):
        try:
            (sock or self.rtp).sendto(data, dst or self.dst)
        except OSError:
            self.n['send failed'] += 1

    def readable(self, sock, now):
        while True:
            try:
                data, source = sock.recvfrom(4096, socket.MSG_DONTWAIT)
            except OSError:
                return
            if self.rng.random() < self.loss[0]:
                self.n['rx lost'] += 1
                continue
            control = len(data) >= 2 and 192 <= data[1] <= 223
            self.party.trace('rx', self, data, control, source)
            try:
                if self.srtp:
                    data = (self.open.open_rtcp if control else self.open.open)(data)
                if control:
                    self._control(rtcpwire.read(data), now)
                else:
                    self._media(oscstream.read_rtp(data), now)
            except Bad as e:
                self.n['bad: %s' % e] += 1

    def _media(self, p, now):
        self.n['rx'] += 1
        if p.pt != self.pt:
            self.n['bad: payload type %d' % p.pt] += 1
            return
        if p.ssrc not in self.streams:
            self.streams[p.ssrc], self.counted[p.ssrc] = self.make_receiver(p.ssrc), rtcpwire.Heard()
            if self.report_due is None or self.report_due > now + FIRST_REPORT_S:
                self.report_due = now + FIRST_REPORT_S
        self.csrc.update(p.csrc)
        self.counted[p.ssrc].packet(p.seq)
        self.streams[p.ssrc].packet(p, now)
        self.after(p.ssrc, now)

    def after(self, ssrc, now):
        pass

    def _control(self, packets, now):
        self.n['rtcp'] += 1
        for p in packets:
            if 'blocks' in p and self.sender and self.sender.ssrc in p['blocks']:
                self.n['reports'] += 1
                self.sender.report(p['blocks'][self.sender.ssrc]['highest'])
            if p['kind'] == rtcpwire.SR and p['ssrc'] in self.counted:
                self.counted[p['ssrc']].sr_middle, self.counted[p['ssrc']].sr_at = p['ntp'] >> 16 & 0xffffffff, now
            for ssrc, items in p.get('items', {}).items():
                self.names.setdefault(ssrc, {}).update(items)
            for ssrc in p.get('gone', ()):
                self.gone.append(ssrc)
            if p['kind'] == rtcpwire.PSFB and p['fmt'] == rtcpwire.PLI and self.sender:
                self.n['pli'] += 1
                self.sender.refresh()

    def _report(self, now, bye=False, pli=()):
        if self.mute_reports:
            return
        ssrc = self.sender.ssrc if self.sender else self.party.ssrc ^ self.pt
        blocks = [h.block(s, now) for s, h in list(self.counted.items())[:31] if s not in self.gone]
        sent = None
        if self.sender and self.sender.sent:
            sent = time.time() + self.ahead, self.sender.clock(now), self.sender.sent, self.sender.octets
        data = rtcpwire.report(ssrc, blocks, self.party.cname, self.party.gest_name or self.party.name, sent, bye, pli)
        if self.rng.random() < self.loss[1]:
            return
        if self.seal:
            data = self.seal.seal_rtcp(data)
        self.raw(data, self.rtp if self.dst_rtcp == self.dst else self.rtcp, self.dst_rtcp)

    def step(self, now):
        if self.sender:
            for data in self.sender.step(now):
                self.send(data)
        if self.report_due is not None and now >= self.report_due:
            self.report_due = now + REPORT_S
            self._report(now)

    def name_of(self, ssrc):
        return self.names.get(ssrc, {}).get(rtcpwire.NAME, '')


class OscLine(RtpLine):
    """G2."""
    kind, media, encoding, pt = 'osc', 'application', 'osc', 98

    def make_sender(self):
        return oscstream.Sender(self.pt, self.clock, longest=int(self.told('max', 1200)), red=int(self.told('red', 2)),
                                guard_ms=int(self.told('guard',
                                                       1000)), journal=self.told('rec',
                                                                                 'journal') == 'journal', rng=self.rng,
                                spaces=self.party.spaces)

    def make_receiver(self, ssrc):
        def execute(message, how):
            if message.address == '/_gest/refresh' and self.sender:
                self.n['refresh'] += 1
                self.sender.refresh()
            self.heard(message, how, ssrc)
        return oscstream.Receiver(execute, self.clock, int(self.fmtp.get('late', 40)), self.party.their_spaces)

    def after(self, ssrc, now):
        if self.streams[ssrc].wants_refresh:
            self.streams[ssrc].wants_refresh = False
            self.n['asked'] += 1
            if self.pli:
                self._report(now, pli=[ssrc])
            else:
                self.play(oscwire.write('/_gest/refresh'))

    def play(self, *packets):
        if not self.sender:                       # "control messages may be sent on a recvonly line"
            self.sender = self.make_sender()
        self.send(self.sender.play(time.monotonic(), *packets))

    def states(self):
        """{address: (tags, args)} of all sources together."""
        out = {}
        for s in self.streams.values():
            out.update({k: v for k, v in s.state.items() if not k.startswith('/_gest/')})
        return out


class MidiLine(RtpLine):
    """G1."""
    kind, media, encoding, pt = 'midi', 'audio', 'rtp-midi', 97

    def __init__(self, party, encoding='rtp-midi', **more):
        super().__init__(party, **more)
        self.encoding = encoding

    def make_sender(self):
        return midistream.Sender(self.pt, self.clock, rng=self.rng)

    def make_receiver(self, ssrc):
        return midistream.Receiver(lambda c, how: self.heard(c, how, ssrc), self.encoding != 'rtp-midi')

    def play(self, *commands):
        self.send(self.sender.play(time.monotonic(), *[bytes.fromhex(c) if isinstance(c, str) else c
                                                       for c in commands]))


class UdpLine(Line):
    """G3: as plain OSC software does it."""
    kind, media, proto, fmt = 'udp', 'application', 'UDP/OSC', 'osc'

    def __init__(self, party, **more):
        super().__init__(party, **more)
        self.sock = socket.socket(socket.AF_INET6 if ':' in party.end.host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((party.end.host, 0))
        self.port = self.sock.getsockname()[1]
        self.mine, self.state, self.due, self.turn, self.quiet = {}, {}, 0, 0, False

    def begin(self, answer):
        self.dst = answer.host, answer.port
        if not self.quiet:
            self.raw(oscwire.write('/_gest/ping', 'i', 1))

    def end(self, bye=False):
        self.accepted = False
        self.sock.close()

    def raw(self, data):
        self.n['tx'] += 1
        self.sock.sendto(data, self.dst)

    def sockets(self):
        return [self.sock] if self.accepted else []

    def play(self, *packets):
        for raw in packets:
            for m in oscwire.messages(oscwire.read(raw)):
                if not oscwire.is_event(m, self.party.spaces):
                    self.mine[m.address] = oscwire.rewrite(m)
            self.raw(raw)

    def take(self, data):
        self.n['rx'] += 1
        try:
            packet = oscwire.read(data)
        except Bad as e:
            self.n['bad: %s' % e] += 1
            return
        for m in oscwire.messages(packet):
            if not oscwire.is_event(m, self.party.their_spaces):
                self.state[m.address] = m.tags, m.args
            self.heard(m, 'live')

    def readable(self, sock, now):
        while True:
            try:
                data, source = sock.recvfrom(65535, socket.MSG_DONTWAIT)
            except OSError:
                return
            self.party.trace('rx', self, data, False, source)
            self.take(data)

    def step(self, now):
        """"Each live state key within each refresh interval, spread evenly"."""
        interval = int(self.told('refresh', 1000)) / 1000
        if not interval or not self.mine or now < self.due:
            return
        self.due = now + interval / (len(self.mine) + 1)
        keys = [k for k in self.mine if not ('/note/' in k and k.startswith('/midi/'))]
        if keys:
            self.turn += 1
            self.raw(self.mine[keys[self.turn % len(keys)]])

    def states(self):
        return {k: v for k, v in self.state.items() if not k.startswith('/_gest/') and v[0] != 'N'}


class TcpLine(UdpLine):
    """G4, the active side; with tls G5."""
    kind, proto = 'tcp', 'TCP/OSC'

    def __init__(self, party, tls=None, **more):
        Line.__init__(self, party, **more)
        self.tls, self.sock, self.state, self.mine, self.closed = tls, None, {}, {}, False
        if tls:
            self.proto = 'TCP/TLS/OSC'
            self.attrs.append('a=fingerprint:' + tls.fingerprint)
        self.attrs += ['a=setup:actpass', 'a=connection:new']

    def begin(self, answer):
        if self.sock:
            return
        if answer.attr('setup') != 'passive':
            raise AssertionError('the answer to a TCP line has setup %r' % answer.attr('setup'))
        framing = self.told('framing')
        self.frame, reader = oscwire.READERS[framing]
        self.reader = reader(int(self.fmtp.get('max', 65536)))
        self.sock = socket.create_connection((answer.host, answer.port), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            self.sock = self.tls.wrap(self.sock, answer.attr('fingerprint'))
        self.sock.setblocking(False)
        self.raw(oscwire.write('/_gest/ping', 'i', 1))

    def end(self, bye=False):
        self.accepted = False
        if self.sock:
            self.sock.close()
            self.sock, self.closed = None, True

    def raw(self, data):
        self.octets(self.frame(data))

    def octets(self, data):
        self.n['tx'] += 1
        while data:
            try:
                data = data[self.sock.send(data):]
            except (BlockingIOError, ssl.SSLWantWriteError):
                select.select([], [self.sock], [], 1)

    def sockets(self):
        return [self.sock] if self.sock and self.accepted else []

    def readable(self, sock, now):
        while True:
            try:
                data = sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                data = b''
            if not data:
                self.end()
                return
            self.party.trace('rx', self, data, False, None)
            for packet in self.reader.feed(data):
                self.take(packet)

    def step(self, now):
        pass


KINDS = {'osc': OscLine, 'midi': MidiLine, 'udp': UdpLine, 'tcp': TcpLine}
