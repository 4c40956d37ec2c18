"""`tlsresume capture`: what really happened to sessions, from captured packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli.configuring import ConfiguredCommand
from tlsresume.cli.grouping import option
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.cli.ticket_keys import ticket_key_options
from tlsresume.cli.values import share

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.tickets.key_files import TicketKeyFile

#: How lines of connections begin; a run that failed leaves a line with the error.
LINES_BEGIN = {"jsonl": r'\{"(time|schema)":', "csv": "time,transport,server,"}
WHAT, SECRETS, CLIENTS = "What counts", "Secrets that open more", "Clients in the output"
DEMAND = "What to demand"


@click.command(
    "capture",
    cls=ConfiguredCommand,
    matter_most=(
        "servers",
        "since",
        "until",
        "top",
        "keylogfile",
        "anonymise",
        "min_rate",
        "policy",
        "formats",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-", type=click.Path())
@option(
    WHAT,
    "--server",
    "servers",
    multiple=True,
    metavar="PATTERN",
    help="Count only connections to servers whose name, or ADDR:PORT, matches this shell pattern.",
    short="count only this server; may be repeated",
)
@option(
    WHAT,
    "--since",
    metavar="TIME",
    help="Count only connections that began at this time or later: such as 2026-01-31T12:00:00Z,"
    " or 15m before the captures' end (not with -).",
    short="count only what began then or later",
)
@option(
    WHAT,
    "--until",
    metavar="TIME",
    help="Count only connections that began until then.",
    short="count only what began until then",
)
@option(
    WHAT,
    "--top",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=100,
    show_default=True,
    help="List at most N servers, and for each N clients, client programs and key names.",
    short="list so many servers and clients (100)",
)
@option(
    SECRETS,
    "--keylogfile",
    metavar="FILE",
    type=click.Path(),
    help="Read secrets of TLS 1.3 from this key log: certificates, tickets, early data become"
    " visible. (SSLKEYLOGFILE is not looked at. Secrets inside a pcapng are used always.)",
    short="secrets, to see into TLS 1.3",
)
@output_options(
    "text",
    "json",
    "jsonl",
    "csv",
    "html",
    "prometheus",
    begins=LINES_BEGIN,
    short="text, json, html ...",
)
@ticket_key_options
@option(CLIENTS, "--show-clients", is_flag=True, help="Name clients' addresses in HTML pages, too.")
@option(
    CLIENTS,
    "--anonymise",
    is_flag=True,
    help="Replace clients' addresses in every output, the same by the same within a run.",
    short="hide clients' addresses",
)
@option(
    CLIENTS,
    "--anonymise-key",
    metavar="FILE",
    type=click.Path(),
    help="The same with a key of 16 bytes or more in FILE, so that runs can be compared.",
)
@option(
    DEMAND,
    "--min-rate",
    metavar="SHARE",
    callback=share,
    help="Exit 3 where a server accepts a lower share of offered sessions, such as 0.9 or 90%.",
    short="fail below this share of accepted offers",
)
@option(
    DEMAND,
    "--min-resumption-rate",
    metavar="SHARE",
    callback=share,
    help="Exit 3 where a lower share of a server's handshakes is resumed.",
)
@option(
    DEMAND,
    "--policy",
    metavar="FILE|NAME",
    help="Demand the min-rate of a policy, and no finding that it, or its default, calls an error.",
    short="demand what a policy says",
)
@option(DEMAND, "--exit-zero", is_flag=True, help="Exit 0 also where 3 or 4 would be told.")
def command(
    files: tuple[str, ...],
    outputs: Outputs,
    ticket_keys: tuple[TicketKeyFile, ...],
    **asked: Any,
) -> ExitStatus:
    """Tell from captures what happened to TLS sessions: how many were offered and resumed, which
    clients never offer any, what is refused, and why.

    FILEs are pcap or pcapng, gzip or not, and count as one capture in the order of time; - is
    a stream, as of tcpdump -w -. Nothing is captured or contacted.
    """
    from tlsresume.features.capture.command_run import run

    if files.count("-") > 1 or len(set(files)) < len(files):
        raise click.UsageError("a capture is named twice")
    return run(files, outputs, ticket_keys, asked)
