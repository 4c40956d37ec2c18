"""Causes on the first screen: three lines each.

What it is; the evidence that decides; the one setting of the software that was recognised.
Where none was, what to do, if that fits on a line, else the command that explains it. Findings of one code
are one cause. What else is known of them is shown with `-v` and by `tlsresume explain`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.findings.catalogue import RULES
from tlsresume.findings.wording import clause
from tlsresume.formats.findings import NORMAL, NOT_RESUMED, SEVERITY_STYLE, effect_words
from tlsresume.formats.folding_text import folded
from tlsresume.formats.page import BAD, FAINT, Page, cells
from tlsresume.formats.printable import printable
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.measured import AddressResult
from tlsresume.results.mechanism_words import mechanism_words
from tlsresume.value import Value

#: Rows that a whole answer may take: a screen without what was typed and the next prompt.
ANSWER_ROWS = 22

#: Rows of a screen, and those of them that stand below the causes: what to type for more, the
#: last line (which may take three rows), and the shell's prompt.
SCREEN_ROWS = 24
_BELOW = 5
#: Rows of one cause; how many causes come before what may be left out, from this weight on.
_ROWS, _SURE, _WEIGHT = 3, 2, 2

_SEVERITIES = ("error", "warning", "info")
#: By code, what there is to set in all software.
_DIRECTIVES = {rule.code: frozenset(rule.directives) for rule in RULES}


class Cause(Value, frozen=True):
    """Findings of one code, severity and transport. `addresses` and `mechanisms` are all that they speak
    of."""

    finding: Finding
    addresses: tuple[str, ...]
    mechanisms: tuple[Mechanism, ...]

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """What sorts the gravest first."""
        found = self.finding
        # A severity that is not known here is none to make light of.
        gravity = _SEVERITIES.index(found.severity) if found.severity in _SEVERITIES else 0
        harmless = found.harm != "security"
        return (not found.fails, gravity, harmless)


def causes_of(findings: Sequence[Finding]) -> list[Cause]:
    """Findings as causes, the gravest first."""
    same: dict[tuple[str, str, str | None, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.effect, finding.transport)
        same.setdefault(key, []).append(finding)
    causes = [
        Cause(
            alike[0],
            tuple(dict.fromkeys(place for each in alike for place in each.addresses)),
            tuple(dict.fromkeys(name for each in alike for name in each.mechanisms)),
        )
        for alike in same.values()
    ]
    return sorted(causes, key=lambda cause: cause.rank)


def put_causes(
    page: Page,
    findings: Sequence[Finding],
    addresses: Sequence[AddressResult] = (),
    *,
    whole_screen: bool = False,
) -> None:
    """The causes that this reader wants to see, as many as there are rows for; then what to
    type to read more. `whole_screen`: lines above that may be left out make room for them."""
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
    cut_short = whole_screen and page.view.wraps and page.fit(rows)
    _put_more(page, shown or beside, cut_short=cut_short)


def _put_more(page: Page, causes: Sequence[Cause], *, cut_short: bool) -> None:
    if causes:
        code = causes[0].finding.code
        page.line((f"More: tlsresume explain {code}, or -v", FAINT))
    elif cut_short:
        page.line(("More: -v", FAINT))


def _beside_words(cause: Cause) -> str:
    kinds = ", ".join(mechanism_words(name, cause.finding.transport) for name in cause.mechanisms)
    return f"{cause.finding.code} ({kinds})" if kinds else cause.finding.code


def _is_beside(cause: Cause, judged: set[Mechanism]) -> bool:
    """Whether it is only about mechanisms that the verdict does not rest on."""
    if cause.finding.severity != "info" or cause.finding.code not in NOT_RESUMED:
        return False
    return bool(judged) and not judged & set(cause.mechanisms)


def _put_cause(
    page: Page, cause: Cause, judged: set[Mechanism], tested: tuple[str, ...], *, first: bool
) -> None:
    found = cause.finding
    excuse = effect_words(found)
    style = FAINT if excuse else SEVERITY_STYLE.get(found.severity, BAD)
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
    evidence = next(iter(found.evidence), "")
    # What to type to read more of the first cause stands under all.
    lines = [evidence, _what_to_do(found, room, first=first)]
    # A title of two rows leaves one more.
    for line in [line for line in lines if line][: _ROWS - (page.rows - before)]:
        page.one_line(line, first=indent)


def one_setting(finding: Finding) -> str:
    """The setting for the software that was recognised; nothing where none was, which leaves
    those of all software."""
    if not finding.directives:
        return ""
    fewer = set(finding.directives) < _DIRECTIVES.get(finding.code, frozenset())
    return finding.directives[0] if fewer or len(finding.directives) == 1 else ""


def _what_to_do(finding: Finding, room: int, *, first: bool) -> str:
    """The setting of the software that was recognised; else the advice, where it is one line;
    else where to read it."""
    if setting := one_setting(finding):
        # A setting that is no more than its name does not say what to do with it.
        short = finding.advice and cells(printable(setting)) < room // 2
        return f"{setting}: {clause(finding.advice)}" if short else setting
    if first or cells(printable(finding.advice)) <= room:
        return finding.advice
    return f"tlsresume explain {finding.code}"


def _where(cause: Cause, judged: set[Mechanism], tested: tuple[str, ...]) -> str:
    """On which addresses and mechanisms, where that is not all of them."""
    parts = []
    if len(tested) > 1 and cause.addresses and set(cause.addresses) < set(tested):
        parts.append(folded(place for place in tested if place in cause.addresses))
    if cause.mechanisms and judged - set(cause.mechanisms):
        parts.append(
            ", ".join(mechanism_words(name, cause.finding.transport) for name in cause.mechanisms)
        )
    return "; ".join(parts)
