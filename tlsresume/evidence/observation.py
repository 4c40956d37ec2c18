"""What one handshake showed, whoever saw it: our client, our server, or bytes of a capture.

No source sees everything. Bytes of TLS 1.3 show no Finished, Certificate or ticket; a server does
not see what its client keeps. So an observation says in `visible` which parts its source could
see, and all that belongs to another part is None: never False, never empty. The converse does not
hold: in a part that is visible, None means that there was nothing (no session was offered), or
that the handshake did not get that far.

An observation holds no secret, no object of a TLS library, no name of a ticket key, and nothing
of why a connection was made: a purpose has only a connection of ours, a `Trial`.
"""

from __future__ import annotations

from enum import Flag, auto
from typing import ClassVar, Literal, Self, cast

from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import AlertSeen, Mechanism, Traffic, Verification
from tlsresume.tls.messages import ClientHello, NewSessionTicket12, NewSessionTicket13
from tlsresume.tls.registry import AlertDescription, ExtensionType, ProtocolVersion
from tlsresume.transports.facts import DatagramFacts
from tlsresume.value import Value


class Part(Flag):
    """What a source can show. A check declares of which parts it needs to know.

    The first four are parts of an observation; the others stand around one, in a trial.
    """

    OUTCOME = auto()
    """What was offered, whether it was accepted, and how the handshake ended."""
    TICKETS = auto()
    """The NewSessionTicket messages."""
    CERTIFICATE = auto()
    """Whether certificates were sent and asked for, which, and how the check of them went."""
    ENDING = auto()
    """How the connection ended after the handshake: whether on a ticket."""
    OFFER = auto()
    """The facts of the offered session: where it is from, and what it was made with."""
    PURPOSE = auto()
    """Why the connection was made."""
    CONTROL = auto()
    """Connections without a session that were made for comparison."""
    SECRET = auto()
    """The secrets of the sessions that were offered and issued."""
    ANSWER = auto()
    """What the application answered."""

    NOTHING = 0


#: A part of the evidence, as reports call it.
PartWord = Literal[
    "outcome", "tickets", "certificate", "ending", "offer", "purpose", "control", "secret",
    "answer",
]  # fmt: skip


def part_words(parts: Part) -> tuple[PartWord, ...]:
    """Parts by their words, in the order in which they are declared."""
    return tuple(cast("PartWord", (part.name or "").lower()) for part in Part if part in parts)


#: The alerts that answer a message which cannot be taken (RFC 8446 section 6.2).
BAD_MESSAGE_ALERTS = frozenset(
    {
        AlertDescription.decode_error,
        AlertDescription.illegal_parameter,
        AlertDescription.unexpected_message,
        AlertDescription.internal_error,
    }
)

#: "sent": early data was sent, and what became of it is not visible.
EarlyDataSeen = Literal["not-sent", "sent", "accepted", "rejected"]


class Allowed(Value, frozen=True, kw_only=True):
    """What a client allowed, read from its first ClientHello (RFC 8446 section 4.1.2).

    Numbers as on the wire, GREASE included. `versions` is empty without the extension, as
    before TLS 1.3. `tickets`: it has the extension of RFC 5077, which asks for a ticket of
    TLS 1.2. `psk_modes`: what it takes for sessions of TLS 1.3.
    """

    server_name: str | None = None
    legacy_version: int = ProtocolVersion.TLSv1_2
    versions: tuple[int, ...] = ()
    suites: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    alpn: tuple[bytes, ...] = ()
    tickets: bool = False
    psk_modes: tuple[int, ...] = ()
    extended_master_secret: bool = False
    early_data: bool = False

    def version(self, version: ProtocolVersion) -> bool:
        """Whether this version may be chosen."""
        return version in self.versions if self.versions else version <= self.legacy_version

    @staticmethod
    def by(hello: ClientHello) -> Allowed:
        """What a ClientHello allows; of those that allow the same it is one value."""
        tickets = hello.session_ticket is not None
        said = tuple(map(hello.extension, _TELLING))
        key = (hello.legacy_version, hello.cipher_suites, tickets, said)
        known = _allowed.get(key)
        if known is None:
            known = Allowed(
                server_name=hello.server_name,
                legacy_version=hello.legacy_version,
                versions=hello.supported_versions,
                suites=hello.cipher_suites,
                groups=hello.supported_groups,
                alpn=hello.alpn,
                tickets=tickets,
                psk_modes=hello.psk_modes,
                extended_master_secret=hello.offers_extended_master_secret,
                early_data=hello.early_data,
            )
            if len(_allowed) >= _MOST_ALLOWED:
                _allowed.clear()
            if (
                len(hello.cipher_suites) <= _MOST_SUITES
                and sum(map(len, filter(None, said))) < 1024
            ):
                _allowed[key] = known
        return known


#: The extensions that `Allowed` is read from, but that of tickets, whose body is the ticket.
_TELLING = (
    ExtensionType.server_name,
    ExtensionType.supported_versions,
    ExtensionType.supported_groups,
    ExtensionType.application_layer_protocol_negotiation,
    ExtensionType.psk_key_exchange_modes,
    ExtensionType.extended_master_secret,
    ExtensionType.early_data,
)

#: Connections of a probe allow the same few things: what is known of hellos that are not too long.
_allowed: dict[tuple[object, ...], Allowed] = {}
_MOST_ALLOWED, _MOST_SUITES = 64, 256


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

    @classmethod
    def of(
        cls,
        message: NewSessionTicket12 | NewSessionTicket13,
        at_ms: float,
        *,
        after_data: bool = False,
    ) -> Self:
        """The ticket of a message."""
        if isinstance(message, NewSessionTicket12):
            return cls(message.ticket, message.lifetime_hint, at_ms, after_data)
        return cls(
            message.ticket,
            message.lifetime,
            at_ms,
            after_data,
            age_add=message.age_add,
            nonce=message.nonce,
            max_early_data=message.max_early_data,
            extensions=tuple(int(extension.type) for extension in message.extensions),
        )


class Observation(Value, frozen=True, kw_only=True):
    """What one handshake showed.

    `time` is when the source first saw it, in seconds since 1970; `address` and `port` are the
    server's. `client` tells clients apart where the source sees several: an address, or what
    stands for one.

    Of OUTCOME: `offered` is the mechanism by which a session was offered (None: by none), `handle`
    the ticket or session ID that was offered. `accepted` is the server's answer on the wire;
    `resumed` is the word of the library that took part (SSL_session_reused(3)), so that bytes
    alone have none. `handshake_done`: on the side that saw it. `hello_size` is the length of the
    first ClientHello in its TLS records, in bytes; `answered_ms` the time from there to the
    server's first handshake message. `retry_group` is the group that a HelloRetryRequest asked
    for. `server_session_id` is the ServerHello's, b"" where that has none. `speaks_tls13`: a server that
    chose TLS 1.2 marks its random as one of TLS 1.3, too, does. `datagrams` tells what
    only QUIC and DTLS have.

    Of TICKETS: `tickets` in the order of their arrival. Of ENDING: `malformed_ticket`: the client
    ended the connection on a NewSessionTicket that it could not take.

    Of CERTIFICATE: `leaf` is the server's certificate in DER, where it was sent, `leaf_sha256` its
    hash in hexadecimal; `certificate_requested` and `certificate_wanted` (in words) are of the
    client's, `own_certificate` is the one that the client had to give (DER). `verification` is
    what the client made of the server's.
    """

    _hidden: ClassVar = frozenset({"handle", "leaf", "own_certificate"})

    visible: Part
    time: float
    address: str
    port: int
    transport: Transport = "tcp"
    client: str | None = None

    allowed: Allowed | None = None
    hello_size: int | None = None
    offered: Mechanism | None = None
    handle: bytes | None = None
    accepted: bool | None = None
    resumed: bool | None = None
    handshake_done: bool | None = None
    server_hello_seen: bool | None = None
    answered_ms: float | None = None
    hello_retry: bool | None = None
    retry_group: int | None = None
    tls_version: ProtocolVersion | None = None
    cipher: str | None = None
    suite: int | None = None
    group: str | None = None
    alpn: str | None = None
    server_session_id: bytes | None = None
    speaks_tls13: bool | None = None
    extended_master_secret: bool | None = None
    early_data: EarlyDataSeen | None = None
    alerts: tuple[AlertSeen, ...] | None = None
    traffic: Traffic | None = None
    datagrams: DatagramFacts | None = None

    tickets: tuple[Ticket, ...] | None = None
    malformed_ticket: bool | None = None

    certificate_seen: bool | None = None
    certificate_requested: bool | None = None
    certificate_wanted: str | None = None
    leaf: bytes | None = None
    leaf_sha256: str | None = None
    own_certificate: bytes | None = None
    verification: Verification | None = None
