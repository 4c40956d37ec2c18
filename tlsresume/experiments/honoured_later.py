"""Is a session accepted a while after its issue that was refused when it was fresh?

Servers that store sessions asynchronously, or replicate them to other nodes, honour them
some time after the handshake only.
"""

from __future__ import annotations

from tlsresume.evidence.purposes import Later
from tlsresume.experiments.subject import MechanismSetup

#: Seconds between the handshake and the later offer.
PAUSE = 2.5

_PAIRS = 2

#: A pair is a handshake and two offers of its session, at once and later.
COST = 3 * _PAIRS


async def later(setup: MechanismSetup) -> None:
    """Sessions offered at once, and again after a pause that they all share."""
    kept = []
    for _ in range(_PAIRS):
        attempt, session = await setup.full(Later.FULL)
        if session is None:
            break
        at_once = await setup.offer(Later.AT_ONCE, session)
        own = [s for s in attempt.sessions if s.mechanism == setup.mechanism]
        # What was refused may be gone with it: another ticket of the same handshake is not.
        kept.append(own[0] if at_once.offered and len(own) > 1 else session)
    if kept:
        await setup.lab.wait(PAUSE)
    for session in kept:
        await setup.offer(Later.LATER, session)
