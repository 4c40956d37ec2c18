"""asyncio.run, but for how it ends after an interrupt: with every task ended, and silently.

A KeyboardInterrupt inside a task (a second Ctrl-C, or one that OpenSSL's callback met)
leaves the loop at once, and leaves it again from each TaskGroup above that task while
`asyncio.run` cleans up: that gives up half-way, and the rest is told on stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from tlsresume import shortage
from tlsresume.errors import LocalError, UsageError

T = TypeVar("T")

#: What an event loop needs: a selector, and a pair of sockets to be woken by.
_DESCRIPTORS = 3

_INTERRUPTS = (KeyboardInterrupt, SystemExit)


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns or raises; all that it started has ended by then.

    Raises UsageError inside a running loop, which it would block, and LocalError where this
    process has no descriptors left for a loop.
    """
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        main.close()
        raise UsageError(
            "this call blocks, and an event loop is running in this thread",
            hints=("in async code: await asyncio.to_thread(tlsresume.probe, target)",),
        )
    try:
        _make_sure_of_descriptors()
    except LocalError:
        main.close()
        raise
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(_report)
        try:
            return runner.run(main)
        except _INTERRUPTS:
            _end_all(loop)
            raise


def _make_sure_of_descriptors() -> None:
    """Raise LocalError where a loop would not get what it needs: one that is made by half is a
    warning on stderr later."""
    taken: list[int] = []
    try:
        for _ in range(_DESCRIPTORS):
            taken.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  each may fail
    except OSError as error:
        if shortage.is_shortage(error):
            raise shortage.local_error(error, "begin") from None
    finally:
        for descriptor in taken:
            os.close(descriptor)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), _INTERRUPTS):
        loop.default_exception_handler(context)


def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    # Each round ends at least the task that raises.
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        try:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        except _INTERRUPTS:
            continue
