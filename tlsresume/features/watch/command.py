"""`tlsresume watch`: ticket keys over time, and what happens to sessions when they rotate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlsresume.cli.configuring import ConfiguredCommand
from tlsresume.cli.connecting import Connection, connection_options, quic_option
from tlsresume.cli.grouping import option
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.cli.values import duration

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.options import WatchOptions

WHEN, WHAT, JUDGE = "When to look", "What to remember", "Exit status"
#: Words that are no hosts here: the subcommand, and what it is likely to be taken for.
RESERVED = ("report", "list")

history_option = option(
    WHAT,
    "--history",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The file of samples (SQLite; it holds sessions, and is for you alone). The default is"
    " tlsresume/watch.sqlite3 in $XDG_STATE_HOME, or ~/.local/state.",
    short="the file of samples",
)
max_key_age_option = option(
    JUDGE,
    "--max-key-age",
    metavar="TIME",
    callback=duration,
    help="Exit 3 when a key that is in use was first seen longer ago than this, such as 7d.",
    short="fail when a key is older, such as 7d",
)


@click.command(
    "watch",
    cls=ConfiguredCommand,
    matter_most=(
        "every",
        "how_long",
        "once",
        "tries",
        "history",
        "max_key_age",
        "connect",
        "starttls",
        "timeout",
        "formats",
    ),
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@option(
    WHEN,
    "--every",
    metavar="TIME",
    default="10m",
    show_default=True,
    callback=duration,
    help="Time from one sample to the next.",
    short="time from one sample to the next (10m)",
)
@option(
    WHEN,
    "--for",
    "how_long",
    metavar="TIME",
    callback=duration,
    help="Stop after this time, such as 48h. Without it, watch until interrupted.",
    short="stop after this time, such as 48h",
)
@option(
    WHEN,
    "--once",
    excludes="how_long",
    is_flag=True,
    help="Take one sample and end: for cron and timers.",
    short="take one sample and end, for cron",
)
@option(
    WHEN,
    "--tries",
    type=click.IntRange(1, 100),
    metavar="N",
    default=3,
    show_default=True,
    help="Full handshakes of each sample, per address and TLS version: enough to meet every"
    " node behind it.",
    short="full handshakes of each sample (3)",
)
@quic_option(WHEN, "Watch HTTP/3 on the same port, too, as a target of its own.")
@history_option
@max_key_age_option
@connection_options
@output_options("text", "json", "html")
def command(
    targets: tuple[str, ...],
    connection: Connection,
    outputs: Outputs,
    history: str | None,
    max_key_age: float | None,
    **asked: object,
) -> ExitStatus:
    """Watch which ticket keys TARGETs use, and whether sessions survive a rotation.

    tlsresume watch report prints what is remembered, and connects to nothing.
    """
    _refuse_reserved(targets)
    from tlsresume.features.watch import command_live as watching
    from tlsresume.features.watch.history import History, default_path

    path = Path(history) if history is not None else default_path()
    if asked["once"] and asked["how_long"]:
        raise click.UsageError("--once and --for exclude each other")
    with History(path) as remembered:
        goals = [connection.target(text) for text in targets]
        options = _options(connection, asked)
        return watching.watch(goals, options, remembered, outputs, max_key_age)


def _refuse_reserved(targets: tuple[str, ...]) -> None:
    """Refuse a word that looks like the subcommand, which stands right behind `watch`, where a
    host of that name would be watched unseen. Raises UsageError."""
    for text in targets:
        if text.strip().lower() in RESERVED:
            from tlsresume.cli.mistakes import command_line
            from tlsresume.errors import UsageError

            others = [other for other in targets if other != text]
            raise UsageError(
                f"{text!r} is not taken for a host here; that would be {text}:443",
                hints=(command_line("watch", "report", *others),),
            )


def _options(connection: Connection, asked: dict[str, object]) -> WatchOptions:
    from tlsresume.options import WatchOptions

    return WatchOptions(
        connect=connection.options(),
        every=asked["every"],  # type: ignore[arg-type]  # a number, by its callback
        duration=asked["how_long"],  # type: ignore[arg-type]  # same
        once=bool(asked["once"]),
        quic=bool(asked["quic"]),
        tries=asked["tries"],  # type: ignore[arg-type]  # click has checked it
    )
