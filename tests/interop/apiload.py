#!/usr/bin/env python3
"""apiload.py PORT TOKEN CALLS SECONDS ROOM: API calls at an even pace, half of them changing something; a line of JSON at the end."""
import http.client
import json
import sys
import threading
import time

port, token, calls, seconds, room = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
HEADERS = {'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json'}
LANES = 4
statuses, times, lock = {}, [], threading.Lock()


def ask(method, path, body=None):
    began = time.monotonic()
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
    try:
        c.request(method, path, json.dumps(body) if body is not None else None, HEADERS)
        r = c.getresponse()
        text = r.read()
        status = r.status
    except OSError as e:
        status, text = repr(e), b''
    finally:
        c.close()
    with lock:
        statuses[status] = statuses.get(status, 0) + 1
        times.append(time.monotonic() - began)
    return text


def lane(first, members, start):
    base = '/api/v1/rooms/' + room
    for i in range(first, calls, LANES):
        time.sleep(max(0, start + seconds * i / calls - time.monotonic()))
        member = members[i % len(members)]
        kind = i % 10
        if kind < 3:
            ask('GET', '/api/v1/rooms')
        elif kind < 5:
            ask('GET', base)
        elif kind < 7:
            ask('POST', '%s/members/%d/hand' % (base, member), {'on': i % 20 < 10})
        elif kind < 9:
            ask('POST', '%s/members/%d/pan' % (base, member), {'pan': (i % 21 - 10) / 10})
        else:
            ask('POST', base + '/lock', {'on': i % 20 < 10})


members = [m['id'] for m in json.loads(ask('GET', '/api/v1/rooms/' + room))['members']]
statuses.clear()
times.clear()
start = time.monotonic()
threads = [threading.Thread(target=lane, args=(n, members, start)) for n in range(LANES)]
for t in threads:
    t.start()
for t in threads:
    t.join()
times.sort()
print(json.dumps({'calls': len(times), 'seconds': round(time.monotonic() - start, 1), 'statuses': {str(k): v for k, v in statuses.items()},
                  'median_ms': round(times[len(times) // 2] * 1000, 1), 'p99_ms': round(times[len(times) * 99 // 100] * 1000, 1)}))
