"""Threshold ranges in the notation of the monitoring plugins' guidelines.

`10` alerts outside 0..10, `10:` below 10, `~:10` above 10, `10:20` outside, and
`@10:20` inside, the ends included.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_RANGE = rf"(@?)(?:(~|{_NUMBER}):)?({_NUMBER})?"


class Range(NamedTuple):
    """The values between `start` and `end`, ends included; `inside` alerts within them."""

    text: str
    start: float
    end: float
    inside: bool = False

    def alerts(self, value: float) -> bool:
        """Whether a value calls for the alert."""
        return (self.start <= value <= self.end) is self.inside


def parse_range(text: str) -> Range:
    """A Range from its notation. Raises ValueError."""
    match = re.fullmatch(_RANGE, text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"{text!r} is not a range such as 90:, 50:100 or @0:50")
    start = -math.inf if match[2] == "~" else float(match[2] or 0)
    end = math.inf if match[3] is None else float(match[3])
    if start > end:
        raise ValueError(f"{text!r} begins after its end")
    return Range(text, start, end, inside=bool(match[1]))
