"""Records of TLS over a byte stream: cutting them apart, and handshake messages out of them.

A stream may begin with something else (a STARTTLS dialogue, a proxy's CONNECT); where TLS
begins is told by the shape of a hello. Sections are of RFC 8446.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tlsresume.tls.registry import ContentType, HandshakeType

#: Header of a record (section 5.1).
HEADER = 5
#: A ciphertext's most bytes: 2^14 + 2048 (RFC 5246 section 6.2.3).
LONGEST = (1 << 14) + 2048
#: The longest handshake message that is read whole; a Certificate can have 100 KB.
LONGEST_MESSAGE = 1 << 18

#: A record with the start of a ClientHello or a ServerHello, somewhere in a stream.
_CLIENT_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..\x01\x00..\x03[\x00-\x04]", re.DOTALL)
_SERVER_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..\x02\x00..(?:\x03[\x00-\x04]|\x7f.)", re.DOTALL)
_SHAPE = 11


class Malformed(Exception):
    """Bytes that are no records of TLS."""


def begins_hello(data: bytes | bytearray) -> int | None:
    """The type of the hello that a stream begins with, None if it begins with none.

    The first bytes are enough, also where a record holds only the message's first byte.
    """
    if len(data) < 6 or data[0] != ContentType.handshake or data[1] != 3 or data[2] > 4:
        return None
    if not 0 < (data[3] << 8 | data[4]) <= LONGEST:
        return None
    kind = data[5]
    if kind not in (HandshakeType.client_hello, HandshakeType.server_hello):
        return None
    following = HEADER + (data[3] << 8 | data[4])
    if following < HEADER + 4 and len(data) > following and data[following] != data[0]:
        return None
    # A hello is shorter than 64 KB; where the record holds this byte, it is zero.
    return None if len(data) > 6 and (data[3] << 8 | data[4]) > 1 and data[6] else kind


def find_hello(data: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Where in a stream a hello begins and of which type it is; the earlier one of both."""
    client, server = _CLIENT_HELLO.search(data, start), _SERVER_HELLO.search(data, start)
    if client is not None and (server is None or client.start() < server.start()):
        return client.start(), HandshakeType.client_hello
    return None if server is None else (server.start(), HandshakeType.server_hello)


def unsearched(data: bytes | bytearray) -> int:
    """From where `find_hello` must look again when more bytes have come."""
    return max(0, len(data) - _SHAPE + 1)


def take_records(buffer: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Take whole records from the front of `buffer`: the header and the body of each.

    Raises Malformed where no record stands. What is taken is gone when the iterator ends.
    """
    at, end = 0, len(buffer)
    try:
        while end - at >= HEADER:
            length = buffer[at + 3] << 8 | buffer[at + 4]
            if not 20 <= buffer[at] <= 24 or buffer[at + 1] != 3 or length > LONGEST:
                raise Malformed
            if end - at - HEADER < length:
                return
            header = bytes(buffer[at : at + HEADER])
            body = bytes(buffer[at + HEADER : at + HEADER + length])
            at += HEADER + length
            yield header, body
    finally:
        del buffer[:at]


def take_messages(buffer: bytearray) -> Iterator[bytes]:
    """Take whole handshake messages, with their headers, from the front of `buffer`.

    Raises Malformed on one that is longer than `LONGEST_MESSAGE`.
    """
    at, end = 0, len(buffer)
    try:
        while end - at >= 4:
            length = 4 + int.from_bytes(buffer[at + 1 : at + 4], "big")
            if length > LONGEST_MESSAGE:
                raise Malformed
            if end - at < length:
                return
            message = bytes(buffer[at : at + length])
            at += length
            yield message
    finally:
        del buffer[:at]
