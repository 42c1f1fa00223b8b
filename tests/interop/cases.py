"""The cases of run.py. A case returns a list of texts: what is wrong. Missing means skipped."""
import os
import re
import subprocess
import threading
import time

import phones
import pyphone
import sound
from server import Server

ALL = {}
SETTLE = 3                            # seconds a phone may take to find its jitter buffer
QUICK = bool(os.environ.get('TUTTI_QUICK'))
TALK = 5 if QUICK else 10             # seconds that a room is listened to
LIMIT = 'sip.max-calls'                # the setting that bounds calls


class Case:
    def __init__(self, what, run, limit, alone):
        self.what, self.run, self.limit, self.alone = what, run, limit, alone


def case(name, what, limit=40, alone=False):
    def add(run):
        ALL[name] = Case(what, run, limit, alone)
        return run
    return add


def together(members, what, *args):
    """Calls a method of all at once, so that nobody hears the others leave; the first failure is raised here."""
    failed = []

    def run(p):
        try:
            getattr(p, what)(*args)
        except Exception as e:
            failed.append(e)
    threads = [threading.Thread(target=run, args=(p,)) for p in members]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


# ---- sound ----

def room_of_three(kinds, codecs, transport='udp', host='127.0.0.1', srtp=False, seconds=TALK, beside=None, options=()):
    """beside(server): who else is there, with a method close() that says what was wrong with it."""
    server = Server(options, host=host, tls=transport == 'tls')
    members, wrong, guest = [], [], None
    try:
        guest = beside(server) if beside else None
        for i, (kind, codec) in enumerate(zip(kinds, codecs)):
            members.append(phones.KINDS[kind](server, '%s%d' % (kind, i), sound.TONES[i], codec, transport, srtp))
        for p in members:
            p.start('room')
        time.sleep(seconds + SETTLE)
        until = time.monotonic()
        together(members, 'stop')
        for p in members:
            samples, rate = p.heard(seconds, until)
            if len(samples) < (seconds - 0.1) * rate:
                wrong.append('%s heard %.2f s of %d' % (p.name, len(samples) / rate, seconds))
            others = [t for t in sound.TONES if t != p.tone]
            wrong += sound.judge(p.name, samples, rate, others, p.tone)
    finally:
        phones.end_all(members)
        wrong += guest.close() if guest else []
        wrong += server.stop()
    return wrong


ROOMS = [
    ('python', 'udp', '127.0.0.1', False, ['python'] * 3, ['PCMU'] * 3),
    ('python-l16', 'udp', '127.0.0.1', False, ['python'] * 3, ['L16/48000', 'L16/16000', 'L16/8000']),
    ('python-mixed', 'udp', '127.0.0.1', False, ['python'] * 3, ['L16/48000', 'PCMU', 'PCMA']),
    ('baresip', 'udp', '127.0.0.1', False, ['baresip'] * 3, ['PCMU'] * 3),
    ('baresip-opus', 'udp', '127.0.0.1', False, ['baresip'] * 3, ['Opus'] * 3),
    ('linphone', 'udp', '127.0.0.1', False, ['linphone'] * 3, ['PCMU'] * 3),
    ('linphone-opus', 'udp', '127.0.0.1', False, ['linphone'] * 3, ['Opus'] * 3),
    ('sipp', 'udp', '127.0.0.1', False, ['sipp'] * 3, ['PCMU'] * 3),
    ('mixed', 'udp', '127.0.0.1', False, ['baresip', 'linphone', 'sipp'], ['Opus', 'Opus', 'PCMU']),
    ('mixed-codecs', 'udp', '127.0.0.1', False, ['baresip', 'linphone', 'python'], ['PCMU', 'Opus', 'L16/48000']),
    ('tcp', 'tcp', '127.0.0.1', False, ['baresip', 'linphone', 'sipp'], ['Opus', 'PCMU', 'PCMU']),
    ('tcp-python', 'tcp', '127.0.0.1', False, ['python'] * 3, ['PCMU'] * 3),
    ('tls-python', 'tls', '127.0.0.1', False, ['python'] * 3, ['PCMU'] * 3),
    ('tls-srtp', 'tls', '127.0.0.1', True, ['baresip', 'linphone', 'baresip'], ['PCMU', 'Opus', 'Opus']),
    ('udp-srtp', 'udp', '127.0.0.1', True, ['linphone', 'baresip', 'linphone'], ['PCMU', 'PCMU', 'Opus']),
    ('dtls', 'udp', '127.0.0.1', 'dtls', ['baresip'] * 3, ['PCMU', 'Opus', 'Opus']),
    ('dtls-apart', 'udp', '127.0.0.1', 'dtls-apart', ['baresip'] * 3, ['PCMU'] * 3),
    ('dtls-mixed', 'udp', '127.0.0.1', 'dtls', ['linphone', 'baresip', 'linphone'], ['PCMU', 'PCMU', 'Opus']),
    ('ipv6', 'udp', '::1', False, ['baresip', 'sipp', 'python'], ['Opus', 'PCMU', 'PCMU']),
    ('ipv6-tcp', 'tcp', '::1', False, ['baresip', 'sipp', 'python'], ['PCMU', 'PCMU', 'PCMU']),
    ('ipv6-tls-srtp', 'tls', '::1', True, ['baresip'] * 3, ['PCMU', 'Opus', 'PCMU']),
]

for _name, _transport, _host, _srtp, _kinds, _codecs in ROOMS:
    _what = '%s over %s%s%s: each hears the two others, not itself, %d s without a gap' % (
        ' '.join('%s/%s' % kc for kc in zip(_kinds, _codecs)), _transport, '+srtp' if _srtp else '', ' on IPv6' if ':' in _host else '', TALK)
    _what = '%s over %s%s%s: each hears the two others, not itself, 10 s without a gap' % (
        ' '.join('%s/%s' % kc for kc in zip(_kinds, _codecs)), _transport, '+' + (_srtp if isinstance(_srtp, str) else 'srtp') if _srtp else '', ' on IPv6' if ':' in _host else '')
    case('room-' + _name, _what)(lambda k=_kinds, c=_codecs, t=_transport, h=_host, s=_srtp: room_of_three(k, c, t, h, s))


def change(restless, what, kinds=('python', 'python')):
    """Two talk while a third does `what`; they hear each other without a gap, and the third as often as it speaks."""
    server = Server()
    wrong, members = [], []
    try:
        for i, kind in enumerate(kinds):
            members.append(phones.KINDS[kind](server, '%s%d' % (kind, i), sound.TONES[i]))
        for p in members:
            p.start('room')
        third = restless(server)
        time.sleep(1.5)
        began = time.monotonic()
        third.start('room')
        time.sleep(1.5)
        wrong += what(third)
        time.sleep(max(0.5, 11 - (time.monotonic() - began)))
        until = time.monotonic()
        seconds = until - began - 0.3
        together(members, 'stop')
        for p, other in zip(members, reversed(members)):
            samples, rate = p.heard(seconds, until)
            wrong += sound.judge(p.name, samples, rate, [other.tone], p.tone)
    finally:
        phones.end_all(members)
        wrong += server.stop()
    return wrong


def heard_again(phone, others, seconds=1.5):
    time.sleep(seconds)
    samples, rate = phone.heard(time.monotonic() - seconds + 0.3, seconds - 0.3)
    heard = [(f, sound.usual_level(samples, rate, f) + 20) for f in others]
    return ['after a change %s hears %g Hz at %+.1f dB' % (phone.name, f, db) for f, db in heard if abs(db) > 1.5]


@case('change-python', 'a third holds, resumes, re-INVITEs to other codecs, is refused, leaves: the two others hear no gap')
def change_python():
    def what(third):
        p, wrong, others = third.phone, [], sound.TONES[:2]
        wrong += heard_again(p, others)
        third.hold()
        time.sleep(1)
        held = p.heard(time.monotonic() - 0.7, 0.7)[0]
        if held and max(abs(x) for x in held) > 0.01:
            wrong.append('who put the room on hold with sendonly still hears it')
        third.resume()
        wrong += heard_again(p, others)
        for codecs in ['PCMA'], ['L16/16000'], ['PCMU']:
            r = p.reinvite(codecs=codecs)
            if r.status != 200:
                wrong.append('re-INVITE to %s: %s' % (codecs[0], r.first))
            wrong += heard_again(p, others)
        codecs, pyphone.CODECS['none'] = p.codecs, (101, 'no-such-codec', 8000)
        offered = p.sdp

        def impossible():
            return re.sub(rb'RTP/AVP .*', b'RTP/AVP 101', re.sub(rb'a=rtpmap.*\r\n', b'', offered())) + b'a=rtpmap:101 nosuch/8000\r\n'
        p.sdp = impossible
        r = p.reinvite()
        p.sdp, p.codecs = offered, codecs
        if r.status != 488:
            wrong.append('a re-INVITE with a codec nobody has: %s, not 488' % r.first)
        wrong += heard_again(p, others)
        third.stop()
        return wrong
    def third(server):
        p = phones.Py(server, 'third', sound.TONES[2])
        p.phone.prepare('PCMA', 'L16/16000', 'PCMU')
        return p
    return change(third, what)


def hold_and_leave(third):
    third.hold()
    time.sleep(2)
    third.resume()
    time.sleep(2)
    third.stop()
    return []


@case('change-baresip', 'baresip holds, resumes, leaves: two baresips hear no gap')
def change_baresip():
    return change(lambda server: phones.Baresip(server, 'third', sound.TONES[2]), hold_and_leave, ('baresip', 'baresip'))


@case('change-linphone', 'linphone holds, resumes, leaves: two linphones hear no gap')
def change_linphone():
    return change(lambda server: phones.Linphone(server, 'third', sound.TONES[2], 'Opus'), hold_and_leave, ('linphone', 'linphone'))


# ---- a server, and who talks in it ----

def with_server(run, **options):
    server = Server({k.replace('_', '.', 1).replace('_', '-'): v for k, v in options.items()})
    wrong = []
    try:
        wrong += run(server) or []
    finally:
        wrong += server.stop()
    return wrong


class Talkers:
    """Two members who talk to each other while something else goes on."""

    def __init__(self, server, room='talkers'):
        self.pair = [phones.Py(server, 'talker%d' % i, sound.TONES[i]) for i in (0, 1)]
        for p in self.pair:
            p.start(room)
        time.sleep(1.5)
        self.began = time.monotonic()

    def excused(self, at):
        """A phone that this machine let sleep made the gap itself."""
        return any(abs(at - late) < 0.6 for p in self.pair for late in p.phone.late)

    def stop(self):
        until, wrong = time.monotonic(), []
        together(self.pair, 'stop')
        for p, other in zip(self.pair, reversed(self.pair)):
            samples, rate = p.phone.heard(self.began, until - self.began)
            found = [g for g in sound.gaps(samples, rate, other.tone) if not self.excused(self.began + g[0])]
            if found:
                wrong.append('%s: gaps while it went on: %s' % (p.name, found[:5]))
        return wrong


_settings = {}


def has_setting(name):
    from server import BINARY
    if not _settings:
        out = subprocess.run([BINARY, '--sample-config'], capture_output=True, text=True).stdout
        section = ''
        for line in out.splitlines():
            m = re.match(r'\[(\w+)\]', line)
            section = m.group(1) if m else section
            m = re.match(r'[#; ]*([a-z][a-z0-9-]*) *=', line)
            if m:
                _settings[section + '.' + m.group(1)] = True
        _settings['read'] = True
    return name in _settings


# ---- the judge judged ----

@case('selftest', 'the judgement itself: passes a good room, fails a room that leaks, drops or is too quiet')
def selftest():
    enc = [sound.decode('PCMU', sound.encode('PCMU', sound.tone(f, 8000, 10))) for f in sound.TONES]
    wrong = []
    for own in range(3):
        a, b = (enc[i] for i in range(3) if i != own)
        others = [f for i, f in enumerate(sound.TONES) if i != own]
        mix = sound.decode('PCMU', sound.encode('PCMU', [x + y for x, y in zip(a, b)]))
        good = sound.judge('good', mix, 8000, others, sound.TONES[own])
        wrong += good
        left = sound.level(mix, 8000, sound.TONES[own]) + 20
        if left > -75:
            wrong.append('products of two tones fall on %g Hz with %.0f dB' % (sound.TONES[own], left))
        leak = [x + 0.0002 * y / sound.AMPLITUDE for x, y in zip(mix, enc[own])]
        hole = mix[:40000] + [0.0] * 120 + mix[40120:]
        for name, bad in ('leak', leak), ('hole', hole), ('quiet', [x * 0.8 for x in mix]), ('none', [0.0] * 80000):
            if not sound.judge(name, bad, 8000, others, sound.TONES[own]):
                wrong.append('a room with "%s" passes' % name)
    return wrong


import callrecords  # noqa: E402,F401  (its cases use what stands above)
import conference  # noqa: E402,F401
import dtlscases  # noqa: E402,F401
import gestures  # noqa: E402,F401
import gestures_apple  # noqa: E402,F401
import gestures_phones  # noqa: E402,F401
import gestures_plain  # noqa: E402,F401
import joincheck  # noqa: E402,F401
import joindelays  # noqa: E402,F401
import joinfile  # noqa: E402,F401
import joinseat  # noqa: E402,F401
import joins  # noqa: E402,F401
import joins_gestures  # noqa: E402,F401
import loads  # noqa: E402,F401
import band  # noqa: E402,F401
import joinjack  # noqa: E402,F401
import recorded  # noqa: E402,F401
import sipcases  # noqa: E402,F401
import torturecases  # noqa: E402,F401
import voicecases  # noqa: E402,F401
import waiting  # noqa: E402,F401
