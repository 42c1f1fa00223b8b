#!/usr/bin/env python3
"""Is anything lost? A server lives a busy life and ends on SIGTERM; the leak checker then counts what nobody holds.

    check-leaks.py BUILD-FOLDER                 a build with -Dchecks=asan: LeakSanitizer
    check-leaks.py --valgrind BUILD-FOLDER      any other build, under valgrind

Its life: calls up and down, calls that vanish, a call over TLS, a re-INVITE, REFER that moves and REFER that dials out
(an account proves itself), requests that are refused, HTTP with and without the token, two reloads, recordings, and calls that are
still there at the end, one of them recorded.
"""
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'interop'))
import pyphone                                                              # noqa: E402
from sipmsg import hostport                                             # noqa: E402

VALGRIND = ['valgrind', '--quiet', '--leak-check=full', '--errors-for-leak-kinds=definite,indirect',
            '--show-leak-kinds=definite,indirect', '--error-exitcode=99', '--num-callers=30']
LEAK = 'int main(void) { char *volatile p = __builtin_malloc(77); p = 0; return !!p; }'
PASSWORD = 'a long one'


class Wrong(Exception):
    pass


def the_sanitizer_sees(folder):
    """A leak that is one: where this is not found, nothing below says anything."""
    source, program = os.path.join(folder, 'leak.c'), os.path.join(folder, 'leak')
    with open(source, 'w') as f:
        f.write(LEAK)
    subprocess.run([os.environ.get('CC', 'cc'), '-O0', '-fsanitize=address', '-o', program, source], check=True)
    p = subprocess.run([program], capture_output=True, text=True, env=dict(os.environ, ASAN_OPTIONS='detect_leaks=1'))
    if '77 byte' not in p.stderr:
        raise Wrong('the leak sanitizer does not find a leak on this machine:\n' + p.stderr[-2000:])


def free_ports():
    for base in range(31000, 39000, 50):
        try:
            for i in range(4):
                for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(('127.0.0.1', base + i))
            return base
        except OSError:
            continue
    raise Wrong('no free ports')


class Callee:
    """A phone that answers: the one a REFER dials."""

    def __init__(self, server):
        self.invited = self.over = False
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind(('127.0.0.1', 0))
        self.end = pyphone.End('udp', server, self.message)
        self.uri = 'sip:callee@' + hostport(self.end.host, self.end.port)

    def message(self, m):
        if m.method in ('', 'ACK'):
            return
        headers, body = [('Contact', '<%s>' % self.uri)], b''
        if m.method == 'INVITE':
            self.invited = True
            headers.append(('Content-Type', 'application/sdp'))
            body = ('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n'
                    % self.rtp.getsockname()[1]).encode()
        self.over = self.over or m.method == 'BYE'
        self.end.send(m.reply(200, 'OK', headers, body, tag='callee').data())


def credentials(challenge, method, uri, user):
    """RFC 7616 with MD5, or SHA-256 where that is what is asked."""
    def of(name):
        return re.search(r'\b%s="?([^",]*)' % name, challenge).group(1)
    make = hashlib.sha256 if 'SHA-256' in challenge else hashlib.md5

    def h(*words):
        return make(':'.join(words).encode()).hexdigest()
    response = h(h(user, of('realm'), PASSWORD), of('nonce'), '00000001', 'c', 'auth', h(method, uri))
    return ('Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=%s, qop=auth, nc=00000001, cnonce="c"'
            % (user, of('realm'), of('nonce'), uri, response, 'SHA-256' if make is hashlib.sha256 else 'MD5'))


def call_with_account(phone, room):
    """INVITE, 401, INVITE again with the account's proof."""
    try:
        phone.call(room)
    except pyphone.CallFailed as e:
        refused = e.response
        if not refused or refused.status != 401:
            raise
    else:
        raise Wrong('an account was taken on trust')
    phone.rtp.close()
    proof = credentials(refused.get('www-authenticate'), 'INVITE', phone.uri(room), phone.name)
    phone.call(room, [('Authorization', proof)])


def wait_for(what, cond, seconds):
    until = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > until:
            raise Wrong('%s: not within %d s' % (what, seconds))
        time.sleep(0.1)


def expect(what, got, wanted):
    if got != wanted:
        raise Wrong('%s: %s, not %s' % (what, got, wanted))


class Life:
    def __init__(self, build, folder, valgrind):
        self.folder, self.build, self.slow = folder, build, 8 if valgrind else 1
        self.port = free_ports()
        self.addr = '127.0.0.1', self.port
        self.conf, self.log_path = os.path.join(folder, 'tutti.conf'), os.path.join(folder, 'log')
        self.http = 'http://127.0.0.1:%d' % (self.port + 2)
        self.write('info')
        env = dict(os.environ, ASAN_OPTIONS='detect_leaks=1:exitcode=98:fast_unwind_on_malloc=0', G_SLICE='always-malloc')
        self.log = open(self.log_path, 'wb')
        self.process = subprocess.Popen((VALGRIND if valgrind else []) + [os.path.join(build, 'tutti'), '-f', self.conf, '-o', 'media.max-load=100'],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env)

    def write(self, level):
        with open(self.conf, 'w') as f:
            f.write('[sip]\nlisten = udp:127.0.0.1:%d tcp:127.0.0.1:%d tls:127.0.0.1:%d\ninvite-rate = 0\ndrain = 1\n'
                    '[http]\nlisten = 127.0.0.1:%d\n[state]\ndir = %s\n[media]\nports = %d-%d\nrtp-timeout = 3\n'
                    '[dial]\nallow = sip:*@127.0.0.1:*\n[log]\nlevel = %s\n[account ann]\npassword = "%s"\nrole = host\n'
                    % (self.port, self.port, self.port + 1, self.port + 2, os.path.join(self.folder, 'state'),
                       40000, 41999, level, PASSWORD))
        os.chmod(self.conf, 0o600)

    def said(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def get(self, path, token=None):
        request = urllib.request.Request(self.http + path, headers={'Authorization': 'Bearer ' + token} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=5 * self.slow) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, ''
        except OSError:
            return 0, ''

    def load(self, n, *args):
        p = subprocess.run([os.path.join(self.build, 'tutti-load'), '--json', '-n', str(n), '-r', '5', '--cps', '25', '--hold', '2',
                            *args, '127.0.0.1:%d' % self.port], capture_output=True, text=True, timeout=120)
        expect('calls answered (%s)' % p.stdout, json.loads(p.stdout)['answered'], n)

    # ---- the days of its life ----

    def calls(self, n):
        self.load(n)
        self.load(n // 2, '--no-bye')
        wait_for('calls without sound are ended', lambda: '"calls":0' in self.get('/api/v1/status', self.token)[1].replace(' ', ''), 40)

    def sessions(self):
        secure = pyphone.Phone(('127.0.0.1', self.port + 1), 'secure', transport='tls')
        secure.call('room')
        expect('re-INVITE', secure.reinvite('sendonly').status, 200)
        expect('BYE over TLS', secure.bye(), True)

        moved = pyphone.Phone(self.addr, 'moved')
        moved.call('room')
        r = moved.request(moved.make('REFER', [('Refer-To', '<%s>' % moved.uri('other'))]))
        expect('REFER to another room', r.status, 202)
        expect('BYE', moved.bye(), True)

        stranger = pyphone.Phone(self.addr, 'stranger')
        stranger.call('room')
        r = stranger.request(stranger.make('REFER', [('Refer-To', '<sip:x@192.0.2.77>')]))
        expect('REFER of one who may not', r.status, 403)
        for method, status in ('FROBNICATE', 501), ('INFO', 415), ('SUBSCRIBE', 489):
            r = stranger.request(stranger.make(method, [('Event', 'presence')] if status == 489 else [('Content-Type', 'x/y')],
                                               b'' if status == 489 else b'?'))
            expect(method, r.status in (status, 405), True)
        r = stranger.request(stranger.make('SUBSCRIBE', [('Event', 'conference')]))
        expect('SUBSCRIBE to the room', r.status, 200)
        expect('BYE', stranger.bye(), True)

    def dial_out(self):
        callee, ann = Callee(self.addr), pyphone.Phone(self.addr, 'ann')
        # The name in From says which account must prove itself.
        call_with_account(ann, 'room')
        headers = [('Refer-To', '<%s>' % callee.uri)]
        r = ann.request(ann.make('REFER', headers))
        if r.status == 401:
            proof = credentials(r.get('www-authenticate'), 'REFER', ann.target, 'ann')
            r = ann.request(ann.make('REFER', headers + [('Authorization', proof)]))
        expect('REFER of a host', r.status, 202)
        wait_for('the one referred to is called', lambda: callee.invited, 10 * self.slow)
        time.sleep(1)
        expect('BYE', ann.bye(), True)
        wait_for('whom nobody hears is let go', lambda: callee.over, 20 * self.slow)
        callee.end.close()

    def web(self):
        for path, token, status in (('/', None, 200), ('/healthz', None, 200), ('/metrics', None, 200), ('/nothing', None, 404),
                                    ('/api/v1/rooms', None, 401), ('/api/v1/rooms', 'wrong', 401), ('/api/v1/rooms', self.token, 200),
                                    ('/api/v1/rooms/none', self.token, 404), ('/api/v1/status', self.token, 200)):
            expect(path, self.get(path, token)[0], status)

    def record(self, room, what):
        request = urllib.request.Request(self.http + '/api/v1/rooms/%s/record' % room, json.dumps({'text': what}).encode(),
                                         {'Authorization': 'Bearer ' + self.token, 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=5 * self.slow) as r:
            expect('record %s' % what, r.status, 200)

    def recordings(self):
        """Started, paused, resumed, stopped; one that its room ends."""
        caller = pyphone.Phone(self.addr, 'recorded', tone=440)
        caller.call('taped')
        for what in 'start', 'pause', 'resume', 'stop', 'start':
            self.record('taped', what)
            time.sleep(0.5 * self.slow)
        expect('BYE', caller.bye(), True)
        wait_for('recordings are finished', lambda: self.said().count('record.finished') == 2, 20 * self.slow)

    def reload(self):
        for level in 'debug', 'info':
            n = self.said().count('config.reloaded')
            self.write(level)
            self.process.send_signal(signal.SIGHUP)
            wait_for('reload', lambda: self.said().count('config.reloaded') > n, 5 * self.slow)

    def run(self, n):
        wait_for('start', lambda: self.get('/readyz')[0] == 200, 10 * self.slow)
        with open(os.path.join(self.folder, 'state', 'admin-token')) as f:
            self.token = f.read().strip()
        self.sessions()
        self.dial_out()
        self.web()
        self.reload()
        self.recordings()
        self.calls(n)
        last = [pyphone.Phone(self.addr, 'last%d' % i) for i in range(2)]
        for p in last:
            p.call('last')
        expect('a room', self.get('/api/v1/rooms/last', self.token)[0], 200)
        self.record('last', 'start')      # and is still recorded at the end
        time.sleep(0.5)
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30 * self.slow)
        for p in last:
            p.close()
        bad = [line for line in self.said().splitlines() if re.search(r'Sanitizer|runtime error|^==\d+==', line)]
        expect('exit status and complaints', (status, bad[:60]), (0, []))


def main():
    args = [a for a in sys.argv[1:] if a != '--valgrind']
    valgrind = len(args) < len(sys.argv) - 1
    build = os.path.abspath(args[0] if args else 'build-asan')
    with tempfile.TemporaryDirectory(prefix='tutti-leaks-') as folder:
        life = None
        try:
            if not valgrind:
                the_sanitizer_sees(folder)
                with open(os.path.join(build, 'tutti'), 'rb') as f:
                    if b'__asan_init' not in f.read():
                        raise Wrong(build + ' is not built with -Dchecks=asan')
            life = Life(build, folder, valgrind)
            life.run(20 if valgrind else 60)
            print('check-leaks: nothing is lost (%s)' % ('valgrind' if valgrind else 'leak sanitizer'))
            return 0
        except (Wrong, pyphone.CallFailed, subprocess.SubprocessError) as e:
            print('check-leaks: %s' % e)
            if life:
                print(life.said()[-6000:])
            return 1
        finally:
            if life and life.process.poll() is None:
                life.process.kill()
                life.process.wait()


sys.exit(main())
