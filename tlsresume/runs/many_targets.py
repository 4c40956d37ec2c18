"""Many targets: side by side, politely, each with its own result.

One target's failure is its result and stops no other. An interrupt gives what is
known by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from tlsresume.errors import first_of
from tlsresume.findings.across_targets import across_targets
from tlsresume.lab import Gate
from tlsresume.network import loop
from tlsresume.network.trace import Trace
from tlsresume.options import ProbeOptions
from tlsresume.policy.exit_status import decided
from tlsresume.results.measured import Skipped
from tlsresume.results.report import Report, TargetResult, Tool
from tlsresume.runs.before_probe import check_probe
from tlsresume.runs.probe import AnyProbe, no_time
from tlsresume.runs.probing import probe_of
from tlsresume.runs.waiting import STATUS_AFTER, STATUS_EVERY
from tlsresume.shortage import make_room
from tlsresume.targets.target import Target
from tlsresume.transports.library import check_library, openssl_version, pyopenssl_version
from tlsresume.value import Value
from tlsresume.version import __version__

OnResult = Callable[[TargetResult], object]

#: How many targets are probed at a time.
PARALLEL = 8

#: Seconds that it takes to judge and print one target that was never begun, and how many of
#: them all targets together may take after the deadline: it is missed by 2 s at most.
_TELL_ONE = 0.0001
_TELL_AFTER = 1.0

#: Experiments in words, where their names say little to those who wait.
_DOING = {
    "discover": "full handshakes",
    "tries": "tries to resume",
    "elicit": "waiting for a late ticket",
}


def tool() -> Tool:
    """What makes the reports of this process."""
    return Tool(
        name="tlsresume",
        version=__version__,
        openssl=openssl_version(),
        pyopenssl=pyopenssl_version(),
    )


def scan(
    targets: Sequence[tuple[Target, ProbeOptions]],
    *,
    on_result: OnResult | None = None,
    trace: Trace | None = None,
    parallel: int = PARALLEL,
    deadline: float | None = None,
    began: float | None = None,
    progress: Callable[[str], None] | None = None,
    status: Callable[[str], None] | None = None,
) -> Report:
    """Probe every target. Results are in the order of the targets; `on_result` is called
    with each as it is ready. After `deadline` seconds (since `began` on the monotonic clock,
    or now) what is known by then is the result.
    `progress` gets a line whenever a long wait begins or ends; `status` a line that tells
    what is waited for now, and until when at most, as long as a run that is not quick takes.

    Raises UsageError, FileError or BindingError when the options cannot be carried out.
    On an interrupt the results so far are returned, with `interrupted` set.
    """
    check_library()
    for target, options in targets:
        check_probe(target, options)
    concurrency = max((options.concurrency for _, options in targets), default=1)
    gate = Gate(concurrency)
    most = max((options.most_open for _, options in targets), default=0)
    make_room(min(parallel, len(targets)) * most)
    # The loop's clock is this one.
    since = time.monotonic() if began is None else began
    end = None if deadline is None else (since + deadline - _telling(targets, deadline), deadline)
    shared = _Scan(gate=gate, trace=trace, progress=progress, deadline=end)
    runs = [_Run(shared, target, options) for target, options in targets]
    try:
        loop.run(_run_all(runs, on_result, parallel, status))
    except KeyboardInterrupt:
        for run in runs:
            run.interrupt()
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    results = tuple(run.result() for run in runs)
    return decided(Report(tool=tool(), targets=results, findings=across_targets(results)))


def _telling(targets: Sequence[object], deadline: float) -> float:
    """Seconds before the deadline at which work ends, so that all targets are told of soon
    after it. With fewer than ten thousand there is nothing to hurry for."""
    return min(max(0.0, len(targets) * _TELL_ONE - _TELL_AFTER), deadline / 2)


def named_progress(progress: Callable[[str], None] | None, target: Target) -> Callable[[str], None]:
    """Progress of one target, under its name."""
    if progress is None:
        return lambda _line: None
    return lambda line: progress(f"{target.name}: {line}")


class _Scan(Value, frozen=True, kw_only=True):
    """What all targets of a run share."""

    gate: Gate
    trace: Trace | None
    progress: Callable[[str], None] | None
    #: When the run must end, on the loop's clock, and how long it was allowed to take.
    deadline: tuple[float, float] | None

    @property
    def over(self) -> bool:
        """Whether no time is left to begin anything."""
        return self.deadline is not None and time.monotonic() >= self.deadline[0]

    def probe(self, target: Target, options: ProbeOptions) -> AnyProbe:
        progress = named_progress(self.progress, target)
        return probe_of(
            target,
            options,
            self.gate,
            self.trace,
            progress=progress,
            deadline=self.deadline,
        )


class _Run:
    """One target's probe, from its beginning to its end, and then only its result: attempts
    are dropped with the probe. A target that is never begun costs no probe."""

    def __init__(self, scan: _Scan, target: Target, options: ProbeOptions) -> None:
        self._scan = scan
        self._target = target
        self._options = options
        self._probe: AnyProbe | None = None
        self._result: TargetResult | None = None
        self._interrupted = False

    @property
    def too_late(self) -> bool:
        """Whether no time is left to begin it."""
        return self._scan.over

    async def run(self) -> TargetResult:
        if not self.too_late:
            self._probe = self._scan.probe(self._target, self._options)
            await self._probe.run()
        self._result = self.result()
        self._probe = None
        return self._result

    def interrupt(self) -> None:
        self._interrupted = True
        if self._probe is not None:
            self._probe.interrupt()

    @property
    def done(self) -> bool:
        return self._result is not None

    @property
    def connections(self) -> int:
        """How many were made and have ended."""
        if self._probe is not None:
            return self._probe.connections
        return self._result.connections if self._result is not None else 0

    @property
    def waiting(self) -> str:
        """What is waited for, and until when at most; nothing where nothing takes long."""
        return "" if self._probe is None else self._probe.waiting

    @property
    def doing(self) -> str:
        """What the connections are for that are open now."""
        if self._probe is None:
            return ""
        names = dict.fromkeys(each.task.purpose.experiment for each in self._probe.doing)
        return ", ".join(_DOING.get(name, name) for name in names)

    @property
    def name(self) -> str:
        """The target's name."""
        return self._target.name

    def result(self) -> TargetResult:
        if self._result is not None:
            return self._result
        if self._probe is not None:
            return self._probe.result()
        why = (
            ()
            if self._interrupted
            else (Skipped("the rest", no_time(self._scan.deadline), "time"),)
        )
        return TargetResult(
            target=self._target.name,
            verdict="untested",
            starttls=self._target.starttls,
            notes=self._target.notes,
            skipped=why,
            incomplete=not self._interrupted,
            interrupted=self._interrupted,
            options=dict(self._options.own_options) or None,
        )


async def _run_all(
    runs: Sequence[_Run],
    on_result: OnResult | None,
    parallel: int,
    status: Callable[[str], None] | None,
) -> None:
    async with asyncio.TaskGroup() as tasks:
        teller = None if status is None else tasks.create_task(_tell(runs, status))
        await _probe_all(runs, on_result, parallel)
        if teller is not None:
            teller.cancel()


async def _tell(runs: Sequence[_Run], status: Callable[[str], None]) -> None:
    """Say what is done now, for as long as it takes."""
    began = time.monotonic()
    await asyncio.sleep(STATUS_AFTER)
    while True:
        status(_status(runs, time.monotonic() - began))
        await asyncio.sleep(STATUS_EVERY)


def _status(runs: Sequence[_Run], seconds: float) -> str:
    connections = sum(run.connections for run in runs)
    so_far = f"{connections} connection{'' if connections == 1 else 's'} in {seconds:.0f} s"
    busy = next((run for run in runs if not run.done and run.waiting), None)
    if len(runs) == 1:
        # On a line with more words the time would be cut off.
        return busy.waiting if busy else "; ".join(filter(None, (runs[0].doing, so_far)))
    done = sum(run.done for run in runs)
    if busy:
        return f"{done}/{len(runs)} done; {busy.waiting}; {busy.name}"
    return f"{done} of {len(runs)} targets done; {so_far}"


async def _probe_all(runs: Sequence[_Run], on_result: OnResult | None, parallel: int) -> None:
    waiting = iter(runs)

    async def work() -> None:
        for run in waiting:
            if run.too_late:
                return
            result = await run.run()
            if on_result is not None:
                on_result(result)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(parallel, len(runs))):
            tasks.create_task(work())
    # Told of when all connections have ended, since to tell of many takes its time.
    for run in [run for run in runs if not run.done]:
        result = await run.run()
        if on_result is not None:
            on_result(result)
        await asyncio.sleep(0)  # for an interrupt
