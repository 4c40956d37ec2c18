"""`tlsresume inspect`: what session files hold, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tlsresume.cli import values
from tlsresume.cli.configuring import ConfiguredCommand
from tlsresume.cli.grouping import add_options, flag
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.cli.ticket_keys import ticket_key_options

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus, SessionFileError
    from tlsresume.formats.page import View
    from tlsresume.results.inspection import FileResult
    from tlsresume.tickets.key_files import TicketKeyFile

SHOW = "What to show"


@click.command(
    "inspect", cls=ConfiguredCommand,
    matter_most=("show_ticket", "show_secrets", "key_files", "key_kind", "formats"),
)  # fmt: skip
@click.argument("files", nargs=-1, required=True, metavar="FILE...", callback=values.file_names)
@add_options(
    flag(
        SHOW, "--hex", "show_ticket", help="Show the ticket as a hex dump.",
        short="show the ticket as a hex dump",
    ),
    flag(
        SHOW, "--show-secrets",
        help="Show the master secret or PSK too. Who has it can read the connection.",
        short="show the master secret or PSK, too",
    ),
)  # fmt: skip
@output_options("text", "json")
@ticket_key_options
def command(
    files: tuple[str, ...],
    show_ticket: bool,
    show_secrets: bool,
    ticket_keys: tuple[TicketKeyFile, ...],
    outputs: Outputs,
) -> ExitStatus:
    """Show what each session FILE holds, and whether it can be used now. - is the standard input.

    Nothing is contacted. Sessions are also found in base64, hex, JSON and logs, in what
    openssl prints, and in files of curl. The exit status is 0 for any file that can be read,
    expired or not, and 7 where it can only be named.
    """
    from tlsresume.cli.tool import this_tool
    from tlsresume.errors import ExitStatus, SessionFileError
    from tlsresume.formats import document
    from tlsresume.results.inspection import Inspections
    from tlsresume.runs.inspect import inspect_file

    if files.count("-") > 1:
        raise click.UsageError("the standard input can be read only once")
    errors: list[SessionFileError] = []
    results: list[FileResult] = []
    for path in files:
        try:
            results += inspect_file(
                path,
                show_secrets=show_secrets,
                show_ticket=show_ticket,
                ticket_keys=ticket_keys,
            )
        except SessionFileError as error:
            errors.append(error)
            results.append(_unreadable(path, error))
    if len(files) == 1 and errors:
        raise errors[0]
    outputs.emit(
        lambda view: _text(results, view),
        lambda: document.document(this_tool(), Inspections(files=tuple(results))),
    )
    return ExitStatus.FILE if errors else ExitStatus.OK


def _unreadable(path: str, error: SessionFileError) -> FileResult:
    from tlsresume.results.inspection import FileResult
    from tlsresume.results.measured import ErrorResult

    return FileResult(
        path=path,
        error=ErrorResult("file", "read", error.message, error.hints, error.stack),
    )


def _text(results: list[FileResult], view: View) -> str:
    from tlsresume.formats.inspection_text import (
        render_inspection,
        render_partial,
        render_unreadable,
    )

    parts = []
    for result in results:
        if result.inspection is not None:
            parts.append(render_inspection(result.inspection, view))
        elif result.partial is not None:
            parts.append(render_partial(result.partial, view))
        elif result.error is not None:
            parts.append(render_unreadable(result.path, result.error, view))
    return "\n".join(parts)
