"""The RTP payload `osc` from the text of its specification alone: packets read and written, a sender with a journal,
a receiver as in its Annex A. Time is handed in; sequence numbers inside are whole numbers that never wrap.
"""
import collections
import random
import struct

import oscwire
from oscwire import Bad, need

Payload = collections.namedtuple('Payload', 'journal partial snapshot check elements entries')
Entry = collections.namedtuple('Entry', 'event back age raw')
EARLIER = 32767                   # BACK: earlier than can be said, or before this stream
WINDOW = 1024
RTP = struct.Struct('!BBHII')


# ---- RTP ----

Packet = collections.namedtuple('Packet', 'pt marker seq ts ssrc csrc payload')


def read_rtp(data):
    need(len(data) >= 12 and data[0] >> 6 == 2, 'RTP')
    first, second, seq, ts, ssrc = RTP.unpack_from(data)
    at = 12 + 4 * (first & 15)
    need(at <= len(data), 'CSRC')
    csrc = struct.unpack('!%dI' % (first & 15), data[12:at])
    if first & 0x10:
        need(at + 4 <= len(data), 'extension')
        at += 4 + 4 * struct.unpack_from('!H', data, at + 2)[0]
    end = len(data) - (data[-1] if first & 0x20 else 0)
    need(at <= end and not (first & 0x20 and data[-1] == 0), 'padding')
    return Packet(second & 127, second >> 7, seq, ts, ssrc, csrc, data[at:end])


def write_rtp(pt, marker, seq, ts, ssrc, payload):
    return RTP.pack(0x80, pt | (0x80 if marker else 0), seq & 0xffff, ts & 0xffffffff, ssrc) + payload


def extended(seq, near):
    """The whole number nearest to `near` whose low 16 bits are seq."""
    return near + ((seq - near + 0x8000) & 0xffff) - 0x8000


# ---- payload ----

def read_payload(data, seq=None, marker=None, longest=65504):
    need(len(data) >= 4, 'payload header')
    flags, num, check = struct.unpack_from('!BBH', data)
    need(flags >> 6 == 0, 'payload version')
    journal, partial, snapshot = bool(flags & 0x20), bool(flags & 0x10), bool(flags & 8)
    need(journal or not (partial or snapshot or check), 'P, S or CHECK without J')
    need(marker is None or bool(marker) == bool(num), 'marker')
    need(not journal or seq is None or (seq - check) & 0xffff < 0x8000, 'CHECK is to come')
    at, elements, entries = 4, [], []
    for _ in range(num):
        need(at + 4 <= len(data), 'element header')
        length, delta = struct.unpack_from('!HH', data, at)
        at += 4
        need(length % 4 == 0 and 8 <= length and at + length <= len(data), 'LENGTH of an element')
        need(not elements or delta >= elements[-1][0], 'DELTA')
        oscwire.read(data[at:at + length], longest)
        elements.append((delta, data[at:at + length]))
        at += length
    while journal and at < len(data):
        need(at + 4 <= len(data), 'entry header')
        length, back = struct.unpack_from('!HH', data, at)
        event, back, age = back >> 15, back & 0x7fff, None
        at += 4
        if event:
            need(at + 4 <= len(data), 'AGE')
            age = struct.unpack_from('!I', data, at)[0]
            at += 4
        need(back > 0, 'BACK')
        need(not entries or back <= entries[-1].back, 'journal is not oldest first')
        need(length % 4 == 0 and 8 <= length and at + length <= len(data), 'LENGTH of an entry')
        raw = data[at:at + length]
        need(isinstance(oscwire.read(raw, longest), oscwire.Message), 'bundle in a journal')
        entries.append(Entry(event, back, age, raw))
        at += length
    need(at == len(data), 'octets left over')
    return Payload(journal, partial, snapshot, check, elements, entries)


def write_entry(e):
    head = struct.pack('!HH', len(e.raw), e.back | (0x8000 if e.event else 0))
    return head + (struct.pack('!I', e.age & 0xffffffff) if e.event else b'') + e.raw


def write_payload(p):
    flags = (0x20 if p.journal else 0) | (0x10 if p.partial else 0) | (8 if p.snapshot else 0)
    out = struct.pack('!BBH', flags, len(p.elements), p.check & 0xffff if p.journal else 0)
    out += b''.join(struct.pack('!HH', len(raw), delta) + raw for delta, raw in p.elements)
    return out + b''.join(write_entry(e) for e in p.entries)


# ---- sender ----

class Sender:
    """One stream to one receiver. step() when time passes: what is due comes out as RTP packets."""

    def __init__(self, pt, rate=48000, ssrc=None, seq=None, longest=1200, red=2, guard_ms=1000, journal=True,
                 rng=random, spaces=()):
        self.pt, self.rate, self.longest, self.red, self.guard_s, self.journal = pt, rate, longest, red, guard_ms / 1000, journal
        self.ssrc = rng.getrandbits(32) if ssrc is None else ssrc
        self.first = self.next = 65536 + (rng.getrandbits(16) if seq is None else seq)
        self.ts0, self.spaces = rng.getrandbits(32), spaces
        self.state = collections.OrderedDict()    # key: (sequence number, raw); the latest set last
        self.events = []                          # (sequence number, captured, raw)
        self.reported, self.turn = None, 0
        self.silence, self.due = 0.02, None       # guards
        self.snapshots, self.snapshot_due, self.snapshot_from = None, 0, 0
        self.sent = self.octets = 0
        self.last_ts = None

    def clock(self, now):
        return int(now * self.rate) + self.ts0

    @property
    def check(self):
        return self.first if self.reported is None else min(self.reported + 1, self.next)

    def report(self, highest):
        """EHSNR of a report block about this stream."""
        highest = extended(highest & 0xffff, self.next - 1)
        if self.first - 1 <= highest < self.next and (self.reported is None or highest > self.reported):
            self.reported = highest

    def _entries(self, seq, now):
        out = [(s, Entry(0, min(seq - s, EARLIER), None, raw)) for s, raw in self.state.values() if s >= self.check]
        self.events = [e for e in self.events if seq - e[0] <= self.red]
        out += [(s, Entry(1, seq - s, self.clock(now) - self.clock(at), raw)) for s, at, raw in self.events]
        return [e for _, e in sorted(out, key=lambda x: x[0])]

    def _fit(self, entries, room):
        """As many as there is room for; where they do not fit they take turns."""
        if sum(len(write_entry(e)) for e in entries) <= room:
            return entries, False
        n, chosen, used = len(entries), set(), 0
        for i in range(n):
            at = (self.turn + i) % n
            size = len(write_entry(entries[at]))
            if used + size > room:
                self.turn = at
                break
            used += size
            chosen.add(at)
        return [e for i, e in enumerate(entries) if i in chosen], True

    def _packet(self, now, elements, partial, snapshot, check, entries):
        ts = self.clock(now) if self.last_ts is None else max(self.clock(now), self.last_ts)
        payload = write_payload(Payload(self.journal, partial, snapshot, check, elements, entries))
        read_payload(payload, self.next & 0xffff, bool(elements))         # it obeys what it asks of others
        out = write_rtp(self.pt, bool(elements), self.next, ts, self.ssrc, payload)
        self.last_ts, self.next, self.sent, self.octets = ts, self.next + 1, self.sent + 1, self.octets + len(payload)
        return out

    def start(self, now):
        """The first packet: "S=1, P=0 ... CHECK is the packet's own sequence number"."""
        self.silence, self.due = 0.02, now + 0.02
        return self._packet(now, [], False, self.journal, self.next, [])

    def play(self, now, *packets):
        """Gestures, now, in one RTP packet. What was sent is kept for the journals to come."""
        elements, seq = [(0, p) for p in packets], self.next
        room = self.longest - 4 - sum(4 + len(p) for p in packets)
        need(room >= 0, 'too big')
        entries, partial = self._fit(self._entries(seq, now), room) if self.journal else ([], False)
        out = self._packet(now, elements, partial, False, self.check, entries)
        for raw in packets:
            for m in oscwire.messages(oscwire.read(raw)):
                if oscwire.is_event(m, self.spaces):
                    self.events.append((seq, now, oscwire.rewrite(m)))
                else:
                    self.state.pop(m.address, None)
                    self.state[m.address] = seq, oscwire.rewrite(m)
        self.silence, self.due = 0.02, now + min(0.02, self.guard_s or 0.02)
        return out

    def guard(self, now):
        entries, partial = self._fit(self._entries(self.next, now), self.longest - 4)
        out = self._packet(now, [], partial, False, self.check, entries)
        self.silence = min(max(0.1, self.silence * 2) if self.silence > 0.02 else 0.1, self.guard_s)
        self.due = now + self.silence
        return out

    def refresh(self):
        """The receiver asks for everything."""
        if self.snapshots is None:
            self.snapshots, self.snapshot_from = [k for k,
                                                  (_, raw) in self.state.items()
                                                  if oscwire.read(raw).tags != 'N'], self.next

    def _snapshot(self, now):
        seq, entries, used = self.next, [], 4
        while self.snapshots:
            if self.snapshots[0] in self.state:
                s, raw = self.state[self.snapshots[0]]
                e = Entry(0, min(seq - s, EARLIER), None, raw)
                if used + len(write_entry(e)) > self.longest:
                    break
                used += len(write_entry(e))
                entries.append(e)
            self.snapshots.pop(0)
        entries.sort(key=lambda e: -e.back)
        out = self._packet(now, [], bool(self.snapshots), True, self.snapshot_from, entries)
        self.snapshots = self.snapshots or None
        self.snapshot_due = now + 0.005
        return out

    def step(self, now):
        out = []
        if self.snapshots is not None and now >= self.snapshot_due:
            out.append(self._snapshot(now))
        if self.journal and self.guard_s and self.due is not None and now >= self.due:
            out.append(self.guard(now))
        return out


# ---- receiver ----

class Receiver:
    """One SSRC, as Annex A says. execute(message, how): how is 'live', 'journal' or 'gone' (no snapshot confirmed it)."""

    def __init__(self, execute, rate=48000, late_ms=40, spaces=()):
        self.execute, self.rate, self.late, self.spaces = execute, rate, late_ms * rate // 1000, spaces
        self.new, self.highest, self.dirty, self.born, self.asked = True, None, True, None, None
        self.window, self.last, self.state = set(), {}, {}
        self.end = None                           # (CHECK, sequence number) of the last packet of a snapshot
        self.bad_next, self.wants_refresh = None, False
        self.n = collections.Counter()            # packets, lost, duplicate, old, malformed, recovered, uncovered, snapshots
        self.base = None

    def _run(self, message, how, at=None):
        off = oscwire.OFF.match(message.address)
        if off:                                   # "the key note/N becomes 0"
            note = off.expand(r'\1note\2')
            self.state[note], self.last[note] = ('i', (0,)), max(at, self.last.get(note, at))
        if not oscwire.is_event(message, self.spaces):
            if message.tags == 'N':
                self.state.pop(message.address, None)
            else:
                self.state[message.address] = message.tags, message.args
        self.execute(message, how)

    def _note_not_held(self, m):
        own = m.address.split('/')
        own = own[3:] if own[1] == 'p' else own[1:]
        return (len(own) == 4 and own[0] == 'midi' and own[2] == 'note' and m.tags[:1] in ('i', 'f') and m.args[0] > 0
                and m.address not in self.state)

    def _state_entry(self, message, origin, how):
        if self.last.get(message.address, -1 << 62) < origin:
            self._run(message, how)
            self.last[message.address] = origin

    def _journal(self, p, seq, only_state, loss, old):
        for e in p.entries:
            origin, message = seq - e.back, oscwire.read(e.raw)
            if e.back < EARLIER and origin in self.window:
                continue
            if p.snapshot and self._note_not_held(message):
                continue
            if not e.event:
                self.n['recovered'] += self.last.get(message.address, -1 << 62) < origin
                self._state_entry(message, origin, 'journal')
            elif not only_state and loss and (old is None or origin > old) and e.age <= self.late:
                self.n['recovered'] += 1
                self._run(message, 'journal', origin)
                self.last[message.address] = max(self.last.get(message.address, origin), origin)

    def _far(self, seq16):
        """RFC 3550 A.1: a far jump is believed when two packets follow each other."""
        delta = extended(seq16, self.highest) - self.highest
        if -100 <= delta <= 3000:
            self.bad_next = None
            return False
        if seq16 == self.bad_next:
            self.new, self.window, self.last, self.end, self.dirty, self.bad_next = True, set(), {}, None, True, None
            return False
        self.bad_next = (seq16 + 1) & 0xffff
        return True

    def packet(self, rtp, now):
        try:
            p = read_payload(rtp.payload, rtp.seq, rtp.marker)
        except Bad as e:
            self.n['malformed'] += 1
            self.n['malformed: %s' % e] += 1
            return
        if not self.new and self._far(rtp.seq):
            return
        seq = 65536 + rtp.seq if self.new else extended(rtp.seq, self.highest)
        if self.new:
            self.base, self.born = seq, now
        self.n['packets'] += 1
        if not self.new and seq <= self.highest:
            self._old(p, seq)
        else:
            self._ahead(p, seq)
        self.window.add(seq)
        if len(self.window) > 2 * WINDOW:
            self.window = {s for s in self.window if s > self.highest - WINDOW}
        self._end(p, seq, now)

    def _old(self, p, seq):
        if seq in self.window or seq <= self.highest - WINDOW:
            self.n['duplicate'] += 1
            return
        self.n['old'] += 1
        if p.journal and (p.snapshot or self.dirty):
            self._journal(p, seq, True, False, None)
        ms = [m for _, raw in p.elements for m in oscwire.messages(oscwire.read(raw))
              if not oscwire.is_event(m, self.spaces)]
        keys = {m.address for m in ms if self.last.get(m.address, -1 << 62) < seq}
        for m in ms:
            if m.address in keys:
                self._run(m, 'live')
                self.last[m.address] = seq

    def _ahead(self, p, seq):
        old = None if self.new else self.highest
        loss = old is None or seq > old + 1
        if old is not None and loss:
            self.n['lost'] += seq - old - 1
        if p.journal and (loss or p.snapshot or self.dirty):
            self._journal(p, seq, not loss, loss, old)
            covered = not p.snapshot and not p.partial and old is not None and extended(p.check, seq) <= old + 1
            if old is None or (loss and not covered):
                self.n['uncovered'] += old is not None
                self.dirty = True
        for _, raw in p.elements:
            for m in oscwire.messages(oscwire.read(raw)):
                self._run(m, 'live', seq)
                if not oscwire.is_event(m, self.spaces):
                    self.last[m.address] = seq
        self.highest, self.new = seq, False

    def _end(self, p, seq, now):
        if p.snapshot and not p.partial and (self.end is None or seq > self.end[1]):
            self.end = extended(p.check, seq), seq
        if p.snapshot:
            self.named = getattr(self, 'named', {})
            for e in p.entries:
                self.named[oscwire.read(e.raw).address] = seq
        if self.end and all(s in self.window for s in range(self.end[0], self.end[1] + 1)):
            for key in list(self.state):
                if self.named.get(key, -1) < self.end[0] and self.last.get(key, -1 << 62) < self.end[0]:
                    self._run(oscwire.Message(key, 'N', (None,)), 'gone')
            self.dirty, self.end = False, None
            self.n['snapshots'] += 1
        since = self.asked if self.asked is not None else self.born
        if self.dirty and now - since >= 1:
            self.wants_refresh, self.asked = True, now
