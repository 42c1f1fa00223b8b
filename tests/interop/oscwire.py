"""OSC as octets: packets judged and read, packets written, frames of a TCP stream; state or event. A second
implementation, made from the text of the specification alone, so that it can find what the server's own reads
wrongly.

    Message('/a', 'if', (1, 0.5))  <->  octets;  Bundle(time, [...])
"""
import collections
import re
import struct

Message = collections.namedtuple('Message', 'address tags args')
Bundle = collections.namedtuple('Bundle', 'time elements')

DEPTH, ARRAYS = 8, 4
NOW = 1                           # a time tag: immediately
FIXED = {'i': '!i', 'f': '!f', 'h': '!q', 't': '!Q', 'd': '!d', 'c': '!I', 'r': '!4s', 'm': '!4s'}
EMPTY = 'TFNI'


class Bad(ValueError):
    """Malformed: the packet is dropped whole."""


def need(true, what):
    if not true:
        raise Bad(what)


# ---- read ----

def string(data, at, end):
    nul = data.find(b'\0', at, end)
    need(nul >= 0, 'a string without an end')
    after = at + (nul - at) // 4 * 4 + 4
    need(after <= end, 'padding past the end')
    return data[at:nul], after


def check_address(raw):
    need(2 <= len(raw) <= 255 and raw[:1] == b'/' and raw[-1:] != b'/', 'address')
    braces = 0
    for c in raw.decode('latin-1'):
        need('!' <= c <= '~' and c != '#', 'octet in an address')
        need(c != ',' or braces, 'comma outside braces')
        braces += (c == '{') - (c == '}')
    return raw.decode('ascii')


def read_message(data, at, end):
    raw, at = string(data, at, end)
    address = check_address(raw)
    need(at < end, 'no type tag string')
    raw, at = string(data, at, end)
    need(raw[:1] == b',', 'type tag string')
    tags, depth, args = raw[1:].decode('latin-1'), 0, []
    for tag in tags:
        if tag in '[]':
            depth += 1 if tag == '[' else -1
            need(0 <= depth <= ARRAYS, 'arrays')
        elif tag in EMPTY:
            args.append({'T': True, 'F': False}.get(tag))
        elif tag in 'sS':
            value, at = string(data, at, end)
            args.append(value)
        elif tag == 'b':
            need(at + 4 <= end, 'blob')
            size = struct.unpack_from('!i', data, at)[0]
            need(size >= 0 and at + 4 + (size + 3) // 4 * 4 <= end, 'blob')
            args.append(data[at + 4:at + 4 + size])
            at += 4 + (size + 3) // 4 * 4
        elif tag in FIXED:
            size = struct.calcsize(FIXED[tag])
            need(at + size <= end, 'argument')
            args.append(struct.unpack_from(FIXED[tag], data, at)[0])
            at += size
        else:
            raise Bad('tag %r' % tag)
    need(depth == 0, 'arrays')
    need(at == end, 'octets left over')
    return Message(address, tags, tuple(args))


def read_element(data, at, end, depth):
    if data[at:at + 8] != b'#bundle\0':
        return read_message(data, at, end)
    need(depth < DEPTH, 'bundles too deep')
    need(at + 16 <= end, 'no time tag')
    bundle = Bundle(struct.unpack_from('!Q', data, at + 8)[0], [])
    at += 16
    while at < end:
        need(at + 4 <= end, 'element')
        size = struct.unpack_from('!i', data, at)[0]
        need(size > 0 and size % 4 == 0 and at + 4 + size <= end, 'size of an element')
        bundle.elements.append(read_element(data, at + 4, at + 4 + size, depth + 1))
        at += 4 + size
    return bundle


def read(data, longest=65504):
    """A packet as Message or Bundle; Bad."""
    need(len(data) % 4 == 0 and 8 <= len(data) <= longest, 'length')
    return read_element(bytes(data), 0, len(data), 0)


def messages(packet):
    if isinstance(packet, Message):
        return [packet]
    return [m for e in packet.elements for m in messages(e)]


# ---- write ----

def padded(raw):
    return raw + bytes(4 - len(raw) % 4)


def octets(value):
    return value.encode('latin-1') if isinstance(value, str) else bytes(value)


def write(address, tags='', *args):
    """A message. T F N I take no argument."""
    out, left = padded(octets(address)) + padded(b',' + octets(tags)), list(args)
    for tag in tags:
        if tag in EMPTY + '[]':
            continue
        value = left.pop(0)
        if tag in 'sS':
            out += padded(octets(value))
        elif tag == 'b':
            value = octets(value)
            out += struct.pack('!i', len(value)) + value + bytes(-len(value) % 4)
        else:
            out += struct.pack(FIXED[tag], value)
    assert not left, 'more arguments than tags'
    return out


def write_bundle(time, *packets):
    return b'#bundle\0' + struct.pack('!Q', time) + b''.join(struct.pack('!I', len(p)) + p for p in packets)


def rewrite(packet):
    if isinstance(packet, Bundle):
        return write_bundle(packet.time, *[rewrite(e) for e in packet.elements])
    with_octets = [t for t in packet.tags if t not in '[]']
    return write(packet.address, packet.tags, *[a for t, a in zip(with_octets, packet.args) if t not in EMPTY])


# ---- state or event ----

EVENTS = re.compile(r'/midi/(\d+/(off|mode)/\d+|sys/(position|clock|start|continue|stop|tune|mtc))$|/midi/sysex$')
OFF = re.compile(r'((?:/p/[^/]+)?/midi/\d+/)off(/\d+)$')
PATTERN = {'*': '[^/]*', '?': '[^/]'}


def matches(pattern, address):
    """An OSC 1.0 pattern. Only of patterns that the tests wrote themselves."""
    out, at = '', 0
    while at < len(pattern):
        c = pattern[at]
        if c in '[{':
            close = pattern.index(']' if c == '[' else '}', at)
            inner = pattern[at + 1:close]
            if c == '[':
                out += '[' + ('^' if inner[:1] == '!' else '') + re.escape(inner.lstrip('!')).replace('\\-', '-') + ']'
            else:
                out += '(?:' + '|'.join(re.escape(x) for x in inner.split(',')) + ')'
            at = close
        else:
            out += PATTERN.get(c, re.escape(c))
        at += 1
    return re.fullmatch(out, address) is not None


def is_event(message, spaces=()):
    """Section 1, the first rule that applies. spaces: (pattern, 'state' or 'event') of the sender."""
    address = message.address
    if any(c in address for c in '*?[]{}') or '//' in address:
        return True
    for pattern, kind in spaces:
        if matches(pattern, address):
            return kind == 'event'
    if not message.args and '[' not in message.tags or any(t in 'Im'
                                                           for t in message.tags) or address.startswith(('/_gest/', '/to/')):
        return True
    own = '/' + address.split('/', 3)[3] if address.startswith('/p/') and address.count('/') > 2 else address
    return EVENTS.match(own) is not None


# ---- streams ----

END, ESC = b'\xc0', b'\xdb'


def slip(packet):
    return END + packet.replace(ESC, b'\xdb\xdd').replace(END, b'\xdb\xdc') + END


class SlipReader:
    """Octets in, packets out; a frame with a bad escape, or one that is no packet, is dropped alone."""

    def __init__(self, longest=65536):
        self.frame, self.longest, self.bad = bytearray(), longest, 0

    def feed(self, data):
        out = []
        for octet in data:
            if octet != 0xc0:
                self.frame.append(octet)
                continue
            frame, self.frame = bytes(self.frame), bytearray()
            if not frame:
                continue
            try:
                need(not re.search(b'\xdb(?![\xdc\xdd])', frame), 'escape')
                packet = frame.replace(b'\xdb\xdc', END).replace(b'\xdb\xdd', ESC)
                read(packet, self.longest)
                out.append(packet)
            except Bad:
                self.bad += 1
        return out


def sized(packet):
    return struct.pack('!i', len(packet)) + packet


class SizeReader:
    """A length that cannot be raises Bad: the connection ends."""

    def __init__(self, longest=65536):
        self.data, self.longest, self.bad = b'', longest, 0

    def feed(self, data):
        self.data += data
        out = []
        while len(self.data) >= 4:
            size = struct.unpack('!i', self.data[:4])[0]
            need(8 <= size <= self.longest and size % 4 == 0, 'size %d' % size)
            if len(self.data) < 4 + size:
                break
            packet, self.data = self.data[4:4 + size], self.data[4 + size:]
            try:
                read(packet, self.longest)
                out.append(packet)
            except Bad:
                self.bad += 1
        return out


READERS = {'slip': (slip, SlipReader), 'size': (sized, SizeReader)}
