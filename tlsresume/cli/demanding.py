"""What is demanded: expectations, limits, `--policy`, `--baseline`.

`demand_options` gives a command one `demanded` argument; it becomes a Judge, once the
files are read. Only expectations and rates replace the default verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli.failing import FINDING_OPTIONS
from tlsresume.cli.grouping import one_argument, option

if TYPE_CHECKING:
    from tlsresume.policy.demands import Demands, Expected
    from tlsresume.policy.judge import Judge
    from tlsresume.policy.policy import Policy
    from tlsresume.results import Mechanism, Report

GROUP = "What to demand"


def duration(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Seconds from a length of time such as 5m or 250ms. Raises BadParameter."""
    if value is None:
        return None
    from tlsresume.durations import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _range(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from tlsresume.policy.ranges import parse_range

        try:
            parse_range(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return value


def rate(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """A share above 0 and up to 1, from 0.9 or 90%. Raises BadParameter."""
    if value is None:
        return None
    from tlsresume.durations import parse_share

    try:
        return parse_share(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def expectations(
    _context: click.Context | None, _option: click.Parameter | None, values: tuple[str, ...]
) -> dict[Mechanism, Expected]:
    """`MECHANISM=STATE`, a bare STATE for every mechanism, or a bare MECHANISM that must be
    resumed; in any case of letters. Raises BadParameter."""
    from tlsresume.policy.demands import EXPECTED
    from tlsresume.results import MECHANISMS

    found: dict[Mechanism, Expected] = {}
    for value in values:
        name, equals, state = value.strip().lower().partition("=")
        if not equals and name in MECHANISMS:
            equals, state = "=", "resumed"
        elif not equals:
            name, state = "", name
        expected = next((each for each in EXPECTED if each == state), None)
        if expected is None:
            named = "" if equals else f", nor one of {', '.join(MECHANISMS)}"
            raise click.BadParameter(f"{state!r} is not one of {', '.join(EXPECTED)}{named}")
        meant = [each for each in MECHANISMS if not equals or each == name]
        if not meant:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(MECHANISMS)}")
        for mechanism in meant:
            if found.setdefault(mechanism, expected) != expected:
                raise click.BadParameter(f"{mechanism} is expected twice, differently")
    return found


expect_option = option(
    GROUP, "--expect", metavar="MECHANISM[=STATE]|STATE", multiple=True, callback=expectations,
    help="Expect psk, ticket or session-id (all, if none is named) to be resumed (where no STATE"
    " is named), not-resumed, or any. Replaces the default verdict; what is not named is not"
    " checked.",
    short={
        "probe": "expect psk, ticket, session-id, or not-resumed",
        "resume": "expect resumed (the default) or not-resumed",
    },
    short_value="STATE",
)  # fmt: skip
min_rate_option = option(
    GROUP, "--min-rate", metavar="SHARE", callback=rate,
    help="The lowest share of offered sessions that must be resumed, such as 0.9 or 90%."
    " Replaces the default verdict.",
)  # fmt: skip

_OPTIONS = (
    expect_option,
    min_rate_option,
    option(
        GROUP, "--max-lifetime", metavar="TIME", callback=duration,
        help="Tickets must live no longer than this, such as 24h.",
    ),
    option(
        GROUP, "--min-lifetime", metavar="TIME", callback=duration,
        help="Tickets must live at least this long, such as 5m.",
    ),
    option(
        GROUP, "--max-ticket-keys", metavar="N", type=click.IntRange(1),
        help="Ticket keys that may be seen over all addresses of a target.",
    ),
    option(
        GROUP, "--min-tickets", metavar="N", type=click.IntRange(1),
        help="TLS 1.3 tickets that each full handshake must bring.",
    ),
    option(
        GROUP, "--require-early-data", is_flag=True, excludes="forbid_early_data",
        help="Tickets must allow early data.",
    ),
    option(GROUP, "--forbid-early-data", is_flag=True, help="Tickets must not allow early data."),
    option(
        GROUP, "--forbid-early-data-replay", is_flag=True,
        help="No replay of early data may be accepted; needs --replay-early-data.",
    ),
    option(
        GROUP, "--require-valid-certificate", is_flag=True,
        help="The certificate must be trusted and for this host.",
    ),
    option(
        GROUP, "--policy", metavar="FILE|NAME",
        help="Demand what a policy says: a TOML file (see tlsresume policy), or one of default,"
        " strict, load-balanced, no-resumption. Options add to it and come before it.",
        short="demand what strict, load-balanced ... say",
    ),
    option(
        GROUP, "--baseline", metavar="FILE", reads_file=True,
        help="Report, and fail on, only what got worse since this report (--format json=FILE).",
    ),
    option(
        GROUP, "--warning", metavar="RANGE", callback=_range,
        help="For nagios: warn on a resumption rate, in percent, outside RANGE, such as 90:.",
    ),
    option(
        GROUP, "--critical", metavar="RANGE", callback=_range,
        help="For nagios: the same for critical, such as 50:. Both replace the default verdict.",
    ),
)  # fmt: skip


class Demanded:
    """What the user demanded; gives a Judge."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said
        least, most = said["min_lifetime"], said["max_lifetime"]
        if least is not None and most is not None and least > most:
            raise click.UsageError("--min-lifetime is longer than --max-lifetime")

    @property
    def rates(self) -> dict[str, object]:
        """What was demanded of rates, by option; None where it was not."""
        names = {"--min-rate": "min_rate", "--warning": "warning", "--critical": "critical"}
        return {option: self._said[name] for option, name in names.items()}

    def judge(self, *, exit_zero: bool = False) -> Judge:
        """Read the policy and the baseline. Raises FileError, UsageError."""
        import datetime as dt

        from tlsresume.policy.judge import Judge
        from tlsresume.policy.policy import Policy

        said = self._said
        demands = self._demands()
        policy = read_policy(said["policy"]) if said["policy"] else Policy()
        name = said["policy"] or ("command line" if demands.stated else None)
        if said["expect"] and not demands.demands_something and not said["policy"]:
            raise click.UsageError("--expect with nothing but any demands nothing")
        return Judge(
            today=dt.datetime.now(dt.UTC).date(),
            policy=policy,
            name=name,
            demands=demands,
            baseline=read_report(said["baseline"]) if said["baseline"] else None,
            baseline_name=said["baseline"],
            fail_on=said["fail_on"],
            ignore=said["ignore"],
            exit_zero=exit_zero,
        )

    def _demands(self) -> Demands:
        from tlsresume.policy.demands import Demands

        said = self._said
        early = "require" if said["require_early_data"] else None
        return Demands(
            expect=said["expect"],
            min_rate=said["min_rate"],
            max_lifetime=said["max_lifetime"],
            min_lifetime=said["min_lifetime"],
            max_ticket_keys=said["max_ticket_keys"],
            min_tickets=said["min_tickets"],
            early_data="forbid" if said["forbid_early_data"] else early,  # type: ignore[arg-type]  # one of the two
            early_data_replay="forbid" if said["forbid_early_data_replay"] else None,
            require_valid_certificate=said["require_valid_certificate"] or None,
            warning=said["warning"],
            critical=said["critical"],
        )


#: Give a command the options of `Demanded`; it gets them as one `demanded` argument.
demand_options = one_argument("demanded", (*_OPTIONS, *FINDING_OPTIONS), Demanded)


def read_policy(name: str) -> Policy:
    """A built-in policy by its name, else the one in a file. Raises PolicyFileError."""
    from tlsresume.api import reports

    return reports.read_policy(name)


def read_report(name: str) -> Report:
    """An earlier report. Raises ReportFileError."""
    from tlsresume.api import reports

    return reports.read_report(name)
