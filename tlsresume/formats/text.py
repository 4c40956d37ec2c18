"""The first screen of `probe`: one target, for people.

Its parts, from the top: the verdict; per address a table with a row for each
mechanism; what the numbers mean; what was left out; findings; with `-v` the
attempts. Printed per target, so that a long run shows something early.
"""

from __future__ import annotations

from tlsresume.formats.attempts import put_attempts
from tlsresume.formats.findings import put_finding
from tlsresume.formats.page import (
    BAD,
    FAINT,
    FAIR,
    GOOD,
    STRONG,
    UNSURE,
    Page,
    Part,
    View,
    cells,
    pad,
)
from tlsresume.formats.trouble import put_error
from tlsresume.formats.units import count, duration, milliseconds, seconds, short_key, utc
from tlsresume.results import (
    AddressResult,
    Certificate,
    MechanismResult,
    Report,
    Series,
    State,
    TargetResult,
    TicketSummary,
    Verdict,
    Violation,
)

VERDICT_STYLE: dict[Verdict, str] = {
    "resumes": GOOD,
    "partly": FAIR,
    "does-not-resume": BAD,
    "untested": UNSURE,
}
STATE_STYLE: dict[State, str] = {
    "resumed": GOOD,
    "partly": FAIR,
    "not-resumed": BAD,
    "not-issued": FAIR,
    "untested": UNSURE,
}
VERSION_WORDS = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
LETTERS = {
    "R": "reused",
    "N": "new",
    "E": "broke off with the session",
    "C": "broke off before it",
    "-": "not offered",
}

_LABEL_WIDTH = 22
_CELL_WIDTH = 14
#: An order of results longer than this gets a line of its own.
_ORDER_INLINE = 10
_ORDER_SHOWN = 60


def render(report: Report, view: View) -> str:
    """The targets of a report, and what broke a policy."""
    page = Page(view)
    for number, target in enumerate(report.targets):
        if number:
            page.line()
        _put_target(page, target)
        for violation in report.violations:
            if violation.target == target.target:
                _put_violation(page, violation)
    return page.render()


def summary(report: Report, view: View) -> str:
    """The last lines of a run over several targets: how many got which verdict."""
    if len(report.targets) < 2:
        return ""
    page = Page(view)
    verdicts = [target.verdict for target in report.targets]
    found = [verdict for verdict in VERDICT_STYLE if verdict in verdicts]
    page.line()
    page.line(
        (f"{len(report.targets)} targets: ", STRONG),
        ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in found),
    )
    return page.render()


def _put_target(page: Page, target: TargetResult) -> None:
    facts = [count(len(target.addresses), "address")] if target.addresses else []
    facts += [count(target.connections, "connection"), seconds(target.duration_ms)]
    page.line(
        (target.target, STRONG),
        "  ",
        (target.verdict.upper(), VERDICT_STYLE[target.verdict]),
        "  ",
        (", ".join(facts), FAINT),
    )
    if target.interrupted:
        page.line(("Interrupted: this is what was known by then.", FAIR))
    if target.error is not None and all(
        address.error != target.error for address in target.addresses
    ):
        put_error(page, target.error)
    for address in target.addresses:
        _put_address(page, address)
    _put_certificates(page, target.addresses)
    for skipped in target.skipped:
        page.prose(f"{skipped.what} ({skipped.reason})", first="Not tested: ", style=FAIR)
    for finding in target.findings:
        page.line()
        put_finding(page, finding)
    if page.view.verbose:
        for address in target.addresses:
            page.line()
            page.line((f"Attempts to {address.address}", STRONG))
            put_attempts(page, address.attempts, address.address, address.port)


def _put_violation(page: Page, violation: Violation) -> None:
    page.prose(f"{violation.demand}: {violation.message}", first="demand broken: ", style=BAD)


# ------------------------------------------------------------------ an address


def _put_address(page: Page, address: AddressResult) -> None:
    if address.error is not None:
        put_error(page, address.error, where=address.address)
    if not address.mechanisms:
        if address.error is None:
            page.line((address.address, STRONG), "  nothing was tested here")
        return
    rows = [(_cell(row.fixed), _cell(row.chained)) for row in address.mechanisms]
    first = max(_CELL_WIDTH, *(cells(fixed) + 2 for fixed, _ in rows))
    second = max(9, *(cells(chained) for _, chained in rows)) + 2
    page.line(
        (pad(address.address, _LABEL_WIDTH), STRONG),
        (pad("same session", first) + "fresh each time", FAINT),
    )
    for mechanism, (fixed, chained) in zip(address.mechanisms, rows, strict=True):
        _put_mechanism(page, mechanism, pad(fixed, first), pad(chained, second))
    for mechanism in address.mechanisms:
        _put_remarks(page, mechanism)
    _put_meaning(page, address)


def _put_mechanism(page: Page, row: MechanismResult, fixed: str, chained: str) -> None:
    label = f"  {VERSION_WORDS.get(row.tls_version, row.tls_version)} {row.mechanism}"
    notes = _notes(row)
    if row.fixed.order or row.chained.order or row.fixed.offered or row.chained.offered:
        parts: list[Part] = [
            pad(label, _LABEL_WIDTH),
            (fixed, _series_style(row.fixed, row)),
            (chained, _series_style(row.chained, row)),
        ]
    else:
        words = row.state.replace("-", " ")
        parts = [pad(label, _LABEL_WIDTH), (pad(words, len(fixed + chained)), _quiet_style(row))]
    page.line(*parts, (", ".join(notes), FAINT))


def _cell(series: Series) -> str:
    """`5/5`, or with the order of results where they differ: `2/5 NRNRN`."""
    if not series.order and not series.offered:
        return "-"
    text = f"{series.accepted}/{series.offered}"
    if _mixed(series) and len(series.order) <= _ORDER_INLINE:
        text += f" {series.order}"
    return text


def _mixed(series: Series) -> bool:
    return len(set(series.order)) > 1


def _series_style(series: Series, row: MechanismResult) -> str:
    if series.rate is None:
        return FAINT
    if series.rate == 1.0:
        return STATE_STYLE["resumed"]
    if not row.judged or row.state == "resumed":
        return ""
    return STATE_STYLE["partly" if series.accepted else "not-resumed"]


def _quiet_style(row: MechanismResult) -> str:
    return STATE_STYLE[row.state] if row.judged else FAINT


def _notes(row: MechanismResult) -> list[str]:
    tickets = row.tickets
    if tickets is None or not tickets.count:
        return []
    notes = [f"{tickets.count} tickets"] if tickets.count > 1 else []
    notes.append(_lifetime(tickets, row.tls_version))
    if len(tickets.key_names) > 1:
        notes.append(count(len(tickets.key_names), "key"))
    elif tickets.key_name is not None:
        notes.append(f"key {short_key(tickets.key_name)}")
    else:
        notes.append("stateful" if tickets.stateful else "key not visible")
    if tickets.max_early_data:
        notes.append(f"early data {tickets.max_early_data}")
    return notes


def _lifetime(tickets: TicketSummary, tls_version: str) -> str:
    """In TLS 1.2 a hint of 0 states nothing (RFC 5077 section 3.3); in 1.3 it says
    "discard at once" (RFC 8446 section 4.6.1)."""
    if tickets.lifetime:
        return duration(tickets.lifetime)
    return "lifetime 0" if tls_version == "TLSv1.3" else "lifetime not stated"


def _put_remarks(page: Page, row: MechanismResult) -> None:
    """What does not fit into the row: the reason, long orders, several keys."""
    label = f"    {row.mechanism}: "
    if row.reason is not None:
        page.prose(row.reason, first=label)
    if row.tickets is not None and row.tickets.after_data:
        page.prose("tickets came only after data was sent", first=label)
    if row.tickets is not None and len(row.tickets.key_names) > 1:
        seen = ", ".join(
            f"{short_key(key.key_name)} on {count(key.connections, 'connection')}"
            for key in row.tickets.key_names
        )
        page.prose(f"keys seen: {seen}", first=label)
    for name, series in (("same session", row.fixed), ("fresh each time", row.chained)):
        if _mixed(series) and len(series.order) > _ORDER_INLINE:
            more = len(series.order) - _ORDER_SHOWN
            shown = series.order[:_ORDER_SHOWN] + (f"... and {more} more" if more > 0 else "")
            page.prose(f"order, {name}: {shown}", first=label)
        if series.failed:
            tries = count(series.failed, "try", "tries")
            page.prose(f"{tries} broke off ({name})", first=label)


def _put_meaning(page: Page, address: AddressResult) -> None:
    """The line under the table: one node or not, and what resumption saves."""
    words = []
    judged = [row for row in address.mechanisms if row.judged]
    if judged and all(_as_one_node(row) for row in judged):
        words.append("Behaves as one node from this client.")
    timed = [
        row
        for row in judged
        if row.timing.full_ms is not None and row.timing.resumed_ms is not None
    ]
    for row in timed[:1]:
        full, resumed = row.timing.full_ms or 0.0, row.timing.resumed_ms or 0.0
        words.append(f"Median: {milliseconds(full)} new, {milliseconds(resumed)} reused.")
    if words:
        page.prose(" ".join(words))
    letters = {
        letter
        for row in address.mechanisms
        for series in (row.fixed, row.chained)
        if _mixed(series)
        for letter in series.order
    }
    if letters:
        page.line(
            (", ".join(f"{key} {word}" for key, word in LETTERS.items() if key in letters), FAINT)
        )


def _as_one_node(row: MechanismResult) -> bool:
    keys = row.tickets.key_names if row.tickets is not None else ()
    return row.state == "resumed" and row.fixed.rate == row.chained.rate == 1.0 and len(keys) <= 1


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


def certificate_words(found: Certificate) -> str:
    """A leaf certificate's subject and end, and OpenSSL's verdict on it."""
    verdict = (
        "verified"
        if found.verify_code == 0
        else f"NOT verified: {found.verify_message} (code {found.verify_code})"
    )
    return f"{found.subject or '(no subject)'}, until {utc(found.not_after)}, {verdict}"
