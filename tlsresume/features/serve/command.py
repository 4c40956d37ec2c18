"""`tlsresume serve`: a server of known behaviour, and what clients do with its sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import values
from tlsresume.cli.configuring import ConfiguredCommand
from tlsresume.cli.grouping import option
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.cli.values import duration
from tlsresume.features.serve.names import ALL, BEHAVIOUR_NAMES, STARTTLS, STATES

if TYPE_CHECKING:
    from tlsresume.errors import ExitStatus
    from tlsresume.features.serve.options import Expected, ServeOptions
    from tlsresume.features.serve.results import ServeReport
    from tlsresume.features.serve.serving import Serving
    from tlsresume.features.serve.watching import Ends

WHERE, WHAT, CLIENTS, JUDGE = "Where to listen", "What to serve", "Clients", "Exit status"


def _listen(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, int]:
    """An address and a port, from `ADDR:PORT`, `ADDR`, `[ADDR]:PORT` or `:PORT`."""
    host, port = value, ""
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        port = rest.removeprefix(":")
    elif value.count(":") == 1:
        host, _, port = value.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65_535):
        raise click.BadParameter(f"{port!r} is not a port")
    from tlsresume.targets.endpoints import is_address

    host = {"": "127.0.0.1", "localhost": "127.0.0.1", "*": "0.0.0.0"}.get(host, host)  # noqa: S104  asked for
    if not is_address(host):
        raise click.BadParameter(f"{host!r} is no address, as in 127.0.0.1:8443 or :8443")
    return host, int(port or 0)


def _expect(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        behaviour, _, state = value.strip().lower().rpartition("=")
        if state not in STATES:
            raise click.BadParameter(f"{state!r} is not one of {', '.join(STATES)}")
        if found.setdefault(behaviour, state) != state:
            raise click.BadParameter(f"two states for {behaviour or 'all behaviours'}")
    return found


def _file(**settings: Any) -> click.Path:
    return click.Path(path_type=Path, **settings)


@click.command(
    "serve",
    cls=ConfiguredCommand,
    matter_most=(
        "behaviours",
        "command",
        "repeat",
        "listen",
        "tls",
        "starttls",
        "quic",
        "connections",
        "expect",
        "formats",
    ),
)
@option(
    WHERE,
    "--listen",
    metavar="ADDR:PORT",
    default="127.0.0.1:0",
    callback=_listen,
    help="Listen there; the behaviours have PORT, PORT+1 and so on, in the order named. Port 0,"
    " the default, takes free ones. The default address is loopback.",
    short="listen there (a free port of 127.0.0.1)",
)
@option(
    WHERE,
    "--name",
    "names",
    metavar="NAME",
    multiple=True,
    help="A further name or IP address for the certificate, beside localhost, 127.0.0.1 and"
    " ::1; may be given several times.",
)
@option(
    WHAT,
    "--behaviour",
    "behaviours",
    metavar="NAME",
    multiple=True,
    default=("default",),
    type=click.Choice((*BEHAVIOUR_NAMES, ALL)),
    help=f"How the server treats sessions: {', '.join(BEHAVIOUR_NAMES)}, or {ALL}. May be given"
    " several times; each has a port of its own.",
    short="how the server treats sessions; or all",
)
@option(
    WHAT,
    "--tls",
    type=values.Version(),
    help="Speak this version only.",
    short="speak this version only",
)
@option(
    WHAT,
    "--starttls",
    metavar="PROTO",
    type=click.Choice(STARTTLS),
    help=f"Speak this protocol ({', '.join(STARTTLS)}), with TLS by STARTTLS, instead of HTTPS; ftps begins with TLS.",
    short="speak smtp, imap, ftp ... instead of HTTPS",
)
@option(
    WHAT,
    "--quic",
    is_flag=True,
    help="Serve HTTP/3 too, over UDP with the same port numbers, and judge clients by it. Answers"
    " over TCP name it (Alt-Svc). Needs the extra tlsresume[quic].",
    short="serve HTTP/3, too",
)
@option(
    WHAT,
    "--keep-alive",
    is_flag=True,
    help="Leave the connection open after an answer. Without it each request is a connection.",
)
@option(
    WHAT,
    "--cert",
    "certificate",
    reads_file=True,
    metavar="FILE",
    type=_file(dir_okay=False),
    help="The certificate chain of the server (PEM), instead of one that is made.",
)
@option(
    WHAT,
    "--key",
    reads_file=True,
    metavar="FILE",
    type=_file(dir_okay=False),
    help="Its key (PEM).",
)
@option(
    WHAT,
    "--ca",
    metavar="DIR",
    type=_file(file_okay=False),
    help="Keep the authority that signs the certificate in this folder (ca.pem, ca-key.pem), for"
    " devices that must trust it once. It may sign for the names of its first run only.",
)
@option(
    WHAT,
    "--client-ca",
    reads_file=True,
    metavar="FILE",
    type=_file(dir_okay=False),
    help="Ask clients for a certificate that an authority in FILE (PEM) has signed.",
)
@option(
    WHAT,
    "--require-client-cert",
    is_flag=True,
    help="Refuse clients without a certificate; without --client-ca any certificate will do.",
)
@option(
    CLIENTS,
    "--run",
    "command",
    metavar="CMD",
    help="Run this shell command against each behaviour in turn. {url}, {host}, {port}, {cafile}"
    " and {truststore} (PKCS#12 for Java) in it are replaced, and its"
    " environment makes common clients trust the server. It is ended, with all"
    " that it started, after 60 s in each behaviour; with --for, when that time is over instead.",
    short="run this client: {url} stands for the server",
)
@option(
    CLIENTS,
    "--repeat",
    metavar="N",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Run the command N times in each behaviour, for clients that keep sessions on disk.",
    short="run it so often in each behaviour",
)
@option(
    CLIENTS,
    "--connections",
    metavar="N",
    type=click.IntRange(1),
    help="End after N connections to each behaviour; with --run, end the command then.",
    short="end after N connections to each",
)
@option(
    CLIENTS,
    "--for",
    "how_long",
    metavar="TIME",
    callback=duration,
    help="End the whole run after this time, such as 10m: with --run that ends the command, and"
    " behaviours that had no turn are left out. Without it, serve until interrupted, or until the"
    " command has run in each behaviour.",
)
@option(
    JUDGE,
    "--expect",
    "expect",
    metavar="[BEHAVIOUR=]STATE",
    multiple=True,
    callback=_expect,
    help="Exit 3 unless clients do so: resumed, not-resumed, offered, or right (what suits the"
    " behaviour; the default with --run). They are judged from the second connection on.",
    short="what clients must do, such as resumed",
    short_value="STATE",
)
@option(
    JUDGE,
    "--exit-zero",
    is_flag=True,
    help="Exit with 0 where the answer is known and not as expected, or not known.",
)
@output_options(
    "text", "json", "jsonl", "junit", "html", "prometheus", short="text, json, junit, html ..."
)
def command(
    *,
    listen: tuple[str, int],
    command: str | None,
    repeat: int,
    connections: int | None,
    how_long: float | None,
    expect: dict[str, Expected],
    outputs: Outputs,
    **asked: Any,
) -> ExitStatus:
    """Serve TLS of known behaviour, and tell what each client does about resumption.

    A client that makes two connections shows whether it resumes. {url}strict is {url} for a
    connection that verifies, beside one that does not. Interrupt it to have the report.

    Exit status: 0 as expected, or nothing was; 3 not, or a finding of severity error; 4 too
    few connections to tell; 5 no client came, or the command fails in default.
    """
    from tlsresume.features.serve.options import ServeOptions
    from tlsresume.features.serve.watching import Ends

    if command is not None and not command.strip():
        raise click.UsageError("--run needs a command")
    if repeat > 1 and command is None:
        raise click.UsageError("--repeat needs --run")
    options = ServeOptions(host=listen[0], port=listen[1], expect=expect, **asked)
    ends = Ends(command=command, repeat=repeat, connections=connections, seconds=how_long)
    return _serve(options, ends, outputs)


def _serve(options: ServeOptions, ends: Ends, outputs: Outputs) -> ExitStatus:
    """Serve until the run ends, and report. Without a command, an interrupt is an end like any
    other."""
    from tlsresume import collecting
    from tlsresume.cli import console
    from tlsresume.errors import ExitStatus
    from tlsresume.features.serve.serving import Serving
    from tlsresume.features.serve.watching import Onlooker, until_the_end
    from tlsresume.policy.exit_status import with_exit_zero

    options.expected(ran=ends.command is not None)  # a wrong --expect, before anything starts
    shown = not outputs.quiet and (outputs.verbose or console.stderr().isatty())
    onlooker = Onlooker(console.note, shown=shown)
    interrupted = False
    with Serving(options, onlooker.note) as serving:
        try:
            _say_where(serving, ends, quiet=outputs.quiet)
            collecting.started()  # it may run for days
            until_the_end(serving, ends, onlooker)
        except KeyboardInterrupt:
            interrupted = ends.command is not None
            console.leave_line()
        report = serving.report()
        onlooker.show()
    _emit(outputs, report)
    if interrupted:
        return ExitStatus.INTERRUPTED
    return with_exit_zero(ExitStatus(report.exit_status), exit_zero=options.exit_zero)


def _say_where(serving: Serving, ends: Ends, *, quiet: bool) -> None:
    from tlsresume.cli import console

    if not serving.is_local:
        console.warn("others than this machine can connect")
    if ends.command is None and not quiet:
        for behaviour, url in serving.urls.items():
            over_quic = ", and over QUIC" if behaviour in serving.served_over_quic else ""
            console.note(f"{behaviour} at {url}{over_quic}")
        for each in serving.options.not_served():
            console.note(each.words())
        console.note(f"clients must trust {_what_to_trust(serving)}")
        if ends.seconds is None and ends.connections is None:
            console.note("Ctrl-C ends it and prints the report")


def _what_to_trust(serving: Serving) -> str:
    """The file with the authority: the one that is kept, where there is one."""
    options = serving.options
    if options.ca is not None and options.certificate is None:
        return str(options.ca / "ca.pem")
    return serving.cafile


def _emit(outputs: Outputs, report: ServeReport) -> None:
    """Print the report in each format that was asked for."""
    from tlsresume.cli.tool import this_tool
    from tlsresume.cli.typed_command import typed_command
    from tlsresume.features.serve.report_html import render_serve_html
    from tlsresume.features.serve.report_machine import json_lines, junit, metrics
    from tlsresume.features.serve.report_text import render_serve
    from tlsresume.formats.document import document

    tool = this_tool()
    outputs.emit(
        lambda view: render_serve(report, view),
        lambda: document(tool, report),
        as_asked=report.exit_status == 0,
        jsonl=lambda: json_lines(report, tool),
        junit=lambda: junit(report, tool),
        html=lambda: render_serve_html(report, tool, command=typed_command()),
        prometheus=lambda: metrics(report, tool),
    )
