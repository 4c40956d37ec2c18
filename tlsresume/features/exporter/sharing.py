"""Results that several scrapes share: in flight, and for a while after.

Two Prometheus servers that scrape the same target cause one probe. A result is kept for as long
as its module says, in a store of bounded size. A probe that our own deadline cut short is not
kept: a scrape with more time would do better.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from tlsresume.value import Value

#: Results that are kept at most, the newest.
MOST_KEPT = 2000


class Outcome(Value, frozen=True, kw_only=True):
    """What a probe gave: its metrics, whether it succeeded, and when it ended (monotonic)."""

    metrics: str
    success: bool
    exit_status: int
    seconds: float
    ended: float
    #: Whether our deadline cut it short.
    cut: bool = False


class Key(Value, frozen=True):
    """Which scrapes share a result. `generation` counts the configurations that were read."""

    target: str
    module: str
    generation: int


class Shared:
    """Results by key. `joined` is called for each scrape that needs no probe of its own."""

    def __init__(self, joined: Callable[[], None] = lambda: None) -> None:
        self._running: dict[Key, asyncio.Task[Outcome]] = {}
        self._kept: OrderedDict[Key, Outcome] = OrderedDict()
        self._joined = joined

    def get(
        self, key: Key, keep: float, probe: Callable[[], Coroutine[Any, Any, Outcome]]
    ) -> asyncio.Task[Outcome] | Outcome:
        """A result that is fresh enough, or the task that will have one."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept.ended < keep:
            self._joined()
            return kept
        running = self._running.get(key)
        if running is not None:
            self._joined()
            return running
        task = asyncio.get_running_loop().create_task(probe())
        self._running[key] = task
        task.add_done_callback(lambda done: self._ended(key, keep, done))
        return task

    def _ended(self, key: Key, keep: float, task: asyncio.Task[Outcome]) -> None:
        self._running.pop(key, None)
        # Asked for also where nobody waits any more, or asyncio would complain.
        if task.cancelled() or task.exception() is not None:
            return
        outcome = task.result()
        if keep and not outcome.cut:
            self._kept[key] = outcome
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.pop(key, None)

    def stop(self) -> None:
        """End all that runs."""
        for task in self._running.values():
            task.cancel()
