"""Private names of aioquic's client: its connection with what passes on it told.

The handshake messages, Retry packets, and who closed the connection; and two repairs: early data
goes out again after a Retry, and an answer to HEAD has no content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlsresume.transports.quic.binding import Handle

#: Called with: sent by us, one whole handshake message with its header.
OnHandshake = Callable[[bool, bytes], None]


def observed(handle: Handle, configuration: Any, on_handshake: OnHandshake) -> Any:
    """A QuicConnection whose handshake messages, Retry and close are told."""
    from aioquic.quic.connection import QuicConnection

    class Observed(QuicConnection):
        """A connection makes its TLS context anew after a Retry, and then tells of that one."""

        def _initialize(self, peer_cid: bytes) -> None:
            super()._initialize(peer_cid)
            watch(self.tls, on_handshake)

        def _handle_connection_close_frame(self, context: Any, frame_type: int, buf: Any) -> None:
            if self._close_event is None:
                handle.told_closed()
            super()._handle_connection_close_frame(context, frame_type, buf)

        def _receive_version_negotiation_packet(self, header: Any, now: float) -> None:
            handle.peer_versions = tuple(header.supported_versions)
            super()._receive_version_negotiation_packet(header=header, now=now)

        def _receive_retry_packet(self, header: Any, packet_without_tag: bytes, now: float) -> None:
            before = self._retry_count
            early = _early_packets(self)
            super()._receive_retry_packet(
                header=header, packet_without_tag=packet_without_tag, now=now
            )
            handle.retries += self._retry_count - before
            if self._retry_count > before:
                _lose(early)

    return Observed(
        configuration=configuration,
        session_ticket_handler=handle.tickets.append,
        token_handler=handle.tokens.append,
    )


def _early_packets(connection: Any) -> list[Any]:
    """The packets with early data that were sent until now."""
    from aioquic.tls import Epoch

    space = getattr(connection, "_spaces", {}).get(Epoch.ONE_RTT)
    return list(getattr(space, "sent_packets", {}).values())


def _lose(packets: list[Any]) -> None:
    """Have what was in packets sent again: aioquic forgets packets of early data at a Retry, which
    a server has thrown away (RFC 9001 section 4.6.2 has them sent again)."""
    from aioquic.quic.packet_builder import QuicDeliveryState

    for packet in packets:
        for handler, arguments in packet.delivery_handlers:
            handler(QuicDeliveryState.LOST, *arguments)


def watch(context: Any, on_handshake: OnHandshake) -> None:
    """Have each handshake message told: the server's before it is handled, so that a refused one
    is seen, too; ours as they are put into the buffers, which are emptied afterwards."""
    handle_message = context.handle_message
    received = bytearray()

    def told(data: bytes, buffers: Any) -> None:
        before = {epoch: buffer.tell() for epoch, buffer in buffers.items()}
        received.extend(data)
        while len(received) >= 4:
            size = 4 + int.from_bytes(received[1:4], "big")
            if len(received) < size:
                break
            on_handshake(False, bytes(received[:size]))
            del received[:size]
        try:
            handle_message(data, buffers)
        finally:
            for epoch, buffer in buffers.items():
                if buffer.tell() > before[epoch]:
                    _tell_own(buffer.data_slice(before[epoch], buffer.tell()), on_handshake)

    context.handle_message = told


def _tell_own(flight: bytes, on_handshake: OnHandshake) -> None:
    """Our own messages of one flight, one by one."""
    at = 0
    while at + 4 <= len(flight):
        size = 4 + int.from_bytes(flight[at + 1 : at + 4], "big")
        on_handshake(True, flight[at : at + size])
        at += size


def http3(connection: Any, *, head: bool) -> Any:
    """Aioquic's HTTP/3 on a connection. It compares Content-Length with what came also in an
    answer to HEAD, which has no content (RFC 9110 section 9.3.2), and would end the connection."""
    from aioquic.h3.connection import H3Connection

    class OfHead(H3Connection):
        """HTTP/3 for a request by HEAD."""

        def _check_content_length(self, stream: Any) -> None:
            pass

    return (OfHead if head else H3Connection)(connection)
