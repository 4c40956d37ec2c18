"""Probing on a Dask cluster: `--dask ADDRESS`.

Targets are put into buckets by their first address. A bucket has one share of targets under way at
most, so no two workers connect to one address at the same time, whichever workers they are. A share
whose worker is lost is done again by the scheduler; results come as their shares end. Files that
options name must be on every worker.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import Any
from uuid import uuid4

from tlsresume.errors import BindingError, LocalError, TLSResumeError, UsageError, first_of
from tlsresume.features.fleet.engine import Here, untouched
from tlsresume.features.fleet.processes import WorkerSettings
from tlsresume.features.fleet.selection import Job, bucket_of
from tlsresume.network import loop
from tlsresume.network.loop import Stop, Stopped
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import TargetResult
from tlsresume.value import Value

#: Targets in a share: enough that sending one is cheap, few enough that little is lost with it.
SHARE = 20

#: Seconds that the scheduler may take to answer, and how often a share is tried again.
_CONNECT = 10
_RETRIES = 3

#: Seconds that workers are given to tell what they know when the run is interrupted, and how
#: often a worker makes sure that its share is still wanted.
_GRACE = 3.0
_LOOK = 1.0


class Outcome(Value, frozen=True):
    """What came of a share: results in its order, or the error that ends the run."""

    results: tuple[TargetResult, ...] = ()
    error: TLSResumeError | None = None


def probe_share(jobs: tuple[Job, ...], setting: WorkerSettings, ending: str) -> Outcome:
    """Probe a share, on a worker. `ending` names the event of the cluster that ends it early:
    then results are what is known by then."""
    results: dict[int, TargetResult] = {}
    probers: list[Here] = []

    async def every() -> None:
        here = setting.prober()
        probers.append(here)
        await here.begin()
        places = asyncio.Semaphore(setting.parallel)

        async def one(job: Job) -> None:
            async with places:
                results[id(job)] = await here.probe(job)

        async with asyncio.TaskGroup() as tasks:
            for job in jobs:
                tasks.create_task(one(job))

    stop, done = Stop(), threading.Event()
    # Only this thread knows the worker's way to the scheduler.
    event = _event(ending, _client_here())
    threading.Thread(target=_watch, args=(event, stop, done), daemon=True).start()
    try:
        loop.run(every(), stop)
    except Stopped:
        for job in jobs:
            if id(job) not in results:
                results[id(job)] = (
                    probers[0].interrupted(job) if probers else untouched(job, interrupted=True)
                )
    except TLSResumeError as error:
        return Outcome(error=error)
    except BaseExceptionGroup as group:
        first = first_of(group)
        if isinstance(first, TLSResumeError):
            return Outcome(error=first)
        raise
    finally:
        done.set()
    return Outcome(tuple(results[id(job)] for job in jobs))


def _watch(event: Any, stop: Stop, done: threading.Event) -> None:
    """Stop a share when the run ends, on a thread beside it."""
    while not done.is_set():
        try:
            ended = event.wait(timeout=_LOOK)
        except Exception:  # noqa: BLE001  without its scheduler a share ends on its own
            return
        if ended:
            stop()
            return


def _client_here() -> object:
    """The connection of this worker to its scheduler."""
    from distributed import get_client

    find: Any = get_client  # it has no types
    return find()


def _event(name: str, client: object) -> Any:
    """The event of a name, which all of a cluster know."""
    from distributed import Event

    made: Any = Event  # it has no types
    return made(name, client=client)


class Cluster:
    """Probes on the workers of a scheduler. `buckets` shares are under way at most."""

    def __init__(
        self, address: str, setting: WorkerSettings, end: tuple[float, float] | None
    ) -> None:
        self._address = address
        self._setting = setting
        self._end = end
        self._client: Any = None
        self._waiting: list[list[tuple[Job, asyncio.Future[TargetResult]]]] = []
        self._busy: list[asyncio.Task[None] | None] = []
        self._ending = f"tlsresume-{uuid4()}"
        self._over = False
        #: What came of jobs that nobody waits for any more, by the job's id.
        self._late: dict[int, TargetResult] = {}

    async def begin(self) -> None:
        """Connect to the scheduler. Raises BindingError, UsageError and LocalError."""
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise BindingError(
                f"--dask needs {error.name}, which is not installed",
                hints=("pip install 'tlsresume[dask]'",),
            ) from None
        try:
            connecting: Any = Client
            self._client = await connecting(self._address, asynchronous=True, timeout=_CONNECT)
        except (OSError, TimeoutError) as error:
            raise LocalError(f"no Dask scheduler answers at {self._address}: {error}") from None
        except (ValueError, KeyError) as error:
            raise UsageError(f"--dask {self._address!r}: {error}") from None
        count = sum((await self._client.nthreads()).values())
        if not count:
            raise LocalError(f"the Dask scheduler at {self._address} has no workers")
        self._waiting = [[] for _ in range(count)]
        self._busy = [None] * count
        if self._setting.per_second is not None:
            self._setting = dataclasses.replace(
                self._setting, per_second=self._setting.per_second / count
            )

    async def probe(self, job: Job) -> TargetResult:
        """The result of one job, from the share that it becomes a part of."""
        number = bucket_of(job.target, len(self._waiting))
        future: asyncio.Future[TargetResult] = asyncio.get_running_loop().create_future()
        self._waiting[number].append((job, future))
        if self._busy[number] is None:
            self._busy[number] = asyncio.create_task(self._work_off(number))
        return await future

    async def _work_off(self, number: int) -> None:
        # Let those come that are ready to.
        await asyncio.sleep(0)
        waiting = self._waiting[number]
        while waiting and not self._over:
            share, waiting[:SHARE] = waiting[:SHARE], []
            await self._one(share)
        self._busy[number] = None

    async def _one(self, share: list[tuple[Job, asyncio.Future[TargetResult]]]) -> None:
        setting = self._setting
        if self._end is not None:
            left = max(0.0, self._end[0] - asyncio.get_running_loop().time())
            setting = dataclasses.replace(setting, seconds=(left, self._end[1]))
        jobs = tuple(job for job, _ in share)
        try:
            outcome: Outcome = await self._client.submit(
                probe_share, jobs, setting, self._ending, pure=False, retries=_RETRIES
            )
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a cluster fails with, the run goes on
            words = f"the Dask cluster could not probe it: {error}"
            for job, future in share:
                failed = ErrorResult("local", "connect", words)
                self._give(job, future, untouched(job, interrupted=False, error=failed))
            return
        if outcome.error is not None:
            for _, future in share:
                if not future.done():
                    future.set_exception(outcome.error)
            return
        for (job, future), result in zip(share, outcome.results, strict=True):
            self._give(job, future, result)

    def _give(self, job: Job, future: asyncio.Future[TargetResult], result: TargetResult) -> None:
        if future.done():
            self._late[id(job)] = result
        else:
            future.set_result(result)

    def interrupted(self, job: Job) -> TargetResult:
        """What its worker told of it at the end; nothing if that took too long."""
        return self._late.pop(id(job), None) or untouched(job, interrupted=True)

    async def end(self) -> None:
        """Take back what has not begun, hear what is known of the rest, and leave the cluster."""
        self._over = True
        busy = [task for task in self._busy if task is not None and not task.done()]
        if busy:
            await _event(self._ending, self._client).set()
            await asyncio.wait(busy, timeout=_GRACE)
        for task in busy:
            task.cancel()
        if self._client is not None:
            await self._client.close()
