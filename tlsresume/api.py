"""The library: the commands as functions and coroutines, and what goes with their results.

A call does what the command of its name does, and returns values. Results are judged by the
default rules, so that their `ok` is what the command's exit status 0 is; `judge` holds them
against a policy or an earlier report instead. `format_report` and `write_report` make the
documents that `--format` makes. Whatever is wrong with a target is in its result; what cannot be
carried out at all raises an error of `tlsresume.errors`.

The blocking functions take `stop`, a `Stop` that another thread calls to end them; a coroutine is
ended by cancelling its task. Both take `deadline`, in seconds, after which what is known by then
is the result, and `progress`, which is called with a line when a long wait begins or ends.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tlsresume import checked
from tlsresume.actions import inspect as inspecting
from tlsresume.actions import probe as probing
from tlsresume.actions import resume as resuming
from tlsresume.actions.inspect import Inspection
from tlsresume.actions.reach import chosen_target, within
from tlsresume.actions.resume import Renewed
from tlsresume.actions.watch import Watch
from tlsresume.atomic import write_atomically
from tlsresume.diagnosis.rotation import watch_report
from tlsresume.diagnosis.watched import Sample, WatchReport
from tlsresume.errors import PolicyFileError, ReportFileError, UsageError, first_of
from tlsresume.features import entries
from tlsresume.features.capture.clients import ClientNames
from tlsresume.features.capture.demands import Wanted, hold_against
from tlsresume.features.capture.report import CaptureReport
from tlsresume.features.capture.run import Capture, CaptureOptions, moment, read_key_log
from tlsresume.features.serve.serving import Serving, serve
from tlsresume.formats import FORMATS
from tlsresume.formats.page import View
from tlsresume.formats.reading import LARGEST as LARGEST_REPORT
from tlsresume.formats.reading import parse_report
from tlsresume.formats.watch_text import sample_line
from tlsresume.history import History, default_path
from tlsresume.network import loop
from tlsresume.network.loop import Stop, Stopped
from tlsresume.network.trace import Trace
from tlsresume.options import LONGEST, ProbeOptions, ResumeOptions, WatchOptions
from tlsresume.policy.exit_status import ResumeDemands, decided_resume
from tlsresume.policy.findings import FailOn
from tlsresume.policy.judge import Judge
from tlsresume.policy.names import BUILTIN
from tlsresume.policy.policy import Policy
from tlsresume.policy.reading import LARGEST as LARGEST_POLICY
from tlsresume.policy.reading import builtin_policy, nearest, parse_policy
from tlsresume.results import Report, ResumeResult, TargetResult
from tlsresume.scan import PARALLEL, tool
from tlsresume.session.bounded import read_bounded
from tlsresume.session.file import SessionFile
from tlsresume.session.keyfile import TicketKeyFile
from tlsresume.target import Target
from tlsresume.wire.key_log import KeyLog

Progress = Callable[[str], None]

#: A report holds no secret: the umask alone says who may read it.
_REPORT_MODE = 0o666


# ------------------------------------------------------------------------------ probe


def probe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> TargetResult:
    """Whether sessions are resumed on a target, on each of its addresses.

    `target` is a Target or text for `parse_target`. After `deadline` seconds, or when another
    thread calls `stop()`, all connections end at once, and what is known by then is the result
    (its `incomplete` or `interrupted` is True). Raises UsageError or FileError when the options
    cannot be carried out, LocalError when not even an event loop can be had, and
    KeyboardInterrupt.

    >>> result = tlsresume.probe(target, options)
    >>> result.ok, result.verdict
    (True, 'resumes')
    >>> [(row.mechanism, row.state) for row in result.addresses[0].mechanisms]
    [('psk', 'resumed'), ('ticket', 'resumed'), ('session-id', 'resumed')]
    """
    found = probing.probe(target, options, deadline=deadline, progress=progress, stop=stop)
    return judge(found).targets[0]


async def aprobe(
    target: Target | str,
    options: ProbeOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> TargetResult:
    """`probe` for a running event loop. A task that is cancelled ends its connections at once.

    >>> async def main():
    ...     return await tlsresume.aprobe(target, options, deadline=30)
    >>> asyncio.run(main()).ok
    True
    """
    found = await probing.aprobe(target, options, deadline=deadline, progress=progress)
    return judge(found).targets[0]


async def aprobe_each(
    targets: Iterable[Target | str],
    options: ProbeOptions | None = None,
    *,
    parallel: int = PARALLEL,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[TargetResult]:
    """Probe several targets, `parallel` of them at a time, and give each result as it is ready.

    Targets that share an address share its limit of connections at a time. `deadline` is that of
    all targets together. Whoever leaves the loop early ends all connections.

    >>> async def main():
    ...     async with aclosing(tlsresume.aprobe_each([target, target], options)) as results:
    ...         return [result.verdict async for result in results]
    >>> asyncio.run(main())
    ['resumes', 'resumes']
    """
    checked.whole("parallel", parallel, 1, 1000)
    settings = ProbeOptions() if options is None else options
    checked.kind("options", settings, ProbeOptions, "a ProbeOptions")
    waiting = iter([chosen_target(target) for target in targets])
    shared = probing.Shared.of(settings, deadline)
    running: set[asyncio.Task[TargetResult]] = set()
    try:
        while True:
            while len(running) < parallel and (target := next(waiting, None)) is not None:
                one = probing.aprobe(target, settings, progress=progress, shared=shared)
                running.add(asyncio.ensure_future(one))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield judge(task.result()).targets[0]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


# ------------------------------------------------------------------- resume and inspect


def resume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """Offer a saved session. Returns what came of it, and the renewed session if one came.

    The target is the one in the file unless given. After `deadline` seconds, when another thread
    calls `stop()`, or on an interrupt once the session was offered, what is known by then is the
    result. Raises SessionFileError for a file that is none, for a session that no connection of
    ours can offer, and where OpenSSL refuses the session itself; LocalError where this machine
    makes no connection; and UsageError, also for another host than the session's own without
    `any_host`.

    >>> saved, sessions = tlsresume.save(target)
    >>> data = tlsresume.format_session_file(*sessions[-1])
    >>> tlsresume.write_session_file("s.pem", data)
    >>> result, renewed = tlsresume.resume("s.pem", target)
    >>> result.ok, result.session_reused, result.mechanism
    (True, True, 'psk')
    """
    result, renewed = resuming.resume(
        session_file, target, options, trace=trace, deadline=deadline, progress=progress, stop=stop
    )
    return decided_resume(result, ResumeDemands()), renewed


async def aresume(
    session_file: SessionFile | str,
    target: Target | str | None = None,
    options: ResumeOptions | None = None,
    *,
    trace: Trace | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> tuple[ResumeResult, Renewed | None]:
    """`resume` for a running event loop. A task that is cancelled ends its connections at once."""
    result, renewed = await resuming.aresume(
        session_file, target, options, trace=trace, deadline=deadline, progress=progress
    )
    return decided_resume(result, ResumeDemands()), renewed


async def ainspect(
    source: str | os.PathLike[str] | bytes | SessionFile,
    now: float | None = None,
    *,
    show_secrets: bool = False,
    show_ticket: bool = False,
    ticket_keys: Sequence[TicketKeyFile] = (),
    deadline: float | None = None,
) -> Inspection:
    """`inspect` for a running event loop: the file is read, and explained, in a thread.

    Raises TimeoutError after `deadline` seconds, and what `inspect` raises.
    """
    async with within(deadline):
        return await asyncio.to_thread(
            inspecting.inspect,
            source,
            now,
            show_secrets=show_secrets,
            show_ticket=show_ticket,
            ticket_keys=ticket_keys,
        )


# ------------------------------------------------------------------------------ watch


def watch(
    targets: Iterable[Target | str],
    options: WatchOptions | None = None,
    *,
    history: str | os.PathLike[str] | None = None,
    max_key_age: float | None = None,
    on_sample: Callable[[Sample], None] | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> WatchReport:
    """Sample the ticket keys of targets over time, and return what the history says of them.

    `history` is the file of samples, that of `tlsresume watch` unless given. It ends when the
    options say so, at the deadline, when another thread calls `stop()`, or on an interrupt, which
    is raised. `max_key_age` is in seconds. Raises UsageError and HistoryFileError.

    >>> once = tlsresume.WatchOptions(once=True, tries=1)
    >>> report = tlsresume.watch([target], once, history="h.sqlite3")
    >>> report.ok, [each.samples for each in report.targets]
    (True, [1])
    """
    goals = [chosen_target(target) for target in targets]
    settings = _watch_options(options)
    path = default_path() if history is None else Path(history)
    with History(path) as remembered:
        tell = _teller(on_sample, progress)
        try:
            loop.run(_watched(goals, settings, remembered, tell, deadline), stop)
        except Stopped:
            pass
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        return _told(remembered, path, goals, max_key_age)


async def awatch(
    targets: Iterable[Target | str],
    options: WatchOptions | None = None,
    *,
    history: str | os.PathLike[str] | None = None,
    max_key_age: float | None = None,
    on_sample: Callable[[Sample], None] | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> WatchReport:
    """`watch` for a running event loop. A task that is cancelled ends its connections at once."""
    goals = [chosen_target(target) for target in targets]
    settings = _watch_options(options)
    path = default_path() if history is None else Path(history)
    with History(path) as remembered:
        try:
            tell = _teller(on_sample, progress)
            await _watched(goals, settings, remembered, tell, deadline)
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        return _told(remembered, path, goals, max_key_age)


def _watch_options(options: WatchOptions | None) -> WatchOptions:
    settings = WatchOptions() if options is None else options
    checked.kind("options", settings, WatchOptions, "a WatchOptions")
    return settings


def _teller(
    on_sample: Callable[[Sample], None] | None, progress: Progress | None
) -> Callable[[Sample], None]:
    def tell(sample: Sample) -> None:
        if on_sample is not None:
            on_sample(sample)
        if progress is not None:
            progress(sample_line(sample))

    return tell


async def _watched(
    goals: Sequence[Target],
    options: WatchOptions,
    history: History,
    tell: Callable[[Sample], None],
    deadline: float | None,
) -> None:
    """Watch until the end, or the deadline."""
    try:
        async with within(deadline) as limit:
            await Watch(goals, options, history, tell).run()
    except TimeoutError:
        if not limit.expired():
            raise


def _told(
    history: History, path: Path, goals: Sequence[Target], max_key_age: float | None
) -> WatchReport:
    names = [target.name for target in goals]
    return watch_report(history.samples(names), history=str(path), max_key_age=max_key_age)


# ------------------------------------------------------------------ serve and capture


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


# ------------------------------------------------------- policies, baselines, reports


def read_policy(name: str) -> Policy:
    """A built-in policy by its name, else the one in a TOML file. Raises PolicyFileError.

    >>> tlsresume.read_policy("strict").demands_something
    True
    """
    for builtin in BUILTIN:
        if name.lower() == builtin:
            return builtin_policy(builtin)
    try:
        data, _ = read_bounded(name, LARGEST_POLICY, PolicyFileError)
        codes = [entry.code for entry in entries()]
        return parse_policy(data.decode("utf-8-sig"), name, codes)
    except PolicyFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        hints = () if os.sep in name or "." in name else nearest(name, BUILTIN)
        raise PolicyFileError(
            f"cannot read {name}: no such file or built-in policy", path=name, hints=hints
        ) from None
    except UnicodeDecodeError:
        raise PolicyFileError(f"{name} is not UTF-8 text", path=name) from None


def read_report(path: str) -> Report:
    """The report in a file that `--format json=FILE` or `write_report` wrote; it can be a
    `baseline`. Raises ReportFileError."""
    try:
        return parse_report(read_bounded(path, LARGEST_REPORT, ReportFileError)[0], path)
    except ReportFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise ReportFileError(
            f"there is no baseline {path} yet",
            path=path,
            hints=(f"make one: tlsresume probe TARGET --format json={path}",),
        ) from None


def judge(
    results: Report | TargetResult | Iterable[TargetResult],
    *,
    policy: Policy | str | None = None,
    baseline: Report | None = None,
    fail_on: FailOn = "error",
    ignore: Sequence[str] = (),
) -> Report:
    """A report of results, held against a policy (or its name or file) and an earlier report.

    Without either the default rules hold: every judged mechanism is resumed every time, and no
    finding is as grave as `fail_on`. `ignore` are codes of findings. Raises PolicyFileError.

    >>> results = [tlsresume.probe(target, options)]
    >>> report = tlsresume.judge(results, policy="no-resumption")
    >>> report.ok, report.exit_status
    (False, 3)
    >>> tlsresume.judge(results, baseline=report).ok
    True
    """
    if isinstance(results, TargetResult):
        results = (results,)
    if not isinstance(results, Report):
        results = Report(tool=tool(), targets=tuple(results))
    checked.choice("fail_on", fail_on, ("error", "warning", "never"))
    chosen = read_policy(policy) if isinstance(policy, str) else policy
    name = policy if isinstance(policy, str) else None if policy is None else "policy"
    judging = Judge(
        today=dt.datetime.now(dt.UTC).date(),
        policy=chosen or Policy(),
        name=name,
        baseline=baseline,
        baseline_name=None if baseline is None else "baseline",
        fail_on=fail_on,
        ignore=tuple(ignore),
    )
    return judging.report(results)


def report_formats() -> tuple[str, ...]:
    """The names of the formats that a report can be written in."""
    return tuple(FORMATS)


def format_report(report: Report, name: str = "text") -> str:
    """A report in one of the formats of `--format`, as text without colours. Raises UsageError.

    >>> report = tlsresume.judge(tlsresume.probe(target, options))
    >>> tlsresume.format_report(report, "junit").startswith("<?xml")
    True
    """
    checked.choice("name", name, report_formats())
    form, view = FORMATS[name], View()
    render = form.renderer()
    if form.per == "run":
        return render(report, view)
    pieces = []
    for target in report.targets:
        own = tuple(each for each in report.violations if each.target == target.target)
        pieces.append(render(replace(report, targets=(target,), violations=own), view))
    last = form.summary()
    return form.between.join(pieces) + ("" if last is None else last(report, view))


def write_report(report: Report, name: str, path: str, *, force: bool = False) -> None:
    """Write a report to a file in one of the formats, all or nothing.

    An existing file is replaced only with `force`. Raises UsageError and OutputFileError.

    >>> tlsresume.write_report(tlsresume.judge([]), "json", "report.json")
    >>> tlsresume.read_report("report.json").ok
    True
    """
    checked.text("path", path)
    data = format_report(report, name).encode("utf-8", "backslashreplace")
    write_atomically(path, data, force=force, mode=_REPORT_MODE)
