"""`watch` and `awatch`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from tlsresume import checked
from tlsresume.errors import first_of
from tlsresume.features.watch.history import History, default_path
from tlsresume.features.watch.rotation import watch_report
from tlsresume.features.watch.samples import Sample, WatchReport
from tlsresume.features.watch.sampling import Watch, watched
from tlsresume.features.watch.text import sample_line
from tlsresume.network import loop
from tlsresume.network.loop import Stop, Stopped
from tlsresume.options import WatchOptions
from tlsresume.runs.reach import chosen_target, within
from tlsresume.targets.target import Target

Progress = Callable[[str], None]


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
    goals, settings, path = _chosen(targets, options, history)
    with History(path) as remembered:
        tell = _teller(on_sample, progress)
        with suppress(Stopped):
            loop.run(_watched(goals, settings, remembered, tell, deadline), stop)
        return _told(remembered, goals, settings, max_key_age)


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
    goals, settings, path = _chosen(targets, options, history)
    with History(path) as remembered:
        await _watched(goals, settings, remembered, _teller(on_sample, progress), deadline)
        return _told(remembered, goals, settings, max_key_age)


def _chosen(
    targets: Iterable[Target | str],
    options: WatchOptions | None,
    history: str | os.PathLike[str] | None,
) -> tuple[list[Target], WatchOptions, Path]:
    """What the caller named, with what stands for the rest. Raises UsageError."""
    goals = [chosen_target(target) for target in targets]
    settings = WatchOptions() if options is None else options
    checked.kind("options", settings, WatchOptions, "a WatchOptions")
    return goals, settings, default_path() if history is None else Path(history)


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
    except BaseExceptionGroup as group:
        raise first_of(group) from None


def _told(
    history: History,
    goals: Sequence[Target],
    options: WatchOptions,
    max_key_age: float | None,
) -> WatchReport:
    names = [target.name for target, _ in watched(goals, options)]
    return watch_report(history.samples(names), history=str(history.path), max_key_age=max_key_age)
