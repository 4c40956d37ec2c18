"""asyncio.run, but for how it ends after an interrupt: with every task ended, and silently.

A KeyboardInterrupt inside a task (a second Ctrl-C, or one that OpenSSL's callback met)
leaves the loop at once, and leaves it again from each TaskGroup above that task while
`asyncio.run` cleans up: that gives up half-way, and the rest is told on stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tlsresume import collecting, shortage
from tlsresume.errors import LocalError, UsageError

T = TypeVar("T")

#: What an event loop needs: a selector, and a pair of sockets to be woken by.
_DESCRIPTORS = 3

_INTERRUPTS = (KeyboardInterrupt, SystemExit)


class Stopped(Exception):
    """What `run` raises where `Stop` was called before its coroutine had ended."""


class Stop:
    """Stops a call that blocks in another thread: `stop = Stop()`, `probe(..., stop=stop)`
    there, `stop()` here. It may be called at any time, from any thread, more than once."""

    def __init__(self) -> None:
        self.called = False
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []

    def __call__(self) -> None:
        with self._lock:
            self.called = True
            for wake in self._waiting:
                wake()

    def _add(self, wake: Callable[[], object]) -> None:
        with self._lock:
            self._waiting.append(wake)
            if self.called:
                wake()

    def _remove(self, wake: Callable[[], object]) -> None:
        with self._lock:
            self._waiting.remove(wake)


async def _until(main: Coroutine[Any, Any, T], stop: Stop) -> T:
    """What `main` returns or raises. Raises Stopped where it was stopped before."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(main)

    def wake() -> None:
        loop.call_soon_threadsafe(task.cancel)

    stop._add(wake)  # noqa: SLF001  its other half
    try:
        return await task
    except asyncio.CancelledError:
        own = asyncio.current_task()
        if stop.called and not (own is not None and own.cancelling()):
            raise Stopped from None
        task.cancel()
        raise
    finally:
        stop._remove(wake)  # noqa: SLF001  its other half


def run(main: Coroutine[Any, Any, T], stop: Stop | None = None) -> T:
    """What `main` returns or raises; all that it started has ended by then.

    Raises Stopped where `stop` was called before.

    Raises UsageError inside a running loop, which it would block, and LocalError where this
    process has no descriptors left for a loop.
    """
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        main.close()
        raise UsageError(
            "this call blocks, and an event loop is running in this thread",
            hints=("in async code: await tlsresume.aprobe(target); also asave, aresume, awatch",),
        )
    try:
        _make_sure_of_descriptors()
    except LocalError:
        main.close()
        raise
    collecting.started()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(_report)
        try:
            return runner.run(main if stop is None else _until(main, stop))
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
