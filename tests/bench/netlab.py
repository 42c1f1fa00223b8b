"""A network for real programs: namespaces of the kernel, and netbox between them. Needs root; Trouble where that is not there.

    with Net('10.91.0', delay_ms=10, jitter_ms=1, loss=0.5) as net:
        subprocess.Popen(net.far(['tutti-join', 'sip:band@%s' % net.near_ip]))

Two ends: `near` and `far`, with a line between them; each is a namespace with a loopback of its own.
"""
import json
import os
import shutil
import subprocess

from rig import Process, Trouble


def ip(*args):
    p = subprocess.run(['ip', *args], capture_output=True, text=True)
    if p.returncode:
        raise Trouble('ip %s: %s' % (' '.join(args), p.stderr.strip()))


def possible():
    """Why not; empty: it is."""
    if os.geteuid() != 0:
        return 'namespaces need root'
    if not shutil.which('ip') or not os.path.exists('/dev/net/tun'):
        return 'no ip or no /dev/net/tun'
    name = 'tutti-try-%d' % os.getpid()
    if subprocess.run(['ip', 'netns', 'add', name], capture_output=True).returncode:
        return 'no namespaces here'
    subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
    return ''


class Net:
    """A star: `near` in the middle, `n` far ends, each behind a line like the others."""
    count = 0

    def __init__(self, netbox, delay_ms=0, jitter_ms=0, loss=0, seed=1, n=1):
        why = possible()
        if why:
            raise Trouble(why)
        Net.count += 1
        self.base = 'tutti-%d-%d' % (os.getpid(), Net.count)
        self.netbox, self.n = netbox, n
        self.line = [str(delay_ms), str(jitter_ms), str(loss)]
        self.seed, self.boxes, self.names = seed, [], []
        self.told = []

    def near(self, args):
        return ['ip', 'netns', 'exec', self.base, *args]

    def far(self, args, i=0):
        return ['ip', 'netns', 'exec', '%s-%d' % (self.base, i), *args]

    def near_ip(self, i=0):
        """As far end i knows the middle."""
        return '10.91.%d.1' % i

    def _namespace(self, name):
        ip('netns', 'add', name)
        self.names.append(name)
        ip('-n', name, 'link', 'set', 'lo', 'up')

    def _line(self, i):
        far, device = '%s-%d' % (self.base, i), 'wire%d' % i
        self._namespace(far)
        box = Process([self.netbox, self.base, far, device, *self.line, str(self.seed + i)], stdout=subprocess.PIPE, text=True)
        self.boxes.append(box)
        if box.process.stdout.readline() != 'ready\n':
            raise Trouble('netbox ended with %s' % box.process.wait())
        for ns, own in (self.base, self.near_ip(i)), (far, '10.91.%d.2' % i):
            ip('-n', ns, 'addr', 'add', own + '/24', 'dev', device)
            ip('-n', ns, 'link', 'set', device, 'up')
        ip('-n', far, 'route', 'add', 'default', 'dev', device)

    def __enter__(self):
        try:
            self._namespace(self.base)
            for i in range(self.n):
                self._line(i)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for box in self.boxes:
            box.stop()
            text = box.process.stdout.read()
            if text.startswith('{'):
                self.told.append(json.loads(text))
        for name in self.names:
            subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
