"""What is demanded: expectations, limits, `--policy`, `--baseline`.

`demand_options` gives a command one `demanded` argument; it becomes a Judge, once the
files are read. Only expectations and rates replace the default verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli.failing import FINDING_OPTIONS
from tlsresume.cli.grouping import Declaration, one_argument, option
from tlsresume.cli.values import callback, duration, share
from tlsresume.policy import demand_table as table
from tlsresume.policy.ranges import parse_range

if TYPE_CHECKING:
    from tlsresume.policy.demands import Expected
    from tlsresume.policy.judge import Judge
    from tlsresume.results.connection import Mechanism

GROUP = "What to demand"


@callback
def _expectations(values: tuple[str, ...]) -> dict[Mechanism, Expected]:
    """`MECHANISM=STATE`, a bare STATE for every mechanism, or a bare MECHANISM that must be
    resumed; in any case of letters."""
    from tlsresume.policy.demands import EXPECTED
    from tlsresume.results.connection import MECHANISMS

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
            raise ValueError(f"{state!r} is not one of {', '.join(EXPECTED)}{named}")
        meant = [each for each in MECHANISMS if not equals or each == name]
        if not meant:
            raise ValueError(f"{name!r} is not one of {', '.join(MECHANISMS)}")
        for mechanism in meant:
            if found.setdefault(mechanism, expected) != expected:
                raise ValueError(f"{mechanism} is expected twice, differently")
    return found


@callback
def _range(text: str) -> str:
    parse_range(text)
    return text


#: How values of each kind are read.
_READ: dict[table.Kind, dict[str, Any]] = {
    table.COUNT: {"type": click.IntRange(1)},
    table.DURATION: {"callback": duration},
    table.EXPECTATIONS: {"multiple": True, "callback": _expectations},
    table.RANGE: {"callback": _range},
    table.SHARE: {"callback": share},
    table.WORD: {"is_flag": True},
    table.YES: {"is_flag": True},
}


def _typed(row: table.Row, typed: table.Option) -> Declaration:
    """An option of the command line, by what its value is."""
    return option(
        GROUP, typed.spelling, metavar=row.kind.metavar, help=typed.help, short=typed.short or "",
        short_value=typed.short_value, **_READ[row.kind],
    )  # fmt: skip


_ROWS = [(row, typed) for row in table.DEMANDS for typed in row.options]
_BY_KEY = {row.key: _typed(row, typed) for row, typed in _ROWS}
expect_option = _BY_KEY["expect"]
min_rate_option = _BY_KEY["min-rate"]

_FILES = (
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
)  # fmt: skip

#: In the order of their help: what is for nagios alone stands last.
_OPTIONS = (
    *(_typed(row, typed) for row, typed in _ROWS if row.kind is not table.RANGE),
    *_FILES,
    *(_typed(row, typed) for row, typed in _ROWS if row.kind is table.RANGE),
)


class Demanded:
    """What the user demanded; gives a Judge."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said
        asked: dict[str, Any] = {}
        for row, typed in _ROWS:
            value = said[typed.parameter]
            if value in (None, False):
                continue
            if row.field in asked:
                spelt = " and ".join(each.spelling for each in row.options)
                raise click.UsageError(f"{spelt} exclude each other")
            asked[row.field] = value if typed.word is None else typed.word
        from tlsresume.policy.demands import Demands

        self._demands = Demands(**asked)
        if (keys := table.crossed(self._demands)) is not None:
            raise click.UsageError(f"--{keys[0]} is longer than --{keys[1]}")

    @property
    def rates(self) -> dict[str, object]:
        """What was demanded of rates, by option; None where it was not."""
        of_rates = [typed for row, typed in _ROWS if row.kind in (table.SHARE, table.RANGE)]
        return {typed.spelling: self._said[typed.parameter] for typed in of_rates}

    def judge(self, *, exit_zero: bool = False) -> Judge:
        """Read the policy and the baseline. Raises FileError, UsageError."""
        import datetime as dt

        from tlsresume.policy.judge import Judge
        from tlsresume.policy.policy import Policy

        said = self._said
        demands = self._demands
        policy, baseline = Policy(), None
        if said["policy"] or said["baseline"]:
            from tlsresume.api.reports import read_policy, read_report

            policy = read_policy(said["policy"]) if said["policy"] else policy
            baseline = read_report(said["baseline"]) if said["baseline"] else None
        name = said["policy"] or ("command line" if demands.stated else None)
        if said["expect"] and not demands.demands_something and not said["policy"]:
            raise click.UsageError("--expect with nothing but any demands nothing")
        return Judge(
            today=dt.datetime.now(dt.UTC).date(),
            policy=policy,
            name=name,
            demands=demands,
            baseline=baseline,
            baseline_name=said["baseline"],
            fail_on=said["fail_on"],
            ignore=said["ignore"],
            exit_zero=exit_zero,
        )


#: Give a command the options of `Demanded`; it gets them as one `demanded` argument.
demand_options = one_argument("demanded", (*_OPTIONS, *FINDING_OPTIONS), Demanded)
