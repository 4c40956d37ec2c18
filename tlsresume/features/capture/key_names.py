"""Tickets of one server by the name of the key that made them, in bounded memory.

Which bytes of a ticket are the name is told only by many tickets together
(`tickets.key_names.KeyNaming`). So tickets wait, each with its counts, and are folded into
names when there are too many; those without a name are then counted as dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from tlsresume.tickets.key_names import KeyNaming, is_stateful

#: Tickets that wait to be named; names that are kept.
_MOST_WAITING = 512
_MOST_NAMES = 256
#: Tickets of each name that stay, so that the next ones are named alike.
_EXAMPLES = 2
_PREFIX = 48
#: OpenSSL's shortest ticket; see tickets/key_names.py.
_BLOCKS = 80


@dataclass(slots=True)
class KeyUse:
    """What became of the tickets of one key. Times are nanoseconds since 1970, 0: never.

    `alive` are the times at which the server issued a ticket of this key, or took one;
    refusals with an excuse of their own do not count in `refused`.
    """

    issued: int = 0
    offered: int = 0
    accepted: int = 0
    refused: int = 0
    first: int = 0
    last: int = 0
    first_alive: int = 0
    last_alive: int = 0
    first_refused: int = 0
    last_refused: int = 0

    def see(self, time: int) -> None:
        """A ticket of the key was seen."""
        self.first = min(self.first or time, time)
        self.last = max(self.last, time)

    def live(self, time: int) -> None:
        """The key was in use on the server."""
        self.see(time)
        self.first_alive = min(self.first_alive or time, time)
        self.last_alive = max(self.last_alive, time)

    def refuse(self, time: int) -> None:
        """A ticket of the key was refused without an excuse."""
        self.refused += 1
        self.first_refused = min(self.first_refused or time, time)
        self.last_refused = max(self.last_refused, time)

    def add(self, other: KeyUse) -> None:
        """Put another's counts to these."""
        self.issued += other.issued
        self.offered += other.offered
        self.accepted += other.accepted
        self.refused += other.refused
        for name in ("first", "first_alive", "first_refused"):
            known = [each for each in (getattr(self, name), getattr(other, name)) if each]
            setattr(self, name, min(known, default=0))
        for name in ("last", "last_alive", "last_refused"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))


class KeyNames:
    """The tickets of one server, by key name."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: dict[bytes, KeyUse] = {}
        self._names: dict[str, KeyUse] = {}
        self._examples: dict[str, list[bytes]] = {}

    def use(self, ticket: bytes) -> KeyUse:
        """The counts to which a ticket belongs."""
        short = stand_in(ticket)
        found = self._waiting.get(short)
        if found is None:
            if len(self._waiting) >= _MOST_WAITING:
                self._fold()
            found = self._waiting[short] = KeyUse()
        return found

    def _naming(self) -> KeyNaming:
        examples = [each for kept in self._examples.values() for each in kept]
        return KeyNaming.learn([*examples, *self._waiting])

    def _fold(self) -> None:
        naming = self._naming()
        for ticket, use in self._waiting.items():
            name = naming.name_of(ticket) if naming.certain else None
            if name is None or (name not in self._names and len(self._names) >= _MOST_NAMES):
                self.dropped += 1
                continue
            self._names.setdefault(name, KeyUse()).add(use)
            kept = self._examples.setdefault(name, [])
            if len(kept) < _EXAMPLES:
                kept.append(ticket)
        self._waiting = {}

    def named(self) -> dict[str, KeyUse]:
        """The counts by key name (hex), as far as names can be told."""
        naming = self._naming()
        found: dict[str, KeyUse] = {}
        for name, use in self._names.items():
            found.setdefault(name, KeyUse()).add(use)
        for ticket, use in self._waiting.items():
            told = naming.name_of(ticket)
            if told is not None:
                found.setdefault(told, KeyUse()).add(use)
        return found


def stand_in(ticket: bytes) -> bytes:
    """A short ticket that is named as this one is, and differs from others as this one does."""
    if len(ticket) <= _BLOCKS or is_stateful(ticket):
        return ticket
    return ticket[:_PREFIX] + bytes(_BLOCKS - _PREFIX + len(ticket) % 16)
