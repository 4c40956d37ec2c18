"""Whether work on some input is linear: four times the input, at most about four times the steps.

Steps are the lines of Python that run, so neither the machine nor what else it does counts.
What one call into C does is not seen; regular expressions are kept free of nested repeats.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

#: Lines that any input costs, whatever its length.
_BESIDE = 500


def steps(work: Callable[[], object]) -> int:
    """How many lines of Python run during `work`."""
    count = 0

    def step(_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def assert_linear(work: Callable[[bytes], object], unit: bytes, size: int) -> None:
    """Fail where `work` on `4 * size` bytes of repeated `unit` is far more than on `size`."""
    small, large = ((unit * (n // len(unit) + 1))[:n] for n in (size, 4 * size))
    assert steps(lambda: work(large)) <= 5 * steps(lambda: work(small)) + _BESIDE, unit[:40]
