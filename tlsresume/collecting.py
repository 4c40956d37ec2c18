"""The cycle collector while the command starts and ends: importing makes objects, and hardly any
garbage.

A sixth of the time until work begins would go into looking for it. The command, not the
library, so raises what makes the collector look, and the first event loop sets it back, and
keeps what was imported out of its sight; `serve`, which has none, does so itself. Another command
without a loop keeps the higher number: its garbage is collected, only later.

Python looks three times more while it ends, though the memory goes back with the process: that
was a fifth of the CPU of `probe --plan` and of `inspect`. All that is left is kept out of sight
then, too.
"""

from __future__ import annotations

import atexit
import gc

#: New objects before the collector looks, while a command starts; Python's own is 700. A probe
#: makes 60,000 until it connects, one over QUIC 71,000; looking at them once takes 10 ms.
_WHILE_STARTING = 100_000

_before: tuple[int, int, int] | None = None


def start() -> None:
    """The process is a command, and starts."""
    global _before  # noqa: PLW0603  one process starts once
    if _before is None:
        _before = gc.get_threshold()
        gc.set_threshold(_WHILE_STARTING, *_before[1:])
        atexit.register(gc.freeze)


def started() -> None:
    """Work begins. Nothing happens where the process is no command of ours."""
    global _before  # noqa: PLW0603  same
    if _before is not None:
        gc.freeze()
        gc.set_threshold(*_before)
        _before = None
