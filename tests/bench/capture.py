#!/usr/bin/env python3
"""Pictures of the terminal view, as tmux sees it, into docs/musicians.md: a server, three players, and one more in a terminal of 80x24
and one of 200x60.

    TUTTI_BUILD=build tests/bench/capture.py [--write]

Without --write they are printed.
"""
import os
import subprocess
import sys
import time

from jacklab import Jack
from rig import BUILD, TUTTI, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'docs', 'musicians.md')
JOIN = os.path.abspath(os.path.join(BUILD, 'tutti-join'))
BAND = (('anna', '220', '-3'), ('bob', '330', '-9'), ('dora', '550', '3'))


def tmux(sock, *args):
    return subprocess.run(['tmux', '-L', sock, '-f', '/dev/null', *args], capture_output=True, text=True).stdout


def player(jack, port, name, hz, gain):
    env = dict(jack.env)
    return subprocess.Popen([JOIN, '--driver', 'tone', '--tone', hz, '--gain', gain, '--name', name, '--no-ui', '--json', '--midi', 'none',
                             'sip:music-band@127.0.0.1:%d' % port], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=env, text=True)


def order(p, line):
    p.stdin.write(line + '\n')
    p.stdin.flush()


def picture(jack, port, columns, rows):
    """What carl sees after some seconds, a word said and a fader moved."""
    sock = 'tutti-view-%d-%d' % (os.getpid(), columns)
    command = 'env JACK_DEFAULT_SERVER=%s LANG=C.UTF-8 %s --name carl --driver jack --no-connect --midi none sip:music-band@127.0.0.1:%d' % (
        jack.name, JOIN, port)
    tmux(sock, 'new-session', '-d', '-x', str(columns), '-y', str(rows), command)
    try:
        time.sleep(4)
        for keys in ('c',), ('Down',), ('Left',), ('Left',), ('Left',), ('t',), ('-l', 'ready when you are'), ('Enter',):
            tmux(sock, 'send-keys', *keys)
            time.sleep(0.3)
        time.sleep(6)
        text = tmux(sock, 'capture-pane', '-p')
    finally:
        tmux(sock, 'kill-server')
    return '\n'.join(line.rstrip() for line in text.split('\n')).rstrip('\n')


def write(name, text):
    begin, end = '<!-- view %s -->' % name, '<!-- end of view %s -->' % name
    with open(PAGE) as f:
        old = f.read()
    with open(PAGE, 'w') as f:
        f.write(old.split(begin)[0] + begin + '\n```\n' + text + '\n```\n' + end + old.split(end)[1])


def main():
    port, http = free_port(), free_port()
    with Jack(64) as jack:
        options = {'sip.listen': 'udp:127.0.0.1:%d' % port, 'media.ports': '33000-35999', 'http.listen': '127.0.0.1:%d' % http, 'prompts.say': 'nothing',
                   'state.dir': os.path.join(jack.dir, 'state'), 'media.max-load': '100'}
        args = [os.path.abspath(TUTTI)]
        for k, v in options.items():
            args += ['-o', '%s=%s' % (k, v)]
        with jack.run(args, 'tutti'):
            time.sleep(1)
            band = [player(jack, port, *b) for b in BAND]
            try:
                time.sleep(3)
                order(band[0], 'say from the top')
                for words in (['tempo', 'music-band', '96'], ['beat', 'music-band', 'start']):
                    subprocess.run([os.path.join(BUILD, 'tuttictl'), '-s', 'http://127.0.0.1:%d' % http, '--token-file',
                                    os.path.join(jack.dir, 'state', 'admin-token'), 'room', *words])
                pictures = {'%dx%d' % s: picture(jack, port, *s) for s in ((80, 24), (200, 60))}
            finally:
                for p in band:
                    p.terminate()
                    p.wait()
    for name, text in pictures.items():
        print('%s\n\n%s\n' % (name, text))
        if '--write' in sys.argv:
            write(name, text)


if __name__ == '__main__':
    main()
