"""Findings for people: what was seen, what to do, what is not known.

What only explains normal things, and what bears on no verdict, is kept short, so
that nobody takes it for trouble. With a verbose page everything is shown, and
the messages and fields on the wire that each finding rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.diagnosis.catalogue import RULES
from tlsresume.diagnosis.rules import CAUSES
from tlsresume.formats.page import BAD, FAINT, FAIR, STRONG, Page, cells
from tlsresume.formats.printable import printable
from tlsresume.results import Finding, Severity

SEVERITY_STYLE: dict[Severity, str] = {"error": BAD, "warning": FAIR, "info": STRONG}

#: Codes that explain what is normal, to people who ask (`-v`).
NORMAL = frozenset(
    {
        "hello-retry",
        "resumed-by-id",
        "resumption-not-verified",
        "session-id-changed",
        "ticket-renewed",
    }
)

#: Causes of "not resumed" that are information only of a mechanism that is not judged.
_CAUSES = frozenset(rule.code for rule in RULES if rule.group in CAUSES and rule.severity != "info")

_SEEN_SHOWN = 8


def put_findings(page: Page, findings: Sequence[Finding], *, place: bool) -> None:
    """Every finding that this reader wants to see, each after an empty line.

    `place`: say on which address, since there are several.
    """
    graver = {finding.code for finding in findings if finding.severity != "info"}
    for finding in findings:
        if page.view.verbose or not (_unasked(finding) or _repeats(finding, graver)):
            page.line()
            put_finding(page, finding, place=place)


def put_finding(page: Page, finding: Finding, *, place: bool = True) -> None:
    """One finding; with a verbose page also the messages and fields that show it.

    `place`: say on which address. What to do is left out where nothing needs doing.
    """
    verbose = page.view.verbose
    where = ", ".join(part for part in (place and finding.address, finding.mechanism) if part)
    page.prose(
        f"{finding.code}: {clause(finding.title)}{f' ({where})' if where else ''}",
        first=f"{finding.severity} ",
        style=SEVERITY_STYLE[finding.severity],
    )
    if verbose and finding.cause:
        page.prose(finding.cause, first="  why:   ")
    shown = finding.evidence if verbose else finding.evidence[:_SEEN_SHOWN]
    _put_lines(page, "  seen:  ", shown)
    if len(shown) < len(finding.evidence):
        page.line(f"         and {len(finding.evidence) - len(shown)} more: -v shows them")
    if _aside(finding):
        page.prose(_not_judged(finding), first="  but:   ")
    if verbose or not _aside(finding):
        _put_lines(page, "  do:    ", (finding.advice,) if finding.advice else ())
        _put_items(page, "         " if finding.advice else "  do:    ", finding.directives)
    if verbose:
        _put_lines(page, "  wire:  ", finding.details, style=FAINT)
    if finding.candidates:
        page.prose("; ".join(finding.candidates), first="  also possible: ")
    _put_lines(page, "  not known: ", finding.not_known)
    page.line((f"More: tlsresume explain {finding.code}", FAINT))


def _unasked(finding: Finding) -> bool:
    """Whether it explains what is normal, or repeats what a table's row says."""
    return finding.code in NORMAL or (finding.code == "not-issued" and _aside(finding))


def _repeats(finding: Finding, graver: set[str]) -> bool:
    return _aside(finding) and finding.code in graver


def clause(title: str) -> str:
    """A title as it stands after a colon: with a small letter, unless it is a name."""
    first = title.split(" ", 1)[0]
    return title if first[1:] != first[1:].lower() else title[:1].lower() + title[1:]


def _aside(finding: Finding) -> bool:
    """Whether it is about a mechanism that is not judged."""
    return finding.severity == "info" and finding.code in _CAUSES


def _not_judged(finding: Finding) -> str:
    if finding.mechanism == "session-id":
        return "no part of the verdict: only clients without tickets use session IDs here"
    return "no part of the verdict: an ordinary client does not depend on it here"


def _put_lines(page: Page, lead: str, lines: Sequence[str], style: str = "") -> None:
    for number, text in enumerate(lines):
        page.prose(text, first=" " * cells(lead) if number else lead, text_style=style)


def _put_items(page: Page, lead: str, items: Sequence[str]) -> None:
    """Items set apart by bars; a line is broken between two, not inside one."""
    for number, line in enumerate(_packed(items, page.view.width - cells(lead))):
        page.prose(line, first=" " * cells(lead) if number else lead)


def _packed(items: Sequence[str], width: int) -> Iterator[str]:
    line = ""
    for item in items:
        wider = f"{line} | {item}" if line else item
        if line and cells(printable(wider)) > width:
            yield line
            line = item
        else:
            line = wider
    if line:
        yield line
