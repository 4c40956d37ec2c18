"""The values that flow through the tool: what was seen, and what was made of it.

Two families. `Attempt` and its parts are what one connection showed; they live
in the Lab's journal and are dropped when a target ends. `Report` and its parts
are what every format prints; they hold numbers and words only, so that they can
be written as JSON and read back. Nothing here does IO or judges anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from tlsresume.errors import ErrorStack
from tlsresume.openssl.plan import Plan
from tlsresume.session.layouts import LooksLike
from tlsresume.session.session import Session
from tlsresume.wire.handshake import ProtocolVersion
from tlsresume.wire.transcript import Transcript

Mechanism = Literal["psk", "ticket", "session-id"]
MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")

# --------------------------------------------------------------- one attempt

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
    "proxy",  # the proxy refused or failed
    "starttls",  # the server refused or broke the plain-text prelude
    "injection",  # the server sent data in clear after the answer that starts TLS
    "network",  # any other error of the operating system
    "cancelled",  # we stopped it
]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended early: where, what kind, in words, with OpenSSL's stack."""

    step: Step
    kind: FailureKind
    message: str
    hints: tuple[str, ...] = ()
    stack: ErrorStack | None = None


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One TLS alert (RFC 8446 section 6): who sent it, its level and description."""

    sender: Literal["client", "server"]
    level: int
    description: int
    name: str

    @property
    def fatal(self) -> bool:
        return self.level == 2


@dataclass(frozen=True, slots=True)
class Ticket:
    """A NewSessionTicket as received. Times are milliseconds after the handshake's start.

    `lifetime` is the hint in seconds; `nonce`, `age_add` and `max_early_data` exist
    in TLS 1.3 only. `after_data` says that we had sent application data before it came.
    """

    ticket: bytes = field(repr=False)
    lifetime: int
    at_ms: float
    after_data: bool = False
    age_add: int | None = None
    nonce: bytes | None = None
    max_early_data: int | None = None
    extensions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """OpenSSL's verdict on the certificate (X509_V_*; 0 is good).

    For a resumed connection this is the result stored in the session: nothing
    was verified, and `stored` is True.
    """

    code: int
    message: str
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each step; None where the step did not end."""

    dns: float | None = None
    connect: float | None = None
    handshake: float | None = None
    first_ticket: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """TLS bytes each way, and flights (runs of bytes in one direction) of the handshake."""

    sent: int = 0
    received: int = 0
    flights: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One connection, and all that was seen on it.

    `experiment` and `series` say why it was made. `offered` and `accepted` are read
    from the wire (ClientHello and ServerHello); `reused` is SSL_session_reused(3);
    each is None where the handshake did not get that far. `offer` is the session
    handed to OpenSSL, whether or not it put it on the wire. A broken connection that was
    tried again has the same `ask`; the last attempt of an ask is the one that counts.
    `certificate_wanted` says in words which client certificates the server accepts.
    `reply` is what an FTP server said of a data connection on the control connection.
    `unsettled`: it broke, and the budget did not allow to try again; it does not count.
    """

    n: int
    time: float
    address: str
    port: int
    experiment: str
    series: str
    plan: Plan
    ask: int = 0
    local_port: int | None = None
    mechanism: Mechanism | None = None
    node: str | None = None
    offer: Session | None = None
    set_session: int | None = None
    offered: Mechanism | None = None
    accepted: bool | None = None
    reused: bool | None = None
    handshake_done: bool = False
    server_hello_seen: bool = False
    certificate_seen: bool = False
    certificate_requested: bool = False
    certificate_wanted: str | None = None
    hello_retry: bool = False
    tls_version: ProtocolVersion | None = None
    cipher: str | None = None
    suite: int | None = None
    group: str | None = None
    alpn: str | None = None
    server_session_id: bytes = b""
    extended_master_secret: bool | None = None
    leaf: bytes | None = field(default=None, repr=False)
    leaf_sha256: str | None = None
    tickets: tuple[Ticket, ...] = ()
    sessions: tuple[Session, ...] = ()
    early_data: Literal["not-sent", "accepted", "rejected"] = "not-sent"
    alerts: tuple[AlertSeen, ...] = ()
    response: bytes = b""
    reply: str | None = None
    verification: Verification | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    closed: Literal["clean", "by-peer", "peer-silent", "abrupt", "failed"] = "failed"
    error: Failure | None = None
    retried: bool = False
    unsettled: bool = False
    transcript: Transcript | None = field(default=None, compare=False, repr=False)

    @property
    def http_status(self) -> int | None:
        """The status of an HTTP response to the data we sent, if it was one."""
        if not self.response.startswith(b"HTTP/"):
            return None
        code = self.response[: self.response.find(b"\r\n") or None].split(b" ")[1:2]
        return int(code[0]) if code and code[0].isdigit() and len(code[0]) == 3 else None

    @property
    def disagreement(self) -> str | None:
        """Where SSL_session_reused and the wire say different things, in words."""
        if self.reused is None or self.accepted is None or not self.handshake_done:
            return None
        if self.reused != self.accepted:
            return (
                f"SSL_session_reused says {int(self.reused)}, but on the wire the server"
                f" {'accepted' if self.accepted else 'did not accept'} the session"
            )
        if self.reused and self.certificate_seen:
            return "SSL_session_reused says 1, but the server sent a Certificate message"
        return None


# ------------------------------------------------------------------ evidence


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one experiment showed: its attempts, or the reason why it was skipped."""

    experiment: str
    address: str | None
    port: int | None
    mechanism: Mechanism | None
    attempts: tuple[Attempt, ...] = ()
    skipped: str | None = None


# -------------------------------------------------------------------- report

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


@dataclass(frozen=True, slots=True)
class Series:
    """How often a mechanism's session was offered and accepted, in one series of tries.

    `order` has a letter per try, in the order of their start: R reused, N new, E the
    connection broke after the session was offered, C it broke before, `-` OpenSSL did not
    offer it. `failed` counts E and C. `rate` is accepted / offered, None without offers.
    """

    offered: int
    accepted: int
    failed: int = 0
    order: str = ""
    rate: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def count(cls, order: str) -> Series:
        offered = sum(order.count(letter) for letter in "RNE")
        accepted = order.count("R")
        return cls(
            offered=offered,
            accepted=accepted,
            failed=order.count("E") + order.count("C"),
            order=order,
            rate=accepted / offered if offered else None,
            interval=wilson_interval(accepted, offered),
        )


@dataclass(frozen=True, slots=True)
class KeyName:
    """A ticket key name (hex) and on how many connections it was seen."""

    key_name: str
    connections: int


@dataclass(frozen=True, slots=True)
class TicketSummary:
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


@dataclass(frozen=True, slots=True)
class TimingSummary:
    """Median TLS handshake time in milliseconds, full and resumed."""

    full_ms: float | None = None
    resumed_ms: float | None = None


@dataclass(frozen=True, slots=True)
class BytesSummary:
    """Median TLS bytes of a whole connection, full and resumed, each way."""

    full_sent: int | None = None
    full_received: int | None = None
    resumed_sent: int | None = None
    resumed_received: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MechanismResult:
    """One mechanism on one address."""

    mechanism: Mechanism
    tls_version: str
    state: State
    judged: bool
    reason: str | None = None
    fixed: Series = Series(0, 0)
    chained: Series = Series(0, 0)
    tickets: TicketSummary | None = None
    timing: TimingSummary = TimingSummary()
    bytes: BytesSummary = BytesSummary()

    @property
    def fails_with_session(self) -> bool:
        """Whether every try that offered a session broke, while full handshakes work."""
        order = self.fixed.order + self.chained.order
        return "E" in order and not set(order) & {"R", "N"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FTPData:
    """What became of FTPS data connections, offered the control connection's session.

    `fresh`: a session not used before each time; `same`: the first one each time.
    `fresh_failure` and `same_failure` number, from 1, the first data connection of a series
    that was not resumed or whose listing failed. `required`: whether one without a session
    was refused (None: not tried). `tickets` came on a control connection; `replies` are the
    server's words where a listing failed.
    """

    mechanism: Mechanism
    tls_version: str
    fresh: Series = Series(0, 0)
    same: Series = Series(0, 0)
    fresh_failure: int | None = None
    same_failure: int | None = None
    required: bool | None = None
    tickets: int = 0
    replies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """An attempt in a report: enough to find it in a server's log. `time` is UTC, ISO 8601."""

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


@dataclass(frozen=True, slots=True)
class ErrorResult:
    """An error of a target or address in a report."""

    kind: str
    step: str
    message: str
    hints: tuple[str, ...] = ()
    stack: ErrorStack | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The leaf certificate a full handshake showed, and OpenSSL's verdict on it."""

    sha256: str
    subject: str
    not_after: str
    verify_code: int
    verify_message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressResult:
    """One address of a target."""

    address: str
    port: int
    tls_versions: tuple[str, ...] = ()
    error: ErrorResult | None = None
    certificate: Certificate | None = None
    mechanisms: tuple[MechanismResult, ...] = ()
    ftp_data: tuple[FTPData, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was left out, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A judgement on evidence. `code` is stable; `evidence` says in words for people what
    shows it, `details` are the messages and fields on the wire behind that."""

    code: str
    severity: Severity
    title: str
    cause: str
    advice: str
    address: str | None = None
    mechanism: Mechanism | None = None
    evidence: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A demand that was broken."""

    demand: str
    target: str
    message: str
    severity: Severity = "error"


CheckKind = Literal["verdict", "expectation", "limit", "threshold", "finding", "waiver"]
CheckOutcome = Literal[
    "met",
    "broken",
    "waived",  # broken, and the policy has a waiver for it
    "known",  # no worse than in the baseline
    "unreachable",  # no connection, so no answer
    "untestable",  # reached, but there is no answer
    "not-checked",  # nothing was demanded, or there was nothing to hold to it
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One demand held against one place of a target, and what came of it.

    `demand` is what was asked, as it would be typed (`psk=resumed`); `source` the
    standard it rests on, if any. `limit` is a threshold's range. Only a broken check
    of severity `error` fails a run.
    """

    demand: str
    kind: CheckKind
    outcome: CheckOutcome
    message: str
    address: str | None = None
    mechanism: Mechanism | None = None
    severity: Severity = "error"
    source: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is not as it was in an earlier report. `worse` is our judgement."""

    what: str
    before: str
    after: str
    worse: bool
    address: str | None = None
    mechanism: Mechanism | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How often sessions issued at one place were accepted at another.

    `by` says what the places are: addresses, or nodes named by a response header.
    """

    by: Literal["address", "node"]
    mechanism: Mechanism
    issuing: str
    accepting: str
    offered: int
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeResult:
    """How long sessions were honoured, in seconds: the oldest that was taken, the youngest
    that was refused, and what the server promised (0 or None: nothing).

    `raised_hint` says that copies with a raised lifetime hint were offered, past the promise;
    `alert_at_s` is the youngest age at which the handshake failed instead.
    """

    address: str
    mechanism: Mechanism
    promised_s: int | None
    honoured_s: float | None
    refused_s: float | None
    raised_hint: bool = False
    alert_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSession:
    """The server's session inside a ticket that a given key opened, without its secrets.

    `created` is UTC, ISO 8601, `timeout` seconds; `client_certificate` is a SHA-256,
    `session_id_context` hexadecimal; `extended_master_secret` is None in TLS 1.3.
    """

    tls_version: str
    cipher: str
    created: str | None
    timeout: int
    client_certificate: str | None = None
    client_subject: str | None = None
    server_name: str | None = None
    alpn: str | None = None
    session_id_context: str = ""
    extended_master_secret: bool | None = None
    max_early_data: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """Which of the given key files made the tickets of one key name on one address.

    `key` is the key's place in `file`, from 1, of `keys`; `role` what the server does with
    a key in that place. None for `file`: none of the given keys made them. `same_secret`
    says whether the session inside is ours; `session` is None where it is not OpenSSL's.
    """

    address: str | None = None
    port: int | None = None
    key_name: str | None = None
    tickets: int = 0
    mechanisms: tuple[Mechanism, ...] = ()
    file: str | None = None
    key: int | None = None
    keys: int = 0
    role: Literal["current", "next", "older", "only"] = "only"
    order: str | None = None
    layout: str | None = None
    mac: Literal["matches", "does-not-match"] | None = None
    same_secret: bool | None = None
    session: SealedSession | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """The answer for one target. `starttls` is the prelude, `notes` how it was reached."""

    target: str
    verdict: Verdict
    error: ErrorResult | None = None
    connections: int = 0
    duration_ms: float = 0.0
    starttls: str | None = None
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    addresses: tuple[AddressResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    lifetimes: tuple[LifetimeResult, ...] = ()
    incomplete: bool = False
    interrupted: bool = False
    checks: tuple[Check, ...] = ()
    changes: tuple[Change, ...] = ()
    ticket_keys: tuple[KeyUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveResult:
    """What `save` got: the facts about the sessions, never the sessions themselves.

    `saved` is False where no resumable session came; `reason` then says why, in words.
    `tickets` counts what the server sent; `session_mechanism` is what was kept.
    """

    target: str
    address: str | None = None
    port: int | None = None
    saved: bool = False
    reason: str | None = None
    hints: tuple[str, ...] = ()
    tls_version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    mechanism: Mechanism | None = None
    tickets: int = 0
    lifetime: int | None = None
    key_name: str | None = None
    certificate: Certificate | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certificate_wanted: str | None = None
    error: ErrorResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeResult:
    """What came of offering one saved session to one address.

    `session_reused` is SSL_session_reused(3) of the last try; `offered`, `accepted` and
    `certificate_message` are what the wire says; `disagreement` says where they differ.
    `reason` tells in one sentence why the session was not resumed. `set_session` is what
    SSL_set_session(3) returned. `fails_with_session` is True when the same handshake
    without the session was seen to succeed. `pinned` and `notes` are lines for people.
    """

    target: str
    file: str | None = None
    address: str | None = None
    port: int | None = None
    session_reused: bool | None = None
    set_session: int | None = None
    offered: bool | None = None
    accepted: bool | None = None
    certificate_message: bool | None = None
    disagreement: str | None = None
    tls_version: str | None = None
    session_version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    mechanism: Mechanism | None = None
    session_age_s: float | None = None
    key_name: str | None = None
    new_key_name: str | None = None
    new_tickets: int = 0
    hello_retry: bool = False
    early_data: Literal["not-sent", "accepted", "rejected"] = "not-sent"
    http_status: int | None = None
    reason: str | None = None
    pinned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tries: Series = Series(0, 0)
    fails_with_session: bool | None = None
    verification: Verification | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    updated_file: str | None = None
    attempts: tuple[AttemptRow, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: ErrorResult | None = None
    error_stack: ErrorStack | None = None
    ticket_keys: tuple[KeyUse, ...] = ()
    each_address: tuple[ResumeResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What made a report."""

    name: str
    version: str
    openssl: str
    pyopenssl: str


SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run of `probe` found; the one shape that every format prints.

    `policy` and `baseline` name what it was held against, None where nothing was asked.
    `findings` are those that several targets show together.
    """

    tool: Tool
    targets: tuple[TargetResult, ...] = ()
    violations: tuple[Violation, ...] = ()
    policy: str | None = None
    baseline: str | None = None
    findings: tuple[Finding, ...] = ()
    schema: int = SCHEMA
