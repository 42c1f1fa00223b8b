"""Real phones, headless, behind one face: start(room), hold(), resume(), stop(); heard(seconds, until) what reached the ear
before the moment `until`, which is just before stop() was called.

    Baresip    aufile in, sndfile dump of what was decoded, commands over ctrl_tcp
    Linphone   linphonec on a pipe, "soundcard use files"
    Sipp       a scenario with rtp_stream; its ear is the wire (AF_PACKET on lo, needs root)
    Py         pyphone.Phone in the same clothes

Each ends only the processes it started.
"""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pyphone
import sound
from sipmsg import hostport

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 45                      # of tone in a file: longer than any case

MODULES = next((d for d in glob.glob('/usr/lib/*/baresip/modules') + ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules']
                if os.path.isdir(d)), '')


LATE = []                         # moments when a phone, as seen on the wire, sent nothing for too long


class Missing(Exception):
    """A phone is not installed, or cannot do what is asked: the case is skipped and says why."""


def need(program, package):
    if not shutil.which(program):
        raise Missing('%s is not installed (package %s)' % (program, package))


def first_in_line():
    """Phones have a processor of their own: theirs go before ordinary work, where that is allowed, all their threads."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        pass


class Process:
    def spawn(self, args, **how):
        self.log = open(os.path.join(self.dir, self.name + '.log'), 'wb')
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log, cwd=self.dir, preexec_fn=first_in_line, **how)

    def said(self):
        with open(os.path.join(self.dir, self.name + '.log'), errors='replace') as f:
            return f.read()

    def wait_for(self, text, timeout):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if text in self.said():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError('%s: "%s" did not come; the last it said:\n%s' % (self.name, text, self.said()[-1500:]))

    def end(self, timeout=4):
        if self.process.poll() is None:
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(2)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        self.log.close()


def end_all(members):
    """At the end of a case, whatever came of it: no program of a phone is left."""
    for p in members:
        if getattr(p, 'process', None):
            p.end(0)


BARESIP_CONFIG = '''poll_method epoll
sip_listen {listen}
call_local_timeout 120
call_max_calls 2
audio_path {dir}
audio_player aubridge,null_{name}
audio_source aufile,{dir}/tone.wav
audio_alert aubridge,alert_{name}
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels {channels}
auplay_channels {channels}
audio_txmode poll
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_ports {rtp}-{rtp_last}
rtcp_mux {mux}
jitter_buffer_delay 2-10
rtp_stats no
module_path {modules}
module aufile.so
module aubridge.so
module sndfile.so
module g711.so
module opus.so
module srtp.so
{dtls}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{ctrl}
snd_path {dir}
opus_bitrate 64000
opus_stereo yes
opus_sprop_stereo yes
'''


class Baresip(Process):
    """srtp: True, or how: 'dtls', or 'dtls-apart', without rtcp-mux."""
    kind = 'baresip'
    encryption = {False: '', True: ';mediaenc=srtp-mand', 'dtls': ';mediaenc=dtls_srtp', 'dtls-apart': ';mediaenc=dtls_srtp'}
    codecs = {'PCMU': ('PCMU/8000/1', 8000, 1), 'Opus': ('opus/48000/2', 48000, 2), 'both': ('PCMU/8000/1,PCMA/8000/1', 8000, 1)}

    def __init__(self, server, name, tone, codec='PCMU', transport='udp', srtp=False):
        need('baresip', 'baresip-core')
        dtls = str(srtp).startswith('dtls')
        for module in ('aufile', 'aubridge', 'sndfile', 'g711', 'ctrl_tcp') + ('opus',) * (codec == 'Opus') + ('dtls_srtp',) * dtls:
            if not os.path.exists(os.path.join(MODULES, module + '.so')):
                raise Missing('baresip has no module ' + module)
        self.server, self.name, self.tone, self.transport = server, name, tone, transport
        self.dir = os.path.join(server.dir, name)
        os.mkdir(self.dir)
        offer, rate, channels = self.codecs[codec]
        ports = server.slot.take(20)
        self.ctrl = ports + 3             # TLS listens one above sip_listen
        v6 = ':' in server.host
        with open(os.path.join(self.dir, 'config'), 'w') as f:
            f.write(BARESIP_CONFIG.format(listen=hostport(server.host, ports), dir=self.dir, name=name, rate=rate, channels=channels,
                                          rtp=ports + 4, rtp_last=ports + 18, modules=MODULES, ctrl=self.ctrl,
                                          mux='yes' if srtp == 'dtls' else 'no', dtls='module dtls_srtp.so' if dtls else ''))
        with open(os.path.join(self.dir, 'accounts'), 'w') as f:
            f.write('<sip:%s@%s>;regint=0;audio_codecs=%s%s\n' % (name, '[%s]' % server.host if v6 else server.host, offer,
                                                                  self.encryption[srtp]))
        open(os.path.join(self.dir, 'contacts'), 'w').close()
        sound.wav_tone(os.path.join(self.dir, 'tone.wav'), tone, rate, channels, SECONDS)
        self.args = ['baresip', '-6' if v6 else '-4', '-f', self.dir]

    def start(self, room):
        self.spawn(self.args, stdin=subprocess.DEVNULL)
        self.wait_for('baresip is ready', 8)
        uri = 'sip:%s@%s' % (room, hostport(*self.server.addr(self.transport)))
        self.command('dial', uri + ('' if self.transport == 'udp' else ';transport=' + self.transport))
        self.wait_for('Call established', 8)

    def command(self, word, params=''):
        text = json.dumps({'command': word, 'params': params, 'token': word}).encode()
        with socket.create_connection(('127.0.0.1', self.ctrl), 3) as s:
            s.sendall(b'%d:%s,' % (len(text), text))
            s.settimeout(3)
            answer = b''
            while b'"response":true' not in answer.replace(b' ', b''):
                more = s.recv(4096)
                assert more, '%s: no answer to %s' % (self.name, word)
                answer += more
        assert b'"ok":true' in answer.replace(b' ', b''), '%s: %s: %r' % (self.name, word, answer)

    def hold(self):
        self.command('hold')

    def resume(self):
        self.command('resume')

    def stop(self):
        if self.process.poll() is None:
            try:
                self.command('hangup')
                time.sleep(0.3)
                self.command('quit')
            except OSError:
                self.process.send_signal(signal.SIGTERM)
        self.end()

    def heard(self, seconds, until):
        """The last seconds before it hung up, in the last dump it wrote."""
        files = sorted(glob.glob(os.path.join(self.dir, 'dump-*-dec.wav')), key=os.path.getmtime)
        assert files, '%s wrote no dump; the last it said:\n%s' % (self.name, self.said()[-1500:])
        samples, rate = sound.wav_read(files[-1])
        return last(samples, rate, seconds), rate


def last(samples, rate, seconds, tail=0.8):
    """The seconds that end `tail` before the end: in the tail phones are hanging up already."""
    end = len(samples) - round(tail * rate)
    return samples[max(0, end - round(seconds * rate)):max(0, end)]


LINPHONE_RC = '''[sip]
bind_address={host}
sip_port={sip}
sip_tcp_port={tcp}
sip_tls_port={tls}
contact=sip:{name}@{contact}
default_proxy=-1
guess_hostname=0
register_only_when_network_is_up=0
ping_with_options=0
use_ipv6=0
media_encryption={encryption}
media_encryption_mandatory={mandatory}
verify_server_certs=0
verify_server_cn=0
[net]
mtu=1300
[rtp]
audio_rtp_port={rtp}
audio_jitt_comp=60
[sound]
echocancellation=0
agc=0
'''
LINPHONE_CODEC = '''[audio_codec_{n}]
mime={mime}
rate={rate}
channels={channels}
enabled={enabled}
'''


class Linphone(Process):
    kind = 'linphone'
    codecs = {'PCMU': ('PCMU', 8000, 1), 'Opus': ('opus', 48000, 2)}

    def __init__(self, server, name, tone, codec='PCMU', transport='udp', srtp=False):
        need('linphonec', 'linphone-cli')
        if ':' in server.host:
            raise Missing('linphone calls over IPv6 only where there is a route to the outside')
        self.server, self.name, self.tone, self.transport = server, name, tone, transport
        self.dir = os.path.join(server.dir, name)
        os.mkdir(self.dir)
        mime, rate, channels = self.codecs[codec]
        port = server.slot.take(10)
        listens = {t: port + i if t == transport else 0 for i, t in enumerate(('udp', 'tcp', 'tls'))}
        rc = LINPHONE_RC.format(host=server.host, name=name, sip=listens['udp'], tcp=listens['tcp'], tls=listens['tls'],
                                contact=hostport(server.host, listens[transport]), rtp=port + 4,
                                encryption={False: 'none', True: 'srtp', 'dtls': 'dtls'}[srtp], mandatory=int(bool(srtp)))
        everything = [('opus', 48000, 2), ('speex', 16000, 1), ('speex', 8000, 1), ('PCMU', 8000, 1), ('PCMA', 8000, 1),
                      ('GSM', 8000, 1), ('G722', 8000, 1), ('iLBC', 8000, 1), ('speex', 32000, 1), ('BV16', 8000, 1)]
        for n, (m, r, c) in enumerate(everything):
            rc += LINPHONE_CODEC.format(n=n, mime=m, rate=r, channels=c, enabled=int(m == mime))
        with open(os.path.join(self.dir, 'rc'), 'w') as f:
            f.write(rc)
        file_rate = 48000 if codec == 'Opus' else 8000
        sound.wav_tone(os.path.join(self.dir, 'tone.wav'), tone, file_rate, 1, SECONDS)

    def start(self, room):
        self.spawn(['linphonec', '-c', os.path.join(self.dir, 'rc')], stdin=subprocess.PIPE,
                   env=dict(os.environ, HOME=self.dir))
        self.type('ipv6 disable')
        self.type('soundcard use files')
        self.type('record %s/heard.wav' % self.dir)
        uri = 'sip:%s@%s' % (room, hostport(*self.server.addr(self.transport)))
        self.type('call ' + uri + ('' if self.transport == 'udp' else ';transport=' + self.transport))
        self.wait_for('Media streams established', 10)
        self.type('play %s/tone.wav' % self.dir)

    def type(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def hold(self):
        self.type('pause')

    def resume(self):
        self.type('resume')

    def stop(self):
        if self.process.poll() is None:
            try:
                self.type('terminate')
                time.sleep(0.5)
                self.type('quit')
            except OSError:
                pass
        self.end(6)

    def heard(self, seconds, until):
        samples, rate = sound.wav_read(os.path.join(self.dir, 'heard.wav'))
        return last(samples, rate, seconds), rate


class Wire:
    """What goes over lo to the port that a phone names in its offer (found by its o= line), as the kernel shows it to root."""

    def __init__(self, origin):
        try:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        except (PermissionError, AttributeError, OSError) as e:
            raise Missing('the wire cannot be listened to: %s (sipp has no ear of its own; run as root)' % e)
        so_rcvbufforce = 33                                # SO_RCVBUF is cut at 200 KiB, which a busy lo fills in a moment
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, 8 << 20)
        except PermissionError:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind(('lo', 0))
        self.sock.settimeout(0.3)
        self.origin, self.port, self.packets, self.on = b'o=%s ' % origin.encode(), None, [], True
        self.last_sent = None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while self.on:
            try:
                data, where = self.sock.recvfrom(4096)
            except (socket.timeout, TimeoutError):
                continue
            if where[2] == socket.PACKET_OUTGOING:         # lo shows each packet twice
                continue
            if self.port is None:
                m = re.search(rb'm=audio (\d+)', data) if self.origin in data else None
                if m:
                    self.port = int(m.group(1))
                    self._only(self.port)
                continue
            start, kind = ((data[0] & 15) * 4, data[9]) if data[0] >> 4 == 4 else (40, data[6])
            if kind != 17:
                continue
            source, target = struct.unpack('!HH', data[start:start + 4])
            if target == self.port:
                self.packets.append((time.monotonic(), data[start + 8:]))
            elif source == self.port:
                self._sent(time.monotonic())

    def _only(self, port):
        """From now on the kernel gives us UDP of this port only: what others do on lo must not push our packets out."""
        ld_b, ld_h, ld_ip, ld_x, rsh, jeq, ret = 0x30, 0x28, 0xb1, 0x48, 0x74, 0x15, 0x06
        code = [(ld_b, 0, 0, 0), (rsh, 0, 0, 4), (jeq, 7, 0, 6),                     # version 6: to the tenth
                (ld_b, 0, 0, 9), (jeq, 0, 12, 17), (ld_ip, 0, 0, 0), (ld_x, 0, 0, 0), (jeq, 8, 0, port),
                (ld_x, 0, 0, 2), (jeq, 6, 7, port),
                (ld_b, 0, 0, 6), (jeq, 0, 5, 17), (ld_h, 0, 0, 40), (jeq, 2, 0, port), (ld_h, 0, 0, 42), (jeq, 0, 1, port),
                (ret, 0, 0, 0xffff), (ret, 0, 0, 0)]
        program = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *c) for c in code))
        so_attach_filter = 26
        self.sock.setsockopt(socket.SOL_SOCKET, so_attach_filter, struct.pack('@HP', len(code), ctypes.addressof(program)))

    def _sent(self, now):
        if self.last_sent and now - self.last_sent > 0.035:
            LATE.append(now)
        self.last_sent = now

    def close(self):
        self.on = False
        self.thread.join(1)
        self.sock.close()


class Sipp(Process):
    kind = 'sipp'
    talk_ms = 19000               # as in stream.xml: it cannot be told to hang up

    def __init__(self, server, name, tone, codec='PCMU', transport='udp', srtp=False):
        need('sipp', 'sip-tester')
        if codec != 'PCMU' or srtp or transport == 'tls':
            raise Missing('sipp does PCMU over UDP and TCP only')
        self.server, self.name, self.tone, self.transport = server, name, tone, transport
        self.dir = os.path.join(server.dir, name)
        os.mkdir(self.dir)
        with open(os.path.join(self.dir, 'tone.ul'), 'wb') as f:
            f.write(sound.encode('PCMU', sound.tone(tone, 8000, 10)))
        self.port = server.slot.take(20)

    def start(self, room):
        self.wire = Wire(self.name)
        v6 = ':' in self.server.host
        host = '[%s]' % self.server.host if v6 else self.server.host
        self.spawn(['sipp', '-sf', os.path.join(HERE, 'sipp', 'stream.xml'), '-s', room, '-i', host, '-mi', host, '-p', str(self.port),
                    '-mp', str(self.port + 4), '-m', '1',
                    '-t', 'u1' if self.transport == 'udp' else 't1', '-nostdin', '-cp', str(self.port + 2),
                    '-key', 'name', self.name,
                    hostport(self.server.host, self.server.addr(self.transport)[1])], stdin=subprocess.DEVNULL)
        until = time.monotonic() + 8
        while not self.wire.packets and time.monotonic() < until:
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        assert self.wire.packets, '%s: no sound came; the last it said:\n%s' % (self.name, self.said()[-1500:])

    def stop(self):
        """It hangs up by itself when its time is over; the status says whether its call went as the scenario says."""
        self.end(self.talk_ms / 1000)
        self.wire.close()
        assert self.process.returncode == 0, '%s: sipp ended with %d:\n%s' % (self.name, self.process.returncode,
                                                                            self.said()[-1500:])

    def heard(self, seconds, until):
        out, base = {}, None
        for at, data in self.wire.packets:
            if len(data) < 12 or data[0] >> 6 != 2 or data[1] & 0x7f != 0 or not until - seconds <= at <= until:
                continue
            ts = struct.unpack('!I', data[4:8])[0]
            base = ts if base is None else base
            out[(ts - base) & 0xffffffff] = sound.decode('PCMU', data[12 + 4 * (data[0] & 15):])
        out = {k: v for k, v in out.items() if k < 8000 * 120}
        samples = [0.0] * (max(out) + 160 if out else 0)
        for k, v in out.items():
            samples[k:k + len(v)] = v
        return samples, 8000


class Py:
    kind = 'python'

    def __init__(self, server, name, tone, codec='PCMU', transport='udp', srtp=False):
        if srtp:
            raise Missing('the Python phone does no SRTP')
        self.phone = pyphone.Phone(server.addr(transport), name, tone, (codec,), transport)
        self.name, self.tone = name, tone

    def start(self, room):
        self.phone.call(room)

    def hold(self):
        r = self.phone.hold()
        assert r.status == 200, 'hold: ' + r.first

    def resume(self):
        r = self.phone.resume()
        assert r.status == 200, 'resume: ' + r.first

    def stop(self):
        assert self.phone.bye(), '%s: no 200 to BYE' % self.name

    def heard(self, seconds, until):
        return self.phone.heard(until - seconds, seconds)


KINDS = {'baresip': Baresip, 'linphone': Linphone, 'sipp': Sipp, 'python': Py}
