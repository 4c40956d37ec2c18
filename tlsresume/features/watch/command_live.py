"""Running a watch for people: a live view on a terminal, a line per sample elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tlsresume.cli import console
from tlsresume.cli.configuring import effective
from tlsresume.cli.tool import this_tool
from tlsresume.errors import ExitStatus, first_of
from tlsresume.features.watch.rotation import watch_report
from tlsresume.features.watch.samples import Sample, WatchReport
from tlsresume.features.watch.sampling import Watch, watched
from tlsresume.features.watch.text import render_watch, sample_line
from tlsresume.formats import document
from tlsresume.network.loop import run
from tlsresume.sessions.file import permission_warnings

if TYPE_CHECKING:
    from rich.live import Live

    from tlsresume.cli.outputs import Outputs
    from tlsresume.features.watch.history import History
    from tlsresume.options import WatchOptions
    from tlsresume.targets.target import Target


def watch(
    targets: Sequence[Target],
    options: WatchOptions,
    history: History,
    outputs: Outputs,
    max_key_age: float | None,
) -> ExitStatus:
    """Watch, show, and report in the end; an interrupt ends it too, with what is known."""
    warn_of_others(history)
    names = [target.name for target, _ in watched(targets, options)]
    interrupted = False
    with ExitStack() as stack:
        live = _live(outputs)
        if live is not None:
            stack.enter_context(live)

        def show(sample: Sample) -> None:
            if live is None:
                if not outputs.quiet:
                    console.note(sample_line(sample))
                return
            from rich.text import Text

            report = remembered(history, names, max_key_age)
            view = console.view_of(console.stderr())
            live.update(Text.from_ansi(render_watch(report, view)), refresh=True)

        try:
            run(Watch(targets, options, history, show).run())
        except KeyboardInterrupt:
            interrupted = True
        except BaseExceptionGroup as group:
            raise first_of(group) from None
    report = remembered(history, names, max_key_age)
    emit(outputs, report)
    return ExitStatus.INTERRUPTED if interrupted else status(report)


def remembered(history: History, names: Sequence[str], max_key_age: float | None) -> WatchReport:
    """The report on what a history holds of some targets (none named: of all)."""
    return watch_report(history.samples(names), history=str(history.path), max_key_age=max_key_age)


def _live(outputs: Outputs) -> Live | None:
    """A view that is drawn anew after each sample; None where there is no terminal."""
    if outputs.quiet or not console.stderr().isatty():
        return None
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    return Live(
        Text("The first sample is being taken."),
        console=Console(file=console.stderr()),
        auto_refresh=False,
        transient=True,
    )


def warn_of_others(history: History) -> None:
    """Say where others than this user can read or change a history."""
    mode = history.path.stat().st_mode & 0o777
    for warning in permission_warnings(str(history.path), mode):
        console.warn(warning)


def emit(outputs: Outputs, report: WatchReport) -> None:
    """Print the report in each format that was asked for."""
    from tlsresume.cli.typed_command import typed_command
    from tlsresume.features.watch.page import render_watch_html

    report = replace(report, options=effective(click.get_current_context()))
    outputs.emit(
        lambda view: render_watch(report, view),
        lambda: document.document(this_tool(), report),
        html=lambda: render_watch_html(report, this_tool(), command=typed_command()),
    )


def status(report: WatchReport) -> ExitStatus:
    """3 where a key is too old, 5 where no target could be reached, else 0."""
    if report.too_old:
        return ExitStatus.NOT_AS_ASKED
    return ExitStatus.OK if report.reached else ExitStatus.UNREACHABLE
