"""Why a connection failed, in the same words whatever library made it.

A transport translates its library's numbers into these (`transports/openssl/reasons.py`); the library's own
words and error stack go along for printing only.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from tlsresume.error_queue import ErrorStack
from tlsresume.value import Value


class FailureReason(Enum):
    """What went wrong in a handshake, whatever library says so."""

    BAD_RECORD_MAC = "bad-record-mac"
    """One side could not decrypt what the other sent, or its Finished is wrong."""
    EMS_MISMATCH = "ems-mismatch"
    """Resumed with another extended master secret setting than the session's."""
    WRONG_VERSION = "wrong-version"
    """A record of a version that is not the negotiated one."""
    VERSION_NOT_ALLOWED = "version-not-allowed"
    """The peer chose a version that this side does not allow."""
    WEAK_KEY = "weak-key"
    """The peer's keys or signatures are weaker than the security level allows."""
    CERTIFICATE_REFUSED = "certificate-refused"
    """The peer's certificate did not verify."""
    UNEXPECTED_EOF = "unexpected-eof"
    """The peer closed the connection without close_notify."""


class Broken(Value, frozen=True):
    """Why a connection broke: what kind of failure, in words, the library's stack, what helps.

    `alert` is the number of the server's alert, where it sent one; `reason` is there where it is
    one that something depends on. `step` says what failed: None stands for the handshake until it
    is done, and for the data after it.
    """

    kind: Literal["alert", "closed", "not-tls", "rate-limit", "verify", "openssl", "unsupported"]
    message: str
    stack: ErrorStack | None = None
    alert: int | None = None
    hints: tuple[str, ...] = ()
    reason: FailureReason | None = None
    step: Literal["session", "handshake", "data"] | None = None
