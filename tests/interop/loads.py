"""Cases of many calls, and of many API calls: nothing is left, nobody hears a gap."""
import json
import os
import subprocess
import sys
import time

from cases import QUICK, Talkers, case, has_setting
from phones import Missing
from server import BUILD, Server, sanitized


def load(server, *args):
    tool = os.path.join(BUILD, 'tutti-load')
    if not os.path.exists(tool):
        raise Missing('no ' + tool)
    p = subprocess.run([tool, '--json', '--pid', str(server.pid), *args, '%s:%d' % (server.host, server.port)],
                       capture_output=True, text=True, timeout=300)
    assert p.stdout, p.stderr
    return json.loads(p.stdout)


def settle(server, limits, seconds):
    """Waits until memory and descriptors are within limits; returns what they are then."""
    until = time.monotonic() + seconds
    while True:
        now = server.proc()
        if all(now[k] <= v for k, v in limits.items()) or time.monotonic() > until:
            return now
        time.sleep(0.5)


TIMER_J = 34                      # a transaction over UDP lives on for 64 * T1 (RFC 3261 17.2.2)


def up_and_down(options, rounds, bye, wait):
    """First ten rounds for what grows with the number of calls at a time and stays (pools, the heap's top). Ten, because the
    transactions of five rounds are alive together before the first of them end; then memory must return to what it was."""
    server = Server(dict({'sip.invite-rate': '0'} if has_setting('sip.invite-rate') else {}, **options))
    wrong = []
    try:
        n = 200 if QUICK else 500
        calls = ('-n', str(n), '-r', str(n // 10), '--cps', str(n // 2), '--hold', '1', '--talkers', '100')
        load(server, *calls, '--rounds', '10')
        time.sleep(TIMER_J)
        before = server.proc()
        got = load(server, *calls, '--rounds', str(rounds), *([] if bye else ['--no-bye']))
        after = settle(server, {'rss': before['rss'] * 1.05, 'fds': before['fds'], 'threads': before['threads']}, wait)
        print('# before %s after %s; %s' % (before, after, json.dumps({k: got[k] for k in ('answered', 'failed', 'codes', 'setup_ms')})))
        if got['failed'] or got['answered'] != n * rounds:
            wrong.append('%d calls answered, %d failed: %s' % (got['answered'], got['failed'], got['codes']))
        if got['bye_failed'] or got['rtp']['silent_calls']:
            wrong.append('%d BYEs without an answer, %d calls heard nothing' % (got['bye_failed'], got['rtp']['silent_calls']))
        for what in 'fds', 'threads':
            if after[what] > before[what]:
                wrong.append('%s: %d before, %d after' % (what, before[what], after[what]))
        if after['rss'] > before['rss'] * 1.05 and not sanitized():
            wrong.append('memory: %d KiB before, %d KiB after' % (before['rss'], after['rss']))
    finally:
        wrong += server.stop()
    return wrong


@case('calls-500', '500 calls up and down ten times: memory, threads and descriptors return', limit=400, alone='memory')
def calls_500():
    return up_and_down({}, 10, True, TIMER_J)


@case('calls-killed', '500 calls that vanish without BYE are ended by the RTP time-out: memory and descriptors return', limit=300, alone='memory')
def calls_killed():
    if not has_setting('media.rtp-timeout'):
        raise Missing('this server has no media.rtp-timeout')
    return up_and_down({'media.rtp-timeout': '5'}, 1, False, 50)


# ---- the API ----

@case('api-load', '10,000 API calls in a minute while 300 members talk: each is answered, and two who listen hear no gap', limit=240, alone=True)
def api_load():
    n, calls, seconds = (60, 2000, 12) if QUICK else (300, 10000, 60)
    tool = os.path.join(BUILD, 'tutti-load')
    if not os.path.exists(tool):
        raise Missing('no ' + tool)
    server, wrong, crowd = Server({'sip.invite-rate': '0'}), [], None
    try:
        crowd = subprocess.Popen([tool, '--json', '-n', str(n), '-r', str(n // 10), '--cps', '100', '--hold', str(seconds + n // 50 + 11),
                                  '--talkers', str(n), '%s:%d' % (server.host, server.port)], stdout=subprocess.PIPE, text=True)
        time.sleep(n / 100 + 3)
        talkers = Talkers(server)
        with open(os.path.join(server.dir, 'state', 'admin-token')) as f:
            token = f.read().strip()
        out = subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'apiload.py'), str(server.http_port),
                              token, str(calls), str(seconds), 'talkers'], capture_output=True, text=True, timeout=seconds + 60)
        assert out.stdout, out.stderr
        got = json.loads(out.stdout)
        print('# %s' % out.stdout.strip())
        wrong += talkers.stop()
        if got['statuses'] != {'200': calls}:
            wrong.append('answers: %s' % got['statuses'])
        if got['seconds'] > seconds * 1.1 and not sanitized():
            wrong.append('%d calls took %.1f s' % (calls, got['seconds']))
        load_said = json.loads(crowd.communicate(timeout=60)[0])
        if load_said['failed'] or load_said['answered'] != n:
            wrong.append('the crowd: %d calls answered, %d failed' % (load_said['answered'], load_said['failed']))
    finally:
        if crowd and crowd.poll() is None:
            crowd.kill()
            crowd.wait()
        wrong += server.stop()
    return wrong
