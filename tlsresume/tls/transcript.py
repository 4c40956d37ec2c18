"""What passed on one connection, in order, and what that says about resumption.

A `Recorder` runs inside OpenSSL's message callback: it only stores bytes, and no
bytes of a peer make it raise. A `Transcript` is its frozen outcome. It parses on
first use; a message that is malformed stays an entry and is named in `problems`,
and whatever would have been read from it is None, empty or False.

Entries name the sender's role, never "read" or "written", so that a client, a
server and a capture can all make one. Not everything is visible everywhere: a
capture sees no message of TLS 1.3 after the ServerHello; a Certificate can be
compressed (RFC 8879), which counts as seen but gives no leaf; and messages that
hold only keys and signatures are kept without their bytes.

All properties but `alerts` and `new_session_tickets` speak of the connection's first
handshake: a TLS 1.2 renegotiation is another question. Sections are of RFC 8446
unless another RFC is named.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Literal, TypeVar, cast

from tlsresume.tls.buffer import WireError
from tlsresume.tls.entry import Entry, Role, parse_entry
from tlsresume.tls.handshake import PARSERS, parse_alert
from tlsresume.tls.messages import (
    Alert,
    CertificateMessage,
    CertificateRequest12,
    CertificateRequest13,
    ClientHello,
    EncryptedExtensions,
    Message,
    NewSessionTicket12,
    NewSessionTicket13,
    ServerHello,
)
from tlsresume.tls.registry import ContentType, HandshakeType, ProtocolVersion, version_of
from tlsresume.value import Value

__all__ = [
    "Entry",
    "OfferedForm",
    "Recorder",
    "Role",
    "Transcript",
]

M = TypeVar("M", bound=Message)

OfferedForm = Literal["psk", "ticket", "session-id"]

#: Handshake types whose bytes are kept: those with something to read in them.
KEPT_TYPES: frozenset[int] = frozenset(
    number for parsers in PARSERS.values() for number in parsers
) - {HandshakeType.finished}

#: Bytes of messages that one connection may make us keep. An honest one needs 8 KB;
#: one certificate chain or ticket can have 100 KB before OpenSSL refuses it.
KEPT_BYTES_LIMIT = 4 << 20

#: What an entry costs beside its bytes, roughly; so that empty messages count too.
ENTRY_COST = 256


class Recorder:
    """Collects a connection's messages as they pass; never raises on what a peer sent."""

    __slots__ = ("_cost", "_entries", "_omitted")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._cost = 0
        self._omitted = 0

    def handshake(
        self, sender: Role, raw: bytes, at_ms: float, after_data: bool = False
    ) -> Entry | None:
        """Note one handshake message with its 4-byte header, and return its entry.

        None where the connection has sent more than KEPT_BYTES_LIMIT.
        """
        type_ = raw[0] if raw else None
        kept = bytes(raw) if type_ in KEPT_TYPES else b""
        self._cost += len(kept) + ENTRY_COST
        if self._cost > KEPT_BYTES_LIMIT:
            self._omitted += 1
            return None
        entry = Entry(sender, ContentType.handshake, kept, at_ms, len(raw), after_data, type_)
        self._entries.append(entry)
        return entry

    def alert(self, sender: Role, raw: bytes, at_ms: float) -> Entry:
        """Note one alert, two bytes, and return its entry."""
        entry = Entry(sender, ContentType.alert, bytes(raw[:16]), at_ms, len(raw))
        self._entries.append(entry)
        return entry

    def transcript(self) -> Transcript:
        """All that was noted until now."""
        return Transcript(tuple(self._entries), self._omitted)


_ByKind = dict[type, tuple[Message | Alert, ...]]


class _Parsed(Value, frozen=True):
    messages: tuple[Message | Alert | None, ...]  # one per entry, None: malformed
    problems: tuple[str, ...]
    version: ProtocolVersion | None
    of_client: _ByKind  # of the first handshake
    of_server: _ByKind
    sent: frozenset[tuple[Role, int | None]]  # sender and type, in the first handshake


class Transcript(Value, frozen=True, dict=True):
    """Every handshake message and alert of one connection, and what can be read from them.

    `omitted` counts messages that came after KEPT_BYTES_LIMIT was spent.
    """

    entries: tuple[Entry, ...] = ()
    omitted: int = 0

    # ------------------------------------------------------------- messages

    @property
    def messages(self) -> tuple[Message | Alert | None, ...]:
        """One value per entry; None where the bytes are malformed."""
        return self._parsed.messages

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, one line each."""
        return self._parsed.problems

    @property
    def version(self) -> ProtocolVersion | None:
        """The negotiated version (a HelloRetryRequest settles it too), None if not known."""
        return self._parsed.version

    @property
    def client_hellos(self) -> tuple[ClientHello, ...]:
        """One, or two around a HelloRetryRequest."""
        return self._all(ClientHello, Role.CLIENT)

    @property
    def client_hello(self) -> ClientHello | None:
        """The last one: what the ServerHello answers."""
        return self.client_hellos[-1] if self.client_hellos else None

    @property
    def hello_retry_request(self) -> ServerHello | None:
        """Section 4.1.4."""
        hellos = self._all(ServerHello, Role.SERVER)
        return next((hello for hello in hellos if hello.is_hello_retry_request), None)

    @property
    def server_hello(self) -> ServerHello | None:
        """The one that is no HelloRetryRequest."""
        hellos = self._all(ServerHello, Role.SERVER)
        return next((hello for hello in hellos if not hello.is_hello_retry_request), None)

    @property
    def encrypted_extensions(self) -> EncryptedExtensions | None:
        """TLS 1.3 only (section 4.3.1)."""
        return self._first(EncryptedExtensions)

    @property
    def certificate_request(self) -> CertificateRequest12 | CertificateRequest13 | None:
        """The server's wish for a client certificate."""
        return self._first(CertificateRequest12) or self._first(CertificateRequest13)

    @property
    def certificate(self) -> CertificateMessage | None:
        """The server's chain; None also where it was compressed or too much to keep."""
        return self._first(CertificateMessage)

    @property
    def leaf_certificate(self) -> bytes | None:
        """The server's own certificate in DER."""
        message = self.certificate
        return message.certificates[0] if message and message.certificates else None

    @property
    def new_session_tickets(
        self,
    ) -> tuple[tuple[Entry, NewSessionTicket12 | NewSessionTicket13], ...]:
        """In the order in which they came."""
        return tuple(
            (entry, message)
            for entry, message in zip(self.entries, self.messages, strict=True)
            if isinstance(message, NewSessionTicket12 | NewSessionTicket13)
            and entry.sender is Role.SERVER
        )

    @property
    def alerts(self) -> tuple[tuple[Entry, Alert], ...]:
        """Of both sides, in the order in which they passed. No other message is parsed for it."""
        found = []
        for entry in self.entries:
            if entry.content_type == ContentType.alert:
                with contextlib.suppress(WireError):
                    found.append((entry, parse_alert(entry.raw)))
        return tuple(found)

    @property
    def certificate_seen(self) -> bool:
        """Whether the server sent a Certificate message, readable or not."""
        return self._sent(Role.SERVER, HandshakeType.certificate) or self._sent(
            Role.SERVER, HandshakeType.compressed_certificate
        )

    @property
    def finished_by(self) -> frozenset[Role]:
        """Who sent a Finished message."""
        return frozenset(role for role in Role if self._sent(role, HandshakeType.finished))

    # ----------------------------------------------------------- resumption

    @property
    def offered(self) -> OfferedForm | None:
        """How the last ClientHello offers a session, None if it seems to offer none.

        A ClientHello that allows TLS 1.3 carries a session ID in any case (section
        D.4), so there the session ID says nothing; `offered_form` can tell.
        """
        hello = self.client_hello
        if hello is None:
            return None
        if hello.psk_identities:
            return "psk"
        if hello.session_ticket:
            return "ticket"
        if hello.session_id and ProtocolVersion.TLSv1_3 not in hello.supported_versions:
            return "session-id"
        return None

    def offered_form(self, session_id: bytes | None, ticket: bytes | None) -> OfferedForm | None:
        """How the last ClientHello offers exactly the session with that ID and ticket.

        None where neither is in it. A ticket's session ID goes with the ticket
        (RFC 5077 section 3.4), so the ticket is looked for first.
        """
        hello = self.client_hello
        if hello is None:
            return None
        if ticket and any(psk.identity == ticket for psk in hello.psk_identities):
            return "psk"
        if ticket and hello.session_ticket == ticket:
            return "ticket"
        if session_id and hello.session_id == session_id:
            return "session-id"
        return None

    @property
    def session_id_echoed(self) -> bool:
        """Whether the ServerHello repeats the ClientHello's session ID.

        In TLS 1.2 that accepts a session (RFC 5246 section 7.4.1.3), in TLS 1.3 it
        means nothing.
        """
        client, server = self.client_hello, self.server_hello
        if client is None or server is None or not client.session_id:
            return False
        return client.session_id == server.session_id

    @property
    def accepted(self) -> bool | None:
        """Whether the server resumed a session, by the wire alone; None: not (yet) visible.

        TLS 1.3: it selected a PSK. Before: it echoed the session ID, and did not go on
        with a full handshake all the same. Where a ticket was offered without a
        session ID, only the messages that follow tell (RFC 5077 section 3.4).
        """
        client, server = self.client_hello, self.server_hello
        if server is None:
            return None
        if server.version >= ProtocolVersion.TLSv1_3:
            return server.selected_identity is not None
        if client is None:
            return None
        if self.certificate_seen or self._sent(Role.SERVER, HandshakeType.server_hello_done):
            return False
        if client.session_id or not client.session_ticket:
            return self.session_id_echoed
        return True if Role.SERVER in self.finished_by else None

    @property
    def early_data_offered(self) -> bool:
        """Whether the first ClientHello announced early data (section 4.2.10).

        The first, because after a HelloRetryRequest there is none any more.
        """
        return bool(self.client_hellos) and self.client_hellos[0].early_data

    @property
    def early_data_accepted(self) -> bool | None:
        """Whether the server took it; None where no EncryptedExtensions was visible."""
        message = self.encrypted_extensions
        return None if message is None else message.early_data_accepted

    @property
    def extended_master_secret(self) -> bool | None:
        """Whether it was negotiated (RFC 7627); None in TLS 1.3, and without a ServerHello."""
        server = self.server_hello
        if server is None or server.version >= ProtocolVersion.TLSv1_3:
            return None
        return server.extended_master_secret

    # -------------------------------------------------------------- parsing

    @cached_property
    def _parsed(self) -> _Parsed:
        messages: list[Message | Alert | None] = []
        problems: list[str] = []
        version: ProtocolVersion | None = None
        answered, first_handshake = False, len(self.entries)
        for n, entry in enumerate(self.entries):
            try:
                message = parse_entry(entry, version)
            except WireError as error:
                message = None
                from tlsresume.tls.describe import name_and_size

                problems.append(f"{entry.sender.value}'s {name_and_size(entry)}: {error.message}")
            if isinstance(message, ServerHello) and entry.sender is Role.SERVER:
                version = version or version_of(message.version)
                answered = answered or not message.is_hello_retry_request
            elif isinstance(message, ClientHello) and answered:
                first_handshake = min(first_handshake, n)
            messages.append(message)
        if self.omitted:
            problems.append(f"{self.omitted} more messages were too many to keep")
        of_client: _ByKind = {}
        of_server: _ByKind = {}
        sent = set()
        for entry, message in zip(self.entries[:first_handshake], messages, strict=False):
            sent.add((entry.sender, entry.handshake_type))
            if message is not None:
                by_kind = of_client if entry.sender is Role.CLIENT else of_server
                by_kind[type(message)] = (*by_kind.get(type(message), ()), message)
        return _Parsed(
            tuple(messages), tuple(problems), version, of_client, of_server, frozenset(sent)
        )

    def _all(self, kind: type[M], sender: Role) -> tuple[M, ...]:
        parsed = self._parsed
        by_kind = parsed.of_client if sender is Role.CLIENT else parsed.of_server
        return cast("tuple[M, ...]", by_kind.get(kind, ()))

    def _first(self, kind: type[M]) -> M | None:
        found = self._all(kind, Role.SERVER)
        return found[0] if found else None

    def _sent(self, sender: Role, handshake_type: HandshakeType) -> bool:
        return (sender, handshake_type) in self._parsed.sent
