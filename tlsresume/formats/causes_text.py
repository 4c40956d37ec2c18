"""Causes on the first screen: three lines each.

What it is; the evidence that decides; the one setting of the software that was recognised.
Where none was, what to do, if that fits on a line, else the command that explains it. Findings of one code
are one cause. What else is known of them is shown with `-v` and by `tlsresume explain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlsresume.diagnosis.catalogue import RULES
from tlsresume.diagnosis.rules import CAUSES
from tlsresume.diagnosis.wording import clause
from tlsresume.formats.findings import NORMAL, SEVERITY_STYLE, effect_words
from tlsresume.formats.folding_text import folded
from tlsresume.formats.page import FAINT, Page, cells
from tlsresume.formats.printable import printable
from tlsresume.formats.table_text import MECHANISM_WORDS
from tlsresume.results import AddressResult, Finding, Mechanism

#: Rows of a screen, and those of them that stand below the causes: what to type for more, the
#: last line (which may take three rows), and the shell's prompt.
SCREEN_ROWS = 24
_BELOW = 5
#: Rows of one cause; how many causes come before what may be left out, from this weight on.
_ROWS, _SURE, _WEIGHT = 3, 2, 2

_SEVERITIES = ("error", "warning", "info")
#: Causes of "not resumed" that are information only of a mechanism that is not judged.
_CAUSES = frozenset(rule.code for rule in RULES if rule.group in CAUSES and rule.severity != "info")


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings of one code and severity. `addresses` and `mechanisms` are all that they speak
    of."""

    finding: Finding
    addresses: tuple[str, ...]
    mechanisms: tuple[Mechanism, ...]

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """What sorts the gravest first."""
        found = self.finding
        harmless = found.harm != "security"
        return (not found.fails, _SEVERITIES.index(found.severity), harmless)


def causes_of(findings: Sequence[Finding]) -> list[Cause]:
    """Findings as causes, the gravest first."""
    same: dict[tuple[str, str, str | None], list[Finding]] = {}
    for finding in findings:
        same.setdefault((finding.code, finding.severity, finding.effect), []).append(finding)
    causes = [
        Cause(
            alike[0],
            tuple(dict.fromkeys(place for each in alike for place in each.addresses)),
            tuple(dict.fromkeys(name for each in alike for name in each.mechanisms)),
        )
        for alike in same.values()
    ]
    return sorted(causes, key=lambda cause: cause.rank)


def put_causes(page: Page, findings: Sequence[Finding], addresses: Sequence[AddressResult]) -> None:
    """The causes that this reader wants to see, as many as there are rows for; then what to
    type to read more."""
    judged = {row.mechanism for each in addresses for row in each.mechanisms if row.judged}
    tested = tuple(address.address for address in addresses)
    shown: list[Cause] = []
    beside: list[Cause] = []
    for cause in causes_of(findings):
        if cause.finding.code in NORMAL:
            continue
        (beside if _is_beside(cause, judged) else shown).append(cause)
    told = {cause.finding.code for cause in shown}
    beside = [c for c in beside if c.finding.code not in told | {"not-issued"}]
    rows = SCREEN_ROWS - _BELOW
    # Rows that may be left out make room for causes, up to a few.
    room = max(1, min(_SURE, (rows - page.rows_up_to(_WEIGHT) - 1) // _ROWS))
    room = max(room, (rows - page.rows - bool(beside)) // _ROWS)
    # A pipe has no last row.
    left = shown[room:] if page.view.wraps else []
    for number, cause in enumerate(shown[: len(shown) - len(left)]):
        _put_cause(page, cause, judged, tested, first=not number)
    for words, causes in ((f"and {len(left)} more: ", left), ("beside the verdict: ", beside)):
        if causes:
            codes = ", ".join(_beside_words(cause) for cause in causes)
            with page.aside(_WEIGHT if causes is beside else 0):
                page.one_line(codes, first=words, style=FAINT, text_style=FAINT)
    cut_short = page.view.wraps and page.fit(rows)
    _put_more(page, shown or beside, cut_short=cut_short)


def _put_more(page: Page, causes: Sequence[Cause], *, cut_short: bool) -> None:
    if causes:
        code = causes[0].finding.code
        page.line((f"More: tlsresume explain {code}, or -v", FAINT))
    elif cut_short:
        page.line(("More: -v", FAINT))


def _beside_words(cause: Cause) -> str:
    kinds = ", ".join(MECHANISM_WORDS[name] for name in cause.mechanisms)
    return f"{cause.finding.code} ({kinds})" if kinds else cause.finding.code


def _is_beside(cause: Cause, judged: set[Mechanism]) -> bool:
    """Whether it is only about mechanisms that the verdict does not rest on."""
    if cause.finding.severity != "info" or cause.finding.code not in _CAUSES:
        return False
    return bool(judged) and not judged & set(cause.mechanisms)


def _put_cause(
    page: Page, cause: Cause, judged: set[Mechanism], tested: tuple[str, ...], *, first: bool
) -> None:
    found = cause.finding
    excuse = effect_words(found)
    style = FAINT if excuse else SEVERITY_STYLE[found.severity]
    lead = f"{found.severity}  "
    indent = " " * len(lead)
    room = page.view.width - len(lead)
    title = f"{found.code}: {clause(found.title)}"
    for words in (_where(cause, judged, tested), excuse):
        longer = f"{title} ({words})" if words else title
        if cells(longer) <= room or words == excuse:
            title = longer
    before = page.rows
    page.prose(title, first=lead, style=style)
    left = _ROWS - (page.rows - before)
    evidence = next(iter(found.evidence), "")
    setting = one_setting(found) or _short_advice(found, room)
    # What to type to read more of the first cause stands under all.
    if not setting and not first:
        setting = f"tlsresume explain {found.code}"
    if setting:
        left -= 1
    if evidence and left:
        page.wrapped(evidence, rows=left, first=indent)
    if setting:
        page.one_line(setting, first=indent)


def one_setting(finding: Finding) -> str:
    """The setting for the software that was recognised; nothing where none was."""
    software = {line.split(" ", 1)[0] for line in finding.directives}
    return finding.directives[0] if len(software) == 1 else ""


def _short_advice(finding: Finding, room: int) -> str:
    """What to do, where that is one line."""
    return finding.advice if cells(printable(finding.advice)) <= room else ""


def _where(cause: Cause, judged: set[Mechanism], tested: tuple[str, ...]) -> str:
    """On which addresses and mechanisms, where that is not all of them."""
    parts = []
    if len(tested) > 1 and cause.addresses and set(cause.addresses) < set(tested):
        parts.append(folded(place for place in tested if place in cause.addresses))
    if cause.mechanisms and judged - set(cause.mechanisms):
        parts.append(", ".join(MECHANISM_WORDS[name] for name in cause.mechanisms))
    return "; ".join(parts)
