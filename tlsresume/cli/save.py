"""`tlsresume save`: connect once, and write the session to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from tlsresume.cli.configuring import ConfiguredCommand, effective
from tlsresume.cli.connecting import Connection, connection_options
from tlsresume.cli.grouping import add_options, flag, option
from tlsresume.cli.outputs import Outputs, output_options

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.results.connection import Mechanism
    from tlsresume.sessions.file import SessionMetadata
    from tlsresume.sessions.session import Session
    from tlsresume.targets.target import Target

FILE = "The file"
_SUFFIX = ".session.pem"


@click.command(
    "save", cls=ConfiguredCommand,
    matter_most=(
        "output", "force", "all_tickets", "mechanism", "servername", "connect", "starttls", "tls",
        "timeout", "formats",
    ),
)  # fmt: skip
@click.argument("target")
@add_options(
    option(
        FILE, "-o", "--output", metavar="FILE",
        help="Where to write; - is the standard output. The default is HOST_PORT.session.pem here.",
        short="where to write (HOST_PORT.session.pem)",
    ),
    flag(FILE, "--force", help="Replace an existing file.", short="replace an existing file"),
    flag(
        FILE, "--all-tickets",
        help="Write a file for each ticket that came, numbered .1, .2 and so on.",
        short="write a file for each ticket that came",
    ),
    option(
        FILE, "--mechanism", type=click.Choice(["psk", "ticket", "session-id"]),
        help="The kind of session to save; the default is what an ordinary client would get.",
        short="the kind of session to save", short_value="NAME",
    ),
)  # fmt: skip
@connection_options
@output_options("text", "json", own_force=True)
def command(
    *,
    target: str,
    output: str | None,
    force: bool,
    all_tickets: bool,
    mechanism: str | None,
    connection: Connection,
    outputs: Outputs,
) -> ExitStatus:
    """Connect to TARGET, wait for its session, close cleanly, and save the session.

    The file is OpenSSL's PEM with readable lines above it. It holds secrets: its mode
    is 0600, and it is never written over another without --force.
    """
    from tlsresume.cli.console import end_status, trace_line
    from tlsresume.cli.console import status as status_line
    from tlsresume.cli.tool import this_tool
    from tlsresume.formats import document, session_text
    from tlsresume.options import SaveOptions
    from tlsresume.policy.resume_status import save_status
    from tlsresume.runs.save import save

    to_stdout = output == "-"
    if to_stdout and (all_tickets or outputs.stdout_is("json")):
        other = "--all-tickets" if all_tickets else "--format json"
        raise click.UsageError(f"--output - and {other} exclude each other")
    goal = connection.target(target)
    path = output or default_name(goal)
    if not to_stdout:
        check_free(numbered(path, 1) if all_tickets else path, force=force)
    connect = connection.options()
    try:
        result, sessions = save(
            goal,
            SaveOptions(connect=connect, mechanism=cast("Mechanism | None", mechanism)),
            trace=trace_line if outputs.verbose else None,
            status=None if outputs.quiet or outputs.verbose else status_line,
        )
    finally:
        end_status()
    kept = sessions if all_tickets else sessions[-1:]
    paths = [numbered(path, n) for n, _ in enumerate(kept, 1)] if all_tickets else [path]
    if result.saved and result.error is None:
        result = replace(result, files=write(paths, kept, force=force))
    result = replace(result, options=effective(click.get_current_context()))
    outputs.emit(
        lambda view: session_text.render_save(result, view),
        lambda: document.document(this_tool(), result),
        text_to_stderr=to_stdout or not result.saved,
        as_asked=result.saved,
    )
    return save_status(result)


def default_name(target: Target) -> str:
    """HOST_PORT.session.pem, with only such characters as any file system takes."""
    host = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in target.host)
    return f"{host}_{target.port}{_SUFFIX}"


def numbered(path: str, number: int) -> str:
    """The name of one of several files: the number goes before the ending."""
    if path.endswith(_SUFFIX):
        return f"{path.removesuffix(_SUFFIX)}.{number}{_SUFFIX}"
    stem = Path(path)
    return str(stem.with_name(f"{stem.stem}.{number}{stem.suffix}"))


def check_free(path: str, *, force: bool) -> None:
    """Refuse a file that could not be written, before any connection is made."""
    from tlsresume.errors import OutputFileError

    place = Path(path)
    if place.is_dir():
        raise OutputFileError(f"{path} is a folder", path=path, hints=("name a file in it",))
    if not place.parent.is_dir():
        raise OutputFileError(f"cannot write {path}: there is no folder {place.parent}", path=path)
    if not force and (place.exists() or place.is_symlink()):
        raise OutputFileError(
            f"{path} exists already",
            path=path,
            hints=("--force replaces it", "-o FILE writes elsewhere"),
        )


def write(
    paths: list[str], sessions: list[tuple[Session, SessionMetadata]], *, force: bool
) -> tuple[str, ...]:
    """Write each session to its file, or the one to stdout; the names written."""
    from tlsresume.cli.console import write_data
    from tlsresume.sessions.file import format_session_file, write_session_file

    for path, (session, metadata) in zip(paths, sessions, strict=True):
        data = format_session_file(session, metadata)
        if path == "-":
            write_data(data.decode())
        else:
            write_session_file(path, data, force=force)
    return tuple(paths)
