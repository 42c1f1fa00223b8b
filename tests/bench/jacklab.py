"""JACK servers on the dummy driver, programs that play through them, and the rig that measures (jack/jackrig.c).

Each server has a name of its own, so that other JACK on the machine is left alone; each process is ended by its number.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from awake import Awake
from rig import Process, Trouble, tool


def realtime():
    """May programs of ours ask for SCHED_FIFO? On a machine that others share, JACK is of no use without."""
    if os.environ.get('RT', '') == '0' or not shutil.which('chrt'):
        return False
    return subprocess.run(['chrt', '-f', '10', 'true'], stderr=subprocess.DEVNULL).returncode == 0


class Jack(Process):
    """A JACK server; what plays through it gets `env`."""
    count = 0
    program = 'jackd'

    def __init__(self, period, rate=48000):
        if not shutil.which(self.program):
            raise Trouble('%s is not installed' % self.program)
        Jack.count += 1
        self.period, self.rate, self.rt = period, rate, realtime()
        self.name = self.called()
        self.dir = tempfile.mkdtemp(prefix='tutti-jack-')
        self.env = dict(os.environ, HOME=self.dir, XDG_CONFIG_HOME=self.dir, XDG_RUNTIME_DIR=self.dir, QT_QPA_PLATFORM='offscreen', **self.surroundings())
        self.log = self.program
        self.awake = Awake().__enter__()
        with open(os.path.join(self.dir, self.log), 'w') as f:
            super().__init__([self.program, *self.arguments()], stdout=f, stderr=f, env=self.env)
        self.ready()

    def called(self):
        return 'tutti-bench-%d-%d' % (os.getpid(), Jack.count)

    def surroundings(self):
        return {'JACK_DEFAULT_SERVER': self.name, 'JACK_NO_START_SERVER': '1', 'JACK_NO_AUDIO_RESERVATION': '1'}

    def arguments(self):
        kind = ['-R', '-P', '60'] if self.rt else ['-r']
        return ['-n', self.name, *kind, '-d', 'dummy', '-r', str(self.rate), '-p', str(self.period)]

    def ready(self):
        self.wait(['system:playback_1'])

    def ports(self):
        p = subprocess.run(['jack_lsp', '-s', self.name], capture_output=True, text=True, env=self.env, timeout=20)
        return p.stdout.splitlines()

    def wait(self, names, seconds=15, alive=()):
        """Until all these ports are there."""
        until = time.monotonic() + seconds
        while True:
            there = self.ports()
            missing = [n for n in names if n not in there]
            if not missing:
                return
            dead = [p for p in [self, *alive] if p.process.poll() is not None]
            if dead or time.monotonic() > until:
                words = '; %s has ended with %s: %s' % (dead[0].log, dead[0].process.returncode, self.said(dead[0].log)[-300:]) if dead else ''
                raise Trouble('no port ' + missing[0] + words)
            time.sleep(0.1)

    def connect(self, a, b):
        subprocess.run(['jack_connect', '-s', self.name, a, b], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)

    def run(self, args, log):
        """A program that plays here."""
        with open(os.path.join(self.dir, log), 'w') as f:
            p = Process(args, stdout=f, stderr=f, env=self.env, cwd=self.dir)
        p.log = log
        return p

    def said(self, log):
        try:
            with open(os.path.join(self.dir, log), errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def begin_measure(self, to, ears, n=200, seed=1, more=()):
        """The rig: chirps into the ports `to`, heard at `ears`."""
        args = [tool('jackrig'), '-s', self.name, '-n', str(n), '--seed', str(seed), *more]
        for t in to:
            args += ['-t', t]
        for e in ears:
            args += ['-e', e]
        return subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)

    def end_measure(self, rig):
        """Its figures, when it has them all."""
        try:
            out, err = rig.communicate(timeout=2000)
        except BaseException:
            rig.kill()
            raise
        if not out.startswith('{'):
            raise Trouble('jackrig: ' + (err.strip() or 'status %d' % rig.returncode))
        return json.loads(out)

    def measure(self, *args, **kw):
        return self.end_measure(self.begin_measure(*args, **kw))

    def stop(self):
        super().stop()
        self.awake.__exit__()
        shutil.rmtree(self.dir, ignore_errors=True)


class PipeWire(Jack):
    """PipeWire in JACK's place, with its dummy driver: programs find its libjack where they look first."""
    program = 'pipewire'

    def called(self):
        return 'pipewire-0'           # its socket, in a directory of its own

    def surroundings(self):
        libs = glob.glob('/usr/lib/*/pipewire-*/jack')
        if not libs:
            raise Trouble('pipewire-jack is not installed')
        return {'LD_LIBRARY_PATH': libs[0], 'PIPEWIRE_LATENCY': '%d/%d' % (self.period, self.rate), 'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent'}

    def arguments(self):
        return []

    def ready(self):
        """It has no port of its own until somebody has a card."""
        socket = os.path.join(self.dir, 'pipewire-0')
        until = time.monotonic() + 15
        while not os.path.exists(socket):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Trouble('pipewire does not run: ' + self.said(self.log)[-300:])
            time.sleep(0.1)
