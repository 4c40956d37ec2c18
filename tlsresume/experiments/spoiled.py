"""Sessions that a broken connection of ours may have destroyed.

A stateful server drops a session from its cache when a connection that used it
ends badly: by a fatal alert, or because we gave up waiting; nginx does it, too, when it
refuses a request for want of a client certificate. That the same session is not accepted
afterwards is then our own doing, and no evidence.
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
        other.time <= ended
        and (
            (
                other.offer is not None
                and not other.handshake_done
                and other.offered is not None
                and handle_of(other.offer) == handle
            )
            or (_client_refused(other) and _touches(other, handle))
        )
        for other in journal
        if other is not attempt
    )


#: How nginx refuses a request for its client certificate, and then drops the session
#: (ngx_http_process_request).
_REFUSALS = frozenset({400, 495, 496})


def _client_refused(attempt: Attempt) -> bool:
    return attempt.certificate_requested and attempt.http_status in _REFUSALS


def _touches(attempt: Attempt, handle: bytes) -> bool:
    """Whether a connection offered the session, or brought it."""
    offered = (attempt.offer,) if attempt.offer is not None else ()
    return any(handle_of(session) == handle for session in (*offered, *attempt.sessions))
