"""An event loop whose clock only passes when nothing is left to do: waits cost no time."""

from __future__ import annotations

import asyncio
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time is a number of seconds, which each wait moves on at once."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        # The loop asks it how long to sleep.
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def skip(timeout: float | None = None) -> Any:
            self._seconds += max(0.0, timeout or 0.0)
            return select(0)

        selector.select = skip

    def time(self) -> float:
        return self._seconds
