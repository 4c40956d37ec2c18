"""Handshake times as an inline SVG: a dot per connection, full above resumed, one axis.

Nothing in it comes from a server but numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tlsresume.formats.units import milliseconds
from tlsresume.results import MECHANISMS, AttemptRow

_WIDTH, _LEFT, _RIGHT = 720, 150, 90
_ROW, _TOP, _AXIS = 34, 8, 26
#: More dots than this say nothing new; they are thinned out evenly, by rank.
_MOST = 400


@dataclass(frozen=True, slots=True)
class Strip:
    """The handshake times of one kind, in milliseconds, sorted."""

    name: str
    style: str
    times: tuple[float, ...]


def strips(rows: Iterable[AttemptRow]) -> tuple[Strip, ...]:
    """The full and the resumed handshakes of each mechanism, where there are any."""
    listed = [row for row in rows if row.handshake_ms is not None and row.error is None]
    found = []
    for mechanism in MECHANISMS:
        own = [row for row in listed if row.mechanism == mechanism]
        for word, reused, style in (("new", False, "full"), ("reused", True, "reused")):
            times = sorted(
                row.handshake_ms
                for row in own
                if row.handshake_ms is not None and (row.reused is True) is reused
            )
            if times:
                found.append(Strip(f"{mechanism}, {word}", style, tuple(times)))
    return tuple(found)


def svg(found: Sequence[Strip]) -> str:
    """The chart; an empty string if there is nothing to show."""
    if not found:
        return ""
    most = max(strip.times[-1] for strip in found)
    step, end = _scale(most)
    height = _TOP + _ROW * len(found) + _AXIS
    words = "; ".join(
        f"{strip.name}: median {milliseconds(median(strip.times))} of {len(strip.times)}"
        for strip in found
    )
    lines = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Handshake times. {words}">',
        f"<title>Handshake times. {words}</title>",
        *_axis(step, end, height),
    ]
    for number, strip in enumerate(found):
        lines += _strip(strip, _TOP + _ROW * number + _ROW / 2, end)
    return "\n".join([*lines, "</svg>"])


def _scale(most: float) -> tuple[float, float]:
    """A round step for about five ticks, and the end of the axis."""
    rough = max(most, 0.001) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, step * math.ceil(most / step)


def _x(value: float, end: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / end


def _axis(step: float, end: float, height: float) -> Iterator[str]:
    for number in range(round(end / step) + 1):
        at = _x(number * step, end)
        yield (
            f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{height - _AXIS}"/>'
        )
        yield (
            f'<text x="{at:.1f}" y="{height - 8}" text-anchor="middle">{number * step:g}'
            f"{' ms' if number * step >= end - step / 2 else ''}</text>"
        )


def _strip(strip: Strip, middle: float, end: float) -> Iterator[str]:
    yield f'<text class="name" x="{_LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end">{strip.name}</text>'
    every = max(1, math.ceil(len(strip.times) / _MOST))
    for number, value in enumerate(strip.times[::every]):
        # Side by side rather than on top of each other; not random, so that output is stable.
        offset = (number * 7 % 11 - 5) * 1.6
        yield (
            f'<circle class="{strip.style}" cx="{_x(value, end):.1f}" cy="{middle + offset:.1f}"'
            ' r="3.2" fill-opacity="0.6"/>'
        )
    at = _x(median(strip.times), end)
    yield (
        f'<line class="median" x1="{at:.1f}" x2="{at:.1f}" y1="{middle - 12:.1f}"'
        f' y2="{middle + 12:.1f}"/>'
    )
    yield (
        f'<text class="name" x="{_WIDTH - _RIGHT + 12}" y="{middle + 4:.1f}">'
        f"{milliseconds(median(strip.times))}</text>"
    )
