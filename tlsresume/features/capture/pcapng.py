"""The pcapng file format: sections, interfaces with their clocks, packets, embedded secrets.

Source: draft-ietf-opsawg-pcapng. Blocks of other types are passed over; those that
Wireshark numbers as frames are counted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tlsresume.features.capture.inputs import CHUNK, Input
from tlsresume.features.capture.pcap import LARGEST_PACKET, OnDamage, Packet

MAGIC = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_SECRETS, _JOURNAL = 10, 9
_TLS_KEY_LOG = 0x544C534B
_LARGEST_BLOCK = 1 << 25
_MOST_INTERFACES = 1 << 16
_OPTION_RESOLUTION, _OPTION_OFFSET = 9, 14

OnSecrets = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class _Interface:
    """`multiply` and `divide` make nanoseconds of the interface's ticks."""

    link: int
    snap_length: int
    multiply: int
    divide: int
    offset: int


class _Damaged(Exception):
    """A block that makes no sense; the message says why."""


def read_pcapng(
    source: Input, file: int, on_damage: OnDamage, on_secrets: OnSecrets
) -> Iterator[list[Packet]]:
    """The packets of the file numbered `file`, in batches as they are read; `on_secrets` gets the
    text of key logs.

    `on_damage` is told why the reading ended before the file did. Raises CaptureFileError
    where no section begins, or what follows makes no sense before the first packet.
    """
    blocks = _Blocks(file, on_secrets)
    buffer = source.head
    while True:
        batch: list[Packet] = []
        try:
            at = blocks.read(buffer, batch)
        except _Damaged as damaged:
            if not blocks.begun:
                raise source.not_a_capture() from None
            if not blocks.number:
                raise source.damaged(str(damaged)) from None
            yield batch
            on_damage(str(damaged))
            return
        yield batch
        buffer = buffer[at:]
        while not source.ready():
            yield []
        more = source.read(CHUNK)
        if not more:
            if not blocks.begun:
                raise source.not_a_capture()
            if buffer or source.damage:
                on_damage(source.damage or f"it ends inside a block after packet {blocks.number}")
            return
        buffer += more


class _Blocks:
    """The state of a file between blocks: byte order, interfaces, numbers, the last time."""

    def __init__(self, file: int, on_secrets: OnSecrets) -> None:
        #: Whether a section was read, which every file begins with.
        self.begun = False
        self.number = 0
        self._file = file
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self._time = 0
        self._on_secrets = on_secrets

    def read(self, buffer: bytes, batch: list[Packet]) -> int:
        """Read whole blocks; where the first that is not whole begins. Raises _Damaged."""
        at, size = 0, len(buffer)
        while size - at >= 12:
            if buffer[at : at + 4] == MAGIC:
                self._section(buffer[at + 8 : at + 12])
            kind, length = struct.unpack_from(self._order + "II", buffer, at)
            if length < 12 or length % 4 or length > _LARGEST_BLOCK:
                raise _Damaged(f"a block after packet {self.number} claims {length} bytes")
            if size - at < length:
                break
            self.begun = True
            try:
                self._block(kind, buffer, at + 8, at + length - 4, batch)
            except struct.error:
                raise _Damaged(f"a block after packet {self.number} is too short") from None
            at += length
        return at

    def _section(self, magic: bytes) -> None:
        order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(magic)
        if order is None:
            raise _Damaged(f"the section after packet {self.number} has no byte order")
        self._order = order
        self._interfaces = []

    def _block(self, kind: int, buffer: bytes, at: int, end: int, batch: list[Packet]) -> None:
        if kind == _ENHANCED:
            number, high, low, length = struct.unpack_from(self._order + "IIII", buffer, at)
            self._packet(number, high << 32 | low, buffer, at + 20, length, end=end, batch=batch)
        elif kind == _INTERFACE:
            self._interface(buffer, at, end)
        elif kind == _SIMPLE:
            (length,) = struct.unpack_from(self._order + "I", buffer, at)
            self._simple(buffer, at + 4, length, end, batch)
        elif kind == _OLD_PACKET:
            number, _, high, low, length = struct.unpack_from(self._order + "HHIII", buffer, at)
            self._packet(number, high << 32 | low, buffer, at + 20, length, end=end, batch=batch)
        elif kind == _SECRETS:
            of, length = struct.unpack_from(self._order + "II", buffer, at)
            if of == _TLS_KEY_LOG:
                self._on_secrets(buffer[at + 8 : min(end, at + 8 + length)])
        elif kind == _JOURNAL:
            self.number += 1

    def _interface(self, buffer: bytes, at: int, end: int) -> None:
        link, _, snap_length = struct.unpack_from(self._order + "HHI", buffer, at)
        multiply, divide, offset = 1000, 1, 0
        at += 8
        while end - at >= 4:
            code, length = struct.unpack_from(self._order + "HH", buffer, at)
            value = buffer[at + 4 : min(end, at + 4 + length)]
            if code == 0:
                break
            if code == _OPTION_RESOLUTION and value:
                multiply, divide = _resolution(value[0])
            elif code == _OPTION_OFFSET and len(value) == 8:
                (offset,) = struct.unpack(self._order + "q", value)
            at += 4 + (length + 3 & ~3)
        if len(self._interfaces) >= _MOST_INTERFACES:
            raise _Damaged(f"more than {_MOST_INTERFACES} interfaces")
        self._interfaces.append(
            _Interface(link, snap_length, multiply, divide, offset * 1_000_000_000)
        )

    def _packet(
        self,
        interface: int,
        ticks: int,
        buffer: bytes,
        at: int,
        length: int,
        *,
        end: int,
        batch: list[Packet],
    ) -> None:
        self.number += 1
        if length > end - at or length > LARGEST_PACKET:
            raise _Damaged(f"packet {self.number} claims {length} bytes")
        if interface < len(self._interfaces):
            of = self._interfaces[interface]
            self._time = ticks * of.multiply // of.divide + of.offset
            batch.append((self._time, self._file, self.number, of.link, buffer, at, at + length))

    def _simple(self, buffer: bytes, at: int, length: int, end: int, batch: list[Packet]) -> None:
        """A packet without a time: as if it came with the one before."""
        self.number += 1
        if self._interfaces:
            of = self._interfaces[0]
            kept = min(length, of.snap_length or length, end - at)
            batch.append((self._time, self._file, self.number, of.link, buffer, at, at + kept))


def _resolution(value: int) -> tuple[int, int]:
    """Nanoseconds of a tick, as a fraction, from if_tsresol."""
    power = value & 0x7F
    if value & 0x80:
        return 1_000_000_000, 1 << power
    return (10 ** (9 - power), 1) if power <= 9 else (1, 10 ** (power - 9))
