"""Cases of gestures: MIDI, the bridge between OSC and MIDI, SRTP, and links that lose."""
import random
import time

from cases import case
from gestpeer import prefixed
from gestures_stage import hears, on_stage, said

FRESH_S = 0.3                     # a note whose NoteOn was lost is not struck late ("recovered NoteOn only if Y=1"): it may miss
QUIET_S = 4                       # of a quiet second, on links that lose and a machine that is busy


# ---- bridge ----

@case('gesture-bridge', 'a MIDI player and an OSC player hear each other: notes, controllers, bend, program, maps of the sender')
def bridge():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc',
                                    {'attrs': ['a=osc-map:out /synth/gain 0:f:0:1 cc:1:7',
                                               'a=osc-map:out /pad/%n 0:f:0:1 note:10:%n']}))
        bob = stage.party('bob', 'midi')
        for hexa, address, args in (('903c64', '/midi/1/note/60', (100,)), ('b2075a', '/midi/3/cc/7', (90,)),
                                    ('e50040', '/midi/6/bend', (8192,)),
                                    ('c305', '/midi/4/program', (5,)), ('d440', '/midi/5/pressure', (64,)),
                                    ('a13d09', '/midi/2/poly/61', (9,))):
            bob.midi_play(hexa)
            hears(wrong, anna, '/p/bob' + address, args)
        bob.midi_play('803c21')
        hears(wrong, anna, '/p/bob/midi/1/off/60', (33,))
        for address, tags, arg, hexa in (('/midi/1/note/60', 'i', 100, '903c64'), ('/midi/3/cc/7', 'i', 90, 'b2075a'),
                                         ('/midi/6/bend', 'f', 0.0, 'e50000'),
                                         ('/synth/gain', 'f', 0.5, 'b00740'), ('/pad/36', 'f', 0.5, '992440'),
                                         ('/midi/1/note/60', 'i', 0, '803c40')):
            anna.play(address, tags, arg)
            said(wrong, lambda h=hexa: bytes.fromhex(h) in [g.message for g in bob.commands()],
                 lambda h=hexa, a=address: '%s does not come as %s; bob heard %s' % (a, h,
                                                                                     [g.message.hex() for g in bob.commands()]))
        anna.play('/no/midi', 's', 'x')
        said(wrong, lambda: [g for g in anna.messages('/_gest/error') if g.message.args[:2] == (9, b'/no/midi')],
             'no error 9 for what is no MIDI')
        return wrong
    return on_stage(play)


@case('gesture-merge', 'a note that two hold sounds until both let go; the pedal likewise; with sources of their own each is heard apart')
def merge():
    def play(stage):
        wrong = []
        anna, bob, carl = (stage.party(n, 'midi') for n in ('anna', 'bob', 'carl'))
        dora = stage.party('dora', ('midi', {'sources': 8}))
        anna.midi_play('903c64', 'b0407f')
        bob.midi_play('903c50', 'b0407f')
        for ear in carl, dora:
            said(wrong, lambda e=ear: (0, 60) in e.held(), '%s does not hear the note' % ear.name)
        said(wrong, lambda: len([s for s in dora.midi.streams.values() if (0, 60) in s.held.notes]) == 2,
             'dora does not hear two sources')
        anna.midi_play('803c40', 'b04000')
        time.sleep(0.3)
        pedal = [g.message[2] for g in carl.commands() if g.message[:2] == b'\xb0\x40']
        if (0, 60) not in carl.held() or 0 in pedal:
            wrong.append('carl: what bob still holds ended: %s, pedal %s' % (carl.held(), pedal))
        bob.midi_play('803c40', 'b04000')
        for ear in carl, dora:
            said(wrong, lambda e=ear: not e.held(), '%s: a note hangs' % ear.name)
        said(wrong, lambda: [g.message[2] for g in carl.commands() if g.message[:2] == b'\xb0\x40'][-1:] == [0],
             'carl: the pedal hangs')
        return wrong
    return on_stage(play)


# ---- SRTP, loss ----

@case('gesture-srtp', 'OSC and MIDI under SRTP, and one in the clear: each hears the others')
def srtp():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc', {'srtp': True}))
        bob = stage.party('bob', ('midi', {'srtp': True}))
        carl = stage.party('carl', ('osc', {'srtp': True, 'mux': True, 'pli': True}))
        dora = stage.party('dora', 'osc')
        for p in anna, carl, dora:
            p.play('/fader', 'i', 1)
        bob.midi_play('903c64')
        for ear in anna, carl, dora:
            for p in anna, carl, dora:
                if p is not ear:
                    said(wrong, lambda e=ear, q=p: '/p/%s/fader' % q.name in e.states(),
                         '%s does not hear %s' % (ear.name, p.name))
            hears(wrong, ear, '/p/bob/midi/1/note/60', (100,))
        return wrong
    return on_stage(play)


def jam(rng, players, seconds, truth):
    """Everybody plays at random; truth is what everybody said last: {name: (OSC state, MIDI notes)}."""
    until, number, fresh = time.monotonic() + seconds, truth.get('number', 0), {}
    while time.monotonic() < until:
        for p in players:
            number += 1
            state, notes = truth[p.name]
            if hasattr(p, 'midi'):
                ch, note = rng.randrange(2), rng.randrange(50, 62)
                on = (ch, note) not in notes
                p.midi_play(bytes([(0x90 if on else 0x80) | ch, note, rng.choice((64, 80))]),
                            bytes([0xb0 | ch, 7, number % 128]))
                (notes.add if on else notes.discard)((ch, note))
                if on:
                    fresh[ch, note] = time.monotonic()
                state['/midi/%d/cc/7' % (ch + 1)] = 'i', (number % 128,)
            else:
                key = '/k/%d' % rng.randrange(12)
                p.play(key, 'i', number)
                p.play('/hit', 'iI', number)
                state[key] = 'i', (number,)
        time.sleep(rng.uniform(0.005, 0.03))
    truth['number'] = number
    truth['fresh'] = truth.get('fresh', set()) | {k for k, at in fresh.items() if at > time.monotonic() - FRESH_S}


def sounding(ear):
    """Notes that sound for this player, whatever kind of line it has: {(channel, note)}."""
    if hasattr(ear, 'midi'):
        return ear.held()
    with ear.lock:
        keys = [k for s in ear.osc.streams.values() for k, v in s.state.items() if '/note/' in k and v[1][0]]
    parts = [k.split('/midi/')[1].split('/') for k in keys]
    return {(int(c) - 1, int(n)) for c, _, n in parts}


def same_notes(wrong, ear, held, fresh):
    """None sounds that nobody holds, ever. One may miss whose NoteOn came too late."""
    said(wrong, lambda: sounding(ear) <= held and held - sounding(ear) <= fresh,
         lambda: '%s: notes that hang %s, that miss %s' % (ear.name, sorted(sounding(ear) - held),
                                                         sorted(held - sounding(ear) - fresh)), QUIET_S)


def same_state(wrong, ear, want):
    def known():
        return {k: v for k, v in ear.states().items() if '/note/' not in k}
    said(wrong, lambda: known() == want, lambda: '%s: (key, heard, played) %s' % (
        ear.name, [(k, known().get(k), want.get(k)) for k in set(known()) | set(want)
                   if known().get(k) != want.get(k)][:6]), QUIET_S)


def twice(ear):
    out = []
    for address in {g.message.address for g in ear.messages() if g.message.address.endswith('/hit')}:
        for source in {g.source for g in ear.messages(address)}:
            got = [g.message.args[0] for g in ear.messages(address) if g.source == source]
            if len(got) != len(set(got)):
                out.append('%s: %d events of %s came twice' % (ear.name, len(got) - len(set(got)), address))
    return out


def lossy(percent, seconds=5):
    def play(stage):
        wrong, rng = [], random.Random(percent)
        source = {'view': 'source', 'sources': 8, 'pli': True}
        players = [stage.party('anna', 'osc'), stage.party('bob', ('osc', source)), stage.party('carl', 'midi'),
                   stage.party('dora', ('midi', {'sources': 8}))]
        for p in players:
            p.lose(percent / 100, percent / 100)
        truth = {p.name: ({}, set()) for p in players}
        for _ in range(2):
            jam(rng, players, seconds, truth)
            for ear in players:
                others = [p.name for p in players if p is not ear]
                same_notes(wrong, ear, set().union(*(truth[n][1] for n in others)), truth['fresh'])
                if ear.name == 'anna':
                    same_state(wrong, ear, {k: v for n in others for k, v in prefixed(truth[n][0], n).items()})
        wrong += twice(players[0]) + twice(players[1])
        lost = sum(g.n['rx lost'] + g.n['tx lost'] for p in players for g in p.gestures)
        recovered = sum(s.n['recovered'] for p in players[:2] for s in p.osc.streams.values())
        print('# %d datagrams lost, %d messages told again by journals' % (lost, recovered))
        if lost < 50:
            wrong.append('the link lost only %d datagrams' % lost)
        return wrong
    return on_stage(play)


for _percent in 10, 30:
    case('gesture-loss-%d' % _percent,
         'two OSC and two MIDI players on links that lose %d %% each way: after a quiet second all know the same, no event comes twice'
         % _percent, limit=60)(lambda p=_percent: lossy(p))
