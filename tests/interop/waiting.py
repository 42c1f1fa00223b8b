"""Cases about who comes in: a lobby, its host, and a seat that outlives the server. Real calls, and the API as the host's hand."""
import time

import pyphone
import sound
from cases import case
from houseapi import Api, Events
from recorded import wait_for
from server import Server


def phone(server, i):
    p = pyphone.Phone(server.addr(), 'p%d' % i, sound.TONES[i])
    p.call('band')
    return p


def hears(p, seconds=1.5):
    """Which of the phones' tones are in what it hears from now on."""
    began = time.monotonic()
    time.sleep(seconds)
    samples, rate = p.heard(began)
    return [i for i, tone in enumerate(sound.TONES) if samples and sound.usual_level(samples, rate, tone) > -40]


def members(api):
    return {m['uri'].split(':')[1].split('@')[0]: m for m in api.get('/rooms/band')['members']}


def act(api, name, verb, **args):
    api.post('/rooms/band/members/%d/%s' % (members(api)[name]['id'], verb), **args)


@case('waiting-room', 'who waits in the lobby neither hears nor is heard; admitted it does; refused it is sent a BYE', limit=60)
def lobby():
    server = Server()
    api, phones, wrong = Api(server), [], []
    try:
        api.post('/rooms', room='band', settings={'lobby': 'on'})
        with Events(api, 'band') as events:
            phones = [phone(server, i) for i in range(3)]
            if any(m['waiting'] != 'admit' for m in members(api).values()):
                wrong.append('not all wait: %r' % members(api))
            for i, p in enumerate(phones):
                if hears(p):
                    wrong.append('%s waits and hears %s' % (p.name, hears(p)))
            act(api, 'p0', 'admit')
            act(api, 'p1', 'admit')
            act(api, 'p2', 'refuse')
            if not phones[2].ended.wait(3):
                wrong.append('who was refused got no BYE')
            time.sleep(1.5)
            for p, want in (phones[0], [1]), (phones[1], [0]):
                got = hears(p)
                if got != want:
                    wrong.append('%s hears %s, not %s' % (p.name, got, want))
            wait_for('the events', lambda: [e['detail'] for e in events.seen if e['type'] == 'member-left'] == ['refused'])
            told = [(e['type'], e['detail']) for e in events.seen if e['type'] in ('member-waiting', 'member-joined')]
            if told != [('member-waiting', 'admit')] * 3 + [('member-joined', 'admitted')] * 2:
                wrong.append('told: %r' % told)
    finally:
        for p in phones:
            p.close()
        wrong += server.stop()
    return wrong


@case('seat-killed', 'SIGKILL: who was let in and muted by a host calls again, past the lobby, and is still muted; a stranger waits', limit=60)
def seat_killed():
    server = Server()
    api, phones, wrong = Api(server), [], []
    try:
        api.post('/rooms', room='band', settings={'lobby': 'on'})
        phones = [phone(server, i) for i in range(2)]
        for name in 'p0', 'p1':
            act(api, name, 'admit')
        act(api, 'p0', 'mute', on=True)
        act(api, 'p1', 'role', role='host')
        server.kill()
        for p in phones:
            p.close()
        server.start()
        phones = [phone(server, i) for i in range(3)]
        now = members(api)
        if now['p0']['waiting'] or not now['p0']['muted_by_host']:
            wrong.append('p0: %r' % now['p0'])
        if now['p1']['waiting'] or now['p1']['role'] != 'host':
            wrong.append('p1: %r' % now['p1'])
        if now['p2']['waiting'] != 'admit':
            wrong.append('p2 is a stranger: %r' % now['p2'])
        time.sleep(1.5)
        for p, want in (phones[0], [1]), (phones[1], []), (phones[2], []):
            got = hears(p)
            if got != want:
                wrong.append('%s hears %s, not %s' % (p.name, got, want))
    finally:
        for p in phones:
            p.close()
        wrong += server.stop()
    return wrong
