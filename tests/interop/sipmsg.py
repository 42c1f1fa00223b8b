"""SIP messages and the roads they take, as small as the tests need: parse, print, a UDP, TCP or TLS end with a thread."""
import os
import random
import socket
import ssl
import threading

COMPACT = {'v': 'via', 'f': 'from', 't': 'to', 'i': 'call-id', 'm': 'contact', 'l': 'content-length', 'c': 'content-type',
           'e': 'content-encoding', 'k': 'supported', 's': 'subject', 'r': 'refer-to', 'o': 'event', 'u': 'allow-events',
           'x': 'session-expires'}


def punctual():
    """The calling thread goes before ordinary work, where that is allowed: phones have a processor of their own."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (OSError, AttributeError):
        pass


def token(n=8):
    return ''.join(random.choice('0123456789abcdef') for _ in range(n))


class Message:
    def __init__(self, first, headers=(), body=b''):
        self.first, self.headers, self.body = first, list(headers), body

    @classmethod
    def parse(cls, data):
        head, _, body = data.partition(b'\r\n\r\n')
        lines = head.decode('utf-8', 'replace').replace('\r\n ', ' ').replace('\r\n\t', ' ').split('\r\n')
        headers = []
        for line in lines[1:]:
            name, _, value = line.partition(':')
            headers.append((name.strip(), value.strip()))
        return cls(lines[0], headers, body)

    def get(self, name, default=None):
        found = self.all(name)
        return found[0] if found else default

    def all(self, name):
        name = name.lower()
        return [v for n, v in self.headers if COMPACT.get(n.lower(), n.lower()) == name]

    @property
    def status(self):
        return int(self.first.split(' ')[1]) if self.first.startswith('SIP/2.0 ') else 0

    @property
    def method(self):
        return '' if self.status else self.first.split(' ')[0]

    @property
    def cseq_method(self):
        return (self.get('cseq') or '0 ?').split()[-1]

    @property
    def branch(self):
        return param(self.get('via', ''), 'branch')

    def data(self):
        headers = [(n, v) for n, v in self.headers if n.lower() not in ('content-length', 'l')]
        headers.append(('Content-Length', str(len(self.body))))
        return ('%s\r\n%s\r\n' % (self.first, ''.join('%s: %s\r\n' % h for h in headers))).encode() + self.body

    def reply(self, status, reason, headers=(), body=b'', tag=None):
        out = [('Via', v) for v in self.all('via')]
        out += [('Record-Route', v) for v in self.all('record-route')]
        to = self.get('to')
        if tag and ';tag=' not in to:
            to += ';tag=' + tag
        out += [('From', self.get('from')), ('To', to), ('Call-ID', self.get('call-id')), ('CSeq', self.get('cseq'))]
        return Message('SIP/2.0 %d %s' % (status, reason), out + list(headers), body)


def param(value, name):
    for part in value.split('>')[-1].split(';')[1:] if '>' in value else value.split(';')[1:]:
        key, _, v = part.strip().partition('=')
        if key.lower() == name:
            return v
    return None


def uri_of(value):
    """The URI of a From, To, Contact or Record-Route."""
    if '<' in value:
        return value[value.index('<') + 1:value.index('>')]
    return value.split(';')[0].strip()


def hostport(host, port):
    return '[%s]:%d' % (host, port) if ':' in host else '%s:%d' % (host, port)


class End:
    """One transport towards one server: send(bytes); on_message(Message) is called on its thread."""

    def __init__(self, transport, server, on_message, local=None):
        self.transport, self.server, self.on_message = transport, server, on_message
        self.open = True
        family = socket.AF_INET6 if ':' in server[0] else socket.AF_INET
        if transport == 'udp':
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
            self.sock.bind((local or server[0], 0))
        else:
            self.sock = socket.create_connection(server, timeout=5, source_address=(local, 0) if local else None)
            if transport == 'tls':
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE       # the server made its certificate itself
                self.sock = context.wrap_socket(self.sock)
        self.host, self.port = self.sock.getsockname()[:2]
        self.sock.settimeout(0.2)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def send(self, data):
        with self.lock:
            if self.transport == 'udp':
                self.sock.sendto(data, self.server)
            else:
                self.sock.sendall(data)

    def close(self):
        self.open = False
        if threading.current_thread() is not self.thread:
            self.thread.join(1)
        self.sock.close()

    def _read(self):
        punctual()
        stream = b''
        while self.open:
            try:
                data = self.sock.recv(65536)
            except (socket.timeout, TimeoutError, ssl.SSLWantReadError):
                continue
            except ConnectionRefusedError:
                continue
            except OSError:
                return
            if self.transport == 'udp':
                self._give(data)
                continue
            if not data:
                self.open = False
                return
            stream = self._split(stream + data)

    def _split(self, stream):
        while True:
            stream = stream.lstrip(b'\r\n')
            end = stream.find(b'\r\n\r\n')
            if end < 0:
                return stream
            length = int(Message.parse(stream[:end + 4]).get('content-length', '0'))
            if len(stream) < end + 4 + length:
                return stream
            self._give(stream[:end + 4 + length])
            stream = stream[end + 4 + length:]

    def _give(self, data):
        if data.strip(b'\r\n\0'):
            self.on_message(Message.parse(data))
