"""DTLS handshake messages (RFC 6347) in the form of TLS, so that one set of parsers serves.

A DTLS message has eight more bytes of header (a sequence number and the place of the
fragment), its ClientHello a cookie, and its versions count down from 0xFEFF. `Messages`
puts fragments together, drops repetitions, and gives each message once as TLS writes it:
the cookie taken out, 0xFEFD written as TLS 1.2 (0x0303) and 0xFEFF as TLS 1.1 (0x0302), of
which they are the counterparts (RFC 6347 section 1, RFC 4347 section 1). All else is kept.

Also here: where one record of a datagram ends (section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tlsresume.tls.buffer import Reader, WireError, push_opaque, push_uint
from tlsresume.tls.registry import HandshakeType

#: Type, length, message_seq, fragment_offset, fragment_length (section 4.2.2).
HEADER: Final = 12
#: Type, version, epoch, sequence_number, length (section 4.1).
RECORD_HEADER: Final = 13

HELLO_VERIFY_REQUEST: Final = 3

#: The versions of DTLS, and the version of TLS that each was made from.
AS_TLS: dict[int, int] = {0xFEFF: 0x0302, 0xFEFD: 0x0303, 0xFEFC: 0x0304}

#: Bytes of unfinished messages that one peer may make us keep, and how many at a time.
_KEPT_BYTES = 1 << 20
_KEPT_MESSAGES = 64
#: Gaps in one message; more come from nobody honest.
_MOST_GAPS = 256


def records(data: bytes) -> Iterator[bytes]:
    """The records that stand in `data` one after the other; what is cut short at the end comes
    as it stands."""
    at = 0
    while at < len(data):
        size = len(data) - at
        if size >= RECORD_HEADER:
            size = min(size, RECORD_HEADER + int.from_bytes(data[at + 11 : at + 13], "big"))
        yield data[at : at + size]
        at += size


def packed(data: bytes, mtu: int) -> list[bytes]:
    """Records packed into datagrams of at most `mtu` bytes; a larger record goes alone."""
    datagrams: list[bytes] = []
    current = b""
    for record in records(data):
        if current and len(current) + len(record) > mtu:
            datagrams.append(current)
            current = b""
        current += record
    return [*datagrams, current] if current else datagrams


class Messages:
    """The handshake messages of one side of a connection, each once, in the form of TLS."""

    def __init__(self) -> None:
        self._done: set[int] = set()
        self._parts: dict[int, _Unfinished] = {}
        self._kept = 0
        #: Messages that came again, since an answer was lost or late.
        self.repeated = 0

    def take(self, raw: bytes) -> bytes | None:
        """A message or a fragment of one, with its DTLS header; the whole message in TLS's form
        once it is complete, else None.

        What is malformed comes out as it stands: the parsers of TLS then name the trouble.
        """
        if len(raw) < HEADER:
            return raw
        kind, length = raw[0], int.from_bytes(raw[1:4], "big")
        number = int.from_bytes(raw[4:6], "big")
        offset, size = int.from_bytes(raw[6:9], "big"), int.from_bytes(raw[9:12], "big")
        body = raw[HEADER:]
        if len(body) != size or offset + size > length:
            return raw
        if number in self._done:
            # A rest of other fragments comes with each repetition, too.
            self.repeated += offset == 0
            return None
        if size == length:
            return self._finished(kind, number, body)
        part = self._parts.get(number)
        if part is None:
            if len(self._parts) >= _KEPT_MESSAGES or self._kept + length > _KEPT_BYTES:
                return None
            self._kept += length
            part = self._parts[number] = _Unfinished(kind, length)
        if not part.add(kind, length, offset, body):
            return None
        del self._parts[number]
        self._kept -= length
        return self._finished(kind, number, bytes(part.data))

    def _finished(self, kind: int, number: int, body: bytes) -> bytes:
        self._done.add(number)
        return as_tls(kind, body)


class _Unfinished:
    """A message of which some bytes have come."""

    def __init__(self, kind: int, length: int) -> None:
        self.kind = kind
        self.data = bytearray(length)
        self._missing = [(0, length)]

    def add(self, kind: int, length: int, offset: int, body: bytes) -> bool:
        """Put a fragment in its place; whether nothing is missing any more."""
        if (kind, length) != (self.kind, len(self.data)):
            return False
        end = offset + len(body)
        self.data[offset:end] = body
        left = []
        for start, stop in self._missing:
            if start < offset:
                left.append((start, min(stop, offset)))
            if stop > end:
                left.append((max(start, end), stop))
        left = [(start, stop) for start, stop in left if start < stop]
        if len(left) > _MOST_GAPS:
            return False
        self._missing = left
        return not self._missing


def as_tls(kind: int, body: bytes) -> bytes:
    """A whole DTLS handshake message as TLS writes it, with TLS's header of four bytes."""
    if kind == HandshakeType.client_hello:
        body = _client_hello(body)
    elif kind == HandshakeType.server_hello:
        body = _version(body)
    return push_uint(kind, 1) + push_opaque(body, 3)


def _version(body: bytes) -> bytes:
    number = int.from_bytes(body[:2], "big")
    return push_uint(AS_TLS.get(number, number), 2) + body[2:] if len(body) >= 2 else body


def _client_hello(body: bytes) -> bytes:
    """Without the cookie (section 4.2.1); a malformed one stays as it is."""
    reader = Reader(body)
    try:
        head = reader.pull_bytes(2 + 32)
        session_id = reader.pull_opaque(1)
        reader.pull_opaque(1)
        rest = reader.pull_rest()
    except WireError:
        return body
    return _version(head) + push_opaque(session_id, 1) + rest
