"""RTP MIDI (RFC 6295) as the gesture party needs it: the command section, the channel journal (all chapters read, P C
W N T A written), a sender and a receiver. Parameters (RPN, NRPN) are read and not sent.
"""
import collections
import random
import struct

from oscstream import extended, write_rtp
from oscwire import Bad, need

Section = collections.namedtuple('Section', 'commands journal length')
Journal = collections.namedtuple('Journal', 'S Y A H checkpoint channels')
LENGTHS = {0x8: 3, 0x9: 3, 0xa: 3, 0xb: 3, 0xc: 2, 0xd: 2, 0xe: 3}
SYSTEM = {0xf1: 2, 0xf2: 3, 0xf3: 2, 0xf4: 1, 0xf5: 1, 0xf6: 1}
RPN_CONTROLLERS = (6, 38, 96, 97, 98, 99, 100, 101)


# ---- the command section ----

def delta_time(data, at, end):
    value = 0
    for n in range(4):
        need(at < end, 'delta time')
        value, at = value << 7 | data[at] & 0x7f, at + 1
        if not data[at - 1] & 0x80:
            return value, at
    raise Bad('delta time longer than 4 octets')


def command(data, at, end, running):
    """One command with its status; what is the running status after it."""
    first = data[at]
    if first == 0xf0 or first == 0xf7:
        stop = at + 1
        while stop < end and data[stop] < 0x80 or stop < end and data[stop] >= 0xf8:
            stop += 1
        need(stop < end and data[stop] in (0xf0, 0xf7, 0xf4, 0xf5), 'SysEx without an end')
        return bytes(data[at:stop + 1]), stop + 1, None
    if first >= 0xf8:
        return bytes([first]), at + 1, running
    if first >= 0xf0:
        size = SYSTEM[first]
        need(at + size <= end and all(b < 0x80 for b in data[at + 1:at + size]), 'system command')
        return bytes(data[at:at + size]), at + size, None
    if first >= 0x80:
        running, at = first, at + 1
    need(running is not None, 'data without a status')
    size = LENGTHS[running >> 4] - 1
    need(at + size <= end and all(b < 0x80 for b in data[at:at + size]), 'channel command')
    return bytes([running]) + bytes(data[at:at + size]), at + size, running


def read_section(data):
    need(len(data) >= 1, 'no header')
    flags, length, at = data[0], data[0] & 15, 1
    if flags & 0x80:
        need(len(data) >= 2, 'header')
        length, at = length << 8 | data[1], 2
    end = at + length
    need(end <= len(data), 'LEN')
    commands, running, when, first = [], None, 0, True
    while at < end:
        if not first or flags & 0x20:
            step, at = delta_time(data, at, end)
            when += step
        first = False
        if at < end:
            one, at, running = command(data, at, end, running)
            commands.append((when, one))
    journal = None
    if flags & 0x40:
        journal, at = read_journal(data, at)
    need(at == len(data), 'octets left over')
    return Section(commands, journal, length)


# ---- the journal ----

def read_journal(data, at):
    need(at + 3 <= len(data), 'journal header')
    flags, checkpoint = struct.unpack_from('!BH', data, at)
    at += 3
    if flags & 0x40:
        need(at + 2 <= len(data), 'system journal')
        size = struct.unpack_from('!H', data, at)[0] & 0x3ff
        need(size >= 2 and at + size <= len(data), 'system journal')
        at += size
    channels = []
    for _ in range((flags & 15) + 1 if flags & 0x20 else 0):
        need(at + 3 <= len(data), 'channel journal')
        head, toc = struct.unpack_from('!HB', data, at)
        size = head & 0x3ff
        need(size >= 3 and at + size <= len(data), 'channel journal LENGTH')
        channels.append(read_channel(data[at + 3:at + size], head >> 15, head >> 11 & 15, toc))
        at += size
    return Journal(flags >> 7, flags >> 6 & 1, flags >> 5 & 1, flags >> 4 & 1, checkpoint, channels), at


def take(data, at, n):
    need(at + n <= len(data), 'chapter')
    return data[at:at + n], at + n


def read_channel(data, s, chan, toc):
    """Octets after the chapters are left alone: LENGTH may be longer than what is known."""
    out, at = {'S': s, 'chan': chan}, 0
    for i, (name, reader) in enumerate(CHAPTERS):
        if toc & 0x80 >> i:
            out[name], at = reader(data, at)
    out['used'] = at
    return out


def chapter_p(data, at):
    (p, msb, lsb), at = take(data, at, 3)
    return {'S': p >> 7, 'program': p & 127, 'B': msb >> 7, 'msb': msb & 127, 'X': lsb >> 7, 'lsb': lsb & 127}, at


def pairs(data, at):
    (head,), at = take(data, at, 1)
    raw, at = take(data, at, 2 * ((head & 127) + 1))
    return head >> 7, list(zip(raw[::2], raw[1::2])), at


def chapter_c(data, at):
    s, logs, at = pairs(data, at)
    out = []
    for a, b in logs:
        tool = 'value' if not b & 0x80 else 'count' if b & 0x40 else 'toggle'
        out.append({'S': a >> 7, 'num': a & 127, 'tool': tool, 'v': b & (127 if tool == 'value' else 63)})
    return {'S': s, 'logs': out}, at


def chapter_m(data, at):
    start = at
    raw, at = take(data, at, 2)
    head = struct.unpack('!H', raw)[0]
    out = {k: head >> 15 - i & 1 for i, k in enumerate('SPEUWZ')}
    end = start + (head & 0x3ff)
    need(start + 2 <= end <= len(data), 'chapter M')
    if out['P']:
        _, at = take(data, at, 1)
    out['logs'] = []
    short = out['Z'] and (out['U'] or out['W'])
    while at < end:
        (lsb,), at = take(data, at, 1)
        msb = out['W'] << 7
        if not short:
            (msb,), at = take(data, at, 1)
        (flags,), at = take(data, at, 1)
        log = {'S': lsb >> 7, 'lsb': lsb & 127, 'Q': msb >> 7, 'msb': msb & 127, 'T': flags >> 2 & 1,
               'V': flags >> 1 & 1}
        for bit, name, size in (0x80, 'entry_msb', 1), (0x40, 'entry_lsb', 1), (0x20, 'a_button',
                                                                                2), (0x10, 'c_button', 2), (8, 'count', 1):
            if flags & bit:
                raw, at = take(data, at, size)
                log[name] = int.from_bytes(raw, 'big') & (0x7f if size == 1 else 0x7fff)
        out['logs'].append(log)
    need(at == end, 'chapter M LENGTH')
    return out, at


def chapter_w(data, at):
    (a, b), at = take(data, at, 2)
    return {'S': a >> 7, 'first': a & 127, 'second': b & 127}, at


def chapter_n(data, at):
    (a, b), at = take(data, at, 2)
    n, low, high = a & 127, b >> 4, b & 15
    if n == 127 and low == 15 and high == 0:
        n = 128
    raw, at = take(data, at, 2 * n)
    logs = [{'S': x >> 7, 'note': x & 127, 'Y': y >> 7, 'vel': y & 127} for x, y in zip(raw[::2], raw[1::2])]
    off = []
    if low <= high:
        bits, at = take(data, at, high - low + 1)
        off = [8 * (low + i) + j for i, octet in enumerate(bits) for j in range(8) if octet & 0x80 >> j]
    return {'B': a >> 7, 'logs': logs, 'off': off}, at


def chapter_e(data, at):
    s, logs, at = pairs(data, at)
    return {'S': s, 'logs': [{'S': a >> 7, 'note': a & 127, 'V': b >> 7, 'v': b & 127} for a, b in logs]}, at


def chapter_t(data, at):
    (a,), at = take(data, at, 1)
    return {'S': a >> 7, 'pressure': a & 127}, at


def chapter_a(data, at):
    s, logs, at = pairs(data, at)
    return {'S': s, 'logs': [{'S': a >> 7, 'note': a & 127, 'X': b >> 7, 'pressure': b & 127} for a, b in logs]}, at


CHAPTERS = [('P', chapter_p), ('C', chapter_c), ('M', chapter_m), ('W', chapter_w), ('N', chapter_n), ('E', chapter_e),
            ('T', chapter_t),
            ('A', chapter_a)]


# ---- what an instrument knows ----

class Instrument:
    def __init__(self):
        self.notes, self.values, self.params, self.selected = {}, {}, {}, {}

    def run(self, c):
        kind, ch = c[0] & 0xf0, c[0] & 15
        if kind == 0x90 and c[2]:
            self.notes[ch, c[1]] = c[2]
        elif kind in (0x80, 0x90):
            self.notes.pop((ch, c[1]), None)
        elif kind == 0xa0:
            self.values['poly', ch, c[1]] = c[2]
        elif kind == 0xb0:
            self.control(ch, c[1], c[2])
        elif kind in (0xc0, 0xd0):
            self.values['program' if kind == 0xc0 else 'pressure', ch] = c[1]
        elif kind == 0xe0:
            self.values['bend', ch] = c[1] | c[2] << 7

    def control(self, ch, n, v):
        if n >= 120:
            if n in (120, 123, 124, 125, 126, 127):
                for key in [k for k in self.notes if k[0] == ch]:
                    del self.notes[key]
            return
        if n in (98, 99, 100, 101):
            kind, msb, lsb = self.selected.get(ch, ('rpn', 127, 127))
            self.selected[ch] = ('nrpn' if n < 100 else 'rpn', msb if n in (98, 100) else v,
                                 v if n in (98, 100) else lsb)
        elif n in (6, 38) and self.selected.get(ch, (0, 127, 127))[1:] != (127, 127):
            was = self.params.get((ch, self.selected[ch]), 0)
            self.params[ch, self.selected[ch]] = v << 7 if n == 6 else was & 0x3f80 | v
        elif n not in RPN_CONTROLLERS:
            self.values['cc', ch, n] = v

    def same(self, other):
        """Differences, in words. A note counts as held or not: who came late does not know how hard it was struck."""
        out = ['notes %r here, %r there' % (sorted(self.notes),
                                            sorted(other.notes))] if set(self.notes) != set(other.notes) else []
        for key in set(self.values) | set(other.values):
            if self.values.get(key) != other.values.get(key):
                out.append('%r: %r here, %r there' % (key, self.values.get(key), other.values.get(key)))
        return out


# ---- sender ----

class Sender:
    """One stream, closed loop."""

    def __init__(self, pt, rate=48000, ssrc=None, seq=None, guard_ms=1000, rng=random):
        self.pt, self.rate, self.guard_s = pt, rate, guard_ms / 1000
        self.ssrc = rng.getrandbits(32) if ssrc is None else ssrc
        self.first = self.next = 65536 + (rng.getrandbits(16) if seq is None else seq)
        self.ts0, self.now, self.changed, self.struck = rng.getrandbits(32), Instrument(), {}, {}
        self.reported, self.silence, self.due = None, 0.1, None
        self.sent = self.octets = 0

    def clock(self, now):
        return int(now * self.rate) + self.ts0

    def report(self, highest):
        highest = extended(highest & 0xffff, self.next - 1)
        if self.first - 1 <= highest < self.next and (self.reported is None or highest > self.reported):
            self.reported = highest

    @property
    def check(self):
        return self.first if self.reported is None else min(self.reported + 1, max(self.first, self.next - 1))

    def _s(self, key):
        return 0 if self.changed[key] == self.next - 1 else 1

    def _logs(self, keys, value):
        logs = b''.join(bytes([self._s(k) << 7 | k[-1], value(k)]) for k in keys)
        return bytes([min(self._s(k) for k in keys) << 7 | len(keys) - 1]) + logs

    def _notes(self, keys, now):
        on = [k for k in keys if k[1:] in self.now.notes]
        off = [k for k in keys if k[1:] not in self.now.notes]
        octets = [0] * 16
        for k in off:
            octets[k[2] >> 3] |= 0x80 >> (k[2] & 7)
        low, high = (min(k[2] for k in off) >> 3,
                     max(k[2] for k in off) >> 3) if off else (15, 0 if len(on) < 127 else 1)
        b = min([self._s(k) for k in off], default=1)
        out = bytes([b << 7 | len(on), low << 4 | high])
        out += b''.join(bytes([self._s(k) << 7 | k[2],
                               (0x80 if now - self.struck[k] < 0.1 else 0) | self.now.notes[k[1:]]]) for k in on)
        return out + bytes(octets[low:high + 1] if off else [])

    def _channel(self, ch, now):
        keys = sorted(k for k, seq in self.changed.items() if k[1] == ch and seq >= self.check)
        of = {name: [k for k in keys if k[0] == name] for name in ('program', 'cc', 'bend', 'note', 'pressure', 'poly')}
        if not keys:
            return b''
        toc, body, v = 0, b'', self.now.values
        if of['program']:
            k = of['program'][0]
            bank = ('cc', ch, 0) in v or ('cc', ch, 32) in v
            toc, body = toc | 0x80, body + bytes([self._s(k) << 7 | v[k],
                                                  (0x80 if bank else 0) | v.get(('cc', ch, 0), 0),
                                                  v.get(('cc', ch, 32), 0)])
        if of['cc']:
            toc, body = toc | 0x40, body + self._logs(of['cc'], lambda k: v[k])
        if of['bend']:
            k = of['bend'][0]
            toc, body = toc | 0x10, body + bytes([self._s(k) << 7 | v[k] & 127, v[k] >> 7])
        if of['note']:
            toc, body = toc | 8, body + self._notes(of['note'], now)
        if of['pressure']:
            k = of['pressure'][0]
            toc, body = toc | 2, body + bytes([self._s(k) << 7 | v[k]])
        if of['poly']:
            toc, body = toc | 1, body + self._logs(of['poly'], lambda k: v[k])
        s = min(self._s(k) for k in keys)
        return struct.pack('!HB', s << 15 | ch << 11 | len(body) + 3, toc) + body

    def _packet(self, now, commands):
        channels = [c for c in (self._channel(ch, now) for ch in range(16)) if c]
        s = min([c[0] >> 7 for c in channels], default=1)
        journal = struct.pack('!BH', s << 7 | (0x20 if channels else 0) | max(0, len(channels) - 1),
                              self.check & 0xffff) + b''.join(channels)
        body = b''.join((b'\0' if i else b'') + c for i, c in enumerate(commands))
        head = struct.pack('!H', 0xc000 | len(body)) if len(body) > 15 else bytes([0x40 | len(body)])
        read_section(head + body + journal)               # it obeys what it asks of others
        out = write_rtp(self.pt, bool(body), self.next, self.clock(now), self.ssrc, head + body + journal)
        self.next, self.sent, self.octets = self.next + 1, self.sent + 1, self.octets + len(head + body + journal)
        return out

    def play(self, now, *commands):
        out, seq = self._packet(now, commands), self.next - 1
        for c in commands:
            assert c[0] >> 4 != 0xb or c[1] < 120 and c[1] not in RPN_CONTROLLERS, 'no journal for this here'
            self.now.run(c)
            if c[0] >> 4 in (8, 9):
                key = 'note', c[0] & 15, c[1]
                self.changed[key] = seq
                self.struck[key] = now
            elif c[0] < 0xf0:
                kind = {0xa: 'poly', 0xb: 'cc', 0xc: 'program', 0xd: 'pressure', 0xe: 'bend'}[c[0] >> 4]
                self.changed[(kind, c[0] & 15, c[1]) if kind in ('poly', 'cc') else (kind, c[0] & 15)] = seq
        self.silence, self.due = 0.1, now + 0.1
        return out

    def start(self, now):
        self.silence, self.due = 0.1, now + 0.1
        return self._packet(now, [])

    def step(self, now):
        if self.due is None or now < self.due:
            return []
        out = [self._packet(now, [])]
        self.due = now + self.silence
        self.silence = min(2 * self.silence, self.guard_s)
        return out


# ---- receiver ----

class Receiver:
    """One SSRC. execute(command, how): 'live' or 'journal'. held: an Instrument."""

    def __init__(self, execute, always_marked=False):
        self.always_marked = always_marked
        self.execute, self.held, self.highest, self.new, self.bad_next = execute, Instrument(), None, True, None
        self.n, self.seen = collections.Counter(), set()

    def _run(self, c, how):
        self.held.run(c)
        self.execute(c, how)

    def packet(self, rtp, now):
        try:
            section = read_section(rtp.payload)
            need(bool(rtp.marker) == (self.always_marked or bool(section.length)), 'marker')
        except Bad as e:
            self.n['malformed'] += 1
            self.n['malformed: %s' % e] += 1
            return
        self.n['packets'] += 1
        seq = 65536 + rtp.seq if self.new else extended(rtp.seq, self.highest)
        if not self.new and not -100 <= seq - self.highest <= 3000:
            if rtp.seq != self.bad_next:
                self.bad_next = (rtp.seq + 1) & 0xffff
                return
            self.new, self.seen, seq = True, set(), 65536 + rtp.seq
        if not self.new and seq <= self.highest:
            self.n['duplicate' if seq in self.seen else 'old'] += 1
            return
        self.seen.add(seq)
        if self.new or seq > self.highest + 1:
            self.n['lost'] += 0 if self.new else seq - self.highest - 1
            if section.journal:
                self._repair(section.journal, seq)
        for _, c in section.commands:
            self._run(c, 'live')
        self.highest, self.new = seq, False

    def _repair(self, j, seq):
        covered = self.new or extended(j.checkpoint, seq) <= self.highest + 1
        confirmed = set()
        for c in j.channels:
            ch = c['chan']
            if 'P' in c:
                self._program(c['P'], ch)
            for log in c.get('C', {}).get('logs', ()):
                if log['tool'] == 'value' and log['num'] < 120:
                    confirmed.add(('cc', ch, log['num']))
                    self._set(('cc', ch, log['num']), log['v'], bytes([0xb0 | ch, log['num'], log['v']]))
            for log in c.get('M', {}).get('logs', ()):
                if 'entry_msb' in log:
                    self.held.params[ch, ('nrpn' if log['Q'] else 'rpn', log['msb'],
                                          log['lsb'])] = log['entry_msb'] << 7 | log.get('entry_lsb', 0)
            if 'W' in c:
                w = c['W']
                self._set(('bend', ch), w['first'] | w['second'] << 7, bytes([0xe0 | ch, w['first'], w['second']]))
            if 'N' in c:
                self._notes(c['N'], ch, confirmed)
            if 'T' in c:
                self._set(('pressure', ch), c['T']['pressure'], bytes([0xd0 | ch, c['T']['pressure']]))
            for log in c.get('A', {}).get('logs', ()):
                self._set(('poly', ch, log['note']), log['pressure'], bytes([0xa0 | ch, log['note'], log['pressure']]))
        if not covered:
            self.n['uncovered'] += 1
            for ch, note in [k for k in self.held.notes if ('note',) + k not in confirmed]:
                self._run(bytes([0x80 | ch, note, 64]), 'journal')

    def _set(self, key, value, c):
        if self.held.values.get(key) != value:
            self._run(c, 'journal')

    def _program(self, p, ch):
        if p['B']:
            self._set(('cc', ch, 0), p['msb'], bytes([0xb0 | ch, 0, p['msb']]))
            self._set(('cc', ch, 32), p['lsb'], bytes([0xb0 | ch, 32, p['lsb']]))
        self._set(('program', ch), p['program'], bytes([0xc0 | ch, p['program']]))

    def _notes(self, n, ch, confirmed):
        for note in n['off']:
            if (ch, note) in self.held.notes:
                self._run(bytes([0x80 | ch, note, 64]), 'journal')
        for log in n['logs']:
            confirmed.add(('note', ch, log['note']))
            if (ch, log['note']) in self.held.notes and self.held.notes[ch, log['note']] == log['vel']:
                continue
            if log['Y']:
                self._run(bytes([0x90 | ch, log['note'], log['vel']]), 'journal')
            else:
                self.held.notes[ch, log['note']] = log['vel']     # held, and silent: its moment is over
