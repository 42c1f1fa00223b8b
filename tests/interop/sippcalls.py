"""Session behaviour on the wire, as ladders that sipp plays.

A ladder is a list of steps, ours (>) and the server's (<). It is written out as sipp's XML into the case's folder, which is kept when the
case fails: `sipp -sf CASE.xml ...` as its log says plays it again by hand. Headers are the ones RFC 3261 wants; Via branches are
numbered here, because a CANCEL and the ACK of a refusal belong to the INVITE's transaction (9.1, 17.1.1.3).
"""
import os
import subprocess

import phones
from server import Server

OFFER = '''v=0
o=sipp 1 [cseq] IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
'''
SDP = {
    'offer': OFFER,
    'sendonly': OFFER + 'a=sendonly\n',
    'inactive': OFFER + 'a=inactive\n',
    'zero': OFFER.replace('[media_ip]', '0.0.0.0'),
    'alien': OFFER.replace('0 101', '111').replace('a=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15',
                                                   'a=rtpmap:111 nobody-has-this/8000'),
    'video': OFFER + 'm=video 9000 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
}
DIALOG = 'sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]s[call_number]'


class Ladder:
    def __init__(self):
        self.xml, self.refs, self.cseq, self.branch, self.invite_branch = [], [], 0, 0, 0
        self.in_dialog, self.method = False, ''

    def send(self, method, body=None, headers=(), kind='application/sdp', uri=None, cseq=None, to=None, require_retrans=True):
        """A request of ours; CANCEL and the ACK of a refusal reuse the INVITE's branch and number."""
        self.method = method
        if method in ('ACK', 'CANCEL'):
            cseq = cseq or self.invite_cseq
        else:
            self.cseq += 1
        if method == 'CANCEL' or (method == 'ACK' and not self.in_dialog):
            branch = self.invite_branch
        else:
            self.branch += 1
            branch = self.branch
        if method == 'INVITE':
            self.invite_branch, self.invite_cseq = branch, self.cseq
        room = 'sip:[service]@[remote_ip]:[remote_port]'
        target = uri or ('[next_url]' if self.in_dialog else room)
        lines = ['%s %s SIP/2.0' % (method, target),
                 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]-[call_number]-%d;rport' % branch]
        if self.in_dialog:
            lines.append('[routes]')
        lines += ['Max-Forwards: 70'] if not any(h.startswith('Max-Forwards') for h in headers) else []
        tag = '[peer_tag_param]' if self.in_dialog or method == 'ACK' else ''
        lines += ['From: ' + DIALOG, 'To: %s%s' % (to or '<%s>' % room, tag), 'Call-ID: [call_id]',
                  'CSeq: %d %s' % (cseq or self.cseq, method), 'Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>']
        lines += list(headers)
        text = SDP.get(body, body) or ''
        if text:
            lines.append('Content-Type: ' + kind)
        lines += ['Content-Length: [len]', '', text.replace('[cseq]', str(self.cseq))]
        attrs = ' retrans="500"' if method not in ('ACK',) and require_retrans else ''
        self.xml.append('<send%s><![CDATA[\n%s\n]]></send>' % (attrs, '\n'.join(lines)))
        return self

    def recv(self, code, has=(), hasnt=(), timeout=4000):
        """Their answer; has: (header, regex) that must match, hasnt: that must not. Header None: the whole message."""
        for early in (100, 180, 183):
            if code >= 200:
                self.xml.append('<recv response="%d" optional="true"/>' % early)
        begins = 200 <= code < 300 and (self.method == 'INVITE' or self.method == 'SUBSCRIBE' and not self.in_dialog)
        self.in_dialog = self.in_dialog or begins
        self.xml.append('<recv response="%d"%s timeout="%d">%s</recv>' % (code, ' rrs="true"' if begins else '', timeout,
                                                                         self._actions(has, hasnt)))
        return self

    def either(self, a, b, has=()):
        """One of two final answers."""
        self.xml.append('<recv response="%d" optional="true" next="1">%s</recv>' % (a, self._actions(has, ())))
        self.xml.append('<recv response="%d" timeout="4000">%s</recv>\n<label id="1"/>' % (b, self._actions(has, ())))
        return self

    def early(self, has=(), code=180):
        """A reliable 18x; its RSeq is [$rseq] from then on."""
        self.xml.append('<recv response="100" optional="true"/>')
        rseq = '<action><ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/>'
        actions = self._actions(has, ()).replace('<action>', rseq) or rseq + '</action>'
        self.xml.append('<recv response="%d" rrs="true" timeout="4000">%s</recv>' % (code, actions))
        self.in_dialog = True
        return self

    def expect(self, method, has=(), timeout=8000, status='200 OK'):
        """A request of theirs, and our answer."""
        self.xml.append('<recv request="%s" timeout="%d">%s</recv>' % (method, timeout, self._actions(has, ())))
        self.xml.append('<send><![CDATA[\nSIP/2.0 %s\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n'
                        'Content-Length: 0\n\n]]></send>' % status)
        return self

    def pause(self, ms):
        self.xml.append('<pause milliseconds="%d"/>' % ms)
        return self

    def _actions(self, has, hasnt):
        out = ''
        for wanted, pairs in (True, has), (False, hasnt):
            for header, regex in pairs:
                self.refs.append('v%d' % (len(self.refs) + 1))
                where = 'search_in="hdr" header="%s:"' % header if header else 'search_in="msg"'
                regex = regex.replace('&', '&amp;').replace('<', '&lt;').replace('"', '&quot;')
                out += '<ereg regexp="%s" %s %s="true" assign_to="%s"/>' % (
                    regex, where, 'check_it' if wanted else 'check_it_inverse', self.refs[-1])
        return '<action>%s</action>' % out if out else ''

    # What nearly every ladder begins and ends with.

    def call(self, body='offer', headers=(), has=()):
        return self.send('INVITE', body, headers).recv(200, has).send('ACK')

    def bye(self):
        return self.send('BYE').recv(200)

    def refused(self, code, has=()):
        self.recv(code, has)
        return self.send('ACK')

    def subscribe(self, expires, code=200, has=(), event='conference'):
        return self.send('SUBSCRIBE', headers=['Event: ' + event, 'Expires: %d' % expires]).recv(code, has)

    def keys(self, keys):
        for key in keys:
            self.send('INFO', 'Signal=%s\nDuration=160\n' % key, kind='application/dtmf-relay').recv(200)
        return self

    def notified(self, state, *text):
        has = [('Event', 'conference'), ('Subscription-State', state), ('Content-Type', 'application/conference-info.xml')]
        return self.expect('NOTIFY', has + [(None, t) for t in text])

    def text(self, name):
        refs = '<Reference variables="%s"/>' % ','.join(self.refs) if self.refs else ''
        return '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="%s">\n%s\n%s\n</scenario>\n' % (name, '\n'.join(self.xml), refs)


class Scenario:
    def __init__(self, name, what, ladder, room='room', options=None, limit=30, transport='udp', rtp=False):
        self.name, self.what, self.ladder, self.room = name, what, ladder, room
        self.options, self.limit, self.transport = options or {}, limit, transport


def run(scenario):
    phones.need('sipp', 'sip-tester')
    server = Server(scenario.options)
    wrong = []
    try:
        port = server.slot.take(10)
        path = os.path.join(server.dir, scenario.name + '.xml')
        with open(path, 'w') as f:
            f.write(scenario.ladder().text(scenario.name))
        args = ['sipp', '-sf', path, '-s', scenario.room, '-i', server.host, '-mi', server.host, '-p', str(port), '-mp', str(port + 2),
                '-cp', str(port + 6), '-m', '1', '-nostdin', '-recv_timeout', '10000', '-t', 'u1' if scenario.transport == 'udp' else 't1',
                '-trace_err', '-trace_msg', '-message_file', os.path.join(server.dir, 'messages'),
                '-error_file', os.path.join(server.dir, 'errors'), '%s:%d' % (server.host, server.port)]
        p = subprocess.run(args, cwd=server.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=scenario.limit)
        if p.returncode:
            wrong += ['sipp ended with %d: %s' % (p.returncode, ' '.join(args))]
            wrong += errors(server.dir) or p.stdout.decode('utf-8', 'replace').splitlines()[-12:]
        if not server.alive():
            wrong.append('no answer to OPTIONS afterwards')
    finally:
        wrong += server.stop()
    return wrong


def errors(folder):
    path = os.path.join(folder, 'errors')
    if not os.path.exists(path):
        return []
    with open(path, errors='replace') as f:
        return f.read().splitlines()[:40]


L = Ladder
ISFOCUS = ('Contact', '>;.*isfocus')
NEW = 'sip:[service]@[remote_ip]:[remote_port]'
DTMF = 'Signal=1\nDuration=160\n'

SCENARIOS = [
    Scenario('basic', 'call, 200 with isfocus and Allow, ACK, BYE',
             lambda: L().call(has=[ISFOCUS, ('Allow', 'INVITE.*BYE'), (None, 'm=audio [1-9]')]).pause(300).bye()),
    Scenario('basic-tcp', 'the same over TCP', lambda: L().call(has=[ISFOCUS]).pause(300).bye(), transport='tcp'),
    Scenario('offerless', 'INVITE without offer: 200 offers, ACK answers',
             lambda: L().send('INVITE').recv(200, [(None, 'm=audio [1-9]'), (None, 'PCMU')]).send('ACK', 'offer').pause(300).bye()),
    Scenario('video-line', 'an offer with a picture: audio is taken, the video line stays with port 0',
             lambda: L().call('video', has=[(None, 'm=audio [1-9]'), (None, 'm=video 0 ')]).bye()),
    Scenario('hold', 're-INVITE sendonly, inactive, c=0.0.0.0, and back',
             lambda: L().call().send('INVITE', 'sendonly').recv(200, [(None, 'a=recvonly')]).send('ACK')
             .send('INVITE', 'inactive').recv(200, [(None, 'a=inactive')]).send('ACK')
             .send('INVITE', 'zero').recv(200, [(None, 'm=audio [1-9]')]).send('ACK')
             .send('INVITE', 'offer').recv(200, hasnt=[(None, 'a=(recvonly|inactive|sendonly)')]).send('ACK').bye()),
    Scenario('reinvite-offerless', 're-INVITE without offer: the 200 offers what is in force',
             lambda: L().call().send('INVITE').recv(200, [(None, 'm=audio [1-9]')]).send('ACK', 'offer').bye()),
    Scenario('reinvite-488', 'a re-INVITE nobody can take: 488, and the session lives on',
             lambda: refused_inside(L().call()).send('INVITE', 'offer').recv(200, [(None, 'm=audio [1-9]')]).send('ACK').bye()),
    Scenario('invite-488', 'an INVITE nobody can take: 488', lambda: L().send('INVITE', 'alien').refused(488)),
    Scenario('prack', 'Require: 100rel: a reliable 18x, PRACK, 200',
             lambda: L().send('INVITE', 'offer', ['Require: 100rel']).early([('Require', '100rel')])
             .send('PRACK', headers=['RAck: [$rseq] 1 INVITE']).recv(200).recv(200).send('ACK').bye(), options={'sip.early': 'ring'}),
    Scenario('update', 'UPDATE with an offer holds, UPDATE without is answered',
             lambda: L().call().send('UPDATE', 'sendonly').recv(200, [(None, 'a=recvonly')])
             .send('UPDATE', 'offer').recv(200, [(None, 'm=audio [1-9]')]).send('UPDATE').recv(200).bye()),
    Scenario('timer', 'session timer: asked for, granted, refreshed by UPDATE and by re-INVITE',
             lambda: L().call(headers=['Supported: timer', 'Session-Expires: 120;refresher=uac'],
                              has=[('Session-Expires', '120 *;.*refresher=uac'), ('Require', 'timer')])
             .send('UPDATE', headers=['Supported: timer', 'Session-Expires: 120;refresher=uac'])
             .recv(200, [('Session-Expires', '120')])
             .send('INVITE', 'offer', ['Supported: timer', 'Session-Expires: 100;refresher=uac'])
             .recv(200, [('Session-Expires', '100')]).send('ACK').bye()),
    Scenario('timer-422', 'a session interval of 30 s: 422 with Min-SE; 90 s is taken',
             lambda: L().send('INVITE', 'offer', ['Supported: timer', 'Session-Expires: 30']).refused(422, [('Min-SE', '[0-9]')])
             .send('INVITE', 'offer', ['Supported: timer', 'Session-Expires: 1800', 'Min-SE: 90']).recv(200).send('ACK').bye()),
    Scenario('options', 'OPTIONS: 200 with Allow, Accept, Supported',
             lambda: L().send('OPTIONS').recv(200, [('Allow', 'INVITE'), ('Accept', 'application/sdp'), ('Supported', 'replaces')])),
    Scenario('unknown-method', 'an unknown method: 405 with Allow',
             lambda: L().send('FROBNICATE').recv(405, [('Allow', 'INVITE')])),
    Scenario('require', 'Require of something unknown: 420 with Unsupported',
             lambda: L().send('INVITE', 'offer', ['Require: time-travel']).refused(420, [('Unsupported', 'time-travel')])),
    Scenario('body-415', 'a body of unknown type: 415 with Accept',
             lambda: L().send('INVITE', 'what is this\n', kind='application/x-unknown').refused(415, [('Accept', 'application/sdp')])),
    Scenario('room-404', 'rooms.auto=no: an unknown room is 404', lambda: L().send('INVITE', 'offer').refused(404),
             options={'rooms.auto': 'no'}),
    Scenario('scheme-416', 'an unknown URI scheme: 416',
             lambda: L().send('INVITE', 'offer', uri='carrier-pigeon:coop').refused(416)),
    Scenario('hops-483', 'Max-Forwards 0 to the focus itself is no reason to refuse; OPTIONS too',
             lambda: L().send('OPTIONS', headers=['Max-Forwards: 0']).recv(200)),
    Scenario('bye-481', 'BYE outside of any call: 481', lambda: L().send('BYE', to='<sip:room@[remote_ip]>;tag=nobody').recv(481)),
    Scenario('refer-403', 'REFER to a stranger outside: 403',
             lambda: L().call().send('REFER', headers=['Refer-To: <sip:+900123456@192.0.2.77>']).recv(403).bye()),
    Scenario('refer-room', 'REFER to another room moves: 202, NOTIFY with sipfrag 200',
             lambda: L().call().send('REFER', headers=['Refer-To: <sip:elsewhere@[remote_ip]:[remote_port]>']).recv(202)
             .expect('NOTIFY', [('Event', 'refer'), ('Content-Type', 'message/sipfrag'), (None, 'SIP/2.0 [12]')]).pause(300).bye()),
    Scenario('info-dtmf', 'INFO with application/dtmf-relay: 200; INFO of an unknown package: 469 or 415',
             lambda: L().call().send('INFO', DTMF, kind='application/dtmf-relay').recv(200)
             .send('INFO', 'x\n', kind='application/x-unknown').recv(415).bye()),
    Scenario('lobby-info', 'sip:lobby: 200 without isfocus; a number by INFO, and the call is in a room: it may subscribe to it',
             lambda: L().call().pause(1200).keys('100#').pause(300).subscribe(0)
             .notified('terminated', 'entity="sip:100@', 'sip:sipp@').bye(), room='lobby', transport='tcp'),
    Scenario('subscribe', 'SUBSCRIBE in the call: 200, NOTIFY full, a refresh, the end of it; over TCP, in one document each',
             lambda: L().call(has=[('Allow', 'SUBSCRIBE'), ('Allow-Events', 'conference')])
             .subscribe(600, has=[('Expires', '600'), ISFOCUS])
             .notified('active;expires=[56]', 'state="full" version="1"', '<user entity="sip:sipp@', '<status>connected</status>')
             .subscribe(900, has=[('Expires', '900')]).notified('active;expires=[89]', 'state="full" version="2"')
             .send('INVITE', 'sendonly').recv(200).send('ACK').notified('active', 'state="partial" version="3"', 'on-hold')
             .subscribe(0, has=[('Expires', '0')]).notified('terminated;reason=timeout', 'state="full" version="4"').bye(), transport='tcp'),
    Scenario('subscribe-udp', 'the same over UDP: what is too long for a datagram comes in pieces',
             lambda: L().call().subscribe(600).notified('active', 'state="full" version="1"')
             .notified('active', 'state="partial" version="2"', '<user entity="sip:sipp@').bye()
             .notified('terminated;reason=rejected', 'state="partial" version="3"', 'deleted')),
    Scenario('subscribe-refused', 'SUBSCRIBE to no room 404, to another package 489, for too short a time 423',
             lambda: L().subscribe(600, 404).subscribe(600, 489, [('Allow-Events', 'conference')], 'presence')
             .subscribe(10, 423, [('Min-Expires', '60')])),
    Scenario('factory', 'the factory answers with a fresh room: 302 or 200 with isfocus',
             lambda: L().call(has=[ISFOCUS]).bye(), room='conference'),
    Scenario('rtp-timeout', 'a call that sends no sound is ended by the server with BYE',
             lambda: L().call().expect('BYE', timeout=20000), options={'media.rtp-timeout': '5'}, limit=38),
]


def refused_inside(ladder):
    """The ACK of a refused re-INVITE: the INVITE's branch, the dialog's To."""
    ladder.send('INVITE', 'alien')
    branch = ladder.invite_branch
    ladder.recv(488)
    before = ladder.branch
    ladder.branch = branch - 1
    ladder.send('ACK')
    ladder.branch = before
    return ladder
