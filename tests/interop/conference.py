"""Cases that look at a conference from several sides at once: its API, its event package, its files after a crash."""
import os
import random
import subprocess
import threading
import time

from cases import case, with_server
from follower import Follower
from houseapi import Api, Events, Refused
from phones import Missing
from server import BUILD

TRANSPORT = 'tcp'                  # a roster of 200 is no datagram


# ---- a subscriber and the API see the same house ----

def media(m):
    """RFC 4575 5.8.5 of a member as the API tells it."""
    if m['hold'] or (m['muted'] and m['deaf']):
        return 'inactive'
    return 'recvonly' if m['muted'] else 'sendonly' if m['deaf'] else 'sendrecv'


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
            wrong.append('document %d shows %d members, locked %s: the room has not been so since version state %d' % (
                n, len(members), locked, at))
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
        print('# %d events, %d documents (%d full), up to %d members, %d commands' % (
            len(seen), follower.documents, follower.full, max(len(s[0]) for s in states), commands))
        if follower.documents < seconds / 10 or len(states) < n or follower.full < 2:
            wrong.append('too little was seen: %d documents, %d states' % (follower.documents, len(states)))
        follower.close()
        return wrong[:20]
    return with_server(run, sip_invite_rate='0', http_rate='0')


@case('followed', 'who subscribes to a room that churns sees only states it was in, in order, and in the end what the API tells',
      limit=480, alone=True)
def followed_case():
    return followed(30, 100) if os.environ.get('TUTTI_QUICK') else followed(300, 200)
