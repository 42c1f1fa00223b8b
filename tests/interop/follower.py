"""A subscriber to a room's state (RFC 4575): it puts the documents together as a phone would, and keeps every state it saw.

It complains (.wrong) when a version is skipped, a partial change concerns somebody it has never heard of in full, or a
document says how many users there are and that is not so.
"""
import threading
import time
import xml.etree.ElementTree as ElementTree

from sipmsg import End, Message, hostport, param, token, uri_of

NS = '{urn:ietf:params:xml:ns:conference-info}'
SUBSCRIBED_S = 300
PIECES_MAX = 3


class Follower:
    def __init__(self, server, room, transport='udp', name='watcher'):
        self.server, self.transport, self.name = server, transport, name
        self.room = 'sip:%s@%s' % (room, hostport(*server))
        self.call_id, self.tag, self.cseq = token(16), token(), 0
        self.to = self.target = None
        self.lock = threading.Lock()
        self.answers = {}
        self.first = threading.Event()
        self.reset()
        self.end = End(transport, server, self._message)

    def reset(self):
        self.version, self.members, self.roles, self.states, self.wrong = None, {}, {}, [], []
        self.documents = self.full = self.pieces = self.n_pieces = 0
        self.locked = False
        self.state = ''

    @property
    def contact(self):
        return '<sip:%s@%s;transport=%s>' % (self.name, hostport(self.end.host, self.end.port), self.transport)

    def subscribe(self, expires=SUBSCRIBED_S):
        self.cseq += 1
        me = hostport(self.end.host, self.end.port)
        headers = [('Via', 'SIP/2.0/%s %s;branch=z9hG4bK%s;rport' % (self.transport.upper(), me, token(16))), ('Max-Forwards', '70'),
                   ('From', '<sip:%s@%s>;tag=%s' % (self.name, me, self.tag)), ('To', self.to or '<%s>' % self.room),
                   ('Call-ID', self.call_id), ('CSeq', '%d SUBSCRIBE' % self.cseq), ('Contact', self.contact),
                   ('Event', 'conference'), ('Accept', 'application/conference-info+xml'), ('Expires', str(expires))]
        data = Message('SUBSCRIBE %s SIP/2.0' % (self.target or self.room), headers).data()
        done = self.answers[self.cseq] = threading.Event()
        for _ in range(4):
            self.end.send(data)
            if done.wait(2):
                return done.response
        raise AssertionError('no answer to SUBSCRIBE')

    def close(self):
        self.end.close()

    # ---- what comes ----

    def _message(self, msg):
        if msg.status:
            done = self.answers.get(int(msg.get('cseq').split()[0]))
            if done and msg.status >= 200:
                if msg.status < 300 and not self.to:
                    self.to, self.target = msg.get('to'), uri_of(msg.get('contact'))
                done.response = msg
                done.set()
            return
        self.end.send(msg.reply(200, 'OK', tag=self.tag).data())
        if msg.method == 'NOTIFY':
            with self.lock:
                self._notify(msg)

    def _notify(self, msg):
        cseq = int(msg.get('cseq').split()[0])
        if cseq <= getattr(self, 'last_cseq', 0):
            return                        # sent again: our 200 was late
        self.last_cseq = cseq
        self.state = msg.get('subscription-state', '')
        if msg.body:
            self._document(ElementTree.fromstring(msg.body))
            self.first.set()

    def _document(self, root):
        version, full = int(root.get('version')), root.get('state') == 'full'
        self.documents += 1
        self.full += full
        if self.version is not None and version != self.version + 1:
            self.wrong.append('version %d comes after %d' % (version, self.version))
        self.version = version
        if full:
            self.members, self.roles = {}, {}
        for users in root.findall(NS + 'users'):
            if users.get('state', 'full') == 'full':
                self.members, self.roles = {}, {}
            for user in users.findall(NS + 'user'):
                self._user(user)
        state = root.find(NS + 'conference-state')
        if state is not None:
            locked, count = state.find(NS + 'locked'), state.find(NS + 'user-count')
            self.locked = self.locked if locked is None else locked.text == 'true'
            n = len({m['user'] for m in self.members.values()})
            if count is not None and int(count.text) != n:
                self._piece(int(count.text), n)
                return
        self.pieces = 0
        self.states.append((time.time(), self.known(), self.locked))

    def _piece(self, users, known):
        """What is too much for one document comes in several, one after the other; until the last the count is ahead."""
        self.pieces += 1
        self.n_pieces += 1
        if self.pieces > PIECES_MAX or known > users:
            self.wrong.append('version %d: user-count %d, but %d users known' % (self.version, users, known))

    def _user(self, user):
        entity, state = user.get('entity'), user.get('state', 'full')
        if state in ('deleted', 'full'):
            self.members = {k: m for k, m in self.members.items() if m['user'] != entity}
            self.roles.pop(entity, None)
        if state == 'deleted':
            return
        role = user.find('%sroles/%sentry' % (NS, NS))
        if role is not None:
            self.roles[entity] = role.text
        elif entity not in self.roles:
            self.wrong.append('version %d: a part of %s, who was never told of in full' % (self.version, entity))
        for end in user.findall(NS + 'endpoint'):
            self._endpoint(entity, end)

    def _endpoint(self, user, end):
        number = int(end.get('entity').rsplit(';member=', 1)[1])
        status, media = end.find(NS + 'status'), end.find('%smedia/%sstatus' % (NS, NS))
        if end.get('state') == 'deleted' or (status is not None and status.text == 'disconnected'):
            self.members.pop(number, None)
        elif media is not None:
            self.members[number] = {'user': user, 'media': media.text}
        else:
            self.wrong.append('version %d: member %d without its media' % (self.version, number))

    def known(self):
        return frozenset((number, self.roles.get(m['user']), m['media']) for number, m in self.members.items())
