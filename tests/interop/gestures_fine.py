"""Cases of gestures: what lines say of themselves, and what the server makes of it. Spaces, types, sizes, names, directions, sources."""
import time

import oscstream
import oscwire
import rtcpwire
from cases import case
from gestures_stage import hears, on_stage, said


def told(party, code):
    return [g for g in party.messages('/_gest/error') if g.message.args[0] == code]


@case('gesture-spaces', 'who wants other addresses than are sent hears none of them; what is declared an event is no state')
def spaces():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc',
                                    {'attrs': ['a=osc-space:send /synth/* ,f',
                                               'a=osc-space:send /key ,ii kind=event']}),
                           call=False)
        anna.spaces = [('/key', 'event')]
        anna.call('band')
        meets = stage.party('meets', ('osc', {'attrs': ['a=osc-space:recv /synth/gain ,i']}))
        apart = stage.party('apart', ('osc', {'attrs': ['a=osc-space:recv /lights/* ,f']}))
        other = stage.party('other', ('osc', {'attrs': ['a=osc-schema:recv urn:x-none:1']}))
        any_of = stage.party('any', ('osc', {'attrs': ['a=osc-schema:recv *']}))
        for p in stage.parties:
            p.their_spaces = [('/p/anna/key', 'event')]
        anna.play('/synth/gain', 'f', 0.5)
        for _ in range(3):
            anna.play('/key', 'ii', 60, 100)
        for p in meets, any_of:
            said(wrong, lambda q=p: q.states().get('/p/anna/synth/gain') == ('f', (0.5,)),
                 p.name + ' does not hear the gain')
            said(wrong, lambda q=p: len(q.messages('/p/anna/key')) == 3, lambda q=p: '%s heard the key %d times' % (
                q.name, len(q.messages('/p/anna/key'))))
        late = stage.party('late', 'osc')
        said(wrong, lambda: late.states() == {'/p/anna/synth/gain': ('f', (0.5,))},
             lambda: 'late knows %s' % late.states())
        apart.play('/back', 'i', 1)               # they declared nothing of what they send
        said(wrong, lambda: '/p/apart/back' in any_of.states(), 'what apart plays is not heard')
        for p in apart, other:
            if [g for g in p.messages() if g.message.address.startswith('/p/anna')]:
                wrong.append('%s hears what it did not want' % p.name)
        return wrong
    return on_stage(play)


def time_tags(party, address):
    """In the order they came, in seconds of a wallclock; 0: at once."""
    out = []
    for _, way, kind, data, control, _ in list(party.traced):
        if way != 'rx' or kind != 'osc' or control:
            continue
        for _, raw in oscstream.read_payload(oscstream.read_rtp(data).payload).elements:
            packet = oscwire.read(raw)
            if isinstance(packet, oscwire.Bundle) and packet.elements[0].address == address:
                out.append(0 if packet.time == oscwire.NOW else packet.time / 2 ** 32 - rtcpwire.EPOCH)
    return out


@case('gesture-time', 'when to act, said in a time 1,000 s off, is heard in the time of the server')
def timed():
    def play(stage):
        wrong = []
        anna = stage.party('anna', ('osc', {'tt': 'exec'}), call=False)
        anna.osc.ahead = 1000
        anna.call('band')
        bob = stage.party('bob', 'osc')
        bob.tracing = True
        plain = stage.party('plain', ('osc', {'tt': 'none'}))
        for p in anna, bob:
            if p.osc.told('tt') != 'exec':
                wrong.append('to %s the server says tt=%s' % (p.name, p.osc.told('tt')))
        until = time.monotonic() + 10
        while not any(time_tags(bob, '/p/anna/x')) and time.monotonic() < until:
            for p in anna, plain:
                when = time.time() + 1000 + 3600
                p.play_raw(oscwire.write_bundle(int((when + rtcpwire.EPOCH) * 2 ** 32), oscwire.write('/x', 'i', 1)))
            time.sleep(0.2)
        tags = time_tags(bob, '/p/anna/x')
        if not tags or not tags[-1]:
            wrong.append('the time tag is never told: %s' % tags)
        elif abs(tags[-1] - time.time() - 3600) > 60:
            wrong.append('the time tag is wrong by %.3f s' % (tags[-1] - time.time() - 3600))
        said(wrong, lambda: time_tags(bob, '/p/plain/x'), 'what plain plays does not come')
        if any(time_tags(bob, '/p/plain/x')):
            wrong.append('a time tag that means nothing is told: %s' % time_tags(bob, '/p/plain/x'))
        return wrong
    return on_stage(play)


@case('gesture-types', 'a receiver gets no type, size or operator that it did not agree to; of a bundle it gets the rest')
def types():
    def play(stage):
        wrong = []
        anna = stage.party('anna', 'osc')
        old = stage.party('old', ('osc', {'version': '1.0', 'max': 128}))
        new = stage.party('new', ('osc', {'types': 'ifsbhtdScrmTFNI[]'}))
        good, double = oscwire.write('/good', 'i', 1), oscwire.write('/double', 'd', 0.25)
        anna.play_raw(oscwire.write_bundle(1, good, double, oscwire.write('/after', 'i', 2)))
        anna.play('/big', 's', 'x' * 200)
        anna.play('/deep//x', 'i', 3)
        anna.play('/true', 'T')
        anna.play('/end', 'i', 4)
        said(wrong, lambda: '/p/anna/end' in old.states() and '/p/anna/end' in new.states(),
             'the last message does not come')
        if old.states() != {'/p/anna/good': ('i', (1,)), '/p/anna/after': ('i', (2,)), '/p/anna/end': ('i', (4,))}:
            wrong.append('old knows %s' % old.states())
        for address, args in ('/p/anna/double', (0.25,)), ('/p/anna/big', (b'x' * 200,)), ('/p/anna/true', (True,)):
            if new.states().get(address, (0, 0))[1] != args:
                wrong.append('new does not know %s: %s' % (address, new.states().get(address)))
        if [g for g in old.messages() if '//' in g.message.address]:
            wrong.append('// came to a receiver of OSC 1.0')
        for code in 2, 3:
            said(wrong, lambda c=code: told(anna, c), 'no error %d' % code)
        return wrong
    return on_stage(play)


@case('gesture-names', 'a name that is taken gets a number, one too long is cut, an illegal one is made of the caller; all are announced')
def names():
    def play(stage):
        wrong = []
        first = stage.party('first', 'osc', wish='anna')
        want = [('first', first, 'anna')]
        for name, wish, named in (('second', 'anna', 'anna-2'), ('long', 'x' * 50, 'x' * 32),
                                  ('again', 'x' * 32, 'x' * 30 + '-2'),
                                  ('caller', '_secret', 'caller'), ('nobody', '', 'nobody'), ('slash', 'a/b', 'slash')):
            want.append((name, stage.party(name, 'osc', wish=wish), named))
        for name, p, named in want:
            if p.gest_name != named:
                wrong.append('%s, who would be %r, is named %r and not %r' % (name, p.wish, p.gest_name, named))
        heard = {g.message.args[0].decode() for g in first.messages('/_gest/join')}
        said(wrong, lambda: {g.message.args[0].decode()
                             for g in first.messages('/_gest/join')} == {n for _, _, n in want[1:]},
             lambda: 'the first is told of %s' % sorted(heard))
        return wrong
    return on_stage(play)


@case('gesture-generic', 'RTP MIDI as mpeg4-generic: the answer repeats its parameters, and M is 1 in every packet')
def generic():
    def play(stage):
        wrong = []
        mpeg = {'streamtype': '5', 'mode': 'rtp-midi', 'config': '""', 'profile-level-id': '12'}
        anna = stage.party('anna', ('midi', dict(mpeg, encoding='mpeg4-generic')))
        bob = stage.party('bob', 'midi')
        for key, value in mpeg.items():
            if anna.midi.told(key) != value:
                wrong.append('%s is answered with %r' % (key, anna.midi.told(key)))
        anna.tracing = True
        anna.midi_play('903c64')
        bob.midi_play('903e64')
        said(wrong, lambda: bob.held() == {(0, 60)} and anna.held() == {(0, 62)},
             'they hear %s and %s' % (bob.held(), anna.held()))
        bare = [t[3].hex() for t in anna.traced if not t[4] and not t[3][1] & 0x80]
        if bare:
            wrong.append('%d packets have M 0: %s' % (len(bare), bare[:2]))
        return wrong
    return on_stage(play)


@case('gesture-oneway', 'a party that sends OSC and hears MIDI, and one that only listens: each hears what it may')
def oneway():
    def play(stage):
        wrong = []
        mixed = stage.party('mixed', ('osc', {'direction': 'sendonly'}), ('midi', {'direction': 'recvonly'}))
        if mixed.osc.answer.direction != 'recvonly' or mixed.midi.answer.direction != 'sendonly':
            wrong.append('the answer: OSC %s, MIDI %s' % (mixed.osc.answer.direction, mixed.midi.answer.direction))
        bob, ear = stage.party('bob', 'midi'), stage.party('ear', ('osc', {'direction': 'recvonly'}))
        mixed.play('/midi/1/note/60', 'i', 100)
        bob.midi_play('903e64')
        said(wrong, lambda: bob.held() == {(0, 60)}, lambda: 'bob holds %s' % bob.held())
        said(wrong, lambda: mixed.held() == {(0, 62)}, lambda: 'mixed holds %s' % mixed.held())
        hears(wrong, ear, '/p/mixed/midi/1/note/60', (100,))
        hears(wrong, ear, '/p/bob/midi/1/note/62', (100,))
        if mixed.messages():
            wrong.append('OSC comes on a line that only sends: %s' % mixed.messages()[:3])
        ear.play('/_gest/refresh')
        time.sleep(0.3)
        return wrong
    return on_stage(play)


@case('gesture-sources', 'more players than sources: those who came first have their own, the others come merged with prefix')
def sources():
    def play(stage):
        wrong = []
        a, b, c = (stage.party(n, 'osc') for n in 'abc')
        few = stage.party('few', ('osc', {'sources': 3}))
        own = stage.party('own', ('osc', {'sources': 3, 'view': 'source'}))
        for p in a, b, c:
            p.play('/fader', 's', p.name)
        mine = {n: ('s', (n.encode(),)) for n in 'abc'}

        def by_name(ear):
            with ear.lock:
                return {ear.osc.name_of(s) if ear.osc.name_of(s) in mine else '': dict(x.state) for s,
                        x in ear.osc.streams.items()}
        want = {'a': {'/p/a/fader': mine['a']}, 'b': {'/p/b/fader': mine['b']}, '': {'/p/c/fader': mine['c']}}
        said(wrong, lambda: by_name(few) == want, lambda: 'few knows %s' % by_name(few))
        want = {'a': {'/fader': mine['a']}, 'b': {'/fader': mine['b']}, '': {}}
        said(wrong, lambda: by_name(own) == want, lambda: 'own knows %s' % by_name(own))
        return wrong
    return on_stage(play)


@case('gesture-params', 'RPN and NRPN, banks, song and transport from OSC come as MIDI does them; what a MIDI player says comes back as one message')
def params():
    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'midi')
        for address, tags, args, want in (
                ('/midi/1/rpn/0', 'i', [256], 'b06500 b06400 b00602 b02600 b0657f b0647f'),
                ('/midi/2/nrpn/129', 'i', [1], 'b16301 b16201'),
                ('/midi/3/program', 'iii', [5, 1, 2], 'b20001 b22002 c205'), ('/midi/sys/song', 'i', [3], 'f303'),
                ('/midi/sys/start', '', [], 'fa'), ('/midi/sys/stop', '', [], 'fc'),
                ('/midi/sysex', 'b', ['7e7f0901'], 'f07e7f0901f7'),
                ('/midi/x', 'm', ['00903c64'], '903c64')):
            anna.play(address, tags, *[bytes.fromhex(x) if isinstance(x, str) else x for x in args])
            for one in want.split():
                said(wrong, lambda o=one: bytes.fromhex(o) in [g.message for g in bob.commands()], lambda a=address,
                     o=one: '%s: no %s in %s' % (
                    a, o, [g.message.hex() for g in bob.commands()]))
        return wrong
    return on_stage(play)
