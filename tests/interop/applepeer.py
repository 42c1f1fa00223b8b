"""AppleMIDI peers for cases: one in Python, one of somebody else's making (applemidi/peer.js), and a link that loses packets."""
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

import midistream
from oscstream import read_rtp
from phones import Missing

HERE = os.path.dirname(os.path.abspath(__file__))
IN, OK, NO, BY, CK, RS = b'IN', b'OK', b'NO', b'BY', b'CK', b'RS'
CLOCK = 10000


def packet(kind, *words, tail=b''):
    return b'\xff\xff' + kind + struct.pack('!%dI' % len(words), *words) + tail


class Python:
    """One session, invited by us. loss: of each packet after the session is there, both ways, 0 to 1."""

    def __init__(self, server, name, ports, host='127.0.0.1', seed=1):
        self.server, self.name, self.loss, self.rng = server, name, 0.0, random.Random(seed)
        self.ssrc, self.token = self.rng.getrandbits(32), self.rng.getrandbits(32)
        self.state, self.got, self.kinds, self.heard = 'new', [], [], []
        self.sender = midistream.Sender(97, CLOCK, ssrc=self.ssrc, rng=self.rng)
        self.sender.ts0 = 0
        self.receiver = midistream.Receiver(lambda c, how: self.heard.append(c))
        self.sock = []
        for port in ports, ports + 1:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((host, port))
            self.sock.append(s)
        self.lock, self.on, self.begun, self.sync, self.feedback = threading.Lock(), True, time.monotonic(), 0, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def now(self):
        return time.monotonic() - self.begun

    def _send(self, channel, data, sure=False):
        if sure or self.rng.random() >= self.loss:
            self.sock[channel].sendto(data, ('127.0.0.1', self.server + channel))

    def _ticks(self):
        return int(self.now() * CLOCK)

    def connect(self, seconds=8):
        """The last answer: open, refused or none."""
        until = time.monotonic() + seconds
        for channel in 0, 1:
            before = len([k for k in self.kinds if k[1:] == (channel, OK)])
            while time.monotonic() < until and self.state != 'refused':
                self._send(channel, packet(IN, 2, self.token, self.ssrc, tail=self.name.encode() + b'\0'))
                end = time.monotonic() + 0.5
                while time.monotonic() < end and self.state != 'refused':
                    if len([k for k in self.kinds if k[1:] == (channel, OK)]) > before:
                        break
                    time.sleep(0.01)
                else:
                    continue
                break
        while self.state == 'new' and time.monotonic() < until:
            self._clock()
            time.sleep(0.1)
        return self.state

    def _clock(self):
        self.sync = self._ticks()
        self._send(1, b'\xff\xffCK' + struct.pack('!IB3xQQQ', self.ssrc, 0, self.sync, 0, 0))

    def _session(self, channel, data):
        kind = data[2:4]
        self.kinds.append((time.monotonic(), channel, kind))
        if kind == NO:
            self.state = 'refused'
        elif kind == BY:
            self.state = 'over'
        elif kind == RS:
            self.sender.report(struct.unpack_from('!H', data, 8)[0])
        elif kind == CK:
            _, count, first, second, _ = struct.unpack_from('!IB3xQQQ', data, 4)
            if count == 1 and first == self.sync:
                self._send(1, b'\xff\xffCK' + struct.pack('!IB3xQQQ', self.ssrc, 2, first, second, self._ticks()))
                self.state = 'open' if self.state == 'new' else self.state

    def _take(self, channel, data):
        self.got.append((channel, data))
        if self.rng.random() < self.loss:
            return
        if data[:2] == b'\xff\xff':
            self._session(channel, data)
            return
        self.receiver.packet(read_rtp(data), time.monotonic())
        self.feedback = self.feedback or self.now() + 0.2

    def _run(self):
        beat = 5.0
        while self.on:
            for s in select.select(self.sock, [], [], 0.01)[0]:
                try:
                    data, source = s.recvfrom(2048)
                except OSError:
                    continue
                channel = self.sock.index(s)
                if source != ('127.0.0.1', self.server + channel):
                    continue              # meant for who had this port before
                with self.lock:
                    self._take(channel, data)
            with self.lock:
                if self.feedback and self.now() >= self.feedback:
                    self.feedback = None
                    self._send(0, packet(RS, self.ssrc, (self.receiver.highest & 0xffff) << 16))
                for p in self.sender.step(self.now()) if self.state == 'open' else []:
                    self._send(1, p)
                if self.state == 'open' and self.now() > beat:
                    beat = self.now() + 5
                    self._clock()

    def play(self, *commands):
        with self.lock:
            self._send(1, self.sender.play(self.now(), *commands))

    def leave(self):
        with self.lock:
            self._send(0, packet(BY, 2, self.token, self.ssrc), sure=True)
            self.state = 'over'

    def close(self):
        self.on = False
        self.thread.join()
        for s in self.sock:
            s.close()


class Lossy:
    """Between a peer and the server: a port of its own, packets lost both ways."""

    def __init__(self, server, ports, seed=1):
        self.loss, self.rng, self.on, self.peer = 0.0, random.Random(seed), True, [None, None]
        self.near, self.far, self.server = [], [], server
        for port in ports, ports + 1:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(('127.0.0.1', port))
            self.near.append(s)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(('127.0.0.1', 0))
            self.far.append(s)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.on:
            for s in select.select(self.near + self.far, [], [], 0.05)[0]:
                data, source = s.recvfrom(2048)
                lost = self.rng.random() < self.loss
                if s in self.near:
                    i = self.near.index(s)
                    self.peer[i] = source
                    if not lost:
                        self.far[i].sendto(data, ('127.0.0.1', self.server + i))
                elif self.peer[self.far.index(s)] and not lost:
                    i = self.far.index(s)
                    self.near[i].sendto(data, self.peer[i])

    def close(self):
        self.on = False
        self.thread.join()
        for s in self.near + self.far:
            s.close()


class Npm:
    """npm's rtpmidi: no journal, no repair, a marker bit that is never set."""

    def __init__(self, server, name, ports):
        folder = os.path.join(HERE, 'applemidi')
        if not shutil.which('node'):
            raise Missing('no node')
        if not os.path.isdir(os.path.join(folder, 'node_modules', 'rtpmidi')):
            raise Missing('tests/interop/applemidi has no packages (npm ci)')
        self.process = subprocess.Popen(['node', 'peer.js', str(ports), name, '127.0.0.1', str(server)], cwd=folder, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.events, self.heard = [], []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            if not line.startswith('{'):
                continue                  # its logger speaks before it can be told not to
            event = json.loads(line)
            if event['event'] == 'midi':
                self.heard.append(bytes.fromhex(event['data']))
            else:
                self.events.append(event['event'])

    def say(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()

    def play(self, *commands):
        for c in commands:
            self.say('send ' + c.hex())

    def sounding(self):
        held = set()
        for c in list(self.heard):
            if c[0] & 0xf0 == 0x90 and c[2]:
                held.add((c[0] & 15, c[1]))
            elif c[0] & 0xf0 in (0x80, 0x90):
                held.discard((c[0] & 15, c[1]))
        return held

    def leave(self):
        self.say('end')

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.thread.join(2)
