"""The cases of run.py. A case returns a list of texts: what is wrong. Missing means skipped."""
import json
import math
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import time

import phones
import pyphone
import sippcalls
import sound
from phones import Missing
from server import BUILD, ROOT, Server, sanitized

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
        for p in members:
            if getattr(p, 'process', None):
                p.end(0)
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
        for p in members:
            if getattr(p, 'process', None):
                p.end(0)
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


# ---- session behaviour, told by sipp ----

for _scenario in sippcalls.SCENARIOS:
    case('sip-' + _scenario.name, _scenario.what, limit=_scenario.limit)(lambda s=_scenario: sippcalls.run(s))


# ---- session behaviour, told by the Python phone: what sipp hides ----

def with_server(run, **options):
    server = Server({k.replace('_', '.', 1).replace('_', '-'): v for k, v in options.items()})
    wrong = []
    try:
        wrong += run(server) or []
    finally:
        wrong += server.stop()
    return wrong


@case('sip-echo', 'sip:echo gives back what it hears', limit=30)
def sip_echo():
    def run(server):
        p = phones.Py(server, 'echo', sound.TONES[0])
        p.start('echo')
        time.sleep(8)
        samples, rate = p.phone.heard(time.monotonic() - 1.5, 1.5)
        got = sound.usual_level(samples, rate, p.tone) + 20
        p.stop()
        return [] if abs(got) < 1.5 else ['the echo is at %+.1f dB' % got]
    return with_server(run)


LEVELS = 'a=extmap:%d/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level'


def contributors(packet):
    """SSRC to level, of an RTP packet with a one-byte extension 5 (RFC 6465)."""
    n = packet[0] & 15
    csrc = struct.unpack('!%dI' % n, packet[12:12 + 4 * n])
    if not packet[0] & 0x10:
        return {s: None for s in csrc}
    ext = packet[16 + 4 * n:]
    return dict(zip(csrc, ext[1:2 + (ext[0] & 15)])) if packet[12 + 4 * n:14 + 4 * n] == b'\xbe\xde' and ext[0] >> 4 == 5 else {}


@case('levels', 'who asked for it reads who is in the mix and how loud, itself left out; who did not has a plain header', limit=30)
def levels():
    def run(server):
        wrong, a, lines = [], sound.AMPLITUDE, [LEVELS % 5]
        quiet = pyphone.Phone(server.addr(), 'quiet', sound.TONES[0], amplitude=a / 2)
        asks = pyphone.Phone(server.addr(), 'asks', sound.TONES[1], lines=lines)
        ear = pyphone.Phone(server.addr(), 'ear', lines=lines)
        for p in (quiet, asks, ear):
            p.call('levels')
        time.sleep(2.5)
        want = {quiet.ssrc: 3 - 20 * math.log10(a / 2), asks.ssrc: 3 - 20 * math.log10(a)}
        for p, others in ((quiet, []), (asks, [quiet.ssrc]), (ear, [quiet.ssrc, asks.ssrc])):
            got = contributors(p.packets[-1][1])
            if sorted(got) != sorted(others) or any(level is None or abs(level - want[s]) > 1 for s, level in got.items()):
                wrong.append('%s is told %s, and it should be %s' % (p.name, got, {s: round(want[s], 1) for s in others}))
        together([quiet, asks, ear], 'bye')
        return wrong
    return with_server(run)


@case('sip-invite-again', 'the same INVITE three times is one call: the same 200, one member')
def sip_invite_again():
    def run(server):
        p = pyphone.Phone(server.addr(), 'twice')
        p.room = p.uri('room')
        p._rtp_open()
        msg = p.make('INVITE', body=p.sdp())
        seen = []
        real, p.end.on_message = p._message, None
        p.end.on_message = lambda m: (seen.append(m), real(m))
        for _ in range(2):
            p.end.send(msg.data())
        r = p.request(msg)
        p.to, p.target = r.get('to'), pyphone.uri_of(r.get('contact'))
        p.ack(msg, r)
        time.sleep(0.5)
        tags = {m.get('to') for m in seen if m.status == 200 and m.cseq_method == 'INVITE'}
        wrong = [] if len(tags) == 1 else ['%d different 200s' % len(tags)]
        if not p.bye():
            wrong.append('no 200 to BYE')
        return wrong
    return with_server(run)


@case('sip-no-ack', 'a 200 without ACK is sent again with growing pauses')
def sip_no_ack():
    def run(server):
        p = pyphone.Phone(server.addr(), 'noack')
        p.room = p.uri('room')
        p._rtp_open()
        msg = p.make('INVITE', body=p.sdp())
        times = []
        real = p._message

        def message(m):
            if m.status == 200 and m.cseq_method == 'INVITE':
                times.append(time.monotonic())
            real(m)
        p.end.on_message = message
        r = p.request(msg)
        p.to, p.target = r.get('to'), pyphone.uri_of(r.get('contact'))
        time.sleep(8)
        n = len(times)
        pauses = [b - a for a, b in zip(times, times[1:])]
        p.ack(msg, r)
        time.sleep(4.5)
        wrong = []
        # RFC 3261 13.3.1.4: T1, doubled until T2: 0.5, 1, 2, 4 s.
        if not 4 <= n <= 5 or any(abs(got - want) > 0.3 for got, want in zip(pauses, (0.5, 1, 2, 4))):
            wrong.append('the 200 came %d times in 8 s, with pauses of %s' % (n, ['%.2f' % x for x in pauses]))
        if len(times) > n:
            wrong.append('it came again after the ACK')
        if not p.bye():
            wrong.append('no 200 to BYE')
        return wrong
    return with_server(run)


@case('sip-cancel', 'CANCEL of an INVITE that waits for PRACK: 200 to CANCEL, 487 to INVITE')
def sip_cancel():
    def run(server):
        p = pyphone.Phone(server.addr(), 'cancel')
        p.room = p.uri('room')
        p._rtp_open()
        msg = p.make('INVITE', [('Require', '100rel')], p.sdp())
        answers = []
        real = p._message
        p.end.on_message = lambda m: (answers.append(m), real(m))
        p.end.send(msg.data())
        until = time.monotonic() + 4
        while not any(m.status > 100 for m in answers) and time.monotonic() < until:
            time.sleep(0.02)
        first = next((m for m in answers if m.status > 100), None)
        if not first or not 180 <= first.status < 200:
            return ['an INVITE with Require: 100rel got %s, not a reliable 18x' % (first.first if first else 'nothing')]
        cancel = p.make('CANCEL', cseq=int(msg.get('cseq').split()[0]), branch=msg.branch)
        cancel.headers = [h for h in cancel.headers if h[0] != 'Contact']
        r = p.request(cancel)
        wrong = [] if r.status == 200 else ['CANCEL: ' + r.first]
        time.sleep(0.5)
        final = next((m for m in answers if m.status >= 200 and m.cseq_method == 'INVITE'), None)
        if final:
            p.ack(msg, final)
        if not final or final.status != 487:
            wrong.append('the INVITE got %s, not 487' % (final.first if final else 'nothing'))
        p.close()
        return wrong
    return with_server(run, **{'sip.early': 'ring'})


@case('sip-replaces', 'INVITE with Replaces takes the place of a call: the old one gets BYE, a third hears no gap')
def sip_replaces():
    def run(server):
        ear = phones.Py(server, 'ear', sound.TONES[0])
        old = phones.Py(server, 'old', sound.TONES[1])
        new = phones.Py(server, 'new', sound.TONES[2])
        ear.start('room')
        old.start('room')
        time.sleep(0.5)
        o = old.phone
        to_tag, from_tag = pyphone.param(o.to, 'tag'), o.ltag
        new.phone.call('room', [('Require', 'replaces'),
                                ('Replaces', '%s;to-tag=%s;from-tag=%s' % (o.call_id, to_tag, from_tag))])
        wrong = [] if o.ended.wait(3) else ['the replaced call got no BYE']
        time.sleep(2)
        samples, rate = ear.phone.heard(time.monotonic() - 1.5, 1.5)
        for who, want in (old, -60), (new, 0):
            got = (sound.level if want else sound.usual_level)(samples, rate, who.tone) + 20
            if (want == 0 and abs(got) > 1.5) or (want < 0 and got > want):
                wrong.append('afterwards %s is heard at %+.1f dB' % (who.name, got))
        o.close()
        together([ear, new], 'stop')
        return wrong
    return with_server(run)


@case('sip-replaces-481', 'Replaces of no call: 481')
def sip_replaces_481():
    def run(server):
        p = pyphone.Phone(server.addr(), 'nobody')
        try:
            p.call('room', [('Replaces', 'no-such-call;to-tag=a;from-tag=b')])
        except pyphone.CallFailed as e:
            if e.response and e.response.status == 481:
                return []
            return [str(e)]
        finally:
            p.close()
        return ['the call was taken']
    return with_server(run)


@case('sip-busy-503', 'one call more than the limit: 503 with Retry-After; after a BYE there is room again')
def sip_busy():
    def run(server):
        a, b, c = (pyphone.Phone(server.addr(), n) for n in ('a', 'b', 'c'))
        a.call('room')
        b.call('room')
        wrong = []
        try:
            c.call('room')
            wrong.append('a third call was taken')
        except pyphone.CallFailed as e:
            if not e.response or e.response.status != 503 or not e.response.get('retry-after'):
                wrong.append('the third call got %s, Retry-After %s' % (e, e.response and e.response.get('retry-after')))
        c.close()
        b.bye()
        d = pyphone.Phone(server.addr(), 'd')
        d.call('room')
        together([a, d], 'bye')
        return wrong
    return with_server(run, **{LIMIT: '2'})


# ---- bad input ----

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


def torture(extra, what):
    runner = os.environ.get('TUTTI_TORTURE', os.path.join(os.path.dirname(ROOT), 'shared', 'torture', 'run.py'))
    if not os.path.exists(runner):
        raise Missing('no torture material at %s (TUTTI_TORTURE names its run.py)' % runner)
    server = Server({'rooms.auto': 'yes'})
    wrong = []
    try:
        talkers = Talkers(server)
        before = server.proc()
        report = os.path.join(server.dir, 'torture.json')
        out = subprocess.run([sys.executable, runner, '%s:%d' % (server.host, server.port), '--user', 'torture', '--pid',
                              str(server.pid), '--json', report] + extra, capture_output=True, text=True, timeout=600).stdout
        verdicts = {v: len(re.findall(r'\b%s\b' % v, out)) for v in ('FAIL', 'DEAD', 'WEAK')}
        if os.path.exists(report):
            verdicts = count_verdicts(report, verdicts)
        if verdicts['FAIL'] or verdicts['DEAD'] or verdicts['WEAK'] > 2:
            wrong.append('%s: %s' % (what, verdicts))
            wrong += [line for line in out.splitlines() if re.search(r'\b(FAIL|DEAD|WEAK)\b', line)][:40]
        wrong += talkers.stop()
        if not server.alive():
            wrong.append('no answer to OPTIONS afterwards')
        time.sleep(2)
        after = server.proc()
        print('# before %s, after %s, verdicts %s' % (before, after, verdicts))
        if after['rss'] > before['rss'] * 1.1 + 2048 and not sanitized():
            wrong.append('memory grew: %d KiB before, %d KiB after' % (before['rss'], after['rss']))
        if after['fds'] > before['fds']:
            wrong.append('descriptors grew: %d before, %d after' % (before['fds'], after['fds']))
    finally:
        wrong += server.stop()
    return wrong


def count_verdicts(path, default):
    with open(path) as f:
        rows = json.load(f)
    found = re.findall(r'"verdict": ?"([A-Z]+)"', json.dumps(rows))
    return {v: found.count(v) for v in default} if found else default


# One server for each transport: the runner sends the same branches again, and a server transaction is known by branch and
# sent-by alone (RFC 3261 17.2.3), so over TCP most would be retransmissions of what came over UDP.
for _transport in 'udp', 'tcp':
    case('torture-' + _transport, 'RFC 4475 and RFC 5118 over %s while two talk: no FAIL, no DEAD, at most two WEAK' % _transport.upper(),
         limit=400, alone=True)(lambda t=_transport: torture(['--retarget', '--transport', t], 'RFC 4475, RFC 5118'))


@case('torture-media', 'hostile SDP and RTP while two talk: no FAIL, no DEAD', limit=600, alone=True)
def torture_media():
    return torture(['--suite', 'sdp,rtp'], 'SDP, RTP')


# ---- up and down ----

def load(server, *args):
    tool = os.path.join(BUILD, 'tutti-load')
    if not os.path.exists(tool):
        raise Missing('no ' + tool)
    p = subprocess.run([tool, '--json', '--pid', str(server.pid), *args, '%s:%d' % (server.host, server.port)],
                       capture_output=True, text=True, timeout=300)
    assert p.stdout, p.stderr
    return json.loads(p.stdout)


def settle(server, limits, seconds):
    """Waits until memory and descriptors are within limits; returns what they are then."""
    until = time.monotonic() + seconds
    while True:
        now = server.proc()
        if all(now[k] <= v for k, v in limits.items()) or time.monotonic() > until:
            return now
        time.sleep(0.5)


TIMER_J = 34                      # a transaction over UDP lives on for 64 * T1 (RFC 3261 17.2.2)


def up_and_down(options, rounds, bye, wait):
    """First ten rounds for what grows with the number of calls at a time and stays (pools, the heap's top). Ten, because the
    transactions of five rounds are alive together before the first of them end; then memory must return to what it was."""
    server = Server(dict({'sip.invite-rate': '0'} if has_setting('sip.invite-rate') else {}, **options))
    wrong = []
    try:
        n = 200 if QUICK else 500
        calls = ('-n', str(n), '-r', str(n // 10), '--cps', str(n // 2), '--hold', '1', '--talkers', '100')
        load(server, *calls, '--rounds', '10')
        time.sleep(TIMER_J)
        before = server.proc()
        got = load(server, *calls, '--rounds', str(rounds), *([] if bye else ['--no-bye']))
        after = settle(server, {'rss': before['rss'] * 1.05, 'fds': before['fds'], 'threads': before['threads']}, wait)
        print('# before %s after %s; %s' % (before, after, json.dumps({k: got[k] for k in ('answered', 'failed', 'codes', 'setup_ms')})))
        if got['failed'] or got['answered'] != n * rounds:
            wrong.append('%d calls answered, %d failed: %s' % (got['answered'], got['failed'], got['codes']))
        if got['bye_failed'] or got['rtp']['silent_calls']:
            wrong.append('%d BYEs without an answer, %d calls heard nothing' % (got['bye_failed'], got['rtp']['silent_calls']))
        for what in 'fds', 'threads':
            if after[what] > before[what]:
                wrong.append('%s: %d before, %d after' % (what, before[what], after[what]))
        if after['rss'] > before['rss'] * 1.05 and not sanitized():
            wrong.append('memory: %d KiB before, %d KiB after' % (before['rss'], after['rss']))
    finally:
        wrong += server.stop()
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


@case('calls-500', '500 calls up and down ten times: memory, threads and descriptors return', limit=400, alone='memory')
def calls_500():
    return up_and_down({}, 10, True, TIMER_J)


@case('calls-killed', '500 calls that vanish without BYE are ended by the RTP time-out: memory and descriptors return', limit=300, alone='memory')
def calls_killed():
    if not has_setting('media.rtp-timeout'):
        raise Missing('this server has no media.rtp-timeout')
    return up_and_down({'media.rtp-timeout': '5'}, 1, False, 50)


# ---- what outlives the process ----

def records(server):
    """The records of calls, oldest first, read from the file beside the server."""
    db = sqlite3.connect('file:%s/state/tutti.db?mode=ro' % server.dir, uri=True, timeout=5)
    try:
        db.row_factory = sqlite3.Row
        return [dict(r) for r in db.execute('SELECT * FROM calls ORDER BY id')]
    finally:
        db.close()


def wait_records(server, n, seconds=5):
    until = time.monotonic() + seconds
    while len(records(server)) < n and time.monotonic() < until:
        time.sleep(0.05)
    return records(server)


def record_wrong(what, row, **want):
    return ['%s: %s is %r, not %r' % (what, k, row[k], v) for k, v in want.items() if row[k] != v]


def refused_call(server):
    p = pyphone.Phone(server.addr(), 'refused')
    try:
        p.call('no%2Fsuch')
        return ['a call to no room is answered']
    except pyphone.CallFailed:
        return []
    finally:
        p.close()


def short_calls(server, n):
    for i in range(n):
        p = pyphone.Phone(server.addr(), 'short%d' % i)
        p.call('band')
        until = time.monotonic() + 10
        while len(p.packets) < 10 and time.monotonic() < until:
            time.sleep(0.05)
        p.bye()
        p.close()


@case('call-records', 'a record of each call: of a room, the echo, one refused; SIGKILL loses none that was over, and tells the one that ran')
def call_records():
    server = Server()
    stays = pyphone.Phone(server.addr(), 'stays')
    echo = pyphone.Phone(server.addr(), 'echo')
    wrong = []
    try:
        stays.call('band')
        short_calls(server, 5)
        wrong += refused_call(server)
        echo.call('echo')
        echo.bye()
        rows = wait_records(server, 7)
        server.process.kill()
        server.process.wait()
        after = Server({'state.dir': server.dir + '/state'})
        try:
            again = records(server)
        finally:
            wrong += after.stop()
    finally:
        stays.close()
        echo.close()
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    if len(rows) != 7 or again[:7] != rows or len(again) != 8:
        return wrong + ['rows before: %r' % rows, 'rows after: %r' % again]
    for i, r in enumerate(rows[:5]):
        wrong += record_wrong('a short call', r, from_name='short%d' % i, room='band', role='speaker', status=200, outgoing=0, codec='PCMU')
        if not r['start_ms'] <= r['answer_ms'] < r['end_ms'] or not r['tx_packets'] or not r['rx_packets']:
            wrong.append('a short call: %r' % r)
    wrong += record_wrong('refused', rows[5], status=404, answer_ms=0, room='')
    wrong += record_wrong('echo', rows[6], status=200, room='', role='')
    wrong += record_wrong('killed', again[7], status=200, room='band', role='speaker', why='killed')
    if not wrong:
        server.log.close()
        server.slot.file.close()
        shutil.rmtree(server.dir, ignore_errors=True)
    return wrong


# ---- the API ----

@case('api-load', '10,000 API calls in a minute while 300 members talk: each is answered, and two who listen hear no gap', limit=240, alone=True)
def api_load():
    n, calls, seconds = (60, 2000, 12) if QUICK else (300, 10000, 60)
    tool = os.path.join(BUILD, 'tutti-load')
    if not os.path.exists(tool):
        raise Missing('no ' + tool)
    server, wrong, crowd = Server({'sip.invite-rate': '0'}), [], None
    try:
        crowd = subprocess.Popen([tool, '--json', '-n', str(n), '-r', str(n // 10), '--cps', '100', '--hold', str(seconds + n // 50 + 11),
                                  '--talkers', str(n), '%s:%d' % (server.host, server.port)], stdout=subprocess.PIPE, text=True)
        time.sleep(n / 100 + 3)
        talkers = Talkers(server)
        with open(os.path.join(server.dir, 'state', 'admin-token')) as f:
            token = f.read().strip()
        out = subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'apiload.py'), str(server.http_port),
                              token, str(calls), str(seconds), 'talkers'], capture_output=True, text=True, timeout=seconds + 60)
        assert out.stdout, out.stderr
        got = json.loads(out.stdout)
        print('# %s' % out.stdout.strip())
        wrong += talkers.stop()
        if got['statuses'] != {'200': calls}:
            wrong.append('answers: %s' % got['statuses'])
        if got['seconds'] > seconds * 1.1 and not sanitized():
            wrong.append('%d calls took %.1f s' % (calls, got['seconds']))
        load_said = json.loads(crowd.communicate(timeout=60)[0])
        if load_said['failed'] or load_said['answered'] != n:
            wrong.append('the crowd: %d calls answered, %d failed' % (load_said['answered'], load_said['failed']))
    finally:
        if crowd and crowd.poll() is None:
            crowd.kill()
            crowd.wait()
        wrong += server.stop()
    return wrong


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


import conference  # noqa: E402,F401  (its cases use what stands above)
import dtlscases  # noqa: E402,F401
import gestures  # noqa: E402,F401
import gestures_apple  # noqa: E402,F401
import gestures_phones  # noqa: E402,F401
import gestures_plain  # noqa: E402,F401
import joincheck  # noqa: E402,F401
import joindelays  # noqa: E402,F401
import joinseat  # noqa: E402,F401
import joins  # noqa: E402,F401
import joins_gestures  # noqa: E402,F401
import band  # noqa: E402,F401
import joinjack  # noqa: E402,F401
import recorded  # noqa: E402,F401
import voicecases  # noqa: E402,F401
import waiting  # noqa: E402,F401
