"""The HTTP API and its event stream, for cases that look at a room from both sides.

    api = Api(server)
    api.get('/rooms/band')                        # the object; Refused with .status when it is none
    api.post('/rooms/band/lock', on=True)
    with Events(api, 'band') as events: ...       # events.seen: every message, in order
"""
import http.client
import json
import os
import threading


class Refused(Exception):
    def __init__(self, status, text, headers):
        self.status, self.text, self.headers = status, text, headers
        super().__init__('%d %s' % (status, text[:200]))


class Api:
    def __init__(self, server):
        self.port = server.http_port
        with open(os.path.join(server.dir, 'state', 'admin-token')) as f:
            self.token = f.read().strip()

    def ask(self, method, path, body=None, headers=()):
        """Status, text, headers; one connection a request, as scripts do."""
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        send = dict({'Authorization': 'Bearer ' + self.token}, **dict(headers))
        if body is not None:
            body = json.dumps(body)
            send['Content-Type'] = 'application/json'
        c.request(method, '/api/v1' + path, body, send)
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, data, r.headers

    def _value(self, method, path, body=None):
        status, data, headers = self.ask(method, path, body)
        if status >= 300:
            raise Refused(status, data.decode('utf-8', 'replace'), headers)
        return json.loads(data) if data else None

    def get(self, path):
        return self._value('GET', path)

    def post(self, path, **body):
        return self._value('POST', path, body)

    def patch(self, path, **body):
        return self._value('PATCH', path, body)

    def delete(self, path):
        return self._value('DELETE', path)


class Events(threading.Thread):
    """The stream as server-sent events."""

    def __init__(self, api, room):
        super().__init__(daemon=True)
        self.seen, self.wrong, self.on = [], [], True
        self.hello = threading.Event()
        self.conn = http.client.HTTPConnection('127.0.0.1', api.port, timeout=15)
        self.conn.request('GET', '/api/v1/events?room=' + room, None,
                          {'Authorization': 'Bearer ' + api.token, 'Accept': 'text/event-stream'})
        self.response = self.conn.getresponse()
        if self.response.status != 200:
            raise Refused(self.response.status, self.response.read().decode(), self.response.headers)
        self.start()
        if not self.hello.wait(5):
            raise Refused(200, 'no hello', {})

    def run(self):
        data = b''
        while self.on:
            try:
                line = self.response.readline()
            except (OSError, ValueError):
                break
            if not line:
                break
            line = line.rstrip(b'\r\n')
            if line.startswith(b'data:'):
                data += line[5:].strip()
            elif not line and data:
                self.seen.append(json.loads(data))
                self.hello.set()
                data = b''

    def close(self):
        self.on = False
        self.conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
