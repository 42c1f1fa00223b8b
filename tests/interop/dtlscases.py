"""Keys by DTLS with real programs: phones that call and are called, hold, tutti-join with a room and with its like, a stranger on the line."""
import os
import socket
import threading
import time

import phones
import sound
from cases import case, change, hold_and_leave, together, with_server
from gestpeer import wait
from gestures_phones import CalledBaresip
from houseapi import Api
from joiner import Joiner
from joins import A, B, hear_each_other, sure_codec, with_joiners
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
        for p in members:
            if getattr(p, 'process', None):
                p.end(0)
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
