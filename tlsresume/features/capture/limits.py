"""Counts by a key that strangers choose, in bounded memory.

The heaviest keys are kept; the number of different keys is exact while all are kept, and
estimated beyond (linear counting: Whang, Vander-Zanden and Taylor, 1990).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Bits of the map that estimates how many different keys there were: 8 KB.
_BITS = 1 << 16


class Heaviest(Generic[K, V]):
    """A table that keeps the `most` heaviest entries, and up to twice as many in between."""

    def __init__(self, most: int, make: Callable[[K], V], weigh: Callable[[V], int]) -> None:
        self._most = most
        self._make = make
        self._weigh = weigh
        self._entries: dict[K, V] = {}
        self._map: bytearray | None = None

    def get(self, key: K) -> V:
        """The entry of a key, made where there is none."""
        entry = self._entries.get(key)
        if entry is None:
            if self._map is not None:
                self._mark(key)
            if len(self._entries) >= 2 * self._most:
                self.prune()
            entry = self._entries[key] = self._make(key)
        return entry

    def prune(self) -> None:
        """Drop all but the heaviest."""
        if len(self._entries) <= self._most:
            return
        if self._map is None:
            self._map = bytearray(_BITS // 8)
            for key in self._entries:
                self._mark(key)
        ranked = sorted(self._entries.items(), key=lambda item: -self._weigh(item[1]))
        self._entries = dict(ranked[: self._most])

    def _mark(self, key: K) -> None:
        if self._map is not None:
            digest = blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=8).digest()
            bit = int.from_bytes(digest, "big") % _BITS
            self._map[bit >> 3] |= 1 << (bit & 7)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total(self) -> int:
        """How many different keys there were; an estimate where some were dropped."""
        if self._map is None:
            return len(self._entries)
        clear = _BITS - int.from_bytes(self._map, "big").bit_count()
        return max(len(self._entries), round(-_BITS * math.log(max(clear, 1) / _BITS)))

    def items(self) -> list[tuple[K, V]]:
        """What is kept."""
        return list(self._entries.items())
