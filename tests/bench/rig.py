"""The things a measurement needs: a server, an echo, the load generator. Each process is ended by its own number."""
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

BUILD = os.environ.get('TUTTI_BUILD', 'build-bench')
LOAD = os.path.join(BUILD, 'tutti-load')
TUTTI = os.path.join(BUILD, 'tutti')


class Trouble(Exception):
    """Something could not be measured, and why."""


def tool(name):
    return os.path.join(BUILD, 'tests', 'bench', name)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Process:
    def __init__(self, args, **kw):
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, **kw)
        self.pid = self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Server(Process):
    """Fresh, on free ports, with one media thread: a room lives on one, and so the figure is that of one core."""

    def __init__(self, threads=1, **settings):
        self.dir = tempfile.mkdtemp(prefix='tutti-bench-')
        self.port = free_port()
        options = {'sip.listen': 'udp:127.0.0.1:%d' % self.port, 'media.ports': '20000-32001', 'http.listen': '',
                   'state.dir': self.dir, 'sip.invite-rate': '0', 'sip.request-rate': '0', 'sip.max-calls': '20000',
                   'rooms.max-members': '20000', 'rooms.max': '20000', 'media.threads': str(threads), 'sip.drain': '0', 'media.max-load': '100',
                   'log.level': 'warning', 'prompts.say': 'nothing'}
        options.update({k.replace('__', '.'): v for k, v in settings.items()})
        args = [TUTTI]
        for name, value in options.items():
            args += ['-o', '%s=%s' % (name, value)]
        self.log = open(os.path.join(self.dir, 'log'), 'w+')
        self.began = time.monotonic()
        super().__init__(args, stdout=self.log, stderr=self.log)
        try:
            self.answer_s = self._first_answer()
        except Exception:
            self.stop()
            raise

    def _first_answer(self):
        """Asks every 5 ms; the time from the start of the process to the 200 of an INVITE."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(('127.0.0.1', self.port))
            s.settimeout(0.005)
            me = '127.0.0.1:%d' % s.getsockname()[1]
            n = 0
            while time.monotonic() - self.began < 10:
                n += 1
                body = ('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n')
                head = ('%%s sip:start@127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKs%%s;rport\r\nMax-Forwards: 70\r\n'
                        'From: <sip:bench@%s>;tag=b%d\r\nTo: <sip:start@127.0.0.1:%d>%%s\r\nCall-ID: start%d@bench\r\n'
                        'CSeq: %%d %%s\r\nContact: <sip:bench@%s>\r\n' % (self.port, me, me, n, self.port, n, me))
                try:
                    s.send((head % ('INVITE', n, '', 1, 'INVITE') + 'Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s'
                            % (len(body), body)).encode())
                    until = time.monotonic() + 0.05
                    while time.monotonic() < until:
                        answer = s.recv(8192).decode()
                        if answer.startswith('SIP/2.0 200'):
                            took = time.monotonic() - self.began
                            to = [x for x in answer.split('\r\n') if x.lower().startswith('to:')][0]
                            tag = ';tag=' + to.split(';tag=')[1]
                            for method, cseq in ('ACK', 1), ('BYE', 2):
                                s.send((head % (method, '%s%d' % (method, n), tag, cseq, method) + 'Content-Length: 0\r\n\r\n').encode())
                                time.sleep(0.05)
                            return took
                except OSError:
                    time.sleep(0.005)
        self.log.seek(0)
        raise Trouble('the server did not answer:\n' + self.log.read()[-800:])

    def load(self, *args, name='load', **kw):
        return load(*args, '--pid', str(self.pid), 'sip:%s@127.0.0.1:%d' % (name, self.port), **kw)

    def stop(self):
        super().stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Echo(Process):
    def __init__(self, sockets):
        for _ in range(20):
            self.port = random.randrange(2000, 19000 - sockets)
            super().__init__([tool('bench-echo'), str(self.port), str(sockets)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if self.process.stdout.readline() == b'ready\n':
                return
            self.stop()
        raise Trouble('no %d free ports for the echo' % sockets)

    def load(self, *args, **kw):
        return load(*args, '--pid', str(self.pid), '--raw', '127.0.0.1:%d' % self.port, **kw)


def load(*args, may_fail=False):
    """tutti-load's figures. Those of calls that failed are no figures."""
    p = subprocess.run([LOAD, '--json', '--realtime', *[str(a) for a in args]], capture_output=True, text=True, timeout=300)
    if not p.stdout.startswith('{'):
        raise Trouble('tutti-load %s: %s' % (' '.join(str(a) for a in args), p.stderr.strip()))
    r = json.loads(p.stdout)
    if not may_fail and (r['failed'] or r['answered'] < r['calls'] * r['rounds']):
        raise Trouble('%d of %d calls failed: %s' % (r['failed'], r['calls'], r['codes']))
    return r


def load_begin(*args):
    """The same, beside something else; its output is of no interest."""
    return Process([LOAD, '--json', '--realtime', *[str(a) for a in args]], stdout=subprocess.DEVNULL)


def late(r):
    """Did the generator keep its pace? The share of packets that left more than 5 ms late."""
    return r['late_ticks'] / max(1, r['rtp']['sent'])


def per_member(r):
    """CPU of the watched process, ms a second for each call."""
    return r['hold']['cpu_ms_s'] / r['calls']


def received_share(r, per_second):
    return r['hold']['received'] / (r['calls'] * per_second * r['hold']['seconds'])


def median(values):
    return statistics.median(values)
