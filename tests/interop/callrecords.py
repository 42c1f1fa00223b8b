"""Cases of what outlives the process: the records of calls."""
import shutil
import sqlite3
import time

import pyphone
from cases import case
from server import Server


def records(server):
    """The records of calls, oldest first, read from the file beside the server."""
    db = sqlite3.connect('file:%s/state/tutti.db?mode=ro' % server.dir, uri=True, timeout=5)
    try:
        db.row_factory = sqlite3.Row
        return [dict(r) for r in db.execute('SELECT * FROM calls ORDER BY id')]
    finally:
        db.close()


def wait_records(server, n, seconds=5):
    until = time.monotonic() + seconds
    while len(records(server)) < n and time.monotonic() < until:
        time.sleep(0.05)
    return records(server)


def record_wrong(what, row, **want):
    return ['%s: %s is %r, not %r' % (what, k, row[k], v) for k, v in want.items() if row[k] != v]


def refused_call(server):
    p = pyphone.Phone(server.addr(), 'refused')
    try:
        p.call('no%2Fsuch')
        return ['a call to no room is answered']
    except pyphone.CallFailed:
        return []
    finally:
        p.close()


def short_calls(server, n):
    for i in range(n):
        p = pyphone.Phone(server.addr(), 'short%d' % i)
        p.call('band')
        until = time.monotonic() + 10
        while len(p.packets) < 10 and time.monotonic() < until:
            time.sleep(0.05)
        p.bye()
        p.close()


@case('call-records', 'a record of each call: of a room, the echo, one refused; SIGKILL loses none that was over, and tells the one that ran')
def call_records():
    server = Server()
    stays = pyphone.Phone(server.addr(), 'stays')
    echo = pyphone.Phone(server.addr(), 'echo')
    wrong = []
    try:
        stays.call('band')
        short_calls(server, 5)
        wrong += refused_call(server)
        echo.call('echo')
        echo.bye()
        rows = wait_records(server, 7)
        server.process.kill()
        server.process.wait()
        after = Server({'state.dir': server.dir + '/state'})
        try:
            again = records(server)
        finally:
            wrong += after.stop()
    finally:
        stays.close()
        echo.close()
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    if len(rows) != 7 or again[:7] != rows or len(again) != 8:
        return wrong + ['rows before: %r' % rows, 'rows after: %r' % again]
    for i, r in enumerate(rows[:5]):
        wrong += record_wrong('a short call', r, from_name='short%d' % i, room='band', role='speaker', status=200, outgoing=0, codec='PCMU')
        if not r['start_ms'] <= r['answer_ms'] < r['end_ms'] or not r['tx_packets'] or not r['rx_packets']:
            wrong.append('a short call: %r' % r)
    wrong += record_wrong('refused', rows[5], status=404, answer_ms=0, room='')
    wrong += record_wrong('echo', rows[6], status=200, room='', role='')
    wrong += record_wrong('killed', again[7], status=200, room='band', role='speaker', why='killed')
    if not wrong:
        server.log.close()
        server.slot.file.close()
        shutil.rmtree(server.dir, ignore_errors=True)
    return wrong
