"""The first screen of one target: at most 24 rows of 80 columns.

From the top: the verdict; the table; what is odd about an address or the certificate; what
was left out; each cause in three lines; with demands, those that are not met. Whatever is
longer is cut, and whole with `-v`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from tlsresume.evidence.certificates import faults
from tlsresume.formats.causes_text import put_causes
from tlsresume.formats.checks import OUTCOME_WORDS, of_outcome, title
from tlsresume.formats.checks_text import put_unreachable
from tlsresume.formats.crossing_text import crossing_sentences, put_lifetimes
from tlsresume.formats.folding_text import folded, keys_sentence
from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, UNSURE, Page, cells
from tlsresume.formats.table_text import place_of, put_tables
from tlsresume.formats.ticket_text import put_key_uses
from tlsresume.formats.verdicts import flaw, headline
from tlsresume.results.judged import CheckOutcome
from tlsresume.results.measured import AddressResult, ErrorResult, Skipped, Verdict
from tlsresume.results.report import TargetResult
from tlsresume.units import count, seconds

VERDICT_STYLE: dict[Verdict, str] = {
    "resumes": GOOD,
    "partly": FAIR,
    "does-not-resume": BAD,
    "untested": UNSURE,
}
#: Rows that lists may take which have no end of their own.
_SKIPPED, _CHECKS, _CHANGES = 2, 6, 4
#: Demands that are told before anything else is.
_SURE = 2

_COUNTED: dict[CheckOutcome, str] = {
    "met": "met",
    "known": "no worse than before",
    "not-checked": "not checked",
}
_OPEN: tuple[CheckOutcome, ...] = ("broken", "untestable", "waived", "ignored")


def put_headline(page: Page, target: TargetResult) -> None:
    """The target, its verdict, and what it took to know it: one row, or two."""
    facts = (
        [count(len({each.address for each in target.addresses}), "address")]
        if target.addresses
        else []
    )
    facts += [count(target.connections, "connection"), seconds(target.duration_ms)]
    style = verdict_style(target)
    words, rest = headline(target, upper=True), ", ".join(facts)
    if cells(f"{target.target}  {words}  {rest}") <= page.view.width:
        page.line((target.target, STRONG), "  ", (words, style), "  ", (rest, FAINT))
        return
    page.line((target.target, STRONG), "  ", (words, style))
    page.line(("  " + rest, FAINT))


def verdict_style(target: TargetResult) -> str:
    """Green only where nothing about it fails."""
    return BAD if flaw(target) else VERDICT_STYLE.get(target.verdict, FAINT)


def put_screen(
    page: Page, target: TargetResult, put_asked: Callable[[], None], *, only_changes: bool = False
) -> None:
    """One target. `put_asked` adds what became of demands; with `only_changes` no more than
    that stands under the verdict."""
    put_headline(page, target)
    if only_changes:
        put_asked()
        return
    with page.aside(4):
        for note in target.notes:
            page.one_line(note, text_style=FAINT)
    if target.interrupted:
        page.line(("Interrupted: this is what was known by then.", FAIR))
    _put_errors(page, target)
    put_tables(page, target.addresses, target.target, quick=target.quick)
    if odd := keys_sentence(target.addresses):
        page.one_line(odd, text_style=FAIR)
    with page.aside(4):
        for sentence in crossing_sentences(target.crossings, target.addresses):
            page.one_line(sentence)
    with page.aside(3):
        _put_certificates(page, target.addresses)
    _put_skipped(page, target.skipped)
    put_lifetimes(page, target.lifetimes)
    put_key_uses(page, target.ticket_keys)
    put_asked()
    put_causes(page, target.findings, target.addresses, whole_screen=True)


def _put_skipped(page: Page, skipped: Sequence[Skipped]) -> None:
    """What was left out: the first is always said, and how many there are."""
    shown = skipped[:_SKIPPED] if page.view.wraps else skipped
    for number, each in enumerate(shown):
        with page.aside(3 if number else 1):
            page.one_line(f"{each.what} ({each.reason})", first="Not tested: ", style=FAIR)
    if len(shown) < len(skipped):
        with page.aside(3):
            page.line((f"            and {len(skipped) - len(shown)} more: -v shows them", FAINT))


def _put_errors(page: Page, target: TargetResult) -> None:
    """Errors of addresses, those that are the same once; then that of the target."""
    places: dict[ErrorResult, list[str]] = defaultdict(list)
    kinds: dict[tuple[str, str], ErrorResult] = {}
    for address in target.addresses:
        if address.error is not None:
            first = kinds.setdefault((address.error.kind, address.error.step), address.error)
            places[first].append(place_of(address))
    for error, where in places.items():
        alone = len(where) == 1 and where[0] in error.message
        _put_error(page, error, "" if alone else f"{folded(where)}: ")
    if target.error is not None and target.error not in places:
        _put_error(page, target.error, "")
    untested = [
        place_of(address)
        for address in target.addresses
        if address.error is None and not address.mechanisms
    ]
    if untested:
        page.one_line(f"{folded(untested)}: nothing was tested here")


def _put_error(page: Page, error: ErrorResult, where: str) -> None:
    page.prose(where + error.message, first="error: ", style=BAD)
    for hint in error.hints[:1]:
        page.prose(hint, first="hint: ", style=FAINT)


def _put_certificates(page: Page, addresses: Sequence[AddressResult]) -> None:
    """What is wrong with certificates, never part of the verdict; nothing of good ones."""
    holders: dict[tuple[str, str], list[str]] = {}
    for address in addresses:
        certificate = address.certificate
        if certificate is not None and (wrong := faults(certificate)):
            subject = certificate.subject or "(no subject)"
            holders.setdefault((subject, wrong), []).append(place_of(address))
    for (subject, wrong), where in holders.items():
        only = "" if len(where) == len(addresses) else f" [{folded(where)}]"
        page.wrapped(f"{subject}, NOT verified: {wrong}{only}", rows=2, first="Certificate: ")


# ------------------------------------------------------------------------ demands


def put_demands(page: Page, target: TargetResult) -> None:
    """Demands that are not met, a line each; those that are, counted."""
    lines = [(outcome, check) for outcome in _OPEN for check in of_outcome(target, outcome)]
    # A finding that breaks a demand was told as a cause.
    told = {finding.code for finding in target.findings}
    lines = [(o, c) for o, c in lines if c.kind != "finding" or c.demand not in told]
    shown = lines if not page.view.wraps else lines[:_CHECKS]
    for number, (outcome, check) in enumerate(shown):
        word, style = (
            OUTCOME_WORDS.get(outcome, outcome),
            UNSURE if outcome == "untestable" else FAIR,
        )
        if outcome == "broken":
            mild = check.severity != "error"
            word, style = (check.severity, FAIR) if mild else ("demand broken", BAD)
        with page.aside(2 if number >= _SURE else 0):
            page.one_line(f"{title(check)}: {check.message}", first=f"{word}: ", style=style)
    if len(shown) < len(lines):
        page.line((f"and {len(lines) - len(shown)} more: -v shows them", FAINT))
    with page.aside(4):
        put_unreachable(page, of_outcome(target, "unreachable"))
    counted = []
    for outcome, word in _COUNTED.items():
        if found := {check.demand for check in of_outcome(target, outcome)}:
            counted.append(f"{len(found)} {word}")
    if counted:
        with page.aside(5):
            page.line((f"Demands: {', '.join(counted)}", FAINT))


def put_worse(page: Page, target: TargetResult) -> None:
    """What got worse since the baseline, a line each; other changes are counted."""
    worse = [change for change in target.changes if change.worse]
    if not worse:
        page.line(("Nothing got worse since the baseline.", GOOD))
    shown = worse if not page.view.wraps else worse[:_CHANGES]
    for change in shown:
        said = f"{change.title}: {change.before} -> {change.after}"
        page.wrapped(said, rows=2, first="worse: ", style=BAD)
    left = len(target.changes) - len(shown)
    if left:
        page.line((f"{count(left, 'other change')}: -v shows them", FAINT))
