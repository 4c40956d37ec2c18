"""What became of demands, and what changed since a baseline, for people."""

from __future__ import annotations

from tlsresume.formats.checks import of_outcome, title
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, UNSURE, Page
from tlsresume.results.judged import Check, CheckOutcome
from tlsresume.results.report import TargetResult

#: Checks that are listed behind those broken: how a line begins, and its style.
_OTHERS: tuple[tuple[CheckOutcome, str, str], ...] = (
    ("untestable", "could not be tested: ", UNSURE),
    ("waived", "waived: ", FAIR),
    ("ignored", "ignored: ", FAIR),
    ("known", "no worse than before: ", FAINT),
)


def put_checks(page: Page, target: TargetResult) -> None:
    """The demands on a target: those broken first, those met as a count."""
    for check in of_outcome(target, "broken"):
        first, style = ("demand broken: ", BAD)
        if check.severity != "error":
            first, style = (f"{check.severity}: ", FAIR)
        elif check.kind == "finding":
            first = "finding: "
        _put(page, check, first, style)
    put_unreachable(page, of_outcome(target, "unreachable"))
    for outcome, first, style in _OTHERS:
        for check in of_outcome(target, outcome):
            _put(page, check, first, style)
    others = {check.demand for check in target.checks if check.outcome != "met"}
    met = dict.fromkeys(c.demand for c in of_outcome(target, "met") if c.demand not in others)
    if met:
        page.prose(", ".join(met), first="as demanded: ", style=GOOD)
    if left := dict.fromkeys(check.demand for check in of_outcome(target, "not-checked")):
        page.prose(", ".join(left), first="not checked: ", style=FAINT)


def put_unreachable(page: Page, checks: list[Check]) -> None:
    """What could not be asked at all: the error was told, so a line per address is enough."""
    for address in dict.fromkeys(check.place for check in checks):
        demands = dict.fromkeys(check.demand for check in checks if check.place == address)
        where = f" on {address}" if address else ""
        page.prose(f"{', '.join(demands)}{where}", first="not reachable: ", style=BAD)


def _put(page: Page, check: Check, first: str, style: str) -> None:
    page.prose(f"{title(check)}: {check.message}", first=first, style=style)


def put_changes(page: Page, target: TargetResult) -> None:
    """What is not as it was: before and after, one under the other; worse things first."""
    if not any(change.worse for change in target.changes):
        page.line(("Nothing got worse since the baseline.", GOOD))
    for change in sorted(target.changes, key=lambda change: not change.worse):
        page.line(("worse: ", BAD) if change.worse else ("changed: ", FAINT), change.title)
        page.prose(change.before, first="  - ", style=BAD)
        page.prose(change.after, first="  + ", style=GOOD)
