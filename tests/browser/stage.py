#!/usr/bin/env python3
"""What stands behind the page in a browser test: a real server and phones, as told by lines of JSON on stdin.

    {"op": "server", "options": {"rooms.profile": "voice"}}      -> {"http": URL, "token": ...}
    {"op": "call", "name": "ann", "room": "team", "tone": 601.3} -> {}
    {"op": "level", "name": "ben", "tone": 601.3, "seconds": 2}  -> {"db": -0.1}     against what was sent, from now on

One answer a line, in order; {"error": ...} when it went wrong. At the end of stdin all that it started is ended."""
import json
import math
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'interop'))
import pyphone                    # noqa: E402
import sound                      # noqa: E402
from server import BUILD, Server  # noqa: E402


class Stage:
    def __init__(self):
        self.house, self.phones, self.load = None, {}, None

    def server(self, options=()):
        self.house = Server(dict(options))
        with open(os.path.join(self.house.dir, 'state', 'admin-token')) as f:
            token = f.read().strip()
        return {'http': 'http://127.0.0.1:%d' % self.house.http_port, 'token': token, 'state': os.path.join(self.house.dir, 'state'),
                'sip': 'sip:127.0.0.1:%d' % self.house.port}

    def kill(self):
        self.house.kill()

    def start(self):
        self.house.start()

    def call(self, name, room, tone=None, codecs=('PCMU',), amplitude=sound.AMPLITUDE):
        phone = pyphone.Phone(self.house.addr(), name, tone=tone, codecs=tuple(codecs), amplitude=amplitude)
        phone.call(room)
        self.phones[name] = phone

    def level(self, name, tone, seconds=2):
        """As it mostly is, of what comes from now on."""
        since = time.monotonic()
        time.sleep(seconds)
        samples, rate = self.phones[name].heard(since, seconds)
        return {'db': sound.usual_level(samples, rate, tone) - 20 * math.log10(sound.AMPLITUDE) if samples else -200.0}

    def silent(self, name, on=True):
        self.phones[name].silent = on

    def bye(self, name):
        return {'ok': self.phones.pop(name).bye()}

    def ended(self, name, seconds=5):
        """Did the server hang up?"""
        return {'ended': self.phones[name].ended.wait(seconds)}

    def crowd(self, calls, seconds, room):
        """Callers by the dozen, of whom some talk; in the background."""
        self.load = subprocess.Popen([os.path.join(BUILD, 'tutti-load'), '-n', str(calls), '--talkers', '12', '--hold', str(seconds), '--codec',
                                      'pcmu', 'sip:%s@127.0.0.1:%d' % (room, self.house.port)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)

    def crowd_ends(self):
        if self.load and self.load.poll() is None:
            self.load.kill()
            self.load.wait()

    def cpu(self):
        """Seconds of processor the server has used, all of it and of its web thread alone."""
        tick = os.sysconf('SC_CLK_TCK')
        out = {'all': 0.0, 'web': 0.0}
        tasks = '/proc/%d/task' % self.house.pid
        for task in os.listdir(tasks):
            with open('%s/%s/stat' % (tasks, task)) as f:
                head, _, rest = f.read().rpartition(')')
            used = sum(int(x) for x in rest.split()[11:13]) / tick
            out['all'] += used
            if head.endswith('(web'):
                out['web'] += used
        return out

    def tail(self):
        return {'text': self.house.tail(30) if self.house else ''}

    def stop(self):
        """Ends what is there; what was wrong with the server is told."""
        self.crowd_ends()
        for phone in self.phones.values():
            phone.close()
        self.phones = {}
        wrong = self.house.stop() if self.house else []
        self.house = None
        return {'wrong': wrong}


def main():
    stage = Stage()
    lock = threading.Lock()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = getattr(stage, order.pop('op'))(**order) or {}
            except Exception as e:
                answer = {'error': '%s: %s' % (type(e).__name__, e)}
            with lock:
                print(json.dumps(answer), flush=True)
    finally:
        stage.stop()


main()
