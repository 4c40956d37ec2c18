"""IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5), bounded."""

from __future__ import annotations

#: Datagrams that wait for fragments, and the most of one.
_MOST, _MOST_PIECES, _LARGEST = 256, 64, 1 << 16


class Fragments:
    """Datagrams of which not all fragments have come; the oldest is given up for a new one."""

    def __init__(self) -> None:
        self.given_up = 0
        self._waiting: dict[bytes, dict[int, bytes]] = {}
        self._ends: dict[bytes, int] = {}

    def add(self, key: bytes, offset: int, data: bytes, *, more: bool) -> bytes | None:
        """Take a fragment; the whole datagram's payload once it is there.

        `key` is what all fragments of a datagram share.
        """
        pieces = self._waiting.get(key)
        if pieces is None:
            if len(self._waiting) >= _MOST:
                self._drop(next(iter(self._waiting)))
                self.given_up += 1
            pieces = self._waiting[key] = {}
        if offset + len(data) > _LARGEST or len(pieces) >= _MOST_PIECES:
            self._drop(key)
            self.given_up += 1
            return None
        pieces.setdefault(offset, data)
        if not more:
            self._ends[key] = offset + len(data)
        end = self._ends.get(key)
        if end is None:
            return None
        whole = b""
        for start in sorted(pieces):
            if start > len(whole):
                return None
            whole += pieces[start][len(whole) - start :]
        if len(whole) < end:
            return None
        self._drop(key)
        return whole[:end]

    def _drop(self, key: bytes) -> None:
        self._waiting.pop(key, None)
        self._ends.pop(key, None)
