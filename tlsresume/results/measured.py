"""What a report says of an address: numbers and words, counted from attempts."""

from __future__ import annotations

import math
from typing import Literal

from tlsresume.error_queue import ErrorStack
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import Mechanism
from tlsresume.results.early_data import EarlyData
from tlsresume.results.places import named_place
from tlsresume.tickets.looks_like import LooksLike
from tlsresume.value import Value

Severity = Literal["info", "warning", "error"]
State = Literal["resumed", "partly", "not-resumed", "not-issued", "untested"]
Verdict = Literal["resumes", "partly", "does-not-resume", "untested"]


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson score interval for a rate (Wilson 1927); (0, 1) without trials."""
    if trials == 0:
        return (0.0, 1.0)
    z = 1.959963984540054
    p = successes / trials
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    return (max(0.0, centre - half), min(1.0, centre + half))


class Series(Value, frozen=True, kw_only=True):
    """How often a mechanism's session was offered and accepted, in one series of tries.

    `order` has a letter per try, in the order of their start: R reused, N new, E the
    connection broke after the session was offered, C it broke before, `-` OpenSSL did not
    offer it, U it was offered and had no answer when we ended the run. `failed` counts E and C.
    `rate` is accepted / offered, without U; None without answers.
    """

    offered: int
    accepted: int
    failed: int = 0
    order: str = ""
    rate: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def count(cls, order: str) -> Series:
        offered = sum(order.count(letter) for letter in "RNEU")
        answered = offered - order.count("U")
        accepted = order.count("R")
        return cls(
            offered=offered,
            accepted=accepted,
            failed=order.count("E") + order.count("C"),
            order=order,
            rate=accepted / answered if answered else None,
            interval=wilson_interval(accepted, answered),
        )


class KeyName(Value, frozen=True):
    """A ticket key name (hex) and on how many connections it was seen."""

    key_name: str
    connections: int


class TicketSummary(Value, frozen=True, kw_only=True):
    """What a server's tickets look like. `count` per full handshake, `length` in bytes,
    `lifetime` in seconds (0 in TLS 1.2: not stated); `key_name` None: not visible. `looks_like`
    names layouts, the likeliest first; none: the ticket is opaque."""

    count: int
    length: int
    lifetime: int
    key_name: str | None
    stateful: bool
    max_early_data: int
    key_names: tuple[KeyName, ...] = ()
    after_data: bool = False
    looks_like: tuple[LooksLike, ...] = ()


class TimingSummary(Value, frozen=True):
    """Median TLS handshake time in milliseconds, full and resumed. Where a server serves one
    connection at a time, what they waited for other connections of ours is left out."""

    full_ms: float | None = None
    resumed_ms: float | None = None


class BytesSummary(Value, frozen=True):
    """Median TLS bytes of a whole connection, full and resumed, each way."""

    full_sent: int | None = None
    full_received: int | None = None
    resumed_sent: int | None = None
    resumed_received: int | None = None


class AnswerCount(Value, frozen=True, kw_only=True):
    """On how many connections a request was answered so. `answer` is "HTTP 200", the code or
    word of another protocol's reply ("221", "-ERR"), "data" for what is none, or "none"."""

    answer: str
    connections: int
    http_status: int | None = None


class AnswersSummary(Value, frozen=True, kw_only=True):
    """How the same request was answered on full and on resumed connections."""

    full: tuple[AnswerCount, ...] = ()
    resumed: tuple[AnswerCount, ...] = ()


class MechanismResult(Value, frozen=True, kw_only=True):
    """One mechanism on one address. `tries_asked`: how many tries each series was to have;
    0 where that is not known."""

    mechanism: Mechanism
    tls_version: str
    state: State
    judged: bool
    reason: str | None = None
    fixed: Series = Series(offered=0, accepted=0)
    chained: Series = Series(offered=0, accepted=0)
    tickets: TicketSummary | None = None
    timing: TimingSummary = TimingSummary()
    bytes: BytesSummary = BytesSummary()
    answers: AnswersSummary = AnswersSummary()
    tries_asked: int = 0

    @property
    def resumes(self) -> bool | None:
        """Whether sessions are resumed, be it at times only; None where that is not known."""
        return None if self.state == "untested" else self.state in ("resumed", "partly")

    @property
    def falls_short(self) -> bool:
        """Whether sessions are known not to be resumed each time."""
        return self.state not in ("resumed", "untested")

    @property
    def by_fresh_tickets(self) -> bool:
        """Whether only tries with fresh tickets are counted for a rate: in TLS 1.3 a server
        that refuses a ticket's second use is right."""
        return self.mechanism == "psk" and self.state == "resumed" and self.chained.offered > 0

    @property
    def fails_with_session(self) -> bool:
        """Whether every try that offered a session broke, while full handshakes work."""
        order = self.fixed.order + self.chained.order
        return self.state == "not-resumed" and "E" in order and not set(order) & {"R", "N"}


class FTPData(Value, frozen=True, kw_only=True):
    """What became of FTPS data connections, offered the control connection's session.

    `fresh`: a session not used before each time; `same`: the first one each time.
    `fresh_failure` and `same_failure` number, from 1, the first data connection of a series
    that was not resumed or whose listing failed. `required`: whether one without a session
    was refused (None: not tried). `tickets` came on a control connection; `replies` are the
    server's words where a listing failed.
    """

    mechanism: Mechanism
    tls_version: str
    fresh: Series = Series(offered=0, accepted=0)
    same: Series = Series(offered=0, accepted=0)
    fresh_failure: int | None = None
    same_failure: int | None = None
    required: bool | None = None
    tickets: int = 0
    replies: tuple[str, ...] = ()


class AttemptRow(Value, frozen=True, kw_only=True):
    """An attempt in a report: enough to find it in a server's log. `time` is UTC, ISO 8601.

    `port` is the server's: that of its address, or of an FTPS data connection.
    """

    n: int
    time: str
    local_port: int | None
    mechanism: Mechanism | None
    experiment: str
    series: str
    offered: bool | None
    accepted: bool | None
    reused: bool | None
    tls_version: str | None
    key_name: str | None
    node: str | None
    handshake_ms: float | None
    error: str | None
    connect_ms: float | None = None
    first_ticket_ms: float | None = None
    sent: int | None = None
    received: int | None = None
    flights: int | None = None
    port: int | None = None
    http_status: int | None = None
    answer: str | None = None


class ErrorResult(Value, frozen=True):
    """An error of a target or address in a report."""

    kind: str
    step: str
    message: str
    hints: tuple[str, ...] = ()
    stack: ErrorStack | None = None


CertificateProblem = Literal["expired", "not-yet-valid", "wrong-name"]


class Certificate(Value, frozen=True, kw_only=True):
    """The leaf certificate a full handshake showed, and OpenSSL's verdict on it.

    OpenSSL names the first thing that is wrong; `problems` are read from the certificate
    itself, and may be others. `days_left` counts whole days until its end when it was seen,
    and is negative once it has expired. `asked_name` is the name that it had to be for.
    """

    sha256: str
    subject: str
    not_after: str
    verify_code: int
    verify_message: str
    not_before: str = ""
    days_left: int | None = None
    asked_name: str | None = None
    problems: tuple[CertificateProblem, ...] = ()


class QUICResult(Value, frozen=True, kw_only=True):
    """What QUIC has beside TLS. `version` is 1 (RFC 9000) or 2 (RFC 9369), None where no
    handshake came about. `retry`: the server had our address proven by a Retry packet, at the
    price of a round trip; `token_issued`: it gave a token (NEW_TOKEN) for later connections;
    `token_spares_retry`: one that shows such a token is spared the Retry (None: not seen)."""

    version: int | None = None
    retry: bool = False
    token_issued: bool = False
    token_spares_retry: bool | None = None


class AddressResult(Value, frozen=True, kw_only=True):
    """One address of a target, by one transport: with --quic it may stand here twice.
    `unspoken` are TLS versions that it was seen to refuse. `early_data` is None where it was
    not asked for (--replay-early-data), `quic` for other transports; `retransmissions` counts
    what had to be sent again, None on TCP."""

    address: str
    port: int
    transport: Transport = "tcp"
    tls_versions: tuple[str, ...] = ()
    error: ErrorResult | None = None
    certificate: Certificate | None = None
    mechanisms: tuple[MechanismResult, ...] = ()
    ftp_data: tuple[FTPData, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    unspoken: tuple[str, ...] = ()
    early_data: EarlyData | None = None
    quic: QUICResult | None = None
    retransmissions: int | None = None

    @property
    def place(self) -> str:
        """The address in words, with the transport where that is not TCP."""
        return named_place(self.address, self.transport)


#: Why something was left out, for whoever counts or sorts it.
SkippedKind = Literal[
    "budget",  # the connections allowed would not have sufficed, or did not
    "addresses",  # more addresses than --max-addresses
    "limited",  # the server allows no more connections
    "time",  # the deadline came first
    "local",  # this machine has no descriptor, local port or memory left
    "no-route",  # this machine cannot reach such an address at all
    "in-doubt",  # the handshake broke, so the version may be spoken or not
    "other",  # in the words of `reason` only
]


class Skipped(Value, frozen=True):
    """Something that was left out, and why: in words, and by kind.

    `address` and `tls_version` say of what, where it is of one address or one version.
    """

    what: str
    reason: str
    kind: SkippedKind = "other"
    address: str | None = None
    tls_version: str | None = None
