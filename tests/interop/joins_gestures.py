"""What programs and instruments play at two tutti-join of one room: liblo's oscsend and oscdump, MIDI through jackd on its dummy driver."""
import os
import re
import shutil
import socket
import subprocess

from cases import case
from gestpeer import wait
from joins import all_up, with_joiners
from phones import Missing


class Dump:
    """oscdump: what a program is told."""

    def __init__(self, port):
        self.process = subprocess.Popen(['oscdump', '-L', str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = []
        os.set_blocking(self.process.stdout.fileno(), False)

    def hears(self, *words, seconds=4):
        """A line with these words behind its time tag."""
        return wait(lambda: self.read() and any(line.split()[1:] == list(words) for line in self.lines), seconds)

    def read(self):
        try:
            self.lines += self.process.stdout.readlines()
        except (OSError, TypeError):
            pass
        return True

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Missing('no ' + tool)


def oscsend(port, *words):
    subprocess.run(['oscsend', '127.0.0.1', str(port), *words], check=True)


@case('join-osc', 'oscsend to one tutti-join is heard by oscdump at another: faders, one to one, MIDI addresses, the server; notes end with who played them')
def programs():
    need('oscsend', 'oscdump')
    to, own = free_port(), free_port()
    dump = Dump(to)

    def play(server, join):
        wrong = []
        anna = join('anna', None, '--osc-port', str(own))
        bob = join('bob', None, '--osc-to', '127.0.0.1:%d' % to)
        if not all_up(wrong, (anna, bob)):
            return wrong

        def heard(*words):
            if not dump.hears(*words):
                wrong.append('not heard: %s; but %s' % (' '.join(words), dump.lines[-10:]))
        oscsend(own, '/fader/1', 'f', '0.25')
        heard('/p/anna/fader/1', 'f', '0.250000')
        oscsend(own, '/to/bob/only', 'i', '7')
        heard('/p/anna/only', 'i', '7')
        oscsend(own, '/midi/1/note/60', 'i', '100')
        heard('/p/anna/midi/1/note/60', 'i', '100')
        oscsend(own, '/tutti/me/mute', 'i', '1')
        heard('/tutti/member/anna/mute', 'i', '1')
        oscsend(own, '/p/bob/lie', 'i', '1')
        anna.say('leave')
        heard('/p/anna/midi/1/note/60', 'i', '0')
        heard('/tutti/left', 's', '"anna"')
        if any('lie' in line for line in dump.lines):
            wrong.append('/p/bob/ came through')
        return wrong
    try:
        return with_joiners(play)
    finally:
        dump.close()


class Jack:
    """jackd on its dummy driver, under a name of its own, and programs on it."""

    def __init__(self, folder):
        need('jackd', 'jack_wait', 'jack_midiseq', 'jack_midi_dump', 'jack_connect')
        self.name = 'tutti-notes-%d' % os.getpid()
        self.env = {'JACK_DEFAULT_SERVER': self.name, 'JACK_NO_AUDIO_RESERVATION': '1', 'JACK_NO_START_SERVER': '1'}
        self.environ = dict(os.environ, **self.env)
        self.log = open(os.path.join(folder, 'jack.log'), 'wb')
        self.processes = []
        self.start('jackd', '--no-mlock', '-n', self.name, '-r', '-d', 'dummy', '-r', '48000', '-p', '256')
        if not wait(self.runs, 5):
            self.close()
            raise Missing('jackd does not run here')

    def runs(self):
        says = subprocess.run(['jack_wait', '-s', self.name, '-c'], env=self.environ, stdout=subprocess.PIPE, stderr=self.log)
        return says.stdout.strip() == b'running'

    def start(self, *words, **more):
        self.processes.append(subprocess.Popen(words, env=self.environ, **dict({'stdout': self.log, 'stderr': self.log}, **more)))
        return self.processes[-1]

    def run(self, *words):
        return subprocess.run(words, env=self.environ, stdout=self.log, stderr=self.log).returncode

    def connect(self, source, sink):
        return wait(lambda: self.run('jack_connect', '-s', self.name, source, sink) == 0, 4)

    def close(self):
        for p in reversed(self.processes):
            p.terminate()
            p.wait()
        self.log.close()


def held(path):
    """Keys that are down, by what jack_midi_dump has printed so far."""
    keys = set()
    with open(path) as f:
        for kind, key in re.findall(r'\b([89])0 (..) .. note', f.read()):
            if kind == '9':
                keys.add(key)
            else:
                keys.discard(key)
    return keys


@case('join-notes', 'notes into one tutti-join by JACK MIDI come out of another; who goes in the middle of one leaves none', limit=60)
def notes():
    def play(server, join):
        wrong = []
        jack = Jack(server.dir)
        try:
            flags = ['--driver', 'jack', '--device', jack.name, '--no-connect', '--midi', 'jack']
            anna = join('anna', None, *flags, '--jack-name', 'anna', env=jack.env.items())
            bob = join('bob', None, *flags, '--jack-name', 'bob', env=jack.env.items())
            if not all_up(wrong, (anna, bob)):
                return wrong
            heard = os.path.join(server.dir, 'notes')
            with open(heard, 'wb') as out:
                jack.start('stdbuf', '-oL', 'jack_midi_dump', '-a', stdout=out)

            def count(pattern):
                with open(heard) as f:
                    return len(re.findall(pattern, f.read()))

            def connect(source, sink):
                if not jack.connect(source, sink):
                    wrong.append('no connection from %s to %s' % (source, sink))

            connect('bob:midi_out', 'midi-monitor:input')
            jack.start('jack_midiseq', 'keys', '25600', '0', '60', '12800', '6400', '64', '12800')   # whole periods
            connect('keys:out', 'anna:midi_in')
            if not wait(lambda: count(r'\b90 3c') >= 3 and count(r'\b90 40') >= 3 and count(r'\b80 3c') >= 2, 8):
                wrong.append('heard: %s' % open(heard).read()[-400:])
            if not wait(lambda: held(heard), 4):
                wrong.append('no note is held')
            anna.say('leave')
            anna.wait_end()
            if not wait(lambda: not held(heard), 4):
                wrong.append('notes %s hang: %s' % (held(heard), open(heard).read()[-400:]))
        finally:
            jack.close()
        return wrong
    return with_joiners(play)
