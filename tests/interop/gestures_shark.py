"""An independent judge: tshark takes apart what the server sends, and calls none of it malformed."""
import os
import shutil
import struct
import subprocess
import time

from cases import case
from gestures_stage import on_stage, said
from phones import Missing

PORTS = {'midi': 5004, 'osc': 5006, 'udp': 5010, 'rtcp': 5012, 'tcp': 5014}
LINKTYPE_RAW = 101


def packet(proto, port, data, seq=1):
    """An IPv4 packet without check sums that anybody looks at."""
    if proto == 6:
        head = struct.pack('!HHIIBBHHH', 4000, port, seq, 1, 0x50, 0x18, 65535, 0, 0)
    else:
        head = struct.pack('!HHHH', port, port, 8 + len(data), 0)
    return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(head) + len(data), 0, 0, 64, proto, 0, b'\x7f\0\0\1',
                       b'\x7f\0\0\2') + head + data


def write_capture(path, packets):
    with open(path, 'wb') as f:
        f.write(struct.pack('!IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for i, raw in enumerate(packets):
            f.write(struct.pack('!IIII', i, 0, len(raw), len(raw)) + raw)


def packets_of(party):
    out, seq = [], 1
    for _, _, kind, data, control, _ in party.traced:
        if kind == 'tcp':
            out.append(packet(6, PORTS['tcp'], data, seq))
            seq += len(data)
        else:
            out.append(packet(17, PORTS['rtcp' if control else kind], data))
    return out


def is_tsharks_own(data):
    """Chapter N with two logs or more and bits: tshark 4.0 counts wrongly. Told by reading it here."""
    import midistream
    import oscstream
    rtp = oscstream.read_rtp(data)
    journal = midistream.read_section(rtp.payload).journal
    for c in journal.channels if journal else ():
        if 'N' in c and len(c['N']['logs']) > 1 and c['N']['off'] or 'M' in c and c['M']['P']:
            return True
    return False


def dissect(path):
    """[(protocols, whether it is called malformed, the expert's words)] for each packet."""
    args = ['tshark', '-n', '-r', path, '-T', 'fields', '-E', 'separator=|', '--enable-heuristic', 'osc_udp']
    for field in 'frame.protocols', '_ws.malformed', '_ws.expert.message':
        args += ['-e', field]
    for decode in ('udp.port==%d,rtp' % PORTS['midi'], 'rtp.pt==97,rtpmidi', 'udp.port==%d,rtp' % PORTS['osc'],
                   'udp.port==%d,rtcp' % PORTS['rtcp'], 'tcp.port==%d,osc' % PORTS['tcp']):
        args += ['-d', decode]                 # plain OSC over UDP is known by its looks
    done = subprocess.run(args, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Missing('tshark: ' + done.stderr.strip().splitlines()[-1])
    return [line.split('|') for line in done.stdout.splitlines()]


BROKEN = bytes.fromhex('8061000100000000000000014080')       # its journal is not there


def judge(path, packets, datas, want):
    wrong, seen = [], {}
    write_capture(path, packets + [packet(17, PORTS['midi'], BROKEN)])
    rows = dissect(path)
    if len(rows) != len(packets) + 1:
        return ['tshark told of %d packets of %d' % (len(rows), len(packets) + 1)]
    protocols, malformed, expert = rows.pop()
    if not malformed and 'alformed' not in expert + protocols:
        return ['tshark calls nothing malformed: %s' % protocols]
    for n, (protocols, malformed, expert) in enumerate(rows):
        last = protocols.split(':')[-1] or protocols
        seen[last] = seen.get(last, 0) + 1
        bad = malformed or 'alformed' in expert or 'alformed' in protocols
        if bad and not ('rtpmidi' in protocols and is_tsharks_own(datas[n])):
            wrong.append('packet %d (%s): %s %s: %s' % (n, protocols, malformed, expert, datas[n].hex()))
    print('# %d packets: %s' % (len(packets), seen))
    for protocol in want:
        if not [p for p in seen if p == protocol]:
            wrong.append('tshark saw no %s in what was sent: %s' % (protocol, seen))
    return wrong[:10]


def play_all(anna, bob):
    """Of every kind of command, and of every kind of argument; journals follow by themselves."""
    for hexa in ('903c64', 'a03c40', 'b00750', 'c005', 'd005', 'e01122', '803c40', '913c64', 'b0407f'):
        bob.midi_play(hexa)
        time.sleep(0.03)
    for i in range(10):
        anna.play('/fader/%d' % i, 'ifsbTFN', i, 0.5, 'text', b'blob')
        anna.play('/midi/2/note/%d' % (40 + i), 'i', 90)
    anna.play('/midi/2/note/40', 'i', 0)
    anna.play('/midi/3/rpn/5', 'i', 300)
    anna.play('/midi/sys/song', 'i', 3)
    for name in 'start', 'clock', 'stop', 'tune':
        anna.play('/midi/sys/' + name)
    anna.play('/midi/sysex', 'b', bytes.fromhex('7f7f040110'))


@case('gesture-tshark', 'tshark takes apart what the server sends (RTP MIDI with journals, RTCP, OSC in UDP and TCP) and calls none of it malformed')
def tshark():
    if not shutil.which('tshark'):
        raise Missing('no tshark')

    def play(stage):
        wrong = []
        anna, bob = stage.party('anna', 'osc'), stage.party('bob', 'midi')
        ears = [stage.party('ear', ('midi', {'sources': 4}), call=False), stage.party('merged', 'midi', call=False),
                stage.party('udp', 'udp', call=False),
                stage.party('tcp', ('tcp', {'framing': 'size'}), call=False)]
        for p in ears:
            p.tracing = True
            p.call('band')
        play_all(anna, bob)
        said(wrong, lambda: len(ears[2].states()) > 15, 'the UDP listener hears little: %s' % ears[2].states())
        time.sleep(1.5)                   # guards and reports
        for p, want in zip(ears, (['rtpmidi', 'rtcp'], ['rtpmidi', 'rtcp'], ['osc'], ['osc'])):
            wrong += ['%s: %s' % (p.name, w)
                      for w in judge(os.path.join(stage.server.dir, p.name + '.pcap'), packets_of(p),
                                                            [t[3] for t in p.traced], want)]
        return wrong
    return on_stage(play)
