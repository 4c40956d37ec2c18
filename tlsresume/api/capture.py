"""`aserve`, `capture` and `acapture`; `serve` is that of the feature."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from tlsresume import checked
from tlsresume.api import Progress
from tlsresume.api.reports import read_policy
from tlsresume.errors import UsageError
from tlsresume.features.capture.clients import ClientNames
from tlsresume.features.capture.demands import Wanted, hold_against
from tlsresume.features.capture.report import CaptureReport
from tlsresume.features.capture.run import Capture, CaptureOptions, moment, read_key_log
from tlsresume.features.serve.serving import Serving, serve
from tlsresume.network.loop import Stop, Stopped
from tlsresume.options import LONGEST
from tlsresume.policy.policy import Policy
from tlsresume.tickets.key_files import TicketKeyFile
from tlsresume.tls.key_log import KeyLog


@asynccontextmanager
async def aserve(*behaviours: str, **options: object) -> AsyncIterator[Serving]:
    """`serve` for a running event loop: servers for an `async with` block.

    >>> async def main():
    ...     async with tlsresume.aserve("no-tickets") as serving:
    ...         return serving.url.startswith("https://localhost:")
    >>> asyncio.run(main())
    True
    """
    serving = serve(*behaviours, **options)
    await asyncio.to_thread(serving.__enter__)
    try:
        yield serving
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)


def capture(
    *files: str,
    keylogfile: str | None = None,
    ticket_keys: Sequence[TicketKeyFile] = (),
    servers: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    top: int = 100,
    min_rate: float | None = None,
    min_resumption_rate: float | None = None,
    policy: Policy | str | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> CaptureReport:
    """What captured packets show of sessions: `files` are pcap or pcapng, and count as one.

    `servers` are patterns of names that count, `since` and `until` times as of the options. After
    `deadline` seconds, or when another thread calls `stop()`, the packets read by then are the
    report. Raises UsageError, CaptureFileError and PolicyFileError.
    """
    if not files:
        raise UsageError("files: no capture is named")
    checked.whole("top", top, 1, 10_000)
    if deadline is not None:
        checked.seconds("deadline", deadline, LONGEST, zero=True)
    end = None if deadline is None else time.monotonic() + deadline
    chosen = read_policy(policy) if isinstance(policy, str) else policy
    wanted = Wanted(min_rate=min_rate, min_resumption_rate=min_resumption_rate, policy=chosen)
    key_log = KeyLog()
    if keylogfile is not None:
        read_key_log(keylogfile, key_log)
    options = CaptureOptions(
        files=files,
        key_log=key_log,
        key_files=tuple(ticket_keys),
        servers=tuple(servers),
        since=moment("since", since, files) if since else None,
        until=moment("until", until, files) if until else None,
        top=top,
    )
    running = Capture(options, ClientNames())

    def read_on() -> None:
        if (stop is not None and stop.called) or (end is not None and time.monotonic() >= end):
            raise Stopped
        if progress is not None:
            progress(f"{running.engine.packets} packets")

    with suppress(Stopped):
        running.read(read_on)
    running.finish()
    today = dt.datetime.now(dt.UTC).date()
    return hold_against(running.report(), wanted, exit_zero=False, today=today)


async def acapture(*files: str, **options: Any) -> CaptureReport:
    """`capture` for a running event loop, with its arguments: the files are read in a thread,
    which ends when the task is cancelled."""
    stop = Stop()
    try:
        return await asyncio.to_thread(capture, *files, stop=stop, **options)
    except asyncio.CancelledError:
        stop()
        raise
