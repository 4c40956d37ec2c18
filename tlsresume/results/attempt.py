"""What one connection showed. Attempts live in a journal, and go when their target ends."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from tlsresume.errors import ErrorStack
from tlsresume.protocols import Transport
from tlsresume.results.purpose import Purpose, Wanted
from tlsresume.session.session import Session
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts
from tlsresume.transports.failures import FailureReason
from tlsresume.value import Value
from tlsresume.wire.handshake import ProtocolVersion

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
    def ours(self) -> bool:
        """Whether it lies with this machine or with us, and says nothing about the server."""
        return self.kind in ("local", "cancelled")


class AlertSeen(Value, frozen=True):
    """One TLS alert (RFC 8446 section 6): who sent it, its level and description."""

    sender: Literal["client", "server"]
    level: int
    description: int
    name: str

    @property
    def fatal(self) -> bool:
        return self.level == 2


class Ticket(Value, frozen=True):
    """A NewSessionTicket as received. Times are milliseconds after the handshake's start.

    `lifetime` is the hint in seconds; `nonce`, `age_add` and `max_early_data` exist
    in TLS 1.3 only. `after_data` says that we had sent application data before it came.
    """

    _hidden: ClassVar = frozenset({"ticket"})

    ticket: bytes
    lifetime: int
    at_ms: float
    after_data: bool = False
    age_add: int | None = None
    nonce: bytes | None = None
    max_early_data: int | None = None
    extensions: tuple[int, ...] = ()


class Verification(Value, frozen=True):
    """OpenSSL's verdict on the certificate (X509_V_*; 0 is good).

    For a resumed connection this is the result stored in the session: nothing
    was verified, and `stored` is True.
    """

    code: int
    message: str
    stored: bool = False


class EarlyAsk(Value, frozen=True):
    """What a connection of the experiment early-data asks.

    `request_id` stands in its request, for the server's log; `method` is the request's. `after`:
    the first flight was presented before, so many seconds ago.
    """

    request_id: str
    method: str = "GET"
    after: float | None = None


class Timings(Value, frozen=True):
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


class Attempt(Value, frozen=True, kw_only=True):
    """One connection, and all that was seen on it.

    `purpose` says why it was made. `offered` and `accepted` are read
    from the wire (ClientHello and ServerHello); `reused` is SSL_session_reused(3);
    each is None where the handshake did not get that far. `offer` is the session
    handed to OpenSSL, whether or not it put it on the wire. A broken connection that was
    tried again has the same `ask`; the last attempt of an ask is the one that counts.
    `certificate_wanted` says in words which client certificates the server accepts.
    `greeting` is how the server began to speak in clear, before STARTTLS (its first bytes).
    `reply` is what an FTP server said of a data connection on the control connection.
    `unsettled`: it broke, and the budget did not allow to try again; it does not count.
    `hello_size` is the length of the first ClientHello in its TLS records, in bytes.
    `answered_ms`: from there to the server's first handshake message, in milliseconds.
    `malformed_ticket`: our side ended the connection on a NewSessionTicket it could not take.
    `closed`: "by-peer" left without close_notify after ours, "hung-up" before.
    `asked`: we sent data and waited for the answer, for `answer_ms` milliseconds, whether or
    not one came; `left`: meanwhile the server ended the connection. `own_certificate` is the client certificate that we had to give (DER).
    `named_address` is the address that an FTP server named for a data connection, where it
    named one; we went to `address` all the same.
    `retry_group` is the group that a HelloRetryRequest asked for. `presented`: a first flight
    was sent on a plain socket, which cannot go on with the handshake. `early_answer`: whether
    early data was answered while our Finished was held back (None: it was not held back, or
    no early data was accepted). `datagrams` tells what only QUIC and DTLS have; None on TCP, and
    where the first packet was never sent.
    """

    _hidden: ClassVar = frozenset({"leaf", "own_certificate"})

    n: int
    time: float
    address: str
    port: int
    purpose: Purpose
    plan: ClientConfig
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
    hello_size: int | None = None
    answered_ms: float | None = None
    malformed_ticket: bool = False
    server_hello_seen: bool = False
    certificate_seen: bool = False
    certificate_requested: bool = False
    certificate_wanted: str | None = None
    hello_retry: bool = False
    retry_group: int | None = None
    tls_version: ProtocolVersion | None = None
    cipher: str | None = None
    suite: int | None = None
    group: str | None = None
    alpn: str | None = None
    server_session_id: bytes = b""
    extended_master_secret: bool | None = None
    leaf: bytes | None = None
    leaf_sha256: str | None = None
    tickets: tuple[Ticket, ...] = ()
    sessions: tuple[Session, ...] = ()
    early_data: Literal["not-sent", "accepted", "rejected"] = "not-sent"
    early: EarlyAsk | None = None
    early_answer: bool | None = None
    presented: bool = False
    alerts: tuple[AlertSeen, ...] = ()
    asked: bool = False
    answer_ms: float | None = None
    left: bool = False
    response: bytes = b""
    greeting: bytes = b""
    reply: str | None = None
    named_address: str | None = None
    own_certificate: bytes | None = None
    verification: Verification | None = None
    timings: Timings = Timings()
    traffic: Traffic = Traffic()
    closed: Literal["clean", "by-peer", "hung-up", "peer-silent", "abrupt", "failed"] = "failed"
    error: Failure | None = None
    retried: bool = False
    unsettled: bool = False
    transport: Transport = "tcp"
    datagrams: DatagramFacts | None = None

    @property
    def experiment(self) -> str:
        """What JSON calls the experiment that it belongs to."""
        return self.purpose.experiment

    @property
    def series(self) -> str:
        """What JSON calls the part of the experiment that it belongs to."""
        return self.purpose.series

    def made_for(self, *wanted: Wanted) -> bool:
        """Whether it was made for one of these purposes, or for one of these types."""
        return self.purpose.is_any(*wanted)

    @property
    def http_status(self) -> int | None:
        """The status of an HTTP response to the data we sent, if it was one."""
        if not self.response.startswith(b"HTTP/"):
            return None
        code = self.response[: self.response.find(b"\r\n") or None].split(b" ")[1:2]
        return int(code[0]) if code and code[0].isdigit() and len(code[0]) == 3 else None

    @property
    def left_unanswered(self) -> bool:
        """Whether a session was offered, and we ended the connection, or the run, before the
        server had said a word: the offer was made, and what it would have got is not known."""
        return (
            self.offered is not None
            and not self.handshake_done
            and not self.server_hello_seen
            and self.error is not None
            and (
                self.error.kind == "cancelled" or (self.unsettled and self.error.kind == "timeout")
            )
            and not any(alert.sender == "server" for alert in self.alerts)
        )

    @property
    def cut_short(self) -> bool:
        """Whether TLS 1.3 broke on our side behind the handshake, before any ticket was taken
        in: what the server issues is not known then."""
        return (
            self.handshake_done
            and self.tls_version is ProtocolVersion.TLSv1_3
            and not self.sessions
            and self.error is not None
            and self.error.kind == "openssl"
        )

    @property
    def disagreement(self) -> str | None:
        """Where SSL_session_reused and the wire say different things, in words."""
        if self.reused is None or self.accepted is None or not self.handshake_done:
            return None
        who = "aioquic" if self.transport == "quic" else "SSL_session_reused"
        if self.reused != self.accepted:
            return (
                f"{who} says {int(self.reused)}, but on the wire the server"
                f" {'accepted' if self.accepted else 'did not accept'} the session"
            )
        if self.reused and self.certificate_seen:
            return f"{who} says 1, but the server sent a Certificate message"
        return None
