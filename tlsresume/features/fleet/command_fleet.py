"""The options of `probe` for many targets, and the run that they ask for."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tlsresume.cli.grouping import one_argument, option

if TYPE_CHECKING:
    from tlsresume.cli.connecting import Connection
    from tlsresume.cli.outputs import Outputs
    from tlsresume.features.fleet.command_lists import Rules, TargetList
    from tlsresume.features.fleet.engine import Prober
    from tlsresume.features.fleet.selection import Exclusions, Shard
    from tlsresume.options import ProbeOptions
    from tlsresume.results.report import Report, TargetResult
    from tlsresume.targets.target import Target

GROUP = "Many targets"

#: Targets at a time for each core: what waits for the network leaves a core to others.
_FOR_A_CORE = 32
#: Targets that wait for a cluster at a time; its shares are made of them.
_ON_A_CLUSTER = 1000
#: Descriptors for each target at a time, and those that a run needs besides.
_FOR_A_TARGET, _BESIDE = 4, 64
#: Connections to an address that were refused or timed out, after which it is down.
_PATIENCE = 3
#: Seconds of work that each target at a time may leave for after the deadline, and seconds of
#: that which the deadline itself allows for.
_JUDGED_IN, _ALLOWED = 0.03, 0.8


def _shard(_context: click.Context, _option: click.Parameter, value: str | None) -> Shard | None:
    if value is None:
        return None
    from tlsresume.features.fleet.selection import parse_shard

    try:
        return parse_shard(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _rate(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0.001 <= value <= 1_000_000):
        raise click.BadParameter(f"{value:g} is not from 0.001 to 1000000 connections a second")
    return value


_OPTIONS = (
    option(
        GROUP, "--parallel", type=click.IntRange(1, 10_000), metavar="N",
        help="Targets at a time; by default as many as files and cores allow.",
    ),
    option(
        GROUP, "--jobs", type=click.IntRange(1, 256), metavar="N",
        help="Processes to probe in, by default one; all names of one address stay in one.",
    ),
    option(
        GROUP, "--rate", type=float, metavar="N", callback=_rate,
        help="New connections a second at most, over all processes.",
    ),
    option(
        GROUP, "--shard", metavar="K/N", callback=_shard,
        help="Probe the K-th of N parts of the list only, by a stable hash of each target.",
    ),
    option(
        GROUP, "--exclude", metavar="FILE", type=click.Path(),
        help="Connect to none of the names, networks and addresses in FILE, one a line, whatever"
        " leads there.",
    ),
    option(
        GROUP, "--skip-bad-lines", is_flag=True,
        help="Tell of the lines of a list that make no sense, and probe the rest.",
    ),
    option(
        GROUP, "--expand", "expand_networks", is_flag=True,
        help="Probe each address of a target such as 192.0.2.0/24.",
    ),
    option(
        GROUP, "--continue", "continued", metavar="FILE",
        help="Go on with the run that wrote FILE (--format jsonl=FILE): targets that it has, with"
        " the same options, are not probed again; new lines are appended.",
    ),
    option(
        GROUP, "--retry-unreachable", is_flag=True, needs="continued",
        help="With --continue, probe again what was not reached.",
    ),
    option(
        GROUP, "--dask", metavar="ADDRESS",
        help="Probe on the workers of this Dask scheduler, such as tcp://host:8786.",
    ),
)  # fmt: skip


class FleetAsked(NamedTuple):
    """What the user asked for of many targets."""

    parallel: int | None = None
    jobs: int = 1
    rate: float | None = None
    shard: Shard | None = None
    exclude: str | None = None
    skip_bad_lines: bool = False
    expand_networks: bool = False
    continued: str | None = None
    retry_unreachable: bool = False
    dask: str | None = None

    @property
    def anything(self) -> bool:
        """Whether any of the options was given."""
        return self != FleetAsked()

    def exclusions(self) -> Exclusions:
        """What `--exclude` names. Raises FileError."""
        from tlsresume.errors import FileError
        from tlsresume.features.fleet.selection import Exclusions
        from tlsresume.files import read_bounded

        if self.exclude is None:
            return Exclusions()
        data, _ = read_bounded(self.exclude, 64 * 1024 * 1024, FileError)
        try:
            return Exclusions(data.decode("utf-8-sig").splitlines())
        except ValueError as error:
            reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise FileError(f"{self.exclude}: {reason}", path=self.exclude) from None

    def at_a_time(self, options: ProbeOptions) -> int:
        """How many targets are probed at a time, by files and cores."""
        from tlsresume.shortage import descriptor_limit, make_room

        wanted = self.parallel
        if wanted is None and self.dask is not None:
            return _ON_A_CLUSTER
        if wanted is None:
            wanted = _FOR_A_CORE * max(_cores(), self.jobs)
        make_room(min(wanted, 1000) * max(_FOR_A_TARGET, options.concurrency) + _BESIDE)
        limit = descriptor_limit()
        if limit is not None and self.jobs == 1:
            wanted = min(wanted, max(1, (limit - _BESIDE) // options.concurrency))
        return wanted


def _asked(said: dict[str, Any]) -> FleetAsked:
    fleet = FleetAsked(**said | {"jobs": said["jobs"] or 1})
    if fleet.dask is not None and fleet.jobs > 1:
        raise click.UsageError("--dask and --jobs exclude each other")
    return fleet


#: Give a command the options; it gets them as one `fleet` argument.
fleet_options = one_argument("fleet", _OPTIONS, _asked)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


class Run(NamedTuple):
    """What a run over many targets needs beside the list."""

    fleet: FleetAsked
    outputs: Outputs
    judge: Callable[[Report], Report]
    options: Callable[[Target, Connection], ProbeOptions]
    usual: ProbeOptions
    deadline: float | None
    began: float
    #: Whether a summary needs every result, as a baseline does.
    whole: bool


def run_few(targets: TargetList, run: Run) -> Report:
    """Probe the targets of a command line, whose results are kept, and told of one by one.

    Raises TLSResumeError.
    """
    from tlsresume.cli import console
    from tlsresume.features.fleet.command_lists import Rules
    from tlsresume.runs.many_targets import scan

    outputs = run.outputs
    jobs = list(targets.rest(Rules(options=run.options)))
    outputs.many = len(jobs) > 1
    outputs.begin()
    try:
        report = scan(
            [(job.target, job.options) for job in jobs],
            on_result=outputs.show,
            trace=console.trace_line if outputs.verbose else None,
            deadline=run.deadline,
            began=run.began,
            progress=None if outputs.quiet else console.note,
            status=None if outputs.quiet or outputs.verbose else console.status,
        )
    finally:
        console.end_status()
    return run.judge(report)


def run_fleet(targets: TargetList, run: Run) -> Report:
    """Probe a list, print results as they come, and give the report of the whole, judged.

    Raises TLSResumeError.
    """
    from tlsresume.cli import console
    from tlsresume.cli.tool import this_tool
    from tlsresume.features.fleet.command_lists import Rules
    from tlsresume.features.fleet.engine import Fleet, Progress
    from tlsresume.features.fleet.tally import Tally
    from tlsresume.units import count as count_words

    fleet, outputs = run.fleet, run.outputs
    targets.check()
    outputs.many = targets.total is None or targets.total > 1
    exclusions = fleet.exclusions()
    streaming = outputs.streams and not run.whole
    outputs.begin(streaming=streaming, continued=fleet.continued)
    tally = Tally(this_tool())
    kept: list[TargetResult] = []

    def count(report: Report) -> None:
        if streaming:
            tally.add(report)
        else:
            kept.extend(report.targets)

    rules = Rules(options=run.options, shard=fleet.shard, exclusions=exclusions)
    if fleet.continued is not None:
        _go_on(run, rules, fleet.continued, count)

    def excluded() -> None:
        rules.excluded += 1

    parallel = fleet.at_a_time(run.usual)
    end = _end(run, parallel)
    prober = _prober(run, parallel, end, exclusions, excluded)
    progress = Progress(total=targets.total if fleet.shard is None else None)
    engine = Fleet(
        prober,
        parallel=parallel,
        on_result=lambda result: count(outputs.show(result)),
        end=end,
        progress=progress,
        status=None if outputs.quiet or outputs.verbose else console.status,
    )
    try:
        engine.run(targets.jobs(rules), lambda: targets.rest(rules))
    finally:
        console.end_status()
    if rules.excluded and not outputs.quiet:
        targets_words = count_words(rules.excluded, "target")
        console.note(f"{targets_words} excluded (--exclude)")
    reason = "" if run.deadline is None else f"the deadline of {run.deadline:g} s"
    not_begun = engine.not_begun
    if not_begun and targets.total is not None and fleet.shard is None:
        # Counting ended before the list did, and its length is known.
        known = len(tally) if streaming else len(kept)
        not_begun = max(not_begun, targets.total - known - rules.excluded)
    if streaming:
        tally.not_begun = not_begun
        tally.interrupted |= engine.was_interrupted
        return tally.report(run.judge, reason)
    return _whole(run, kept, not_begun, reason)


def _go_on(run: Run, rules: Rules, path: str, count: Callable[[Report], None]) -> None:
    """Take what an earlier run has written. Raises ReportFileError."""
    from tlsresume.cli import console
    from tlsresume.features.fleet.earlier import Earlier
    from tlsresume.units import count as count_words

    earlier = Earlier(path, retry_unreachable=run.fleet.retry_unreachable)
    rules.earlier = earlier.take
    rules.known = lambda result: count(run.outputs.show(result, of_earlier=path))
    if len(earlier) and not run.outputs.quiet:
        results = count_words(len(earlier), "finished result")
        console.note(f"{path} has {results}; what has the same options is not repeated")


def _whole(run: Run, kept: list[TargetResult], not_begun: int, reason: str) -> Report:
    """The report of results that were kept, for formats of a whole run."""
    from tlsresume.cli.tool import this_tool
    from tlsresume.errors import ExitStatus, worst_status
    from tlsresume.findings.across_targets import across_targets
    from tlsresume.results.report import Report

    report = run.judge(Report(tool=this_tool(), targets=tuple(kept), findings=across_targets(kept)))
    if not not_begun:
        return report
    status = ExitStatus(report.exit_status or 0)
    if status is not ExitStatus.INTERRUPTED:
        status = worst_status([status, ExitStatus.INCONCLUSIVE])
    why = f"{report.why}; {not_begun} more had no turn ({reason})"
    return replace(report, exit_status=int(status), why=why)


def _end(run: Run, parallel: int) -> tuple[float, float] | None:
    """When work ends, so that what runs then is judged and told of within two seconds of the
    deadline."""
    if run.deadline is None:
        return None
    here = parallel if run.fleet.dask is None else _FOR_A_CORE
    kept_back = max(0.0, here * _JUDGED_IN - _ALLOWED)
    end = run.began + run.deadline - min(run.deadline / 2, kept_back)
    return end, run.deadline


def _prober(
    run: Run,
    parallel: int,
    end: tuple[float, float] | None,
    exclusions: Exclusions,
    excluded: Callable[[], None],
) -> Prober:
    from tlsresume.cli import console
    from tlsresume.features.fleet.engine import Here
    from tlsresume.features.fleet.exclusion import Resolved
    from tlsresume.features.fleet.processes import Processes, WorkerSettings
    from tlsresume.lab import Gate

    fleet, outputs = run.fleet, run.outputs
    trace = console.trace_line if outputs.verbose else None
    progress = None if outputs.quiet else console.note
    prober: Prober
    if fleet.jobs == 1 and fleet.dask is None:
        gate = Gate(run.usual.concurrency, per_second=fleet.rate, patience=_PATIENCE)
        prober = Here(gate, parallel, end, trace, progress)
        if not exclusions.anything:
            return prober
        return Resolved(prober, exclusions, excluded)
    each = max(1, parallel // fleet.jobs) if fleet.dask is None else _FOR_A_CORE
    setting = WorkerSettings(
        concurrency=run.usual.concurrency,
        parallel=each,
        room=each * run.usual.concurrency + _BESIDE,
        per_second=None if fleet.rate is None else fleet.rate / fleet.jobs,
        patience=_PATIENCE,
        seconds=None if end is None else (max(0.0, end[0] - time.monotonic()), end[1]),
        traced=trace is not None,
        told=progress is not None,
    )
    if fleet.dask is None:
        prober = Processes(setting, fleet.jobs, trace, progress)
    else:
        from tlsresume.features.fleet.cluster import Cluster

        prober = Cluster(fleet.dask, setting, end)
    return Resolved(prober, exclusions, excluded)
