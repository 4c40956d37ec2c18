"""Serving until a run ends, and showing connections as they come."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from tlsresume.features.serve.ledger import Seen
from tlsresume.features.serve.report_text import seen_line
from tlsresume.features.serve.serving import COMMAND_SECONDS, Serving

#: Connections that wait to be shown, and lines that are shown in a second, at most.
_QUEUE, _LINES = 1_000, 20
_POLL = 0.2


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """What ends a run: a command, a number of connections, a time in seconds."""

    command: str | None = None
    repeat: int = 1
    connections: int | None = None
    seconds: float | None = None


class Onlooker:
    """Shows connections as they end; the threads that serve them never wait for a terminal."""

    def __init__(self, say: Callable[[str], None], *, shown: bool) -> None:
        self._say = say
        self._shown = shown
        self._waiting: queue.Queue[Seen] = queue.Queue(_QUEUE)
        self._second = 0
        self._lines = 0

    def note(self, seen: Seen) -> None:
        """Take one more, from any thread; what is too much is left out."""
        if self._shown:
            with suppress(queue.Full):
                self._waiting.put_nowait(seen)

    def show(self) -> None:
        """Write what has come since, some lines a second."""
        while not self._waiting.empty():
            seen = self._waiting.get_nowait()
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._lines = second, 0
            self._lines += 1
            if self._lines <= _LINES:
                self._say(seen_line(seen))
            elif self._lines == _LINES + 1:
                self._say("more connections than can be shown")


def until_the_end(serving: Serving, ends: Ends, onlooker: Onlooker) -> None:
    """Serve until the command has run, enough connections came, or the time is up."""
    began = time.monotonic()

    def left() -> float:
        return COMMAND_SECONDS if ends.seconds is None else began + ends.seconds - time.monotonic()

    if ends.command is not None:
        serving.run(
            ends.command,
            times=ends.repeat,
            connections=ends.connections,
            seconds=left,
            meanwhile=onlooker.show,
        )
        return
    while ends.seconds is None or left() > 0:
        if ends.connections is not None and serving.enough(ends.connections):
            return
        serving.wait(_POLL if ends.seconds is None else min(_POLL, max(0.0, left())))
        onlooker.show()
