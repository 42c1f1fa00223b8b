"""Cases of bad input while two talk."""
import json
import os
import re
import subprocess
import sys
import time

from cases import Talkers, case
from phones import Missing
from server import ROOT, Server, sanitized


def torture(extra, what):
    runner = os.environ.get('TUTTI_TORTURE', os.path.join(os.path.dirname(ROOT), 'shared', 'torture', 'run.py'))
    if not os.path.exists(runner):
        raise Missing('no torture material at %s (TUTTI_TORTURE names its run.py)' % runner)
    server = Server({'rooms.auto': 'yes'})
    wrong = []
    try:
        talkers = Talkers(server)
        before = server.proc()
        report = os.path.join(server.dir, 'torture.json')
        out = subprocess.run([sys.executable, runner, '%s:%d' % (server.host, server.port), '--user', 'torture', '--pid',
                              str(server.pid), '--json', report] + extra, capture_output=True, text=True, timeout=600).stdout
        verdicts = {v: len(re.findall(r'\b%s\b' % v, out)) for v in ('FAIL', 'DEAD', 'WEAK')}
        if os.path.exists(report):
            verdicts = count_verdicts(report, verdicts)
        if verdicts['FAIL'] or verdicts['DEAD'] or verdicts['WEAK'] > 2:
            wrong.append('%s: %s' % (what, verdicts))
            wrong += [line for line in out.splitlines() if re.search(r'\b(FAIL|DEAD|WEAK)\b', line)][:40]
        wrong += talkers.stop()
        if not server.alive():
            wrong.append('no answer to OPTIONS afterwards')
        time.sleep(2)
        after = server.proc()
        print('# before %s, after %s, verdicts %s' % (before, after, verdicts))
        if after['rss'] > before['rss'] * 1.1 + 2048 and not sanitized():
            wrong.append('memory grew: %d KiB before, %d KiB after' % (before['rss'], after['rss']))
        if after['fds'] > before['fds']:
            wrong.append('descriptors grew: %d before, %d after' % (before['fds'], after['fds']))
    finally:
        wrong += server.stop()
    return wrong


def count_verdicts(path, default):
    with open(path) as f:
        rows = json.load(f)
    found = re.findall(r'"verdict": ?"([A-Z]+)"', json.dumps(rows))
    return {v: found.count(v) for v in default} if found else default


# One server for each transport: the runner sends the same branches again, and a server transaction is known by branch and
# sent-by alone (RFC 3261 17.2.3), so over TCP most would be retransmissions of what came over UDP.
for _transport in 'udp', 'tcp':
    case('torture-' + _transport, 'RFC 4475 and RFC 5118 over %s while two talk: no FAIL, no DEAD, at most two WEAK' % _transport.upper(),
         limit=400, alone=True)(lambda t=_transport: torture(['--retarget', '--transport', t], 'RFC 4475, RFC 5118'))


@case('torture-media', 'hostile SDP and RTP while two talk: no FAIL, no DEAD', limit=600, alone=True)
def torture_media():
    return torture(['--suite', 'sdp,rtp'], 'SDP, RTP')
