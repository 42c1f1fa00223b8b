"""Cases that record a room of real calls, and hear what was written."""
import json
import os
import resource
import shutil
import struct
import subprocess
import tempfile
import time

import pyphone
import sound
from cases import case, together
from houseapi import Api, Events, Refused
from phones import Missing
from server import Server

RATE = 48000


def decode(path):
    """Samples of a mono file, by the formats' own programs."""
    program = 'flac' if path.endswith('.flac') else 'opusdec'
    if not shutil.which(program):
        raise Missing(program)
    out = path + '.raw'
    args = ['flac', '-s', '-d', '-f', '--force-raw-format', '--endian=little', '--sign=signed', '-o', out, path] if program == 'flac' else \
        ['opusdec', '--quiet', '--float', '--rate', str(RATE), path, out + '.wav']
    p = subprocess.run(args, capture_output=True, text=True)
    if p.returncode:
        raise AssertionError('%s: %s' % (path, p.stderr.strip()))
    if program == 'flac':
        with open(out, 'rb') as f:
            data = f.read()
        return [int.from_bytes(data[i:i + 3], 'little', signed=True) / 8388608 for i in range(0, len(data) - 2, 3)]
    with open(out + '.wav', 'rb') as f:
        data = f.read()
    data = data[data.index(b'data') + 8:]             # what was cut has no true length in its header
    return list(struct.unpack('<%df' % (len(data) // 4), data[:len(data) // 4 * 4]))


def manifest(folder):
    with open(os.path.join(folder, 'manifest.json')) as f:
        return json.load(f)


def wait_for(what, cond, seconds=10):
    until = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > until:
            raise AssertionError('%s: not within %d s' % (what, seconds))
        time.sleep(0.05)


def newest(api):
    return api.get('/recordings')['recordings'][0]


def states(api):
    """Of all recordings; a server that answers SIP already may not answer HTTP yet."""
    try:
        return [r['state'] for r in api.get('/recordings')['recordings']]
    except OSError:
        return []


def folder_of(server, rec):
    return os.path.join(server.dir, 'state', 'recordings', rec['id'])


def phones_of(server, codecs):
    members = []
    for i, codec in enumerate(codecs):
        p = pyphone.Phone(server.addr(), 'p%d' % i, sound.TONES[i], (codec,))
        p.call('band')
        members.append(p)
    return members


def vanish(members):
    for p in members:
        p.close()


def stem_wrong(folder, m, own):
    """Its own tone at its level, never away; the others' not at all."""
    samples = decode(os.path.join(folder, m['file']))[RATE:]
    got = sound.usual_level(samples, RATE, own)
    wrong = []
    if not -22 < got < -18:
        wrong.append('stem of %s: its tone at %.1f dB' % (m['uri'], got))
    wrong += ['stem of %s: its tone is away at %.2f s' % (m['uri'], at) for at, _ in sound.gaps(samples, RATE, own)[:3]]
    for other in sound.TONES:
        if other != own and sound.level(samples, RATE, other) > -60:
            wrong.append('stem of %s: %g Hz of another' % (m['uri'], other))
    return wrong


def rights_wrong(folder):
    wrong = []
    for path in [folder, os.path.dirname(folder)] + [os.path.join(folder, n) for n in os.listdir(folder)]:
        mode = os.stat(path).st_mode & 0o777
        if mode != (0o700 if os.path.isdir(path) else 0o600):
            wrong.append('%s has mode %o' % (path, mode))
    return wrong


def recorded(fmt):
    server = Server({'recording.format': fmt})
    api, members, wrong = Api(server), [], []
    try:
        members = phones_of(server, ['PCMU', 'L16/48000', 'L16/16000'])
        time.sleep(2)
        with Events(api, 'band') as events:
            api.post('/rooms/band/record', text='start')
            if api.get('/rooms/band')['recording'] != 'running':
                wrong.append('the room does not say that it is recorded')
            time.sleep(6)
            api.post('/rooms/band/record', text='stop')
            wait_for('the recording is finished', lambda: newest(api)['state'] == 'finished')
            wait_for('both events', lambda: [e['detail'] for e in events.seen if e['type'] == 'room-changed'] ==
                     ['recording-started', 'recording-stopped'])
        folder = folder_of(server, newest(api))
        wrong += rights_wrong(folder)
        m = manifest(folder)
        if not 5.5 * RATE < m['samples'] < 7 * RATE or m['gaps'] or len(m['members']) != 3:
            wrong.append('manifest: %r' % m)
        mix = decode(os.path.join(folder, m['mix']['file']))
        if len(mix) != m['samples']:
            wrong.append('the mix has %d samples, the manifest says %d' % (len(mix), m['samples']))
        wrong += sound.judge('the mix', mix[RATE:], RATE, sound.TONES, None)
        for i, p in enumerate(members):
            mine = next(x for x in m['members'] if x['uri'].startswith('sip:%s@' % p.name))
            wrong += stem_wrong(folder, mine, sound.TONES[i])
    finally:
        vanish(members)
        wrong += server.stop()
    return wrong


@case('record-opus', 'three calls are recorded as Opus: each is in its stem alone, all are in the mix, files are 0600', limit=60)
def record_opus():
    return recorded('opus')


@case('record-flac', 'the same as FLAC', limit=60)
def record_flac():
    return recorded('flac')


def length_wrong(path, seconds):
    got = len(decode(path)) / RATE
    return [] if seconds - 1.1 < got < seconds + 0.5 else ['%s: %.2f s can be played of %.2f' % (path, got, seconds)]


def killed(fmt):
    server = Server({'recording.format': fmt})
    api, members, wrong, began = Api(server), [], [], {}
    try:
        members = phones_of(server, ['PCMU', 'L16/48000'])
        other = pyphone.Phone(server.addr(), 'other', sound.TONES[2])
        other.call('hall')
        members.append(other)
        time.sleep(1)
        for room in 'band', 'hall':
            api.post('/rooms/%s/record' % room, text='start')
            began[room] = time.monotonic()
        time.sleep(4)
        server.kill()
        died = time.monotonic()
        server.start()
        wait_for('both are marked', lambda: states(api) == ['cut', 'cut'])
        rows = api.get('/recordings')['recordings']
        for row in rows:
            folder = folder_of(server, row)
            m = manifest(folder)
            if m['state'] != 'cut' or not m['members'] or m['samples'] < (died - began[row['room']] - 2.2) * RATE:
                wrong.append('manifest: %r' % m)
            for f in [m['mix']] + m['members']:
                wrong += length_wrong(os.path.join(folder, f['file']), died - began[row['room']] - f['offset'] / RATE)
    finally:
        vanish(members)
        wrong += server.stop()
    return wrong


@case('record-killed', 'SIGKILL in the middle of two recordings: all but the last second can be played, the next start says cut', limit=90)
def record_killed():
    return killed('opus')


@case('record-killed-flac', 'the same as FLAC', limit=90)
def record_killed_flac():
    return killed('flac')


@case('record-full', 'no more can be written: the recording ends with an event, the phones hear no gap, what was written can be played', limit=60)
def record_full():
    server = Server({'recording.format': 'flac'})
    api, members, wrong = Api(server), [], []
    try:
        members = phones_of(server, ['PCMU', 'L16/48000'])
        time.sleep(2)
        with Events(api, 'band') as events:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (300000, resource.RLIM_INFINITY))
            since = time.monotonic()
            api.post('/rooms/band/record', text='start')
            wait_for('the recording fails', lambda: any(e.get('detail') == 'recording-failed' for e in events.seen), 20)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(max(1.0, since + 4 - time.monotonic()))
        seconds = time.monotonic() - since
        together(members, 'bye')
        for i, p in enumerate(members):
            samples, rate = p.heard(since, seconds - 0.2)
            wrong += sound.judge(p.name, samples, rate, [sound.TONES[1 - i]], sound.TONES[i])
        rec = newest(api)
        m = manifest(folder_of(server, rec))
        if rec['state'] != 'failed' or m['state'] != 'failed' or m['why'] != 'file too large':
            wrong.append('it failed, but says %s, %r' % (rec['state'], m))
        if len(decode(os.path.join(folder_of(server, rec), m['mix']['file']))) < RATE // 2:
            wrong.append('nothing can be played')
        try:
            api.post('/rooms/band/record', text='pause')
            wrong.append('what has failed can be paused')
        except Refused as e:
            if e.status != 404:
                wrong.append('pausing what has failed: %d' % e.status)
    finally:
        vanish(members)
        wrong += server.stop()
    return wrong


def small_disk(size, min_free):
    """A server whose recordings lie on a disk of so many KiB, in a mount namespace of its own."""
    wrap = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=%dk tutti "$0" && exec "$@"' % size]
    probe = tempfile.mkdtemp(prefix='tutti-disk-')
    try:
        if subprocess.run(wrap + [probe, 'true'], capture_output=True).returncode:
            raise Missing('the right to mount')
    finally:
        os.rmdir(probe)
    server = Server({'recording.format': 'flac', 'recording.min-free': str(min_free)})
    server.kill()
    disk = os.path.join(server.dir, 'state', 'recordings')
    os.makedirs(disk, exist_ok=True)
    server.args = wrap + [disk] + server.args
    server.start()
    return server


def disk_full(size, min_free):
    server = small_disk(size, min_free)
    api, members, wrong = Api(server), [], []
    try:
        wait_for('HTTP', lambda: states(api) == [])
        members = phones_of(server, ['PCMU', 'L16/48000'])
        time.sleep(2)
        with Events(api, 'band') as events:
            since = time.monotonic()
            api.post('/rooms/band/record', text='start')
            wait_for('the recording fails', lambda: any(e.get('detail') == 'recording-failed' for e in events.seen), 30)
        seconds = max(2.0, time.monotonic() - since)
        time.sleep(max(0.0, since + seconds - time.monotonic()))
        for i, p in enumerate(members):
            samples, rate = p.heard(since, seconds - 0.2)
            wrong += sound.judge(p.name, samples, rate, [sound.TONES[1 - i]], sound.TONES[i])
        wait_for('the row says so', lambda: states(api) == ['failed'])
        folder = '/proc/%d/root' % server.pid + folder_of(server, newest(api))
        free = os.statvfs(folder)
        if min_free and not min_free * 2 ** 20 * 0.8 < free.f_bavail * free.f_frsize < min_free * 2 ** 20:
            wrong.append('%d bytes are left' % (free.f_bavail * free.f_frsize))
        here = os.path.join(server.dir, 'mix.flac')
        shutil.copy(os.path.join(folder, 'mix.flac'), here)
        if len(decode(here)) < RATE // 2:
            wrong.append('nothing can be played')
        api.post('/rooms/band/record', text='start')
        api.post('/rooms/band/lock', on=True)             # the house goes on
    finally:
        vanish(members)
        wrong += server.stop()
    return wrong


@case('record-disk', 'the disk is full: the recording ends with an event, the phones hear no gap, what was written can be played', limit=60)
def record_disk():
    return disk_full(500, 0)


@case('record-min-free', 'the same when no more is free than must be', limit=60)
def record_min_free():
    return disk_full(2560, 2)
