"""Targets side by side, from a stream, until it ends, the deadline comes or the user interrupts.

Whoever probes is a `Prober`: this process, others, or a cluster. Results are handed on as they
come and not kept. Nothing is begun after the deadline; the targets that are left are told of as
long as that is quick, and then counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Protocol

from msgspec import Struct

from tlsresume.errors import first_of
from tlsresume.features.fleet.selection import Job
from tlsresume.lab import Gate
from tlsresume.network import loop
from tlsresume.network.trace import Trace
from tlsresume.results.measured import ErrorResult, Skipped
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import named_progress
from tlsresume.runs.probe import AnyProbe, no_time
from tlsresume.runs.probing import probe_of
from tlsresume.transports.library import check_library

#: Seconds after the deadline in which targets that had no turn are told of one by one, and in
#: which they are counted.
_TELL, _COUNT = 0.8, 1.3

#: Of a source that never waits, so many targets are taken before others have a turn.
_TAKEN = 64

STATUS_AFTER = 2.0
STATUS_EVERY = 1.0


class Prober(Protocol):
    """Who probes. `probe` may be called for many jobs at a time."""

    async def begin(self) -> None:
        """Get ready. Raises TLSResumeError."""

    async def probe(self, job: Job) -> TargetResult | None:
        """The result of one job; None where it was left out."""

    def interrupted(self, job: Job) -> TargetResult:
        """What is known of a job that was running when the user interrupted."""

    async def end(self) -> None:
        """Leave nothing running."""


def untouched(
    job: Job,
    *,
    interrupted: bool,
    skipped: tuple[Skipped, ...] = (),
    error: ErrorResult | None = None,
) -> TargetResult:
    """The result of a target that was not begun, or of which nothing is known."""
    return TargetResult(
        target=job.target.name,
        verdict="untested",
        starttls=job.target.starttls,
        notes=job.target.notes,
        skipped=skipped,
        incomplete=not interrupted,
        interrupted=interrupted,
        quick=job.options.quick,
        fingerprint=job.fingerprint,
        options=dict(job.options.own_options) or None,
        error=error,
    )


class Here:
    """Probes in this process. `end` is when the run must end and what it was given, or None."""

    def __init__(
        self,
        gate: Gate,
        parallel: int,
        end: tuple[float, float] | None,
        trace: Trace | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._gate = gate
        self._end = end
        self._trace = trace
        self._progress = progress
        self._turn = gate.interval * parallel
        self._running: dict[int, AnyProbe] = {}

    async def begin(self) -> None:
        """Raises BindingError."""
        check_library()

    async def probe(self, job: Job) -> TargetResult:
        """Probe; what goes wrong with the target is in the result."""
        running = probe_of(
            job.target,
            job.options,
            self._gate,
            self._trace,
            progress=named_progress(self._progress, job.target),
            deadline=self._end,
            turn=self._turn,
        )
        self._running[id(job)] = running
        await running.run()
        del self._running[id(job)]
        return self._finished(job, running)

    def _finished(self, job: Job, running: AnyProbe) -> TargetResult:
        result = running.result()
        return replace(result, skipped=(*result.skipped, *job.skipped), fingerprint=job.fingerprint)

    def interrupted(self, job: Job) -> TargetResult:
        """What its connections showed until now."""
        running = self._running.pop(id(job), None)
        if running is None:
            return untouched(job, interrupted=True)
        running.interrupt()
        return self._finished(job, running)

    async def end(self) -> None:
        """Nothing is left: each probe ended with its task."""


class Progress(Struct):
    """How far a run is. `total` None: not known."""

    total: int | None = None
    done: int = 0
    began: float = 0.0
    verdicts: dict[str, int] | None = None

    def line(self) -> str:
        """How far it is, how fast, what came of it, and how long it may still take."""
        seconds = max(0.001, time.monotonic() - self.began)
        rate = self.done / seconds
        of = f" of {self.total}" if self.total is not None else ""
        parts = [f"{self.done}{of} targets done", f"{rate:.1f} targets/s"]
        if self.verdicts:
            parts.append(", ".join(f"{count} {word}" for word, count in self.verdicts.items()))
        if self.total is not None and self.done:
            left = (self.total - self.done) / rate
            parts.append(f"{left:.0f} s left" if left < 120 else f"{left / 60:.0f} min left")
        return "; ".join(parts)


class Fleet:
    """One run over a stream of jobs."""

    def __init__(
        self,
        prober: Prober,
        *,
        parallel: int,
        on_result: Callable[[TargetResult], None],
        end: tuple[float, float] | None = None,
        progress: Progress | None = None,
        status: Callable[[str], None] | None = None,
    ) -> None:
        self._prober = prober
        self._parallel = parallel
        self._on_result = on_result
        self._end = end
        self._progress = progress or Progress()
        self._status = status
        self._running: dict[int, Job] = {}
        self._queue: asyncio.Queue[Job | None] = asyncio.Queue(1)
        #: A job that was taken from the source, and found no place yet.
        self._held: Job | None = None
        #: Targets that were counted only, since no time was left.
        self.not_begun = 0
        self.was_interrupted = False

    def run(self, source: AsyncIterator[Job], rest: Callable[[], Iterator[Job]]) -> None:
        """Probe all that `source` gives. After the deadline `rest` gives what is left, as far as
        that needs no waiting.

        Raises what the source and the prober raise about options and files.
        """
        self._progress.began = time.monotonic()
        try:
            loop.run(self._run(source, rest))
        except KeyboardInterrupt:
            self.was_interrupted = True
            for job in list(self._running.values()):
                self._tell(self._prober.interrupted(job))
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    @property
    def _over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end[0]

    async def _run(self, source: AsyncIterator[Job], rest: Callable[[], Iterator[Job]]) -> None:
        await self._prober.begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                teller = tasks.create_task(self._say()) if self._status is not None else None
                async with asyncio.TaskGroup() as work:
                    work.create_task(self._feed(source))
                    for _ in range(self._parallel):
                        work.create_task(self._work())
                if teller is not None:
                    teller.cancel()
        finally:
            await self._prober.end()
        if self._over:
            held = [] if self._held is None else [self._held]
            await self._leave_out(chain(held, rest()))

    async def _feed(self, source: AsyncIterator[Job]) -> None:
        """Put jobs into the queue until there are no more, or no time is left."""
        when = None if self._end is None else self._end[0]
        try:
            async with asyncio.timeout_at(when):
                taken = 0
                async for job in source:
                    self._held = job
                    await self._queue.put(job)
                    self._held = None
                    taken += 1
                    if taken % _TAKEN == 0:
                        await asyncio.sleep(0)
        except TimeoutError:
            pass
        for _ in range(self._parallel):
            await self._queue.put(None)

    async def _work(self) -> None:
        while (job := await self._queue.get()) is not None:
            if self._over:
                self._tell(self._no_turn(job))
                continue
            self._running[id(job)] = job
            result = await self._prober.probe(job)
            del self._running[id(job)]
            if result is not None:
                self._tell(result)

    def _no_turn(self, job: Job) -> TargetResult:
        why = Skipped("the rest", no_time(self._end), "time")
        return untouched(job, skipped=(why,), interrupted=False)

    def _tell(self, result: TargetResult) -> None:
        self._progress.done += 1
        if self._progress.verdicts is not None:
            word = result.verdict
            self._progress.verdicts[word] = self._progress.verdicts.get(word, 0) + 1
        self._on_result(result)

    async def _leave_out(self, rest: Iterator[Job]) -> None:
        """Targets that had no turn: told of, then counted, then left."""
        end = self._end[0] if self._end is not None else 0.0
        for number, job in enumerate(rest):
            now = time.monotonic()
            if now < end + _TELL:
                self._tell(self._no_turn(job))
            elif now < end + _COUNT:
                self.not_begun += 1
            else:
                self.not_begun += 1
                break
            if number % _TAKEN == 0:
                await asyncio.sleep(0)  # for an interrupt

    async def _say(self) -> None:
        await asyncio.sleep(STATUS_AFTER)
        while True:
            if self._status is not None:
                self._status(self._progress.line())
            await asyncio.sleep(STATUS_EVERY)
