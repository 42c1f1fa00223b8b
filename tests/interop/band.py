"""What musicians choose: two tutti-join in a room that their call opens, looked at from the API."""
from cases import case
from gestpeer import wait
from houseapi import Api
from joiner import room_uri
from joins import A, B, all_up, with_joiners


def named(api, name):
    return next((m for m in api.get('/rooms/band')['members'] if name in (m['name'], m['uri'].split(':')[-1].split('@')[0])), {})


@case('join-band', 'a call opens a room of music, whatever its name; buffer with its odds, redundancy, section, count-in and the moment of the click are chosen')
def band():
    def play(server, join):
        wrong = []
        uri = room_uri(server, room='band')
        a, b = join('anna', uri, freq=A), join('bob', uri, freq=B)
        if not all_up(wrong, (a, b)):
            return wrong
        api = Api(server)
        room = api.get('/rooms/band')
        if room['profile'] != 'music':
            wrong.append('the room is one of ' + room['profile'])
        ids = {m['name']: m['id'] for m in room['members']}
        if set(ids) != {'anna', 'bob'}:
            return wrong + ['who is there: %s' % ids]

        def choose(who, verb, **args):
            api.post('/rooms/band/members/%d/%s' % (ids[who], verb), **args)
        a.say('buffer 2')
        choose('bob', 'buffer', value=1)
        choose('anna', 'red', on=True)
        choose('anna', 'section', text='brass')
        choose('anna', 'click-sync', text='ear')
        api.post('/rooms/band/section-gain', name='brass', value=-6)
        api.post('/rooms/band/transport', text='count-in', value=2)
        api.post('/rooms/band/transport', text='start')
        if not wait(lambda: named(api, 'anna').get('buffer') == 2):
            wrong.append('anna asked for 2 frames: %s' % named(api, 'anna').get('buffer'))
        if not wait(lambda: (named(api, 'anna').get('media') or {}).get('buffer_odds'), 8):
            wrong.append('no odds: %s' % named(api, 'anna').get('media'))
        anna, room = named(api, 'anna'), api.get('/rooms/band')
        if (anna['section'], anna['click_sync'], anna['redundant'], named(api, 'bob')['buffer']) != ('brass', 'ear', True, 1):
            wrong.append('anna: %s' % anna)
        if room['sections'] != {'brass': -6.0} or room['tempo']['count_in'] != 2 or room['tempo']['beat'] != -8:
            wrong.append('the room: %s %s' % (room['sections'], room['tempo']))
        odds = anna['media'].get('buffer_odds') or []
        if odds and (len(odds) != 4 or any(odds[i] < odds[i + 1] - 0.01 for i in range(3))):
            wrong.append('more is held, and more is missing: %s' % odds)
        return wrong
    return with_joiners(play)
