"""How long handshakes take where a server serves one connection at a time.

Such a server lets our next connection wait until it has done with the one before, and a
handshake that is measured from its ClientHello then holds the wait in our own queue. Told
by the whole run: while a connection of ours is open behind its handshake, no other
handshake ends, and most ServerHellos come late. What a ServerHello took longer than the
quickest one is that wait. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tlsresume.evidence.trial import Trial
from tlsresume.value import Value

#: Seconds by which two of our connections may seem to overlap, though the server had left
#: the first one: we notice its end late.
_LATE = 0.002

#: A wait is one from so many milliseconds on, and from that share of the handshake on.
_LEAST_WAIT = 2.0
_LEAST_SHARE = 0.5

#: So many handshakes must have waited, and that share of all, before a server is said to
#: serve one at a time; and at most that share may have ended beside another connection.
_FEWEST = 3
_MOSTLY = 0.5
_IN_PARALLEL = 0.1


class Span(Value, frozen=True):
    """One connection: its ClientHello, the end of its handshake and its own end in seconds
    since 1970; how long its ServerHello and its handshake took, in milliseconds."""

    n: int
    hello: float
    done: float
    end: float
    answer: float
    handshake: float


def own_waits(beside: Iterable[Trial]) -> dict[int, float]:
    """Milliseconds that connections waited for others of ours, by their numbers; `beside` are all
    to one address. None where the server does not serve one at a time."""
    return waits_for_ourselves([span for a in beside if (span := _span(a)) is not None])


def handshake_times(attempts: Iterable[Trial], waits: Mapping[int, float]) -> list[float]:
    """The handshake times of finished attempts, in milliseconds, without what they waited for
    other connections of ours (`own_waits`)."""
    return [
        max(0.0, a.timings.handshake - waits.get(a.n, 0.0))
        for a in attempts
        if a.handshake_done and a.timings.handshake is not None
    ]


def _span(attempt: Trial) -> Span | None:
    """None where the handshake failed; or had two ClientHellos, the first answered at once."""
    times = attempt.timings
    if not attempt.handshake_done or attempt.hello_retry:
        return None
    if times.handshake is None or attempt.answered_ms is None or times.total is None:
        return None
    hello = attempt.time + (times.connect or 0.0) / 1000
    return Span(
        n=attempt.n,
        hello=hello,
        done=hello + times.handshake / 1000,
        end=attempt.time + times.total / 1000,
        answer=attempt.answered_ms,
        handshake=times.handshake,
    )


def waits_for_ourselves(spans: list[Span]) -> dict[int, float]:
    """Milliseconds that each connection waited for others of ours, by its number; none where
    the server was seen to serve several at a time, or few waited."""
    if not spans:
        return {}
    quickest = min(span.answer for span in spans)
    waits: dict[int, float] = {}
    in_parallel = late = 0
    last_end = float("-inf")
    for span in sorted(spans, key=lambda each: each.done):
        # `last_end` is that of the connections whose handshakes ended before this one's.
        in_parallel += last_end > span.done + _LATE
        last_end = max(last_end, span.end)
        waits[span.n] = span.answer - quickest
        late += waits[span.n] >= max(_LEAST_WAIT, _LEAST_SHARE * span.handshake)
    several = in_parallel > _IN_PARALLEL * len(spans)
    return {} if several or late < max(_FEWEST, _MOSTLY * len(spans)) else waits
