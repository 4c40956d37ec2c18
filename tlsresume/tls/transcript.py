"""What passed on one connection, in order, and what that says about resumption.

A `Transcript` is the frozen outcome of a `Recorder` (recorder.py). It parses
what it is asked for; a message that is malformed stays an entry and is named in `problems`,
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

from functools import cached_property
from typing import Literal, TypeVar

from tlsresume.tls.buffer import WireError
from tlsresume.tls.entry import Entry, Role, parse_entry
from tlsresume.tls.handshake import parse_alert
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
    "Role",
    "Transcript",
]

M = TypeVar("M", bound=Message)

OfferedForm = Literal["psk", "ticket", "session-id"]

#: Up to Python 3.11 each look at a member of an enum is a call; a name of its own is none.
_CLIENT = Role.CLIENT
_SERVER = Role.SERVER
_TLS13 = ProtocolVersion.TLSv1_3
_FINISHED = HandshakeType.finished
_NEW_SESSION_TICKET = HandshakeType.new_session_ticket
_CERTIFICATE = HandshakeType.certificate
_CERTIFICATE_REQUEST = HandshakeType.certificate_request
_ENCRYPTED_EXTENSIONS = HandshakeType.encrypted_extensions
_SERVER_HELLO_DONE = HandshakeType.server_hello_done
_ALERT = ContentType.alert

_HELLO_TYPES = frozenset({HandshakeType.client_hello, HandshakeType.server_hello})

_CERTIFICATES = frozenset({_CERTIFICATE, HandshakeType.compressed_certificate})


class _Hellos(Value, frozen=True):
    """The hellos of each side in the first handshake, which ends before the entry `end`.

    `version` is the negotiated one; messages have it after the entry `since`. The types are of
    all handshake messages until `end`.
    """

    client: tuple[ClientHello, ...]
    server: tuple[ServerHello, ...]
    version: ProtocolVersion | None
    since: int
    end: int
    client_types: frozenset[int | None]
    server_types: frozenset[int | None]


class Transcript(Value, frozen=True, dict=True):
    """Every handshake message and alert of one connection, and what can be read from them.

    `omitted` counts messages that came after KEPT_BYTES_LIMIT was spent. `ours`: the side whose
    messages a library of ours wrote; its ClientHello is read without suspicion.
    """

    entries: tuple[Entry, ...] = ()
    omitted: int = 0
    ours: Role | None = None

    # ------------------------------------------------------------- messages

    @property
    def messages(self) -> tuple[Message | Alert | None, ...]:
        """One value per entry; None where the bytes are malformed."""
        return tuple(map(self._message, range(len(self.entries))))

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, one line each."""
        from tlsresume.tls.describe import name_and_size

        problems = [
            f"{entry.sender.value}'s {name_and_size(entry)}: {self._malformed[n]}"
            for n, (entry, message) in enumerate(zip(self.entries, self.messages, strict=True))
            if message is None
        ]
        if self.omitted:
            problems.append(f"{self.omitted} more messages were too many to keep")
        return tuple(problems)

    @property
    def version(self) -> ProtocolVersion | None:
        """The negotiated version (a HelloRetryRequest settles it too), None if not known."""
        return self._hellos.version

    @property
    def client_hellos(self) -> tuple[ClientHello, ...]:
        """One, or two around a HelloRetryRequest."""
        return self._hellos.client

    @property
    def client_hello(self) -> ClientHello | None:
        """The last one: what the ServerHello answers."""
        hellos = self._hellos.client
        return hellos[-1] if hellos else None

    @property
    def hello_retry_request(self) -> ServerHello | None:
        """Section 4.1.4."""
        for hello in self._hellos.server:
            if hello.is_hello_retry_request:
                return hello
        return None

    @property
    def server_hello(self) -> ServerHello | None:
        """The one that is no HelloRetryRequest."""
        for hello in self._hellos.server:
            if not hello.is_hello_retry_request:
                return hello
        return None

    @property
    def encrypted_extensions(self) -> EncryptedExtensions | None:
        """TLS 1.3 only (section 4.3.1)."""
        return self._first(_ENCRYPTED_EXTENSIONS, EncryptedExtensions)

    @property
    def certificate_request(self) -> CertificateRequest12 | CertificateRequest13 | None:
        """The server's wish for a client certificate."""
        number = _CERTIFICATE_REQUEST
        return self._first(number, CertificateRequest12) or self._first(
            number, CertificateRequest13
        )

    @property
    def certificate(self) -> CertificateMessage | None:
        """The server's chain; None also where it was compressed or too much to keep."""
        return self._first(_CERTIFICATE, CertificateMessage)

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
        found = []
        for n in self._of_server(_NEW_SESSION_TICKET, len(self.entries)):
            message = self._message(n)
            if isinstance(message, NewSessionTicket12 | NewSessionTicket13):
                found.append((self.entries[n], message))
        return tuple(found)

    @property
    def alerts(self) -> tuple[tuple[Entry, Alert], ...]:
        """Of both sides, in the order in which they passed. No other message is parsed for it."""
        found = []
        for entry in self.entries:
            # Those of the handshake have a type, unless they are empty.
            if entry.handshake_type is None and entry.content_type == _ALERT:
                try:
                    found.append((entry, parse_alert(entry.raw)))
                except WireError:
                    continue
        return tuple(found)

    @property
    def certificate_seen(self) -> bool:
        """Whether the server sent a Certificate message, readable or not."""
        return not _CERTIFICATES.isdisjoint(self._hellos.server_types)

    @property
    def finished_by(self) -> frozenset[Role]:
        """Who sent a Finished message."""
        hellos, finished = self._hellos, _FINISHED
        types = {_CLIENT: hellos.client_types, _SERVER: hellos.server_types}
        return frozenset(role for role, sent in types.items() if finished in sent)

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
        if hello.session_id and _TLS13 not in hello.supported_versions:
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
        if server.version >= _TLS13:
            return server.selected_identity is not None
        if client is None:
            return None
        sent = self._hellos.server_types
        if self.certificate_seen or _SERVER_HELLO_DONE in sent:
            return False
        if client.session_id or not client.session_ticket:
            return self.session_id_echoed
        return True if _FINISHED in sent else None

    @property
    def early_data_offered(self) -> bool:
        """Whether the first ClientHello announced early data (section 4.2.10).

        The first, because after a HelloRetryRequest there is none any more.
        """
        hellos = self._hellos.client
        return bool(hellos) and hellos[0].early_data

    @property
    def early_data_accepted(self) -> bool | None:
        """Whether the server took it; None where no EncryptedExtensions was visible."""
        message = self.encrypted_extensions
        return None if message is None else message.early_data_accepted

    @property
    def extended_master_secret(self) -> bool | None:
        """Whether it was negotiated (RFC 7627); None in TLS 1.3, and without a ServerHello."""
        server = self.server_hello
        if server is None or server.version >= _TLS13:
            return None
        return server.extended_master_secret

    # -------------------------------------------------------------- parsing

    @cached_property
    def _hellos(self) -> _Hellos:
        client: list[ClientHello] = []
        server: list[ServerHello] = []
        version: ProtocolVersion | None = None
        answered, since, end = False, len(self.entries), len(self.entries)
        for n, entry in enumerate(self.entries):
            if entry.handshake_type not in _HELLO_TYPES:
                continue
            message = self._parse(n, None)
            if isinstance(message, ServerHello) and entry.sender is _SERVER:
                if version is None:
                    version, since = version_of(message.version), n
                answered = answered or not message.is_hello_retry_request
                if n < end:
                    server.append(message)
            elif isinstance(message, ClientHello):
                if answered:
                    end = min(end, n)
                elif entry.sender is _CLIENT:
                    client.append(message)
        first = self.entries[:end]
        return _Hellos(
            client=tuple(client),
            server=tuple(server),
            version=version,
            since=since,
            end=end,
            client_types=frozenset([e.handshake_type for e in first if e.sender is _CLIENT]),
            server_types=frozenset([e.handshake_type for e in first if e.sender is _SERVER]),
        )

    @cached_property
    def _known(self) -> dict[int, Message | Alert | None]:
        """The messages that were asked for until now, by entry; None: malformed."""
        return {}

    @cached_property
    def _malformed(self) -> dict[int, str]:
        """What is wrong with the malformed ones of them."""
        return {}

    def _message(self, n: int) -> Message | Alert | None:
        hellos = self._hellos
        return self._parse(n, hellos.version if n > hellos.since else None)

    def _parse(self, n: int, version: ProtocolVersion | None) -> Message | Alert | None:
        known = self._known
        if n not in known:
            entry = self.entries[n]
            try:
                known[n] = parse_entry(entry, version, ours=entry.sender is self.ours)
            except WireError as error:
                known[n], self._malformed[n] = None, error.message
        return known[n]

    def _of_server(self, handshake_type: HandshakeType, end: int) -> list[int]:
        """The entries before `end` that are the server's messages of a type."""
        return [
            n
            for n, entry in enumerate(self.entries[:end])
            if entry.handshake_type == handshake_type and entry.sender is _SERVER
        ]

    def _first(self, handshake_type: HandshakeType, kind: type[M]) -> M | None:
        """The server's first sound message of a type in the first handshake."""
        if handshake_type not in self._hellos.server_types:
            return None
        for n in self._of_server(handshake_type, self._hellos.end):
            message = self._message(n)
            if isinstance(message, kind):
                return message
        return None
