"""What collects the messages of one connection while they pass.

A `Recorder` runs inside OpenSSL's message callback: it only stores bytes, and no bytes of a peer
make it raise. What they say is read later, from its `Transcript`.
"""

from __future__ import annotations

from tlsresume.tls.entry import Entry, Role
from tlsresume.tls.handshake import PARSERS
from tlsresume.tls.registry import ContentType, HandshakeType
from tlsresume.tls.transcript import Transcript

#: Handshake types whose bytes are kept: those with something to read in them.
KEPT_TYPES: frozenset[int] = frozenset(
    number for parsers in PARSERS.values() for number in parsers
) - {HandshakeType.finished}

#: Bytes of messages that one connection may make us keep. An honest one needs 8 KB;
#: one certificate chain or ticket can have 100 KB before OpenSSL refuses it.
KEPT_BYTES_LIMIT = 4 << 20

#: What an entry costs beside its bytes, roughly; so that empty messages count too.
ENTRY_COST = 256

_ALERT, _HANDSHAKE = ContentType.alert, ContentType.handshake


class Recorder:
    """Collects a connection's messages as they pass; never raises on what a peer sent."""

    __slots__ = ("_cost", "_entries", "_omitted", "_ours")

    def __init__(self, ours: Role | None = None) -> None:
        self._ours = ours
        self._entries: list[Entry] = []
        self._cost = 0
        self._omitted = 0

    def handshake(
        self, sender: Role, raw: bytes, at_ms: float, after_data: bool = False
    ) -> Entry | None:
        """Note one handshake message with its 4-byte header, and return its entry.

        None where the connection has sent more than KEPT_BYTES_LIMIT.
        """
        type_ = raw[0] if raw else None
        kept = bytes(raw) if type_ in KEPT_TYPES else b""
        self._cost += len(kept) + ENTRY_COST
        if self._cost > KEPT_BYTES_LIMIT:
            self._omitted += 1
            return None
        entry = Entry(sender, _HANDSHAKE, kept, at_ms, len(raw), after_data, type_)
        self._entries.append(entry)
        return entry

    def alert(self, sender: Role, raw: bytes, at_ms: float) -> Entry:
        """Note one alert, two bytes, and return its entry."""
        entry = Entry(sender, _ALERT, bytes(raw[:16]), at_ms, len(raw))
        self._entries.append(entry)
        return entry

    def transcript(self) -> Transcript:
        """All that was noted until now."""
        return Transcript(tuple(self._entries), self._omitted, self._ours)
