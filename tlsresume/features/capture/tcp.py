"""One direction of a TCP connection: its bytes in order, whatever the segments do.

Retransmissions, overlaps, reordering and the wrap of sequence numbers are put right. A gap
that is never filled, and a segment of which the capture has only the start, end the
direction: `broken`. What was delivered before stays true.
"""

from __future__ import annotations

_WRAP = 0xFFFFFFFF
_HALF = 1 << 31
#: Bytes and segments that wait behind a gap.
MOST_HELD = 1 << 16
_MOST_SEGMENTS = 256


class Stream:
    """The bytes of one direction; `add` gives those that have become due."""

    __slots__ = ("_held", "broken", "held_bytes", "next")

    def __init__(self) -> None:
        self.next: int | None = None
        self.broken = False
        self.held_bytes = 0
        self._held: dict[int, tuple[bytes, bool]] = {}

    def start(self, sequence: int) -> None:
        """Say where the bytes begin, once; what came before stays."""
        if self.next is None:
            self.next = sequence & _WRAP

    def add(self, sequence: int, data: bytes, *, cut: bool = False) -> bytes:
        """Take a segment; the bytes that now follow. `cut`: more of it was sent than is here."""
        if self.broken:
            return b""
        if self.next is None:
            self.next = sequence
        ahead = (sequence - self.next) & _WRAP
        if not ahead:
            self.next = (sequence + len(data)) & _WRAP
            self.broken = cut
        elif ahead >= _HALF:
            behind = (-ahead) & _WRAP
            if behind >= len(data):
                return b""
            data = data[behind:]
            self.next = (self.next + len(data)) & _WRAP
            self.broken = cut
        else:
            self._hold(sequence, data, cut=cut)
            return b""
        return data + self._fill() if self._held else data

    def _hold(self, sequence: int, data: bytes, *, cut: bool) -> None:
        old = self._held.get(sequence)
        if old is not None:
            if len(old[0]) >= len(data):
                return
            self.held_bytes -= len(old[0])
        if len(self._held) >= _MOST_SEGMENTS or self.held_bytes >= MOST_HELD:
            self.give_up()
            return
        self._held[sequence] = (data, cut)
        self.held_bytes += len(data)

    def give_up(self) -> None:
        """Wait no longer for what is missing."""
        self.broken = True
        self._held = {}
        self.held_bytes = 0

    def _fill(self) -> bytes:
        pieces = []
        base = self.next or 0
        for sequence in sorted(self._held, key=lambda each: (each - base + _HALF) & _WRAP):
            ahead = (sequence - (self.next or 0)) & _WRAP
            if self.broken or 0 < ahead < _HALF:
                break
            data, cut = self._held.pop(sequence)
            self.held_bytes -= len(data)
            piece = data[(-ahead) & _WRAP :]
            if piece:
                pieces.append(piece)
                self.next = ((self.next or 0) + len(piece)) & _WRAP
                self.broken = cut
        if self.broken:
            self.give_up()
        return b"".join(pieces)
