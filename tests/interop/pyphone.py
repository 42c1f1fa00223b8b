"""A phone in Python: one call, a tone out, every packet in kept with its time. UDP, TCP or TLS; PCMU, PCMA or L16.

    phone = Phone(server, 'ann', tone=443)
    phone.call('room')
    time.sleep(10)
    samples, rate = phone.heard(seconds=10)
    phone.bye()

It exists because it tells exactly what came: a packet that is missing leaves a hole where its timestamp says.
"""
import collections
import math
import queue
import socket
import struct
import sys
import threading
import time

import sound
from sipmsg import End, Message, hostport, param, punctual, token, uri_of

CODECS = {'PCMU': (0, 'PCMU', 8000), 'PCMA': (8, 'PCMA', 8000), 'L16/8000': (96, 'L16', 8000),
          'L16/16000': (97, 'L16', 16000), 'L16/48000': (98, 'L16', 48000)}
PTIME_MS = 20
KEY_PT, KEYS = 101, '0123456789*#ABCD'
KEYPAD, ROWS, COLUMNS = '123A456B789C*0#D', (697, 770, 852, 941), (1209, 1336, 1477, 1633)
sys.setswitchinterval(0.0005)             # phones share an interpreter with who judges them, and must not wait 5 ms for it
LATE_S = 0.015


class CallFailed(Exception):
    def __init__(self, message, what=''):
        self.response = message if isinstance(message, Message) else None
        super().__init__(what or (message.first if self.response else str(message)))


class Phone:
    def __init__(self, server, name='py', tone=None, codecs=('PCMU',), transport='udp', amplitude=sound.AMPLITUDE, lines=()):
        self.server, self.name, self.transport = server, name, transport
        self.codecs = [CODECS[c] for c in codecs]
        self.tone, self.amplitude = tone, amplitude
        self.end = End(transport, server, self._message)
        self.responses = {}
        self.requests = queue.Queue()             # what came inside the dialog, already answered
        self.waiting_ack = None
        self.call_id, self.ltag, self.cseq = token(16), token(), 0
        self.to, self.target, self.routes, self.room = None, None, [], None
        self.sdp_version = 0
        self.direction = 'sendrecv'
        self.lines = list(lines)                  # more of the description
        self.ssrc = int(token(8), 16)
        self.ended = threading.Event()            # BYE came, or was sent
        self.packets, self.late, self.sent = [], [], 0      # late: when this machine let the phone sleep too long
        self.rtp = self.dst = self.codec = None
        self.sending, self.silent = True, False
        self.final = None
        self.keys = None                          # how it tells keys: 'rtp' (RFC 4733), 'info', 'sound'; None: not at all
        self._keying = collections.deque()        # packets that go out in place of sound: (event, what of it) or a payload
        self._frames = {}
        self._sender = None
        for codec in self.codecs:
            self._loop(codec)

    # ---- SIP ----

    @property
    def contact(self):
        return '<sip:%s@%s;transport=%s>' % (self.name, hostport(self.end.host, self.end.port), self.transport)

    def make(self, method, headers=(), body=b'', cseq=None, branch=None, target=None):
        uri = target or self.target or self.room
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        h = [('Via', 'SIP/2.0/%s %s;branch=%s;rport' % (self.transport.upper(), hostport(self.end.host, self.end.port),
                                                       branch or 'z9hG4bK' + token(16))),
             ('Max-Forwards', '70'),
             ('From', '"%s" <sip:%s@%s>;tag=%s' % (self.name, self.name, hostport(self.end.host, self.end.port), self.ltag)),
             ('To', self.to or '<%s>' % self.room), ('Call-ID', self.call_id), ('CSeq', '%d %s' % (cseq, method)),
             ('Contact', self.contact), ('User-Agent', 'pyphone')]
        h += [('Route', r) for r in self.routes]
        if body and not any(n.lower() == 'content-type' for n, _ in headers):
            h.append(('Content-Type', 'application/sdp'))
        return Message('%s %s SIP/2.0' % (method, uri), h + list(headers), body)

    def request(self, msg, timeout=8.0):
        """Sends, sends again over UDP (RFC 3261 17.1), and returns the final response; provisional ones are in .early."""
        q = queue.Queue()
        self.responses[(msg.branch, msg.method)] = q
        self.early = []
        end, wait, next_send = time.monotonic() + timeout, 0.5, 0.0
        while time.monotonic() < end:
            if time.monotonic() >= next_send and not self.early:
                self.end.send(msg.data())
                next_send = time.monotonic() + (wait if self.transport == 'udp' else timeout)
                wait *= 2
            try:
                r = q.get(timeout=0.1)
            except queue.Empty:
                continue
            if r.status >= 200:
                return r
            self.early.append(r)
        raise CallFailed('no answer to %s in %.0f s' % (msg.method, timeout))

    def ack(self, invite, response):
        cseq = int(invite.get('cseq').split()[0])
        if response.status < 300:
            self.end.send(self.make('ACK', cseq=cseq).data())
        else:
            m = self.make('ACK', cseq=cseq, branch=invite.branch, target=invite.first.split()[1])
            m.headers = [(n, response.get('to') if n == 'To' else v) for n, v in m.headers]
            self.end.send(m.data())

    def uri(self, user):
        return 'sip:%s@%s%s' % (user, hostport(*self.server), '' if self.transport == 'udp' else ';transport=' + self.transport)

    def call(self, user, headers=(), offer=True, timeout=8.0):
        self.room = user if user.startswith('sip:') else self.uri(user)
        self._rtp_open()
        msg = self.make('INVITE', headers, self.sdp() if offer else b'')
        r = self.request(msg, timeout)
        self.final = r
        if r.status >= 300:
            self.ack(msg, r)
            raise CallFailed(r)
        self.to = r.get('to')
        self.target = uri_of(r.get('contact'))
        self.routes = list(reversed(r.all('record-route')))
        self.ack(msg, r)
        self._use(r.body)
        return r

    def reinvite(self, direction='sendrecv', codecs=None, headers=(), method='INVITE'):
        """Returns the final response; the session changes only on 2xx."""
        before = self.codecs, self.direction
        self.codecs = [CODECS[c] for c in codecs] if codecs else self.codecs
        self.direction = direction
        for codec in self.codecs:
            self._loop(codec)
        msg = self.make(method, headers, self.sdp())
        r = self.request(msg)
        if method == 'INVITE':
            self.ack(msg, r)
        if r.status >= 300:
            self.codecs, self.direction = before
            return r
        self.sending = direction in ('sendrecv', 'sendonly')
        self._use(r.body)
        return r

    def hold(self):
        return self.reinvite('sendonly')

    def resume(self):
        return self.reinvite('sendrecv')

    def bye(self):
        """True when the server said 200."""
        if self.ended.is_set() or not self.to:
            self.close()
            return True
        self.ended.set()
        try:
            return self.request(self.make('BYE'), 5).status == 200
        finally:
            self.close()

    def close(self):
        """Vanishes without a word."""
        self.ended.set()
        if self._sender:
            self._sender.join(1)
        if self.rtp:
            self.rtp.close()
            self.rtp = None
        self.end.close()

    def _message(self, msg):
        if msg.status:
            if msg.cseq_method == 'INVITE' and 200 <= msg.status < 300 and self.final:
                self.end.send(self.make('ACK', cseq=int(msg.get('cseq').split()[0])).data())
            q = self.responses.get((msg.branch, msg.cseq_method))
            if q:
                q.put(msg)
            return
        if msg.method == 'ACK':
            return
        if msg.get('call-id') != self.call_id and msg.method != 'OPTIONS':
            self.end.send(msg.reply(481, 'No such call').data())
            return
        if msg.method == 'INVITE' or (msg.method == 'UPDATE' and msg.body):
            if msg.body:
                self._use(msg.body)
            self.end.send(msg.reply(200, 'OK', [('Contact', self.contact), ('Content-Type', 'application/sdp')],
                                    self.sdp()).data())
        else:
            self.end.send(msg.reply(200, 'OK').data())
        self.requests.put(msg)
        if msg.method == 'BYE':
            self.ended.set()

    # ---- SDP ----

    def sdp(self):
        self.sdp_version += 1
        family = 'IP6' if ':' in self.end.host else 'IP4'
        lines = ['v=0', 'o=- 1 %d IN %s %s' % (self.sdp_version, family, self.end.host), 's=-',
                 'c=IN %s %s' % (family, self.end.host), 't=0 0',
                 'm=audio %d RTP/AVP %s' % (self.rtp.getsockname()[1], ' '.join(str(c[0]) for c in self.codecs))]
        lines += ['a=rtpmap:%d %s/%d' % c for c in self.codecs]
        if self.keys == 'rtp':
            lines[-1 - len(self.codecs)] += ' %d' % KEY_PT
            lines.append('a=rtpmap:%d telephone-event/8000' % KEY_PT)
        lines += ['a=ptime:%d' % PTIME_MS, 'a=' + self.direction] + self.lines + ['']
        return '\r\n'.join(lines).encode()

    def _use(self, body):
        addr = port = pt = None
        for line in body.decode('utf-8', 'replace').splitlines():
            if line.startswith('c=IN'):
                addr = line.split()[2].split('/')[0]
            elif line.startswith('m=audio') and port is None:
                words = line.split()
                port, pt = int(words[1]), int(words[3])
        codec = next((c for c in self.codecs if c[0] == pt), None)
        if not port or not addr or not codec:
            raise CallFailed('no sound in the answer', body.decode('utf-8', 'replace'))
        self.dst, self.codec = (addr, port), codec
        if not self._sender:
            self._sender = threading.Thread(target=self._send_rtp, daemon=True)
            self._sender.start()

    # ---- keys ----

    def press(self, keys, pause=0.12):
        for key in keys:
            if self.keys == 'info':
                body = ('Signal=%s\r\nDuration=160\r\n' % key).encode()
                r = self.request(self.make('INFO', [('Content-Type', 'application/dtmf-relay')], body))
                assert r.status == 200, r.first
            elif self.keys == 'rtp':
                self._keying.extend((KEYS.index(key), i, i >= 5) for i in range(8))
            else:
                self._keying.extend(self._key_sound(key))
            while self._keying and not self.ended.is_set():
                time.sleep(0.02)
            time.sleep(pause)

    def _key_sound(self, key):
        rate = self.codec[2]
        n = rate * PTIME_MS // 1000
        hz = ROWS[KEYPAD.index(key) // 4], COLUMNS[KEYPAD.index(key) % 4]
        samples = [0.1 * sum(math.sin(2 * math.pi * f * i / rate) for f in hz) for i in range(5 * n)] + [0.0] * (3 * n)
        return [sound.encode(self.codec[1], samples[i:i + n]) for i in range(0, len(samples), n)]

    # ---- RTP ----

    def _rtp_open(self):
        family = socket.AF_INET6 if ':' in self.end.host else socket.AF_INET
        self.rtp = socket.socket(family, socket.SOCK_DGRAM)
        self.rtp.bind((self.end.host, 0))
        self.rtp.settimeout(0.2)
        threading.Thread(target=self._read_rtp, args=(self.rtp,), daemon=True).start()

    def _loop(self, codec):
        """500 payloads; the tones are whole tenths of a Hz, so ten seconds can be repeated for ever."""
        if codec not in self._frames:
            if self.tone:
                samples = sound.tone(self.tone, codec[2], 10, self.amplitude)
            else:
                samples = [0.0] * (codec[2] // 50)
            n = codec[2] * PTIME_MS // 1000
            self._frames[codec] = [sound.encode(codec[1], samples[i:i + n]) for i in range(0, len(samples), n)]
        return self._frames[codec]

    def prepare(self, *codecs):
        """Computes the packets of codecs it will change to: done in the middle of a call that makes all phones here late."""
        for codec in codecs:
            self._loop(CODECS[codec])

    def _send_rtp(self):
        punctual()
        seq, ts, n = int(token(4), 16), int(token(8), 16), 0
        at = time.monotonic()
        while not self.ended.is_set():
            late = time.monotonic() - at
            if late < 0:
                time.sleep(-late)
            elif late > LATE_S:
                self.late.append(time.monotonic())
            codec = self.codec
            frames = self._loop(codec)
            payload = frames[n % len(frames)]
            if self.sending and (not self.silent or self._keying):
                head = struct.pack('!BBHII', 0x80, codec[0], seq & 0xffff, ts & 0xffffffff, self.ssrc)
                if self._keying:
                    key = self._keying.popleft()
                    if isinstance(key, tuple):
                        event, frame, last = key
                        began = (ts - frame * codec[2] * PTIME_MS // 1000) & 0xffffffff
                        head = struct.pack('!BBHII', 0x80, KEY_PT | (0 if frame else 0x80), seq & 0xffff, began, self.ssrc)
                        payload = struct.pack('!BBH', event, 0x8a if last else 0x0a, (frame + 1) * codec[2] * PTIME_MS // 1000)
                    else:
                        payload = key
                packet = head + payload
                try:
                    self.rtp.sendto(packet, self.dst)
                    self.sent += 1
                except OSError:
                    pass
                seq += 1
            ts += codec[2] * PTIME_MS // 1000
            n += 1
            at += PTIME_MS / 1000

    def _read_rtp(self, sock):
        punctual()
        while not self.ended.is_set():
            try:
                data = sock.recv(4096)
            except (socket.timeout, TimeoutError):
                continue
            except OSError:
                return
            if len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 0x7f <= 95:     # RTCP: RFC 5761 4
                continue
            self.packets.append((time.monotonic(), data))

    def heard(self, since=None, seconds=None):
        """Samples and rate of what came from `since` (monotonic) on; what did not come is silence in its place."""
        until = since + seconds if since is not None and seconds else None
        out, base, rate = {}, None, None
        for at, data in self.packets:
            if (since is not None and at < since) or (until is not None and at > until):
                continue
            _, pt, _, ts, ssrc = struct.unpack('!BBHII', data[:12])
            codec = next((c for c in self.codecs if c[0] == pt & 0x7f), None)
            if not codec or (rate and codec[2] != rate):
                continue
            rate = codec[2]
            if base is None:
                base = ts
            start = 12 + 4 * (data[0] & 15)
            if data[0] & 0x10:
                start += 4 + 4 * struct.unpack('!H', data[start + 2:start + 4])[0]
            out[(ts - base) & 0xffffffff] = sound.decode(codec[1], data[start:])
        out = {k: v for k, v in out.items() if k < 0x7fffffff and k < (rate or 0) * 120}
        if not out:
            return [], 8000
        samples = [0.0] * (max(out) + len(out[max(out)]))
        for k, v in out.items():
            samples[k:k + len(v)] = v
        return samples, rate
