"""Sessions that a broken connection of ours may have destroyed.

A stateful server drops a session from its cache when a connection that used it
ends badly: by a fatal alert, or because we gave up waiting. That the same
session is not accepted afterwards is then our own doing, and no evidence.
"""

from __future__ import annotations

from collections.abc import Iterable

from tlsresume.results import Attempt
from tlsresume.session.session import Session
from tlsresume.session.ticket import is_stateful


def handle_of(session: Session) -> bytes | None:
    """What names a session in the server's cache; None where the session is no entry of one."""
    fields = session.fields
    if session.mechanism == "session-id":
        return fields.session_id
    if session.mechanism == "psk" and fields.ticket and is_stateful(fields.ticket):
        return fields.ticket
    return None


def is_spoiled(attempt: Attempt, journal: Iterable[Attempt]) -> bool:
    """Whether an attempt's full handshake tells nothing, as its session may have been lost
    with another connection that broke before this one ended."""
    if attempt.offer is None or not attempt.handshake_done or attempt.reused:
        return False
    handle = handle_of(attempt.offer)
    if handle is None:
        return False
    ended = attempt.time + (attempt.timings.total or 0.0) / 1000
    return any(
        other.offer is not None
        and not other.handshake_done
        and other.offered is not None
        and other.time <= ended
        and handle_of(other.offer) == handle
        for other in journal
    )
