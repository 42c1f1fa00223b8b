"""Who is who in a room, and where one sits: roles, sections, ports; and how far two are from each other without a server."""
import os
import tempfile

from cases import case
from gestpeer import wait
from houseapi import Api
from joiner import Joiner
from joins import A, B, all_up, with_joiners
from server import Server


def udp_ports(pid):
    """The UDP ports that a process has."""
    links = (os.readlink('/proc/%d/fd/%s' % (pid, fd)) for fd in os.listdir('/proc/%d/fd' % pid))
    inodes = {link[8:-1] for link in links if link.startswith('socket:[')}
    ports = set()
    for table in 'udp', 'udp6':
        with open('/proc/%d/net/%s' % (pid, table)) as f:
            rows = [line.split() for line in f][1:]
        ports |= {int(row[1].rsplit(':', 1)[1], 16) for row in rows if row[9] in inodes}
    return ports


def section_of(j, name):
    said = j.heard('member', name=name)
    return said[-1]['section'] if said else None


@case('join-seat', 'roles are shown; a section lasts over a restart of the server and of the program; the media have the ports they may have',
      limit=60)
def seat():
    def play(server, join):
        wrong, api = [], Api(server)
        a = join('anna', freq=A)
        if not all_up(wrong, [a]):
            return wrong
        first, last = server.port + 1500, server.port + 1599
        b = join('bob', None, '--section', 'brass', '--media-ports', '%d-%d' % (first, last))
        if not all_up(wrong, [b]):
            return wrong
        if not wait(lambda: section_of(a, 'bob') == 'brass'):
            wrong.append('anna sees bob in section %r' % section_of(a, 'bob'))
        ports = {p for p in udp_ports(b.process.pid) if first <= p <= last}
        if len(ports) < 3:
            wrong.append('bob has the UDP ports %s' % udp_ports(b.process.pid))
        if not a.heard('member', name='bob', role='speaker'):
            wrong.append('anna sees of bob %s' % a.heard('member', name='bob'))
        ids = {m['name']: m['id'] for m in api.get('/rooms/music-band')['members']}
        api.post('/rooms/music-band/members/%d/role' % ids['bob'], role='host')
        if not wait(lambda: a.heard('member', name='bob', role='host')):
            wrong.append('bob is a host, and anna sees %s' % a.heard('member', name='bob')[-1:])
        b.say('section reeds')
        if not wait(lambda: section_of(a, 'bob') == 'reeds'):
            wrong.append('anna sees bob in section %r, he went to reeds' % section_of(a, 'bob'))
        server.kill()
        server.start()
        if not wait(lambda: b.is_up() and len(b.heard('state', state='up')) >= 2 and section_of(b, 'bob') == 'reeds', 12):
            wrong.append('after a restart of the server bob is in section %r' % section_of(b, 'bob'))
        b.say('leave')
        b.wait_end()
        b = join('bob')
        if not wait(lambda: section_of(b, 'bob') == 'reeds', 6):
            wrong.append('bob comes again, in section %r\n%s' % (section_of(b, 'bob'), b.heard('member')))
        return wrong
    return with_joiners(play)


def direct_pair(folder, server, flags_b, flags_a):
    port, media = server.slot.take(), ('--media-ports', server.slot.media())
    b = Joiner(folder, 'bob', None, '--listen', 'udp:127.0.0.1:%d' % port, *media, *flags_b, freq=B)
    wait(lambda: b.heard('state', state='ready'))
    a = Joiner(folder, 'anna', 'sip:bob@127.0.0.1:%d' % port, *media, *flags_a, freq=A)
    return a, b


def judge_delay(j, whole):
    """Of the last that it was told: sums, and what cannot be on one machine."""
    said = j.heard('delay')
    if not said:
        return ['%s is told no delay' % j.name]
    d = said[-1]
    parts, wrong = d['parts'], []
    if abs(sum(parts.values()) - d['ms']) > 0.01 or not 0.5 < d['ms'] < 60:
        wrong.append('%s: %s' % (j.name, d))
    if whole and (d.get('at_least') or not 0 < parts['net_up'] < 20):
        wrong.append('%s: something is not known: %s' % (j.name, d))
    if not whole and not d.get('at_least'):
        wrong.append('%s: it is told as all of it: %s' % (j.name, d))
    return wrong


def direct(flags_a, flags_b, whole):
    wrong = []
    with tempfile.TemporaryDirectory(prefix='tutti-interop-') as folder:
        server = Server()                         # only for its slot of ports
        a, b = direct_pair(folder, server, flags_b, flags_a)
        try:
            if all_up(wrong, (a, b)):
                wait(lambda: all(j.heard('delay') and bool(j.last('delay').get('at_least')) is not whole for j in (a, b)), 15)
                wrong += judge_delay(a, whole) + judge_delay(b, whole)
                print('# %s, %s' % (a.last('delay'), b.last('delay')))
        finally:
            for j in a, b:
                wrong += j.close()
            wrong += server.stop()
    return wrong


@case('join-direct-delay', 'two tutti-join without a server know how far they are from each other; without gestures it is at least so much', limit=60)
def direct_delay():
    return direct((), (), True) + direct(('--no-gestures',), (), False)
