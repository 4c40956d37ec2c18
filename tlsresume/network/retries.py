"""When a connection that broke is made again, and when no more are made: the Lab's patience.

A connection that breaks while others of ours are open may be their victim, so it is tried again
alone before it is judged. A server that says that it limits connections is waited for, a few
times; then it is asked for no more. What broke although it was alone is counted for each place,
since where neither crowding nor chance is the cause, trying again is in vain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tlsresume.errors import LimitedByServer
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Route

#: Failures that can come from too many connections at once, or from a flaky path.
_RETRY_ALONE = frozenset(
    {"timeout", "refused", "reset", "closed", "starttls", "proxy", "local", "rate-limit"}
)

#: The pauses before a broken connection is tried again, in seconds, since a server may need a
#: moment to notice that our others have ended.
_PAUSES = (0.05, 0.3)

#: Seconds to wait where the server says that it limits connections: enough for a limit on
#: connections at a time, or in a second; those in a minute or an hour are not waited out.
_LIMIT_PAUSES = (1.0, 4.0)
#: So often waiting may help; a server that allows a few connections at a time takes too long.
_LIMITS_WAITED_OUT = 4

#: After so many connections that broke although they were alone, neither crowding nor
#: chance is the cause of others. Timeouts are dear, so fewer of them are enough.
_IN_VAIN = 4
_TIMEOUTS_IN_VAIN = 2

#: Where, and how, connections break: address, port, and what was offered there.
_Place = tuple[str, int, str]


class Retries:
    """What is known of the places that a Lab connects to, as far as retries depend on it."""

    def __init__(self) -> None:
        self._in_vain: Counter[_Place] = Counter()
        self._waited: Counter[tuple[str, int]] = Counter()
        #: The words of servers that limit connections, where waiting did not help.
        self._limits: dict[tuple[str, int], str] = {}

    def check(self, route: Route) -> None:
        """Raise LimitedByServer where no more connections are to be made."""
        words = self._limits.get((route.address, route.port))
        if words is not None:
            raise LimitedByServer(words)

    def note(self, attempt: Trial, *, crowded: bool) -> None:
        """Count the connections that broke although they were alone, since being alone last
        helped."""
        if attempt.handshake_done and attempt.retried:
            for place in (_place(attempt, "timeout"), _place(attempt, "other")):
                self._in_vain[place] = 0
        elif not (crowded or attempt.handshake_done or attempt.error is None or attempt.error.ours):
            self._in_vain[_place(attempt, attempt.error.kind)] += 1

    def worth(self, attempt: Trial, *, crowded: bool) -> bool:
        """Whether to make a connection again; `crowded`: others of ours were open meanwhile."""
        error = attempt.error
        if attempt.early is not None or attempt.early_data != "not-sent":
            return False  # the same early data once more would be a replay
        if error is None or attempt.handshake_done or error.kind not in _RETRY_ALONE:
            return False
        if error.kind == "local":
            return error.step != "connect"  # else it was waited for, or is a pinned port
        if error.kind == "rate-limit":
            place = (attempt.address, attempt.port)
            return place not in self._limits and self._waited[place] < _LIMITS_WAITED_OUT
        if error.kind in ("starttls", "proxy"):
            # Some turn away whom they have too many connections from, in clear.
            return crowded
        if error.kind == "timeout":
            return crowded and self._in_vain[_place(attempt, error.kind)] < _TIMEOUTS_IN_VAIN
        if self._in_vain[_place(attempt, error.kind)] >= _IN_VAIN:
            return False
        return crowded or error.kind != "refused"

    def settle(self, attempt: Trial, journal: Sequence[Trial]) -> bool:
        """Take what came of a connection in the end. True: waiting for a server's limit helped."""
        place = (attempt.address, attempt.port)
        if attempt.error is not None and _limited(attempt):
            said = attempt.error.message
            words = f"{said}; --tries 1 asks for less, a minute or more from now"
            self._limits.setdefault(place, words)
        elif attempt.retried and any(_limited(one) for one in journal if one.ask == attempt.ask):
            self._waited[place] += 1
            return True
        return False


def pauses(attempt: Trial) -> tuple[float, ...]:
    """Seconds to wait before each further try."""
    return _LIMIT_PAUSES if _limited(attempt) else _PAUSES


def in_vain(attempt: Trial) -> bool:
    """Whether nothing at all came back: refused, or silence."""
    error = attempt.error
    if error is None or attempt.traffic.received:
        return False
    return error.kind == "timeout" or (error.kind == "refused" and error.step == "connect")


def _place(attempt: Trial, kind: str) -> _Place:
    """Timeouts are counted together; others by the mechanism that a session was offered for."""
    offered = attempt.mechanism if attempt.offer is not None else None
    return (attempt.address, attempt.port, kind if kind == "timeout" else offered or "")


def _limited(attempt: Trial) -> bool:
    return attempt.error is not None and attempt.error.kind == "rate-limit"
