#!/usr/bin/env python3
"""check-web.py BUILD [PART...]: the HTTP face of a real server, asked over a socket: who gets what, and with which status.

One line `ok - ...` or `not ok - ...` for each thing seen; exit status 0 when all were ok."""
import base64, hashlib, hmac, http.client, http.server, json, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time

BUILD = sys.argv[1] if len(sys.argv) > 1 else 'build'
bad = 0
JSON = {'Content-Type': 'application/json'}


def check(name, good, seen=''):
    global bad
    bad += not good
    print('%s - web: %s%s' % ('ok' if good else 'not ok', name, '' if good else ' (%s)' % (seen,)), flush=True)


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


class Answer:
    def __init__(self, r):
        self.status, self.headers, self.data = r.status, r.headers, r.read()
        self.text = self.data.decode('utf-8', 'replace')

    @property
    def json(self):
        return json.loads(self.text)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('tutti', timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(self.path)


class Server:
    def __init__(self, ini='', state=None, *options):
        self.dir = tempfile.mkdtemp(prefix='tutti-web-')
        self.state = state or os.path.join(self.dir, 's')
        self.sip, self.port = free_ports(2)
        conf = os.path.join(self.dir, 'tutti.conf')
        with open(conf, 'w') as f:
            f.write(ini)
        os.chmod(conf, 0o600)
        args = ['-f', conf, '-o', 'sip.listen=udp:127.0.0.1:%d' % self.sip, '-o', 'state.dir=' + self.state,
                '-o', 'http.listen=127.0.0.1:%d' % self.port, '-o', 'sip.drain=2',
                '-o', 'media.rtp-timeout=0']
        for o in options:
            args += ['-o', o]
        self.log = open(os.path.join(self.dir, 'log'), 'w+')
        self.proc = subprocess.Popen([os.path.join(BUILD, 'tutti')] + args, stdout=self.log, stderr=self.log)
        self.ready = self.wait()
        self.token = open(os.path.join(self.state, 'admin-token')).read().strip()

    def wait(self):
        for _ in range(200):
            try:
                if self.ask('/readyz', token='').status == 200:
                    return True
            except OSError:
                time.sleep(0.05)
        return False

    def ask(self, path, body=None, method=None, token=None, headers=None, unix=False):
        """body: an object becomes JSON, bytes stay as they are."""
        h = dict(headers or {})
        if token is None:
            token = self.token
        if token:
            h.setdefault('Authorization', 'Bearer ' + token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            h.setdefault('Content-Type', 'application/json')
        c = UnixConnection(os.path.join(self.state, 'tutti.sock')) if unix else http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        try:
            c.request(method or ('GET' if body is None else 'POST'), path, body, h)
            return Answer(c.getresponse())
        finally:
            c.close()

    def status(self, *args, **kw):
        return self.ask(*args, **kw).status

    def raw(self, data, timeout=5):
        with socket.create_connection(('127.0.0.1', self.port), timeout=timeout) as s:
            s.sendall(data)
            out = b''
            try:
                while True:
                    part = s.recv(65536)
                    if not part:
                        return out
                    out += part
            except OSError:
                return out

    def logged(self):
        self.log.flush()
        with open(self.log.name, errors='replace') as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM):
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        for line in self.logged().splitlines():
            if 'CRITICAL' in line or 'Sanitizer' in line or 'runtime error' in line:
                check('the log is clean', False, line)
        return self.proc.returncode

    def end(self):
        code = self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
        return code


INVITE = '''INVITE sip:{room}@127.0.0.1:{sip} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{me};branch=z9hG4bKweb{me}\r
From: "A \\"loud\\" <b>" <sip:{name}@127.0.0.1:{me}>;tag=1\r
To: <sip:{room}@127.0.0.1:{sip}>\r
Call-ID: web{me}@test\r
CSeq: 1 INVITE\r
Max-Forwards: 70\r
Contact: <sip:{name}@127.0.0.1:{me}>\r
Content-Type: application/sdp\r
Content-Length: {n}\r
\r
'''
SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n'


def join(s, room='band', name='ann'):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(('127.0.0.1', 0))
    u.settimeout(5)
    u.sendto((INVITE.format(sip=s.sip, me=u.getsockname()[1], n=len(SDP), room=room, name=name) + SDP).encode(), ('127.0.0.1', s.sip))
    got = b''
    while not got.startswith(b'SIP/2.0 200'):
        got = u.recv(65536)
    # RFC 3261 15: without the ACK the server may not say BYE.
    to = re.search(rb'^To: (.*)\r$', got, re.M).group(1).decode()
    ack = INVITE.format(sip=s.sip, me=u.getsockname()[1], n=0, room=room, name=name).replace('INVITE', 'ACK').replace('z9hG4bKweb', 'z9hG4bKack')
    u.sendto(re.sub(r'(?m)^To: .*\r$', lambda m: 'To: ' + to + '\r', ack).encode(), ('127.0.0.1', s.sip))
    return u


# ---- the server itself, and who may ----

def look(s):
    check('ready', s.ready)
    check('/healthz', (lambda a: (a.status, a.text))(s.ask('/healthz', token='')) == (200, 'ok\n'))
    check('/ is a page', s.status('/', token='') == 200 and 'Tutti' in s.ask('/').text)
    check('an unknown path is 404', s.status('/nothing', token='') == 404)
    a = s.ask('/healthz', b'x', token='')
    check('only GET and HEAD, and Allow says so', (a.status, a.headers['Allow']) == (405, 'GET, HEAD'), (a.status, a.headers['Allow']))
    a = s.ask('/healthz', method='HEAD', token='')
    check('HEAD has no body', (a.status, a.text) == (200, ''))
    for path in ('/api/v1/status', '/api/v1/rooms', '/api/v1/rooms/band', '/api/v1/events', '/api/v1/nothing', '/api/v1/tokens',
                 '/api/v1/calls', '/api/v1/recordings', '/api/v1/openapi.json'):
        a = s.ask(path, token='')
        check('%s wants a token' % path, a.status == 401 and a.headers['WWW-Authenticate'].startswith('Bearer'), a.status)
    check('a wrong token', s.status('/api/v1/rooms', token=s.token[:-1] + 'x') == 401)
    check('half a token', s.status('/api/v1/rooms', token=s.token[:32]) == 401)
    check('another scheme', s.status('/api/v1/rooms', headers={'Authorization': 'Basic eDp5'}) == 401)
    check('a wrong token is told to fail2ban', 'security action=auth-failed method=HTTP user="" from=127.0.0.1' in s.logged())
    check('no rooms yet', s.ask('/api/v1/rooms').json == {'rooms': []})
    check('no such room', s.status('/api/v1/rooms/band') == 404)
    check('a path too long', s.status('/api/v1/rooms/' + 'x' * 5000) == 414)
    check('a name too long', s.status('/api/v1/rooms/' + 'x' * 64) == 404)
    for path in '/%00', '/%zz', '/%ff', '/a%0ab':
        check('a path that cannot be read: ' + path, s.status(path, token='') == 400)
    check('no way out of the console', s.status('/../../../../etc/passwd', token='') in (400, 404) and
          s.status('/%2e%2e/%2e%2e/etc/passwd', token='') in (400, 404))
    check('an unknown parameter', s.status('/api/v1/rooms?x=1') == 400)
    h = s.ask('/').headers
    check('headers of safety', h['X-Content-Type-Options'] == 'nosniff' and "frame-ancestors 'none'" in h['Content-Security-Policy'] and
          "default-src 'none'" in h['Content-Security-Policy'] and 'unsafe' not in h['Content-Security-Policy'], h)
    check('no CORS', s.ask('/api/v1/rooms', headers={'Origin': 'http://evil.example'}).headers['Access-Control-Allow-Origin'] is None)
    a = s.ask('/api/v1/session', token='', unix=True)
    check('by the unix socket no token is needed', (a.status, a.json['scope']) == (200, 'admin'))
    check('... a wrong one is refused all the same', s.status('/api/v1/session', token='x', unix=True) == 401)
    mode = os.stat(os.path.join(s.state, 'tutti.sock')).st_mode & 0o777
    check('... which is 0660', mode == 0o660, oct(mode))
    check('hundred requests at once', hundred(s))


def descriptors(s):
    """A connection that is over leaves nothing behind."""
    def n():
        return len(os.listdir('/proc/%d/fd' % s.proc.pid))
    before = n()
    for i in range(30):
        s.ask('/healthz')
        s.ask('/healthz', method='HEAD')
        s.ask('/api/v1/rooms')
        s.ask('/api/v1/rooms/none/lock', {'on': True})
        s.ask('/api/v1/rooms/none/lock', b'x' * 70000)
        s.raw(b'nonsense\r\n\r\n')
        socket.create_connection(('127.0.0.1', s.port)).close()
        WebSocket(s, '/api/v1/events').close()
        c = socket.create_connection(('127.0.0.1', s.port))        # goes while it is being answered
        c.sendall(b'GET /api/v1/rooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ' + s.token.encode() + b'\r\n\r\n')
        c.close()
    for _ in range(50):
        if n() <= before + 1:
            break
        time.sleep(0.1)
    check('no descriptor is left', n() <= before + 1, (before, n()))


def hundred(s):
    conns = [http.client.HTTPConnection('127.0.0.1', s.port, timeout=10) for _ in range(100)]
    for c in conns:
        c.request('GET', '/api/v1/rooms', headers={'Authorization': 'Bearer ' + s.token})
    good = all(c.getresponse().status == 200 for c in conns)
    for c in conns:
        c.close()
    return good


def console(s):
    """The page's files: what they are, what they may do, and that a browser need not fetch them twice."""
    a = s.ask('/ui/app.js', token='')
    check('a script of the console', a.status == 200 and a.headers['Content-Type'].startswith('text/javascript'), a.headers)
    policy = a.headers['Content-Security-Policy'] or ''
    check('with a policy that trusts nothing inline', "default-src 'none'" in policy and "script-src 'self'" in policy and
          'unsafe' not in policy and "require-trusted-types-for 'script'" in policy, policy)
    again = s.ask('/ui/app.js', token='', headers={'If-None-Match': a.headers['ETag']})
    check('304 for who has it', (again.status, again.text) == (304, ''), again.status)
    a = s.ask('/ui/style.css', method='HEAD', token='')
    check('HEAD of it', (a.status, a.text) == (200, '') and int(a.headers['Content-Length']) > 1000, a.headers)
    check('it is only read', s.status('/ui/app.js', b'x', token='') == 405)
    for path in '/ui/', '/ui/nothing.js', '/ui/..%2f..%2fetc%2fpasswd', '/ui/../web.c', '/ui/types.d.ts':
        check('%s is 404' % path, s.status(path, token='') == 404)


# ---- bodies ----

def bodies(s):
    lock = '/api/v1/rooms/bodies/lock'
    s.ask('/api/v1/rooms', {'room': 'bodies'})
    head = 'POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n' % (lock, s.token)
    at = time.monotonic()
    out = s.raw((head + 'Content-Length: 2147483648\r\n\r\n').encode())
    check('2 GiB by Content-Length: 413 unread', out.startswith(b'HTTP/1.1 413') and time.monotonic() - at < 2, out[:60])
    out = s.raw((head + 'Content-Length: 70000\r\n\r\n').encode() + b'x' * 70000)
    check('70000 bytes: 413, and it can be read', out.startswith(b'HTTP/1.1 413') and b'"status":413' in out, out[:60])
    chunks = b''.join(b'1000\r\n' + b' ' * 4096 + b'\r\n' for _ in range(20)) + b'0\r\n\r\n'
    out = s.raw((head + 'Transfer-Encoding: chunked\r\n\r\n').encode() + chunks)
    check('80 KiB in chunks: 413', out.startswith(b'HTTP/1.1 413'), out[:60])
    out = s.raw((head + 'Content-Length: 5\r\nConnection: close\r\n\r\n').encode() + b'{"on":true}')
    check('a Content-Length too small', b'HTTP/1.1 400' in out, out[:60])
    out = s.raw((head + 'Content-Length: -1\r\n\r\n').encode())
    check('a negative one', b' 400 ' in out.split(b'\r\n')[0], out[:60])
    out = s.raw((head + 'Transfer-Encoding: gzip\r\n\r\n').encode())
    check('an unknown transfer coding', out.startswith(b'HTTP/1.1 501'), out[:60])
    out = s.raw((head + 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n').encode())
    check('a length and chunks: 400', out.startswith(b'HTTP/1.1 400'), out[:60])
    with socket.create_connection(('127.0.0.1', s.port), timeout=5) as slowly:
        used = cpu(s)
        for c in b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n':
            slowly.sendall(bytes([c]))
            time.sleep(0.02)
        check('a head that comes byte by byte', slowly.recv(100).startswith(b'HTTP/1.1 200') and (cpu(s) - used < 0.4 or sanitized()), cpu(s) - used)
    for what, body, status in (('no JSON', b'on', 400), ('deep', b'[' * 10000, 400), ('deep objects', b'{"a":' * 10000, 400), ('an array', b'[]', 400),
                               ('nothing', b'', 400), ('NUL', b'{"on":true,"text":"\\u0000"}', 400), ('no UTF-8', b'{"on":true,"text":"\xff"}', 400),
                               ('a wrong type', b'{"on":"yes"}', 400), ('unknown', b'{"on":true,"x":1}', 400), ('1000 members', json.dumps({'k%d' % i: 1 for i in range(1000)}).encode(), 400),
                               ('right', b'{"on":true}', 200)):
        a = s.ask(lock, body, headers=JSON)
        check('a body that is %s: %d' % (what, status), a.status == status and (status == 200 or a.json['error']), (a.status, a.text))
    a = s.ask(lock, b'{}', headers=JSON)
    check('what is missing is named', a.json['error'] == 'on: is missing', a.text)
    check('another type: 415', s.status(lock, b'on=true', headers={'Content-Type': 'application/x-www-form-urlencoded'}) == 415)
    check('a type with a parameter', s.status(lock, b'{"on":true}', headers={'Content-Type': 'application/json; charset=utf-8'}) == 200)
    names = {('k%05d' % i): i for i in range(250)}
    at = time.monotonic()
    check('many names cost nothing', s.status(lock, names) == 400 and time.monotonic() - at < 1)
    check('many headers: a refusal', s.raw((head + ''.join('X-%d: y\r\n' % i for i in range(20000)) + '\r\n').encode())[:12] == b'HTTP/1.1 431')
    check('it still answers', s.status('/healthz') == 200)


# ---- rooms ----

def rooms(s):
    a = s.ask('/api/v1/rooms', {'room': 'choir', 'settings': {'title': 'The choir', 'lobby': False, 'max-members': 12, 'host-pin': '4711'}})
    check('a room is made: 201, and where', (a.status, a.headers['Location']) == (201, '/api/v1/rooms/choir'), a.status)
    check('... with its settings', a.json['settings']['title'] == 'The choir' and a.json['settings']['max-members'] == '12', a.text)
    check('... and no PIN is told', '4711' not in a.text and 'host-pin' not in a.json['settings'] and a.json['has_host_pin'])
    tag = a.headers['ETag']
    check('said again: 200', s.status('/api/v1/rooms', {'room': 'choir', 'settings': {'title': 'The choir', 'max-members': '12'}}) == 200)
    check('with others: 409', s.status('/api/v1/rooms', {'room': 'choir', 'settings': {'title': 'Another'}}) == 409)
    check('no such name', s.status('/api/v1/rooms', {'room': 'a/b'}) == 400 and s.status('/api/v1/rooms', {'room': 'echo'}) == 400)
    a = s.ask('/api/v1/rooms', {'room': 'x', 'settings': {'max-members': 'many'}})
    check('a wrong value is named, nothing is made', a.status == 400 and a.json['error'].startswith('max-members: ') and s.status('/api/v1/rooms/x') == 404, a.text)
    a = s.ask('/api/v1/rooms', {'room': 'x', 'settings': {'tilte': 'x'}})
    check('an unknown setting too', a.status == 400 and 'tilte' in a.json['error'], a.text)
    check('an ETag not changed: 304', s.status('/api/v1/rooms/choir', headers={'If-None-Match': tag}) == 304)
    a = s.ask('/api/v1/rooms/choir', {'settings': {'title': 'New'}}, 'PATCH', headers={'If-Match': tag})
    check('PATCH with the right version', a.status == 200 and a.json['settings']['title'] == 'New' and a.json['settings']['max-members'] == '12', a.text)
    a = s.ask('/api/v1/rooms/choir', {'settings': {'title': 'Newer'}}, 'PATCH', headers={'If-Match': tag})
    check('with an old one: 412, nothing changed', a.status == 412 and s.ask('/api/v1/rooms/choir').json['title'] == 'New', a.status)
    check('a verb heeds If-Match too', s.status('/api/v1/rooms/choir/lock', {'on': True}, headers={'If-Match': tag}) == 412)
    check('the old ETag is no more', s.status('/api/v1/rooms/choir', headers={'If-None-Match': tag}) == 200)
    a = s.ask('/api/v1/rooms/choir', {'settings': {'title': 'Put'}}, 'PUT')
    check('PUT takes all others back', a.status == 200 and a.json['settings']['title'] == 'Put' and a.json['settings']['max-members'] == '0' and not a.json['has_host_pin'], a.text)
    check('PUT only if there is none', s.status('/api/v1/rooms/choir', {'settings': {}}, 'PUT', headers={'If-None-Match': '*'}) == 412)
    check('PUT makes one', s.status('/api/v1/rooms/fresh', {'settings': {'profile': 'music'}}, 'PUT') == 201)
    all = s.ask('/api/v1/rooms').json['rooms']
    fresh = [r for r in all if r['room'] == 'fresh'][0]
    check('the list tells of it', (fresh['members'], fresh['waiting'], fresh['profile'], fresh['persistent']) == (0, 0, 'music', True), fresh)
    check('DELETE', s.status('/api/v1/rooms/fresh', method='DELETE') == 200 and s.status('/api/v1/rooms/fresh') == 404)
    check('DELETE of none', s.status('/api/v1/rooms/fresh', method='DELETE') == 404)
    a = s.ask('/api/v1/rooms/choir', b'', 'OPTIONS')
    check('405 tells what is', a.status == 405 and a.headers['Allow'] == 'GET, HEAD, PUT, PATCH, DELETE', a.headers['Allow'])
    check('a ban, and its list', s.status('/api/v1/rooms/choir/ban', {'uri': 'sip:x@example.org'}) == 200 and
          len(s.ask('/api/v1/rooms/choir/bans').json['bans']) == 1)
    check('the table of settings', {'title', 'host-pin', 'lobby'} <= {x['name'] for x in s.ask('/api/v1/settings').json['settings']})


def members(s):
    phone, other = join(s), join(s, name='bob')
    room = s.ask('/api/v1/rooms/band').json
    check('the room has its members', [m['uri'].split(':')[1].split('@')[0] for m in room['members']] == ['ann', 'bob'], room)
    check('a name is whole', 'loud' in room['members'][0]['name'] and '<b>' in room['members'][0]['name'], room)
    status = s.ask('/api/v1/status').json
    check('status counts them', (status['members'], status['calls']) == (2, 2), status)
    ann, bob = (m['id'] for m in room['members'])
    base = '/api/v1/rooms/band/members/%d/'

    def state(i):
        return [m for m in s.ask('/api/v1/rooms/band').json['members'] if m['id'] == i][0]
    check('mute', s.status(base % ann + 'mute', {'on': True}) == 200 and state(ann)['muted_by_host'])
    check('gain', s.status(base % ann + 'gain', {'value': -6}) == 200 and state(ann)['gain_db'] == -6)
    check('gain out of range', s.status(base % ann + 'gain', {'value': 99}) == 400)
    check('pan', s.status(base % ann + 'pan', {'pan': 0.5}) == 200 and state(ann)['pan'] == 0.5)
    check('role', s.status(base % bob + 'role', {'role': 'host'}) == 200 and state(bob)['role'] == 'host')
    check('a view of one on another', s.status(base % ann + 'view', {'other': bob, 'value': -12, 'pan': -1}) == 200)
    views = s.ask('/api/v1/rooms/band/views').json['views']
    check('... is told', len(views) == 1 and views[0][:2] == [ann, bob] and abs(views[0][2] + 12) < 0.01 and views[0][3] == -1, views)
    check('what its end needs', s.status(base % ann + 'latency', {'capture_us': 2700, 'playback_us': 4000, 'buffer_us': 1300, 'rtt_us': 6000}) == 200)
    delays = s.ask('/api/v1/rooms/band/delays').json
    parts = {m['id']: m for m in delays['members']}
    check('... is told', parts[ann]['from_mix']['playback_ms'] == 4.0 and parts[ann]['to_mix']['up_ms'] == 3.0 and
          parts[bob]['to_mix']['capture_ms'] is None and not parts[bob]['to_mix']['whole'], delays)
    check('... and of each pair', [d[:2] for d in delays['delays']] == [[ann, bob], [bob, ann]] and
          abs(delays['delays'][0][2] - parts[ann]['to_mix']['ms'] - parts[bob]['from_mix']['ms']) < 0.01, delays)
    check('two seconds are too much', s.status(base % ann + 'latency', {'capture_us': 2000001, 'playback_us': 0, 'buffer_us': 0}) == 400)
    check('the delays of no room', s.status('/api/v1/rooms/nowhere/delays') == 404)
    check('what a phone alone can say: 403', s.status(base % ann + 'hold', {'on': True}) == 403 and s.status(base % ann + 'key', {'text': '1'}) == 403)
    check('a member of no room', s.status(base % 999999 + 'mute', {'on': True}) == 404)
    check('a member of another room', s.status('/api/v1/rooms/choir/members/%d/mute' % ann, {'on': True}) == 404)
    check('no number', s.status(base.replace('%d', 'x') + 'mute', {'on': True}) == 404 and s.status(base.replace('%d', '-1') + 'mute', {'on': True}) == 404 and
          s.status(base.replace('%d', '4294967297') + 'mute', {'on': True}) == 404)
    check('no such verb', s.status(base % ann + 'fly', {}) == 404 and s.status('/api/v1/rooms/band/fly', {}) == 404)
    check('a verb of rooms is none of members', s.status(base % ann + 'lock', {'on': True}) == 404)
    check('nobody joins by HTTP', s.status('/api/v1/rooms/band/join', {'uri': 'sip:x@y', 'role': 'host'}) == 404)
    check('nothing is dialled by default', s.status('/api/v1/rooms/band/dial', {'uri': 'sip:x@127.0.0.1'}) == 403)
    check('move', s.status(base % bob + 'move', {'room': 'choir'}) == 200 and len(s.ask('/api/v1/rooms/choir').json['members']) == 1)
    check('kick with a reason', s.status(base % ann + 'kick', {'text': 'noise'}) == 200)
    phone.settimeout(5)
    while True:
        got = phone.recv(65536)
        if got.startswith(b'BYE'):
            break
    check('... which the phone is told', b'noise' in got, got[:200])
    metrics = s.ask('/metrics', token='').text
    check('the metrics count', re.search(r'^tutti_members 1$', metrics, re.M) is not None)
    check('members by codec and transport', re.search(r'^tutti_participants\{codec="\w+",transport="UDP"\} 1$', metrics, re.M) is not None)
    check('no secret in them', s.token not in metrics)
    for u in phone, other:
        u.close()


def calls(s):
    check('no recordings yet', s.ask('/api/v1/recordings').json == {'recordings': []})
    for _ in range(50):
        found = s.ask('/api/v1/calls').json['calls']
        if found:
            break
        time.sleep(0.1)
    check('the call that was kicked is on record', len(found) == 1 and found[0]['room'] == 'band' and found[0]['why'] == 'noise', found)
    check('of another room there is none', s.ask('/api/v1/calls?room=nowhere').json == {'calls': [], 'next': None})
    check('pages', s.ask('/api/v1/calls?limit=1').json['next'] == found[0]['id'] and s.ask('/api/v1/calls?before=%d' % found[0]['id']).json['calls'] == [])
    a = s.ask('/api/v1/calls?format=csv')
    check('as CSV', a.headers['Content-Type'].startswith('text/csv') and len(a.text.strip().splitlines()) == 2, a.text)
    for q in 'limit=-1', 'limit=100000', 'from=x', 'format=xml':
        check('calls?%s: 400' % q, s.status('/api/v1/calls?' + q) == 400)


def recordings(s):
    """What is recorded, heard by HTTP: whole, in parts, and nothing else of the disk."""
    phone = join(s, 'taped', 'rec')
    a = s.ask('/api/v1/rooms/taped/record', {'text': 'start'})
    check('a recording begins', a.status == 200, a.text)
    check('... which the room tells', s.ask('/api/v1/rooms/taped').json['recording'] == 'running')
    found = []
    for _ in range(100):
        found = s.ask('/api/v1/recordings?room=taped').json['recordings']
        if found:
            break
        time.sleep(0.05)
    check('it is in the list', len(found) == 1 and found[0]['state'] == 'running' and found[0]['room'] == 'taped', found)
    if not found:
        return
    one = '/api/v1/recordings/' + found[0]['id']
    check('it cannot be removed while it runs', s.status(one, method='DELETE') == 409)
    time.sleep(1.5)
    check('it ends', s.status('/api/v1/rooms/taped/record', {'text': 'stop'}) == 200)
    for _ in range(100):
        rec = s.ask(one).json
        if rec['state'] == 'finished':
            break
        time.sleep(0.05)
    names = {f['name']: f['bytes'] for f in rec['files']}
    mix = [n for n in names if n.startswith('mix.')]
    check('it has its files', rec['state'] == 'finished' and len(mix) == 1 and 'manifest.json' in names, rec)
    if not mix:
        return
    path = one + '/files/' + mix[0]
    whole = s.ask(path)
    check('a file, whole', whole.status == 200 and len(whole.data) == names[mix[0]] and whole.data[:4] in (b'OggS', b'fLaC') and
          whole.headers['Content-Type'].startswith('audio/') and whole.headers['Accept-Ranges'] == 'bytes', (whole.status, len(whole.data)))
    n = len(whole.data)
    for said, first, last in (('bytes=0-9', 0, 9), ('bytes=10-', 10, n - 1), ('bytes=-5', n - 5, n - 1), ('bytes=3-999999999', 3, n - 1)):
        a = s.ask(path, headers={'Range': said})
        check('a part of it: ' + said, a.status == 206 and a.data == whole.data[first:last + 1] and
              a.headers['Content-Range'] == 'bytes %d-%d/%d' % (first, last, n), (a.status, a.headers['Content-Range'], len(a.data)))
    a = s.ask(path, headers={'Range': 'bytes=%d-' % n})
    check('beyond its end: 416', a.status == 416 and a.headers['Content-Range'] == 'bytes */%d' % n, a.status)
    a = s.ask(path, method='HEAD')
    check('HEAD tells its length', (a.status, a.data, int(a.headers['Content-Length'])) == (200, b'', n))
    check('the manifest is JSON', s.ask(one + '/files/manifest.json').headers['Content-Type'] == 'application/json')
    folder = [d for d, _, files in os.walk(s.state) if mix[0] in files and found[0]['id'] in d]
    os.symlink(os.path.join(s.state, 'admin-token'), os.path.join(folder[0], 'link.opus'))
    os.mkdir(os.path.join(folder[0], 'below'))
    for name in ('link.opus', 'below', '..', '.', '%2e%2e%2fadmin-token', '..%2f..%2f..%2fadmin-token', '.hidden', 'none.opus', 'a%00b', '%2fetc%2fpasswd'):
        a = s.ask(one + '/files/' + name)
        check('no other file: ' + name, a.status in (400, 404) and s.token not in a.text, (name, a.status))
    check('no such recording', s.status('/api/v1/recordings/' + '0' * 32) == 404 and s.status('/api/v1/recordings/none/files/mix.opus') == 404)
    bound = s.ask('/api/v1/tokens', {'name': 'b', 'scopes': 'control', 'room': 'choir'}).json['token']
    check('a token of another room does not find it', s.status(one, token=bound) == 404 and s.status(path, token=bound) == 404 and
          s.status(one, method='DELETE', token=bound) == 404)
    os.rmdir(os.path.join(folder[0], 'below'))
    os.unlink(os.path.join(folder[0], 'link.opus'))
    check('removed', s.status(one, method='DELETE') == 200 and s.status(one) == 404 and not os.path.exists(folder[0]))
    phone.close()


# ---- tokens and cookies ----

def tokens(s):
    def make(**kw):
        return s.ask('/api/v1/tokens', kw)
    a = make(name='reader', scopes=['read'])
    check('a token is made and told', a.status == 201 and len(a.json['token']) == 64, a.text)
    reader = a.json
    control = make(name='bot', scopes='control').json
    bound = make(name='choir only', scopes=['read', 'control'], room='choir').json
    listed = s.ask('/api/v1/tokens')
    check('the list tells no token', {t['name'] for t in listed.json['tokens']} >= {'reader', 'bot', 'choir only'} and reader['token'] not in listed.text)
    check('read reads', s.status('/api/v1/rooms', token=reader['token']) == 200)
    check('... and nothing else', s.status('/api/v1/rooms/choir/lock', {'on': True}, token=reader['token']) == 403)
    check('control controls', s.status('/api/v1/rooms/choir/lock', {'on': False}, token=control['token']) == 200)
    check('... and gives no tokens', s.status('/api/v1/tokens', {'name': 'x', 'scopes': 'admin'}, token=control['token']) == 403)
    check('... nor sees them', s.status('/api/v1/tokens', token=control['token']) == 403)
    b = bound['token']
    check('bound: its room', s.status('/api/v1/rooms/choir', token=b) == 200 and s.status('/api/v1/rooms/CHOIR/lock', {'on': False}, token=b) == 200)
    check('bound: no other', s.status('/api/v1/rooms/band', token=b) == 403 and s.status('/api/v1/rooms', {'room': 'mine'}, token=b) == 403)
    check('bound: the list has one', [r['room'] for r in s.ask('/api/v1/rooms', token=b).json['rooms']] == ['choir'])
    member = s.ask('/api/v1/rooms/choir').json['members'][0]['id']
    check('bound: nobody is moved out', s.status('/api/v1/rooms/choir/members/%d/move' % member, {'room': 'band'}, token=b) == 403)
    check('bound: calls, recordings, events of others', s.status('/api/v1/calls?room=band', token=b) == 403 and
          s.status('/api/v1/recordings?room=band', token=b) == 403 and
          s.status('/api/v1/events?room=band', token=b, headers={'Accept': 'text/event-stream'}) == 403)
    check('bound: not the accounts', s.status('/api/v1/accounts', token=b) == 403)
    for what, kw in (('no name', dict(scopes='read')), ('an unknown scope', dict(name='x', scopes='root')), ('no scope', dict(name='x', scopes=[])),
                     ('an administrator of a room', dict(name='x', scopes='admin', room='band')), ('a time gone by', dict(name='x', scopes='read', expires_ms=5)),
                     ('a wrong room', dict(name='x', scopes='read', room='a b')), ('a field unknown', dict(name='x', scopes='read', sccopes=1))):
        check('a token with %s: 400' % what, make(**kw).status == 400)
    soon = make(name='soon', scopes='read', expires_ms=int(time.time() * 1000) + 400).json['token']
    check('good until it expires', s.status('/api/v1/rooms', token=soon) == 200)
    time.sleep(0.5)
    check('... and then no more', s.status('/api/v1/rooms', token=soon) == 401)
    w = WebSocket(s, '/api/v1/events', token=reader['token'])
    w.next()
    check('revoked', s.status('/api/v1/tokens/' + reader['id'], method='DELETE') == 200 and s.status('/api/v1/rooms', token=reader['token']) == 401)
    check('... again: 404', s.status('/api/v1/tokens/' + reader['id'], method='DELETE') == 404)
    check('... who watched with it is let go', w.ended(4))
    check('revoking asks for the scope', s.status('/api/v1/tokens/' + control['id'], method='DELETE', token=control['token']) == 403)
    return control


def cookies(s):
    check('login: a wrong token', s.status('/api/v1/login', {'token': 'x'}, token='') == 401)
    check('login: none', s.status('/api/v1/login', {}, token='') == 400)
    check('login: no form', s.status('/api/v1/login', b'token=' + s.token.encode(), token='', headers={'Content-Type': 'text/plain'}) == 415)
    host = '127.0.0.1:%d' % s.port
    check('login from elsewhere', s.status('/api/v1/login', {'token': s.token}, token='', headers={'Origin': 'http://evil.example'}) == 403)
    a = s.ask('/api/v1/login', {'token': s.token}, token='', headers={'Origin': 'http://' + host})
    said = a.headers['Set-Cookie'] or ''
    check('login: a cookie', a.status == 200 and all(w in said for w in ('HttpOnly', 'SameSite=Strict', 'Path=/')) and s.token not in said, said)
    check('behind TLS it is for TLS', 'Secure' in s.ask('/api/v1/login', {'token': s.token}, token='', headers={'X-Forwarded-Proto': 'https'}).headers['Set-Cookie'])
    c = {'Cookie': 'other=1; ' + said.split(';')[0]}
    check('by cookie', s.status('/api/v1/rooms', token='', headers=c) == 200)
    lock = '/api/v1/rooms/choir/lock'
    check('by cookie something is done', s.status(lock, {'on': True}, token='', headers=c) == 200)
    check('... not as a form', s.status(lock, b'{"on":true}', token='', headers=dict(c, **{'Content-Type': 'text/plain'})) == 403)
    check('... not without a type', s.status('/api/v1/rooms/choir', method='DELETE', token='', headers=c) == 403)
    check('... not from elsewhere', s.status(lock, {'on': True}, token='', headers=dict(c, Origin='http://evil.example')) == 403)
    check('... nor is it read from there', s.status('/api/v1/rooms', token='', headers=dict(c, Origin='http://evil.example')) == 403)
    check('a WebSocket from elsewhere', WebSocket(s, '/api/v1/events', token='', headers=dict(c, Origin='http://evil.example')).status == 403)
    w = WebSocket(s, '/api/v1/events', token='', headers=dict(c, Origin='http://' + host))
    check('a WebSocket from our page', w.status == 101)
    w.close()
    check('logout', s.status('/api/v1/logout', {}, token='', headers=c) == 200 and s.status('/api/v1/rooms', token='', headers=c) == 401)
    check('a made up cookie', s.status('/api/v1/rooms', token='', headers={'Cookie': 'tutti=' + '0' * 64}) == 401)


# ---- events ----

class WebSocket:
    def __init__(self, s, path, token=None, headers=None, small=False):
        self.sock = socket.socket()
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(5)
        self.sock.connect(('127.0.0.1', s.port))
        key = base64.b64encode(os.urandom(16)).decode()
        h = {'Host': '127.0.0.1:%d' % s.port, 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key}
        token = s.token if token is None else token
        if token:
            h['Authorization'] = 'Bearer ' + token
        h.update(headers or {})
        self.sock.sendall(('GET %s HTTP/1.1\r\n' % path + ''.join('%s: %s\r\n' % x for x in h.items()) + '\r\n').encode())
        self.buf = b''
        while b'\r\n\r\n' not in self.buf:
            part = self.sock.recv(4096)
            if not part:
                break
            self.buf += part
        head, _, self.buf = self.buf.partition(b'\r\n\r\n')
        self.status = int(head.split()[1])
        self.good = self.status != 101 or base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()) in head

    def read(self, n):
        while len(self.buf) < n:
            part = self.sock.recv(65536)
            if not part:
                raise EOFError
            self.buf += part
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def frame(self):
        a, n = self.read(2)
        if n == 126:
            n, = struct.unpack('>H', self.read(2))
        elif n == 127:
            n, = struct.unpack('>Q', self.read(8))
        return a & 15, self.read(n)

    def next(self, timeout=5):
        """The next message that is not of levels' kind of noise: text only."""
        self.sock.settimeout(timeout)
        while True:
            op, data = self.frame()
            if op == 1:
                return json.loads(data)
            if op == 9:
                self.send(10, data)
            if op == 8:
                raise EOFError

    def send(self, op, data=b''):
        self.sock.sendall(bytes([0x80 | op, 0x80 | len(data)]) + b'\0\0\0\0' + data)

    def ended(self, timeout):
        self.sock.settimeout(timeout)
        try:
            while True:
                self.frame()
        except (EOFError, ConnectionError):
            return True
        except OSError:
            return False

    def close(self):
        self.sock.close()


def lines(s, path, n, headers=None):
    """The first n messages of server-sent events."""
    h = {'Authorization': 'Bearer ' + s.token, 'Accept': 'text/event-stream'}
    h.update(headers or {})
    c = http.client.HTTPConnection('127.0.0.1', s.port, timeout=5)
    c.request('GET', path, headers=h)
    r = c.getresponse()
    out, ids = [], []
    while r.status == 200 and len(out) < n:
        line = r.fp.readline().decode().rstrip('\n')
        if line.startswith('data: '):
            out.append(json.loads(line[6:]))
        if line.startswith('id: '):
            ids.append(int(line[4:]))
    c.close()
    return r, out, ids


def events(s):
    lock = '/api/v1/rooms/choir/lock'
    w = WebSocket(s, '/api/v1/events')
    check('a WebSocket', w.status == 101 and w.good, w.status)
    hello = w.next()
    check('hello first', hello['type'] == 'hello' and hello['number'] > 0, hello)
    s.ask(lock, {'on': False})
    s.ask(lock, {'on': True})
    s.ask(lock, {'on': False})
    got = [w.next() for _ in range(2)]
    check('what happens is told', [e['detail'] for e in got] in (['locked', 'unlocked'], ['unlocked', 'locked']) and got[0]['room'] == 'choir' and got[0]['type'] == 'room-changed', got)
    check('numbers without a gap', got[0]['number'] == hello['number'] + 1 and got[1]['number'] == got[0]['number'] + 1, got)
    r, again, ids = lines(s, '/api/v1/events?since=%d' % hello['number'], 3)
    check('server-sent events go on where one was', r.headers['Content-Type'].startswith('text/event-stream') and again[0]['type'] == 'hello' and again[1:] == got, again)
    check('... with their numbers', ids[1:] == [e['number'] for e in got], ids)
    _, again, _ = lines(s, '/api/v1/events', 2, {'Last-Event-ID': str(got[0]['number'])})
    check('... by Last-Event-ID too', again[1]['number'] == got[1]['number'], again)
    for since in 5, hello['number'] + 10 ** 6:
        _, again, _ = lines(s, '/api/v1/events?since=%d' % since, 2)
        check('a number we do not have: resync', again[1]['type'] == 'resync' and got[1]['number'] <= again[1]['number'] < hello['number'] + 100, again)
    s.ask('/api/v1/rooms', {'room': 'other'})
    _, again, _ = lines(s, '/api/v1/events?room=CHOIR&since=%d' % (hello['number'] - 1), 3)
    check('of one room only', {e['room'] for e in again[1:]} == {'choir'}, again)
    r, again, _ = lines(s, '/api/v1/events?room=choir&levels=1', 22)
    check('levels', all(e['type'] == 'levels' and e['room'] == 'choir' and len(e['levels'][0]) == 2 for e in again[1:]), again[:3])
    phone = join(s, 'third', 'cleo')
    got = []
    while not got or got[-1]['type'] != 'member-joined':
        got.append(w.next())
    check('a member that joins is told whole', got[-1]['member']['uri'].startswith('sip:cleo') and 'media' in got[-1]['member'], got[-1])
    phone.close()
    for q, status in ('room=a/b', 400), ('since=x', 400), ('since=-1', 400), ('levels=1', 400), ('levels=2&room=choir', 400), ('x=1', 400):
        check('events?%s: %d' % (q, status), s.status('/api/v1/events?' + q, headers={'Accept': 'text/event-stream'}) == status)
    check('neither of the two: 406', s.status('/api/v1/events') == 406)
    check('a handshake without a key: 400', s.status('/api/v1/events', headers={'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13'}) == 400)
    w.send(9, b'are you there')
    while True:
        op, data = w.frame()
        if op == 10:
            break
    check('a ping has its pong', data == b'are you there')
    w.send(8, b'\x03\xe8')
    check('a close has its close', w.ended(3))
    w = WebSocket(s, '/api/v1/events')
    w.sock.sendall(b'\x81\x02hi')
    check('a frame that is not masked ends it', w.ended(3))
    w = WebSocket(s, '/api/v1/events')
    w.sock.sendall(b'\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff')
    check('a frame of 2^64 bytes too', w.ended(3))


def slow(s):
    """A reader that does not read costs no memory, and is told so when it does."""
    base = '/api/v1/rooms/choir/members/%d/gain' % s.ask('/api/v1/rooms/choir').json['members'][0]['id']
    w = WebSocket(s, '/api/v1/events', small=True)
    first = w.next()['number']
    count, before = 0, rss(s)
    while count < 6000:
        status = s.status(base, {'value': -(count % 50) - 1})
        count += status == 200
        if status == 429:
            time.sleep(0.05)
    grown = rss(s) - before
    kinds, number = [], first
    while number < first + count:
        e = w.next()
        kinds.append(e['type'])
        if e['type'] == 'resync':
            number = e['number']
        else:
            if e['number'] != number + 1:
                break
            number = e['number']
    check('a slow reader is told to begin anew', kinds.count('resync') >= 1 and number >= first + count and len(kinds) < 5000,
          (kinds.count('resync'), len(kinds), number - first))
    check('... and has cost less than 16 MiB with all that is kept', grown < 16 * 1024 or sanitized(), grown)
    w.close()


def cpu(s):
    with open('/proc/%d/stat' % s.proc.pid) as f:
        t = f.read().rsplit(') ', 1)[1].split()
    return (int(t[11]) + int(t[12])) / os.sysconf('SC_CLK_TCK')


def rss(s):
    with open('/proc/%d/status' % s.proc.pid) as f:
        return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))


def sanitized():
    with open(os.path.join(BUILD, 'tutti'), 'rb') as f:
        return b'__asan_init' in f.read()


def crowd(s):
    """As many as may watch, and one more; connections beyond the bound of an address."""
    time.sleep(2.5)                                        # the rate allows bursts again
    many = []
    for _ in range(300):
        try:
            w = WebSocket(s, '/api/v1/events')
        except OSError:
            break
        many.append(w)
        if w.status != 101:
            break
    check('256 may watch, the next is 503', len(many) == 257 and many[-1].status == 503, (len(many), many[-1].status))
    for w in many:
        w.close()
    for _ in range(50):
        w = WebSocket(s, '/api/v1/events')
        if w.status == 101:
            break
        w.close()
        time.sleep(0.1)
    check('... when some have gone others may', w.status == 101)
    w.close()
    idle = [socket.create_connection(('127.0.0.1', s.port)) for _ in range(400)]
    time.sleep(0.3)
    check('by the unix socket it answers while one address has all it may have', s.status('/api/v1/status', unix=True) == 200)
    for i in idle:
        i.close()
    good = False
    for _ in range(50):
        try:
            good = s.status('/healthz') == 200
            break
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    check('... and when they have gone to all', good)


# ---- webhooks ----

class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        box = self.server
        box.got.append((self.headers, body))
        status = box.statuses.pop(0) if box.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header('Location', '/elsewhere')
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        pass


def hooks():
    box = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
    box.got, box.statuses = [], [500, 302]
    threading.Thread(target=box.serve_forever, daemon=True).start()
    dead = free_ports(1)[0]
    s = Server('[webhook bot]\nurl = http://127.0.0.1:%d/in\nsecret = "very secret"\nevents = room-created room-ended\n'
               '[webhook nobody]\nurl = http://127.0.0.1:%d/\n' % (box.server_address[1], dead))
    try:
        s.ask('/api/v1/rooms', {'room': 'one'})
        s.ask('/api/v1/rooms/one/lock', {'on': True})
        s.ask('/api/v1/rooms', {'room': 'two'})
        s.ask('/api/v1/rooms/one', method='DELETE')
        until = time.monotonic() + 10
        while len(box.got) < 5 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)
        seen = [(json.loads(b)['type'], json.loads(b)['room']) for _, b in box.got]
        check('a webhook that fails twice is tried again, in order, and only what it wants',
              seen == [('room-created', 'one')] * 3 + [('room-created', 'two'), ('room-ended', 'one')], seen)
        good = True
        for headers, body in box.got:
            m = re.fullmatch(r't=(\d+),v1=([0-9a-f]{64})', headers['Tutti-Signature'] or '')
            good = good and m and hmac.new(b'very secret', m.group(1).encode() + b'.' + body, hashlib.sha256).hexdigest() == m.group(2)
            good = good and abs(int(m.group(1)) - time.time()) < 60 and headers['Tutti-Event'] == json.loads(body)['type']
            good = good and headers['Tutti-Delivery'] == str(json.loads(body)['number'])
        check('... each signed', bool(good))
        m = s.ask('/metrics').text
        check('... and counted', re.search(r'^tutti_webhook_deliveries_total{result="ok"} 3$', m, re.M) is not None, m[-600:])
        check('the secret is not in the log', 'very secret' not in s.logged())
    finally:
        code = s.stop()
        check('ends with status 0 while a webhook waits', code == 0, code)
    path = os.path.join(s.state, 'webhooks-failed.jsonl')
    left = [json.loads(x) for x in open(path)] if os.path.exists(path) else []
    check('what nobody took is put aside', [(x['hook'], x['event']['type']) for x in left] ==
          [('nobody', t) for t in ('room-created', 'room-changed', 'room-created', 'room-ended')], left)
    check('... readable by the server only', os.path.exists(path) and os.stat(path).st_mode & 0o777 == 0o600)
    shutil.rmtree(s.dir, ignore_errors=True)
    box.shutdown()


# ---- the description ----

def resolve(doc, schema):
    while '$ref' in schema:
        at = doc
        for part in schema['$ref'][2:].split('/'):
            at = at[part]
        schema = at
    return schema


def fits(doc, schema, value, where='answer'):
    """What is wrong with a value, by the parts of JSON Schema that the document uses."""
    schema = resolve(doc, schema)
    if value is None and schema.get('nullable'):
        return []
    for part in schema.get('allOf', []):
        wrong = fits(doc, part, value, where)
        if wrong:
            return wrong
    kinds = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'integer': int, 'number': (int, float)}
    kind = schema.get('type')
    if kind and (not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != 'boolean')):
        return ['%s: %r is no %s' % (where, value, kind)]
    if 'enum' in schema and value not in schema['enum']:
        return ['%s: %r is none of %s' % (where, value, schema['enum'])]
    wrong = []
    if kind == 'object':
        wrong += ['%s: no %s' % (where, n) for n in schema.get('required', []) if n not in value]
        for n, v in value.items():
            sub = schema.get('properties', {}).get(n, schema.get('additionalProperties'))
            if sub is False:
                wrong.append('%s: %s is not told of' % (where, n))
            elif isinstance(sub, dict):
                wrong += fits(doc, sub, v, where + '.' + n)
    if kind == 'array':
        for v in value:
            wrong += fits(doc, schema['items'], v, where + '[]')
    return wrong


def refs(node):
    if isinstance(node, dict):
        if '$ref' in node:
            yield node['$ref']
        for v in node.values():
            yield from refs(v)
    elif isinstance(node, list):
        for v in node:
            yield from refs(v)


def structure(doc):
    wrong, ids = [], set()
    if doc['openapi'] != '3.0.3' or not doc['info']['title'] or not doc['info']['version']:
        wrong.append('its head')
    for r in refs(doc):
        try:
            resolve(doc, {'$ref': r})
        except KeyError:
            wrong.append('no ' + r)
    for path, item in doc['paths'].items():
        names = re.findall(r'{(\w+)}', path)
        for method, op in item.items():
            at = '%s %s' % (method, path)
            if method not in ('get', 'post', 'put', 'patch', 'delete'):
                wrong.append(at + ': no method')
            if op['operationId'] in ids:
                wrong.append(at + ': its id is taken')
            ids.add(op['operationId'])
            if sorted(p['name'] for p in op['parameters'] if p['in'] == 'path') != sorted(names):
                wrong.append(at + ': its parameters')
            if any(p['in'] == 'path' and not p['required'] for p in op['parameters']):
                wrong.append(at + ': a part of the path that is not required')
            if not op['responses'] or not op['summary'] or any(not r['description'] for r in op['responses'].values()):
                wrong.append(at + ': not told in words')
            if any(not re.fullmatch(r'[1-5]\d\d|default', x) for x in op['responses']):
                wrong.append(at + ': no status')
    return wrong


def example(doc, schema, name=''):
    schema = resolve(doc, schema)
    kind = schema.get('type')
    if 'enum' in schema:
        return schema['enum'][-1]
    if kind == 'object':
        return {n: example(doc, schema['properties'].get(n, {}), n) for n in schema.get('required', [])}
    return {'boolean': True, 'number': 0, 'integer': 1, 'array': [], 'string': {'scopes': 'read', 'text': 'x'}.get(name, 'x1')}.get(kind, 'x1')


def openapi(s):
    printed = json.loads(subprocess.run([os.path.join(BUILD, 'tutti'), '--openapi'], capture_output=True, text=True).stdout)
    doc = s.ask('/api/v1/openapi.json').json
    check('openapi: printed and served alike', doc == printed)
    wrong = structure(doc)
    check('openapi: its structure', not wrong, wrong[:5])
    verbs = s.ask('/api/v1/verbs').json['verbs']
    told = set(doc['paths'])
    check('openapi: every verb is in it', all(('/api/v1/rooms/{room}/%s' % v['verb'] in told) == (v['of'] != 'member') and
                                              ('/api/v1/rooms/{room}/members/{member}/%s' % v['verb'] in told) == (v['of'] != 'room') for v in verbs))
    wrong, n = [], 0
    fill = {'room': 'nowhere', 'member': '1', 'recording': 'none', 'file': 'mix.opus', 'token': 'none'}
    for path, item in doc['paths'].items():
        for method, op in item.items():
            at = re.sub(r'{(\w+)}', lambda m: fill[m.group(1)], path)
            body = None
            if 'requestBody' in op:
                body = example(doc, op['requestBody']['content']['application/json']['schema'])
            elif method in ('post', 'put', 'patch'):
                wrong.append('%s %s has no body' % (method, path))
            headers = {'Accept': 'application/json'}
            try:
                a = s.ask(at, body, method.upper(), headers=headers)
            except http.client.HTTPException as e:
                wrong.append('%s %s: %r' % (method, path, e))
                continue
            n += 1
            if str(a.status) not in op['responses'] or a.status in (405, 500):
                wrong.append('%s %s: %d %s' % (method, path, a.status, a.text[:80]))
            if op.get('security') != [] and s.status(at, body, method.upper(), token='', headers=headers) != 401:
                wrong.append('%s %s without a token' % (method, path))
            kinds = op['responses'].get(str(a.status), {}).get('content', {}).get('application/json')
            if kinds:
                wrong += ['%s %s: %s' % (method, path, x) for x in fits(doc, kinds['schema'], a.json)]
    check('openapi: each of %d operations answers as it says' % n, not wrong and n > 40, wrong[:8])
    for path, name in (('/api/v1/rooms/choir', 'room'), ('/api/v1/calls', 'calls'), ('/api/v1/tokens', 'tokens'), ('/api/v1/rooms', 'rooms'),
                       ('/api/v1/rooms/choir/bans', 'bans'), ('/api/v1/settings', 'setting-table')):
        wrong = fits(doc, {'$ref': '#/components/schemas/' + name}, s.ask(path).json)
        check('openapi: %s is as it says' % path, not wrong, wrong[:3])
    wrong = []
    for path, item in doc['paths'].items():                # the other way round: 405 names exactly the methods that are told
        at = re.sub(r'{(\w+)}', lambda m: fill[m.group(1)], path)
        a = s.ask(at, b'', 'TRACE', headers=JSON)
        allow = {m.lower() for m in (a.headers['Allow'] or '').split(', ')} - {'head'}
        if '/{room}/' in path:
            continue                                       # one pattern for all verbs
        if a.status == 405 and allow != set(item):
            wrong.append('%s: %s' % (path, a.headers['Allow']))
    check('openapi: no method of a path is left out', not wrong, wrong)


# ---- figures ----

def metrics(s):
    text = s.ask('/metrics', token='').text
    wrong = lint(text)
    check('metrics: written as Prometheus wants it', not wrong, wrong[:5])
    names = set(re.findall(r'^# TYPE (\S+)', text, re.M))
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    board = json.load(open(os.path.join(root, 'packaging/grafana/tutti.json')))
    used = set()
    for panel in board['panels']:
        for t in panel.get('targets', []):
            used |= set(re.findall(r'\btutti_\w+', t['expr']))
    base = {re.sub(r'_(bucket|sum|count)$', '', n) if re.sub(r'_(bucket|sum|count)$', '', n) in names else n for n in used}
    check('grafana: every figure it draws is there', base and base <= names, base - names)
    doc = open(os.path.join(root, 'docs/api.md')).read()
    check('metrics: each is told of in docs/api.md', all('`%s' % n in doc for n in names), [n for n in names if '`%s' % n not in doc])


def lint(text):
    """What promtool check metrics looks for: HELP and TYPE once and first, base units, _total on counters only, whole histograms."""
    wrong, kind, seen = [], {}, set()
    if not text.endswith('\n'):
        wrong.append('no newline at the end')
    for line in text.splitlines():
        m = re.fullmatch(r'# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)', line)
        if m:
            if m.group(1) == 'TYPE':
                if m.group(2) in kind:
                    wrong.append('twice: ' + line)
                kind[m.group(2)] = m.group(3)
            continue
        m = re.fullmatch(r'([a-z][a-z0-9_]*)(\{[^}]*\})? (\S+)', line)
        if not m:
            wrong.append('what is this: ' + line)
            continue
        name, labels = m.group(1), m.group(2) or ''
        base = name if name in kind else re.sub(r'_(bucket|sum|count)$', '', name)
        if base not in kind:
            wrong.append('no TYPE: ' + line)
            continue
        if (name, labels) in seen:
            wrong.append('twice: ' + line)
        seen.add((name, labels))
        if (kind[base] == 'counter') != base.endswith('_total'):
            wrong.append('_total: ' + line)
        if re.search(r'_(ms|us|milliseconds|microseconds|kib|percent)(_|$)', base):
            wrong.append('no base unit: ' + line)
        float(m.group(3))
        if labels and not re.fullmatch(r'\{([a-z_]+="(?:[^"\\]|\\["\\n])*")(,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\}', labels):
            wrong.append('labels: ' + line)
    for name, k in kind.items():
        if k == 'histogram':
            rows = re.findall(r'^%s_bucket\{le="([^"]+)"\} (\d+)$' % name, text, re.M)
            counts = [int(c) for _, c in rows]
            total = re.search(r'^%s_count (\d+)$' % name, text, re.M)
            if not rows or rows[-1][0] != '+Inf' or counts != sorted(counts) or not total or int(total.group(1)) != counts[-1]:
                wrong.append('a histogram that is none: ' + name)
        if k not in ('counter', 'gauge', 'histogram'):
            wrong.append('what kind is ' + k)
    return wrong


# ---- too often, and the end ----

def rates():
    s = Server('', None, 'http.rate=10')
    try:
        got = [s.ask('/api/v1/status') for _ in range(40)]
        late = [a for a in got if a.status == 429]
        check('above the rate: 429 and Retry-After', 5 < len(late) < 25 and late[0].headers['Retry-After'] == '1', len(late))
        check('... not by the unix socket', all(s.status('/api/v1/status', token='', unix=True) == 200 for _ in range(50)))
        time.sleep(0.5)
        check('... and a moment later again', s.status('/api/v1/status') == 200)
    finally:
        s.end()
    s = Server()
    try:
        wrong = [s.status('/api/v1/status', token='guess%d' % i) for i in range(60)]
        check('guesses: first 401, then 429', wrong[0] == 401 and wrong[-1] == 429 and wrong.count(401) < 40, wrong)
        check('... who has a right token does not suffer', s.status('/api/v1/status') == 200)
    finally:
        s.end()


def survives():
    s = Server()
    made = s.ask('/api/v1/rooms', {'room': 'kept', 'settings': {'title': 'Kept'}}).status
    token = s.ask('/api/v1/tokens', {'name': 'bot', 'scopes': 'read'}).json['token']
    locked = s.ask('/api/v1/rooms/kept/lock', {'on': True}).status
    last = s.ask('/api/v1/rooms', {'room': 'last'}).status
    s.proc.kill()
    s.proc.wait()
    t = Server('', s.state)
    try:
        room = t.ask('/api/v1/rooms/kept')
        check('what was answered with 200 survives SIGKILL', (made, locked, last) == (201, 200, 201) and room.status == 200 and
              room.json['locked'] and room.json['title'] == 'Kept' and t.status('/api/v1/rooms/last') == 200, room.text)
        check('... so does a token', t.status('/api/v1/rooms', token=token) == 200)
        check('a socket left behind is replaced', t.status('/api/v1/status', token='', unix=True) == 200)
    finally:
        t.end()
        shutil.rmtree(s.dir, ignore_errors=True)


def ending(s):
    w = WebSocket(s, '/api/v1/events?room=choir&levels=1')
    w.next()
    s.proc.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    check('draining: /readyz is 503', s.status('/readyz') == 503)
    check('draining: no new rooms', s.status('/api/v1/rooms', {'room': 'late'}) == 503)
    s.proc.send_signal(signal.SIGTERM)
    check('ends with status 0', s.proc.wait(5) == 0)
    check('... and nobody watches any more', w.ended(3))
    check('... the socket is gone', not os.path.exists(os.path.join(s.state, 'tutti.sock')))


def main():
    parts = sys.argv[2:]
    s = Server('[account zoe]\npassword = "x"\nrole = host\n')
    try:
        for part in look, console, descriptors, bodies, rooms, members, calls, recordings, tokens, cookies, events, slow, crowd, openapi, metrics, ending:
            if not parts or part.__name__ in parts:
                part(s)
    finally:
        s.end()
    for part in hooks, rates, survives:
        if not parts or part.__name__ in parts:
            part()
    return 1 if bad else 0


sys.exit(main())
