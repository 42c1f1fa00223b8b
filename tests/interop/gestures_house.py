"""Cases of gestures that act on the house: rights, the room's beat, the server's time."""
import time

from cases import case
from gestures_stage import on_stage, said
from houseapi import Api


def now_us():
    return time.monotonic_ns() // 1000


def room_member(api, name):
    return next((m for m in api.get('/rooms/band')['members'] if name in (m['name'], m['uri'].split(':')[1].split('@')[0])), None)


def clocks(party, wrong):
    """The server runs on this machine's clock: what an exchange says of it must not be further off than half its way."""
    best = None
    for i in range(20):
        t0 = now_us()
        party.play('/tutti/clock', 'h', t0)
        said(wrong, lambda: [g for g in party.messages('/tutti/clock/reply') if g.message.args[0] == t0], 'no answer to /tutti/clock')
        got = [g for g in party.messages('/tutti/clock/reply') if g.message.args[0] == t0]
        if not got:
            return 'no clock'
        _, t1, t2, smp = got[0].message.args
        t3 = int(got[0].at * 1e6)
        if not t0 - 1 <= t1 <= t2 <= t3 + 1:
            wrong.append('the server was asked at %d and heard at %d: it answered that it was %d to %d' % (t0, t3, t1, t2))
        if smp != t2 // 1000 * 48 + t2 % 1000 * 48 // 1000:
            wrong.append('at %d us it is sample %d' % (t2, smp))
        way, off = (t3 - t0) - (t2 - t1), abs(((t1 - t0) + (t2 - t3)) / 2)
        if off > way / 2 + 1:
            wrong.append('off by %d us after a way of %d us' % (off, way))
        best = min(best or (way, off), (way, off))
    return 'best of 20 exchanges: %d us there and back, off by %d us' % best


@case('gesture-house', 'players act on the house with their own rights, hear the room\'s beat in time as OSC and as MIDI clock, and learn the time')
def house():
    def play(stage):
        wrong = []
        anna, bob = (stage.party(n, 'osc') for n in ('anna', 'bob'))
        carl = stage.party('carl', 'midi')
        api = Api(stage.server)
        bob.play('/tutti/ask')
        said(wrong, lambda: [g for g in bob.messages('/tutti/tempo') if g.message.args == (120.0,)], 'the house does not answer /tutti/ask')
        bob.play('/tutti/me/mute', 'i', 1)
        said(wrong, lambda: (room_member(api, 'bob') or {}).get('muted'), lambda: 'bob is not muted: %s' % api.get('/rooms/band')['members'])
        said(wrong, lambda: [g for g in bob.messages('/tutti/me/mute') if g.message.args == (1,)], 'bob is not told that he is muted')
        bob.play('/tutti/me/mix/anna/fader', 'f', 0.0)
        said(wrong, lambda: [v for v in api.get('/rooms/band/views')['views'] if v[2] == -60], 'bob still hears anna')
        bob.play('/tutti/room/lock', 'i', 1)
        said(wrong, lambda: [g for g in bob.messages('/tutti/error') if g.message.args == (b'/tutti/room/lock', b'not allowed')],
             'bob may lock the room, or is not told that he may not')
        if api.get('/rooms/band')['locked']:
            wrong.append('bob has locked the room')
        told = clocks(bob, wrong)
        wrong += beats(api, bob, carl)
        heard = [g.message.address for g in anna.messages() if g.message.address.startswith(b'/tutti/' if isinstance(
            g.message.address, bytes) else '/tutti/')]
        if heard:
            wrong.append('anna never asked the house and hears %s' % heard[:5])
        print('# ' + told)
        return wrong
    return on_stage(play)


def beats(api, bob, carl):
    wrong = []
    api.post('/rooms/band/tempo', value=240, beats=3)
    api.post('/rooms/band/transport', text='start')
    tempo = api.get('/rooms/band')['tempo']
    if (tempo['bpm'], tempo['beats'], tempo['running']) != (240.0, 3, True):
        wrong.append('the tempo is %s' % tempo)
    said(wrong, lambda: len(bob.messages('/tutti/beat')) >= 12, lambda: 'only %d beats' % len(bob.messages('/tutti/beat')), 10)
    late = []
    for n, g in enumerate(bob.messages('/tutti/beat')):
        if g.message.args != (n // 3, n % 3, 240000):
            wrong.append('beat %d is told as %s' % (n, g.message.args))
            break
        late.append(g.at * 1e6 - (tempo['origin'] + n * 12000) * 1000 / 48)
    if late and not -100 <= min(late) <= 50000:
        wrong.append('beats come %d to %d us after their time' % (min(late), max(late)))
    api.post('/rooms/band/transport', text='stop')
    said(wrong, lambda: b'\xfc' in [g.message for g in carl.commands()], 'carl is not told to stop')
    midi = [g.message for g in carl.commands() if g.message[:1] in (b'\xf8', b'\xfa', b'\xfb', b'\xfc')]
    if midi[:1] != [b'\xfa'] or midi[-1:] != [b'\xfc'] or any(m != b'\xf8' for m in midi[1:-1]):
        wrong.append('carl hears %s' % [m.hex() for m in midi[:3] + midi[-3:]])
    if not 11 * 24 <= midi.count(b'\xf8') <= 24 * (len(bob.messages('/tutti/beat')) + 1):
        wrong.append('%d clocks to %d beats' % (midi.count(b'\xf8'), len(bob.messages('/tutti/beat'))))
    if late:
        print('# beats come %d to %d us after their time' % (min(late), max(late)))
    return wrong
