"""Keys by DTLS with real programs: phones that call and are called, hold, tutti-join with a room and with its like, a stranger on the line."""
import os
import re
import socket
import threading
import time
import urllib.request

import phones
import sound
from cases import case, change, hold_and_leave, together, with_server
from gestpeer import wait
from gestures_phones import CalledBaresip
from houseapi import Api
from joiner import Joiner
from joins import A, B, all_up, hear_each_other, sure_codec, with_joiners
from joins_gestures import Dump, free_port, need, oscsend
from pyphone import CallFailed, Phone
from recorded import wait_for
from server import Server

OURS = {'media.srtp': 'required', 'media.srtp-keys': 'dtls'}
FLAGS = ('--srtp', 'required', '--srtp-keys', 'dtls')


@case('change-dtls', 'baresip with keys by DTLS holds, resumes, leaves: two others, one of them with DTLS, hear no gap')
def change_dtls():
    return change(lambda server: phones.Baresip(server, 'third', sound.TONES[2], srtp='dtls'), hold_and_leave, ('baresip', 'baresip'))


class HeldBaresip(phones.Baresip):
    """Holds and resumes on its way. Its dump ends with the first hold, with and without keys: others tell that it is heard again."""

    def start(self, room):
        super().start(room)
        time.sleep(1)
        self.hold()
        time.sleep(1)
        self.resume()


def pair(one, options=()):
    """one calls the room, another is called into it; they hear each other until both hang up."""
    server = Server(dict(options, **{'dial.allow': 'sip:*@127.0.0.1*'}))
    wrong, members = [], []
    try:
        members = [one(server, 'caller', sound.TONES[0], srtp='dtls'), CalledBaresip(server, 'callee', sound.TONES[1], srtp='dtls')]
        members[0].start('band')
        uri = members[1].wait()
        api = Api(server)
        api.post('/rooms/band/dial', uri=uri)
        wait_for('the called phone', lambda: len(api.get('/rooms/band')['members']) == 2)
        members[1].established()
        time.sleep(6)
        until = time.monotonic()
        together(members, 'stop')
        for p, q in (members, members[::-1]):
            if isinstance(p, HeldBaresip):
                continue
            samples, rate = p.heard(3, until)
            if sound.usual_level(samples, rate, q.tone) < -40:
                wrong.append('%s does not hear %s' % (p.name, q.name))
    finally:
        phones.end_all(members)
        wrong += server.stop()
    return wrong


@case('dtls-called', 'baresip is called with keys by DTLS, another calls: they hear each other', limit=60)
def called():
    return pair(phones.Baresip, OURS)


@case('dtls-held', 'baresip with keys by DTLS calls, holds and resumes: it is heard', limit=60)
def held():
    return pair(HeldBaresip, OURS)


@case('join-dtls', 'tutti-join with keys by DTLS and one with keys in its description hear each other; each says which it has')
def join_dtls():
    def play(server, join):
        wrong = []
        a, b = join('anna', None, *FLAGS, freq=A), join('bob', None, '--srtp-keys', 'sdes', freq=B)
        hear_each_other(wrong, a, b, seconds=3)
        sure_codec(wrong, a, 'L16', True)
        wrong += ['%s has keys by %r' % (j.name, j.last('state').get('keys')) for j, k in ((a, 'dtls'), (b, 'sdes')) if
                  j.last('state').get('keys') != k]
        return wrong
    return with_joiners(play, OURS)


@case('join-dtls-optional', 'tutti-join offers keys by DTLS on RTP/AVP: taken by the server, plain where it has SRTP switched off')
def join_optional():
    def play(how):
        def run(server, join):
            wrong = []
            a, b = join('anna', None, '--srtp-keys', 'dtls', freq=A), join('bob', None, '--srtp-keys', 'dtls', freq=B)
            hear_each_other(wrong, a, b, seconds=3)
            return wrong + ['keys by %r' % a.last('state').get('keys')] * (a.last('state').get('keys') != how)
        return run
    return with_joiners(play('dtls')) + with_joiners(play('none'), {'media.srtp': 'off'})


@case('join-dtls-direct', 'two tutti-join without a server, with keys by DTLS')
def join_direct():
    def play(server, join):
        wrong, port = [], server.slot.take(4)
        b = join('bob', '', '--listen', 'udp:127.0.0.1:%d' % port, freq=B)
        wait(lambda: b.heard('state'), 3)
        a = join('anna', 'sip:bob@127.0.0.1:%d' % port, *FLAGS, freq=A)
        hear_each_other(wrong, a, b, seconds=3)
        return wrong + ['%s has keys by %r' % (j.name, j.last('state').get('keys')) for j in (a, b) if j.last('state').get('keys') != 'dtls']
    return with_joiners(play)


def play_both_ways(wrong, a, b, prefix='/p/%s'):
    """A fader and a note from each one's OSC port to the other's program. prefix: without a server there is none."""
    for j, other in (a, b), (b, a):
        for words in ('/fader/1', 'f', '0.25'), ('/midi/1/note/60', 'i', '100'):
            oscsend(j.port, *words)
            heard = ((prefix % j.name if prefix else '') + words[0], words[1], '0.250000' if words[1] == 'f' else words[2])
            if not other.dump.hears(*heard):
                wrong.append('%s does not hear %s; but %s' % (other.name, ' '.join(heard), other.dump.lines[-10:]))


def with_programs(play, options=()):
    """play(server, start) -> wrong; start(name, uri, *flags) starts a tutti-join with a program on its OSC port."""
    need('oscsend', 'oscdump')
    dumps = []

    def run(server, join):
        def start(name, uri, *flags, freq):
            own, to = free_port(), free_port()
            dumps.append(Dump(to))
            j = join(name, uri, '--osc-port', str(own), '--osc-to', '127.0.0.1:%d' % to, *flags, freq=freq)
            j.port, j.dump = own, dumps[-1]
            return j
        return play(server, start)
    try:
        return with_joiners(run, options)
    finally:
        for d in dumps:
            d.close()


def figures(server):
    with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % server.http_port, timeout=5) as r:
        return {name: float(value) for name, value in re.findall(r'^(tutti_\S+) ([0-9.e+]+)$', r.read().decode(), re.M)}


def with_gestures(j):
    return [] if wait(lambda: j.last('state').get('gestures'), 4) else ['%s has no line of gestures: %s' % (j.name, j.last('state'))]


@case('join-dtls-gest', 'two tutti-join whose sound and gestures have keys by DTLS: they hear each other, faders and notes too; API and metrics tell it')
def join_gestures():
    def play(server, start):
        wrong = []
        a, b = start('anna', None, *FLAGS, freq=A), start('bob', None, *FLAGS, freq=B)
        if not all_up(wrong, (a, b)):
            return wrong
        wrong += with_gestures(a) + with_gestures(b)
        play_both_ways(wrong, a, b)
        hear_each_other(wrong, a, b, seconds=2)
        members = Api(server).get('/rooms/music-band')['members']
        wrong += ['the API says %r' % m['media']['keys'] for m in members if m['media']['keys'] != 'dtls']
        told = figures(server)
        for name, least in (('tutti_gesture_keys_total{result="agreed"}', 2), ('tutti_dtls_datagrams_total{of="sound"}', 4),
                            ('tutti_dtls_datagrams_total{of="gestures"}', 4)):
            if told.get(name, 0) < least:
                wrong.append('%s is %s' % (name, told.get(name)))
        return wrong + ['keys failed'] * bool(told.get('tutti_gesture_keys_total{result="failed"}'))
    return with_programs(play, OURS)


@case('join-dtls-gest-direct', 'two tutti-join without a server, with keys by DTLS: faders and notes')
def join_gestures_direct():
    def play(server, start):
        wrong, port = [], server.slot.take(4)
        b = start('bob', '', '--listen', 'udp:127.0.0.1:%d' % port, freq=B)
        wait(lambda: b.heard('state'), 3)
        a = start('anna', 'sip:bob@127.0.0.1:%d' % port, *FLAGS, freq=A)
        if not all_up(wrong, (a, b)):
            return wrong
        wrong += with_gestures(a) + with_gestures(b)
        play_both_ways(wrong, a, b, prefix='')
        return wrong
    return with_programs(play)


class Stranger:
    """From a host of its own: handshakes, alerts and rubbish to every port of the server's and of ours, as long as it lives."""

    def __init__(self, ports):
        self.ports, self.on, self.sent = ports, True, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.2', 0))
        self.thread = threading.Thread(target=self._shout, daemon=True)
        self.thread.start()

    def _shout(self):
        hello = bytes([22, 0xfe, 0xfd]) + bytes(8) + b'\x00\x08\x01' + bytes(7)
        alert = bytes([21, 0xfe, 0xfd]) + bytes(8) + b'\x00\x02\x02\x28'
        while self.on:
            for port in self.ports:
                for text in hello, alert, bytes([23]) + os.urandom(60):
                    self.sock.sendto(text, ('127.0.0.1', port))
                    self.sent += 1
            time.sleep(0.02)

    def close(self):
        self.on = False
        self.thread.join(2)
        self.sock.close()


@case('join-dtls-stranger', 'a stranger shakes hands with every port of the server while two tutti-join do: they hear each other')
def join_stranger():
    def play(server, join):
        # few ports, so that each hears the stranger often
        stranger, wrong = Stranger(range(server.port + 200, server.port + 240, 2)), []
        try:
            a, b = join('anna', None, *FLAGS, freq=A), join('bob', None, *FLAGS, freq=B)
            hear_each_other(wrong, a, b, seconds=3)
        finally:
            stranger.close()
        return wrong + ['the stranger was silent'] * (stranger.sent < 1000)
    return with_joiners(play, {'media.ports': lambda first: '%d-%d' % (first + 200, first + 239)})


BROWSER = '''v=0
o=- 4962303333179871722 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:126 telephone-event/8000
'''


@case('sip-browser', 'the offer of a browser, which cannot do without ICE, gets 488 at once, and a reason')
def browser():
    def run(server):
        p = Phone(server.addr(), 'browser')
        try:
            p.sdp = lambda: BROWSER.replace('\n', '\r\n').encode()
            try:
                return ['it is let in: %s' % p.call('room', timeout=3).first]
            except CallFailed as e:
                if not e.response or e.response.status != 488 or 'ICE' not in e.response.get('warning', ''):
                    return ['%s, warning %s' % (e, e.response and e.response.get('warning'))]
                return []
        finally:
            p.close()
    return with_server(run)
