"""Callers who come in by keypad and are told things: the cases of run.py named voice-. Sound is judged by its level."""
import math
import time

import houseapi
import phones
import pyphone
import sound
from cases import case
from server import Server

ROOM = {'room': 'secret', 'settings': {'aliases': '4711', 'guest-pin': '1234', 'host-pin': '9876', 'tones': 'off'}}


def rms_db(phone, since, seconds):
    samples, rate = phone.heard(since, seconds)
    if not samples:
        return -200.0
    return 10 * math.log10(sum(s * s for s in samples) / len(samples) + 1e-20)


def loudest_db(phone, since, seconds, window=0.1):
    samples, rate = phone.heard(since, seconds)
    n = int(rate * window)
    parts = [samples[i:i + n] for i in range(0, len(samples) - n + 1, n)]
    return max((10 * math.log10(sum(s * s for s in p) / n + 1e-20) for p in parts), default=-200.0)


class Wrong(list):
    def check(self, true, text):
        if not true:
            self.append(text)


def member(api, uri):
    found = [m for m in api.get('/rooms/secret')['members'] if uri in m['uri']]
    return found[0] if found else None


def until(what, seconds=4.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def is_told(wrong, phone, since, what, seconds=1.2):
    time.sleep(max(0.0, since + seconds - time.monotonic()))
    level = loudest_db(phone, since, seconds)
    wrong.check(level > -40, '%s heard nothing (%.0f dB) when %s' % (phone.name, level, what))


def come_in(wrong, api, phone, pin='1234'):
    """From the lobby into the room; what it hears on the way."""
    began = time.monotonic()
    phone.call('lobby')
    time.sleep(1.8)
    early = loudest_db(phone, began, 0.5)
    wrong.check(early < -50, '%s was spoken to at once (%.0f dB)' % (phone.name, early))
    is_told(wrong, phone, began + 0.6, 'it was asked for the room')
    phone.press('4711#')
    is_told(wrong, phone, time.monotonic(), 'it was asked for the PIN')
    phone.press(pin + '#')
    wrong.check(until(lambda: member(api, phone.name)), '%s did not come in by %s' % (phone.name, phone.keys))


def keys_by(way):
    """Lobby, PIN, then mute, hand and volume; another in the room hears none of what this one is told."""
    server = Server({'prompts.say': 'words', 'rooms.alone': 'silence'})
    wrong, calls = Wrong(), []
    try:
        api = houseapi.Api(server)
        api.post('/rooms', **ROOM)
        ben = pyphone.Phone(server.addr('udp'), 'ben')
        ann = pyphone.Phone(server.addr('udp'), 'ann')
        calls += [ben, ann]
        ben.keys, ann.keys = 'rtp', way
        come_in(wrong, api, ben)
        time.sleep(3)                             # what it is told itself is over
        quiet_from = time.monotonic()
        come_in(wrong, api, ann)
        time.sleep(2)
        for keys, what, is_so in (('*6', 'it muted itself', lambda m: m['muted']), ('*6', 'it was heard again', lambda m: not m['muted']),
                                  ('*3', 'it raised its hand', lambda m: m['hand']),
                                  ('*4', 'it made itself quieter', lambda m: abs(m['gain_db'] + 3) < 0.1)):
            at = time.monotonic()
            ann.press(keys)
            wrong.check(until(lambda: is_so(member(api, 'ann'))), '%s: not so: %s (%s)' % (way, what, keys))
            is_told(wrong, ann, at, what)
        if way != 'sound':                        # its keys are in its sound, and ben hears them
            level = loudest_db(ben, quiet_from, time.monotonic() - quiet_from)
            wrong.check(level < -60, 'ben heard what ann was told: %.0f dB' % level)
    finally:
        for p in calls:
            try:
                p.bye()
            except (OSError, pyphone.CallFailed):
                pass
        wrong += server.stop()
    return list(wrong)


for _way, _what in (('rtp', 'RFC 4733'), ('info', 'INFO'), ('sound', 'tones in the sound')):
    case('lobby-' + _way, 'by %s: sip:lobby asks for the room, then the PIN; mute, hand, volume, each answered to who pressed it' % _what,
         limit=60)(lambda w=_way: keys_by(w))


@case('lobby-wrong-pin', 'three wrong PINs: told so, goodbye and BYE, three lines for fail2ban', limit=60)
def wrong_pins():
    """Three wrong ones: told so each time, goodbye, BYE; a line for fail2ban each."""
    server = Server({'prompts.say': 'words'})
    wrong = Wrong()
    ann = pyphone.Phone(server.addr('udp'), 'ann')
    try:
        houseapi.Api(server).post('/rooms', **ROOM)
        ann.keys = 'rtp'
        ann.call('secret')
        time.sleep(1)
        for i in range(3):
            at = time.monotonic()
            ann.press('000%d#' % i)
            is_told(wrong, ann, at + 1, 'its PIN was wrong', 1.5)
        wrong.check(ann.ended.wait(10), 'it was not sent away')
        with open(server.log_path, errors='replace') as f:
            lines = [line for line in f if 'security action=pin-failure' in line]
        wrong.check(len(lines) == 3, '%d lines for fail2ban' % len(lines))
        wrong.check(not any('000' in line.split('user=')[0] for line in lines), 'a PIN stands in the log')
    finally:
        ann.close()
        wrong += server.stop()
    return list(wrong)


@case('lobby-music', 'who waits for the host hears words and music until it comes; music on hold is not heard in the room', limit=60)
def waits_with_music():
    """Early: the words, then music, and no silence; the host comes: music ends. Its phone's music is not heard in the room."""
    server = Server({'prompts.say': 'words', 'rooms.alone': 'silence'})
    wrong, calls = Wrong(), []
    try:
        api = houseapi.Api(server)
        api.post('/rooms', room='secret', settings={'wait-for-host': 'on', 'host-pin': '9876', 'tones': 'off'})
        ann, host = pyphone.Phone(server.addr('udp'), 'ann', tone=443), pyphone.Phone(server.addr('udp'), 'host')
        calls += [ann, host]
        ann.keys = host.keys = 'info'
        ann.call('secret')
        time.sleep(1)
        ann.press('#')                            # a guest, where only hosts have a PIN
        time.sleep(5)
        at = time.monotonic()
        time.sleep(3)
        level = rms_db(ann, at, 3)
        wrong.check(level > -45, 'ann waits in silence: %.0f dB' % level)
        host.call('secret')
        time.sleep(1)
        host.press('9876#')
        time.sleep(4)
        at = time.monotonic()
        time.sleep(2)
        level = rms_db(ann, at, 2)
        wrong.check(level < -60, 'ann hears music still: %.0f dB' % level)
        samples, rate = host.heard(at, 2)
        wrong.check(sound.level(samples, rate, 443) > -20, 'the host does not hear ann')
        wrong.check(ann.hold().status == 200, 'no hold')
        ann.sending = True                        # music on hold: it sends, and hears nothing
        time.sleep(1)
        at = time.monotonic()
        time.sleep(2)
        samples, rate = host.heard(at, 2)
        wrong.check(not samples or sound.level(samples, rate, 443) < -60, 'the music of ann\'s phone is heard in the room')
    finally:
        for p in calls:
            try:
                p.bye()
            except (OSError, pyphone.CallFailed):
                pass
        wrong += server.stop()
    return list(wrong)


@case('lobby-baresip', 'baresip with RFC 4733: lobby, PIN, mute, hand; it is told what happens', limit=60)
def baresip_keys():
    """A real phone, RFC 4733: through the lobby and the PIN, then mute and hand."""
    server = Server({'prompts.say': 'words', 'rooms.alone': 'silence'})
    wrong = Wrong()
    phone = None
    try:
        api = houseapi.Api(server)
        api.post('/rooms', **ROOM)
        phone = phones.Baresip(server, 'bare', 443)
        phone.start('lobby')
        time.sleep(1)

        def press(keys):
            for key in keys:
                phone.command('sndcode', key)
                time.sleep(0.35)
        press('4711#')
        time.sleep(0.5)
        press('1234#')
        wrong.check(until(lambda: member(api, 'bare')), 'it did not come in')
        press('*6')
        wrong.check(until(lambda: (member(api, 'bare') or {}).get('muted')), 'it is not muted')
        press('*3')
        wrong.check(until(lambda: (member(api, 'bare') or {}).get('hand')), 'its hand is not up')
        time.sleep(2)
        before = time.monotonic()
        phone.stop()
        samples, rate = phone.heard(8, before)
        n = rate // 10
        loud = [10 * math.log10(sum(s * s for s in samples[i:i + n]) / n + 1e-20) for i in range(0, len(samples) - n, n)]
        wrong.check(loud and max(loud) > -40, 'it was told nothing')
    finally:
        if phone and getattr(phone, 'process', None):
            phone.end(0)
        wrong += server.stop()
    return list(wrong)


@case('lobby-name', 'a caller says its name, and who is in hears it when the caller comes and when it leaves; who says none is told of by a tone',
      limit=60)
def names():
    """Ann says a tone when she is asked, and nothing after: so what Ben hears of that tone is her name."""
    server = Server({'prompts.say': 'words', 'rooms.alone': 'silence'})
    wrong, calls = Wrong(), []
    try:
        api = houseapi.Api(server)
        api.post('/rooms', room='band', settings={'announce-names': 'on'})
        ben = pyphone.Phone(server.addr('udp'), 'ben')
        ann = pyphone.Phone(server.addr('udp'), 'ann', tone=sound.TONES[1])
        calls += [ben, ann]
        ben.keys = ann.keys = 'rtp'
        ann.silent = True

        def inside():
            return len(api.get('/rooms/band')['members'])
        ben.call('band')
        time.sleep(1.5)
        ben.press('#')                            # rather not
        wrong.check(until(lambda: inside() == 1), 'ben did not come in without a name')
        time.sleep(2)
        ann.call('band')
        time.sleep(1.2)
        asked = time.monotonic()
        until(lambda: loudest_db(ann, asked, time.monotonic() - asked + 0.1) > -40)
        until(lambda: loudest_db(ann, time.monotonic() - 0.4, 0.4) < -50, 8)
        ann.silent = False
        time.sleep(1.5)
        wrong.check(inside() == 1, 'ann was in before she had said her name')
        before = time.monotonic()
        ann.silent = True
        ann.press('#')
        wrong.check(until(lambda: inside() == 2), 'ann did not come in')
        time.sleep(4)
        for what, since in ('came', before), ('left', None):
            if since is None:
                since = time.monotonic()
                ann.bye()
                time.sleep(4)
            samples, rate = ben.heard(since, 4)
            level = sound.level(samples, rate, sound.TONES[1])
            wrong.check(level > -40, 'ben heard no name when ann %s: %.0f dB' % (what, level))
    finally:
        for p in calls:
            try:
                p.bye()
            except (OSError, pyphone.CallFailed):
                pass
        wrong += server.stop()
    return list(wrong)
