#!/usr/bin/env python3
"""The filter's regular expression against lines as control/log.c writes them: check-fail2ban.py FILTER"""
import configparser
import re
import sys

# fail2ban cuts a time stamp off the line before it matches; what is left of ours begins with a blank or nothing.
HOST = r"(?:::f{4,6}:)?(?P<host>\[?[0-9A-Fa-f:.]+\]?|[\w\-.^_]*\w)"
PREFIX = r"\s*(?:\S+ )?tutti(?:\[\d+\])?:?\s+"

BAN = [
    (' warning security action=auth-failed method=INVITE user="ann" from=192.0.2.1 port=5060 transport=udp', "192.0.2.1"),
    ('security action=rate method=REGISTER user="" from=2001:db8::7 port=40000 transport=tls', "2001:db8::7"),
    ('<4>security action=rate method=INVITE user="a b" from=192.0.2.2 port=1 transport=tcp', "192.0.2.2"),
    ('host tutti[77]: security action=refused method=REFER user="x" from=192.0.2.3 port=5 transport=udp', "192.0.2.3"),
    (r'security action=auth-failed method=INVITE user="a\"b\\" from=192.0.2.4 port=5 transport=udp', "192.0.2.4"),
    # A user name that pretends to be the end of the line: the address that counts is the last one.
    (r'security action=a method=INVITE user="x\" from=198.51.100.9 port=1 transport=udp" from=192.0.2.5 port=5 transport=udp',
     "192.0.2.5"),
    ('security action=a method=INVITE user="x from=198.51.100.9 port=1 transport=udp" from=192.0.2.6 port=5 transport=udp',
     "192.0.2.6"),
]
PASS = [
    "info call.answered room=band from=sip:ann@192.0.2.1",
    'info call.refused text="security action=a method=INVITE user=\\"x\\" from=198.51.100.9 port=1 transport=udp"',
    'warning security action=a method=INVITE user="x" from=192.0.2.1 port=5 transport=udp trailing',
    'warning security action=a method=INVITE user="x" port=5 transport=udp',
]


def main():
    parser = configparser.RawConfigParser()
    parser.read(sys.argv[1])
    regex = parser["Definition"]["failregex"].replace("%(__prefix_line)s", PREFIX).replace("<HOST>", HOST)
    compiled = re.compile(regex)
    bad = 0
    for line, host in BAN:
        found = compiled.search(line.lstrip())
        if not found or found["host"] != host:
            print("should ban", host, "got", found and found["host"], "for:", line)
            bad += 1
    for line in PASS:
        if compiled.search(line.lstrip()):
            print("should not match:", line)
            bad += 1
    print("check-fail2ban:", len(BAN) + len(PASS) - bad, "lines right,", bad, "wrong")
    return bad != 0


sys.exit(main())
