#!/usr/bin/env python3
"""check-web.py BUILD: the HTTP face of a real server, asked over a socket: who gets what, and with which status.

One line `ok - ...` or `not ok - ...` for each thing seen; exit status 0 when all were ok."""
import http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

BUILD = sys.argv[1] if len(sys.argv) > 1 else 'build'
bad = 0


def check(name, good, seen=''):
    global bad
    bad += not good
    print('%s - web: %s%s' % ('ok' if good else 'not ok', name, '' if good else ' (%s)' % (seen,)))


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def ask(port, path, method='GET', token=None, body=None):
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
    c.request(method, path, body, {'Authorization': 'Bearer ' + token} if token else {})
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, text, r


INVITE = '''INVITE sip:band@127.0.0.1:{sip} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{me};branch=z9hG4bKweb\r
From: "A \\"loud\\" <b>" <sip:ann@127.0.0.1:{me}>;tag=1\r
To: <sip:band@127.0.0.1:{sip}>\r
Call-ID: web@test\r
CSeq: 1 INVITE\r
Max-Forwards: 70\r
Contact: <sip:ann@127.0.0.1:{me}>\r
Content-Type: application/sdp\r
Content-Length: {n}\r
\r
'''
SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n'


def join(sip):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(('127.0.0.1', 0))
    u.settimeout(5)
    u.sendto((INVITE.format(sip=sip, me=u.getsockname()[1], n=len(SDP)) + SDP).encode(), ('127.0.0.1', sip))
    while not u.recv(65536).startswith(b'SIP/2.0 200'):
        pass
    return u


def wait_ready(port):
    for _ in range(100):
        try:
            return ask(port, '/readyz')[0] == 200
        except OSError:
            time.sleep(0.05)
    return False


def look_console(port):
    """The page's files: what they are, what they may do, and that a browser need not fetch them twice."""
    status, text, r = ask(port, '/ui/app.js')
    check('a script of the console', status == 200 and r.headers['Content-Type'].startswith('text/javascript'), r.headers)
    policy = r.headers['Content-Security-Policy'] or ''
    check('with a policy that trusts nothing inline', "default-src 'none'" in policy and "script-src 'self'" in policy and
          'unsafe' not in policy and "require-trusted-types-for 'script'" in policy, policy)
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
    c.request('GET', '/ui/app.js', headers={'If-None-Match': r.headers['ETag']})
    again = c.getresponse()
    check('304 for who has it', again.status == 304 and again.read() == b'', again.status)
    c.close()                                     # libsoup does the same after a 304
    c.request('HEAD', '/ui/style.css')
    head = c.getresponse()
    check('HEAD of it', head.status == 200 and head.read() == b'' and int(head.headers['Content-Length']) > 1000, head.headers)
    c.close()
    check('it is only read', ask(port, '/ui/app.js', 'POST', body='x')[0] == 405)
    for path in ('/ui/', '/ui/nothing.js', '/ui/..%2f..%2fetc%2fpasswd', '/ui/../web.c', '/ui/types.d.ts'):
        check('%s is 404' % path, ask(port, path)[0] == 404)


def look(port, sip, state, proc):
    check('ready', wait_ready(port))
    token = open(os.path.join(state, 'admin-token')).read().strip()
    check('/healthz', ask(port, '/healthz')[:2] == (200, 'ok\n'))
    check('/ is a page', ask(port, '/')[0] == 200 and 'Tutti' in ask(port, '/')[1])
    look_console(port)
    check('an unknown path is 404', ask(port, '/nothing')[0] == 404)
    check('only GET and HEAD', ask(port, '/healthz', 'POST', body='x')[0] == 405)
    check('HEAD has no body', ask(port, '/healthz', 'HEAD')[:2] == (200, ''))
    for path in ('/api/v1/status', '/api/v1/rooms', '/api/v1/rooms/band', '/api/v1/events', '/api/v1/nothing'):
        check('%s wants a token' % path, ask(port, path)[0] == 401)
        check('%s refuses a wrong token' % path, ask(port, path, token=token[:-1] + 'x')[0] == 401)
        check('%s refuses half a token' % path, ask(port, path, token=token[:32])[0] == 401)
    check('no rooms yet', json.loads(ask(port, '/api/v1/rooms', token=token)[1]) == {'rooms': []})
    check('no such room', ask(port, '/api/v1/rooms/band', token=token)[0] == 404)
    check('a name too long', ask(port, '/api/v1/rooms/' + 'x' * 5000, token=token)[0] == 414)
    check('the event stream wants to know how', ask(port, '/api/v1/events', token=token)[0] == 406)

    phone = join(sip)
    room = json.loads(ask(port, '/api/v1/rooms/band', token=token)[1])
    check('the room has its member', [m['uri'].split(':')[1].split('@')[0] for m in room['members']] == ['ann'], room)
    check('its name is whole', 'loud' in room['members'][0]['name'] and '<b>' in room['members'][0]['name'], room)
    status = json.loads(ask(port, '/api/v1/status', token=token)[1])
    check('status counts it', (status['rooms'], status['members'], status['calls']) == (1, 1, 1), status)
    metrics = ask(port, '/metrics')[1]
    check('so do the metrics', re.search(r'^tutti_members 1$', metrics, re.M) is not None, metrics[:200])
    check('no secret in them', token not in metrics)
    check('hundred requests at once', hundred(port, token))

    proc.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    check('draining: /readyz is 503', ask(port, '/readyz')[0] == 503)
    proc.send_signal(signal.SIGTERM)
    check('ends with status 0', proc.wait(5) == 0)
    phone.close()


def hundred(port, token):
    conns = [http.client.HTTPConnection('127.0.0.1', port, timeout=10) for _ in range(100)]
    for c in conns:
        c.request('GET', '/api/v1/rooms/band', headers={'Authorization': 'Bearer ' + token})
    good = all(c.getresponse().status == 200 for c in conns)
    for c in conns:
        c.close()
    return good


def main():
    state = tempfile.mkdtemp(prefix='tutti-web-')
    sip, http_port = free_ports(2)
    proc = subprocess.Popen([os.path.join(BUILD, 'tutti'), '-o', 'sip.listen=udp:127.0.0.1:%d' % sip, '-o', 'state.dir=' + state,
                             '-o', 'http.listen=127.0.0.1:%d' % http_port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        look(http_port, sip, state, proc)
    finally:
        if proc.poll() is None:
            proc.kill()
        shutil.rmtree(state, ignore_errors=True)
    return 1 if bad else 0


sys.exit(main())
