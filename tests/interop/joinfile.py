"""tutti-join plays a file."""
import array
import os
import sys
import tempfile
import time
import wave

import sound
from cases import case
from gestpeer import wait
from joiner import Joiner
from joins import A
from server import Server


def short_tone(path, freq, seconds):
    samples = array.array('h', map(sound.clip, sound.tone(freq, 48000, 10)[:int(seconds * 48000)]))
    if sys.byteorder == 'big':
        samples.byteswap()
    with wave.open(path, 'wb') as w:
        w.setparams((1, 2, 48000, 0, 'NONE', ''))
        w.writeframes(samples.tobytes())


def heard_seconds(path):
    """How long anything was heard, by fiftieths of a second over -50 dBFS."""
    samples, rate = sound.wav_read(path)
    step = rate // 50
    return sum(sum(x * x for x in samples[i:i + step]) / step > 1e-5 for i in range(0, len(samples), step)) / 50


@case('join-file', 'a file begins when somebody hears it, and its end is the end of the call')
def file():
    wrong, seconds = [], 0.5
    with tempfile.TemporaryDirectory(prefix='tutti-interop-') as folder:
        server = Server()                         # only for its slot of ports
        port, short = server.slot.take(), os.path.join(folder, 'short.wav')
        short_tone(short, A, seconds)
        a = Joiner(folder, 'anna', None, '--listen', 'udp:127.0.0.1:%d' % port, '--media-ports', server.slot.media(),
                   '--driver', 'file', '--in-file', short)
        b = None
        try:
            if not wait(lambda: a.heard('state', state='ready')):
                wrong.append('anna is not ready: %s %s' % (a.events, a.tail()))
            time.sleep(1)
            b = Joiner(folder, 'bob', 'sip:anna@127.0.0.1:%d' % port, '--media-ports', server.slot.media())
            if a.wait_end(8) != 0 or not a.heard('state', state='up'):
                wrong.append('anna: %s, %s' % (a.process.returncode, a.heard('state')))
            b.wait_end()
            heard = heard_seconds(b.wav)
            print('# %.2f s heard' % heard)
            if not seconds - 0.06 <= heard <= seconds + 0.06:
                wrong.append('bob heard %.2f s of it' % heard)
        finally:
            for j in filter(None, (a, b)):
                wrong += j.close()
            wrong += server.stop()
    return wrong
