"""A server of QUIC for tests of early data, of the versions and of what a copy meets: aioquic's.

It answers any HTTP/3 request with a status, and any other stream with what came on it. What it
executed stands in a log: the truth beside what a client can decrypt.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

from tlsresume.tls.quic_initial import packets
from tlsresume.transports.quic import binding

#: RFC 8470 section 5.2: Too Early.
_TOO_EARLY = 425


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyService:
    """What connections to one server share. `certificate_pem` holds the chain, the leaf first.

    `issues`: tickets are given; `honours`: they are accepted. `tickets` is the server's memory
    of them: servers that share it are one. Its early data: `takes_early_data` or resumes
    without; `single_use`: a ticket is good for one connection; `answers_early`: requests are
    answered at once, else when the handshake is done; `too_early`: they get a 425 before that.
    `known_ids`: packets that bear the ID of an earlier connection get no answer; None: they
    are a new connection's. `executed` is the log: the path of each request that was answered.
    `versions` are QUIC's, by number, the preferred one first.
    """

    certificate_pem: bytes
    key_pem: bytes
    alpn: tuple[str, ...] = ("h3",)
    issues: bool = True
    honours: bool = True
    takes_early_data: bool = True
    single_use: bool = False
    answers_early: bool = True
    too_early: bool = False
    known_ids: set[bytes] | None = None
    versions: tuple[int, ...] = binding.VERSIONS
    tickets: dict[bytes, Any] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)

    def side(self) -> EarlyServerSide:
        """The server's side of a new connection."""
        return EarlyServerSide(self)


class EarlyServerSide:
    """One connection. What is no QUIC is dropped, and never raised."""

    def __init__(self, service: EarlyService) -> None:
        self._service = service
        self._connection: Any = None
        self._h3: Any = None
        self._done = False
        #: Requests that wait until the handshake is done: stream and path.
        self._waiting: list[tuple[int, str]] = []
        #: A Version Negotiation packet for a client that begins with another version.
        self._negotiation = b""

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram."""
        # Whatever bytes of a client do inside the library, others are served.
        with contextlib.suppress(Exception):
            if self._connection is None:
                self._connection = self._accept(data)
            if self._connection is None:
                return
            self._connection.receive_datagram(data, ("client", 0), now=now)
            while (event := self._connection.next_event()) is not None:
                self._answer(event)

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""
        if self._connection is None:
            negotiation, self._negotiation = self._negotiation, b""
            return [negotiation] if negotiation else []
        return [data for data, _ in self._connection.datagrams_to_send(now=now)]

    def timer(self) -> float | None:
        """When `on_timer` is due."""
        at: float | None = self._connection.get_timer() if self._connection is not None else None
        return at

    def on_timer(self, now: float) -> None:
        """Send again what was not acknowledged, or give up."""
        with contextlib.suppress(Exception):
            self._connection.handle_timer(now=now)

    def _accept(self, data: bytes) -> Any:
        """The connection that a datagram begins; None where it begins with a QUIC version that is
        not spoken here. Raises ValueError for what begins none."""
        from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it re-exports it
        from aioquic.quic.configuration import QuicConfiguration
        from aioquic.quic.packet import encode_quic_version_negotiation, pull_quic_header
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        service = self._service
        header = pull_quic_header(Buffer(data=data), host_cid_length=8)
        if header.version not in service.versions:
            self._negotiation = encode_quic_version_negotiation(
                source_cid=header.destination_cid,
                destination_cid=header.source_cid,
                supported_versions=list(service.versions),
            )
            return None
        if service.known_ids is not None:
            if header.destination_cid in service.known_ids:
                raise ValueError("a packet of an earlier connection")
            service.known_ids.update(p.destination for p in packets(data))
        configuration = QuicConfiguration(
            is_client=False,
            alpn_protocols=list(service.alpn),
            supported_versions=list(service.versions),
        )
        leaf, *chain = x509.load_pem_x509_certificates(service.certificate_pem)
        configuration.certificate = leaf
        configuration.certificate_chain = chain
        configuration.private_key = load_pem_private_key(service.key_pem, None)
        return server_connection(
            takes_early_data=service.takes_early_data,
            configuration=configuration,
            original_destination_connection_id=header.destination_cid,
            session_ticket_fetcher=self._fetch if service.issues else None,
            session_ticket_handler=self._keep if service.issues else None,
        )

    def _keep(self, ticket: Any) -> None:
        self._service.tickets[ticket.ticket] = ticket

    def _fetch(self, label: bytes) -> Any:
        if not self._service.honours:
            return None
        tickets = self._service.tickets
        return tickets.pop(label, None) if self._service.single_use else tickets.get(label)

    def _answer(self, event: Any) -> None:
        from aioquic.h3.connection import H3Connection
        from aioquic.h3.events import HeadersReceived
        from aioquic.quic import events

        if isinstance(event, events.ProtocolNegotiated) and (event.alpn_protocol or "") == "h3":
            self._h3 = H3Connection(self._connection)
        if isinstance(event, events.HandshakeCompleted):
            self._done = True
            for stream, path in self._waiting:
                self._execute(stream, path)
            self._waiting.clear()
        if self._h3 is not None:
            for each in self._h3.handle_event(event):
                if isinstance(each, HeadersReceived):
                    path = dict(each.headers).get(b":path", b"").decode("latin-1")
                    if self._done or self._service.answers_early:
                        self._execute(each.stream_id, path)
                    else:
                        self._waiting.append((each.stream_id, path))
        elif isinstance(event, events.StreamDataReceived) and event.end_stream:
            self._connection.send_stream_data(event.stream_id, event.data, end_stream=True)

    def _execute(self, stream: int, path: str) -> None:
        early = self._service.too_early and not self._done
        if not early:
            self._service.executed.append(path)
        status = str(_TOO_EARLY if early else 200).encode()
        fields = [(b":status", status), (b"server", b"tlsresume")]
        self._h3.send_headers(stream, fields, end_stream=True)


def server_connection(*, takes_early_data: bool, **arguments: Any) -> Any:
    """A server's QuicConnection, that prefers QUIC versions in the order of its configuration,
    where aioquic's goes by the client's (RFC 9368 section 2.3 leaves it to the server). Aioquic's
    takes any early data that is offered; one that does not resumes without it (RFC 8446 section
    4.2.10)."""
    from aioquic.quic.connection import QuicConnection
    from aioquic.tls import Epoch

    class Preferring(QuicConnection):
        """Has an order of versions of its own."""

        def _parse_transport_parameters(self, *arguments: Any, **named: Any) -> None:
            super()._parse_transport_parameters(*arguments, **named)
            theirs = self._remote_version_information
            if theirs is not None:
                ours = self._configuration.supported_versions
                both = [version for version in ours if version in theirs.available_versions]
                self._remote_version_information = replace(theirs, available_versions=both)

    class Declining(Preferring):
        """Resumes, and takes no early data."""

        def _initialize(self, peer_cid: bytes) -> None:
            super()._initialize(peer_cid)
            context = self.tls
            install = context.update_traffic_key_cb

            def told(direction: Any, epoch: Any, suite: Any, secret: bytes) -> None:
                if epoch == Epoch.ZERO_RTT:
                    context.early_data_accepted = False
                else:
                    install(direction, epoch, suite, secret)

            context.update_traffic_key_cb = told

    return (Preferring if takes_early_data else Declining)(**arguments)
