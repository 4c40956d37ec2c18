"""The TLS presentation language (RFC 8446 section 3): a strict reader, and its writers.

With these few helpers a message parser reads like the struct in the RFC. A
vector is named by the size of its length prefix in bytes: `opaque x<0..2^16-1>`
is `pull_opaque(2)`. What is declared must be there, and nothing may follow it.
What the numbers mean belongs in the other files of this folder.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

from tlsresume.errors import TLSResumeError

T = TypeVar("T")


class WireError(TLSResumeError):
    """Bytes that are not what the RFC's struct says."""


class Reader:
    """Bytes read from the front; every pull returns a whole value or raises WireError.

    `pull_bytes` says what is missing. The others ask it only where something is: each message of
    each connection is read by them.
    """

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)

    @property
    def remaining(self) -> int:
        """The number of bytes not yet pulled."""
        return self._end - self._position

    def pull_bytes(self, length: int) -> bytes:
        """Exactly `length` bytes."""
        start = self._position
        end = start + length
        if end > self._end:
            raise WireError(f"truncated: {length} bytes due, {self.remaining} there")
        self._position = end
        return self._data[start:end]

    def pull_rest(self) -> bytes:
        """All that is left; for the few bodies without a length of their own."""
        return self.pull_bytes(self.remaining)

    def pull_uint8(self) -> int:
        """One byte, as a number."""
        at = self._position
        if at >= self._end:
            self.pull_bytes(1)
        self._position = at + 1
        return self._data[at]

    def pull_uint16(self) -> int:
        """Two bytes, as a number."""
        at = self._position
        if at + 2 > self._end:
            self.pull_bytes(2)
        self._position = at + 2
        return self._data[at] << 8 | self._data[at + 1]

    def pull_uint24(self) -> int:
        """Three bytes, as a number."""
        return int.from_bytes(self.pull_bytes(3), "big")

    def pull_uint32(self) -> int:
        """Four bytes, as a number."""
        return int.from_bytes(self.pull_bytes(4), "big")

    def pull_opaque(self, length_size: int, minimum: int = 0) -> bytes:
        """A vector of bytes, `opaque x<minimum..2^(8*length_size)-1>`."""
        start = self._position + length_size
        if start > self._end:
            self.pull_bytes(length_size)
        length = int.from_bytes(self._data[self._position : start], "big")
        if length < minimum:
            raise WireError(f"a vector of {length} bytes where at least {minimum} are due")
        self._position = start
        end = start + length
        if end > self._end:
            self.pull_bytes(length)
        self._position = end
        return self._data[start:end]

    def pull_list(
        self, length_size: int, pull: Callable[[Reader], T], minimum: int = 0
    ) -> tuple[T, ...]:
        """A vector of items that `pull` reads one by one; `minimum` is in bytes."""
        inner = Reader(self.pull_opaque(length_size, minimum))
        items = []
        while inner._position < inner._end:
            items.append(pull(inner))
        return tuple(items)

    def pull_uint16s(self, length_size: int, minimum: int = 0) -> tuple[int, ...]:
        """A vector of two-byte numbers; `minimum` is in bytes. Hellos are full of these."""
        return uint16s(self.pull_opaque(length_size, minimum))

    def end(self) -> None:
        """Raise WireError if anything is left."""
        if self._position < self._end:
            raise WireError(f"{self.remaining} trailing bytes")


def uint16s(data: bytes) -> tuple[int, ...]:
    """All of `data` as two-byte numbers. Raises WireError."""
    if len(data) % 2:
        raise WireError("truncated: 2 bytes due, 1 there")
    return struct.unpack(f"!{len(data) // 2}H", data)


def read_whole(data: bytes, pull: Callable[[Reader], T]) -> T:
    """The value that `pull` reads from all of `data`. Raises WireError."""
    reader = Reader(data)
    value = pull(reader)
    reader.end()
    return value


def push_uint(value: int, size: int) -> bytes:
    """`value` as a `size`-byte number. Raises WireError if it does not fit."""
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise WireError(f"{value} does not fit into {size} bytes") from None


def push_opaque(data: bytes, length_size: int) -> bytes:
    """`data` behind its length. Raises WireError if the length does not fit."""
    return push_uint(len(data), length_size) + data


def push_list(items: Iterable[bytes], length_size: int) -> bytes:
    """A vector of items already written."""
    return push_opaque(b"".join(items), length_size)
