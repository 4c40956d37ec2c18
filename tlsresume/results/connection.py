"""Parts of what one connection showed that evidence and reports share."""

from __future__ import annotations

from enum import Enum
from typing import Literal, Self

from tlsresume.error_queue import ErrorStack
from tlsresume.transports.failures import FailureReason
from tlsresume.value import Value

Mechanism = Literal["psk", "ticket", "session-id"]
MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")

Step = Literal["resolve", "connect", "proxy", "starttls", "session", "handshake", "data", "close"]

FailureKind = Literal[
    "resolve",  # the name has no address
    "no-route",  # this machine cannot reach such an address at all
    "refused",  # connection refused
    "timeout",  # nothing came within the time allowed
    "reset",  # the peer sent RST
    "closed",  # the peer sent FIN where an answer was due
    "alert",  # the peer sent a fatal alert
    "not-tls",  # the peer's bytes are not TLS
    "verify",  # the certificate was refused, as --verify demands
    "openssl",  # a call into OpenSSL failed on our side
    "unsupported",  # the server asks for what our library cannot do
    "proxy",  # the proxy refused or failed
    "starttls",  # the server refused or broke the plain-text prelude
    "injection",  # the server sent data in clear after the answer that starts TLS
    "local",  # this machine has no descriptor, local port or memory left
    "rate-limit",  # the server said, before TLS, that it has too many connections from us
    "network",  # any other error of the operating system
    "cancelled",  # we stopped it
]


class Side(Enum):
    """With whom a failure lies, as far as its kind tells."""

    OURS = "ours"
    """This machine, or we: it says nothing about the server."""
    NETWORK = "network"
    """The way there: no word of the server came."""
    PROXY = "proxy"
    SERVER = "server"
    """What the server, or who answers in its place, did or sent."""


SIDES: dict[FailureKind, Side] = {
    "local": Side.OURS,
    "cancelled": Side.OURS,
    "resolve": Side.NETWORK,
    "no-route": Side.NETWORK,
    "timeout": Side.NETWORK,
    "network": Side.NETWORK,
    "proxy": Side.PROXY,
    "refused": Side.SERVER,
    "reset": Side.SERVER,
    "closed": Side.SERVER,
    "alert": Side.SERVER,
    "not-tls": Side.SERVER,
    "verify": Side.SERVER,
    "openssl": Side.SERVER,
    "unsupported": Side.SERVER,
    "starttls": Side.SERVER,
    "injection": Side.SERVER,
    "rate-limit": Side.SERVER,
}


class Failure(Value, frozen=True):
    """Why an attempt ended early: where, what kind, in words, with OpenSSL's stack.

    `said` is the message without the address that it begins with, where it does; `reason`
    says more of failed handshakes, as far as something depends on it.
    """

    step: Step
    kind: FailureKind
    message: str
    hints: tuple[str, ...] = ()
    stack: ErrorStack | None = None
    reason: FailureReason | None = None
    said: str = ""

    @classmethod
    def at(
        cls,
        where: str,
        step: Step,
        kind: FailureKind,
        said: str,
        hints: tuple[str, ...] = (),
        *,
        stack: ErrorStack | None = None,
        reason: FailureReason | None = None,
    ) -> Self:
        """A failure whose message begins with the address."""
        return cls(step, kind, f"{where}: {said}", hints, stack, reason, said)

    @property
    def words(self) -> str:
        """The message where the address is said once for all."""
        return self.said or self.message

    @property
    def side(self) -> Side:
        """With whom it lies."""
        return SIDES[self.kind]

    @property
    def ours(self) -> bool:
        """Whether it lies with this machine or with us, and says nothing about the server."""
        return self.side is Side.OURS


class AlertSeen(Value, frozen=True):
    """One TLS alert (RFC 8446 section 6): who sent it, its level and description."""

    sender: Literal["client", "server"]
    level: int
    description: int
    name: str

    @property
    def fatal(self) -> bool:
        return self.level == 2


class Verification(Value, frozen=True):
    """OpenSSL's verdict on the certificate (X509_V_*; 0 is good).

    For a resumed connection this is the result stored in the session: nothing
    was verified, and `stored` is True.
    """

    code: int
    message: str
    stored: bool = False


class Timings(Value, frozen=True, kw_only=True):
    """Milliseconds spent in each step; None where the step did not end."""

    dns: float | None = None
    connect: float | None = None
    handshake: float | None = None
    first_ticket: float | None = None
    total: float | None = None


class Traffic(Value, frozen=True):
    """TLS bytes each way, and flights (runs of bytes in one direction) of the handshake."""

    sent: int = 0
    received: int = 0
    flights: int = 0
