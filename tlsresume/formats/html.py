"""The HTML report of `probe`: one self-contained file, readable without scripts, on paper, on a
phone, by day and by night.

What is worst comes first, with its cause; targets that are as asked are folded. How foreign
text is kept from being markup stands in `html_page`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import field

from tlsresume.errors import ExitStatus
from tlsresume.findings.ticket_keys import fleet_summary
from tlsresume.formats.alone import each_alone
from tlsresume.formats.chart import Strips, handshake_chart
from tlsresume.formats.html_page import Cell, Style, Table, badge, link, page
from tlsresume.formats.html_tables import (
    address_table,
    attempt_table,
    change_table,
    check_table,
    crossing_tables,
    early_table,
    key_table,
    request_table,
)
from tlsresume.formats.page import View
from tlsresume.formats.verdicts import (
    WORST_FIRST,
    counted_verdicts,
    flaw,
    headline,
    last_line,
    verdict_words,
)
from tlsresume.results.measured import ErrorResult, Verdict
from tlsresume.results.report import Report, TargetResult, Tool
from tlsresume.units import count, seconds, utc
from tlsresume.value import Value

_VERDICT_STYLE: dict[Verdict, Style] = {
    "resumes": "good",
    "partly": "fair",
    "does-not-resume": "bad",
    "untested": "none",
}
_HEADS = ("Target", "Verdict", "Why", "Connections")


class _Shown(Value, frozen=True, kw_only=True):
    """A target as the page shows it. `number` is its place in the page; `why` is empty where it
    is as asked; `folded`: only its head is seen at first."""

    number: int
    result: TargetResult
    status: ExitStatus
    why: str
    folded: bool
    verdict: Cell
    facts: str
    headline: str
    addresses: Table
    keys: Table
    keys_words: str | None
    checks: Table
    changes: Table
    strips: Strips
    early: Table
    requests: Table
    crossings: list[tuple[str, Table]] = field(default_factory=list)
    attempts: list[tuple[str, Table]] = field(default_factory=list)


def render(report: Report, view: View) -> str:
    """The report as an HTML document."""
    shown = list(_worst_first(report))
    several = len(shown) > 1
    calm = [each for each in shown if each.folded]
    times = [row.time for target in report.targets for a in target.addresses for row in a.attempts]
    facts = count(len(report.targets), "target") + (f", {utc(min(times))}" if times else "")
    return page(
        "formats/probe.html",
        report.tool,
        command=view.command,
        facts=facts,
        verdicts=list(_verdicts(report)),
        last=last_line(report),
        missing=report.missing,
        overview=_overview([each for each in shown if several and not each.folded]),
        calm=_overview(calm),
        calm_words=f"{count(len(calm), 'target')} as asked",
        together=report.findings,
        targets=shown,
        policy=report.policy,
        baseline=report.baseline,
    )


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as an HTML document."""
    return page("formats/failed.html", tool, error=error)


def _verdicts(report: Report) -> Iterator[Cell]:
    """How many targets have each verdict."""
    for verdict, words, number in counted_verdicts(report):
        yield badge(f"{number} {words}", _VERDICT_STYLE[verdict] if words == verdict else "bad")


def _worst_first(report: Report) -> Iterator[_Shown]:
    alone = [(each, ExitStatus(each.exit_status or 0)) for each in each_alone(report)]
    alone.sort(key=lambda each: WORST_FIRST.index(each[1]))
    for number, (each, status) in enumerate(alone, 1):
        yield _shown(number, each, status, folded=len(alone) > 1 and status is ExitStatus.OK)


def _shown(number: int, alone: Report, status: ExitStatus, *, folded: bool) -> _Shown:
    (target,) = alone.targets
    addresses = {address.address for address in target.addresses}
    facts = [count(len(addresses), "address")] if addresses else []
    facts += [count(target.connections, "connection"), seconds(target.duration_ms)]
    return _Shown(
        number=number,
        result=target,
        status=status,
        why=alone.why if status else "",
        folded=folded,
        verdict=_verdict(target),
        facts=", ".join(facts),
        headline=headline(target) if flaw(target) else "",
        addresses=address_table(target.addresses),
        keys=key_table(target.ticket_keys),
        keys_words=fleet_summary(target.ticket_keys) if target.ticket_keys else None,
        checks=check_table(target.checks),
        changes=change_table(target.changes),
        strips=handshake_chart(row for address in target.addresses for row in address.attempts),
        early=early_table(target.addresses),
        requests=request_table(target.addresses),
        crossings=list(crossing_tables(target.crossings)),
        attempts=[attempt_table(address) for address in target.addresses if address.attempts],
    )


def _verdict(target: TargetResult) -> Cell:
    return badge(
        verdict_words(target), "bad" if flaw(target) else _VERDICT_STYLE.get(target.verdict, "none")
    )


def _overview(shown: Sequence[_Shown]) -> Table:
    return Table(
        heads=_HEADS,
        rows=[
            (link(each.result.target, f"t{each.number}"), each.verdict, each.why,
             each.result.connections)
            for each in shown
        ],
        right=(3,),
    )  # fmt: skip
