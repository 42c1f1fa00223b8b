"""Cases of tutti-join against a real server, and against itself: sound, reconnection, transports, JSON, ends."""
import os
import signal
import subprocess
import tempfile
import time

import sound
from cases import case
from gestpeer import wait
from houseapi import Api
from joiner import PROGRAM, Joiner, room_uri
from server import Server

A, B = sound.TONES[0], sound.TONES[1]


def with_joiners(play, options=(), host='127.0.0.1', tls=False):
    """play(server, join) -> wrong; join(name, ...) starts one that is ended in any case."""
    server, started, wrong = Server(options, host=host, tls=tls), [], []

    def join(name, uri=None, *flags, **more):
        j = Joiner(server.dir, name, uri if uri is not None else room_uri(server), '--media-ports', server.slot.media(), *flags, **more)
        started.append(j)
        return j
    try:
        wrong += play(server, join) or []
    finally:
        for j in started:
            wrong += j.close()
        wrong += server.stop()
    return wrong


def all_up(wrong, joiners, seconds=6):
    for j in joiners:
        if not wait(j.is_up, seconds):
            wrong.append('%s is not up: %s\n%s' % (j.name, j.last('state'), j.tail()))
    return not wrong


def hear_each_other(wrong, a, b, seconds=4.0, settle=1.0, floor=-60.0):
    """From now on; a's and b's files have run since their programs began."""
    if not all_up(wrong, (a, b)):
        return
    time.sleep(settle)
    # what is written last lies in a buffer until the end: so far is surely there
    n = [os.path.getsize(j.wav) for j in (a, b)]
    time.sleep(seconds + 1)
    for j, other, octets in (a, b, n[0]), (b, a, n[1]):
        samples, rate = sound.wav_read(j.wav)
        first = max(0, octets - 44) / file_frame(j.wav) / rate
        wrong += j.judge([other.freq], first, first + seconds, floor)


def file_frame(path):
    """Octets of all channels of a sample."""
    with open(path, 'rb') as f:
        raw = f.read(256)
    at = raw.index(b'fmt ') + 8
    return int.from_bytes(raw[at + 12:at + 14], 'little')


def sure_codec(wrong, j, codec, srtp):
    up = (j.heard('state', state='up') or [{}])[-1]
    if codec not in up.get('codec', '') or up.get('srtp') is not srtp:
        wrong.append('%s is up with %s, srtp %s' % (j.name, up.get('codec'), up.get('srtp')))


@case('join-hears', 'two tutti-join with files play to each other in a music room: level, own tone, no gap; each sees the other come, speak and go')
def hears():
    def play(server, join):
        wrong = []
        a, b = join('anna', freq=A), join('bob', freq=B)
        hear_each_other(wrong, a, b)
        sure_codec(wrong, a, 'L16', True)
        if not wait(lambda: a.names() == {'anna', 'bob'} and b.names() == {'anna', 'bob'}):
            wrong.append('anna sees %s, bob %s' % (a.names(), b.names()))
        level = a.last('stats').get('levels', {}).get('bob', -127)
        if not -30 < level < -15:
            wrong.append('anna sees bob at %s dB' % level)
        b.say('leave')
        if b.wait_end() != 0:
            wrong.append('leave: %s' % b.process.returncode)
        if not wait(lambda: a.names() == {'anna'}):
            wrong.append('anna still sees %s' % a.names())
        return wrong
    return with_joiners(play)


@case('join-opus', 'the same with Opus of 2.5 ms, by choice')
def opus():
    def play(server, join):
        wrong = []
        a = join('anna', None, '--codec', 'opus', '--frame', '2.5', freq=A)
        b = join('bob', None, '--codec', 'opus', '--frame', '2.5', freq=B)
        hear_each_other(wrong, a, b, floor=-45.0)         # Opus makes noise of its own near a tone
        sure_codec(wrong, a, 'opus', True)
        return wrong
    return with_joiners(play)


@case('join-srtp', 'without SRTP where it is switched off, with it where it must be, not at all where the two do not agree')
def srtp():
    def play(server, join):
        wrong = []
        a, b = join('anna', None, '--srtp', 'off', freq=A), join('bob', None, '--srtp', 'required', freq=B)
        hear_each_other(wrong, a, b, seconds=3)
        sure_codec(wrong, a, 'L16', False)
        sure_codec(wrong, b, 'L16', True)
        return wrong
    return with_joiners(play)


def over(transport, scheme, *flags, host='127.0.0.1'):
    def play(server, join):
        wrong = []
        uri = room_uri(server, transport=transport, scheme=scheme)
        a, b = join('anna', uri, *flags, freq=A), join('bob', None, freq=B)
        hear_each_other(wrong, a, b, seconds=3)
        return wrong
    return with_joiners(play, host=host, tls=transport == 'tls')


@case('join-tcp', 'a call by TCP')
def tcp():
    return over('tcp', 'sip')


@case('join-tls', 'a call by TLS; not to a server whose certificate nobody has signed, unless that is allowed')
def tls():
    def refused(server, join):
        a = join('anna', room_uri(server, transport='tls', scheme='sips'))
        wait(lambda: a.heard('state', state='waiting') or a.is_up() or a.process.poll() is not None, 6)
        return ['a certificate that is not good is taken'] if a.is_up() else []
    return over('tls', 'sips', '--no-tls-verify') + with_joiners(refused, tls=True)


@case('join-v6', 'a call by IPv6')
def v6():
    return over('udp', 'sip', host='::1')


@case('join-json', 'events and commands: mute, hand, mix, text, beat, bad lines; every line is an object')
def json_case():
    def play(server, join):
        wrong, api = [], Api(server)

        def ask(line, true, what):
            a.say(line)
            if not wait(true, 5):
                wrong.append('%s: %s; errors %s, texts %s' % (line, what, a.heard('error'), b.heard('text')))

        def member(name):
            return next((m for m in api.get('/rooms/music-band')['members'] if m['name'] == name), {})
        a, b = join('anna', freq=A), join('bob', None, '--mute', freq=B)
        if not all_up(wrong, (a, b)) or not wait(lambda: a.names() == b.names() == {'anna', 'bob'}):
            return wrong + ['%s %s' % (a.names(), b.names())]
        if not wait(lambda: a.heard('member', name='bob', muted=True)):
            wrong.append('bob came muted, and anna does not see it')
        ask('mute on', lambda: member('anna').get('muted') and a.heard('me', muted=True) and b.heard('member', name='anna', muted=True), 'not seen')
        ask('mute off', lambda: not member('anna').get('muted') and a.last('me').get('muted') is False, 'not seen')
        ask('hand toggle', lambda: member('anna').get('hand') and b.heard('member', name='anna', hand=True), 'not seen')
        ask('mix bob -6', lambda: [v for v in api.get('/rooms/music-band/views')['views'] if v[2] == -6] and a.heard('member', name='bob', mix_db=-6), 'not so')
        ask('pan bob -0.5', lambda: a.heard('member', name='bob', mix_pan=-0.5), 'not so')
        ask('say from the "top" \u266a', lambda: b.heard('text', text='from the "top" \u266a', **{'from': 'anna'}), 'not heard')
        ask('click on', lambda: member('anna').get('click'), 'no click')
        api.post('/rooms/music-band/transport', text='start')
        if not wait(lambda: len(a.heard('beat')) >= 3, 6):
            wrong.append('%d beats' % len(a.heard('beat')))
        ask('volume -12', lambda: a.process.poll() is None, '')
        ask('jump', lambda: a.heard('error', why='no such command: jump'), 'no error')
        ask('mix nobody 3', lambda: a.heard('error', why='mix nobody 3: no such player'), 'no error')
        ask('tempo 90', lambda: a.heard('room', tempo=90), 'where no host is all lead')
        ask('record on', lambda: a.heard('text', **{'from': '*', 'text': lambda t: t.startswith('/tutti/room/record')}),
            'anna is no host, and is not told so')
        if a.heard('line') or b.heard('line'):
            wrong.append('no JSON: %s' % (a.heard('line') + b.heard('line')))
        n = [len(a.heard('stats')), time.monotonic()]
        time.sleep(2.2)
        if not 1 <= len(a.heard('stats')) - n[0] <= 3:
            wrong.append('%d stats in 2.2 s' % (len(a.heard('stats')) - n[0]))
        return wrong
    return with_joiners(play)


@case('join-reconnect', 'the server is killed and started again: both are back in their room within ten seconds, hear each other, and their mixes are as they were',
      limit=60)
def reconnect():
    def play(server, join):
        wrong = []
        a, b = join('anna', freq=A), join('bob', freq=B)
        if not all_up(wrong, (a, b)) or not wait(lambda: 'bob' in a.names()):
            return wrong + ['anna sees %s' % a.names()]
        a.say('mix bob -6')
        time.sleep(0.5)
        server.kill()
        time.sleep(0.5)
        server.start()
        begun = time.monotonic()
        for j in a, b:
            if not wait(lambda: j.is_up() and len(j.heard('state', state='up')) >= 2, 10):
                wrong.append('%s is not back: %s' % (j.name, j.last('state')))
        print('# back %.1f s after the start' % (time.monotonic() - begun))
        if wrong:
            return wrong
        if not wait(lambda: [v for v in Api(server).get('/rooms/music-band/views')['views'] if v[2] == -6]):
            wrong.append('the mix is as everybody\'s: %s' % Api(server).get('/rooms/music-band/views'))
        a.say('mix bob 0')
        hear_each_other(wrong, a, b, seconds=3)
        if not wait(lambda: a.names() == {'anna', 'bob'}):
            wrong.append('anna sees %s' % a.names())
        return wrong
    return with_joiners(play)


@case('join-direct', 'two tutti-join without a server: one answers, the other calls it; sound both ways, words, mute')
def direct():
    wrong = []
    with tempfile.TemporaryDirectory(prefix='tutti-interop-') as folder:
        server = Server()                         # only for its slot of ports
        port = server.slot.take()
        b = Joiner(folder, 'bob', None, '--listen', 'udp:127.0.0.1:%d' % port, '--media-ports', server.slot.media(), freq=B)
        a = None
        try:
            if not wait(lambda: b.heard('state', state='ready')):
                wrong.append('bob is not ready: %s %s' % (b.events, b.tail()))
            a = Joiner(folder, 'anna', 'sip:bob@127.0.0.1:%d' % port, '--media-ports', server.slot.media(), freq=A)
            hear_each_other(wrong, a, b, seconds=3)
            a.say('say hello')
            if not wait(lambda: b.heard('text', text='hello')):
                wrong.append('bob does not read anna: %s' % b.heard('text'))
            a.say('mute on')
            if not wait(lambda: b.heard('member', muted=True)):
                wrong.append('bob does not see that anna is muted: %s' % b.events)
            a.say('leave')
            if a.wait_end() != 0 or not wait(lambda: b.last('state').get('state') == 'ready'):
                wrong.append('bob is not ready again: %s' % b.last('state'))
        finally:
            for j in filter(None, (a, b)):
                wrong += j.close()
            wrong += server.stop()
    return wrong


@case('join-leave', 'ends: SIGTERM, SIGINT, --seconds, no such room, kicked, wrong flags, no reader')
def leave():
    def ends(args, status, text=''):
        p = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
        return [] if p.returncode == status and text in p.stdout + p.stderr else ['%s: %d %s' % (args, p.returncode, p.stdout + p.stderr)]

    def play(server, join):
        wrong, api = [], Api(server)
        wrong += ends([], 64, 'which room?') + ends(['--nothing'], 64, '--nothing') + ends(['a', 'b'], 64) + ends(['--help'], 0, '--in-file')
        wrong += ends(['--version'], 0, 'tutti-join') + ends(['--config', '/nowhere', 'x@y'], 66, '/nowhere') + ends(['--devices'], 0)
        wrong += ends(['--driver', 'file', '--in-file', '/nowhere.wav', room_uri(server)], 66, '/nowhere.wav')
        wrong += ends(['--driver', 'null', '--no-ui', 'sip:band@ho st'], 64, 'no address')
        for name, how in ('term', signal.SIGTERM), ('int', signal.SIGINT), ('hup', signal.SIGHUP):
            j = join(name)
            all_up(wrong, [j])
            j.process.send_signal(how)
            begun = time.monotonic()
            if j.wait_end() != 0 or time.monotonic() - begun > 2:
                wrong.append('%s: %s after %.1f s' % (name, j.process.returncode, time.monotonic() - begun))
        if not wait(lambda: not [r for r in api.get('/rooms')['rooms'] if r['room'] == 'music-band' and r['members']]):
            wrong.append('they left without a word')
        j = join('seconds', None, '--seconds', '1.5')
        if j.wait_end(6) != 0 or not j.heard('state', state='up'):
            wrong.append('--seconds: %s' % j.process.returncode)
        j = join('kicked')
        all_up(wrong, [j])
        member = api.get('/rooms/music-band')['members'][0]['id']
        api.post('/rooms/music-band/members/%d/kick' % member)
        if j.wait_end() != 0:
            wrong.append('kicked: %s, %s' % (j.process.returncode, j.last('state')))
        j = join('refused', room_uri(server, room='no room of this name'.replace(' ', '%20')))
        api_status = j.wait_end(6)
        if api_status not in (69, 77):
            wrong.append('no such room: %s, %s' % (api_status, j.last('state')))
        j = join('mute-pipe')
        all_up(wrong, [j])
        j.process.stdout.close()                  # the script has gone
        if j.wait_end(5) != 0:
            wrong.append('without a reader: %s' % j.process.returncode)
        return wrong
    return with_joiners(play)


class Tty:
    """tutti-join on a terminal of our own: what it draws is kept as it comes."""

    def __init__(self, folder, *args, cols=80, rows=24, **env):
        import fcntl
        import pty
        import struct
        import termios
        self.termios = termios
        self.fd, self.inside = pty.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))
        self.before = termios.tcgetattr(self.inside)
        self.seen = b''
        self.process = subprocess.Popen([PROGRAM, *args], stdin=self.inside, stdout=self.inside, stderr=self.inside, start_new_session=True,
                                        env=dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, TERM='xterm', LC_ALL='C.UTF-8', **env))
        os.set_blocking(self.fd, False)

    def draws(self, text, seconds=5):
        """Since the last time; in one piece, as what is drawn anew at once is."""
        def found():
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                pass
            return text.encode() in self.seen
        was = wait(found, seconds)
        if was:
            self.seen = self.seen[self.seen.index(text.encode()) + len(text.encode()):]
        return was

    def press(self, keys):
        self.seen = b''
        os.write(self.fd, keys.encode())

    def end(self, wrong, what, status):
        """It is gone with that status, and the terminal is as it was: its settings, its screen, its cursor."""
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            wrong.append('%s: does not end' % what)
        if self.process.returncode != status:
            wrong.append('%s: status %d' % (what, self.process.returncode))
        if not self.draws('\x1b[?1049l', 1):
            wrong.append('%s: the screen is not given back' % what)
        if self.termios.tcgetattr(self.inside)[:4] != self.before[:4]:
            wrong.append('%s: the terminal\'s settings are not as they were' % what)
        os.close(self.fd)
        os.close(self.inside)


@case('join-screen', 'the view on a terminal: who is there, keys, words; as it was after q, SIGTERM and a crash; none with --no-ui, TERM=dumb')
def screen():
    def play(server, join):
        wrong = []
        args = ['--driver', 'tone', '--name', 'anna', room_uri(server)]
        bob = join('bob', freq=B)
        all_up(wrong, [bob])

        def draws(t, text, what):
            if not t.draws(text):
                wrong.append('%s is not drawn (%s)' % (text, what))
        t = Tty(server.dir, *args)
        draws(t, 'bob', 'he is there')
        wait(lambda: bob.names() == {'anna', 'bob'})
        t.press('m')
        draws(t, 'MUTED', 'm')
        if not wait(lambda: bob.heard('member', name='anna', muted=True)):
            wrong.append('bob does not see that anna pressed m')
        t.press('tfrom the top\r')
        draws(t, 'from the top', 'typed')
        if not wait(lambda: bob.heard('text', text='from the top')):
            wrong.append('bob does not read what anna typed')
        bob.say('say \u266b and so on')
        draws(t, '\u266b and so on', 'bob said')
        t.press('?')
        draws(t, 'raise the hand', '?')
        t.press('?q')
        draws(t, 'Leave?', 'q')
        t.press('y')
        t.end(wrong, 'q, y', 0)
        for how, status in (signal.SIGTERM, 0), (signal.SIGABRT, -signal.SIGABRT):
            t = Tty(server.dir, *args)
            draws(t, 'bob', how.name)
            t.process.send_signal(how)
            t.end(wrong, how.name, status)
        for flags, env in (['--no-ui'], {}), ([], {'TERM': 'dumb'}):
            p = subprocess.run([PROGRAM, '--seconds', '1', *flags, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10,
                               env=dict(os.environ, HOME=server.dir, **env))
            if p.returncode or '\x1b' in p.stdout or 'joined: bob' not in p.stdout:
                wrong.append('%s %s: %d %r' % (flags, env, p.returncode, p.stdout))
        return wrong
    return with_joiners(play)
