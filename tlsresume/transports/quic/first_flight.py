"""The first flight of a QUIC connection, made before there is a connection to send it on.

What it is for stands at `Flight`. What QUIC has of its own: packets are told apart by connection IDs, and a copy bears those of the
first presentation. While the server keeps the connection that this one made, it takes the copy
for packets of that, and says nothing. So whoever presents it ends that connection, which takes
no secret: the keys of Initial packets are public (RFC 9001 section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.tls.quic_initial import (
    CryptoStream,
    ack_frame,
    close_frame,
    crypto_frames,
    open_numbered,
    packets,
    seal_initial,
)
from tlsresume.tls.recorder import Recorder
from tlsresume.tls.records import Malformed, take_messages
from tlsresume.tls.transcript import Role, Transcript
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import ClientOffer, Clock, Flight
from tlsresume.transports.quic.client import QUICClient

#: The numbers of the packets that acknowledge and end: higher than any of a first flight.
_ACK_NUMBER, _CLOSING_NUMBER = 64, 65

#: Datagrams of an answer that are looked at.
_MOST_DATAGRAMS = 64


class QUICFirstFlight(Flight):
    """A ClientHello, and early data where the session allows it. Raises what `QUICClient` raises."""

    def __init__(self, config: ClientConfig, offer: ClientOffer, *, clock: Clock) -> None:
        super().__init__(config, offer)
        client = self._client = QUICClient(
            config,
            self.session,
            clock=clock,
            on_message=self._keep,
            token=offer.address_token,
            early_request=offer.early_request,
        )
        self.data = client.make_flight()
        self.early = client.transcript.early_data_offered
        self._first = next((packet for datagram in self.data for packet in packets(datagram)), None)

    def in_clear(self, received: Sequence[bytes]) -> Transcript:
        """Our ClientHello, and the messages in the Initial packets of an answer."""
        recorder = Recorder()
        for sender, _type, message in self._told:
            recorder.handshake(sender, message, 0.0)
        stream, messages = CryptoStream(), bytearray()
        if self._first is not None:
            for datagram in received[:_MOST_DATAGRAMS]:
                for packet in packets(datagram):
                    opened = open_numbered(packet, self._first.destination, "server")
                    for offset, piece in crypto_frames(opened[1] if opened else b""):
                        messages += stream.take(offset, piece)
        try:
            for message in take_messages(messages):
                recorder.handshake(Role.SERVER, message, 0.0)
        except Malformed:
            pass  # what a peer says may be anything; what was whole is kept
        return recorder.transcript()

    def asks_for_retry(self, received: Sequence[bytes]) -> bool:
        """Whether an answer is a Retry: our address must be proved before anything is read."""
        return any(
            packet.kind == "retry" for datagram in received[:1] for packet in packets(datagram)
        )

    def acknowledgement(self, received: Sequence[bytes]) -> bytes | None:
        """A datagram that acknowledges the first of an answer, or None. A server that gets one at
        once knows how near we are, and forgets a connection the sooner when it has ended."""
        return self._reply(received, _ACK_NUMBER, b"")

    def farewell(self, received: Sequence[bytes]) -> bytes | None:
        """A datagram that ends the connection which the server made of a copy; None where it
        made none."""
        return self._reply(received, _CLOSING_NUMBER, close_frame())

    def _reply(self, received: Sequence[bytes], number: int, frames: bytes) -> bytes | None:
        if self._first is None:
            return None
        for datagram in received[:_MOST_DATAGRAMS]:
            for packet in packets(datagram):
                opened = open_numbered(packet, self._first.destination, "server")
                if opened is not None:
                    return seal_initial(
                        packet.version,
                        self._first.destination,
                        to=packet.source,
                        source=self._first.source,
                        number=number,
                        frames=ack_frame(opened[0]) + frames,
                    )
        return None
