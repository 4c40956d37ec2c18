"""Findings for people: what was seen, what to do, what is not known."""

from __future__ import annotations

from tlsresume.formats.page import BAD, FAINT, FAIR, STRONG, Page
from tlsresume.results import Finding, Severity

SEVERITY_STYLE: dict[Severity, str] = {"error": BAD, "warning": FAIR, "info": STRONG}


def put_finding(page: Page, finding: Finding) -> None:
    """One finding; with a verbose page also the messages and fields that show it."""
    where = ", ".join(part for part in (finding.address, finding.mechanism) if part)
    page.prose(
        f"{finding.code}: {finding.title}{f' ({where})' if where else ''}",
        first=f"{finding.severity} ",
        style=SEVERITY_STYLE[finding.severity],
    )
    if finding.cause and finding.cause.casefold() != finding.title.casefold():
        page.prose(finding.cause, first="  why:   ")
    lines = [("  seen:  ", text) for text in finding.evidence]
    if finding.advice:
        lines.append(("  do:    ", finding.advice))
    if finding.directives:
        lead = "         " if finding.advice else "  do:    "
        lines.append((lead, " | ".join(finding.directives)))
    previous = ""
    for lead, text in lines:
        page.prose(text, first=" " * len(lead) if lead == previous else lead)
        previous = lead
    if page.view.verbose:
        for detail in finding.details:
            page.prose(detail, first="  wire:  ", text_style=FAINT)
    if finding.not_known:
        page.prose("; ".join(finding.not_known), first="  not known: ")
    if finding.candidates:
        page.prose(", ".join(finding.candidates), first="  also possible: ")
    page.line((f"More: tlsresume explain {finding.code}", FAINT))
