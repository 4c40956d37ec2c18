"""A first flight that was made some time before it is sent, and is sent as it is, byte for byte.

From its making to the first answer aioquic's clock stands still: it would make packets of its
own where it sees that no answer came, and those are no copies. A flight that is not answered is
sent again here, as a whole: a server drops it for a moment after it has closed a connection with
the same IDs (RFC 9000 section 10.2). That is no loss, and is not counted as such.
"""

from __future__ import annotations

#: Seconds after which a flight that got no answer is sent again; then twice as long each time.
_AGAIN_AFTER = 0.3


class KeptFlight:
    """Datagrams, and when they are due. Times are the caller's clock; `behind` is by how much
    aioquic's clock, which stood still, is behind it."""

    def __init__(self) -> None:
        self.behind = 0.0
        self.due: float | None = None
        self._datagrams: list[bytes] = []
        self._made_at = self._sent_at = 0.0
        self._pause = _AGAIN_AFTER

    def keep(self, datagrams: list[bytes], now: float) -> None:
        """Keep what was just made; it is due at once."""
        self._datagrams = datagrams
        self._made_at = self.due = now

    @property
    def waiting(self) -> bool:
        """Whether it is kept, and nothing has answered it."""
        return bool(self._datagrams)

    def take(self, now: float) -> list[bytes]:
        """What must be sent now: all of it, or nothing while an answer is waited for."""
        if self.due is None or now < self.due:
            return []
        self._sent_at = now
        self.due = now + self._pause
        self._pause *= 2
        return list(self._datagrams)

    def answered(self) -> None:
        """A datagram came. Time goes on as if the flight had been made when it was sent last."""
        if self._datagrams:
            self._datagrams = []
            self.behind = self._sent_at - self._made_at
