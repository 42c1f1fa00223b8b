"""Cases of gestures: parties in Python (gestpeer.py) that play OSC to each other, and the life of their calls."""
import os
import time

import gestself
import rtcpwire
from cases import case
from gestpeer import VECTORS, Tls, near, prefixed, read_sdp, wait
from gestures_stage import hears, on_stage, said
from phones import Missing


# ---- the judge judged ----

@case('gesture-peer', 'the gesture party itself: its senders and receivers on links that lose 30 %, its SRTP against RFC 3711', limit=90)
def gesture_peer():
    return rtcpwire.selftest() + gestself.links()


@case('gesture-vectors', 'the gesture party reads and writes the vectors of OSC, streams, the payload osc and RTP MIDI as they say')
def gesture_vectors():
    if not os.path.isdir(VECTORS):
        raise Missing('no gesture vectors at %s (TUTTI_VECTORS names their folder)' % VECTORS)
    return gestself.vectors_all(VECTORS)


# ---- OSC and OSC ----

@case('gesture-views', 'three OSC players hear each other: with prefix, as sources of their own, in one flat space; an event comes once')
def views():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc', {'view': 'prefix'}))
        bob = stage.party('bob', ('osc', {'view': 'source', 'sources': 4}))
        carl = stage.party('carl', ('osc', {'view': 'flat'}))
        for p in anna, bob, carl:
            if p.gest_name != p.name:
                wrong.append('%s was named %r' % (p.name, p.gest_name))
            p.play('/%s/fader' % p.name, 'f', 0.5)
            p.play('/%s/hit' % p.name, 'iI', 7)
        for ear, form, named in (anna, '/p/%s/%s/', False), (bob, '/%s/', True), (carl, '/%s/', False):
            for p in anna, bob, carl:
                if p is not ear:
                    head = form % ((p.name, p.name) if form.startswith('/p') else p.name)
                    said(wrong, lambda e=ear, h=head: e.states().get(h + 'fader') == ('f', (0.5,)),
                         lambda e=ear, h=head: '%s knows %s, without %sfader' % (e.name, e.states(), h))
                    hears(wrong, ear, head + 'hit', (7, None), p.name if named else None)
        if bob.osc.streams and len([s for s in bob.osc.streams if bob.osc.name_of(s) in ('anna', 'carl')]) != 2:
            wrong.append('the sources bob hears are %s' % bob.osc.names)
        for ear in anna, bob, carl:
            if any(ear.name in g.message.address for g in ear.messages()
                   if not g.message.address.startswith('/_gest/')):
                wrong.append('%s hears itself' % ear.name)
        return wrong
    return on_stage(play)


KINDS = {'osc': 'RTP', 'udp': 'UDP', 'tcp-slip': 'TCP with SLIP', 'tcp-size': 'TCP with sizes'}


def kind_of_line(name):
    return ('tcp', {'framing': name[4:]}) if name.startswith('tcp') else name


def two_kinds(a, b):
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', kind_of_line(a)), stage.party('bob', kind_of_line(b))
        for p, other in (anna, bob), (bob, anna):
            for i in range(50):
                p.play('/n/%d' % (i % 5), 'isb', i, 'text', bytes([0xc0, 0xdb, i]))
                time.sleep(0.002)
            p.play('/hit', 'iI', 1)
            head = '/p/' + p.name
            hears(wrong, other, head + '/hit', (1, None))
            want = {head + '/n/%d' % i: ('isb', (45 + i, b'text', bytes([0xc0, 0xdb, 45 + i]))) for i in range(5)}
            said(wrong, lambda o=other, w=want: o.states() == w, lambda o=other: '%s knows %s' % (o.name, o.states()))
        return wrong
    return on_stage(play)


for _a, _b in (('osc', 'udp'), ('udp', 'udp'), ('osc', 'tcp-slip'), ('udp', 'tcp-size')):
    case('gesture-%s-%s' % (_a, _b), 'OSC over %s and over %s: each hears the other' % (KINDS[_a], KINDS[_b]))(
        lambda a=_a, b=_b: two_kinds(a, b))


@case('gesture-tls', 'OSC over TLS and over RTP: each hears the other; both certificates are known by their fingerprints')
def over_tls():
    def play(stage):
        wrong = []
        anna = stage.party('anna', 'osc')
        bob = stage.party('bob', ('tcp', {'tls': Tls(stage.server.dir), 'framing': 'slip', 'mid': 'tls'}))
        anna.play('/a', 'i', 1)
        bob.play('/b', 'i', 2)
        said(wrong, lambda: bob.states() == {'/p/anna/a': ('i', (1,))}, lambda: 'bob knows %s' % bob.states())
        said(wrong, lambda: anna.states() == {'/p/bob/b': ('i', (2,))}, lambda: 'anna knows %s' % anna.states())
        return wrong
    return on_stage(play, tls=True)


@case('gesture-to', 'a message to one participant comes to that one alone; to nobody: error 8')
def to_one():
    def play(stage):
        wrong = []
        anna, bob, carl = (stage.party(n, 'osc') for n in ('anna', 'bob', 'carl'))
        anna.play('/to/bob/cue', 'i', 5)
        hears(wrong, bob, '/p/anna/cue', (5,))
        anna.play('/to/nobody/cue', 'i', 5)
        said(wrong, lambda: [g for g in anna.messages('/_gest/error') if g.message.args[0] == 8],
             lambda: 'no error 8: %s' % anna.messages())
        if carl.messages('/p/anna/cue'):
            wrong.append('carl hears what was for bob')
        return wrong
    return on_stage(play)


@case('gesture-owner', 'flat view: who claimed an address alone writes it; others get error 5')
def owner():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc', {'view': 'flat', 'attrs': ['a=osc-own:/lights/*']}))
        bob = stage.party('bob', ('osc', {'view': 'flat', 'attrs': ['a=osc-own:/lights/1']}))
        if anna.osc.answer.all('osc-own') != ['/lights/*'] or bob.osc.answer.all('osc-own'):
            wrong.append('granted: %s and %s' % (anna.osc.answer.all('osc-own'), bob.osc.answer.all('osc-own')))
        anna.play('/lights/1', 'i', 1)
        said(wrong, lambda: bob.states().get('/lights/1') == ('i', (1,)), 'bob does not see the owner write')
        bob.play('/lights/1', 'i', 2)
        bob.play('/other', 'i', 3)
        said(wrong, lambda: anna.states().get('/other') == ('i', (3,)), 'anna does not hear what nobody owns')
        said(wrong, lambda: [g for g in bob.messages('/_gest/error') if g.message.args[0] == 5],
             'bob is not told error 5')
        if '/lights/1' in anna.states():
            wrong.append('anna hears bob write what is hers')
        return wrong
    return on_stage(play)


# ---- the life of a call ----

@case('gesture-late', 'who comes late is told the state of all, over RTP and UDP, in prefix and source view; no note is struck late')
def late():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'midi')
        state = {}
        for i in range(60):
            anna.play('/k/%d' % i, 'is', i, 'x' * 40)
            state['/k/%d' % i] = 'is', (i, b'x' * 40)
        anna.play('/k/3', 'N')
        del state['/k/3']
        bob.midi_play('903c64', 'b0075a', 'c005')
        time.sleep(0.3)
        midi = {'/midi/1/cc/7': ('i', (90,)), '/midi/1/program': ('i', (5,))}
        want = dict(prefixed(state, 'anna'), **prefixed(midi, 'bob'))
        carl, dora = stage.party('carl', 'osc'), stage.party('dora', 'udp')
        eve = stage.party('eve', ('osc', {'view': 'source', 'sources': 4}))
        fred = stage.party('fred', 'midi')
        for p, w in (carl, want), (dora, want), (eve, dict(state, **midi)):
            said(wrong, lambda q=p, w=w: near(q.states(), w), lambda q=p,
                 w=w: '%s knows %d keys of %d; too many: %s; not: %s' % (
                q.name, len(q.states()), len(w), sorted(set(q.states()) - set(w))[:5],
                sorted(set(w) - set(q.states()))[:5]), 8)
            if [g for g in p.messages() if '/note/' in g.message.address and g.message.args[0]]:
                wrong.append('%s is struck a note that was struck before it came' % p.name)
        said(wrong, lambda: fred.held() == {(0, 60)}, lambda: 'fred holds %s' % fred.held())
        if [g for g in fred.commands() if g.message[0] >> 4 == 9 and g.message[2]]:
            wrong.append('fred is struck a note that was struck before it came')
        said(wrong, lambda: [g for g in dora.messages('/_gest/snapshot/end')], 'no end of the snapshot over UDP')
        return wrong
    return on_stage(play)


@case('gesture-leave', 'who leaves lets go of all it holds: note-offs and pedal for MIDI, leave for OSC, BYE of its source; its name is not given away')
def leave():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'midi')
        eve = stage.party('eve', ('osc', {'view': 'source', 'sources': 8}))
        midi, osc = stage.party('mia', 'midi'), stage.party('otto', 'osc')
        midi.midi_play('904064', '91305a', 'b0407f')
        osc.play('/midi/3/note/50', 'i', 80)
        osc.play('/fader', 'i', 1)
        said(wrong, lambda: {(0, 64), (1, 48), (2, 50)} <= bob.held(), lambda: 'bob holds %s' % bob.held())
        said(wrong, lambda: '/p/otto/fader' in anna.states(), 'anna does not hear otto')
        said(wrong, lambda: [s for s in eve.osc.streams if eve.osc.name_of(s) == 'otto'], 'eve has no source otto')
        midi.bye()
        osc.bye()
        said(wrong, lambda: not bob.held(), lambda: 'bob still holds %s' % bob.held())
        pedal = [g.message for g in bob.commands() if g.message[0] == 0xb0 and g.message[1] == 64]
        if pedal[-1:] != [bytes([0xb0, 64, 0])]:
            wrong.append('the pedal of who left: %s' % pedal)
        for name in b'mia', b'otto':
            said(wrong, lambda n=name: [g for g in anna.messages('/_gest/leave') if g.message.args[0] == n],
                 'anna is not told that %s left' % name)
        said(wrong, lambda: [s for s in eve.osc.gone if eve.osc.name_of(s) == 'otto'],
             'no BYE of the source otto for eve')
        again = stage.party('other', 'osc', wish='otto')
        if again.gest_name != 'otto-2':
            wrong.append('another who would be otto is named %s' % again.gest_name)
        return wrong
    return on_stage(play)


@case('gesture-hold', 'on hold nothing comes; resumed, the state does, also what changed meanwhile; a refresh of the session disturbs nothing')
def hold():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'osc')
        bob.play('/a', 'i', 1)
        said(wrong, lambda: anna.states() == {'/p/bob/a': ('i', (1,))}, 'anna does not hear bob')
        before, ssrcs = anna.osc.sender.next, set(anna.osc.streams)
        assert anna.reinvite().status == 200
        anna.play('/x', 'i', 1)
        said(wrong, lambda: bob.states() == {'/p/anna/x': ('i', (1,))}, 'after a refresh bob does not hear anna')
        if set(anna.osc.streams) != ssrcs or anna.osc.sender.next < before:
            wrong.append('a refresh of the session made new streams')
        anna.osc.direction = 'inactive'
        assert anna.reinvite().status == 200
        if anna.osc.answer.direction != 'inactive':
            wrong.append('hold is answered with ' + anna.osc.answer.direction)
        time.sleep(0.2)
        n = len(anna.messages())
        bob.play('/a', 'i', 2)
        bob.play('/hit', 'iI', 2)
        time.sleep(0.7)
        if len(anna.messages()) != n:
            wrong.append('on hold anna hears %s' % anna.messages()[n:])
        anna.osc.direction = 'sendrecv'
        assert anna.reinvite().status == 200
        said(wrong, lambda: anna.states() == {'/p/bob/a': ('i', (2,))},
             lambda: 'after hold anna knows %s' % anna.states())
        if anna.messages('/p/bob/hit'):
            wrong.append('an event of the time on hold came afterwards')
        return wrong
    return on_stage(play)


@case('gesture-switch', 'in the middle of a call from MIDI to OSC: the held note is released for others, the state comes on the new line')
def switch():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'midi'), stage.party('bob', 'osc')
        bob.play('/fader', 'i', 3)
        anna.midi_play('903c64')
        said(wrong, lambda: bob.messages('/p/anna/midi/1/note/60'), 'bob does not hear the note')
        anna.midi.dropped = True
        anna.line('osc')
        assert anna.reinvite().status == 200
        if not anna.osc.accepted or anna.midi.accepted:
            wrong.append('the switch is answered with\n' + anna.answer_sdp.decode())
            return wrong
        said(wrong, lambda: anna.states() == {'/p/bob/fader': ('i', (3,))}, lambda: 'anna knows %s' % anna.states())
        anna.play('/mine', 'i', 4)
        said(wrong, lambda: '/p/anna/mine' in bob.states(), 'bob does not hear the new line')
        said(wrong, lambda: [g.message.args for g in bob.messages('/p/anna/midi/1/note/60')][-1:] == [(0,)],
             'the note of the old line is not released')
        return wrong
    return on_stage(play)


@case('gesture-galt', 'OSC and MIDI as alternatives: the first is taken, the other gets port 0, the answer groups only the first')
def galt():
    def play(stage):
        wrong = []
        for name, lines, taken in ('anna', ('osc', 'midi'), 'osc'), ('bob', ('midi', 'osc'), 'midi'):
            p = stage.party(name, *lines, group=True)
            session, media = read_sdp(p.answer_sdp)
            if [m.port != 0 for m in media[1:]] != [True, False] or ('group', 'GALT ' + taken) not in session:
                wrong.append('%s is answered with\n%s' % (name, p.answer_sdp.decode()))
        anna, bob = stage.parties
        anna.play('/midi/1/note/60', 'i', 100)
        said(wrong, lambda: bob.held() == {(0, 60)}, 'bob does not hear the note')
        bob.midi_play('903e50')
        hears(wrong, anna, '/p/bob/midi/1/note/62', (80,))
        return wrong
    return on_stage(play)


@case('gesture-rooms', 'players of two rooms do not hear each other')
def rooms():
    def play(stage):
        wrong = []
        a, b = stage.party('anna', 'osc', room='east'), stage.party('bob', 'osc', room='east')
        c, d = stage.party('anna', 'osc', 'midi', room='west'), stage.party('bob', 'osc', room='west')
        for p in a, b, c, d:
            p.play('/room', 's', p.room)
        c.midi_play('903c64')
        for ear, other in (a, b), (b, a), (c, d), (d, c):
            want = {'/p/%s/room' % other.name: ('s', (other.room.encode(),))}
            said(wrong, lambda e=ear, w=want: {k: v for k, v in e.states().items() if 'midi' not in k} == w,
                 lambda e=ear: '%s in %s knows %s' % (e.name, e.room, e.states()))
        time.sleep(0.3)
        if [g for p in (a, b) for g in p.messages() if 'midi' in g.message.address]:
            wrong.append('a note of the other room is heard')
        return wrong
    return on_stage(play)


import gestures_bridge  # noqa: E402,F401
import gestures_fine  # noqa: E402,F401
import gestures_hostile  # noqa: E402,F401
import gestures_house  # noqa: E402,F401
import gestures_shark  # noqa: E402,F401
