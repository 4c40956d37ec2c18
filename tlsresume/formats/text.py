"""What `probe` prints for people.

One target has one screen (`screen_text`); many have a line each (`overview_text`). With
`-v` each target is printed whole, when it is done: per address a table and what its numbers
mean, what was left out, each finding with all its evidence, and the attempts. The last line
of a run decides: `OK`, or `FAIL` with the exit status and why.
"""

from __future__ import annotations

from tlsresume.formats.address_text import put_address
from tlsresume.formats.attempts import put_attempts
from tlsresume.formats.causes_text import put_causes
from tlsresume.formats.certificates import certificate_words
from tlsresume.formats.checks_text import put_changes, put_checks
from tlsresume.formats.crossing_text import put_crossings, put_lifetimes
from tlsresume.formats.findings import put_findings
from tlsresume.formats.overview_text import put_overview
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, View
from tlsresume.formats.screen_text import put_demands, put_headline, put_screen, put_worse
from tlsresume.formats.series import put_legend
from tlsresume.formats.ticket_text import put_key_uses
from tlsresume.formats.trouble import put_error
from tlsresume.formats.verdicts import last_line
from tlsresume.results.judged import Violation
from tlsresume.results.measured import AddressResult, Certificate
from tlsresume.results.report import Report, ResumeResult, TargetResult

#: Rows of a screen that the last line may take.
_LAST_ROWS = 3


def render(report: Report, view: View) -> str:
    """The targets of a report, and what broke a policy. Of many targets nothing, but with
    `-v`: `summary` has a line for each."""
    if view.many and not view.verbose:
        return ""
    screens = []
    for target in report.targets:
        page = Page(view)
        (_put_whole if view.verbose else _put_short)(page, report, target)
        screens.append(page.render())
    return "\n".join(screens)


def _put_short(page: Page, report: Report, target: TargetResult) -> None:
    """One screen."""
    broken = [each for each in report.violations if each.target == target.target]

    def put_asked() -> None:
        if report.baseline is not None:
            put_worse(page, target)
        if report.policy is not None or report.baseline is not None:
            put_demands(page, target)
        else:
            for violation in broken:
                _put_violation(page, violation)

    put_screen(page, target, put_asked, only_changes=report.baseline is not None)


def _put_whole(page: Page, report: Report, target: TargetResult) -> None:
    """All that is known."""
    _put_target(page, target)
    if report.baseline is not None:
        put_changes(page, target)
    if report.policy is not None or report.baseline is not None:
        if target.findings:
            page.line()
        put_checks(page, target)
        return
    broken = [each for each in report.violations if each.target == target.target]
    if broken and target.findings:
        page.line()
    for violation in broken:
        _put_violation(page, violation)


def summary(report: Report, view: View) -> str:
    """The last lines of a run: of several targets a line for each, what all show together,
    what a baseline has that was left out; and whether the run fails."""
    page = Page(view)
    many = view.many or len(report.targets) > 1
    if many:
        if view.verbose:
            page.line()
        put_overview(page, report)
    if report.missing:
        page.prose(
            ", ".join(report.missing), first="In the baseline, not in this run: ", style=FAIR
        )
    if many:
        if view.verbose:
            put_findings(page, report.findings, place=False)
        else:
            put_causes(page, report.findings)
            if not report.findings:
                page.line(("Details: -v, or one target alone", FAINT))
    put_last_line(page, report)
    return page.render()


def put_last_line(page: Page, result: Report | ResumeResult) -> None:
    """Whether the run fails, and why: what its exit status says."""
    word, why = last_line(result)
    if word:
        style = BAD if result.exit_status else GOOD
        page.wrapped(why, rows=_LAST_ROWS, first=f"{word}: ", style=style)


def _put_target(page: Page, target: TargetResult) -> None:
    put_headline(page, target)
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
            page.line((f"Attempts to {address.place}", STRONG))
            put_attempts(page, address.attempts, address.address, address.port)


def _put_violation(page: Page, violation: Violation) -> None:
    page.prose(f"{violation.demand}: {violation.message}", first="demand broken: ", style=BAD)


def _put_certificates(page: Page, addresses: tuple[AddressResult, ...]) -> None:
    """Each leaf certificate once, and OpenSSL's verdict on it; never part of the verdict."""
    holders: dict[Certificate, list[str]] = {}
    for address in addresses:
        if address.certificate is not None:
            holders.setdefault(address.certificate, []).append(address.place)
    for found, where in holders.items():
        only = "" if len(where) == len(addresses) else f" [{', '.join(where)}]"
        page.prose(
            certificate_words(found) + only,
            first="Certificate: ",
            style=FAINT,
        )
