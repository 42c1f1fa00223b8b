"""tutti-join's sound check against real servers, whose certificate is good, and a musician who changes networks."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from cases import QUICK, case
from phones import LATE, Missing
from server import BINARY, BUILD, ROOT, Server, sanitized

PROGRAM = os.environ.get('TUTTI_JOIN', os.path.join(BUILD, 'tutti-join'))
NETBOX = os.path.join(BUILD, 'tests', 'bench', 'netbox')
UNAVAILABLE = 69


def run(*args, before=(), limit=90, **more):
    if not os.path.exists(PROGRAM):
        raise Missing('no ' + PROGRAM)
    with tempfile.TemporaryDirectory(prefix='tutti-interop-') as home:
        return subprocess.run([*before, PROGRAM, *args], capture_output=True, text=True, timeout=limit,
                              env=dict(os.environ, HOME=home, XDG_CONFIG_HOME=home), **more)


def check(address, seconds, before=()):
    p = run('--check', '--json', '--seconds', str(seconds), address, before=before)
    try:
        return json.loads(p.stdout), p
    except ValueError:
        raise AssertionError('no JSON from a check that ended with %d: %s %s' % (p.returncode, p.stdout[-300:], p.stderr[-300:]))


def within(what, value, low, high):
    return [] if low <= value <= high else ['%s: %.2f, not %g to %g' % (what, value, low, high)]


def judge(report, rtt, loss, slack):
    """What was set on the way must be what was found. slack: ms that a busy machine may add to sound, and per cent it may lose."""
    wrong = []
    for t in report['trials']:
        name = '%s %g ms' % (t['codec'], t['frame_ms'])
        if not t['done']:
            wrong.append('%s: %s' % (name, t['why']))
            continue
        if t['heard'] < 0.8 * t['chirps'] or not t['chirps']:
            wrong.append('%s: heard %d of %d chirps' % (name, t['heard'], t['chirps']))
        # frame twice, tick, two buffers of which each is at most three frames and what the jitter is
        wrong += within('%s: sound, ms' % name, t['sound_ms'], rtt, rtt + 10 * t['frame_ms'] + 10 + slack)
        if t['rtt_ms']:
            wrong += within('%s: network, ms' % name, t['rtt_ms'], rtt, rtt + 4 + slack)
        wrong += within('%s: loss, %%' % name, t['loss_pct'], max(0, loss - 1), loss + 1 + slack / 4)
        if not t['srtp']:
            wrong.append('%s: plain' % name)
    if not any(t.get('rtt_ms') for t in report['trials']):
        wrong.append('nobody learned how far the network is')
    return wrong


def slack():
    return 40 if sanitized() else 10


@case('join-check', 'tutti-join --check on loopback: four trials, sound back in a few ms, words; what the server has not is told', limit=120,
      alone='delay')
def join_check():
    server, wrong = Server(), []
    try:
        report, p = check('sip:echo@%s:%d' % (server.host, server.port), 4 if QUICK else 6)
        print('# %s' % p.stdout.strip())
        if [(t['codec'], t['frame_ms']) for t in report['trials']] != [('L16', 1.333), ('L16', 2.5), ('L16', 5.0), ('Opus', 2.5)]:
            wrong.append('trials: %s' % report['trials'])
        found = judge(report, 0, 0, slack())
        if found:
            LATE.append(time.monotonic())
        wrong += found
        if report['grade'] != 'play' and not sanitized():
            wrong.append('on loopback it says: %s' % report['words'])
        if p.returncode:
            wrong.append('status %d' % p.returncode)
    finally:
        wrong += server.stop()
    return wrong


@case('join-check-none', 'tutti-join --check: nobody there, and a server that has no codec for music: told, with a status', limit=60)
def join_check_none():
    server, wrong = Server({'media.codecs': 'PCMU'}), []
    try:
        report, p = check('sip:echo@%s:%d' % (server.host, server.port), 1)
        if report['grade'] != 'none' or p.returncode != UNAVAILABLE or any('488' not in t['why'] for t in report['trials']):
            wrong.append('%d, %s' % (p.returncode, p.stdout))
        p = run('--check', '--seconds', '1', 'sip:echo@%s:%d' % (server.host, server.port))
        if 'Verdict: nothing came back' not in p.stdout:
            wrong.append('no words: %s' % p.stdout)
        p = run('--check', '--seconds', '1', 'sip:echo@%s:9' % server.host)
        if p.returncode != UNAVAILABLE or 'no sound check' not in p.stderr:
            wrong.append('nobody there: %d, %s' % (p.returncode, p.stderr))
    finally:
        wrong += server.stop()
    return wrong


# ---- a network between the two ----

class Far:
    """A server in one namespace, its clients in another, and a line between them that holds packets and loses some."""

    def __init__(self, **line):
        sys.path.insert(0, os.path.join(ROOT, 'tests', 'bench'))
        import netlab
        if not os.path.exists(NETBOX) or netlab.possible():
            raise Missing(netlab.possible() or 'no ' + NETBOX)
        self.net = netlab.Net(NETBOX, **line)
        self.dir = tempfile.TemporaryDirectory(prefix='tutti-interop-')

    def __enter__(self):
        self.net.__enter__()
        self.address = '%s:5060' % self.net.near_ip()
        self.log = open(os.path.join(self.dir.name, 'log'), 'wb')
        options = {'sip.listen': 'udp:%s tcp:%s' % (self.address, self.address), 'media.ports': '20000-20999', 'state.dir': self.dir.name + '/state',
                   'http.listen': '', 'sip.drain': '1', 'media.max-load': '100', 'rooms.open-to': 'any'}
        self.server = subprocess.Popen(self.net.near([BINARY] + [a for k, v in options.items() for a in ('-o', '%s=%s' % (k, v))]),
                                       stdout=self.log, stderr=self.log, cwd=self.dir.name)
        until = time.monotonic() + 10
        while 'server.ready' not in self.said():
            if time.monotonic() > until or self.server.poll() is not None:
                text = self.said()
                self.__exit__()
                raise AssertionError('the server: ' + text[-500:])
            time.sleep(0.1)
        return self

    def said(self):
        with open(self.log.name, errors='replace') as f:
            return f.read()

    def __exit__(self, *_):
        if self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        self.log.close()
        self.net.__exit__()
        self.dir.cleanup()


@case('join-check-net', 'tutti-join --check over 10 ms each way that lose 2 %: the figures are what was set', limit=150, alone=True)
def join_check_net():
    with Far(delay_ms=10, loss=2) as far:
        report, p = check('sip:echo@' + far.address, 8, before=far.net.far([]))
    print('# %s' % p.stdout.strip())
    wrong = judge(report, 20, 2, slack())
    if report['grade'] not in ('play', 'loose') or not report['holes'] or not 20 <= report['total_ms'] <= 70:
        wrong.append('%s: %s' % (report['grade'], report['words']))
    return wrong


class Events:
    """tutti-join with --json, what it says as it comes."""

    def __init__(self, args, home):
        self.out = open(os.path.join(home, 'out'), 'wb')
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, HOME=home, XDG_CONFIG_HOME=home))

    def states(self):
        with open(self.out.name, errors='replace') as f:
            lines = [json.loads(line) for line in f.read().split('\n')[:-1]]
        return [e for e in lines if e['event'] == 'state']

    def wait(self, what, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if what(self.states()):
                return True
            time.sleep(0.05)
        return False

    def close(self):
        self.process.terminate()
        try:
            return [] if self.process.wait(5) == 0 else ['tutti-join ended with %d' % self.process.returncode]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return ['tutti-join does not end']
        finally:
            self.out.close()


def ip(*args):
    subprocess.run(['ip', *args], check=True, capture_output=True)


@case('join-roams', 'a musician gets another address: it is back within seconds, from there, as the same one', limit=60)
def join_roams():
    wrong = []
    with Far() as far, tempfile.TemporaryDirectory(prefix='tutti-interop-') as home:
        e = Events(far.net.far([PROGRAM, '--json', '--driver', 'null', '--name', 'Anna', 'sip:echo@' + far.address]), home)
        try:
            if not e.wait(lambda s: s and s[-1]['state'] == 'up'):
                return ['never up: %s' % e.states()]
            ns, device = far.net.base + '-0', 'wire0'
            then = time.monotonic()
            ip('-n', ns, 'addr', 'del', '10.91.0.2/24', 'dev', device)
            ip('-n', ns, 'addr', 'add', '10.91.0.3/24', 'dev', device)
            if not e.wait(lambda s: len(far.said().split('call.established')) > 2, 8):
                wrong.append('not back: %s' % e.states())
            print('# back after %.1f s' % (time.monotonic() - then))
            if not e.wait(lambda s: s[-1]['state'] == 'up', 3):
                wrong.append('not up: %s' % e.states())
        finally:
            wrong += e.close()
        who = re.findall(r'call.established .*peer="(\S+)"', far.said())
        if len(who) != 2 or who[0] != who[1] or 'Anna' not in who[0]:
            wrong.append('it came as %s' % who)
    return wrong


# ---- certificates ----

@case('join-tls', 'a server\'s certificate: good, signed by nobody we know, of another name, and not looked at', limit=60)
def join_tls():
    wrong, server = [], None
    # its own certificate names 127.0.0.1 and the machine's addresses
    options = {'sip.listen': lambda port: 'udp:127.0.0.1:%d tcp:127.0.0.1:%d tls:127.0.0.1:%d tls:127.0.0.2:%d' % (port, port, port + 1, port + 1)}
    server = Server(options, tls=True)
    try:
        ca = os.path.join(server.dir, 'state', 'self-signed.pem')
        for name, host, flags, good in (('good', '127.0.0.1', ['--tls-ca', ca], True), ('by nobody', '127.0.0.1', [], False),
                                        ('another name', '127.0.0.2', ['--tls-ca', ca], False), ('by name', 'localhost', ['--tls-ca', ca], True),
                                        ('not looked at', '127.0.0.2', ['--no-tls-verify'], True)):
            p = run('--no-ui', '--driver', 'null', '--seconds', '2', *flags, 'sips:music-band@%s:%d' % (host, server.tls_port), limit=20,
                    stdin=subprocess.DEVNULL)
            if (p.returncode == 0) != good or (not good and 'certificate is not good' not in p.stdout + p.stderr):
                wrong.append('%s: %d, %s %s' % (name, p.returncode, p.stdout[-300:], p.stderr[-300:]))
    finally:
        wrong += server.stop()
    return wrong
