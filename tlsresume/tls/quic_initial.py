"""QUIC's Initial packets, that anybody can read: keys, header protection, CRYPTO frames.

The keys come from the Destination Connection ID of the client's first packet (RFC 9001
section 5.2; RFC 9369 for version 2). Packets of other kinds are cut out of their datagram
and passed over. Bytes in, values out: who said what is for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlsresume.tls.buffer import Reader, WireError
from tlsresume.tls.hkdf import expand_label, extract
from tlsresume.value import Value

Sender = Literal["client", "server"]
Kind = Literal["initial", "0rtt", "handshake", "retry"]


class _Version(Value, frozen=True):
    """What versions of QUIC differ in: the salt, the labels' prefix, the order of types."""

    salt: bytes
    label: bytes
    kinds: tuple[Kind, Kind, Kind, Kind]


#: RFC 9001 section 5.2 and RFC 9000 section 17.2; RFC 9369 sections 3.2 and 3.3.
VERSIONS: dict[int, _Version] = {
    1: _Version(
        bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
        b"quic ",
        ("initial", "0rtt", "handshake", "retry"),
    ),
    0x6B3343CF: _Version(
        bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
        b"quicv2 ",
        ("retry", "initial", "0rtt", "handshake"),
    ),
}

#: RFC 9000 section 17.2.
_LONGEST_ID = 20
#: Frames that may stand in an Initial packet (RFC 9000 section 12.4).
_PING, _ACK, _ACK_ECN, _CRYPTO = 1, 2, 3, 6
_CLOSE = 0x1C
#: The tag of AES-GCM, and the least bytes of a datagram with an Initial packet (section 14.1).
_TAG, _SMALLEST = 16, 1200
_PADDING_RUN = re.compile(rb"\x00*")
#: An honest datagram has at most one packet of each kind and epoch.
_MOST_COALESCED = 8


class Packet(Value, frozen=True):
    """A packet with a long header, still protected. `number_at` is where the packet number
    begins in `data`, which ends with the packet."""

    version: int
    kind: Kind
    destination: bytes
    source: bytes
    token: bytes
    data: bytes
    number_at: int


def packets(datagram: bytes) -> Iterator[Packet]:
    """The packets with long headers of one datagram, coalesced ones too.

    What is no such packet, and all that follows it, is passed over.
    """
    at = 0
    for _ in range(_MOST_COALESCED):
        if len(datagram) - at < 7 or datagram[at] & 0xC0 != 0xC0:
            return
        try:
            packet = _packet(datagram[at:])
        except WireError:
            return
        if packet is None:
            return
        yield packet
        at += len(packet.data)


def _packet(data: bytes) -> Packet | None:
    reader = Reader(data)
    first = reader.pull_uint8()
    number = reader.pull_uint32()
    version = VERSIONS.get(number)
    if version is None:
        return None
    destination, source = reader.pull_opaque(1), reader.pull_opaque(1)
    if max(len(destination), len(source)) > _LONGEST_ID:
        return None
    kind = version.kinds[first >> 4 & 3]
    if kind == "retry":
        return Packet(number, kind, destination, source, b"", data, len(data))
    token = reader.pull_bytes(_pull_varint(reader)) if kind == "initial" else b""
    length = _pull_varint(reader)
    start = len(data) - reader.remaining
    reader.pull_bytes(length)
    return Packet(number, kind, destination, source, token, data[: start + length], start)


def _pull_varint(reader: Reader) -> int:
    first = reader.pull_uint8()
    rest = reader.pull_bytes((1 << (first >> 6)) - 1)
    return (first & 0x3F) << 8 * len(rest) | int.from_bytes(rest, "big")


class _Keys(Value, frozen=True):
    payload: AESGCM
    iv: int
    header: algorithms.AES


@lru_cache(maxsize=256)
def _keys(number: int, destination: bytes, sender: Sender) -> _Keys:
    version = VERSIONS[number]
    secret = expand_label(extract(version.salt, destination), f"{sender} in".encode(), 32)
    return _Keys(
        AESGCM(expand_label(secret, version.label + b"key", 16)),
        int.from_bytes(expand_label(secret, version.label + b"iv", 12), "big"),
        algorithms.AES(expand_label(secret, version.label + b"hp", 16)),
    )


def open_initial(packet: Packet, destination: bytes, sender: Sender) -> bytes | None:
    """The frames in an Initial packet; None where it is not of this sender and connection.
    See `open_numbered`."""
    opened = open_numbered(packet, destination, sender)
    return None if opened is None else opened[1]


def open_numbered(packet: Packet, destination: bytes, sender: Sender) -> tuple[int, bytes] | None:
    """The number of an Initial packet and its frames; None where it is not of this sender and
    connection.

    `destination` is the Destination Connection ID of the client's first Initial packet, or
    of its first one after a Retry.
    """
    data, at = packet.data, packet.number_at
    if packet.kind != "initial" or len(data) < at + 4 + 16:
        return None
    keys = _keys(packet.version, destination, sender)
    encryptor = Cipher(keys.header, modes.ECB()).encryptor()  # noqa: S305  RFC 9001 section 5.4.3
    mask = encryptor.update(data[at + 4 : at + 20])
    first = data[0] ^ mask[0] & 0x0F
    size = (first & 3) + 1
    # The whole number is what the few bytes say: a handshake has fewer than 256 Initials.
    number = int.from_bytes(data[at : at + size], "big") ^ int.from_bytes(mask[1 : 1 + size], "big")
    header = bytes([first]) + data[1:at] + number.to_bytes(size, "big")
    try:
        return number, keys.payload.decrypt(
            (keys.iv ^ number).to_bytes(12, "big"), data[at + size :], header
        )
    except (InvalidTag, ValueError):
        return None


def seal_initial(
    version: int,
    destination: bytes,
    *,
    to: bytes,
    source: bytes,
    number: int,
    frames: bytes,
    sender: Sender = "client",
) -> bytes:
    """An Initial packet without a token (RFC 9000 section 17.2.2), as a datagram of the
    1200 bytes that one must have (section 14.1).

    `destination` is that of the client's first Initial packet, whose keys go on; `to` is the
    receiver's own connection ID. `number` is below 2 to the 16.
    """
    kind = VERSIONS[version].kinds.index("initial")
    header = bytes([0xC0 | kind << 4 | 1]) + version.to_bytes(4, "big")
    header += bytes([len(to)]) + to + bytes([len(source)]) + source + b"\0"
    room = _SMALLEST - len(header) - 2 - _TAG
    body = frames + bytes(max(0, room - 2 - len(frames)))
    header += (0x4000 | 2 + len(body) + _TAG).to_bytes(2, "big") + number.to_bytes(2, "big")
    keys = _keys(version, destination, sender)
    sealed = keys.payload.encrypt((keys.iv ^ number).to_bytes(12, "big"), body, header)
    encryptor = Cipher(keys.header, modes.ECB()).encryptor()  # noqa: S305  RFC 9001 section 5.4.3
    mask = encryptor.update(sealed[2:18])
    at = len(header) - 2
    first = header[0] ^ mask[0] & 0x0F
    masked = bytes(a ^ b for a, b in zip(header[at:], mask[1:3], strict=True))
    return bytes([first]) + header[1:at] + masked + sealed


def ack_frame(largest: int) -> bytes:
    """An ACK of one packet of the peer's (RFC 9000 section 19.3)."""
    return bytes([_ACK]) + (0xC0 << 56 | largest).to_bytes(8, "big") + b"\0\0\0"


def close_frame() -> bytes:
    """CONNECTION_CLOSE without an error (RFC 9000 section 19.19)."""
    return bytes([_CLOSE]) + b"\0\0\0"


def crypto_frames(frames: bytes) -> Iterator[tuple[int, bytes]]:
    """The offset and the bytes of each CRYPTO frame (RFC 9000 section 19.6).

    Frames that may not stand in an Initial packet end the reading.
    """
    at = 0
    try:
        while (at := _after_padding(frames, at)) < len(frames):
            kind = frames[at]
            at += 1
            if kind in (_ACK, _ACK_ECN):
                at = _after_ack(frames, at, ecn=kind == _ACK_ECN)
            elif kind == _CRYPTO:
                offset, at = _varint(frames, at)
                length, at = _varint(frames, at)
                if len(frames) - at < length:
                    return
                yield offset, frames[at : at + length]
                at += length
            elif kind != _PING:
                return
    except IndexError:
        return


def _after_padding(frames: bytes, at: int) -> int:
    match = _PADDING_RUN.match(frames, at)
    return at if match is None else match.end()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length (RFC 9000 section 16), and where it ends. Raises IndexError."""
    end = at + (1 << (data[at] >> 6))
    if end > len(data):
        raise IndexError
    return int.from_bytes(data[at:end], "big") & ((1 << 8 * (end - at) - 2) - 1), end


def _after_ack(frames: bytes, at: int, *, ecn: bool) -> int:
    """Where the fields of an ACK frame end (RFC 9000 section 19.3). Raises IndexError."""
    _, at = _varint(frames, at)
    _, at = _varint(frames, at)
    ranges, at = _varint(frames, at)
    for _ in range(1 + 2 * ranges + 3 * ecn):
        _, at = _varint(frames, at)
    return at


class CryptoStream:
    """Bytes of CRYPTO frames put in order; `take` gives what has become whole.

    Frames may come in any order, again, and overlapping. Beyond `limit` bytes nothing is kept.
    """

    __slots__ = ("_held", "_next", "limit")

    def __init__(self, limit: int = 1 << 16) -> None:
        self.limit = limit
        self._next = 0
        self._held: dict[int, bytes] = {}

    def take(self, offset: int, data: bytes) -> bytes:
        """Add one frame; the bytes that now follow on what was taken before."""
        if not data or offset + len(data) > self.limit or len(self._held) > 256:
            return b""
        if len(data) > len(self._held.get(offset, b"")):
            self._held[offset] = data
        taken = b""
        while self._held:
            start = min(self._held)
            if start > self._next:
                break
            piece = self._held.pop(start)[self._next - start :]
            taken += piece
            self._next += len(piece)
        return taken
