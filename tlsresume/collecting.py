"""The cycle collector while the command starts: importing makes objects, and hardly any garbage.

A sixth of the time until work begins would go into looking for it. The command, not the
library, so raises what makes the collector look, and the first event loop sets it back, and
keeps what was imported out of its sight. A command without a loop keeps the higher number: its
garbage is collected, only later.
"""

from __future__ import annotations

import gc

#: New objects before the collector looks, while a command starts; Python's own is 700.
_WHILE_STARTING = 50_000

_before: tuple[int, int, int] | None = None


def start() -> None:
    """The process is a command, and starts."""
    global _before  # noqa: PLW0603  one process starts once
    if _before is None:
        _before = gc.get_threshold()
        gc.set_threshold(_WHILE_STARTING, *_before[1:])


def started() -> None:
    """Work begins. Nothing happens where the process is no command of ours."""
    global _before  # noqa: PLW0603  same
    if _before is not None:
        gc.freeze()
        gc.set_threshold(*_before)
        _before = None
