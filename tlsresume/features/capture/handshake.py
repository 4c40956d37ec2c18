"""What the handshake messages of one captured connection say about resumption.

`Facts` takes whole messages of either side, over TCP or QUIC, as they come; a malformed one
is counted and says nothing. Which session was offered is for `seen` to judge, that knows
what servers issued before. Sections are of RFC 8446.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tlsresume.evidence.observation import Ticket
from tlsresume.tls.buffer import Reader, WireError, push_opaque, push_uint
from tlsresume.tls.extensions import PskIdentity
from tlsresume.tls.handshake import parse_handshake
from tlsresume.tls.messages import (
    ClientHello,
    EncryptedExtensions,
    NewSessionTicket12,
    NewSessionTicket13,
    ServerHello,
)
from tlsresume.tls.registry import ExtensionType, HandshakeType, ProtocolVersion, version_of

#: Drafts of TLS 1.3, and a deployment's own number of draft 26.
_DRAFTS = range(0x7F00, 0x8000)
_OWN_DRAFT = 0xFB1A
#: The first draft whose ServerHello has today's layout.
_FIRST_WITH_LAYOUT = 0x7F16
#: Tickets and hellos of one connection that are looked at.
_MOST_TICKETS = 16
_MOST_HELLOS = 2


class Packet(NamedTuple):
    """Where a message ended: the number of the file from 0, the packet in it from 1."""

    file: int
    number: int


def tls_version(number: int) -> ProtocolVersion | None:
    """The version behind a number on the wire; drafts of TLS 1.3 are TLS 1.3."""
    if number in _DRAFTS or number == _OWN_DRAFT:
        return ProtocolVersion.TLSv1_3
    return version_of(number)


class Facts:
    """What was read of one connection's handshake."""

    __slots__ = (
        "answer_packet", "early_data_accepted", "finished", "full", "hello_packet", "hello_time",
        "hellos", "opened", "problems", "retried", "server_hello", "tickets", "version",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hellos: list[ClientHello] = []
        #: Nanoseconds since 1970.
        self.hello_time = 0
        self.hello_packet: Packet | None = None
        self.server_hello: ServerHello | None = None
        self.answer_packet: Packet | None = None
        self.version: ProtocolVersion | None = None
        self.retried = False
        #: A message of the server that only a full handshake has.
        self.full = False
        #: The server's Finished, which in TLS 1.2 is encrypted.
        self.finished = False
        self.early_data_accepted: bool | None = None
        #: Whether a key log opens what the server sends after its Finished, in TLS 1.3.
        self.opened = False
        self.tickets: list[Ticket] = []
        self.problems = 0

    @property
    def hello(self) -> ClientHello | None:
        """The last ClientHello: what the ServerHello answers."""
        return self.hellos[-1] if self.hellos else None

    @property
    def certain_to_be_done(self) -> bool:
        """Whether nothing more can be learned without keys."""
        if self.server_hello is None:
            return False
        if self.version is ProtocolVersion.TLSv1_3:
            return True
        promised = self.server_hello.session_ticket_promised
        return self.finished or (self.full and not promised)

    def from_client(self, message: bytes, time: int, packet: Packet) -> None:
        """Take one message of the client."""
        if message[0] != HandshakeType.client_hello or len(self.hellos) >= _MOST_HELLOS:
            return
        try:
            hello = parse_handshake(message, None)
        except WireError:
            self.problems += 1
            return
        if isinstance(hello, ClientHello) and (not self.hellos or self.server_hello is None):
            if not self.hellos:
                self.hello_time, self.hello_packet = time, packet
            self.hellos.append(hello)

    def from_server(self, message: bytes, packet: Packet) -> None:
        """Take one message of the server."""
        kind = message[0]
        if kind == HandshakeType.server_hello:
            self._server_hello(message, packet)
        elif kind == HandshakeType.finished:
            self.finished = True
        elif kind in _ONLY_FULL:
            self.full = True
        elif kind in _READ and self.version is not None:
            try:
                self._other(message)
            except WireError:
                self.problems += 1

    def _server_hello(self, message: bytes, packet: Packet) -> None:
        if self.server_hello is not None:
            return
        try:
            hello = parse_handshake(_as_final(message), None)
        except WireError:
            self.problems += 1
            return
        if not isinstance(hello, ServerHello):
            return
        self.version = tls_version(hello.version)
        if hello.is_hello_retry_request:
            self.retried = True
        else:
            self.server_hello, self.answer_packet = hello, packet

    def _other(self, message: bytes) -> None:
        value = parse_handshake(message, self.version)
        if isinstance(value, EncryptedExtensions):
            self.early_data_accepted = value.early_data_accepted
        elif (
            isinstance(value, NewSessionTicket12 | NewSessionTicket13)
            and value.ticket
            and len(self.tickets) < _MOST_TICKETS
        ):
            self.tickets.append(Ticket.of(value, 0.0))

    # ----------------------------------------------------------- resumption

    @property
    def encrypted_hello(self) -> bool:
        """Whether the last ClientHello is the outer one of Encrypted ClientHello (RFC 9849),
        or looks like it (GREASE), so that what it offers says nothing.

        A server that answers with TLS 1.2 has taken the outer one.
        """
        hello = self.hello
        if hello is None or hello.extension(ExtensionType.encrypted_client_hello) is None:
            return False
        return self.server_hello is None or self.version is ProtocolVersion.TLSv1_3

    def accepted(self) -> bool | None:
        """Whether the server resumed a session; None where that is not visible.

        Before TLS 1.3 it echoes the session ID; where a ticket was offered without an ID,
        only the messages that follow tell (RFC 5077 section 3.4).
        """
        client, server = self.hello, self.server_hello
        if server is None or client is None or self.version is None:
            return None
        if self.version is ProtocolVersion.TLSv1_3:
            return server.selected_identity is not None
        if self.full:
            return False
        if client.session_id or not client.session_ticket:
            return bool(client.session_id) and client.session_id == server.session_id
        return True if self.finished else None

    def early_data(self) -> Literal["offered", "accepted", "rejected"] | None:
        """What became of early data; "offered" where the answer is not visible."""
        if not self.hellos or not self.hellos[0].early_data:
            return None
        if self.early_data_accepted is not None:
            return "accepted" if self.early_data_accepted else "rejected"
        # Section 4.2.10: it goes with the first PSK, and never past a HelloRetryRequest.
        refused = self.server_hello is not None and (
            self.version is not ProtocolVersion.TLSv1_3 or self.server_hello.selected_identity != 0
        )
        return "rejected" if self.retried or refused else "offered"


#: Of TLS 1.2 and TLS 1.3: a resumed handshake has none of them.
_ONLY_FULL = frozenset(
    {
        HandshakeType.certificate,
        HandshakeType.compressed_certificate,
        HandshakeType.server_key_exchange,
        HandshakeType.server_hello_done,
    }
)
_READ = frozenset({HandshakeType.encrypted_extensions, HandshakeType.new_session_ticket})


def _as_final(message: bytes) -> bytes:
    """A ServerHello of a draft before 22 in today's layout: those have no session ID, no
    compression method, and the version in the legacy field."""
    version = int.from_bytes(message[4:6], "big")
    if version not in _DRAFTS or version >= _FIRST_WITH_LAYOUT:
        return message
    reader = Reader(message[6:])
    random, suite = reader.pull_bytes(32), reader.pull_bytes(2)
    extensions = reader.pull_opaque(2)
    supported = push_uint(ExtensionType.supported_versions, 2) + push_opaque(message[4:6], 2)
    body = b"\x03\x03" + random + b"\x00" + suite + b"\x00"
    return message[:1] + push_opaque(body + push_opaque(extensions + supported, 2), 3)


def is_external(psk: PskIdentity) -> bool:
    """Whether a PSK was not given by a ticket, as far as one can tell.

    An external one has the ticket age 0 (section 4.2.11), and an identity that people chose:
    short, or printable, or imported (RFC 9258 section 3.1).
    """
    if psk.obfuscated_ticket_age:
        return False
    identity = psk.identity
    short = len(identity) < _SHORTEST_TICKET
    return short or all(0x20 <= byte < 0x7F for byte in identity) or _is_imported(identity)


#: Erlang's stateful tickets have 16 bytes.
_SHORTEST_TICKET = 16


def _is_imported(identity: bytes) -> bool:
    reader = Reader(identity)
    try:
        reader.pull_opaque(2, minimum=1)
        reader.pull_opaque(2)
        protocol = reader.pull_uint16()
        reader.pull_uint16()
        reader.end()
    except WireError:
        return False
    return protocol in (ProtocolVersion.TLSv1_3, 0xFEFC)
