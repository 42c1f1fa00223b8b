#!/usr/bin/env python3
"""A conference of PCMU phones in one file: what the tests are tried on, so that a red test is the server's fault.

It takes the server's options as far as it needs them (-o sip.listen=, -o media.ports=). MINIROOM_LEAK=1 lets members hear
themselves, MINIROOM_DROP=N leaves out every Nth packet, MINIROOM_GAIN=X multiplies: with them the tests must fail.
"""
import os
import signal
import socket
import struct
import sys
import threading
import time

import sound
from sipmsg import Message, hostport, token, uri_of

LEAK = bool(os.environ.get('MINIROOM_LEAK'))
DROP = int(os.environ.get('MINIROOM_DROP', '0'))
GAIN = float(os.environ.get('MINIROOM_GAIN', '1'))
FRAME = 160
ALLOW = ('Allow', 'INVITE, ACK, BYE, CANCEL, OPTIONS')
calls, lock = {}, threading.Lock()


class Call:
    def __init__(self, msg, host, port):
        self.tag, self.host = token(), host
        self.room = uri_of(msg.first.split()[1]).split('@')[0].split(':')[-1]
        self.sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, port))
        self.sock.setblocking(False)
        self.queue, self.primed, self.frame = [], False, None
        self.seq, self.ts, self.ssrc = 1, 0, int(token(8), 16)
        self.invite, self.answer = None, None
        self.dst, self.hears = None, True

    def offer(self, msg):
        body = msg.body.decode('utf-8', 'replace')
        addr = [line.split()[2] for line in body.splitlines() if line.startswith('c=')][0]
        m = [line for line in body.splitlines() if line.startswith('m=audio')][0].split()
        if '0' not in m[3:]:
            return msg.reply(488, 'PCMU only', tag=self.tag)
        self.dst = (addr, int(m[1]))
        self.hears = 'a=sendonly' not in body and 'a=inactive' not in body
        way = {True: 'sendrecv', False: 'recvonly'}[self.hears]
        family = 'IP6' if ':' in self.host else 'IP4'
        sdp = ('v=0\r\no=- 1 %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=ptime:20\r\na=%s\r\n' % (
            int(time.time()), family, self.host, family, self.host, self.sock.getsockname()[1], way))
        return msg.reply(200, 'OK', [('Contact', '<sip:%s@%s>;isfocus' % (self.room, hostport(self.host, sip_port))),
                                     ('Content-Type', 'application/sdp'), ALLOW], sdp.encode(), tag=self.tag)

    def read(self):
        while True:
            try:
                data = self.sock.recv(2048)
            except OSError:
                break
            if len(data) == 12 + FRAME and data[1] & 0x7f == 0:
                self.queue.append(sound.decode('PCMU', data[12:]))
        del self.queue[:-8]
        if len(self.queue) >= 3:
            self.primed = True
        self.frame = self.queue.pop(0) if self.primed and self.queue else None
        if not self.queue:
            self.primed = self.primed and self.frame is not None

    def write(self, total):
        own = self.frame if self.frame and not LEAK else [0.0] * FRAME
        self.seq += 1
        self.ts += FRAME
        if not self.hears or (DROP and self.seq % DROP == 0):
            return
        payload = sound.encode('PCMU', [(t - o) * GAIN for t, o in zip(total, own)])
        packet = struct.pack('!BBHII', 0x80, 0, self.seq & 0xffff, self.ts, self.ssrc) + payload
        try:
            self.sock.sendto(packet, self.dst)
        except OSError:
            pass


def mix():
    at = time.monotonic()
    while True:
        at += 0.02
        time.sleep(max(0, at - time.monotonic()))
        with lock:
            rooms = {}
            for call in calls.values():
                call.read()
                rooms.setdefault(call.room, []).append(call)
            for members in rooms.values():
                total = [0.0] * FRAME
                for call in members:
                    if call.frame:
                        total = [a + b for a, b in zip(total, call.frame)]
                for call in members:
                    call.write(total)


def invite(msg, host):
    with lock:
        call = calls.get(msg.get('call-id'))
        if call and call.invite == msg.get('cseq'):
            return call.answer
        if not call:
            call = calls[msg.get('call-id')] = Call(msg, host, next(ports))
        call.invite = msg.get('cseq')
        call.answer = call.offer(msg)
        return call.answer


def answer(msg, host):
    if msg.method == 'OPTIONS':
        return msg.reply(200, 'OK', [ALLOW], tag=token())
    if msg.method == 'INVITE':
        return invite(msg, host)
    if msg.method == 'ACK' or msg.status:
        return None
    if msg.method == 'BYE':
        with lock:
            call = calls.pop(msg.get('call-id'), None)
        if call:
            call.sock.close()
        return msg.reply(200, 'OK') if call else msg.reply(481, 'No such call', tag=token())
    return msg.reply(405, 'Method Not Allowed', [ALLOW], tag=token())


def received(msg, peer):
    """RFC 3581: answers go where the request came from."""
    for i, (name, value) in enumerate(msg.headers):
        if name.lower() in ('via', 'v'):
            msg.headers[i] = (name, value.replace(';rport', ';rport=%d;received=%s' % (peer[1], peer[0])))
            return


def udp(host, port):
    sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, port))
    while True:
        data, peer = sock.recvfrom(65536)
        if not data.strip():
            continue
        msg = Message.parse(data)
        received(msg, peer)
        r = answer(msg, host)
        if r:
            sock.sendto(r.data(), peer)


def tcp_peer(sock, host):
    stream = b''
    while True:
        data = sock.recv(65536)
        if not data:
            return
        stream = (stream + data).lstrip(b'\r\n')
        while b'\r\n\r\n' in stream:
            end = stream.index(b'\r\n\r\n') + 4
            end += int(Message.parse(stream[:end]).get('content-length', '0'))
            if len(stream) < end:
                break
            r = answer(Message.parse(stream[:end]), host)
            if r:
                sock.sendall(r.data())
            stream = stream[end:].lstrip(b'\r\n')


def tcp(host, port):
    server = socket.create_server((host, port), family=socket.AF_INET6 if ':' in host else socket.AF_INET)
    while True:
        sock, _ = server.accept()
        threading.Thread(target=tcp_peer, args=(sock, host), daemon=True).start()


options = dict(a.split('=', 1) for a in sys.argv[1:] if '=' in a)
first, last = options['media.ports'].split('-')
ports = iter(range(int(first), int(last) + 1, 2))
for word in options['sip.listen'].split():
    transport, rest = word.split(':', 1)
    address, _, sip_port = rest.rpartition(':')
    sip_port = int(sip_port)
    if transport in ('udp', 'tcp'):
        threading.Thread(target={'udp': udp, 'tcp': tcp}[transport], args=(address.strip('[]'), sip_port), daemon=True).start()
signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
mix()
