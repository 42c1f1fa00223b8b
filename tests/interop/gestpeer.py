"""A gesture party in Python: a phone (pyphone.py) with lines of OSC and MIDI, written from the specification of the
gesture streams alone. It is the second implementation that the server is held against.

    anna = Party(server.addr(), 'anna')
    anna.line('osc', view='prefix')
    anna.call('room')
    anna.play('/synth/1/gain', 'f', 0.5)
    wait(lambda: '/p/bob/fader' in anna.osc.states())

    gestpeer.py          judges itself: the vectors (at TUTTI_VECTORS, or beside the checkout), and links
                         that lose, double and turn round packets
"""
import collections
import hashlib
import os
import select
import ssl
import subprocess
import sys
import threading
import time

import oscwire
from gestlines import KINDS
from oscwire import Message
from phones import Missing
from pyphone import CallFailed, Phone

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.environ.get('TUTTI_VECTORS') or os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(HERE))),
                                                          'shared', 'gesture-vectors')


class Media:
    """One media description of the other side's."""

    def __init__(self, words, host):
        self.media, self.port, self.proto, self.fmts = words[0], int(words[1]), words[2], words[3:]
        self.host, self.attrs = host, []

    def all(self, name):
        return [v for n, v in self.attrs if n == name]

    def attr(self, name):
        found = self.all(name)
        return found[0] if found else None

    @property
    def direction(self):
        return next((n for n, _ in self.attrs if n in ('sendrecv', 'sendonly', 'recvonly', 'inactive')), 'sendrecv')


def read_sdp(body):
    """(attributes of the session, media)."""
    session, media, host = [], [], None
    for line in body.decode('utf-8', 'replace').splitlines():
        if line.startswith('c=IN'):
            where = line.split()[2].split('/')[0]
            if media:
                media[-1].host = where
            else:
                host = where
        elif line.startswith('m='):
            media.append(Media(line[2:].split(), host))
        elif line.startswith('a='):
            name, _, value = line[2:].partition(':')
            (media[-1].attrs if media else session).append((name, value))
    return session, media


class Tls:
    """A certificate of its own, and the other side's judged by its fingerprint alone (RFC 8122)."""

    def __init__(self, folder):
        self.file = os.path.join(folder, 'party.pem')
        made = subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                               '-nodes', '-days', '2',
                               '-subj', '/CN=party', '-keyout', self.file, '-out', self.file + '.crt'],
                               capture_output=True)
        if made.returncode:
            raise Missing('no openssl')
        with open(self.file + '.crt') as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        self.fingerprint = 'sha-256 ' + self.print_of(der)

    @staticmethod
    def print_of(der):
        digest = hashlib.sha256(der).hexdigest().upper()
        return ':'.join(digest[i:i + 2] for i in range(0, len(digest), 2))

    def wrap(self, sock, fingerprint):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.file + '.crt', self.file)
        out = context.wrap_socket(sock)
        their = self.print_of(out.getpeercert(True))
        assert fingerprint and fingerprint.split()[-1].upper() == their, 'the certificate is not the one of the answer'
        return out


class Party(Phone):
    """Silent by default: gestures need no sound. Lines are added before the call, or between two offers."""

    def __init__(self, server, name='py', wish=None, seed=1, group=False, silent=True, **more):
        super().__init__(server, name, **more)
        self.silent, self.seed, self.group = silent, seed, group
        self.wish, self.gest_name, self.cname = name if wish is None else wish, None, '%s@%s' % (name, self.ltag)
        self.gestures, self.came = [], []           # came: Gesture, in order
        self.spaces, self.their_spaces = [], []   # (pattern, 'state' or 'event')
        self.lock, self.wake, self.thread = threading.RLock(), os.pipe(), None
        self.traced = collections.deque(maxlen=200000)
        self.tracing, self.answer_sdp, self.broke = False, b'', None

    # ---- lines ----

    def line(self, kind, view=None, sources=None, attrs=(), **more):
        attrs = list(attrs)
        if view:
            attrs.append('a=osc-view:' + view)
        if sources:
            attrs.append('a=gest-sources:%s' % sources)
        if kind != 'midi':
            more.setdefault('version', '1.1')
        made = KINDS[kind](self, attrs=attrs, **more)
        self.gestures.append(made)
        setattr(self, kind, made)
        return made

    def sdp(self):
        session = ['a=gest-name:' + self.wish] if self.wish else []
        if self.group:
            session.append('a=group:GALT ' + ' '.join(g.mid for g in self.gestures if not g.dropped))
        self.lines = [x for g in self.gestures for x in g.describe()]
        text = super().sdp().decode()
        return text.replace('t=0 0\r\n', 't=0 0\r\n' + ''.join(s + '\r\n' for s in session), 1).encode()

    def _use(self, body):
        super()._use(body)
        with self.lock:
            self.answer_sdp = body
            self.session, media = read_sdp(body)
            if len(media) != 1 + len(self.gestures):
                raise CallFailed('%d media descriptions for %d' % (len(media), 1 + len(self.gestures)))
            for line, answer in zip(self.gestures, media[1:]):
                if answer.port:
                    self.gest_name = answer.attr('gest-name') or dict(self.session).get('gest-name')
                line.use(answer)
        if not self.thread:
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
        os.write(self.wake[1], b'x')

    def _run(self):
        while not self.ended.is_set():
            with self.lock:
                socks = {s: g for g in self.gestures if g.accepted for s in g.sockets()}
            try:
                ready, _, _ = select.select(list(socks) + [self.wake[0]], [], [], 0.005)
            except (OSError, ValueError):
                continue                          # a line went away meanwhile
            now = time.monotonic()
            with self.lock:
                if self.wake[0] in ready:
                    os.read(self.wake[0], 100)
                try:
                    for s in ready:
                        if s in socks and socks[s].accepted:
                            socks[s].readable(s, now)
                    for g in self.gestures:
                        if g.accepted:
                            g.step(now)
                except Exception as e:            # told by the case, not by a thread nobody reads
                    self.broke = self.broke or repr(e)

    def trace(self, way, line, data, control, source):
        if self.tracing:
            self.traced.append((time.monotonic(), way, line.kind, data, control, source))

    def lose(self, rx, tx):
        for g in self.gestures:
            g.loss = rx, tx

    def close(self):
        with self.lock:
            for g in self.gestures:
                g.end()
        super().close()

    def bye(self):
        with self.lock:
            for g in self.gestures:
                if g.accepted:
                    g.end(bye=True)
        return super().bye()

    # ---- playing and hearing ----

    @property
    def voice(self):
        """The line it plays OSC on."""
        return next(g for g in self.gestures if g.accepted and g.kind in ('osc', 'udp', 'tcp'))

    def play(self, address, tags='', *args):
        with self.lock:
            self.voice.play(oscwire.write(address, tags, *args))

    def play_raw(self, *packets):
        with self.lock:
            self.voice.play(*packets)

    def midi_play(self, *commands):
        with self.lock:
            self.midi.play(*commands)

    def ready(self):
        """Has each line that hears heard something? RTP lines are sent to at once; others have asked for a pong."""
        with self.lock:
            return all(g.is_heard() for g in self.gestures if g.accepted and g.direction in ('sendrecv', 'recvonly'))

    def messages(self, address=None, since=0):
        """What was heard of OSC, in order; of one address, or all."""
        return [g for g in list(self.came) if isinstance(g.message, Message) and g.at >= since
                and address in (None, g.message.address)]

    def commands(self, since=0):
        return [g for g in list(self.came) if isinstance(g.message, bytes) and g.at >= since]

    def states(self):
        with self.lock:
            return self.voice.states()

    def held(self):
        """What sounds, of all sources of the MIDI line: {(channel, note)}."""
        with self.lock:
            return {k for s in self.midi.streams.values() for k in s.held.notes}

    def complaints(self):
        """What the peer's packets did wrong."""
        out = ['%s: its thread broke: %s' % (self.name, self.broke)] if self.broke else []
        with self.lock:
            for g in self.gestures:
                out += ['%s: %s: %s, %d times' % (self.name, g.kind, k, v) for k,
                        v in g.n.items() if k.startswith('bad: ')]
                for s in getattr(g, 'streams', {}).values():
                    out += ['%s: %s: %s, %d times' % (self.name, g.kind, k, v) for k,
                            v in s.n.items() if k.startswith('malformed: ')]
        return out


def wait(true, seconds=5.0):
    """Waits until it is so; whether it was."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def near(a, b):
    """States that OSC carries: floats of single precision."""
    if set(a) != set(b):
        return False
    return all(a[k][0] == b[k][0] and all(x == y or isinstance(x, float) and abs(x - y) < 1e-6 * max(1, abs(x)) for x,
                                          y in zip(a[k][1], b[k][1]))
               for k in a)


def prefixed(state, name):
    return {'/p/' + name + k: v for k, v in state.items()}


if __name__ == '__main__':
    import gestself
    wrong = gestself.judge(VECTORS)
    print('\n'.join(wrong) or 'all is well')
    sys.exit(1 if wrong else 0)
