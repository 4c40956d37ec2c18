"""`tlsresume resume`: offer a saved session, and tell what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import click

from tlsresume.cli import values
from tlsresume.cli.configuring import ConfiguredCommand, effective
from tlsresume.cli.connecting import Connection, connection_options
from tlsresume.cli.demanding import expect_option, min_rate_option
from tlsresume.cli.failing import FINDING_OPTIONS, exit_zero_option
from tlsresume.cli.grouping import add_options, flag, number, option
from tlsresume.cli.outputs import Outputs, output_options, resume_without_attempts
from tlsresume.cli.ticket_keys import ticket_key_options
from tlsresume.targets.endpoints import without_login

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.policy.demands import Expected
    from tlsresume.policy.names import FailOn
    from tlsresume.results.connection import Mechanism
    from tlsresume.results.report import ResumeResult
    from tlsresume.sessions.metadata import SessionMetadata
    from tlsresume.sessions.session import Session
    from tlsresume.tickets.key_files import TicketKeyFile

WHERE, HOW = "Which address and name", "How to resume"


@click.command(
    "resume", cls=ConfiguredCommand,
    matter_most=(
        "tries", "each_address", "resolve_now", "any_host", "update", "early_data", "no_pin",
        "expect", "timeout", "formats",
    ),
)  # fmt: skip
@click.argument("file", metavar="FILE", callback=values.file_names)
@click.argument("target", required=False, metavar="[TARGET]")
@add_options(
    flag(
        WHERE, "--resolve-now", help="Ask DNS again, instead of going to the saved address.",
        short="ask DNS again, not the saved address",
    ),
    flag(
        WHERE, "--each-address", help="Ask DNS again, and offer the session to every address.",
        short="offer it to every address of the name",
    ),
    flag(
        WHERE, "--any-host",
        help="Allow offering the session to another host name than it was saved from.",
        short="allow another host name than the saved one",
    ),
    number(
        HOW, "--tries", 1, 1000, default=1,
        help="Connections to make, each offering the saved session.",
        short="how many connections offer the session (1)",
    ),
    flag(
        HOW, "--update", help="Store the renewed session in the file.",
        short="store the renewed session in the file",
    ),
    option(
        HOW, "--early-data", metavar="TEXT|@FILE", callback=values.early_data,
        help="Send this as TLS 1.3 early data. It can be replayed by others: send nothing that"
        " must not happen twice.",
        short="send this as early data",
    ),
    flag(
        HOW, "--no-pin",
        help="Do not insist on the TLS version, cipher, SNI and ALPN that were saved.",
        short="do not insist on the saved version and cipher",
    ),
    flag(
        HOW, "--no-ticket",
        help="Send no session_ticket extension (TLS 1.2), to see the difference.",
    ),
    flag(
        HOW, "--no-ems",
        help="Send no extended_master_secret extension (TLS 1.2), to see the difference.",
    ),
    flag(
        HOW, "--unclean-close",
        help="Cut the connection instead of closing it, to see the difference.",
    ),
    flag(
        HOW, "--no-explain",
        help="Make no further connection to find out why a session was not resumed.",
    ),
)  # fmt: skip
@connection_options
@add_options(expect_option, min_rate_option, *FINDING_OPTIONS)
@output_options("text", "json", can_be_brief=True)
@ticket_key_options
@exit_zero_option
def command(
    *,
    file: str,
    target: str | None,
    connection: Connection,
    outputs: Outputs,
    exit_zero: bool,
    ticket_keys: tuple[TicketKeyFile, ...],
    update: bool,
    expect: dict[Mechanism, Expected],
    min_rate: float | None,
    fail_on: FailOn,
    ignore: tuple[str, ...],
    **asked: bool,
) -> ExitStatus:
    """Offer the session in FILE to the server it came from, or to TARGET.

    Goes to the saved address, with the saved name, TLS version, cipher and ALPN. The
    first line of the answer begins with Reused or New, as in openssl s_client.
    """
    from tlsresume.cli import console
    from tlsresume.cli.tool import this_tool
    from tlsresume.errors import ExitStatus
    from tlsresume.formats import document, session_text
    from tlsresume.options import ResumeOptions
    from tlsresume.policy.exit_status import with_exit_zero
    from tlsresume.policy.resume_status import ResumeDemands, decided_resume
    from tlsresume.runs.resume import resume
    from tlsresume.sessions.file import read_session_file

    if update and file == "-":
        raise click.UsageError("--update needs a file, not the standard input")
    _refuse_exchanged(file, target)
    saved = read_session_file(file)
    mechanism = saved.session.mechanism
    if expect and mechanism not in expect:
        raise click.UsageError(f"the session is of the mechanism {mechanism}: no --expect names it")
    for warning in saved.warnings:
        console.warn(warning)
    options = ResumeOptions(
        connect=connection.options(),
        pin=not asked["no_pin"],
        where=_where(each=asked["each_address"], now=asked["resolve_now"]),
        any_host=asked["any_host"],
        tries=asked["tries"],
        early_data=asked["early_data"],  # type: ignore[arg-type]  # bytes, by its callback
        explain=not asked["no_explain"],
        clean_close=not asked["unclean_close"],
        tickets=not asked["no_ticket"],
        extended_master_secret=not asked["no_ems"],
        ticket_keys=ticket_keys,
    )
    goal = connection.saved_target(saved.saved) if target is None else connection.target(target)
    try:
        result, renewed = resume(
            saved,
            goal,
            options,
            trace=console.trace_line if outputs.verbose else None,
            status=None if outputs.quiet or outputs.verbose else console.status,
        )
    finally:
        console.end_status()
    if update:
        result = _store(file, result, renewed)
    demands = ResumeDemands(
        expected=expect.get(mechanism, "resumed"),
        min_rate=min_rate,
        fail_on=fail_on,
        ignore=ignore,
        exit_zero=exit_zero,
    )
    options_held = effective(click.get_current_context())
    result = replace(decided_resume(result, demands), options=options_held)
    status = ExitStatus(result.exit_status or 0)
    outputs.emit(
        lambda view: session_text.render_resume(result, view),
        lambda: document.document(
            this_tool(), resume_without_attempts(result) if outputs.brief else result
        ),
        as_asked=status == 0,
    )
    return with_exit_zero(status, exit_zero=exit_zero)


def _refuse_exchanged(file: str, target: str | None) -> None:
    """Raise UsageError where TARGET was typed before FILE, as other commands have it."""
    import os

    from tlsresume.cli.mistakes import command_line
    from tlsresume.errors import UsageError
    from tlsresume.files import is_regular

    if target is None or file == "-" or os.path.lexists(file) or not is_regular(target):
        return
    raise UsageError(
        f"there is no file {without_login(file)}, but a file {target}: FILE comes before TARGET",
        hints=(command_line("resume", target, file),),
    )


def _where(*, each: bool, now: bool) -> Literal["saved", "now", "each"]:
    if each:
        return "each"
    return "now" if now else "saved"


def _store(
    path: str, result: ResumeResult, renewed: tuple[Session, SessionMetadata] | None
) -> ResumeResult:
    """Put the renewed session into the file, under what is known of its server."""
    from tlsresume.cli.console import note
    from tlsresume.sessions.file import format_session_file, write_session_file

    if renewed is None:
        note(f"no renewed session came: {path} stays as it is")
        return result
    write_session_file(path, format_session_file(*renewed), force=True)
    return replace(result, updated_file=path)
