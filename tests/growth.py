"""Whether work on some input is linear: four times the input, at most about four times the work.

Work is CPU time of this process, the least of three runs, so that other processes and the
speed of the machine do not count; quadratic work would be sixteen times as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: What is done quicker than this (seconds) cannot be measured, and hurts nobody.
_NOTHING = 0.02

_MOST = 10.0


def seconds(work: Callable[[], object]) -> float:
    """CPU time of the quickest of three runs."""
    found = []
    for _ in range(3):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def assert_linear(work: Callable[[bytes], object], unit: bytes, size: int) -> None:
    """Fail where `work` on `4 * size` bytes of repeated `unit` is far more than on `size`."""
    small, large = ((unit * (n // len(unit) + 1))[:n] for n in (size, 4 * size))
    spent = seconds(lambda: work(large))
    if spent > _NOTHING:
        assert spent < _MOST * max(seconds(lambda: work(small)), _NOTHING / 4), unit[:40]
