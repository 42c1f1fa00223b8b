"""Cases that look at a conference from several sides at once: its API, its event package, its files after a crash."""
import os
import random
import subprocess
import threading
import time

from cases import QUICK, case, with_server
from follower import Follower
from houseapi import Api, Events, Refused
from phones import Missing
from server import BUILD

TRANSPORT = 'tcp'                  # a roster of 200 is no datagram


# ---- a subscriber and the API see the same house ----

def media(m):
    """RFC 4575 5.8.5 of a member as the API tells it."""
    silent = m['muted'] or m['role'] == 'listener'
    if m['hold'] or (silent and m['deaf']):
        return 'inactive'
    return 'recvonly' if silent else 'sendonly' if m['deaf'] else 'sendrecv'


def history(events, wrong):
    """Every state of the room that the stream tells of: the members of each version, in order."""
    members, locked, states, last = {}, False, [(frozenset(), False)], None
    for e in events:
        if 'version' not in e:
            continue
        if last is not None and e['version'] != last + 1:
            wrong.append('the stream goes from version %d to %d' % (last, e['version']))
        last = e['version']
        m = e.get('member')
        if e['type'] == 'member-left':
            members.pop(m['id'], None)
        elif e['type'] in ('member-joined', 'member-changed') and not m.get('waiting'):
            members[m['id']] = (m['id'], m['role'], media(m))
        elif e['type'] == 'room-changed' and e['detail'] in ('locked', 'unlocked'):
            locked = e['detail'] == 'locked'
        states.append((frozenset(members.values()), locked))
    return states


def same_story(told, states, wrong):
    """What the subscriber saw are states the room has been in, in that order."""
    at = 0
    for n, (_, members, locked) in enumerate(told):
        found = next((i for i in range(at, len(states)) if states[i] == (members, locked)), None)
        if found is None:
            near = min(states[at:], key=lambda s: len(s[0] ^ members) + (s[1] != locked))
            wrong.append('document %d shows %d members, locked %s: the room has not been so since its state %d; nearest differs by %s%s' % (
                n, len(members), locked, at, sorted(near[0] ^ members)[:6], '' if near[1] == locked else ' and the lock'))
            return
        at = found


def churn(server, room, seconds, n):
    """Four crowds that come and go, each at its own pace."""
    tool = os.path.join(BUILD, 'tutti-load')
    if not os.path.exists(tool):
        raise Missing('no ' + tool)
    crowds = []
    for i, hold in enumerate((2, 3, 5, 7)):
        rounds = max(1, round(seconds / (hold + 1.5)))
        crowds.append(subprocess.Popen(
            [tool, '--json', '-n', str(n // 4), '-r', '1', '--cps', '50', '--hold', str(hold), '--rounds', str(rounds), '--inactive',
             'sip:%s@%s:%d' % (room, server.host, server.port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
    return crowds


def meddle(api, room, until, wrong):
    """A host who cannot keep his hands still."""
    rng, done = random.Random(4), 0
    while time.monotonic() < until:
        try:
            ids = [m['id'] for m in api.get('/rooms/' + room)['members']]
        except Refused as e:
            if e.status != 404:
                wrong.append('the room: %s' % e)
            ids = []
        for number in rng.sample(ids, min(3, len(ids))):
            try:
                what = rng.choice(('mute', 'deaf', 'role', 'lock'))
                if what == 'role':
                    api.post('/rooms/%s/members/%d/role' % (room, number), role=rng.choice(('speaker', 'listener', 'host')))
                elif what == 'lock':
                    api.post('/rooms/%s/lock' % room, on=True)
                    api.post('/rooms/%s/lock' % room, on=False)
                else:
                    api.post('/rooms/%s/members/%d/%s' % (room, number, what), on=rng.random() < 0.5)
                done += 1
            except Refused as e:
                if e.status != 404:       # it has just left
                    wrong.append('%s: %s' % (what, e))
        time.sleep(0.2)
    return done


def followed(seconds, n):
    def run(server):
        api, room, wrong = Api(server), 'crowd-0', []
        api.post('/rooms', room=room)
        follower = Follower(server.addr(TRANSPORT), room, TRANSPORT)
        with Events(api, room) as events:
            until = time.monotonic() + seconds
            assert follower.subscribe().status == 200, 'SUBSCRIBE is refused'
            assert follower.first.wait(5), 'no first NOTIFY'
            crowds = churn(server, 'crowd', seconds, n)
            refresher = threading.Timer(seconds / 2, follower.subscribe)
            refresher.start()
            commands = meddle(api, room, until, wrong)
            for crowd in crowds:
                crowd.wait(60)
            time.sleep(8)                 # the last word of a throttled subscription
            told, seen = list(follower.states), list(events.seen)
            room_now = api.get('/rooms/' + room)
        refresher.join()
        wrong += follower.wrong
        states = history(seen, wrong)
        same_story(told, states, wrong)
        now = frozenset((m['id'], m['role'], media(m)) for m in room_now['members'])
        if follower.known() != now or states[-1][0] != now:
            wrong.append('in the end the room has %d members, the subscriber knows %d, the stream %d' % (
                len(now), len(follower.known()), len(states[-1][0])))
        print('# %d events, %d documents (%d full, %d pieces), up to %d members, %d commands' % (
            len(seen), follower.documents, follower.full, follower.n_pieces, max(len(s[0]) for s in states), commands))
        if follower.documents < seconds / 10 or len(states) < n or follower.full < 2:
            wrong.append('too little was seen: %d documents, %d states' % (follower.documents, len(states)))
        follower.close()
        return wrong[:20]
    return with_server(run, sip_invite_rate='0', http_rate='0')


@case('followed', 'who subscribes to a room that churns sees only states it was in, in order, and in the end what the API tells',
      limit=480, alone='house')
def followed_case():
    return followed(30, 100) if QUICK else followed(300, 200)


# ---- a crash in the middle of everything ----

ROOMS, RECORDINGS, JOINS, FINISHED = 6, 20, 100, 10
START_S = 1.0                     # from the start of the process to the first answer
LOST_S = 1.1                      # of a recording, at its end


def ogg_seconds(path):
    """How long an Ogg/Opus file plays: RFC 7845 4, the granule position of its last whole page, less the pre-skip."""
    with open(path, 'rb') as f:
        data = f.read()
    at, last, skip = 0, 0, None
    while data[at:at + 4] == b'OggS' and at + 27 <= len(data):
        lacing = data[at + 27:at + 27 + data[at + 26]]
        body = at + 27 + data[at + 26]
        if body + sum(lacing) > len(data):
            break                         # the page that was being written
        if skip is None:
            assert data[body:body + 8] == b'OpusHead', path
            skip = int.from_bytes(data[body + 10:body + 12], 'little')
        granule = int.from_bytes(data[at + 6:at + 14], 'little', signed=True)
        last = max(last, granule)
        at = body + sum(lacing)
    assert skip is not None, 'no Ogg/Opus file: ' + path
    return max(0, last - skip) / 48000


def crowd(server, room, *args):
    return subprocess.Popen([os.path.join(BUILD, 'tutti-load'), '--json', *args, 'sip:%s@%s:%d' % (room, server.host, server.port)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until(what, seconds, true):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, '%s: not within %d s' % (what, seconds)
        time.sleep(0.1)


def furnish(api):
    """Rooms with everything that must not be lost; what the API has said yes to."""
    for i in range(ROOMS):
        api.post('/rooms', room='kept-%d' % i,
                 settings={'title': 'Room %d' % i, 'host-pin': '%d2345' % i, 'guest-pin': '%d6789' % i, 'max-members': str(10 + i)})
    api.post('/rooms/kept-0/lock', on=True)
    api.post('/rooms/kept-1/mute-all', on=True)
    api.post('/rooms/kept-2/ban', uri='sip:pest@example.com')
    return {'kept-%d' % i: api.get('/rooms/kept-%d' % i) for i in range(ROOMS)}


def what_is_kept(api, rooms):
    wrong = []
    for name, before in rooms.items():
        try:
            now = api.get('/rooms/' + name)
        except Refused as e:
            wrong.append('%s: %s' % (name, e))
            continue
        for what in 'settings', 'has_host_pin', 'has_guest_pin', 'locked', 'muted_all', 'profile', 'created_ms':
            if now[what] != before[what]:
                wrong.append('%s: %s was %s and is %s' % (name, what, before[what], now[what]))
    return wrong


def what_is_recorded(server, api, running):
    """Each file plays to within a second before the crash."""
    wrong, seen = [], api.get('/recordings')['recordings']
    for name, seconds in running.items():
        mine = [r for r in seen if r['room'] == name]
        if not mine or mine[0]['state'] != 'cut':
            wrong.append('%s: its recording is %s' % (name, mine and mine[0]['state']))
            continue
        folder = os.path.join(server.dir, 'state', 'recordings', mine[0]['id'])
        plays = ogg_seconds(os.path.join(folder, 'mix.opus'))
        if plays < seconds - LOST_S:
            wrong.append('%s: %.2f s of %.2f can be played' % (name, plays, seconds))
        if not os.path.getsize(os.path.join(folder, 'manifest.json')):
            wrong.append('%s: an empty manifest' % name)
    return wrong


def killed_run(server):
    api, wrong, running = Api(server), [], {}
    rooms = furnish(api)
    past = crowd(server, 'past', '-n', str(FINISHED), '--hold', '1')
    talkers = crowd(server, 'rec', '-n', str(2 * RECORDINGS), '-r', str(RECORDINGS), '--cps', '40', '--hold', '60')
    joins = None
    try:
        assert past.wait(30) == 0, 'the calls before the crash failed'
        wait_until('members to record', 15, lambda: sum(r['members'] for r in api.get('/rooms')['rooms'] if
                                                        r['room'].startswith('rec-')) == 2 * RECORDINGS)
        for i in range(RECORDINGS):
            api.post('/rooms/rec-%d/record' % i, text='start')
            running['rec-%d' % i] = time.monotonic()
        time.sleep(4)
        joins = crowd(server, 'join', '-n', str(JOINS), '-r', '10', '--cps', '50', '--hold', '30')
        until = time.monotonic() + JOINS / 50 / 2
        for i in range(1000):             # definitions as well, up to the last moment
            if time.monotonic() > until:
                break
            name = 'late-%d' % i
            api.post('/rooms', room=name, settings={'title': name, 'guest-pin': '4711'})
            rooms[name] = api.get('/rooms/' + name)
        members = api.get('/status')['members']
        killed = time.monotonic()
        server.kill()
    finally:
        # Not asked to end: each would say BYE to who is no more, for half a minute.
        for p in filter(None, (talkers, joins)):
            p.kill()
            p.wait()
    running = {name: killed - t for name, t in running.items()}
    began = time.monotonic()
    server.start()
    took = time.monotonic() - began
    if took > START_S:
        wrong.append('%.2f s until it answers again' % took)
    if ['pest' in b['uri'] for b in api.get('/rooms/kept-2/bans')['bans']] != [True]:
        wrong.append('the ban is gone')
    wrong += what_is_kept(api, rooms) + what_is_recorded(server, api, running)
    calls = [c for c in api.get('/calls?room=past-0&limit=100')['calls'] if c['why'] != 'killed']
    if len(calls) != FINISHED:
        wrong.append('%d of %d finished calls are in the records' % (len(calls), FINISHED))
    print('# killed with %d members, %d rooms, %d recordings; answers again after %.2f s' % (members, len(rooms), len(running), took))
    return wrong


@case('killed', 'SIGKILL in the middle of 100 joins and 20 recordings: within a second it is back, with all it had promised to keep',
      limit=120, alone='house')
def killed():
    return with_server(killed_run, sip_invite_rate='0', http_rate='0', recording_max='20', rooms_max='5000')
