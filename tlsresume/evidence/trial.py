"""A connection of ours: why it was made, what it offered, and what came of it.

The handshake itself is an `Observation`, of the same type as that of any other source. Around it
stands what only we know, since we made the connection: its purpose and config, the sessions
themselves, the application's answer, and how the connection ended. A connection that never got to
TLS (refused, or failed at a proxy or at STARTTLS) has no observation. Nothing was offered, done or
issued on it, and that is what the properties say that ask the observation.
"""

from __future__ import annotations

from typing import Literal, Self

import msgspec

from tlsresume.evidence.observation import Allowed, Observation, Ticket
from tlsresume.evidence.offer import Offer
from tlsresume.evidence.purpose import Purpose, Wanted
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import (
    AlertSeen,
    Failure,
    Mechanism,
    Timings,
    Traffic,
    Verification,
)
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.facts import DatagramFacts
from tlsresume.value import Value

_NO_TRAFFIC = Traffic()


class EarlyAsk(Value, frozen=True):
    """What a connection of the experiment early-data asks.

    `request_id` stands in its request, for the server's log; `method` is the request's. `after`:
    the first flight was presented before, so many seconds ago.
    """

    request_id: str
    method: str = "GET"
    after: float | None = None


Closed = Literal["clean", "by-peer", "hung-up", "peer-silent", "abrupt", "failed"]


class Trial(Value, frozen=True, kw_only=True):
    """One connection of ours, and all that came of it.

    `mechanism` is the one that it asks about. `offer` are the facts of the session that was handed
    to the library, whether or not that put it on the wire, `state` is that session itself, and
    `set_session` what SSL_set_session(3) said; `sessions` are those that the connection brought.
    A broken connection that was tried again has the same `ask`, and `retried`; the last trial of an
    ask is the one that counts. `unsettled`: it broke, and the budget did not allow to try again; it
    does not count.

    `greeting` is how the server began to speak in clear, before STARTTLS (its first bytes).
    `asked`: we sent data and waited for the answer, for `answer_ms` milliseconds, whether or not
    one came as `response`; `left`: meanwhile the server ended the connection. `early` is what early
    data asked, and `early_answer` whether that was answered while our Finished was held back (None:
    it was not held back, or no early data was accepted). `presented`: a first flight was sent on a
    plain socket, which cannot go on with the handshake. `closed`: "by-peer" left without
    close_notify after ours, "hung-up" before.

    Of the connection beside it: `reply` is what an FTP server said of a data connection on the
    control connection, `named_address` the address that it named for that one, where it named one;
    we went to `address` all the same.
    """

    n: int
    time: float
    address: str
    port: int
    purpose: Purpose
    config: ClientConfig
    transport: Transport = "tcp"
    ask: int = 0
    mechanism: Mechanism | None = None
    local_port: int | None = None
    node: str | None = None
    observation: Observation | None = None
    offer: Offer | None = None
    state: Session | None = None
    set_session: int | None = None
    sessions: tuple[Session, ...] = ()
    early: EarlyAsk | None = None
    early_answer: bool | None = None
    presented: bool = False
    greeting: bytes = b""
    asked: bool = False
    answer_ms: float | None = None
    left: bool = False
    response: bytes = b""
    reply: str | None = None
    named_address: str | None = None
    timings: Timings = Timings()
    #: Milliseconds until our side was closed, where the peer's end was waited for beside the next
    #: connection; None: nothing else was begun before the end.
    parted_ms: float | None = None
    closed: Closed = "failed"
    error: Failure | None = None
    retried: bool = False
    unsettled: bool = False

    # ------------------------------------------------------------------- copies

    def numbered(self, n: int) -> Self:
        """The same trial under another number."""
        return msgspec.structs.replace(self, n=n)

    def left_unsettled(self) -> Self:
        """The same trial, which broke, and was not tried again for want of budget."""
        return msgspec.structs.replace(self, unsettled=True)

    def made_instead_for(self, purpose: Purpose) -> Self:
        """The same trial, which serves another purpose than it was made for."""
        return msgspec.structs.replace(self, purpose=purpose)

    @property
    def open_until(self) -> float:
        """When we had closed our side, in seconds since 1970."""
        milliseconds = self.timings.total if self.parted_ms is None else self.parted_ms
        return self.time + (milliseconds or 0.0) / 1000

    def parted_at(self, milliseconds: float | None) -> Self:
        """The same trial, whose place was given back before the peer had closed."""
        return msgspec.structs.replace(self, parted_ms=milliseconds)

    def ended(
        self, closed: Closed, alerts: tuple[AlertSeen, ...], traffic: Traffic, total: float
    ) -> Self:
        """The same trial once the peer has closed, too: how, and what came until then. `total` is
        in milliseconds."""
        observation = self.observation
        if observation is not None:
            observation = msgspec.structs.replace(observation, alerts=alerts, traffic=traffic)
        timings = msgspec.structs.replace(self.timings, total=total)
        return msgspec.structs.replace(
            self, closed=closed, observation=observation, timings=timings
        )

    def resolved_in(self, milliseconds: float) -> Self:
        """The same trial, with the time that the look-up of its name took."""
        timings = msgspec.structs.replace(self.timings, dns=milliseconds)
        return msgspec.structs.replace(self, timings=timings)

    def offering_from(self, address: str) -> Self:
        """The same trial, whose session was issued at this address."""
        offer = self.offer and msgspec.structs.replace(self.offer, issued_by=address)
        return msgspec.structs.replace(self, offer=offer)

    # ------------------------------------------------------------------ purpose

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

    # -------------------------------------------- what it allowed: its ClientHello, else its config

    @property
    def _allowed(self) -> Allowed | None:
        return None if self.observation is None else self.observation.allowed

    @property
    def server_name(self) -> str | None:
        """The name that it asked for (SNI)."""
        return self.config.server_name if self._allowed is None else self._allowed.server_name

    @property
    def allowed_extended_master_secret(self) -> bool:
        """Whether the server could use it."""
        if self._allowed is None:
            return self.config.extended_master_secret
        return self._allowed.extended_master_secret

    def allowed_version(self, version: ProtocolVersion) -> bool:
        """Whether the server could choose this version."""
        if self._allowed is None:
            return self.config.minimum <= version <= self.config.maximum
        return self._allowed.version(version)

    # -------------------------------------------------------------- observation

    @property
    def offered(self) -> Mechanism | None:
        """The mechanism by which a session was offered on the wire."""
        return None if self.observation is None else self.observation.offered

    @property
    def accepted(self) -> bool | None:
        """The server's answer to the offer, on the wire."""
        return None if self.observation is None else self.observation.accepted

    @property
    def resumed(self) -> bool | None:
        """What SSL_session_reused(3) said when the handshake was done."""
        return None if self.observation is None else self.observation.resumed

    @property
    def handshake_done(self) -> bool:
        """Whether the handshake was done."""
        return self.observation is not None and self.observation.handshake_done is True

    @property
    def server_hello_seen(self) -> bool:
        """Whether a ServerHello came."""
        return self.observation is not None and self.observation.server_hello_seen is True

    @property
    def hello_size(self) -> int | None:
        """The length of the first ClientHello in its records, in bytes."""
        return None if self.observation is None else self.observation.hello_size

    @property
    def answered_ms(self) -> float | None:
        """From there to the server's first message, in milliseconds."""
        return None if self.observation is None else self.observation.answered_ms

    @property
    def hello_retry(self) -> bool:
        """Whether a HelloRetryRequest came."""
        return self.observation is not None and self.observation.hello_retry is True

    @property
    def retry_group(self) -> int | None:
        """The group that it asked for."""
        return None if self.observation is None else self.observation.retry_group

    @property
    def speaks_tls13(self) -> bool:
        """Whether the server chose TLS 1.2 and says that it speaks TLS 1.3, too."""
        return self.observation is not None and self.observation.speaks_tls13 is True

    @property
    def tls_version(self) -> ProtocolVersion | None:
        """The version that the server chose."""
        return None if self.observation is None else self.observation.tls_version

    @property
    def cipher(self) -> str | None:
        """The library's name of the cipher suite."""
        return None if self.observation is None else self.observation.cipher

    @property
    def suite(self) -> int | None:
        """The cipher suite."""
        return None if self.observation is None else self.observation.suite

    @property
    def group(self) -> str | None:
        """The group of the key exchange."""
        return None if self.observation is None else self.observation.group

    @property
    def alpn(self) -> str | None:
        """The application protocol that the server chose."""
        return None if self.observation is None else self.observation.alpn

    @property
    def server_session_id(self) -> bytes:
        """The session ID in the ServerHello."""
        return (self.observation and self.observation.server_session_id) or b""

    @property
    def extended_master_secret(self) -> bool | None:
        """Whether TLS 1.2 used it; None in TLS 1.3."""
        return None if self.observation is None else self.observation.extended_master_secret

    @property
    def early_data(self) -> Literal["not-sent", "accepted", "rejected"]:
        """What became of early data; what was not accepted was rejected."""
        became = self.observation.early_data if self.observation is not None else None
        return "rejected" if became == "sent" else became or "not-sent"

    @property
    def alerts(self) -> tuple[AlertSeen, ...]:
        """The alerts of both sides."""
        return (self.observation and self.observation.alerts) or ()

    @property
    def traffic(self) -> Traffic:
        """The bytes of the connection."""
        return (self.observation and self.observation.traffic) or _NO_TRAFFIC

    @property
    def datagrams(self) -> DatagramFacts | None:
        """What only QUIC and DTLS have."""
        return None if self.observation is None else self.observation.datagrams

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """The tickets that came."""
        return (self.observation and self.observation.tickets) or ()

    @property
    def malformed_ticket(self) -> bool:
        """Whether our side ended the connection on a ticket."""
        return self.observation is not None and self.observation.malformed_ticket is True

    @property
    def certificate_seen(self) -> bool:
        """Whether the server sent its certificate."""
        return self.observation is not None and self.observation.certificate_seen is True

    @property
    def certificate_requested(self) -> bool:
        """Whether the server asked for ours."""
        return self.observation is not None and self.observation.certificate_requested is True

    @property
    def certificate_wanted(self) -> str | None:
        """Which of ours it accepts, in words."""
        return None if self.observation is None else self.observation.certificate_wanted

    @property
    def leaf(self) -> bytes | None:
        """The server's certificate, in DER."""
        return None if self.observation is None else self.observation.leaf

    @property
    def leaf_sha256(self) -> str | None:
        """The hash of that, in hexadecimal."""
        return None if self.observation is None else self.observation.leaf_sha256

    @property
    def own_certificate(self) -> bytes | None:
        """The certificate that we had to give, in DER."""
        return None if self.observation is None else self.observation.own_certificate

    @property
    def verification(self) -> Verification | None:
        """What the library made of the server's certificate."""
        return None if self.observation is None else self.observation.verification

    # ------------------------------------------------------------------ answers

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
