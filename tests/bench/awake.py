#!/usr/bin/env python3
"""Keeps the processors of a virtual machine awake: what sleeps there wakes up late.

A hypervisor gives a processor that nobody uses to others, and gives it back when it likes: on a host of ours half of the time was taken
so from four programs with periods of 1.33 ms, and nothing as soon as somebody computed beside them. So here is somebody who computes, at
idle priority, one for each processor: it gives way at once to whoever wakes up, and rests while there is work enough.
"""
import os
import subprocess
import sys
import time

SPELL_S, REST_S = 0.003, 0.01


def running():
    """Processes that run or could, of all."""
    with open('/proc/stat') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('procs_running'))


def compute():
    """Until who began it is no longer there."""
    parent, enough = os.getppid(), os.cpu_count() + 1
    while os.getppid() == parent:
        if running() > enough:
            time.sleep(REST_S)
        until = time.monotonic() + SPELL_S
        while time.monotonic() < until:
            pass


def idle():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Awake:
    """Once is enough: who was begun by one that keeps them awake has nothing to do."""

    def __enter__(self):
        n = 0 if 'TUTTI_AWAKE' in os.environ else os.cpu_count()
        args = [sys.executable, os.path.abspath(__file__)]
        self.computing = [subprocess.Popen(args, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=idle) for _ in range(n)]
        if n:
            os.environ['TUTTI_AWAKE'] = str(n)
        return self

    def __exit__(self, *_):
        for p in self.computing:
            p.kill()
            p.wait()
        if self.computing:
            del os.environ['TUTTI_AWAKE']


if __name__ == '__main__':
    compute()
