"""The server's side of QUIC, sans IO, for `selftest` and tests: aioquic's own server.

It answers any HTTP/3 request with status 200, and any other stream with what came on it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class QUICService:
    """What connections to one server share. `certificate_pem` holds the chain, the leaf first.

    `issues`: tickets are given; `honours`: they are accepted. `tickets` is the server's memory
    of them: servers that share it are one.
    """

    certificate_pem: bytes
    key_pem: bytes
    alpn: tuple[str, ...] = ("h3",)
    issues: bool = True
    honours: bool = True
    tickets: dict[bytes, Any] = field(default_factory=dict)

    def side(self) -> QUICServerSide:
        """The server's side of a new connection."""
        return QUICServerSide(self)


class QUICServerSide:
    """One connection. What is no QUIC is dropped, and never raised."""

    def __init__(self, service: QUICService) -> None:
        self._service = service
        self._connection: Any = None
        self._h3: Any = None

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram."""
        # Whatever bytes of a client do inside the library, others are served.
        with contextlib.suppress(Exception):
            if self._connection is None:
                self._connection = self._accept(data)
            self._connection.receive_datagram(data, ("client", 0), now=now)
            while (event := self._connection.next_event()) is not None:
                self._answer(event)

    def datagrams(self, now: float) -> list[bytes]:
        """What must be sent now."""
        if self._connection is None:
            return []
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
        """Raises ValueError for what begins no connection."""
        from aioquic.buffer import Buffer  # type: ignore[attr-defined]  # it re-exports it
        from aioquic.quic.configuration import QuicConfiguration
        from aioquic.quic.connection import QuicConnection
        from aioquic.quic.packet import pull_quic_header
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        service = self._service
        header = pull_quic_header(Buffer(data=data), host_cid_length=8)
        configuration = QuicConfiguration(is_client=False, alpn_protocols=list(service.alpn))
        leaf, *chain = x509.load_pem_x509_certificates(service.certificate_pem)
        configuration.certificate = leaf
        configuration.certificate_chain = chain
        configuration.private_key = load_pem_private_key(service.key_pem, None)
        return QuicConnection(
            configuration=configuration,
            original_destination_connection_id=header.destination_cid,
            session_ticket_fetcher=self._fetch if service.issues else None,
            session_ticket_handler=self._keep if service.issues else None,
        )

    def _keep(self, ticket: Any) -> None:
        self._service.tickets[ticket.ticket] = ticket

    def _fetch(self, label: bytes) -> Any:
        return self._service.tickets.get(label) if self._service.honours else None

    def _answer(self, event: Any) -> None:
        from aioquic.h3.connection import H3Connection
        from aioquic.h3.events import HeadersReceived
        from aioquic.quic import events

        if isinstance(event, events.HandshakeCompleted) and (event.alpn_protocol or "") == "h3":
            self._h3 = H3Connection(self._connection)
        if self._h3 is not None:
            for each in self._h3.handle_event(event):
                if isinstance(each, HeadersReceived):
                    fields = [(b":status", b"200"), (b"server", b"tlsresume")]
                    self._h3.send_headers(each.stream_id, fields, end_stream=True)
        elif isinstance(event, events.StreamDataReceived) and event.end_stream:
            self._connection.send_stream_data(event.stream_id, event.data, end_stream=True)
