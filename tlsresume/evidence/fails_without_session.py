"""Connections that fail with and without a session: they are not evidence about the session.

A limit on connections, a ban or a bad path strikes offers and others alike. So an
offer that ends without an answer counts against the session only where connections
without one do not end so.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from tlsresume.evidence.purposes import Control
from tlsresume.evidence.trial import Trial
from tlsresume.results.connection import FailureKind

#: What is less likely than this by chance is not laid to it.
_LUCK = 0.05

_WORDLESS: frozenset[FailureKind] = frozenset({"closed", "reset", "timeout", "refused"})


def unanswered(attempt: Trial) -> bool:
    """Whether a connection ended, or was silent, before the server said a word of TLS."""
    return (
        not attempt.handshake_done
        and attempt.error is not None
        and attempt.error.kind in _WORDLESS
        and not attempt.server_hello_seen
        and not any(alert.sender == "server" for alert in attempt.alerts)
    )


def limited(attempt: Trial) -> bool:
    """Whether the server said that it limits connections: that explains itself."""
    return attempt.error is not None and attempt.error.kind == "rate-limit"


def bare(attempt: Trial) -> bool:
    """Whether no session was offered, be it that the connection broke before that."""
    return attempt.offered is None and not attempt.purpose.other_config


def hopeless(attempts: Iterable[Trial]) -> bool:
    """Whether, since the first try that broke, the handshake fails without a session, too, and
    no try resumed: in a pool of unlike nodes a control may meet the wrong one by luck."""
    seen = list(attempts)
    broken = [attempt.time for attempt in seen if _broken_offer(attempt)]
    later = [a for a in seen if broken and a.time >= broken[0]]
    without = [a for a in later if _without(a)]
    worked = any(a.handshake_done for a in without) or any(a.resumed for a in later)
    return bool(without) and not worked


def breaks_anyway(attempts: Iterable[Trial]) -> bool:
    """Whether connections of one mechanism to one address, some of which work, end
    unanswered with a session and without one."""
    seen = list(attempts)
    if not any(_broken_offer(attempt) and unanswered(attempt) for attempt in seen):
        return False
    if not any(_without(attempt) and attempt.handshake_done for attempt in seen):
        return False
    if any(unanswered(attempt) and bare(attempt) for attempt in seen):
        return True
    return any(map(_accepted_after_all, seen)) and _may_be_luck(seen)


def breaks_on_both_sides(attempts: Iterable[Trial]) -> bool:
    """Whether handshakes without a session fail, too, and not only those that offer one."""
    return any(bare(attempt) and not attempt.handshake_done for attempt in attempts)


def _may_be_luck(attempts: list[Trial]) -> bool:
    """Whether breaks that come at random may well have met offers only."""
    offers = sum(a.offered is not None for a in attempts if not a.purpose.other_config)
    broken = sum(_broken_offer(a) and unanswered(a) for a in attempts)
    without = sum(bare(attempt) for attempt in attempts)
    return comb(offers, broken) >= _LUCK * comb(offers + without, broken)


def blameless(attempts: Iterable[Trial]) -> tuple[Trial, ...]:
    """The broken tries that are no answer to the session which they offered."""
    seen = list(attempts)
    broken = tuple(attempt for attempt in seen if _broken_offer(attempt))
    if not broken:
        return ()
    if hopeless(seen):
        return broken
    return tuple(filter(unanswered, broken)) if breaks_anyway(seen) else ()


def _without(attempt: Trial) -> bool:
    return attempt.offer is None and bare(attempt)


def _accepted_after_all(attempt: Trial) -> bool:
    """Whether a control that offers a session, like the tries that broke, was answered."""
    return attempt.made_for(Control) and attempt.offered is not None and attempt.handshake_done


def _broken_offer(attempt: Trial) -> bool:
    return attempt.offered is not None and not attempt.handshake_done and not limited(attempt)
