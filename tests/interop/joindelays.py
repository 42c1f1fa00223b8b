"""How late two tutti-join hear each other: what they say of themselves, what the server makes of it, and what they are told."""
from cases import case
from gestpeer import wait
from houseapi import Api, Events
from joins import A, B, all_up, with_joiners

DELAYS = '/rooms/music-band/delays'


def pair(table, a, b):
    return next((d for d in table['delays'] if d[:2] == [a, b]), None)


@case('join-delays', 'two tutti-join and their delays: nothing of it unknown, told to both and to watchers; over the bound of the room there is a warning')
def delays():
    def play(server, join):
        wrong = []
        api = Api(server)
        a, b = join('anna', freq=A), join('bob', freq=B)
        if not all_up(wrong, (a, b)):
            return wrong

        def whole():
            t = api.get(DELAYS)
            return len(t['delays']) == 2 and all(d[3] for d in t['delays'])
        if not wait(whole, 8):
            return wrong + ['a part is not known: %s' % api.get(DELAYS)]
        t = api.get(DELAYS)
        ids = {m['name']: m['id'] for m in t['members']}
        # on one machine: some milliseconds of buffers, and next to nothing on the way
        for d in t['delays']:
            if not 0.2 < d[2] < 60:
                wrong.append('of %s it is %s ms' % (d[:2], d[2]))
        for m in t['members']:
            if not 0 < m['to_mix']['up_ms'] < 10:
                wrong.append('the way of %s is %s' % (m['name'], m['to_mix']))

        def told(j, other):
            now = pair(api.get(DELAYS), ids[other], ids[j.name])
            said = j.heard('delay', name=other)
            return said and abs(said[-1]['ms'] - now[2]) < 3
        for j, other in (a, 'bob'), (b, 'anna'):
            if not wait(lambda j=j, other=other: told(j, other), 8):
                wrong.append('%s is told %s, and it is %s' % (j.name, j.heard('delay', name=other)[-1:], api.get(DELAYS)['delays']))
        with Events(api, 'music-band') as events:
            # Bob's sound card is suddenly a bad one.
            api.post('/rooms/music-band/members/%d/latency' % ids['bob'], capture_us=0, playback_us=300000, buffer_us=0)
            api.patch('/rooms/music-band', settings={'delay-bound': 150})

            def warned():
                # he says what is true when it changes, so it is said for him again
                api.post('/rooms/music-band/members/%d/latency' % ids['bob'], capture_us=0, playback_us=300000, buffer_us=0)
                return [e for e in events.seen if e.get('type') == 'delay' and e['delay']['over']]
            if not wait(warned, 10):
                return wrong + ['no warning: %s' % [e.get('type') for e in events.seen]]
            w = warned()[0]['delay']
            if (w['from'], w['to'], w['bound_ms']) != (ids['anna'], ids['bob'], 150) or not 300 < w['ms'] < 400:
                wrong.append('warned of %s' % w)
            api.patch('/rooms/music-band', settings={'delay-bound': 0})
            if not wait(lambda: [e for e in events.seen if e.get('type') == 'delay' and not e['delay']['over']], 10):
                wrong.append('it is not well again')
        return wrong
    return with_joiners(play)
