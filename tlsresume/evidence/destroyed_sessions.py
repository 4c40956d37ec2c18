"""Sessions that a broken connection of ours may have destroyed.

A stateful server drops a session from its cache when a connection that used it
ends badly: by a fatal alert, or because we gave up waiting; nginx does it, too, when it
refuses a request for want of a client certificate. That the same session is not accepted
afterwards is then our own doing, and no evidence.
"""

from __future__ import annotations

from tlsresume.evidence.offer import entry_of
from tlsresume.evidence.trial import Trial


class DestroyedSessions:
    """Which full handshakes tell nothing, since another connection may have lost the session.

    Of each session the two earliest spoilers and the two latest full handshakes are kept: more
    are not needed to find a pair of two different connections.
    """

    def __init__(self) -> None:
        self._spoilers: dict[bytes, list[Trial]] = {}
        self._fulls: dict[bytes, list[Trial]] = {}

    def add(self, attempt: Trial) -> None:
        """Take in one more attempt."""
        offered = attempt.offer.cache_entry if attempt.offer is not None else None
        lost = set()
        if offered is not None and not attempt.handshake_done and attempt.offered is not None:
            lost.add(offered)
        if _client_refused(attempt):
            brought = (entry_of(session) for session in attempt.sessions)
            lost.update(handle for handle in (offered, *brought) if handle is not None)
        for handle in lost:
            known = self._spoilers.setdefault(handle, [])
            known.append(attempt)
            known.sort(key=lambda each: each.time)
            del known[2:]
        if offered is not None and _full_with_offer(attempt):
            fulls = self._fulls.setdefault(offered, [])
            fulls.append(attempt)
            fulls.sort(key=_ended, reverse=True)
            del fulls[2:]

    def spoils(self, attempt: Trial) -> bool:
        """Whether an attempt's full handshake tells nothing, as its session may have been lost
        with another connection that broke before this one ended."""
        if attempt.offer is None or not _full_with_offer(attempt):
            return False
        handle = attempt.offer.cache_entry
        return handle is not None and any(
            not _same(other, attempt) and other.time <= _ended(attempt)
            for other in self._spoilers.get(handle, ())
        )

    def maybe_lost(self, handle: bytes) -> bool:
        """Whether a full handshake with this session was seen that tells nothing."""
        return any(map(self.spoils, self._fulls.get(handle, ())))


def _same(one: Trial, other: Trial) -> bool:
    """Whether both are one connection, of which one may know no end yet."""
    return one is other or (one.n, one.ask, one.time) == (other.n, other.ask, other.time)


def _full_with_offer(attempt: Trial) -> bool:
    return attempt.offer is not None and attempt.handshake_done and not attempt.resumed


def _ended(attempt: Trial) -> float:
    """When a connection was over, in seconds since 1970."""
    return attempt.time + (attempt.timings.total or 0.0) / 1000


#: How nginx refuses a request for its client certificate, and then drops the session
#: (ngx_http_process_request).
_REFUSALS = frozenset({400, 495, 496})


def _client_refused(attempt: Trial) -> bool:
    return attempt.certificate_requested and attempt.http_status in _REFUSALS
