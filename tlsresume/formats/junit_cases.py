"""What becomes a test case: one for each demand or finding's code, mechanism and transport.

A case sums up all addresses of its target, since build servers tell cases apart by name, and
addresses change with DNS: the gravest outcome decides, and the addresses stand in its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from tlsresume.formats.findings import NORMAL, effect_words
from tlsresume.results.judged import Check, Finding
from tlsresume.results.places import named_place
from tlsresume.results.report import TargetResult
from tlsresume.value import Value

#: What JUnit makes of a case.
Kind = Literal["failure", "error", "skipped", "passed"]

#: Each outcome of a check, gravest first, and what JUnit makes of it. "warning" is a demand
#: that was broken and does not fail the run.
_KINDS: dict[str, Kind] = {
    "broken": "failure",
    "unreachable": "error",
    "warning": "skipped",
    "untestable": "skipped",
    "waived": "skipped",
    "known": "skipped",
    "ignored": "skipped",
    "met": "passed",
    "not-checked": "skipped",
}
_GRAVEST = tuple(_KINDS)


class Case(Value, frozen=True, kw_only=True):
    """A test case: `type_` is JUnit's type of a failure, `message` one sentence, `lines` the
    text below it."""

    name: str
    kind: Kind
    type_: str
    message: str
    lines: tuple[str, ...] = ()


def cases(target: TargetResult) -> Iterator[Case]:
    """The cases of a target: its checks first, then its other findings."""
    groups: dict[tuple[str, str | None, str], list[Check]] = {}
    for check in target.checks:
        groups.setdefault((check.demand, check.mechanism, check.transport), []).append(check)
    for (demand, mechanism, transport), checks in groups.items():
        yield _of_checks(target, _name(demand, mechanism, transport), checks)
    told = {check.demand for check in target.checks if check.kind == "finding"}
    found: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in target.findings:
        if finding.code not in told and finding.code not in NORMAL:
            own = (finding.code, _mechanisms(finding), finding.transport)
            found.setdefault(own, []).append(finding)
    for (code, mechanism, transport), findings in found.items():
        yield of_findings(_name(code, mechanism, transport), findings)


def of_findings(name: str, findings: Sequence[Finding]) -> Case:
    """A case for findings with one code: failing, skipped where it needs mending all the same
    or was excused, else passed."""
    first = next((f for f in findings if f.fails), findings[0])
    kind: Kind = "failure" if first.fails else "skipped"
    type_ = first.effect if first.excused and first.effect else first.severity
    excuse = effect_words(first)
    if not first.fails and not excuse and first.severity == "info":
        kind = "passed"
    message = f"{first.title}; {excuse}" if excuse else first.title
    return Case(
        name=name,
        kind=kind,
        type_="finding" if kind == "failure" else type_,
        message=message,
        lines=tuple(line for finding in findings for line in finding_lines(finding)),
    )


def _name(what: str, mechanism: str | None, transport: str) -> str:
    parts = [what]
    if mechanism and not what.startswith(f"{mechanism}=") and what != mechanism:
        parts.append(f"of {mechanism}")
    if transport != "tcp":
        parts.append(f"over {transport}")
    return " ".join(parts)


def _mechanisms(finding: Finding) -> str | None:
    return finding.mechanism or (" and ".join(finding.mechanisms) or None)


def _of_checks(target: TargetResult, name: str, checks: Sequence[Check]) -> Case:
    gravest = min((_outcome(check) for check in checks), key=_GRAVEST.index)
    telling = [check for check in checks if _outcome(check) == gravest]
    kind = _KINDS[gravest]
    message = _message(telling)
    if gravest == "warning":
        message = f"warning: {message}"
    return Case(
        name=name,
        kind=kind,
        type_=telling[0].kind if kind == "failure" else gravest,
        message=message,
        lines=tuple(_lines(target, checks, telling)) if kind in ("failure", "error") else (),
    )


def _outcome(check: Check) -> str:
    if check.outcome == "broken" and check.severity != "error":
        return "warning"
    return check.outcome if check.outcome in _KINDS else "untestable"


def _message(checks: Sequence[Check]) -> str:
    """The first message, and on how many addresses there are others."""
    first, *rest = dict.fromkeys(check.message for check in checks)
    return f"{first}; and {len(rest)} more" if rest else first


def _lines(
    target: TargetResult, checks: Sequence[Check], telling: Sequence[Check]
) -> Iterator[str]:
    """What helps to understand a failure: each address, where the demand comes from, and the
    findings about the same places."""
    for check in sorted(checks, key=lambda check: _GRAVEST.index(_outcome(check))):
        where = f"{check.place}: " if check.place else ""
        yield f"{where}{check.message}"
    for source in dict.fromkeys(check.source for check in checks if check.source):
        yield f"source: {source}"
    for finding in target.findings:
        if any(_is_about(finding, check) for check in telling):
            yield from finding_lines(finding)


def _is_about(finding: Finding, check: Check) -> bool:
    if check.kind == "finding":
        same = finding.code == check.demand
        return same and finding.place == check.place and finding.mechanism == check.mechanism
    here = check.address is None or finding.place in (None, check.place)
    return here and finding.mechanism in (None, check.mechanism)


def finding_lines(finding: Finding) -> list[str]:
    """A finding as lines of a failure's text."""
    where = ", ".join(named_place(each, finding.transport) for each in finding.every_address)
    return [
        f"{finding.severity} {finding.code}: {finding.title}{f' ({where})' if where else ''}",
        *([f"  why: {finding.cause}"] if finding.cause else []),
        *([f"  do: {finding.advice}"] if finding.advice else []),
        *(f"  seen: {each}" for each in finding.evidence),
    ]
