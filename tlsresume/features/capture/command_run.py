"""Running `capture` for people: what was asked becomes options, the report its formats."""

from __future__ import annotations

import datetime as dt
import gc
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import console
from tlsresume.cli.outputs import Outputs
from tlsresume.cli.tool import this_tool
from tlsresume.cli.typed_command import typed_command
from tlsresume.errors import ExitStatus
from tlsresume.features.capture import render_text
from tlsresume.features.capture.clients import client_names
from tlsresume.features.capture.demands import Wanted, hold_against
from tlsresume.features.capture.inputs import STDIN
from tlsresume.features.capture.lines import LineFile, csv_head, csv_line, jsonl_line
from tlsresume.features.capture.report import CaptureReport
from tlsresume.features.capture.run import Capture, CaptureOptions, moment, read_key_log
from tlsresume.features.capture.seen import Seen
from tlsresume.formats import document
from tlsresume.tls.key_log import KeyLog

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

#: Seconds between two drawings of the live view, and before a file's progress is shown.
_REDRAW = 0.5
_LIVE_SERVERS = 15
#: Formats with a line for each connection.
_BY_LINE = ("jsonl", "csv")


def run(
    files: tuple[str, ...],
    outputs: Outputs,
    ticket_keys: tuple[TicketKeyFile, ...],
    asked: dict[str, Any],
) -> ExitStatus:
    """Read, show, print; an interrupt ends the reading, and what is known is printed."""
    wanted = _wanted(asked)
    options = _options(files, ticket_keys, asked)
    names = client_names(anonymise=asked["anonymise"], key_file=asked["anonymise_key"])
    interrupted = False
    with ExitStack() as stack:
        writers = _writers(outputs, stack)

        def write_line(seen: Seen) -> None:
            for writer in writers:
                writer.add(seen)

        capture = Capture(options, names, write_line if writers else None)
        try:
            with ExitStack() as shown, _rare_collection():
                capture.read(_progress(capture, outputs, files, writers, shown))
        except KeyboardInterrupt:
            interrupted = True
        capture.finish()
        if not interrupted:
            capture.refuse_unread()
        for writer in writers:
            writer.finish()
    report = hold_against(
        capture.report(), wanted, exit_zero=asked["exit_zero"], today=dt.datetime.now(dt.UTC).date()
    )
    _say_damage(report)
    _emit(outputs, report, show_clients=asked["show_clients"])
    if interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.OK if asked["exit_zero"] else ExitStatus(report.exit_status)


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Let Python look for cycles less often: of the many tuples that reading makes none is in
    one, and looking through them took a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _wanted(asked: dict[str, Any]) -> Wanted:
    from tlsresume.api.reports import read_policy

    return Wanted(
        min_rate=asked["min_rate"],
        min_resumption_rate=asked["min_resumption_rate"],
        policy=read_policy(asked["policy"]) if asked["policy"] else None,
    )


def _options(
    files: tuple[str, ...], ticket_keys: tuple[TicketKeyFile, ...], asked: dict[str, Any]
) -> CaptureOptions:
    key_log = KeyLog()
    path = asked["keylogfile"]
    if path is not None:
        if path == STDIN:
            raise click.UsageError("--keylogfile cannot be the standard input")
        _warn_of_others(path)
        if not read_key_log(path, key_log):
            console.warn(f"{path} holds no secret of a server of TLS 1.3")
    return CaptureOptions(
        files=files,
        key_log=key_log,
        key_files=ticket_keys,
        servers=asked["servers"],
        since=moment("--since", asked["since"], files) if asked["since"] else None,
        until=moment("--until", asked["until"], files) if asked["until"] else None,
        top=asked["top"],
    )


def _warn_of_others(path: str) -> None:
    from tlsresume.sessions.file import permission_warnings

    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISREG(mode):
        for warning in permission_warnings(path, stat.S_IMODE(mode)):
            console.warn(warning)


# --------------------------------------------------------------------- writing


def _writers(outputs: Outputs, stack: ExitStack) -> list[LineFile]:
    """A writer for each chosen format that has a line for each connection."""
    found = []
    for choice in outputs.choices:
        if choice.name in _BY_LINE:
            line = csv_line if choice.name == "csv" else jsonl_line
            writer = LineFile(line, choice.file, console.write_data)
            stack.callback(writer.abandon)
            if choice.name == "csv":
                writer.text(csv_head())
            found.append(writer)
    return found


def _emit(outputs: Outputs, report: CaptureReport, *, show_clients: bool) -> None:
    def html() -> str:
        from tlsresume.features.capture.render_html import render

        return render(report, this_tool(), show_clients=show_clients, command=typed_command())

    def prometheus() -> str:
        from tlsresume.features.capture.render_prometheus import render

        return render(report, this_tool())

    outputs.emit(
        lambda view: render_text.render(report, view),
        lambda: document.document(this_tool(), report),
        as_asked=report.exit_status == ExitStatus.OK,
        written_elsewhere=_BY_LINE,
        html=html,
        prometheus=prometheus,
    )


def _say_damage(report: CaptureReport) -> None:
    for file in report.files:
        if file.damage is not None:
            console.warn(f"{file.file}: {file.damage}; what came before counts")


# -------------------------------------------------------------------- progress


def _progress(
    capture: Capture,
    outputs: Outputs,
    files: tuple[str, ...],
    writers: list[LineFile],
    shown: ExitStack,
) -> Callable[[], None]:
    """What is done while reading: of a stream a live view, of files a status line."""
    streaming = STDIN in files
    silent = outputs.quiet or not console.stderr().isatty()
    draw: Callable[[], None] | None = None
    if not silent:
        draw = _live(capture, shown) if streaming else lambda: _say_how_far(capture)
    last = time.monotonic()

    def progress() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _REDRAW:
            last = now
            if draw is not None:
                draw()
            if streaming:
                for writer in writers:
                    writer.flush()

    if not silent and not streaming:
        shown.callback(console.end_status)
    return progress


def _say_how_far(capture: Capture) -> None:
    console.status(
        f"{capture.engine.packets:,} packets, {capture.tallies.connections:,} TLS connections"
    )


def _live(capture: Capture, shown: ExitStack) -> Callable[[], None]:
    """Draw what is known by now on the terminal."""
    show = shown.enter_context(console.live_view("Waiting for packets."))
    return lambda: show(
        lambda view: render_text.live(capture.report(_LIVE_SERVERS), view, _LIVE_SERVERS)
    )
