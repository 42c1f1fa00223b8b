"""tutti-join as a program under test: started with --json, its events read, commands given; ended only by its own process."""
import json
import os
import subprocess
import threading
import time

import sound
from phones import LATE, Missing
from server import BUILD, sanitized

PROGRAM = os.environ.get('TUTTI_JOIN', os.path.join(BUILD, 'tutti-join'))


def room_uri(server, room='music-band', transport='udp', scheme='sip'):
    host = '[%s]' % server.host if ':' in server.host else server.host
    end = '' if transport == 'udp' else ';transport=' + transport
    return '%s:%s@%s:%d%s' % (scheme, room, host, server.addr(transport)[1], end)


class Joiner:
    """uri None: --answer. freq: a tone of a file, with --driver file; what is heard goes to self.wav."""

    def __init__(self, folder, name, uri, *flags, freq=None, env=(), json_out=True):
        if not os.path.exists(PROGRAM):
            raise Missing('no ' + PROGRAM)
        self.name, self.events, self.freq = name, [], freq
        self.wav = os.path.join(folder, 'heard-%s.wav' % name)
        args = [PROGRAM, '--name', name, '--out-file', self.wav]
        if json_out:
            args += ['--json']
        if freq:
            play = os.path.join(folder, 'play-%s.wav' % name)
            sound.wav_tone(play, freq, 48000, 2, 10)
            args += ['--driver', 'file', '--in-file', play, '--loop']
        elif '--driver' not in flags:
            args += ['--driver', 'null']
        args += list(flags) + ([uri] if uri else ['--answer'])
        environ = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, **dict(env))
        self.stderr = open(os.path.join(folder, 'stderr-' + name), 'wb')
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr, env=environ, bufsize=0)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for line in self.process.stdout:
                self._take(line)
        except ValueError:
            pass                          # a case has closed it

    def _take(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            event = {'event': 'line', 'line': line.decode(errors='replace')}
        event['here'] = time.monotonic()
        self.events.append(event)

    def say(self, line):
        self.process.stdin.write((line + '\n').encode())

    def heard(self, event, **fields):
        """All such events; a field may be a function of its value."""
        return [e for e in list(self.events) if e['event'] == event and all(
            k in e and (v(e[k]) if callable(v) else e[k] == v) for k, v in fields.items())]

    def last(self, event):
        return (self.heard(event) or [{}])[-1]

    def is_up(self):
        return self.last('state').get('state') == 'up'

    def names(self):
        here = set()
        for e in list(self.events):
            if e['event'] == 'joined':
                here.add(e['name'])
            elif e['event'] == 'left':
                here.discard(e['name'])
        return here

    def wait_end(self, seconds=5):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.thread.join(2)
        return self.process.returncode

    def tail(self):
        with open(self.stderr.name, errors='replace') as f:
            return f.read()[-800:]

    def close(self):
        """What was wrong with it. It ends by SIGTERM within two seconds, with 0."""
        wrong = []
        if self.process.poll() is None:
            self.process.terminate()
            status = self.wait_end(2.5 if not sanitized() else 10)
            if status is None:
                wrong.append('%s does not end on SIGTERM' % self.name)
                self.process.kill()
                self.process.wait()
            elif status != 0:
                wrong.append('%s ended with %d: %s' % (self.name, status, self.tail()))
        if 'Sanitizer' in self.tail() or 'runtime error' in self.tail():
            wrong.append('%s: %s' % (self.name, self.tail()))
        self.stderr.close()
        return wrong

    def xruns(self):
        return self.last('stats').get('xruns', 0)

    def judge(self, others, first, last, floor=-60.0):
        """What it heard in the seconds `first` to `last` of its file: each other tone at its level, without a gap, nothing of its own."""
        if self.xruns():
            LATE.append(time.monotonic())         # its own clock was late: this machine is busy
        samples, rate = sound.wav_read(self.wav)
        part = samples[round(first * rate):round(last * rate)]
        if len(part) < (last - first) * rate * 0.9:
            return ['%s heard only %.1f s' % (self.name, len(part) / rate)]
        return sound.judge(self.name, part, rate, others, self.freq, tolerance=0.5, floor=floor)
