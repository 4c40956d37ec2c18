"""Handshake times as a chart: a dot per connection, full above resumed, one axis.

All positions are in percent of the chart's width. Nothing in it comes from a server but
numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from tlsresume.results.connection import MECHANISMS
from tlsresume.results.measured import AttemptRow
from tlsresume.units import milliseconds
from tlsresume.value import Value

#: More dots than this say nothing new; they are thinned out evenly, by rank.
_MOST = 400
#: The middle of a strip, in pixels from its top.
_MIDDLE = 17.0


class Dot(Value, frozen=True):
    """One connection: percent from the left, pixels from the top."""

    at: str
    top: str


class Strip(Value, frozen=True, kw_only=True):
    """The handshake times of one kind."""

    name: str
    style: str
    dots: tuple[Dot, ...]
    median: str
    median_at: str


class Tick(Value, frozen=True):
    """A mark on the axis, in percent, and its label."""

    at: str
    label: str
    anchor: str


class Strips(Value, frozen=True):
    """The whole chart, and what it says in words."""

    strips: tuple[Strip, ...] = ()
    ticks: tuple[Tick, ...] = ()
    words: str = ""


def handshake_chart(rows: Iterable[AttemptRow]) -> Strips:
    """The full and the resumed handshakes of each mechanism, where there are any."""
    found = list(_times(rows))
    if not found:
        return Strips()
    step, end = _scale(max(times[-1] for _, _, times in found))
    words = "; ".join(
        f"{name}: median {milliseconds(median(times))} of {len(times)}" for name, _, times in found
    )
    return Strips(
        tuple(_strip(name, style, times, end) for name, style, times in found),
        tuple(_ticks(step, end)),
        words,
    )


def _times(rows: Iterable[AttemptRow]) -> Iterator[tuple[str, str, list[float]]]:
    """Name, style and sorted times in milliseconds of each strip."""
    listed = [row for row in rows if row.handshake_ms is not None and row.error is None]
    for mechanism in MECHANISMS:
        own = [row for row in listed if row.mechanism == mechanism]
        for word, reused, style in (("new", False, "full"), ("reused", True, "reused")):
            times = sorted(
                row.handshake_ms
                for row in own
                if row.handshake_ms is not None and (row.reused is True) is reused
            )
            if times:
                yield f"{mechanism}, {word}", style, times


def _scale(most: float) -> tuple[float, float]:
    """A round step for about four ticks, and the end of the axis."""
    rough = max(most, 0.001) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, step * math.ceil(most / step)


def _percent(value: float, end: float) -> str:
    return f"{100 * value / end:.1f}"


def _ticks(step: float, end: float) -> Iterator[Tick]:
    last = round(end / step)
    for number in range(last + 1):
        label = f"{number * step:g}{' ms' if number == last else ''}"
        anchor = "start" if not number else "end" if number == last else "middle"
        yield Tick(_percent(number * step, end), label, anchor)


def _strip(name: str, style: str, times: Sequence[float], end: float) -> Strip:
    every = max(1, math.ceil(len(times) / _MOST))
    # Side by side rather than on top of each other; not random, so that output is stable.
    dots = tuple(
        Dot(_percent(value, end), f"{_MIDDLE + (number * 7 % 11 - 5) * 1.6:.1f}")
        for number, value in enumerate(times[::every])
    )
    middle = median(times)
    return Strip(
        name=name,
        style=style,
        dots=dots,
        median=milliseconds(middle),
        median_at=_percent(middle, end),
    )
