"""The gesture party judges itself: vectors of others, and its own senders and receivers on links that lose, double
and turn round packets, on a clock turned by hand.
"""
import json
import os
import random
from collections import Counter

import midistream
import oscstream
import oscwire
import rtcpwire
from oscwire import Bad

# Said to be decoded, but malformed by the rules of section 2: what another library makes of them.
STRICTER = {'pyosc-dgram_knob_rotates': 'length', 'pyosc-dgram_no_params': 'no type tag string',
            'pyosc-dgram_unknown_param_type': "tag 'x'",
            'pyosc-dgram_bundle_in_bundle': 'size of an element', 'pyosc-dgram_invalid_index': 'length',
            'pyosc-dgram_unknown_type': 'size of an element'}
# LENGTH of a channel journal longer than its chapters is taken (docs/rtpmidi.md).
LOOSER = {'arduino-lowHighJournalWrong'}


def vectors(folder, name):
    with open(os.path.join(folder, name)) as f:
        return json.load(f)


def read_or_why(read, *args):
    try:
        return read(*args), None
    except Bad as e:
        return None, str(e)


def osc_vectors(folder):
    wrong = []
    for v in vectors(folder, 'osc.json'):
        packet, why = read_or_why(oscwire.read, bytes.fromhex(v['hex']))
        if why:
            if v['kind'] != 'reject' and STRICTER.get(v['name']) != why:
                wrong.append('%s: %s' % (v['name'], why))
        elif v['kind'] == 'reject':
            wrong.append('%s is taken' % v['name'])
        elif v['kind'] == 'decode' and oscwire.rewrite(packet).hex() != v['hex']:
            wrong.append('%s is written in another way' % v['name'])
    return wrong


def framing_vectors(folder):
    wrong = []
    for v in vectors(folder, 'framing.json'):
        reader = oscwire.READERS['size' if v['name'].startswith('size') else 'slip'][1]()
        got, why = read_or_why(lambda: [p.hex() for b in bytes.fromhex(v['stream']) for p in reader.feed(bytes([b]))])
        if (got if not why else 'close') != v['expect']:
            wrong.append('%s: %s' % (v['name'], why or got))
    return wrong


def payload_vectors(folder):
    wrong, receiver, said = [], None, []
    for v in vectors(folder, 'rtposc.json'):
        rtp = oscstream.read_rtp(bytes.fromhex(v['hex']))
        p, why = read_or_why(oscstream.read_payload, rtp.payload, rtp.seq, rtp.marker)
        if (why is None) != v['valid']:
            wrong.append('%s: %s' % (v['name'], why or 'is taken'))
        if not p:
            continue
        if oscstream.write_payload(p) != rtp.payload:
            wrong.append('%s is written in another way' % v['name'])
        d = v['decode']
        got = {'J': int(p.journal), 'P': int(p.partial), 'S': int(p.snapshot), 'check': p.check,
               'events': [[t, raw.hex()] for t, raw in p.elements],
               'journal': [{'E': e.event, 'BACK': e.back, 'AGE': e.age, 'message': e.raw.hex()} for e in p.entries]}
        if got != d:
            wrong.append('%s: read as %s' % (v['name'], got))
        receiver = receiver or oscstream.Receiver(lambda m, how: said.append((m.address, how)))
        if p.journal:
            receiver.packet(rtp, 0.0)
    # the packets in their order tell the story that 17.5 tells
    if said[:2] != [('/synth/1/gain', 'live'), ('/key', 'live')] or receiver.n['malformed']:
        wrong.append('the packets in their order: %s, %s' % (said, dict(receiver.n)))
    return wrong


def same_tree(want, got, path):
    if isinstance(want, dict):
        return [w for k, v in want.items() if k not in ('toc', 'H') for w in same_tree(v, got.get(k), path + '/' + k)]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [w for i, v in enumerate(want) for w in same_tree(v, got[i], '%s/%d' % (path, i))]
    return [] if want == got else ['%s is %r, not %r' % (path, got, want)]


def midi_vectors(folder):
    wrong = []
    for v in vectors(folder, 'rtpmidi.json') + vectors(folder, 'rtpmidi-wild.json'):
        section, why = read_or_why(lambda: midistream.read_section(oscstream.read_rtp(bytes.fromhex(v['hex'])).payload))
        valid = v.get('valid', {'valid': True}.get(v.get('expect')))
        if valid is not None and v['name'] not in LOOSER and valid != (why is None):
            wrong.append('%s: %s' % (v['name'], why or 'is taken'))
        if not valid or why:
            continue
        wrong += same_tree([x[1] for x in v['decode']['list'] if x[2] != 'none'],
                           [c.hex() for _, c in section.commands], v['name'])
        if 'journal' in v['decode']:
            j = v['decode']['journal']
            wrong += same_tree(j['channels'], section.journal.channels, v['name'])
            wrong += same_tree([j[k] for k in 'SYA'] + [j['checkpoint']],
                               list(section.journal[:3]) + [section.journal.checkpoint], v['name'])
    return wrong


# ---- links ----

class Link:
    """Loses, doubles and turns round."""

    def __init__(self, rng, loss, disorder=0.05):
        self.rng, self.loss, self.disorder, self.late = rng, loss, disorder, []

    def through(self, packets):
        out = []
        for p in packets:
            if self.rng.random() < self.loss:
                continue
            if self.rng.random() < self.disorder:
                self.late.append(p)
                continue
            out += [p] * (2 if self.rng.random() < self.disorder else 1)
            out, self.late = out + self.late, []
        return out


class Clock:
    now = 100.0


def run_link(rng, loss, sender, receiver, gestures, rounds):
    """Rounds of playing and some quiet seconds; yields after each. gestures() plays one and returns its packets."""
    link, clock, counted = Link(rng, loss), Clock(), rtcpwire.Heard()

    def carry(packets):
        for data in link.through(packets):
            rtp = oscstream.read_rtp(data)
            counted.packet(rtp.seq)
            receiver.packet(rtp, clock.now)

    def report():
        if counted.highest and rng.random() >= loss:
            sender.report(counted.highest & 0xffff)
        if getattr(receiver, 'wants_refresh', False):
            receiver.wants_refresh = False
            if rng.random() >= loss:
                sender.refresh()
    carry([sender.start(clock.now)])
    for n in range(rounds):
        for _ in range(200):
            clock.now += rng.expovariate(50)
            if rng.random() < 0.8:
                carry(gestures(clock.now))
            carry(sender.step(clock.now))
            if rng.random() < 0.05:
                report()
        until = clock.now + 8
        while clock.now < until:
            clock.now += 0.005
            carry(sender.step(clock.now))
            if rng.random() < 0.02:
                report()
        yield n


def osc_link(loss, seed, rounds=4):
    rng, heard, truth, wrong = random.Random(seed), Counter(), {}, []
    sender = oscstream.Sender(98, rng=rng, seq=65500)
    receiver = oscstream.Receiver(lambda m, how: heard.update([m.args[0]] if m.address == '/hit' else []), late_ms=40)
    number = 0

    def gestures(now):
        nonlocal number
        number += 1
        kind, key = rng.random(), '/k/%d' % rng.randrange(40)
        if kind < 0.3:
            return [sender.play(now, oscwire.write('/hit', 'iI', number))]
        if kind < 0.35:
            truth.pop(key, None)
            return [sender.play(now, oscwire.write(key, 'N'))]
        truth[key] = 'i', (number,)
        raw = oscwire.write(key, 'i', number)
        return [sender.play(now, oscwire.write_bundle(1, raw) if kind < 0.5 else raw)]
    for n in run_link(rng, loss, sender, receiver, gestures, rounds):
        if receiver.state != truth:
            wrong.append('loss %g, round %d: state differs in %s' % (loss, n,
                                                                     {k for k in set(truth) | set(receiver.state)
                                                                           if truth.get(k) != receiver.state.get(k)}))
    wrong += ['loss %g: event %d was executed %d times' % (loss, k, v) for k, v in heard.items() if v > 1]
    if receiver.n['malformed'] or (loss and not receiver.n['recovered']) or not heard:
        wrong.append('loss %g: %s' % (loss, dict(receiver.n)))
    return wrong


def midi_link(loss, seed, rounds=4):
    rng, wrong = random.Random(seed), []
    sender, receiver = midistream.Sender(97, rng=rng, seq=65500), midistream.Receiver(lambda c, how: None)

    def gestures(now):
        ch, n, v = rng.randrange(2), rng.randrange(40, 60), rng.randrange(128)
        status = rng.choice((0x90, 0x90, 0x80, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0)) | ch
        if status >> 4 == 0xb:
            n = rng.choice((1, 7, 10, 64))
        one = bytes([status, n] if status >> 4 in (0xc, 0xd) else [status, n, v])
        return [sender.play(now, one, bytes([0x90 | ch, 30 + v % 4, v]))]
    for n in run_link(rng, loss, sender, receiver, gestures, rounds):
        wrong += ['loss %g, round %d: %s' % (loss, n, w) for w in sender.now.same(receiver.held)]
    if receiver.n['malformed']:
        wrong.append('loss %g: %s' % (loss, dict(receiver.n)))
    return wrong


def links():
    wrong = []
    for seed in range(3):
        for loss in 0.0, 0.1, 0.3:
            wrong += osc_link(loss, seed) + midi_link(loss, seed)
    return wrong


def vectors_all(folder):
    return osc_vectors(folder) + framing_vectors(folder) + payload_vectors(folder) + midi_vectors(folder)


def judge(folder):
    return rtcpwire.selftest() + links() + (vectors_all(folder) if os.path.isdir(folder) else [])
