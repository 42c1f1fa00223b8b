"""RTCP as the gesture party needs it, and SRTP (AES_CM_128_HMAC_SHA1_80) with an AES of its own: nothing but Python."""
import hashlib
import hmac
import struct

from oscwire import Bad, need

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
CNAME, NAME, PLI = 1, 2, 1
EPOCH = 2208988800                # of NTP


# ---- reports ----

class Heard:
    """What a report block tells of one source (RFC 3550 6.4.1)."""

    def __init__(self):
        self.base = self.highest = self.sr_middle = self.sr_at = None
        self.received = self.before = self.expected_before = 0

    def packet(self, seq):
        if self.highest is None:
            self.base = self.highest = 65536 + seq
        near = self.highest + ((seq - self.highest + 0x8000) & 0xffff) - 0x8000
        self.highest = max(self.highest, near)
        self.received += 1

    def block(self, ssrc, now):
        expected = self.highest - self.base + 1
        lost = max(-0x800000, min(0x7fffff, expected - self.received))
        new, got = expected - self.expected_before, self.received - self.before
        self.expected_before, self.before = expected, self.received
        fraction = max(0, min(255, (new - got) * 256 // new)) if new > 0 else 0
        delay = int((now - self.sr_at) * 65536) if self.sr_at is not None else 0
        return struct.pack('!IIIIII', ssrc, fraction << 24 | lost & 0xffffff, (self.highest - 65536) & 0xffffffff, 0,
                           self.sr_middle or 0, delay)


def packet(count, kind, body):
    return struct.pack('!BBH', 0x80 | count, kind, len(body) // 4) + body


def sdes(ssrc, cname, name):
    items = b''.join(bytes([kind, len(text)]) + text.encode() for kind, text in ((CNAME, cname), (NAME, name)) if text)
    chunk = struct.pack('!I', ssrc) + items
    return packet(1, SDES, chunk + bytes(4 - len(chunk) % 4))


def report(ssrc, blocks, cname, name='', sender=None, bye=False, pli=()):
    """sender: (wall clock in seconds, RTP timestamp, packets, octets)."""
    if sender:
        wall, ts, n, octets = sender
        ntp = int((wall + EPOCH) * 65536) << 16
        head = struct.pack('!IQIII', ssrc, ntp & 0xffffffffffffffff, ts & 0xffffffff, n & 0xffffffff,
                           octets & 0xffffffff)
        out = packet(len(blocks), SR, head + b''.join(blocks))
    else:
        out = packet(len(blocks), RR, struct.pack('!I', ssrc) + b''.join(blocks))
    out += sdes(ssrc, cname, name)
    for media in pli:
        out += packet(PLI, PSFB, struct.pack('!II', ssrc, media))
    if bye:
        out += packet(1, BYE, struct.pack('!I', ssrc))
    return out


def read(data):
    """A compound packet as a list of dicts."""
    at, out = 0, []
    while at < len(data):
        need(at + 4 <= len(data) and data[at] >> 6 == 2, 'RTCP header')
        count, kind, words = data[at] & 31, data[at + 1], struct.unpack_from('!H', data, at + 2)[0]
        body = data[at + 4:at + 4 + 4 * words]
        need(len(body) == 4 * words, 'RTCP length')
        need(out or kind in (SR, RR), 'a compound packet begins with a report')
        at += 4 + 4 * words
        one = {'kind': kind, 'count': count}
        if kind in (SR, RR):
            head = 24 if kind == SR else 4
            need(len(body) >= head + 24 * count, 'report blocks')
            one['ssrc'] = struct.unpack_from('!I', body)[0]
            if kind == SR:
                one['ntp'], one['ts'], one['packets'], one['octets'] = struct.unpack_from('!QIII', body, 4)
            one['blocks'] = {}
            for i in range(count):
                ssrc, lost, highest, _, lsr, dlsr = struct.unpack_from('!IIIIII', body, head + 24 * i)
                one['blocks'][ssrc] = {'highest': highest, 'fraction': lost >> 24, 'lsr': lsr, 'dlsr': dlsr}
        elif kind == SDES:
            one['items'] = read_sdes(body, count)
        elif kind == BYE:
            need(len(body) >= 4 * count, 'BYE')
            one['gone'] = struct.unpack_from('!%dI' % count, body)
        elif kind == PSFB:
            need(len(body) >= 8, 'feedback')
            one['fmt'], (one['ssrc'], one['media']) = count, struct.unpack_from('!II', body)
        out.append(one)
    return out


def read_sdes(body, count):
    at, out = 0, {}
    for _ in range(count):
        need(at + 4 <= len(body), 'SDES')
        ssrc, at, items = struct.unpack_from('!I', body, at)[0], at + 4, {}
        while at < len(body) and body[at]:
            need(at + 2 <= len(body) and at + 2 + body[at + 1] <= len(body), 'SDES item')
            items[body[at]] = body[at + 2:at + 2 + body[at + 1]].decode('utf-8', 'replace')
            at += 2 + body[at + 1]
        at = at // 4 * 4 + 4
        out[ssrc] = items
    return out


# ---- AES-128, FIPS 197, one block at a time ----

def _tables():
    exp, x = [], 1
    for _ in range(255):
        exp.append(x)
        x ^= (x << 1 ^ (0x11b if x & 0x80 else 0)) & 0x1ff
    log = {v: i for i, v in enumerate(exp)}
    box = [0x63]
    for v in range(1, 256):
        s = r = exp[(255 - log[v]) % 255]
        for _ in range(4):
            r = (r << 1 | r >> 7) & 0xff
            s ^= r
        box.append(s ^ 0x63)
    return box


SBOX = _tables()
DOUBLE = [(v << 1 ^ (0x11b if v & 0x80 else 0)) & 0xff for v in range(256)]


class Aes:
    def __init__(self, key):
        w, rcon = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
        for i in range(4, 44):
            t = list(w[-1])
            if i % 4 == 0:
                t = [SBOX[b] for b in t[1:] + t[:1]]
                t[0] ^= rcon
                rcon = DOUBLE[rcon]
            w.append([a ^ b for a, b in zip(w[i - 4], t)])
        self.keys = [sum(w[i:i + 4], []) for i in range(0, 44, 4)]

    def block(self, data):
        s = [a ^ b for a, b in zip(data, self.keys[0])]
        for n in range(1, 11):
            s = [SBOX[s[4 * ((c + r) % 4) + r]] for c in range(4) for r in range(4)]
            if n < 10:
                out = []
                for c in range(0, 16, 4):
                    a = s[c:c + 4]
                    whole = a[0] ^ a[1] ^ a[2] ^ a[3]
                    out += [a[i] ^ whole ^ DOUBLE[a[i] ^ a[(i + 1) % 4]] for i in range(4)]
                s = out
            s = [a ^ b for a, b in zip(s, self.keys[n])]
        return bytes(s)

    def stream(self, iv, n):
        return b''.join(self.block(((iv + i) & (1 << 128) - 1).to_bytes(16, 'big')) for i in range((n + 15) // 16))[:n]


# ---- SRTP, RFC 3711 ----

TAG = 10


class Srtp:
    """One direction: key and salt as in a=crypto, 30 octets."""

    def __init__(self, secret):
        self.master, self.salt = Aes(secret[:16]), int.from_bytes(secret[16:], 'big')
        keys = [self._derive(label, n) for label, n in ((0, 16), (1, 20), (2, 14), (3, 16), (4, 20), (5, 14))]
        self.rtp = Aes(keys[0]), keys[1], int.from_bytes(keys[2], 'big')
        self.rtcp = Aes(keys[3]), keys[4], int.from_bytes(keys[5], 'big')
        self.index, self.rtcp_index = {}, 0

    def _derive(self, label, n):
        return self.master.stream((self.salt ^ label << 48) << 16, n)

    def _crypt(self, keys, ssrc, index, data):
        aes, _, salt = keys
        return bytes(a ^ b for a, b in zip(data, aes.stream((salt << 16) ^ (ssrc << 64) ^ (index << 16), len(data))))

    def _index(self, ssrc, seq):
        near = self.index.get(ssrc)
        index = seq if near is None else max(0, near + ((seq - near + 0x8000) & 0xffff) - 0x8000)
        return index

    def _tag(self, keys, data):
        return hmac.new(keys[1], data, hashlib.sha1).digest()[:TAG]

    def seal(self, data):
        seq, ssrc, at = struct.unpack_from('!H', data, 2)[0], struct.unpack_from('!I', data,
                                                                                 8)[0], 12 + 4 * (data[0] & 15)
        index = self.index[ssrc] = self._index(ssrc, seq)
        out = data[:at] + self._crypt(self.rtp, ssrc, index, data[at:])
        return out + self._tag(self.rtp, out + struct.pack('!I', index >> 16))

    def open(self, data):
        need(len(data) >= 12 + TAG, 'SRTP')
        body, tag = data[:-TAG], data[-TAG:]
        seq, ssrc, at = struct.unpack_from('!H', body, 2)[0], struct.unpack_from('!I', body,
                                                                                 8)[0], 12 + 4 * (body[0] & 15)
        if body[0] & 0x10:
            at += 4 + 4 * struct.unpack_from('!H', body, at + 2)[0]
        index = self._index(ssrc, seq)
        need(hmac.compare_digest(tag, self._tag(self.rtp, body + struct.pack('!I', index >> 16))),
             'SRTP authentication')
        self.index[ssrc] = max(index, self.index.get(ssrc, 0))
        return body[:at] + self._crypt(self.rtp, ssrc, index, body[at:])

    def seal_rtcp(self, data):
        self.rtcp_index += 1
        ssrc = struct.unpack_from('!I', data, 4)[0]
        out = data[:8] + self._crypt(self.rtcp, ssrc, self.rtcp_index,
                                     data[8:]) + struct.pack('!I', 1 << 31 | self.rtcp_index)
        return out + self._tag(self.rtcp, out)

    def open_rtcp(self, data):
        need(len(data) >= 12 + TAG, 'SRTCP')
        body, tag = data[:-TAG], data[-TAG:]
        need(hmac.compare_digest(tag, self._tag(self.rtcp, body)), 'SRTCP authentication')
        word, ssrc = struct.unpack('!I', body[-4:])[0], struct.unpack_from('!I', body, 4)[0]
        need(word >> 31, 'SRTCP in the clear')
        return body[:8] + self._crypt(self.rtcp, ssrc, word & 0x7fffffff, body[8:-4])


def selftest():
    wrong = []
    if Aes(bytes(range(16))).block(bytes.fromhex('00112233445566778899aabbccddeeff')).hex() != '69c4e0d86a7b0430d8cdb78070b4c55a':
        wrong.append('AES: FIPS 197 C.1')
    key = Srtp(bytes.fromhex('E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6'))       # RFC 3711 B.3
    if key._derive(0, 16).hex().upper() != 'C61E7A93744F39EE10734AFE3FF7A087' or key._derive(2, 14).hex().upper() != '30CBBC08863D8C85D49DB34A9AE1':
        wrong.append('key derivation: RFC 3711 B.3')
    if key._derive(1, 20).hex().upper() != 'CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4':
        wrong.append('authentication key: RFC 3711 B.3')
    out, back = Srtp(bytes(range(30))), Srtp(bytes(range(30)))
    for seq in (65534, 65535, 0, 1):
        data = struct.pack('!BBHII', 0x80, 98, seq, 7, 0x1234) + b'gesture' * 5
        if back.open(out.seal(data)) != data:
            wrong.append('SRTP round trip at %d' % seq)
    data = report(7, [], 'a', 'b')
    if back.open_rtcp(out.seal_rtcp(data)) != data:
        wrong.append('SRTCP round trip')
    try:
        back.open(out.seal(struct.pack('!BBHII', 0x80, 98, 5, 7, 0x1234) + b'x')[:-1] + b'\0')
        wrong.append('a forged packet opens')
    except Bad:
        pass
    return wrong
