"""Probing in several processes: `--jobs N`.

Each process is started by us and spoken to through pipes, in frames: a length and a pickled value.
Targets go to a process by their first address, so that all names of one address are probed by the
same process, whose Gate then holds. A process that dies is named in the result of what it was
probing, and another one takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

from tlsresume.errors import LocalError, TLSResumeError, first_of
from tlsresume.features.fleet.engine import Here, untouched
from tlsresume.features.fleet.selection import Job, bucket_of
from tlsresume.lab import Gate
from tlsresume.network.trace import Trace, TraceLine
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import TargetResult
from tlsresume.shortage import is_shortage, local_error, make_room
from tlsresume.transports.library import check_library
from tlsresume.value import Value

_LENGTH = struct.Struct("!I")

#: Seconds that a process is given to end before it is made to.
_GRACE = 2.0


class WorkerSettings(Value, frozen=True, kw_only=True):
    """What a process must know before its first target. `seconds`: what is left of the run's time,
    and what it was given."""

    concurrency: int
    parallel: int
    room: int
    per_second: float | None = None
    patience: int | None = None
    seconds: tuple[float, float] | None = None
    traced: bool = False
    told: bool = False

    def prober(
        self, trace: Trace | None = None, progress: Callable[[str], None] | None = None
    ) -> Here:
        """What probes in the process that has these settings, whose loop is running."""
        make_room(self.room)
        end = None
        if self.seconds is not None:
            end = (asyncio.get_running_loop().time() + self.seconds[0], self.seconds[1])
        gate = Gate(self.concurrency, per_second=self.per_second, patience=self.patience)
        return Here(gate, self.parallel, end, trace, progress)


class Result(Value, frozen=True):
    """What came of the job with a number."""

    number: int
    result: TargetResult


class Failed(Value, frozen=True):
    """An error that ends the run: options that cannot be carried out."""

    error: TLSResumeError


class ProgressLine(Value, frozen=True):
    """A line of progress."""

    text: str


def _frame(value: object) -> bytes:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


async def _read(stream: asyncio.StreamReader) -> Any:
    """The next value; None at the end. It was written by a process of ours."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return pickle.loads(await stream.readexactly(length))  # noqa: S301  see above
    except asyncio.IncompleteReadError:
        return None


class _Process:
    """One process and what it probes now."""

    def __init__(self, setting: WorkerSettings, hear: Callable[[object], None]) -> None:
        self._setting = setting
        self._hear = hear
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked: dict[int, tuple[Job, asyncio.Future[TargetResult]]] = {}
        self._starting = asyncio.Lock()
        self._number = 0
        #: What came of jobs that nobody waits for any more, by the job's id.
        self.late: dict[int, TargetResult] = {}

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return self._process
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "tlsresume.features.fleet.processes",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    # Ctrl-C is for us alone; it ends with its standard input.
                    start_new_session=True,
                    limit=1 << 20,
                )
            except OSError as error:
                if is_shortage(error):
                    raise local_error(error, "start a process for --jobs") from None
                raise LocalError(f"cannot start a process for --jobs: {error}") from None
            self._reading = asyncio.create_task(self._listen(self._process))
            await self._send(self._setting)
            return self._process

    async def _send(self, value: object) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(_frame(value))
            await process.stdin.drain()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        try:
            while (heard := await _read(process.stdout)) is not None:
                match heard:
                    case Result(number, result):
                        job, future = self._asked.pop(number)
                        if future.done():
                            self.late[id(job)] = result
                        else:
                            future.set_result(result)
                    case Failed(error):
                        self._fail(error)
                    case _:
                        self._hear(heard)
        except Exception as error:  # noqa: BLE001  whoever waits for a result must not wait on
            self._fail(_bug(error))
        status = await process.wait()
        for job, future in list(self._asked.values()):
            if not future.done():
                future.set_result(_lost(job, status))
        self._asked.clear()

    def _fail(self, error: TLSResumeError) -> None:
        for _, future in self._asked.values():
            if not future.done():
                future.set_exception(error)
        self._asked.clear()

    async def probe(self, job: Job) -> TargetResult:
        await self._started()
        self._number += 1
        number = self._number
        future: asyncio.Future[TargetResult] = asyncio.get_running_loop().create_future()
        self._asked[number] = (job, future)
        await self._send((number, job))
        return await future

    async def end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading


def _lost(job: Job, status: int) -> TargetResult:
    """The result of a target whose process died."""
    words = f"the process that probed it ended with status {status}"
    return untouched(job, interrupted=False, error=ErrorResult("local", "connect", words))


class Processes:
    """Probes in `count` processes."""

    def __init__(
        self,
        setting: WorkerSettings,
        count: int,
        trace: Trace | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._setting = setting
        self._count = count
        self._trace = trace
        self._progress = progress
        self._all: list[_Process] = []

    async def begin(self) -> None:
        """Raises BindingError."""
        check_library()
        self._all = [_Process(self._setting, self._hear) for _ in range(self._count)]

    def _hear(self, said: object) -> None:
        match said:
            case TraceLine() if self._trace is not None:
                self._trace(said)
            case ProgressLine(text) if self._progress is not None:
                self._progress(text)

    async def probe(self, job: Job) -> TargetResult:
        """Probe in the process of the target's first address."""
        return await self._all[bucket_of(job.target, self._count)].probe(job)

    def interrupted(self, job: Job) -> TargetResult:
        """What its process told of it when it ended; nothing if it had to be killed."""
        for process in self._all:
            if (result := process.late.pop(id(job), None)) is not None:
                return result
        return untouched(job, interrupted=True)

    async def end(self) -> None:
        """End every process; what each was probing it tells of before."""
        await asyncio.gather(*(process.end() for process in self._all))


# -------------------------------------------------------------- the other process


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    out = os.dup(1)
    setting: WorkerSettings | None = await _read(reader)
    if setting is None:
        return
    tell = _writer(out)
    here = setting.prober(
        tell if setting.traced else None,
        (lambda line: tell(ProgressLine(line))) if setting.told else None,
    )
    running: dict[asyncio.Task[None], tuple[int, Job]] = {}

    async def probe(number: int, job: Job) -> None:
        try:
            tell(Result(number, await here.probe(job)))
        except TLSResumeError as error:
            tell(Failed(error))
        except BaseExceptionGroup as group:
            first = first_of(group)
            tell(Failed(first if isinstance(first, TLSResumeError) else _bug(first)))
        except Exception as error:  # noqa: BLE001  a bug there must not hang the run here
            tell(Failed(_bug(error)))

    while (asked := await _read(reader)) is not None:
        task = loop.create_task(probe(*asked))
        running[task] = asked
        task.add_done_callback(lambda ended: running.pop(ended, None))
    # The run is over. If it was interrupted, some are under way: what they know counts.
    left = dict(running)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for task, (number, job) in left.items():
        if task.cancelled():
            tell(Result(number, here.interrupted(job)))


def _bug(error: BaseException) -> TLSResumeError:
    return TLSResumeError(f"this is a bug in tlsresume: {type(error).__name__}: {error}")


def _writer(fd: int) -> Callable[[object], None]:
    """Write values to the other side, which reads all the time; its end is ours."""

    def tell(value: object) -> None:
        rest = memoryview(_frame(value))
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except BrokenPipeError:
            os._exit(0)

    return tell


def main() -> None:
    """The other process: it ends with its standard input, and leaves interrupts to the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve())


if __name__ == "__main__":
    # Values are pickled under the module's own name, not that of a script.
    from tlsresume.features.fleet.processes import main as same_main

    same_main()
