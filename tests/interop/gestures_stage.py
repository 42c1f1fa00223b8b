"""What cases of gestures stand on: a server with its parties, and ways to wait for what must come."""
import time

from cases import has_setting
from gestpeer import Party, wait
from server import Server

ON = {'gesture.kinds': 'midi osc udp tcp tls'}    # plain OSC in calls is off unless it is configured


class Stage:
    """A server and its parties. What the parties find wrong with packets is told at the end."""

    def __init__(self, **options):
        need = dict(ON, **{k.replace('_', '.', 1).replace('_', '-'): v for k, v in options.items()})
        self.server = Server({k: v for k, v in need.items() if has_setting(k)}, tls=bool(options.get('tls')))
        self.parties, self.n = [], 0

    def party(self, name, *lines, room='band', call=True, ready=True, **more):
        """lines: kinds, or (kind, dict). An event that is played before a line is there is nobody's fault: ready waits."""
        self.n += 1
        p = Party(self.server.addr(), name, seed=self.n, **more)
        self.parties.append(p)
        for one in lines:
            kind, how = one if isinstance(one, tuple) else (one, {})
            p.line(kind, **how)
        if call:
            p.call(room)
            refused = [g.kind for g in p.gestures if not g.accepted]
            if refused and (not p.group or len(refused) == len(p.gestures)):
                raise AssertionError('%s: refused: %s\n%s' % (name, ', '.join(refused), p.answer_sdp.decode()))
            if ready and not wait(p.ready):
                raise AssertionError('%s: a line is agreed on, and nothing comes' % name)
        return p

    def end(self):
        wrong = []
        for p in self.parties:
            if not p.ended.is_set():
                p.bye()
            wrong += p.complaints()
        return wrong


def on_stage(play, **options):
    stage = Stage(**options)
    wrong = []
    try:
        wrong += play(stage) or []
        wrong += stage.end()
    finally:
        for p in stage.parties:
            if not p.ended.is_set():
                p.close()
        wrong += stage.server.stop()
    return wrong


def said(wrong, true, what, seconds=5.0):
    """Waits for it; what is wrong, when it does not come."""
    if not wait(true, seconds):
        wrong.append(what() if callable(what) else what)
        return False
    return True


def hears(wrong, ear, address, args, source=None):
    """One event, once, unchanged."""
    def got():
        return [g for g in ear.messages(address)]
    said(wrong, got, lambda: '%s does not hear %s; it heard %s' % (ear.name, address,
                                                                   [g.message.address for g in ear.messages()][-20:]))
    time.sleep(0.05)
    if len(got()) > 1 or got() and got()[0].message.args != args:
        wrong.append('%s heard %s as %s' % (ear.name, address, got()))
    if source is not None and got():
        said(wrong, lambda: ear.osc.name_of(got()[0].source) == source,
             lambda: '%s heard %s of %s' % (ear.name, address, ear.osc.names))
