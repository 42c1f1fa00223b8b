"""Phones that know nothing of gestures: in a room where others play, and called with lines of gestures in the offer."""
import os
import subprocess
import threading
import time

import oscwire
import phones
import pyphone
import sound
from cases import case, room_of_three
from gestpeer import Party
from houseapi import Api
from recorded import wait_for
from server import Server

LINES = 'midi osc udp tcp'


# ---- phones that call ----

class Playing:
    """Two parties that play to each other all the time, over whatever lines the server takes."""

    def __init__(self, server):
        self.parties, self.on = [Party(server.addr(), name) for name in ('anna', 'bob')], True
        for p in self.parties:
            p.line('udp')
            p.call('room')
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def _play(self):
        n = 0
        while self.on:
            n += 1
            for p in self.parties:
                p.udp.play(oscwire.write('/n', 'i', n))
            time.sleep(0.02)

    def close(self):
        self.on = False
        self.thread.join(2)
        heard = [len(p.came) for p in self.parties]
        wrong = ['the players heard %r of each other' % heard] if min(heard) < 100 else []
        for p in self.parties:
            p.close()
        return wrong


@case('gestures-beside', 'baresip, linphone and sipp in a room where others play gestures: their sound is as it is without', limit=60)
def beside():
    return room_of_three(('baresip', 'linphone', 'sipp'), ('PCMU', 'PCMU', 'PCMU'), beside=Playing, options={'gesture.kinds': LINES})


# ---- phones that are called; linphonec without a sound card answers every INVITE with 503, so it only calls ----

class CalledBaresip(phones.Baresip):
    def wait(self):
        with open(os.path.join(self.dir, 'accounts')) as f:
            account = f.read().strip()
        with open(os.path.join(self.dir, 'accounts'), 'w') as f:
            f.write(account + ';answermode=auto\n')
        self.spawn(self.args, stdin=subprocess.DEVNULL)
        self.wait_for('baresip is ready', 8)
        return 'sip:%s@127.0.0.1:%d' % (self.name, self.ctrl - 3)

    def established(self):
        self.wait_for('Call established', 8)


class CalledSipp(phones.Process):
    """sipp's own answerer: one line of sound in its answer, however many were offered; it echoes what it hears."""
    tone = None

    def __init__(self, server, name, tone):
        phones.need('sipp', 'sip-tester')
        self.server, self.name = server, name
        self.dir = os.path.join(server.dir, name)
        os.mkdir(self.dir)

    def wait(self):
        port = self.server.slot.take(10)
        self.spawn(['sipp', '-sn', 'uas', '-i', '127.0.0.1', '-p', str(port), '-mi', '127.0.0.1', '-mp', str(port + 4), '-rtp_echo',
                    '-m', '1', '-nostdin', '-cp', str(port + 2), '-t', 'u1'], stdin=subprocess.DEVNULL)
        time.sleep(1)
        return 'sip:%s@127.0.0.1:%d' % (self.name, port)

    def established(self):
        pass

    def stop(self):
        self.end()


def hears(phone, tone, seconds=2):
    began = time.monotonic()
    time.sleep(seconds)
    samples, rate = phone.heard(began)
    return bool(samples) and sound.usual_level(samples, rate, tone) > -40


def called(kind):
    server = Server({'gesture.kinds': LINES, 'gesture.offer': LINES, 'dial.allow': 'sip:*@127.0.0.1*'})
    listener, callee, wrong = None, None, []
    try:
        callee = kind(server, 'callee', sound.TONES[1])
        listener = pyphone.Phone(server.addr(), 'ear', sound.TONES[0])
        listener.call('band')
        api = Api(server)
        uri = callee.wait()
        api.post('/rooms/band/dial', uri=uri)
        wait_for('the called phone', lambda: len(api.get('/rooms/band')['members']) == 2)
        callee.established()
        # sipp gives back what it hears, and the room takes one's own voice out of what comes: only the others' tones are to be heard
        if callee.tone and not hears(listener, callee.tone):
            wrong.append('the called phone is not heard')
        time.sleep(2)
        if len(api.get('/rooms/band')['members']) != 2:
            wrong.append('the called phone did not stay')
        lines = [p['kinds'] for p in api.get('/rooms/band/players')['players']]
        if any(lines):
            wrong.append('it has lines of gestures: %r' % lines)
    finally:
        if listener:
            listener.close()
        if callee and getattr(callee, 'process', None):
            callee.stop()
        wrong += server.stop()
    return wrong


@case('gestures-called-baresip', 'baresip called with lines of gestures in the offer: an ordinary call', limit=60)
def called_baresip():
    return called(CalledBaresip)


@case('gestures-called-sipp', 'sipp called with lines of gestures in the offer, of which its answer says nothing: an ordinary call', limit=60)
def called_sipp():
    return called(CalledSipp)
