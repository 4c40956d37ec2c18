"""Findings for people: what was seen, what to do, what is not known.

What only explains normal things, and what bears on no verdict, is kept short, so
that nobody takes it for trouble. With a verbose page everything is shown, and
the messages and fields on the wire that each finding rests on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tlsresume.findings.catalogue import RULES
from tlsresume.findings.rules import CAUSES
from tlsresume.findings.wording import clause
from tlsresume.formats.page import BAD, FAINT, FAIR, STRONG, Page, cells
from tlsresume.formats.printable import printable
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding, FindingEffect
from tlsresume.results.measured import Severity

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
NOT_RESUMED = frozenset(
    rule.code for rule in RULES if rule.group in CAUSES and rule.severity != "info"
)

_SEEN_SHOWN = 8

#: Settings of more programs than that would fill a screen, and hide the rest.
_SETTINGS_SHOWN = 15


#: What a finding that does not fail the run is called.
EFFECT_WORDS: dict[FindingEffect, str] = {
    "as-demanded": "no more than what is demanded, so it does not fail",
    "ignored": "ignored, as --ignore says",
    "waived": "waived by the policy",
    "known": "known from the baseline",
}


def put_findings(
    page: Page, findings: Sequence[Finding], *, place: bool, judged: Collection[Mechanism] = ()
) -> None:
    """Every finding that this reader wants to see, each after an empty line.

    `place`: say on which address, since there are several. `judged`: the mechanisms that
    the verdict rests on.
    """
    graver = {finding.code for finding in findings if finding.severity != "info"}
    for finding in findings:
        aside = _aside(finding, judged)
        unasked = finding.code in NORMAL or (aside and finding.code in ("not-issued", *graver))
        if page.view.verbose or not unasked:
            page.line()
            put_finding(page, finding, place=place, aside=aside)


def put_finding(page: Page, finding: Finding, *, place: bool = True, aside: bool = False) -> None:
    """One finding; with a verbose page also the messages and fields that show it.

    `place`: say on which address. `aside`: it is about a mechanism that is not judged, so
    nothing needs doing, and what to do is left out.
    """
    verbose = page.view.verbose
    excuse = effect_words(finding)
    where = ", ".join(part for part in (place and finding.place, finding.mechanism) if part)
    page.prose(
        f"{finding.code}: {clause(finding.title)}{f' ({where})' if where else ''}",
        first=f"{finding.severity} ",
        style=FAINT if excuse else SEVERITY_STYLE.get(finding.severity, BAD),
    )
    if excuse:
        page.prose(excuse, first="  but:   ")
    if verbose and finding.cause:
        page.prose(finding.cause, first="  why:   ")
    shown = finding.evidence if verbose else finding.evidence[:_SEEN_SHOWN]
    _put_lines(page, "  seen:  ", shown)
    if len(shown) < len(finding.evidence):
        page.line(f"         and {len(finding.evidence) - len(shown)} more: -v shows them")
    if aside:
        page.prose(_not_judged(finding), first="  but:   ")
    if verbose or not aside:
        _put_lines(page, "  do:    ", (finding.advice,) if finding.advice else ())
        lead = "         " if finding.advice else "  do:    "
        if verbose or len(finding.directives) <= _SETTINGS_SHOWN:
            _put_items(page, lead, finding.directives)
        else:
            many = len(finding.directives)
            page.prose(f"Lines for {many} programs: tlsresume explain {finding.code}", first=lead)
    if verbose:
        _put_lines(page, "  wire:  ", finding.details, style=FAINT)
    if finding.candidates:
        page.prose("; ".join(finding.candidates), first="  also possible: ")
    _put_lines(page, "  not known: ", finding.not_known)
    page.line((f"More: tlsresume explain {finding.code}", FAINT))


def labelled(finding: Finding) -> Iterator[tuple[str, str]]:
    """The words of a finding, each line with its label: `why`, `do`, `seen`."""
    words = [("why", finding.cause), ("do", finding.advice)]
    yield from ((label, text) for label, text in words if text)
    yield from (("seen", text) for text in finding.evidence)


def effect_words(finding: Finding) -> str:
    """Why a finding that is grave enough to fail a run does not; nothing for others."""
    return EFFECT_WORDS.get(finding.effect, "") if finding.effect is not None else ""


def _aside(finding: Finding, judged: Collection[Mechanism]) -> bool:
    """Whether it is about a mechanism that is not judged."""
    if judged and (finding.mechanism is None or finding.mechanism in judged):
        return False
    return finding.severity == "info" and finding.code in NOT_RESUMED


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
