"""Cases of session behaviour, told by sipp and by the Python phone."""
import math
import struct
import time

import phones
import pyphone
import sippcalls
import sound
from cases import LIMIT, case, together, with_server

# ---- session behaviour, told by sipp ----

for _scenario in sippcalls.SCENARIOS:
    case('sip-' + _scenario.name, _scenario.what, limit=_scenario.limit)(lambda s=_scenario: sippcalls.run(s))


# ---- session behaviour, told by the Python phone: what sipp hides ----

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
