"""QUIC connections by their Initial packets: ClientHello and ServerHello.

The keys follow from the Destination Connection ID of the client's first packet, or of its
first one after a Retry (RFC 9001 section 5.2). A packet that no known key opens is tried
with its own Destination Connection ID: then it is a client's first.
"""

from __future__ import annotations

from tlsresume.features.capture.handshake import Facts, Packet
from tlsresume.tls.quic_initial import (
    CryptoStream,
    Sender,
    crypto_frames,
    open_initial,
    packets,
)
from tlsresume.tls.quic_initial import Packet as QUICPacket
from tlsresume.tls.records import Malformed, take_messages

#: Bytes of a direction's CRYPTO frames: a hello with keys of ML-KEM has 2 KB.
MOST_BYTES = 1 << 14


class QUICFlow:
    """One connection, from the client's first Initial packet."""

    __slots__ = ("_messages", "_streams", "destinations", "done", "facts", "key", "start")

    def __init__(self, key: bytes, destination: bytes, start: int) -> None:
        """`key` is the direction of the client."""
        self.key = key
        self.start = start
        self.facts = Facts()
        self.done = False
        #: The Destination Connection IDs that the keys follow from.
        self.destinations = [destination]
        self._streams: dict[Sender, CryptoStream] = {
            "client": CryptoStream(MOST_BYTES),
            "server": CryptoStream(MOST_BYTES),
        }
        self._messages: dict[Sender, bytearray] = {"client": bytearray(), "server": bytearray()}

    @classmethod
    def begin(cls, key: bytes, data: bytes, time: int) -> QUICFlow | None:
        """A flow where a datagram holds a client's first Initial; None where it does not."""
        for packet in packets(data):
            if packet.kind == "initial" and open_initial(packet, packet.destination, "client"):
                return cls(key, packet.destination, time)
        return None

    @staticmethod
    def repeats(data: bytes, destinations: tuple[bytes, ...]) -> bool:
        """Whether a datagram's first packet was made with keys that are known already."""
        first = next(packets(data), None)
        return first is not None and first.destination in destinations

    def datagram(self, key: bytes, data: bytes, time: int, packet: Packet) -> None:
        """Take one datagram of either direction."""
        sender: Sender = "client" if key == self.key else "server"
        for each in packets(data):
            if each.kind == "retry" and sender == "server":
                # From here on the client's keys come from the server's choice.
                self._learn(each.source)
            if each.kind != "initial":
                continue
            frames = self._open(each, sender)
            if frames is not None:
                self._crypto(frames, sender, time, packet)

    def _open(self, packet: QUICPacket, sender: Sender) -> bytes | None:
        for destination in self.destinations:
            frames = open_initial(packet, destination, sender)
            if frames is not None:
                return frames
        # A Retry that the capture missed.
        if sender == "client" and packet.token:
            frames = open_initial(packet, packet.destination, sender)
            if frames is not None:
                self._learn(packet.destination)
            return frames
        return None

    def _learn(self, destination: bytes) -> None:
        if destination not in self.destinations and len(self.destinations) < 3:
            self.destinations.insert(0, destination)

    def _crypto(self, frames: bytes, sender: Sender, time: int, packet: Packet) -> None:
        messages = self._messages[sender]
        for offset, data in crypto_frames(frames):
            messages += self._streams[sender].take(offset, data)
        try:
            for message in take_messages(messages):
                if sender == "client":
                    self.facts.from_client(message, time, packet)
                else:
                    self.facts.from_server(message, packet)
        except Malformed:
            self.facts.problems += 1
            self.done = True
        self.done = self.done or self.facts.server_hello is not None
