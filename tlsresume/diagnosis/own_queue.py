"""How long handshakes take where a server serves one connection at a time.

Such a server lets our next connection wait until the one before it has ended, and a
handshake that is measured from its ClientHello then holds the wait for our own queue.
Told by the whole run: while a connection of ours is open behind its handshake, no other
handshake ends; and handshakes end soon after another connection does. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlsresume.results import Attempt

#: Seconds by which two of our connections may seem to overlap, though the server had left
#: the first one: we notice its end late.
_LATE = 0.002

#: So many handshakes must have waited before a server is said to serve one at a time,
#: and at most that share of all may have ended beside another connection.
_FEWEST = 3
_IN_PARALLEL = 0.1


@dataclass(frozen=True, slots=True)
class _Span:
    """One connection, in seconds since 1970: its ClientHello, its handshake's end, its end."""

    n: int
    hello: float
    done: float
    end: float


def handshake_times(attempts: Iterable[Attempt], beside: Sequence[Attempt]) -> list[float]:
    """The handshake times of finished attempts, in milliseconds, without what they waited for
    other connections of ours.

    `beside` are all connections to the same address. Where the server does not serve one at
    a time the times are those that were measured.
    """
    measured = {
        a.n: a.timings.handshake
        for a in attempts
        if a.handshake_done and a.timings.handshake is not None
    }
    waits = waits_for_ourselves([span for a in beside if (span := _span(a)) is not None])
    return [max(0.0, time - waits.get(n, 0.0) * 1000) for n, time in measured.items()]


def _span(attempt: Attempt) -> _Span | None:
    handshake, total = attempt.timings.handshake, attempt.timings.total
    if not attempt.handshake_done or handshake is None or total is None:
        return None
    hello = attempt.time + (attempt.timings.connect or 0.0) / 1000
    return _Span(attempt.n, hello, hello + handshake / 1000, attempt.time + total / 1000)


def waits_for_ourselves(spans: list[_Span]) -> dict[int, float]:
    """Seconds that each connection waited for the end of another one; none where the server
    was seen to serve several at a time, or hardly any waited."""
    ends = sorted(span.end for span in spans)
    waits: dict[int, float] = {}
    in_parallel, last_end = 0, float("-inf")
    for span in sorted(spans, key=lambda each: each.done):
        # `last_end` is that of the connections whose handshakes ended before this one's.
        if last_end > span.done + _LATE:
            in_parallel += 1
        else:
            before = ends[bisect_right(ends, span.done) - 1] if ends[0] <= span.done else 0.0
            if before > span.hello:
                waits[span.n] = before - span.hello
        last_end = max(last_end, span.end)
    several = in_parallel > _IN_PARALLEL * len(spans)
    return {} if several or len(waits) < _FEWEST else waits
