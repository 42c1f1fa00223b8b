#!/usr/bin/env python3
"""check-ctl.py BUILD: tuttictl against a server that is made up here: which request each command becomes, what it shows, what
it says when it is refused or nobody is there; completion; watching, also on a terminal. Then against a real one, with calls.

One line `ok - ...` or `not ok - ...` for each thing seen; exit status 0 when all were ok."""
import http.server, json, os, pty, re, select, shutil, signal, socket, socketserver, subprocess, sys, tempfile, threading, time

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else 'build')
CTL = os.path.join(BUILD, 'tuttictl')
bad = 0


def check(name, good, seen=''):
    global bad
    bad += not good
    print('%s - tuttictl: %s%s' % ('ok' if good else 'not ok', name, '' if good else ' (%s)' % (seen,)))


# ---- the server ----

MEMBERS = [
    {'id': 1, 'uri': 'sip:ann@192.0.2.7', 'name': 'Ann', 'role': 'host', 'muted': False, 'talking': True, 'waiting': None,
     'media': {'receive_codec': 'opus', 'keys': 'dtls', 'packets_received': 99, 'packets_lost': 1, 'round_trip_us': 1800, 'buffer_ms': 40,
               'quality': {'mos_conversation': 4.4, 'mos_listening': 4.5}}},
    {'id': 2, 'uri': 'sip:bob@192.0.2.8', 'name': 'B\u00f6b \x1b[31m\u202e', 'role': 'speaker', 'muted': True, 'muted_by_host': True,
     'waiting': 'admit', 'media': {'receive_codec': 'PCMU', 'packets_received': 0, 'packets_lost': 0, 'quality': None}},
    {'id': 3, 'uri': 'sip:ann@192.0.2.9', 'name': 'Other Ann', 'role': 'listener'},
]
ROOM = {'room': 'band', 'version': 12, 'created_ms': 1732147200123, 'locked': True, 'muted_all': False, 'profile': 'voice',
        'recording': 'paused', 'speaker': {'id': 1, 'name': 'Ann'}, 'settings': {'title': 'The band', 'lobby': True}, 'members': MEMBERS}
CALLS = [{'id': i, 'call_id': 'c%d' % i, 'outgoing': i == 3, 'from': 'sip:ann@x', 'from_name': 'A"n', 'to': 'sip:band@y',
          'room': 'band' if i > 1 else '', 'start_ms': 1732147200000, 'answer_ms': 1732147201000 if i > 1 else 0,
          'end_ms': 1732147326000, 'status': 200 if i > 1 else 404, 'why': 'bye', 'codec': 'opus', 'lost': 3, 'mos': 4.3}
         for i in range(1201, 0, -1)]
ANSWERS = {
    '/api/v1/status': {'version': '0.1.0', 'ready': True, 'rooms': 1},
    '/api/v1/rooms': {'rooms': [{'room': 'band', 'title': 'The band', 'members': 3, 'waiting': 1, 'locked': True, 'profile': 'voice',
                                 'recording': 'running', 'created_ms': 1732147200123, 'persistent': True},
                                {'room': 'duo', 'members': 0, 'profile': 'music'}]},
    '/api/v1/rooms/band': ROOM,
    '/api/v1/rooms/band/views': {'views': [[1, 2, -6.0, 0.5]]},
    '/api/v1/rooms/band/delays': {'room': 'band', 'at_ms': 1732147200000, 'bound_ms': 25, 'watched': True, 'members': [
        {'id': 7, 'name': 'anna \x1b[31m', 'uri': 'sip:a@x',
         'to_mix': {'ms': 8.4, 'whole': True, 'capture_ms': 2.7, 'frame_ms': 1.3, 'up_ms': 3.0, 'buffer_ms': 1.4},
         'from_mix': {'ms': 8.3, 'whole': True, 'send_ms': 0.0, 'down_ms': 3.0, 'own_buffer_ms': 1.3, 'playback_ms': 4.0}},
        {'id': 9, 'name': '', 'uri': 'sip:phone@x',
         'to_mix': {'ms': 45.0, 'whole': False, 'capture_ms': None, 'frame_ms': 20.0, 'up_ms': 1.0, 'buffer_ms': 24.0},
         'from_mix': {'ms': 64.7, 'whole': True, 'send_ms': 18.7, 'down_ms': 1.0, 'own_buffer_ms': 45.0, 'playback_ms': 0.0}}],
        'delays': [[7, 9, 73.1, True, True], [9, 7, 53.3, False, False]]},
    '/api/v1/rooms/band/players': {'players': [{'name': 'anna', 'kinds': 'osc midi', 'member': 1, 'messages_in': 12, 'messages_out': 34, 'lost': 1,
                                                'repaired': 1, 'rtt_us': 250}]},
    '/api/v1/rooms/band/bans': {'bans': [{'uri': 'sip:eve@x', 'at_ms': 1732147200000}]},
    '/api/v1/recordings': {'recordings': [{'id': 'aa', 'room': 'band', 'state': 'finished', 'start_ms': 1732147200000,
                                           'end_ms': 1732147261000, 'bytes': 5000000, 'by': 'ann'}]},
    '/api/v1/recordings/aa': {'id': 'aa', 'files': [{'name': 'mix.opus', 'bytes': 5}]},
    '/api/v1/tokens': {'tokens': [{'id': '0011', 'name': 'desk', 'scope': 'control', 'room': 'band', 'created_ms': 1732147200000,
                                   'expires_ms': 0}]},
    '/api/v1/accounts': {'accounts': [{'name': 'ann', 'role': 'host'}]},
    '/api/v1/settings': {'settings': [{'name': 'title', 'type': 'text', 'default': '', 'help': 'What the room is called.'}]},
    '/api/v1/verbs': {'verbs': [{'verb': 'mute', 'help': 'the others do not hear the member'}]},
}


def event(number, kind, member=None, detail=''):
    return {'number': number, 'room': 'band', 'version': number, 'type': kind, 'at_ms': 1732147200000, 'detail': detail, 'member': member}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def address_string(self):
        return 'unix'

    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

    def do_GET(self):
        n = int(self.headers.get('Content-Length') or 0)
        body = self.rfile.read(n).decode()
        path, _, query = self.path.partition('?')
        self.server.seen.append((self.command, self.path, body, self.headers))
        how = getattr(self.server, 'how', None)
        if how:
            return how(self, path)
        if path == '/api/v1/events':
            return self.events(query)
        if path == '/api/v1/calls':
            return self.calls(query)
        if path == '/api/v1/recordings/aa/files/mix.opus':
            return self.give(200, bytes(range(256)) * 1000, chunks=True)
        if path in ('/healthz', '/metrics'):
            return self.give(200, b'ok\n')
        if path == '/readyz':
            return self.give(503, b'draining\n')
        if self.command == 'POST' and path == '/api/v1/tokens':
            return self.give(201, {'id': '0011', 'token': 's3cret', 'name': 'desk'})
        if self.command == 'GET' and path not in ANSWERS:
            return self.give(404, {'status': 404, 'error': 'no such room \x1b[31m'})
        if self.command == 'GET':
            return self.give(200, ANSWERS[path], chunks=path.endswith('/rooms'))
        if path.endswith('/dial'):
            return self.give(200, {'ok': True, 'member': 17})
        return self.give(204 if self.command == 'DELETE' else 200, b'' if self.command == 'DELETE' else {'ok': True})

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def give(self, status, body, chunks=False):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Connection', 'close')
        if chunks:
            self.send_header('Transfer-Encoding', 'chunked')
        else:
            self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if chunks:
            for i in range(0, len(data), 1000):
                self.chunk(data[i:i + 1000])
            self.wfile.write(b'0\r\nTrailer: x\r\n\r\n')
        else:
            self.wfile.write(data)
        self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b'%x;x=y\r\n%s\r\n' % (len(data), data))

    def calls(self, query):
        q = dict(p.split('=') for p in query.split('&') if p)
        before, limit = int(q.get('before', 1 << 60)), min(int(q.get('limit', 100)), 400)      # less than is asked for
        page = [c for c in CALLS if c['id'] < before][:limit]
        if q.get('format') == 'csv':
            rows = ['id,from\r\n'] + ['%d,"x,y"\r\n' % c['id'] for c in page]
            return self.give(200, ''.join(rows).encode(), chunks=True)
        return self.give(200, {'calls': page, 'next': page[-1]['id'] if page else None}, chunks=True)

    def events(self, query):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        first = 'since=' not in query
        messages = [{'type': 'hello', 'number': 7}]
        messages += [event(8, 'member-joined', MEMBERS[1]), event(9, 'member-talking', MEMBERS[0]), event(10, 'room-changed', None, 'locked')] \
            if first else [event(11, 'member-left', MEMBERS[1], 'bye')]
        if 'levels=1' in query:
            messages.insert(1, {'type': 'levels', 'room': 'band', 'levels': [[1, 12], [2, 127], [99, 3]]})
        text = ''.join('id: 1\ndata: %s\n\n' % json.dumps(m) for m in messages).encode() + b': a comment\n\n'
        for i in range(0, len(text), 7):
            self.chunk(text[i:i + 7])
            self.wfile.flush()
        if first:
            self.wfile.write(b'0\r\n\r\n')
            self.close_connection = True
        else:
            while not self.server.over:
                time.sleep(0.05)
            self.close_connection = True


class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ('unix', 0)


class Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


def start(server):
    server.seen, server.over, server.how = [], False, None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


# ---- running it ----

class Run:
    def __init__(self, *words, env=None, **more):
        base = {'PATH': os.environ['PATH'], 'TZ': 'UTC', 'HOME': HOME, 'TUTTI_STATE_DIR': HOME, 'LC_ALL': 'C.UTF-8'}
        base.update(env or {})
        p = subprocess.run([CTL] + list(words), env=base, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=30, **more)
        self.status, self.raw, self.out, self.err = p.returncode, p.stdout, p.stdout.decode('utf-8', 'replace'), p.stderr.decode()


R, M = '/api/v1/rooms/band', '/api/v1/rooms/band/members/1'
REQUESTS = [                          # command, method, path, body
    ('status', 'GET', '/api/v1/status', None),
    ('room list', 'GET', '/api/v1/rooms', None),
    ('rooms', 'GET', '/api/v1/rooms', None),
    ('room show band', 'GET', R, None),
    ('room band', 'GET', R, None),
    ('room create band', 'POST', '/api/v1/rooms', {'room': 'band'}),
    ('room create band title=The=band lobby=yes', 'POST', '/api/v1/rooms', {'room': 'band', 'settings': {'title': 'The=band', 'lobby': 'yes'}}),
    ('room set band guest-pin=', 'PATCH', R, {'settings': {'guest-pin': ''}}),
    ('room clear band', 'POST', R + '/clear', {}),
    ('room end band', 'POST', R + '/end', {}),
    ('room delete band', 'DELETE', R, None),
    ('room lock band', 'POST', R + '/lock', {'on': True}),
    ('room unlock band', 'POST', R + '/lock', {'on': False}),
    ('room mute-all band', 'POST', R + '/mute-all', {'on': True}),
    ('room unmute-all band', 'POST', R + '/mute-all', {'on': False}),
    ('room floor band 1', 'POST', M + '/floor', {'on': True}),
    ('room floor band 1 off', 'POST', M + '/floor', {'on': False}),
    ('room ban band sip:eve@x', 'POST', R + '/ban', {'uri': 'sip:eve@x'}),
    ('room unban band sip:eve@x', 'POST', R + '/unban', {'uri': 'sip:eve@x'}),
    ('room bans band', 'GET', R + '/bans', None),
    ('room breakout band red 1', 'POST', M + '/breakout', {'name': 'red'}),
    ('room recall band', 'POST', R + '/recall', {}),
    ('room announce band welcome', 'POST', R + '/announce', {'text': 'welcome'}),
    ('room play band song.flac', 'POST', R + '/play', {'on': True, 'text': 'song.flac'}),
    ('room silence band', 'POST', R + '/play', {'on': False}),
    ('room count band', 'POST', R + '/count', {}),
    ('room tempo band 96', 'POST', R + '/tempo', {'value': 96, 'beats': 0}),
    ('room tempo band 96 3', 'POST', R + '/tempo', {'value': 96, 'beats': 3}),
    ('room beat band start', 'POST', R + '/transport', {'text': 'start'}),
    ('room count-in band 2', 'POST', R + '/transport', {'text': 'count-in', 'value': 2}),
    ('room section-gain band brass -3', 'POST', R + '/section-gain', {'name': 'brass', 'value': -3}),
    ('room follow band 1', 'POST', M + '/follow', {'on': True}),
    ('room players band', 'GET', R + '/players', None),
    ('room delays band', 'GET', R + '/delays', None),
    ('room views band', 'GET', R + '/views', None),
    ('member latency band 1 2700 4000 1300', 'POST', M + '/latency', {'capture_us': 2700, 'playback_us': 4000, 'buffer_us': 1300}),
    ('member latency band 1 0 0 0 6000', 'POST', M + '/latency', {'capture_us': 0, 'playback_us': 0, 'buffer_us': 0, 'rtt_us': 6000}),
    ('member list band', 'GET', R, None),
    ('member mute band 1', 'POST', M + '/mute', {'on': True}),
    ('member unmute band 1', 'POST', M + '/mute', {'on': False}),
    ('member ask-unmute band 1', 'POST', M + '/ask-unmute', {}),
    ('member deaf band 1', 'POST', M + '/deaf', {'on': True}),
    ('member undeaf band 1', 'POST', M + '/deaf', {'on': False}),
    ('member hand band 1', 'POST', M + '/hand', {'on': True}),
    ('member role band 1 host', 'POST', M + '/role', {'role': 'host'}),
    ('member gain band 1 -6.5', 'POST', M + '/gain', {'value': -6.5}),
    ('member gain band 1 -.5', 'POST', M + '/gain', {'value': -0.5}),
    ('member gain band 1 +3', 'POST', M + '/gain', {'value': 3}),
    ('member pan band 1 -1', 'POST', M + '/pan', {'pan': -1}),
    ('member view band 1 2 -60', 'POST', M + '/view', {'other': 2, 'value': -60, 'pan': 2}),
    ('member view band 1 2 0 0.5', 'POST', M + '/view', {'other': 2, 'value': 0, 'pan': 0.5}),
    ('member click band 1', 'POST', M + '/click', {'on': True, 'value': 0}),
    ('member click band 1 on -6', 'POST', M + '/click', {'on': True, 'value': -6}),
    ('member click-sync band 1 ear', 'POST', M + '/click-sync', {'text': 'ear'}),
    ('member buffer band 1 2', 'POST', M + '/buffer', {'value': 2}),
    ('member buffer band 1 -1', 'POST', M + '/buffer', {'value': -1}),
    ('member red band 1', 'POST', M + '/red', {'on': True}),
    ('member red band 1 off', 'POST', M + '/red', {'on': False}),
    ('member section band 1 brass', 'POST', M + '/section', {'text': 'brass'}),
    ('member no-section band 1', 'POST', M + '/section', {'text': ''}),
    ('member section-view band 1 brass -6', 'POST', M + '/section-view', {'name': 'brass', 'value': -6}),
    ('member controller band 1 tablet', 'POST', M + '/controller', {'text': 'tablet'}),
    ('member no-controller band 1', 'POST', M + '/controller', {'text': ''}),
    ('member move band 1 duo', 'POST', M + '/move', {'room': 'duo'}),
    ('member admit band 1', 'POST', M + '/admit', {}),
    ('member refuse band 1', 'POST', M + '/refuse', {}),
    ('member kick band 1', 'POST', M + '/kick', {}),
    ('member kick band 1 go', 'POST', M + '/kick', {'text': 'go'}),
    ('member ban band 3', 'POST', R + '/ban', {'uri': 'sip:ann@192.0.2.9'}),
    ('member count band 1', 'POST', M + '/count', {}),
    ('call band sip:ann@x', 'POST', R + '/dial', {'uri': 'sip:ann@x'}),
    ('record start band', 'POST', R + '/record', {'text': 'start'}),
    ('record stop band', 'POST', R + '/record', {'text': 'stop'}),
    ('record pause band', 'POST', R + '/record', {'text': 'pause'}),
    ('record resume band', 'POST', R + '/record', {'text': 'resume'}),
    ('record list', 'GET', '/api/v1/recordings', None),
    ('record list band', 'GET', '/api/v1/recordings?room=band', None),
    ('record show aa', 'GET', '/api/v1/recordings/aa', None),
    ('record get aa mix.opus', 'GET', '/api/v1/recordings/aa/files/mix.opus', None),
    ('record delete aa', 'DELETE', '/api/v1/recordings/aa', None),
    ('cdr list', 'GET', '/api/v1/calls?limit=20', None),
    ('cdr list band --limit 5 --from 2024-11-21', 'GET', '/api/v1/calls?room=band&from=1732147200000&limit=5', None),
    ('cdr export --csv --to 1732147200001', 'GET', '/api/v1/calls?to=1732147200001&limit=500&format=csv&before=1', None),
    ('token create desk', 'POST', '/api/v1/tokens', {'name': 'desk', 'scopes': 'read'}),
    ('token create desk --scopes=control --room band', 'POST', '/api/v1/tokens', {'name': 'desk', 'scopes': 'control', 'room': 'band'}),
    ('token list', 'GET', '/api/v1/tokens', None),
    ('token revoke 0011', 'DELETE', '/api/v1/tokens/0011', None),
    ('accounts', 'GET', '/api/v1/accounts', None),
    ('settings', 'GET', '/api/v1/settings', None),
    ('verbs', 'GET', '/api/v1/verbs', None),
    ('metrics', 'GET', '/metrics', None),
    ('health', 'GET', '/healthz', None),
    ('ready', 'GET', '/readyz', None),
]


def requests(server):
    for words, method, path, body in REQUESTS:
        server.seen.clear()
        r = Run(*words.split())
        got = server.seen[-1] if server.seen else None
        sent = got and (json.loads(got[2]) if got[2] else None)
        want = 1 if words == 'ready' else 0
        good = got and (got[0], got[1], sent) == (method, path, body) and r.status == want
        check(words, good, (r.status, r.err, got and got[:3]))
        if body is not None and got:
            check(words + ': says what it sends', got[3]['Content-Type'] == 'application/json', got[3]['Content-Type'])
    told = re.findall(r'^  ([a-z-]+(?: [a-z-]+)?)', Run('help').out.split('A MEMBER')[0], re.M)
    missing = [t for t in told if not any(w[0].startswith(t) for w in REQUESTS) and t not in ('watch', 'completion')]
    check('every command is tried here', len(told) > 50 and not missing, missing)
    page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'man', 'tuttictl.1')).read().replace('\\-', '-')
    missing = [t for t in told if not re.search(r'^\.BI? "?%s\b' % re.escape(t), page, re.M)]
    check('... and told in the man page', not missing, missing)


def members(server):
    server.seen.clear()
    r = Run('member', 'mute', 'band', '1', 'sip:bob@192.0.2.8', 'other ann')
    paths = [s[1] for s in server.seen if s[0] == 'POST']
    check('members by number, address and name', paths == [R + '/members/%d/mute' % i for i in (1, 2, 3)], (paths, r.err))
    server.seen.clear()
    r = Run('member', 'kick', 'band', 'bob')
    check('... and by the user of the address', server.seen[-1][1] == R + '/members/2/kick', server.seen)
    server.seen.clear()
    ambiguous, nobody = Run('member', 'kick', 'band', 'ann@x'), Run('member', 'mute', 'band', 'nobody', '1')
    check('one that is not there', ambiguous.status == 1 and 'no such member' in ambiguous.err, ambiguous.err)
    check('... does not keep the others from it', nobody.status == 1 and server.seen[-1][1] == R + '/members/1/mute', nobody.err)
    ANSWERS['/api/v1/rooms/two'] = {'members': [{'id': 1, 'name': 'Ann'}, {'id': 2, 'name': 'ann'}]}
    r = Run('member', 'kick', 'two', 'Ann')
    check('a name that two have', r.status == 1 and 'more than one' in r.err, r.err)
    r = Run('room', 'show', 'a b/\u00e4')
    check('a name is escaped', server.seen[-1][1] == '/api/v1/rooms/a%20b%2F%C3%A4', server.seen[-1][1])


def shown():
    r = Run('room', 'list')
    check('rooms as a table', r.out.split('\n')[0].split() == ['ROOM', 'MEMBERS', 'WAITING', 'PROFILE', 'STATE', 'SINCE', 'TITLE'], r.out)
    check('... with what is on', 'locked,recording,kept' in r.out and '2024-11-21 00:00:00' in r.out, r.out)
    r = Run('room', 'show', 'band')
    check('a room', 'title = The band' in r.out and 'lobby = yes' in r.out and 'locked,recording-paused' in r.out, r.out)
    lines = r.out.split('\n')
    head = next(i for i, l in enumerate(lines) if l.split()[:2] == ['ID', 'NAME'])
    check('... and its members', re.search(r'^ 1  Ann +sip:ann@192.0.2.7 +host +talking +opus +dtls +1\.0 +1\.8 +40 +4\.4$', r.out, re.M), r.out)
    check('what a terminal obeys is shown', '\x1b' not in r.out and '\u202e' not in r.out and 'B\u00f6b \\x1b[31m\\u202e' in r.out, r.out)
    check('columns stand under their heads', all(l.index('sip:') == lines[head].index('ADDRESS') for l in lines[head + 1:] if 'sip:' in l), r.out)
    check('waiting, muted by a host', 'waiting-for-admit,muted-by-host' in r.out, r.out)
    check('tokens', re.search(r'^0011 +desk +control +band +2024-11-21 00:00:00 +never$', Run('token', 'list').out, re.M), Run('token', 'list').out)
    check('bans', Run('room', 'bans', 'band').out.split()[-3:] == ['2024-11-21', '00:00:00', 'sip:eve@x'])
    check('verbs and what they do, uncut', 'mute  the others' in Run('verbs').out, Run('verbs').out)
    r = Run('room', 'show', 'band', '--json')
    check('--json is what came', json.loads(r.out) == ROOM and '\x1b' not in r.out, r.out[:200])
    r = Run('status')
    check('an outline', r.out == 'version: 0.1.0\nready: yes\nrooms: 1\n', r.out)
    r = Run('cdr', 'list')
    check('calls', re.search(r'^1200 +2024-11-21 00:00:00 +0:02:05 +in +sip:ann@x +band +200 +bye +opus +3 +4\.3$', r.out, re.M), r.out[:600])
    r = Run('call', 'band', 'sip:x@y')
    check('the member that was made', r.out == 'member 17\n', r.out)
    r = Run('room', 'lock', 'band')
    check('nothing where there is nothing to say', r.out == '' and r.err == '', (r.out, r.err))
    r = Run('record', 'get', 'aa', 'mix.opus')
    check('a file as it is', r.raw == bytes(range(256)) * 1000, len(r.raw))
    r = Run('token', 'create', 'desk', '--days', '2')
    check('a new token alone on standard output', r.out == 's3cret\n' and '0011' in r.err, (r.out, r.err))
    r = Run('room', 'views', 'band')
    p = Run('room', 'players', 'band')
    check('players', p.out.split('\n')[1].split() == ['anna', 'osc', 'midi', '1', '12', '34', '1', '1', '250'], p.out)
    d = Run('room', 'delays', 'band').out.split('\n')
    check('delays, what they are made of', d[1].split()[0] == '7' and d[1].split()[-8:] == ['2.7', '1.3', '3.0', '1.4', '0.0', '3.0', '1.3', '4.0'] and
          d[2].split() == ['9', 'sip:phone@x', '-', '20.0', '1.0', '24.0', '18.7', '1.0', '45.0', '0.0'], d)
    check('... and of each pair: over the bound, at least', d[5].split() == ['7', '.', '73.1!'] and d[6].split() == ['9', '53.3+', '.'], d)
    check('... nothing for the terminal to obey', '\x1b' not in ''.join(d), d)
    check('private mixes', r.out.split('\n')[1].split() == ['1', '2', '-6.0', '0.50'], r.out)


def exports(server):
    r = Run('cdr', 'export', '--csv')
    lines = r.out.split('\r\n')
    check('all calls as CSV, one head line', lines[0] == 'id,from' and lines[1:-1] == ['%d,"x,y"' % i for i in range(1201, 0, -1)], lines[:3])
    r = Run('cdr', 'export')
    check('all calls as JSON, one a line', [json.loads(l) for l in r.out.splitlines()] == CALLS, r.out[:300])


def statuses(server):
    r = Run('room', 'show', 'nothing')
    check('refused: 1, in the server\'s words', r.status == 1 and r.err == 'tuttictl: room show: no such room \\x1b[31m (404)\n', r.err)
    for words in ([], ['nothing'], ['room'], ['room', 'lock'], ['room', 'lock', 'a', 'b'], ['status', 'x'], ['member', 'gain', 'band', '1'],
                  ['member', 'gain', 'band', '1', 'loud'], ['member', 'hand', 'band', '1', 'maybe'], ['room', 'set', 'band'],
                  ['room', 'set', 'band', 'novalue'], ['--nonsense', 'status'], ['status', '--limit', '3'], ['--server'], ['--json=x', 'status'],
                  ['-s', 'https://x', 'status'], ['-s', 'http://', 'status'], ['-t', 'a\nb', 'status'], ['cdr', 'list', '--from', 'yesterday'],
                  ['cdr', 'list', '--limit', '0'], ['--token-file', '/nothing', 'status'], ['completion', 'fish'], ['status'] + ['x'] * 300):
        r = Run(*words)
        check('wrong use: 2: %.60s' % ' '.join(words).replace('\n', ' '), r.status == 2 and r.err, (r.status, r.out))
    r = Run('--socket', HOME + '/none.sock', 'status')
    check('nobody there: 3', r.status == 3 and 'cannot reach' in r.err, (r.status, r.err))
    r = Run('-s', 'http://127.0.0.1:1', 'status')
    check('nobody at the port: 3', r.status == 3 and 'cannot reach' in r.err, (r.status, r.err))
    check('--help', Run('--help').status == 0 and 'usage' in Run('-h').out and Run('room', 'lock', '--help').out.startswith('  room lock ROOM'))
    check('help of a noun', Run('help', 'member').out.count('\n  member') > 10 and 'room list' not in Run('help', 'member').out)
    check('old words', Run('rooms').out == Run('room', 'list').out and Run('room', 'band').out == Run('room', 'show', 'band').out)
    check('not ready: 1, and its words', (Run('ready').status, Run('ready').out) == (1, 'draining\n'))
    for name, how in WRONG.items():
        server.how = how
        r = Run('status')
        check('no good answer: 3: ' + name, r.status == 3 and r.err, (r.status, r.out, r.err))
    server.how = None
    full = open('/dev/full', 'wb')
    p = subprocess.run([CTL, '--socket', HOME + '/tutti.sock', 'status'], stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    check('a full disk behind standard output is no success', p.returncode != 0, p.returncode)


def raw(data):
    def how(handler, path):
        handler.wfile.write(data)
        handler.close_connection = True
    return how


OK = b'HTTP/1.1 200 OK\r\n'
WRONG = {
    'no HTTP': raw(b'hello\r\n\r\n'),
    'nothing at all': raw(b''),
    'cut in the head': raw(OK + b'Content-Le'),
    'cut in the body': raw(OK + b'Content-Length: 100\r\n\r\n{"a":1}'),
    'cut in a chunk': raw(OK + b'Transfer-Encoding: chunked\r\n\r\nff\r\n{"a":1}'),
    'no last chunk': raw(OK + b'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n'),
    'a chunk without a size': raw(OK + b'Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n'),
    'no JSON': raw(OK + b'\r\n<html>'),
    'a head without end': raw(OK + b'X: ' + b'y' * 40000),
}


def where(server):
    tcp = start(Tcp(('127.0.0.1', 0), Handler))
    url = 'http://127.0.0.1:%d' % tcp.server_address[1]
    with open(os.path.join(HOME, 'admin-token'), 'w') as f:
        f.write('of-the-folder\n')
    with open(os.path.join(HOME, 'other-token'), 'w') as f:
        f.write('of-a-file\n')

    def sent(s, *words, **env):
        s.seen.clear()
        Run(*words, env=env)
        return s.seen[-1][3]['Authorization'] if s.seen else 'not asked'

    check('by the socket without the token of the folder', sent(server, 'status') is None)
    check('by the socket with one that is given', sent(server, '--token-file', HOME + '/other-token', 'status') == 'Bearer of-a-file')
    check('by TCP with that of the folder', sent(tcp, '-s', url, 'status') == 'Bearer of-the-folder')
    check('$TUTTI_URL', sent(tcp, 'status', TUTTI_URL=url) == 'Bearer of-the-folder')
    check('-t', sent(tcp, 'status', '-s', url, '-t', 'given') == 'Bearer given')
    check('unix:PATH', sent(server, '--server=unix:%s/tutti.sock' % HOME, 'status') is None)
    check('$TUTTI_SOCKET', sent(server, 'status', TUTTI_SOCKET=HOME + '/tutti.sock', TUTTI_STATE_DIR='/nothing') is None)
    tcp.shutdown()
    tcp.server_close()


def watching(server):
    server.over = False
    env = {'PATH': os.environ['PATH'], 'TZ': 'UTC', 'TUTTI_STATE_DIR': HOME}
    for words, name in ((['watch', 'band'], 'plain'), (['watch', '--json'], 'JSON')):
        server.seen.clear()
        p = subprocess.Popen([CTL] + words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, bufsize=0)
        out = b''
        until = time.monotonic() + 15
        while b'member-left' not in out and time.monotonic() < until:
            if select.select([p.stdout], [], [], 0.1)[0]:
                out += os.read(p.stdout.fileno(), 65536)
        p.kill()
        p.wait()
        out = out.decode()
        paths = [s[1] for s in server.seen if 'events' in s[1]]
        if name == 'plain':
            check('watch: a line for each event', out.split('\n')[:4] == [
                '00:00:00 band member-joined 2 B\u00f6b \\x1b[31m\\u202e sip:bob@192.0.2.8', '00:00:00 band member-talking 1 Ann sip:ann@192.0.2.7',
                '00:00:00 band room-changed locked', '00:00:00 band member-left 2 B\u00f6b \\x1b[31m\\u202e sip:bob@192.0.2.8 bye'], out)
            check('watch: goes on where it was', paths[:2] == ['/api/v1/events?room=band', '/api/v1/events?room=band&since=10'], paths)
        else:
            check('watch --json: the messages as they came', [json.loads(l)['type'] for l in out.splitlines()][:4] == [
                'hello', 'member-joined', 'member-talking', 'room-changed'], out)
    r = Run('watch', 'x', '-s', 'http://127.0.0.1:1')
    check('watch: nobody there: 3, at once', r.status == 3, r.status)
    terminal(server, env)
    server.over = True


def terminal(server, env):
    """On a terminal levels stand below, in place."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(CTL, [CTL, 'watch', 'band'], dict(env, TERM='xterm'))
    out = b''
    until = time.monotonic() + 15
    while b'member-left' not in out and time.monotonic() < until:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                out += os.read(fd, 65536)
            except OSError:
                break
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)
    out = out.decode('utf-8', 'replace')
    check('watch on a terminal: levels are asked for', any('levels=1' in s[1] for s in server.seen if 'events' in s[1]))
    check('... bars are drawn', re.search(r'1 Ann .*#####.* -12 dB', out) is not None, out[:800])
    check('... wiped before an event', '\x1b[3A\r\x1b[J' in out, out[:800])
    check('... events are in colour', '\x1b[32m member-joined\x1b[0m' in out, out[:800])
    check('... a name is harmless here too', '\u202e' not in out and '\x1b[31m\\u202e' not in out, out[:800])


COMPLETE = r'''
source /dev/stdin <<<"$(tuttictl completion bash)"
COMP_WORDS=(tuttictl "$@"); COMP_CWORD=$#; _tuttictl; printf '%s\n' "${COMPREPLY[@]}"
'''


def completion(server):
    env = {'PATH': BUILD + ':' + os.environ['PATH'], 'TUTTI_STATE_DIR': HOME}

    def complete(*words):
        p = subprocess.run(['bash', '-c', COMPLETE, 'x'] + list(words), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.stdout.decode().split()

    for words, want in (
            (('re',), ['record', 'ready']), (('room', 'mu'), ['mute-all']), (('room', 'lock', ''), ['band', 'duo']),
            (('room', 'lock', 'd'), ['duo']), (('member', 'mute', 'band', ''), ['1', '2', '3']),
            (('member', 'mute', 'band', '1', ''), ['1', '2', '3']), (('member', 'role', 'band', '1', 'h'), ['host']),
            (('member', 'hand', 'band', '1', ''), ['on', 'off']), (('--json', 'room', 'sh'), ['show']), (('-t', 'x', 'watch', 'b'), ['band']),
            (('cdr', 'list', '--l'), ['--limit']), (('status', '--l'), []), (('completion', 'z'), ['zsh']), (('room', 'create', 'x', 'b'), []),
            (('room', 'lock', 'band', ''), [])):
        got = complete(*words)
        check('completion of %s' % ' '.join(words), got == want, got)
    zsh(env)


ZSH = r'''
compadd() { [[ $1 == -- ]] && shift; local w; for w; do [[ $w == $PREFIX* ]] && print -r -- $w; done }
_describe() { local w; for w in ${(P)2}; do [[ $w == $PREFIX* ]] && print -r -- ${w%%:*}; done }
_files() { print files }
words=(tuttictl "$@"); CURRENT=$#words; PREFIX=$words[-1]
source <(tuttictl completion zsh)
'''


def zsh(env):
    """The script's own work; what the shell makes of it is the shell's."""
    if not shutil.which('zsh'):
        print('ok - tuttictl: completion for zsh # SKIP there is no zsh')
        return

    def complete(*words):
        p = subprocess.run(['zsh', '-f', '-c', ZSH, 'x'] + list(words), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.stdout.decode().split()

    for words, want in (
            (('re',), ['record', 'ready']), (('room', 'mu'), ['mute-all']), (('room', 'lock', 'd'), ['duo']),
            (('member', 'mute', 'band', '1', ''), ['1', '2', '3']), (('member', 'role', 'band', '1', 'h'), ['host']),
            (('--json', 'room', 'sh'), ['show']), (('--token-file', ''), ['files']), (('cdr', 'list', '--l'), ['--limit'])):
        got = complete(*words)
        check('zsh: completion of %s' % ' '.join(words), got == want, got)


# ---- a real server ----

MESSAGE = '''{line}\r
Via: {via}\r
From: {frm}\r
To: {to}\r
Call-ID: {callid}\r
CSeq: {cseq}\r
Max-Forwards: 70\r
Contact: <sip:{user}@127.0.0.1:{me}>\r
{more}Content-Length: {n}\r
\r
'''
SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n'


class Phone:
    """Calls a room and stays; or is called and says how it likes that."""

    def __init__(self, sip, user):
        self.sip, self.user, self.status = sip, user, None
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.1', 0))
        self.sock.settimeout(10)
        self.me = self.sock.getsockname()[1]

    def call(self, room):
        return self.send('INVITE', room, '', 1, SDP)

    def send(self, method, room, to_tag, cseq, sdp=''):
        uri = 'sip:%s@127.0.0.1:%d' % (room, self.sip)
        self.sock.sendto((MESSAGE.format(
            line='%s %s SIP/2.0' % (method, uri), via='SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s%d' % (self.me, self.user, cseq),
            frm='<sip:%s@127.0.0.1:%d>;tag=1' % (self.user, self.me), to='<%s>%s' % (uri, to_tag), callid=self.user + '@test',
            cseq='%d %s' % (1 if method == 'ACK' else cseq, method), user=self.user, me=self.me,
            more='Content-Type: application/sdp\r\n' if sdp else '', n=len(sdp)) + sdp).encode(), ('127.0.0.1', self.sip))
        while method != 'ACK':
            answer = self.sock.recv(65536).decode()
            if answer.startswith('SIP/2.0 ') and not answer.startswith('SIP/2.0 1') and method in re.search('CSeq: (.*)', answer)[1]:
                self.tag = ';tag=' + re.search('^To:.*tag=([^;\r]*)', answer, re.M)[1]
                return int(answer[8:11])

    def ack(self, room):
        self.send('ACK', room, self.tag, 2)

    def bye(self, room):
        return self.send('BYE', room, self.tag, 3)

    def refuse(self):
        """Waits to be called, and is busy."""
        while True:
            data, peer = self.sock.recvfrom(65536)
            text = data.decode()
            if not text.startswith('INVITE'):
                continue
            kept = [l for l in text.split('\r\n\r\n')[0].split('\r\n')[1:] if re.match('(?i)(via|from|call-id|cseq):', l)]
            to = re.search('(?im)^to:.*$', text)[0].strip()
            self.sock.sendto('\r\n'.join(['SIP/2.0 486 Busy Here', *kept, to + ';tag=busy', 'Content-Length: 0', '', '']).encode(), peer)
            return


def wait_for(what, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return what()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def real():
    state, sip = os.path.join(HOME, 'state'), free_port()
    server = subprocess.Popen([os.path.join(BUILD, 'tutti'), '-o', 'sip.listen=udp:127.0.0.1:%d' % sip, '-o', 'http.listen=',
                               '-o', 'state.dir=' + state, '-o', 'dial.allow=sip:busy@127.0.0.1:*'], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        look(state, sip)
    finally:
        server.kill()
        server.wait()
    check('real: it is gone: 3', Run('status', env={'TUTTI_STATE_DIR': state, 'TUTTI_URL': 'unix:%s/tutti.sock' % state}).status == 3)


def look(state, sip):
    def run(*words):
        return Run('--socket', state + '/tutti.sock', *words)

    def room():
        return json.loads(run('room', 'show', 'band', '--json').out)

    check('real: ready', wait_for(lambda: run('ready').status == 0))
    check('real: a room is made', run('room', 'create', 'band').status == 0 and 'band' in run('rooms').out)
    check('real: once more is the same', run('room', 'create', 'band').status == 0)
    watch = subprocess.Popen([CTL, '--socket', state + '/tutti.sock', 'watch', 'band', '--json'], stdout=subprocess.PIPE, bufsize=0)
    check('real: watching', b'hello' in watch.stdout.readline())
    phones = [Phone(sip, 'ann'), Phone(sip, 'bob')]
    check('real: two join', [p.call('band') for p in phones] == [200, 200])
    for p in phones:
        p.ack('band')
    check('real: both are in', len(room()['members']) == 2, room())
    check('real: joins are watched', [json.loads(watch.stdout.readline())['type'] for _ in range(2)] == ['member-joined'] * 2)
    watch.kill()
    watch.wait()
    check('real: muted', run('member', 'mute', 'band', 'ann').status == 0 and [m['muted_by_host'] for m in room()['members']] == [True, False],
          room())
    check('real: louder', run('member', 'gain', 'band', 'bob', '-6').status == 0 and room()['members'][1]['gain_db'] == -6.0, room())
    check('real: a host', run('member', 'role', 'band', 'bob', 'host').status == 0 and room()['members'][1]['role'] == 'host')
    check('real: out of range', run('member', 'gain', 'band', 'bob', '99').status == 1)
    ids = [m['id'] for m in room()['members']]
    check('real: how one hears another', run('member', 'view', 'band', 'ann', 'bob', '-12').status == 0 and
          run('room', 'views', 'band').out.split('\n')[1].split()[:3] == [str(ids[0]), str(ids[1]), '-12.0'], run('room', 'views', 'band').out)
    check('real: locked', run('room', 'lock', 'band').status == 0 and room()['locked'])
    late = Phone(sip, 'late')
    check('real: ... and nobody gets in', late.call('band') == 403)
    late.ack('band')
    busy = Phone(sip, 'busy')
    answering = threading.Thread(target=busy.refuse, daemon=True)
    answering.start()
    check('real: somebody is called', run('call', 'band', 'sip:busy@127.0.0.1:%d' % busy.me).status == 0)
    answering.join(10)
    check('real: nobody else may be', run('call', 'band', 'sip:eve@127.0.0.1:1').status == 1)
    check('real: bye', phones[0].bye('band') == 200)
    check('real: kicked', run('member', 'kick', 'band', 'bob', 'go').status == 0)
    records(run)
    tokens(run, state)
    check('real: the end', run('room', 'delete', 'band').status == 0 and run('room', 'show', 'band').status == 1)


def records(run):
    def calls():
        rows = [json.loads(l) for l in run('cdr', 'export').out.splitlines()]
        return rows if len(rows) >= 4 else None

    rows = {r['from'].split(':')[1].split('@')[0] if not r['outgoing'] else 'out': r for r in wait_for(calls) or []}
    check('real: a record of each call', sorted(rows) == ['ann', 'bob', 'late', 'out'], rows)
    if len(rows) != 4:
        return
    check('real: who said bye', (rows['ann']['status'], rows['ann']['room'], rows['ann']['role']) == (200, 'band', 'speaker'), rows['ann'])
    check('real: who was kicked, a host', (rows['bob']['status'], rows['bob']['why'], rows['bob']['role']) == (200, 'go', 'host'), rows['bob'])
    check('real: who was refused', (rows['late']['status'], rows['late']['answer_ms'] or 0, rows['late']['room']) == (403, 0, 'band'), rows['late'])
    check('real: who was busy', (rows['out']['status'], rows['out']['answer_ms'] or 0, rows['out']['room']) == (486, 0, 'band'), rows['out'])
    lines = run('cdr', 'export', '--csv').out.split('\r\n')
    check('real: as CSV', len(lines) == 6 and lines[0].startswith('id,call_id,direction,from'), lines)
    check('real: of a room, as a table', len(run('cdr', 'list', 'band').out.splitlines()) == 5, run('cdr', 'list', 'band').out)
    check('real: of no time', len(run('cdr', 'export', '--to', '2000-01-01').out) == 0)


def tokens(run, state):
    made = run('token', 'create', 'desk', '--scopes', 'read', '--room', 'band')
    check('real: a token', made.status == 0 and len(made.out.strip()) == 64, made.err)
    with open(os.path.join(HOME, 'made'), 'w') as f:
        f.write(made.out)
    as_desk = ['--token-file', os.path.join(HOME, 'made')]
    check('real: ... reads', run('room', 'show', 'band', *as_desk).status == 0)
    check('real: ... and no more', run('room', 'lock', 'band', *as_desk).status == 1)
    check('real: ... until it is revoked', run('token', 'revoke', run('token', 'list').out.split('\n')[1].split()[0]).status == 0 and
          run('room', 'show', 'band', *as_desk).status == 1)


def main():
    global HOME
    HOME = tempfile.mkdtemp(prefix='tutti-ctl-')
    server = start(Unix(os.path.join(HOME, 'tutti.sock'), Handler))
    try:
        requests(server)
        members(server)
        shown()
        exports(server)
        statuses(server)
        where(server)
        watching(server)
        completion(server)
        real()
    finally:
        server.over = True
        server.shutdown()
        server.server_close()
        shutil.rmtree(HOME, ignore_errors=True)
    return 1 if bad else 0


sys.exit(main())
