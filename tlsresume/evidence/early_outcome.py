"""What became of early data on one connection; for the experiment and for the rules."""

from __future__ import annotations

from typing import Literal

from tlsresume.evidence.trial import Trial
from tlsresume.results.early_data import EarlyOutcome

#: Why a copy over QUIC tells nothing of early data.
Untold = Literal["retry", "silent"]

UNTOLD: dict[Untold, str] = {
    "retry": "the server sends a Retry, which proves our address, before it reads a first flight",
    "silent": "the server said nothing to it: over QUIC it may take a copy for packets of the"
    " connection that the first presentation made",
}

#: RFC 8470 section 5.2: Too Early.
TOO_EARLY = 425


def outcome(attempt: Trial) -> EarlyOutcome | None:
    """None where no early data was sent, or no connection came about: that tells nothing."""
    if attempt.early_data == "not-sent" or (attempt.error is not None and attempt.error.ours):
        return None
    if not attempt.handshake_done or failed_later(attempt):
        return "failed"
    if not attempt.resumed:
        return "full-handshake"
    return "accepted" if accepted(attempt) else "rejected"


def accepted(attempt: Trial) -> bool:
    """Whether early data was taken, whatever came of the connection."""
    return attempt.early_data == "accepted"


def failed_later(attempt: Trial) -> bool:
    """Whether the connection broke after our handshake was done, and no answer says why."""
    return attempt.error is not None and attempt.error.kind not in ("timeout", "closed")


def unanswered(attempt: Trial) -> bool:
    """Whether early data was taken and nothing came back."""
    return outcome(attempt) == "accepted" and not attempt.response


def untold(attempt: Trial) -> Untold | None:
    """Why a first flight that was presented over QUIC, once or again, tells nothing; None where
    it tells something."""
    if attempt.transport != "quic" or (attempt.error is not None and attempt.error.ours):
        return None
    if attempt.datagrams is not None and attempt.datagrams.retries:
        return "retry"
    return None if attempt.traffic.received else "silent"
