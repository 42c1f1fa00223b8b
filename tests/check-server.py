#!/usr/bin/env python3
"""The life of a server as its administrator sees it: first start, reload, drain, second start.

check-server.py BUILD-FOLDER. One line for each thing looked at; exit status 1 when one is not so.
"""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

bad = 0
started = []                    # ended at the end, however that comes


def check(what, ok, detail=""):
    global bad
    print("%s - server: %s%s" % ("ok" if ok else "not ok", what, "" if ok else "  [%s]" % detail))
    bad += not ok


class Server:
    """tutti on loopback ports of its own, with a socket where systemd would listen."""

    def __init__(self, build, folder, config=""):
        self.conf = os.path.join(folder, "tutti.conf")
        self.log = os.path.join(folder, "log")
        self.write(config)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = os.path.join(folder, "notify")
        if os.path.exists(name):
            os.unlink(name)
        self.notify.bind(name)
        self.notify.settimeout(10)
        self.port = free_port()
        env = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="6000000")
        for k in ("JOURNAL_STREAM", "STATE_DIRECTORY", "WATCHDOG_PID"):
            env.pop(k, None)
        listen = " ".join("%s:127.0.0.1:%d" % (t, self.port + (t == "tls")) for t in ("udp", "tcp", "tls"))
        self.begin = time.monotonic()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [os.path.join(build, "tutti"), "-f", self.conf, "-o", "sip.listen=" + listen, "-o", "http.listen=",
                 "-o", "state.dir=" + os.path.join(folder, "state")], stdout=log, stderr=log, env=env)
        started.append(self.process)

    def write(self, config):
        with open(self.conf, "w") as f:
            f.write(config)
        os.chmod(self.conf, 0o600)

    def told(self, word):
        """Waits for a line like READY=1 to systemd; what else comes meanwhile is passed over."""
        try:
            while True:
                if word in self.notify.recv(4096).decode().split("\n")[0]:
                    return True
        except socket.timeout:
            return False

    def said(self, pattern, seconds=5):
        end = time.monotonic() + seconds
        while True:
            with open(self.log) as f:
                text = f.read()
            if re.search(pattern, text):
                return text
            if time.monotonic() > end:
                return ""
            time.sleep(0.05)

    def text(self):
        with open(self.log) as f:
            return f.read()

    def signal(self, sig):
        self.process.send_signal(sig)

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "still running after %s s" % seconds


def free_port():
    while True:
        port = random.randrange(21000, 31000, 2)
        try:
            for p in (port, port + 1):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(("127.0.0.1", p))
            return port
        except OSError:
            continue


def options(port):
    """The status line of the answer to OPTIONS, or nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.connect(("127.0.0.1", port))
        branch = "z9hG4bK%08x" % random.getrandbits(32)
        s.send(("OPTIONS sip:127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;rport;branch=%s\r\nMax-Forwards: 70\r\n"
                "From: <sip:check@127.0.0.1>;tag=c\r\nTo: <sip:127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
                "Content-Length: 0\r\n\r\n" % (port, s.getsockname()[1], branch, branch)).encode())
        try:
            return s.recv(4096).decode().split("\r\n")[0]
        except OSError as e:
            return str(e)


def first_start(build, folder):
    s = Server(build, folder, "[rooms]\nmax = 7\n")
    check("READY=1 to systemd", s.told("READY=1"), s.text())
    took = time.monotonic() - s.begin
    check("is ready within a second (%.2f s)" % took, took < (1 if "asan" not in build else 5), took)
    status = options(s.port)
    check("answers OPTIONS 200", status.startswith("SIP/2.0 200"), status)
    check("WATCHDOG=1 to systemd", s.told("WATCHDOG=1"))
    token_file = os.path.join(folder, "state", "admin-token")
    token = open(token_file).read().strip() if os.path.exists(token_file) else "none"
    check("prints the token and an address to dial", token in s.text() and "sip:ROOM@127.0.0.1" in s.text(), s.text())

    s.write("[rooms]\nmax = 8\n[auth]\nrealm = other\n")
    s.signal(signal.SIGHUP)
    check("RELOADING=1 to systemd", s.told("RELOADING=1"))
    check("reload names what needs a restart", s.said(r"needs-restart setting=\"?auth.realm"), s.text())
    check("reload is done", s.said("config.reloaded"), s.text())
    s.write("[rooms]\nmaxx = 8\n")
    s.signal(signal.SIGHUP)
    check("reload refuses a mistake and names its line", s.said(r"config.refused.*tutti.conf:2: unknown setting"), s.text())
    status = options(s.port)
    check("answers after reloads", status.startswith("SIP/2.0 200"), status)

    s.signal(signal.SIGTERM)
    status = s.wait(5)
    check("SIGTERM without calls ends at once with status 0", status == 0, "%s %s" % (status, s.text()))
    check("STOPPING=1 to systemd", s.told("STOPPING=1"))
    return token


def second_start(build, folder, token):
    s = Server(build, folder)
    check("starts a second time", s.told("READY=1"), s.text())
    check("prints no token the second time", token not in s.text(), s.text())
    s.signal(signal.SIGINT)
    status = s.wait(5)
    check("SIGINT ends it with status 0", status == 0, status)


def wrong_start(build, folder):
    s = Server(build, folder, "[sip]\nlisen = x\n")
    status = s.wait(5)
    check("a wrong file: status 1 and the line", status == 1 and "tutti.conf:2: unknown setting sip.lisen" in s.text(), s.text())


def start_beside(build, a, state):
    b = subprocess.Popen([os.path.join(build, "tutti"), "-o", "sip.listen=udp:127.0.0.1:%d" % a.port, "-o", "http.listen=",
                          "-o", "state.dir=" + state], stderr=subprocess.PIPE, text=True)
    started.append(b)
    try:
        return b.wait(5), b.stderr.read()
    except subprocess.TimeoutExpired:
        return None, "it goes on"


def busy_port(build, folder):
    a = Server(build, folder)
    check("first of two is ready", a.told("READY=1"), a.text())
    status, said = start_beside(build, a, os.path.join(folder, "other"))
    check("a port that is taken: status 1 and says so", status == 1 and "sip.listen" in said, said)
    status, said = start_beside(build, a, os.path.join(folder, "state"))
    check("a state folder that is taken: status 1 and says so", status == 1 and "another server has it open" in said, said)
    a.signal(signal.SIGTERM)
    check("and the first ends well", a.wait(5) == 0)


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
    try:
        with tempfile.TemporaryDirectory(prefix="tutti-") as folder:
            token = first_start(build, folder)
            second_start(build, folder, token)
            wrong_start(build, folder)
            busy_port(build, folder)
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
    return bad != 0


sys.exit(main())
