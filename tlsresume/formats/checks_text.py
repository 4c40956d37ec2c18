"""What became of demands, and what changed since a baseline, for people."""

from __future__ import annotations

from tlsresume.formats.checks import of_outcome, title
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, UNSURE, Page
from tlsresume.results.judged import Change, Check
from tlsresume.results.report import TargetResult


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
    for check in of_outcome(target, "untestable"):
        _put(page, check, "could not be tested: ", UNSURE)
    for check in of_outcome(target, "waived"):
        _put(page, check, "waived: ", FAIR)
    for check in of_outcome(target, "ignored"):
        _put(page, check, "ignored: ", FAIR)
    for check in of_outcome(target, "known"):
        _put(page, check, "no worse than before: ", FAINT)
    others = {check.demand for check in target.checks if check.outcome != "met"}
    met = dict.fromkeys(c.demand for c in of_outcome(target, "met") if c.demand not in others)
    if met:
        page.prose(", ".join(met), first="as demanded: ", style=GOOD)
    left = of_outcome(target, "not-checked")
    if left:
        page.prose(
            ", ".join(dict.fromkeys(check.demand for check in left)),
            first="not checked: ",
            style=FAINT,
        )


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
    worse = [change for change in target.changes if change.worse]
    other = [change for change in target.changes if not change.worse]
    if not worse:
        page.line(("Nothing got worse since the baseline.", GOOD))
    for change in worse:
        _put_change(page, change, "worse: ", BAD)
    for change in other:
        _put_change(page, change, "changed: ", FAINT)


def _put_change(page: Page, change: Change, first: str, style: str) -> None:
    page.line((first, style), change.title)
    page.prose(change.before, first="  - ", style=BAD)
    page.prose(change.after, first="  + ", style=GOOD)
