"""Starts the server under test on ports of its own, and ends it: only this process, by its number.

TUTTI names the binary (build/tutti beside the checkout). A slot of 2,000 ports is held by a file lock, so that cases can run
side by side and beside other runs on the machine.
"""
import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('TUTTI_BUILD', os.path.join(ROOT, 'build')))
BINARY = os.path.abspath(os.environ.get('TUTTI', os.path.join(BUILD, 'tutti')))
SLOT_FIRST, SLOT_SIZE, SLOTS = 12000, 2000, 10
PHONES = 200                      # ports of a slot that are not for media


def sanitized():
    """Under the address sanitizer what is freed is kept for a while: memory then is for the sanitizer to judge, at the end."""
    with open(BINARY, 'rb') as f:
        return b'__asan_init' in f.read()


COUNTERS = []                     # of the servers that were stopped


class Broken(Exception):
    """The server did what no test may find."""


class Slot:
    def __init__(self, wait=30):
        until = time.monotonic() + wait
        while True:
            for i in range(SLOTS):
                self.file = open(os.path.join(tempfile.gettempdir(), 'tutti-interop-%d.lock' % i), 'a+')
                try:
                    fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self.base = SLOT_FIRST + i * SLOT_SIZE
                    self.next = self.base + 10
                    if self._free():
                        return
                except OSError:
                    pass
                self.file.close()
            if time.monotonic() > until:
                raise Broken('no free ports')
            time.sleep(0.5)

    def _free(self):
        """Nobody else's, also not of a run that cannot see our locks (tests/fresh)."""
        for port in range(self.base, self.base + 3):
            for family, host in (socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'):
                for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
                    with socket.socket(family, kind) as s:
                        if kind == socket.SOCK_STREAM:             # a UDP socket would share the port then
                            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        try:
                            s.bind((host, port))
                        except OSError as e:
                            if e.errno == errno.EADDRINUSE:
                                raise
        return True

    def take(self, n=4):
        """The first of n ports for a phone, with nobody on them: programs that choose at random (liblo does, from 10000 on) know no slots."""
        while True:
            first, self.next = self.next, self.next + n
            if self.next > self.base + PHONES:
                raise Broken('no free ports for a phone')
            if all(map(self._unused, range(first, first + n))):
                return first

    @staticmethod
    def _unused(port):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            try:
                s.bind(('::', port))      # of both families
            except OSError as e:
                return e.errno != errno.EADDRINUSE
        return True

    def media(self):
        """What the server has for its media, and tutti-join beside it: both step over what is taken."""
        return '%d-%d' % (self.base + PHONES, self.base + SLOT_SIZE - 1)


class Server:
    def __init__(self, options=(), host='127.0.0.1', tls=False):
        self.slot = Slot()
        self.host, self.port = host, self.slot.base
        self.tls_port, self.http_port = self.port + 1, self.port + 2
        self.dir = tempfile.mkdtemp(prefix='tutti-interop-')
        address = '[%s]' % host if ':' in host else host
        listen = 'udp:%s:%d tcp:%s:%d' % (address, self.port, address, self.port)
        if tls:
            listen += ' tls:%s:%d' % (address, self.tls_port)
        settings = {'sip.listen': listen, 'media.ports': self.slot.media(),
                    'state.dir': os.path.join(self.dir, 'state'), 'http.listen': '127.0.0.1:%d' % self.http_port, 'sip.drain': '2',
                    # a sanitizer makes the server slow; calls are let in all the same
                    'media.max-load': '100',
                    # phones that are programs on a shared machine are no clean network: what they were late by now and then
                    # is not what is asked here
                    'media.jitter-min': '20',
                    # what is said would be in the sound that is judged
                    'prompts.say': 'nothing'}
        # a value may be a function of the slot's first port
        settings.update({k: v(self.port) if callable(v) else v for k, v in dict(options).items()})
        args = [BINARY]
        for name, value in settings.items():
            args += ['-o', '%s=%s' % (name, value)]
        self.args = args
        self.log_path = os.path.join(self.dir, 'stderr')
        self.log = open(self.log_path, 'wb')
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.dir)
        try:
            self._wait()
        except Exception:
            self.stop()
            raise

    def kill(self):
        """As a crash would end it: no word to anybody."""
        self.process.kill()
        self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def addr(self, transport='udp'):
        return self.host, self.tls_port if transport == 'tls' else self.port

    def _wait(self):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Broken('the server ended with %d at its start:\n%s' % (self.process.returncode, self.tail()))
            if self.alive(0.2):
                return
        raise Broken('no answer to OPTIONS in 5 s:\n' + self.tail())

    def alive(self, timeout=2.0):
        family = socket.AF_INET6 if ':' in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((self.host, self.port))
            me = s.getsockname()
            address = '[%s]' % me[0] if ':' in me[0] else me[0]
            server = '[%s]' % self.host if ':' in self.host else self.host
            try:
                s.send(('OPTIONS sip:%s:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bKalive%f;rport\r\n'
                        'Max-Forwards: 70\r\nFrom: <sip:alive@%s>;tag=a%f\r\nTo: <sip:%s:%d>\r\nCall-ID: alive%f\r\n'
                        'CSeq: 1 OPTIONS\r\nContact: <sip:alive@%s:%d>\r\nContent-Length: 0\r\n\r\n' % (
                            server, self.port, address, me[1], time.time(), address, time.time(), server, self.port,
                            time.time(), address, me[1])).encode())
                return s.recv(8192).startswith(b'SIP/2.0 200')
            except OSError:
                time.sleep(0.05)
                return False

    def tail(self, n=15):
        with open(self.log_path, errors='replace') as f:
            return ''.join(f.readlines()[-n:])

    def counters(self):
        """What the media side says of itself, for the reader of a failure: ticks, late, dropped; packets that were not taken."""
        try:
            with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % self.http_port, timeout=2) as r:
                text = r.read().decode()
        except OSError as e:
            return 'no /metrics: %s' % e
        return ', '.join('%s %s' % m for m in re.findall(r'^tutti_((?:mix_\w+|rtp_bad|rtp_stranger)_total) (\d+)', text, re.M))

    def proc(self):
        """Memory in KiB, threads, descriptors."""
        with open('/proc/%d/status' % self.pid) as f:
            status = dict(line.split(':', 1) for line in f if ':' in line)
        return {'rss': int(status['VmRSS'].split()[0]), 'threads': int(status['Threads']),
                'fds': len(os.listdir('/proc/%d/fd' % self.pid))}

    def stop(self):
        """SIGTERM ends it with status 0; what is wrong is returned as texts."""
        wrong = []
        if self.process.poll() is None:
            COUNTERS.append(self.counters())
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)          # the first one drains, the second one quits
                try:
                    self.process.wait(3)
                except subprocess.TimeoutExpired:
                    wrong.append('the server does not end on SIGTERM')
                    self.process.kill()
                    self.process.wait()
        if self.process.returncode != 0:
            wrong.append('the server ended with status %s:\n%s' % (self.process.returncode, self.tail()))
        with open(self.log_path, errors='replace') as f:
            for line in f:
                if 'Sanitizer' in line or 'runtime error:' in line:
                    wrong.append(line.strip())
        self.log.close()
        self.slot.file.close()
        if not wrong and not os.environ.get('KEEP'):
            shutil.rmtree(self.dir, ignore_errors=True)
        elif wrong:
            wrong.append('its folder is kept: ' + self.dir)
        return wrong
