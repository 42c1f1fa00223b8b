"""Who plays in band.py: Jamulus, JackTrip, Tutti. Each is a context with `mouths` (the input ports of the players) and `ears`
(the output port of each), and `say()` what it tells of itself afterwards.
"""
import base64
import json
import os
import shutil
import time

from rig import BUILD, TUTTI, Trouble, free_port

MEDIA_PORTS = '33000-35999'           # of servers and players: who finds one taken takes the next


class Peers:
    """Programs in a JACK server; ended in the order they came."""
    needs = ()

    def __init__(self, jack, n):
        self.jack, self.n, self.running = jack, n, []
        for program in self.needs:
            if not shutil.which(program):
                raise Trouble('%s is not installed' % program)

    def begin(self, args, log):
        p = self.jack.run([str(a) for a in args], log)
        self.running.append(p)
        return p

    def settle(self):
        return 5

    def __enter__(self):
        try:
            self.start()
            self.jack.wait(self.mouths + self.ears, 20, self.running)
            time.sleep(self.settle())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for p in reversed(self.running):
            p.stop()

    def parts(self):
        """Where the delay goes, (name, ms) pairs, as the program itself says."""
        return []


class Jamulus(Peers):
    """A server and clients. What is in the ini is what a user would set in its window: small network buffers, high quality."""
    needs = ('Jamulus',)

    def __init__(self, jack, n, buffer=None, channels=0):
        super().__init__(jack, n)
        self.buffer, self.channels = buffer, channels

    INI = '''<client>
 <name_base64>%s</name_base64>
 <audiochannels>%d</audiochannels>
 <audioquality>2</audioquality>
 <enableopussmall>1</enableopussmall>
 <autojitbuf>%d</autojitbuf>
 <jitbuf>%d</jitbuf>
 <jitbufserver>%d</jitbufserver>
 <reverblev>0</reverblev>
</client>
'''

    def start(self):
        port = free_port()
        fast = ['-F'] if self.jack.period <= 64 else []
        self.begin(['Jamulus', '--server', '--nogui', '-p', port, *fast], 'jamulus-server')
        time.sleep(0.5)
        self.mouths, self.ears = [], []
        for i in range(self.n):
            name = 'player%d' % i
            ini = os.path.join(self.jack.dir, name + '.ini')
            with open(ini, 'w') as f:
                f.write(self.INI % (base64.b64encode(name.encode()).decode(), self.channels, self.buffer is None, self.buffer or 1, self.buffer or 1))
            self.begin(['Jamulus', '--nogui', '-i', ini, '-p', free_port(), '-j', '--clientname', name, '-c', '127.0.0.1:%d' % port], name)
            self.mouths.append('Jamulus %s:input left' % name)
            self.ears.append('Jamulus %s:output left' % name)

    def settle(self):
        return 8 if self.buffer is None else 4


class JackTripPair(Peers):
    """Two ends without a server."""
    needs = ('jacktrip',)

    def __init__(self, jack, n, queue):
        super().__init__(jack, 2)
        self.queue = queue

    def start(self):
        a, b = free_port(), free_port()
        common = ['-n', 1, '-q', self.queue, '-D', '--udprt']
        self.begin(['jacktrip', '-s', '-J', 'one', '-B', a, '-P', b, *common], 'one')
        time.sleep(0.3)
        self.begin(['jacktrip', '-c', '127.0.0.1', '-J', 'two', '-B', b, '-P', a, *common], 'two')
        self.mouths = ['one:send_1', 'two:send_1']
        self.ears = ['one:receive_1', 'two:receive_1']

    def settle(self):
        return 4


class JackTripHub(Peers):
    """Clients of a hub, which mixes by JACK connections of its own machine: here the same JACK."""
    needs = ('jacktrip',)

    def __init__(self, jack, n, queue):
        super().__init__(jack, n)
        self.queue = queue

    def start(self):
        port = free_port()
        common = ['-q', self.queue, '--udprt']
        self.begin(['jacktrip', '-S', '-p', 2, '-B', port, '-U', free_port(), *common], 'hub')
        time.sleep(0.5)
        for i in range(self.n):
            self.begin(['jacktrip', '-C', '127.0.0.1', '-J', 'player%d' % i, '-K', 'seat%d' % i, '-n', 1, '-D', '-P', port, '-B', free_port(), *common],
                       'player%d' % i)
        self.mouths = ['player%d:send_1' % i for i in range(self.n)]
        self.ears = ['player%d:receive_1' % i for i in range(self.n)]


class Tutti(Peers):
    """A server with a room of music, and tutti-join for each player."""

    def __init__(self, jack, n, codec='L16/48000/2', frame=0, buffer='0', more=('--midi', 'none'), settings=(), net=None, each=None):
        """net: the players' lines (netlab.Net). each(i): further arguments of player i."""
        super().__init__(jack, n)
        self.net, self.each = net, each or (lambda i: [])
        self.codec, self.frame, self.buffer, self.more, self.settings = codec, frame, buffer, list(more), dict(settings)
        self.join = os.path.join(BUILD, 'tutti-join')
        if not os.path.exists(self.join):
            raise Trouble('no tutti-join in ' + BUILD)

    def start(self):
        self.port = free_port()
        hosts = [self.net.near_ip(i) for i in range(self.n)] if self.net else ['127.0.0.1']
        options = {'sip.listen': ' '.join('udp:%s:%d' % (h, self.port) for h in hosts), 'media.ports': MEDIA_PORTS, 'http.listen': '', 'state.dir': os.path.join(self.jack.dir, 'state'),
                   'media.max-load': '100', 'media.jitter-music': self.buffer if self.buffer == 'auto' else str(int(self.buffer)), 'prompts.say': 'nothing',
                   'log.level': 'warning', 'sip.drain': '0', **self.settings}
        args = [os.path.abspath(TUTTI)]
        for name, value in options.items():
            args += ['-o', '%s=%s' % (name, value)]
        self.begin(self.net.near(args) if self.net else args, 'tutti')
        time.sleep(0.5)
        self.mouths, self.ears, self.names = [], [], []
        for i in range(self.n):
            self.player('player%d' % i, ['sip:music-band@%s:%d' % (hosts[i % len(hosts)], self.port), *self.each(i)], i)

    def player(self, name, more, i=0):
        args = [os.path.abspath(self.join), '--driver', 'jack', '--device', self.jack.name, '--jack-name', name, '--name', name, '--no-connect',
                    '--codec', self.codec, '--frame', self.frame, '--buffer', self.buffer, '--media-ports', MEDIA_PORTS, '--no-ui', '--json', *self.more, *more]
        self.begin(self.net.far([str(a) for a in args], i) if self.net else args, name)
        self.names.append(name)
        self.mouths.append(name + ':in_1')
        self.ears.append(name + ':out_1')

    def settle(self):
        return 8

    def events(self, name, kind):
        """What it said as JSON, of that kind."""
        out = []
        for line in self.jack.said(name).splitlines():
            if line.startswith('{'):
                try:
                    e = json.loads(line)
                except ValueError:
                    continue
                if e.get('event') == kind:
                    out.append(e)
        return out


class TuttiPair(Tutti):
    """One answers, the other calls it: no server."""

    def start(self):
        port = free_port()
        self.mouths, self.ears, self.names = [], [], []
        self.player('player0', ['--answer', '--listen', 'udp:127.0.0.1:%d' % port])
        time.sleep(0.5)
        self.player('player1', ['sip:player0@127.0.0.1:%d' % port])
