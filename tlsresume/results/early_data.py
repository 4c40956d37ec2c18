"""What a report says of early data (0-RTT) on one address: `probe --replay-early-data`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What became of early data: it was taken; the session was resumed without it; the session
#: was declined with it; the connection failed.
EarlyOutcome = Literal["accepted", "rejected", "full-handshake", "failed"]

#: Why early data was rejected.
EarlyReason = Literal[
    "hello-retry",  # the server asked for another key share first (RFC 8446 section 4.2.10)
    "session-declined",  # a full handshake: the session was not resumed at all
    "server-choice",  # the session was resumed; why without early data only the server knows
    "replay-refused",  # only early data that was presented before was rejected
    "stale",  # only early data that was held back for a while was rejected
]


#: What became of a method that may change something, in early data: it was answered as after a
#: handshake; it got a 425; the early data or the request was refused.
UnsafeMethod = Literal["passed", "too-early", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyAfter:
    """What became of a first flight that was presented again after a pause, in seconds."""

    seconds: float
    result: EarlyOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyRequest:
    """One marked request, for comparing with the server's log.

    `sent_at` is UTC, ISO 8601; `presentations` counts how often its bytes were sent, in early
    data or after a handshake; `answers` are the HTTP statuses that could be read. A copy on a
    plain socket is a presentation whose answer cannot be read.
    """

    id: str
    sent_at: str
    presentations: int
    answers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyData:
    """Early data on one address. None in a field: not tried, or it could not be told.

    `max` is what tickets allow, in bytes. `accepted`: taken on a fresh session. Then what
    became of it a second time: `same_ticket` in a new ClientHello, which only the client itself
    can make; `exact_copy` in the same bytes, accepted where one of the `exact_copies` was;
    `other_address` in the same bytes first presented to another address, `after` in the same
    bytes after a pause. `answered_before_finished`: whether the request was answered
    while our Finished was held back. `status` is the HTTP status of the answer. `group` is
    the one that a HelloRetryRequest asked for. `unsafe_method` says what became of a method
    that may change something. `method` is the one that was sent, `log_pattern` a regular
    expression that matches all requests of this address in a log.
    """

    max: int
    accepted: bool | None = None
    same_ticket: EarlyOutcome | None = None
    exact_copy: EarlyOutcome | None = None
    exact_copies: tuple[EarlyOutcome, ...] = ()
    other_address: EarlyOutcome | None = None
    after: tuple[EarlyAfter, ...] = ()
    answered_before_finished: bool | None = None
    status: int | None = None
    reason: EarlyReason | None = None
    group: str | None = None
    unsafe_method: UnsafeMethod | None = None
    method: str | None = None
    log_pattern: str | None = None
    requests: tuple[EarlyRequest, ...] = ()

    @property
    def replays(self) -> tuple[EarlyOutcome, ...]:
        """What became of everything that was sent as an attacker would: the same bytes again."""
        later = (each.result for each in self.after)
        told = (outcome for outcome in (self.other_address, *later) if outcome is not None)
        return (*self.exact_copies, *told)
