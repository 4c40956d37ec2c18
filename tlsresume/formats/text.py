"""The first screen of `probe`: one target, for people.

Its parts, from the top: the verdict; per address a table with a row for each
mechanism; what the numbers mean; what was left out; findings; with `-v` the
attempts. Printed per target, so that a long run shows something early. The last line of a
run decides: `OK`, or `FAIL` with the exit status and why.
"""

from __future__ import annotations

from collections import Counter

from tlsresume.formats.address_text import put_address, put_legend
from tlsresume.formats.attempts import put_attempts
from tlsresume.formats.certificates import certificate_words
from tlsresume.formats.checks_text import put_changes, put_checks
from tlsresume.formats.crossing_text import put_crossings, put_lifetimes
from tlsresume.formats.findings import put_findings
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, UNSURE, Page, View, cells
from tlsresume.formats.ticket_text import put_key_uses
from tlsresume.formats.trouble import put_error
from tlsresume.formats.units import count, seconds
from tlsresume.formats.verdicts import FLAWS, flaw, headline, last_line, verdict_words
from tlsresume.results import (
    AddressResult,
    Certificate,
    Report,
    ResumeResult,
    TargetResult,
    Verdict,
    Violation,
)

VERDICT_STYLE: dict[Verdict, str] = {
    "resumes": GOOD,
    "partly": FAIR,
    "does-not-resume": BAD,
    "untested": UNSURE,
}


def render(report: Report, view: View) -> str:
    """The targets of a report, and what broke a policy."""
    page = Page(view)
    for number, target in enumerate(report.targets):
        if number:
            page.line()
        if report.baseline is not None and not view.verbose:
            _put_headline(page, target)
            put_changes(page, target)
            put_checks(page, target)
            continue
        _put_target(page, target)
        if report.baseline is not None:
            put_changes(page, target)
        if report.policy is not None:
            if target.findings:
                page.line()
            put_checks(page, target)
            continue
        broken = [each for each in report.violations if each.target == target.target]
        if broken and target.findings:
            page.line()
        for violation in broken:
            _put_violation(page, violation)
    return page.render()


def summary(report: Report, view: View) -> str:
    """The last lines of a run: how many of several targets got which verdict, and what a
    baseline has that was left out."""
    page = Page(view)
    if report.missing:
        page.prose(
            ", ".join(report.missing), first="In the baseline, not in this run: ", style=FAIR
        )
    if len(report.targets) > 1:
        words = Counter(verdict_words(target) for target in report.targets)
        order = [f"{verdict}{more}" for verdict in VERDICT_STYLE for more in ("", *FLAWS)]
        found = [word for word in order if word in words]
        page.line()
        page.line(
            (f"{len(report.targets)} targets: ", STRONG),
            ", ".join(f"{words[word]} {word}" for word in found),
        )
        put_findings(page, report.findings, place=False)
    put_last_line(page, report)
    return page.render()


def put_last_line(page: Page, result: Report | ResumeResult) -> None:
    """Whether the run fails, and why: what its exit status says."""
    word, why = last_line(result)
    if word:
        page.prose(why, first=f"{word}: ", style=BAD if result.exit_status else GOOD)


def _put_headline(page: Page, target: TargetResult) -> None:
    facts = [count(len(target.addresses), "address")] if target.addresses else []
    facts += [count(target.connections, "connection"), seconds(target.duration_ms)]
    style = BAD if flaw(target) else VERDICT_STYLE[target.verdict]
    words, rest = headline(target, upper=True), ", ".join(facts)
    if cells(f"{target.target}  {words}  {rest}") <= page.view.width:
        page.line((target.target, STRONG), "  ", (words, style), "  ", (rest, FAINT))
        return
    page.line((target.target, STRONG), "  ", (words, style))
    page.line(("  " + rest, FAINT))


def _put_target(page: Page, target: TargetResult) -> None:
    _put_headline(page, target)
    for note in target.notes:
        page.prose(note, text_style=FAINT)
    if target.interrupted:
        page.line(("Interrupted: this is what was known by then.", FAIR))
    if target.error is not None and all(
        address.error != target.error for address in target.addresses
    ):
        put_error(page, target.error)
    for number, address in enumerate(target.addresses):
        if number:
            page.line()
        put_address(page, address, quick=target.quick)
    put_legend(page, target.addresses)
    _put_certificates(page, target.addresses)
    for skipped in target.skipped:
        page.prose(f"{skipped.what} ({skipped.reason})", first="Not tested: ", style=FAIR)
    put_crossings(page, target.crossings, target.addresses)
    put_lifetimes(page, target.lifetimes)
    rows = [row for address in target.addresses for row in address.mechanisms]
    judged = {row.mechanism for row in rows if row.judged}
    put_findings(page, target.findings, place=len(target.addresses) > 1, judged=judged)
    put_key_uses(page, target.ticket_keys)
    if page.view.verbose:
        for address in target.addresses:
            if not address.attempts:
                continue
            page.line()
            page.line((f"Attempts to {address.address}", STRONG))
            put_attempts(page, address.attempts, address.address, address.port)


def _put_violation(page: Page, violation: Violation) -> None:
    page.prose(f"{violation.demand}: {violation.message}", first="demand broken: ", style=BAD)


def _put_certificates(page: Page, addresses: tuple[AddressResult, ...]) -> None:
    """Each leaf certificate once, and OpenSSL's verdict on it; never part of the verdict."""
    holders: dict[Certificate, list[str]] = {}
    for address in addresses:
        if address.certificate is not None:
            holders.setdefault(address.certificate, []).append(address.address)
    for found, where in holders.items():
        only = "" if len(where) == len(addresses) else f" [{', '.join(where)}]"
        page.prose(
            certificate_words(found) + only,
            first="Certificate: ",
            style=FAINT,
        )
