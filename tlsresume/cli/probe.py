"""`tlsresume probe`: whether and how well servers resume sessions."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tlsresume.cli import values
from tlsresume.cli.configuring import ConfiguredCommand, effective, told
from tlsresume.cli.connecting import TIME, Connection, connection_options, quic_option
from tlsresume.cli.demanding import Demanded, demand_options, duration
from tlsresume.cli.experimenting import experiment_options, show_plan
from tlsresume.cli.failing import exit_zero_option
from tlsresume.cli.grouping import add_options, flag, number, option
from tlsresume.cli.outputs import Outputs, output_options
from tlsresume.cli.ticket_keys import ticket_key_options
from tlsresume.features.fleet.command_fleet import FleetAsked, fleet_options
from tlsresume.features.ftps.command_options import ftp_options
from tlsresume.formats import FORMATS

if TYPE_CHECKING:
    from tlsresume.options import ProbeOptions
    from tlsresume.policy.judge import Judge
    from tlsresume.results.report import Report
    from tlsresume.targets.target import Target

PROBE = "What to try"


def _deadline(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Seconds, which also end the waiting for files: what reads them runs after this."""
    from tlsresume.files import give_up_after

    seconds = duration(context, option, value)
    give_up_after(seconds)
    return seconds


@click.command(
    "probe", cls=ConfiguredCommand,
    matter_most=(
        "targets_file", "tries", "servername", "connect", "starttls", "tls", "expect", "policy",
        "timeout", "formats",
    ),
)  # fmt: skip
@click.argument("targets", nargs=-1, metavar="TARGET...")
@option(
    "Targets", "--targets", "targets_file", reads_file=True, metavar="FILE|-",
    help="Read targets from a file, one a line with options of its own; # begins a comment.",
    short="read targets from a file, one a line",
)  # fmt: skip
@fleet_options
@add_options(
    number(
        PROBE, "--tries", 1, 1000, default=5,
        help="How often each mechanism is tried, with one session and with fresh ones.",
        short="how often each mechanism is tried (5)",
    ),
    number(
        PROBE, "--concurrency", 1, 64, default=4, help="Connections at a time to one address.",
    ),
    number(PROBE, "--budget", 1, 100_000, default=200, help="Connections to one target in all."),
    number(
        PROBE, "--max-addresses", 1, 256, default=8,
        help="Addresses of one target that are tested.",
    ),
    flag(
        PROBE, "--no-explain",
        help="Stop after the first round: do not look for the cause of what does not resume.",
    ),
    flag(
        PROBE, "--quick",
        help="As few connections as tell whether each mechanism resumes: one to get a session, one"
        " to offer it. Findings that need several tries are untested.",
    ),
    quic_option(
        PROBE, "Test HTTP/3 on the same port, too, beside HTTPS. h3://HOST tests it alone."
    ),
    option(
        PROBE, "--node-header", metavar="NAME", callback=values.header_name,
        help="Tell nodes behind one address apart by this response header, such as X-Served-By.",
    ),
)  # fmt: skip
@experiment_options
@ftp_options
@connection_options
@demand_options
@add_options(
    number(
        TIME, "--retries", 0, 100, default=0,
        help="Try again, with growing pauses, where no connection comes about; never for an"
        " answer.",
    ),
    option(
        TIME, "--deadline", metavar="TIME", callback=_deadline,
        help="Time allowed for the whole run, such as 10m; what is known by then is reported.",
    ),
)  # fmt: skip
@output_options(*FORMATS, can_be_brief=True, short="text, json, junit, html, nagios ...")
@ticket_key_options
@exit_zero_option
def command(
    *,
    targets: tuple[str, ...],
    targets_file: str | None,
    fleet: FleetAsked,
    connection: Connection,
    demanded: Demanded,
    outputs: Outputs,
    deadline: float | None,
    exit_zero: bool,
    plan: bool,
    **asked: object,
) -> int:
    """Test whether servers resume TLS sessions, by which mechanism, and how reliably.

    TARGET is HOST, HOST:PORT, [IPV6]:PORT, unix:/PATH, or a URL such as https://HOST/,
    smtp://HOST or ftp://HOST. Each address of each target is tested with each mechanism
    (session-id, ticket, psk) of TLS 1.2 and 1.3; of FTP servers data connections, too.
    """
    from tlsresume.cli import console
    from tlsresume.errors import ExitStatus
    from tlsresume.features.fleet.command_fleet import Run, run_few, run_fleet
    from tlsresume.features.fleet.command_lists import Rules, TargetList
    from tlsresume.policy.exit_status import with_exit_zero
    from tlsresume.policy.plugin_state import plugin_state

    began = time.monotonic()
    nagios = outputs.stdout_is("nagios")
    if nagios and exit_zero:
        raise click.UsageError("--exit-zero and --format nagios exclude each other")
    if asked["quick"]:
        _refuse_beside_quick(asked, demanded)
    if not targets and targets_file is None:
        raise click.UsageError("missing TARGET: name one, or a file of them with --targets")
    if fleet.continued is not None:
        outputs.add("jsonl", fleet.continued)
    judge = demanded.judge(exit_zero=exit_zero)
    options = effective(click.get_current_context())
    options_of = _Options(connection, asked, judge)

    def judged(report: Report) -> Report:
        return replace(judge.report(report), options=options)

    outputs.judge = judged
    run = Run(
        fleet=fleet,
        outputs=outputs,
        judge=judged,
        options=options_of,
        usual=options_of.usual,
        deadline=deadline,
        began=began,
        whole=judge.baseline is not None,
    )
    with TargetList(
        targets,
        targets_file,
        connection,
        expand_networks=fleet.expand_networks,
        skip_bad=console.warn if fleet.skip_bad_lines else None,
    ) as many:
        if plan:
            many.check()
            jobs = many.rest(Rules(options=options_of, shard=fleet.shard))
            show_plan([(job.target, job.options) for job in jobs], outputs)
            return 0
        few = targets_file is None and not fleet.anything
        report = run_few(many, run) if few else run_fleet(many, run)
    outputs.finish(report)
    if nagios:
        return plugin_state(report)
    return with_exit_zero(ExitStatus(report.exit_status or 0), exit_zero=exit_zero)


def _refuse_beside_quick(asked: dict[str, object], demanded: Demanded) -> None:
    """What `--quick` cannot answer. Raises click.UsageError."""
    given = click.get_current_context().get_parameter_source("tries")
    refused = {
        "--tries": given is click.core.ParameterSource.COMMANDLINE,
        "--experiment": asked["experiments"],
        "--cross-name": asked["cross_names"],
        "--cross-alpn": asked["cross_protocols"],
        "--age": asked["ages"],
        "--find-lifetime": asked["find_lifetime"],
        "--replay-early-data": asked.get("replay_early_data"),
        **demanded.rates,
    }
    for spelling, said in refused.items():
        if said not in (None, False, ()):
            raise click.UsageError(f"{spelling} needs more tries than --quick makes")


class _Options:
    """The options of each target. Lines that say nothing of their own share one value."""

    def __init__(self, connection: Connection, asked: dict[str, object], judge: Judge) -> None:
        self._asked = asked
        self._judge = judge
        self._connection = connection
        self.usual = _options(connection, asked)

    def __call__(self, target: Target, own: Connection) -> ProbeOptions:
        shared = own is self._connection
        options = self.usual if shared else _options(own, self._asked)
        demanded = self._judge.named_by_demands(target.name)
        self._check_replay(target, options)
        return replace(options, demanded=demanded) if demanded else options

    def _check_replay(self, target: Target, options: ProbeOptions) -> None:
        """Refuse a demand on replays that nothing will test."""
        demands = self._judge.demands_on(target.name)
        if options.early_request is None and demands.early_data_replay is not None:
            raise click.UsageError(
                f"{target.name}: replays of early data are forbidden, and nothing tests that:"
                " add --replay-early-data"
            )


def _options(connection: Connection, asked: dict[str, object]) -> ProbeOptions:
    from tlsresume.options import ProbeOptions

    said = dict(asked)
    explain = not said.pop("no_explain")
    said["quic"] = said["quic"] or connection.quic
    connect = connection.options()
    own = tuple((name, told(value)) for name, value in connection.own.items())
    return ProbeOptions(connect=connect, explain=explain, own_options=own, **said)  # type: ignore[arg-type]  # click has checked each
