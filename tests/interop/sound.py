"""Tones, G.711, and what a recording is judged by: the level of a tone, and whether it was ever away.

Samples are floats, full scale 1.0. Levels are dB of a sine's peak against full scale, so that a tone sent and a tone heard
can be subtracted. Standard library only.
"""
import array
import math
import struct
import sys
import wave

# Far enough apart for the gap finder (150 Hz), and such that no low-order product of two of them falls on the third: G.711
# makes such products, and one at another phone's own tone would look like its own voice coming back. Tenths of a Hz, so
# that the many weak high-order products fall on a ten times finer grid. The case "selftest" computes what is left.
TONES = [601.3, 859.7, 1877.9]
AMPLITUDE = 0.1


def _ulaw_encode(pcm):
    sign = 0x80 if pcm < 0 else 0
    v = min(abs(pcm), 32635) + 0x84
    exp = v.bit_length() - 8
    return ~(sign | exp << 4 | (v >> (exp + 3)) & 15) & 0xff


def _ulaw_decode(u):
    u = ~u & 0xff
    v = (((u & 15) << 3) + 0x84 << (u >> 4 & 7)) - 0x84
    return -v if u & 0x80 else v


def _alaw_decode(a):
    a ^= 0x55
    exp, v = a >> 4 & 7, (a & 15) << 4
    v = v + 8 if exp == 0 else v + 0x108 << (exp - 1)
    return v if a & 0x80 else -v


_ULAW = [_ulaw_decode(i) / 32768 for i in range(256)]
_ALAW = [_alaw_decode(i) / 32768 for i in range(256)]


def clip(x):
    return max(-32768, min(32767, round(x * 32768)))


def encode(codec, samples):
    """Floats to the payload of PCMU or L16."""
    if codec == 'PCMU':
        return bytes(_ulaw_encode(clip(x)) for x in samples)
    if codec == 'PCMA':
        # The A-law byte of a value is the one that decodes nearest to it; a table of 4096 steps is enough (12 bits).
        return bytes(_alaw_table()[(clip(x) >> 4) + 2048] for x in samples)
    if codec == 'L16':
        return struct.pack('>%dh' % len(samples), *(clip(x) for x in samples))
    raise ValueError(codec)


_alaw_steps = []


def _alaw_table():
    if not _alaw_steps:
        values = sorted((v, i) for i, v in enumerate(_ALAW))
        for step in range(-2048, 2048):
            x = (step * 16 + 8) / 32768
            _alaw_steps.append(min(values, key=lambda vi: abs(vi[0] - x))[1])
    return _alaw_steps


def decode(codec, payload):
    if codec == 'PCMU':
        return [_ULAW[b] for b in payload]
    if codec == 'PCMA':
        return [_ALAW[b] for b in payload]
    if codec == 'L16':
        n = len(payload) // 2
        return [v / 32768 for v in struct.unpack('>%dh' % n, payload[:n * 2])]
    raise ValueError(codec)


def tone(freq, rate, seconds, amplitude=AMPLITUDE):
    w = 2 * math.pi * freq / rate
    return [amplitude * math.sin(w * i) for i in range(round(seconds * rate))]


def wav_tone(path, freq, rate, channels, seconds, amplitude=AMPLITUDE):
    """A file of a tone of whole tenths of a Hz: ten seconds of it, repeated."""
    mono = array.array('h', map(clip, tone(freq, rate, 10, amplitude)))
    data = array.array('h', bytes(2 * channels * len(mono)))
    for c in range(channels):
        data[c::channels] = mono
    if sys.byteorder == 'big':
        data.byteswap()
    with wave.open(path, 'wb') as w:
        w.setnchannels(channels)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(data.tobytes() * (1 + seconds // 10))


def wav_read(path):
    """First channel and rate. A program that was killed leaves a header with wrong lengths: read what is there."""
    with open(path, 'rb') as f:
        raw = f.read()
    fmt = raw.index(b'fmt ')
    kind, channels, rate, _, _, bits = struct.unpack_from('<HHIIHH', raw, fmt + 8)
    if kind == 0xfffe:                # extensible: the kind proper begins its GUID
        kind = struct.unpack_from('<H', raw, fmt + 8 + 24)[0]
    data = raw.index(b'data', fmt) + 8
    raw = raw[data:]
    if bits == 16:
        pcm = array.array('h', raw[:len(raw) // 2 * 2])
        return [v / 32768 for v in pcm[::channels]], rate
    if bits == 32 and kind == 3:
        pcm = array.array('f', raw[:len(raw) // 4 * 4])
        return list(pcm[::channels]), rate
    raise ValueError('%s: %d bits, kind %d' % (path, bits, kind))


_windows = {}


def _window(n):
    """Blackman-Harris: side lobes at -92 dB, so that a loud neighbour does not leak into a quiet one's measurement."""
    if n not in _windows:
        w = 2 * math.pi / n
        _windows[n] = [0.35875 - 0.48829 * math.cos(w * i) + 0.14128 * math.cos(2 * w * i) - 0.01168 * math.cos(3 * w * i)
                       for i in range(n)]
    return _windows[n]


def _tone_amplitude(samples, window, cos, sin):
    re = im = 0.0
    for x, w, c, s in zip(samples, window, cos, sin):
        x *= w
        re += x * c
        im += x * s
    return 2 * math.hypot(re, im) / sum(window)


def _level(samples, rate, freq):
    n = len(samples)
    w = 2 * math.pi * freq / rate
    a = _tone_amplitude(samples, _window(n), [math.cos(w * i) for i in range(n)], [math.sin(w * i) for i in range(n)])
    return 20 * math.log10(max(a, 1e-10))


def level(samples, rate, freq):
    """dB of the tone, by one transform over all samples. 10 s keep tones 1 Hz apart asunder by more than 90 dB."""
    return _level(samples, rate, freq) if len(samples) >= rate // 2 else -200.0


def usual_level(samples, rate, freq, seconds=0.1):
    """dB of the tone as it mostly is. One transform over all would show as silence what is only a jump of phase (a sender's
    program that was not run for 20 ms, say), and windows of half a second what is only played 0.3 % faster for a while, so
    that the delay goes down: 0.1 s are 40 Hz wide. (Whether the tone was ever away, gaps() tells.)"""
    n = int(rate * seconds)
    parts = [_level(samples[at:at + n], rate, freq) for at in range(0, len(samples) - n + 1, n)]
    return sorted(parts)[len(parts) // 2] if parts else -200.0


def gaps(samples, rate, freq, window_ms=20, drop_db=6.0):
    """Where the tone is away: [(second, dB against its median)]. Windows overlap by half, so that nothing falls between."""
    n = rate * window_ms // 1000
    hop = n // 2
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * (i + 0.5) / n) for i in range(n)]
    w = 2 * math.pi * freq / rate
    cos = [math.cos(w * i) * h for i, h in enumerate(hann)]
    sin = [math.sin(w * i) * h for i, h in enumerate(hann)]
    found = []
    for at in range(0, len(samples) - n + 1, hop):
        part = samples[at:at + n]
        found.append(math.hypot(sum(map(float.__mul__, part, cos)), sum(map(float.__mul__, part, sin))))
    if not found:
        return [(0.0, -200.0)]
    middle = max(sorted(found)[len(found) // 2], 1e-9)
    return [(round(i * hop / rate, 3), round(20 * math.log10(max(v, 1e-12) / middle), 1))
            for i, v in enumerate(found) if v < middle * 10 ** (-drop_db / 20)]


def thinned(samples, rate):
    """At 8 kHz, for the sake of time: means of neighbours. Returns samples, rate, and how far a tone sinks by it in dB."""
    n = rate // 8000
    if rate % 8000 or n == 1:
        return samples, rate, lambda freq: 0.0
    out = [sum(samples[i:i + n]) / n for i in range(0, len(samples) - n + 1, n)]
    return out, 8000, lambda f: 20 * math.log10(math.sin(math.pi * f * n / rate) / (n * math.sin(math.pi * f / rate)))


def judge(name, samples, rate, others, own, tolerance=1.5, floor=-60.0, sent=AMPLITUDE):
    """What is wrong with what `name` heard, as a list of texts: each other tone at its level and never away, own tone not."""
    wrong = []
    sent_db = 20 * math.log10(sent)
    samples, rate, sunk = thinned(samples, rate)
    for freq in others:
        got = usual_level(samples, rate, freq) - sunk(freq) - sent_db
        if abs(got) > tolerance:
            wrong.append('%s hears %g Hz at %+.1f dB' % (name, freq, got))
            continue
        away = gaps(samples, rate, freq)
        if away:
            wrong.append('%s: %g Hz is away %d times, first at %.2f s (%.0f dB)' % (name, freq, len(away), *away[0]))
    if own is not None:
        got = level(samples, rate, own) - sunk(own) - sent_db
        if got > floor:
            wrong.append('%s hears itself (%g Hz) at %+.1f dB' % (name, own, got))
    return wrong
