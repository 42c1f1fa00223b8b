"""Cases of gestures: parties in Python (gestpeer.py), and OSC and MIDI between them."""
import os

import gestself
import rtcpwire
from cases import case
from gestpeer import VECTORS
from phones import Missing


# ---- the judge judged ----

@case('gesture-peer', 'the gesture party itself: its senders and receivers on links that lose 30 %, its SRTP against RFC 3711', limit=90)
def gesture_peer():
    return rtcpwire.selftest() + gestself.links()


@case('gesture-vectors', 'the gesture party reads and writes the vectors of OSC, streams, the payload osc and RTP MIDI as they say')
def gesture_vectors():
    if not os.path.isdir(VECTORS):
        raise Missing('no gesture vectors at %s (TUTTI_VECTORS names their folder)' % VECTORS)
    return gestself.vectors_all(VECTORS)
