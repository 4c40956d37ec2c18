"""What became of a mechanism's sessions, in a cell or a few words, for every table.

A series is offered and accepted, and its order: a letter for each try. Where the results of one
series differ, the order stands beside the number, since it is what names a round robin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, UNSURE, Page
from tlsresume.results.measured import AddressResult, MechanismResult, Series, State
from tlsresume.units import milliseconds

STATE_STYLE: dict[State, str] = {
    "resumed": GOOD,
    "partly": FAIR,
    "not-resumed": BAD,
    "not-issued": FAIR,
    "untested": UNSURE,
}
#: What the letters of an order mean.
_LETTERS = {
    "R": "resumed",
    "N": "not resumed",
    "E": "broke off with the session",
    "C": "broke off before it",
    "-": "not offered",
    "U": "offered, unanswered when we stopped",
}
#: What became of the one session that was offered, where that is said otherwise.
_ONCE = _LETTERS | {"R": "resumed once", "U": "offered, unanswered"}
#: An order longer than this has a line of its own, where so much of it is shown.
_INLINE, _SHOWN = 10, 50


def mixed(series: Series) -> bool:
    """Whether the tries of a series ended in different ways, so that their order tells more."""
    return len(set(series.order)) > 1 or "U" in series.order


def tried(row: MechanismResult) -> bool:
    """Whether a session of the mechanism was offered, or was to be."""
    return any(series.order or series.offered for series in (row.fixed, row.chained))


def state_style(row: MechanismResult) -> str:
    """The style of a mechanism's state: faint where the verdict does not rest on it."""
    return STATE_STYLE.get(row.state, FAINT) if row.judged else FAINT


def state_words(row: MechanismResult) -> str:
    """`not issued`"""
    return row.state.replace("-", " ")


def untried_words(row: MechanismResult) -> str:
    """What is said of a mechanism that was not tried: `not issued: the server gives none`."""
    return state_words(row) + (f": {row.reason}" if row.reason else "")


def once_words(row: MechanismResult, otherwise: str) -> str:
    """What became of the one session that was offered."""
    return _ONCE.get(row.fixed.order[-1:], otherwise)


def short_words(series: Series, most: int) -> str:
    """`5/5`, or `2/5 NRNRN` with the start of the order; nothing where nothing was tried."""
    if not series.order and not series.offered:
        return ""
    order = f" {series.order[:most]}" if len(set(series.order)) > 1 else ""
    return f"{series.accepted}/{series.offered}{order}"


def cell_words(alike: Sequence[Series], asked: int = 0) -> str:
    """The same series on addresses that are alike: `5/5`; with the order where results differ
    (`2/5 NRNRN`); `0/3 of 5` where fewer tries were made than `asked` for. Over several addresses
    that differ: the sums."""
    first = alike[0]
    if not first.order and not first.offered:
        return "-"
    if len(set(alike)) > 1:
        return f"{sum(each.accepted for each in alike)}/{sum(each.offered for each in alike)}"
    text = f"{first.accepted}/{first.offered}"
    if mixed(first) and len(first.order) <= _INLINE:
        text += f" {first.order}"
    return f"{text} of {asked}" if len(first.order) < asked else text


def cell_style(alike: Sequence[Series], row: MechanismResult) -> str:
    """Green where all were accepted, faint where nothing is known."""
    rates = [each.rate for each in alike if each.rate is not None]
    if not rates:
        return FAINT
    if min(rates) == 1.0:
        return STATE_STYLE["resumed"]
    if not row.judged or row.state == "resumed":
        return ""
    return STATE_STYLE["partly" if max(rates) else "not-resumed"]


def long_orders(row: MechanismResult) -> Iterator[tuple[str, str]]:
    """Which series have an order that is too long for a cell, and its start."""
    for name, series in (("same session", row.fixed), ("fresh each time", row.chained)):
        if mixed(series) and len(series.order) > _INLINE:
            shown = series.order[:_SHOWN]
            if len(shown) < len(series.order):
                shown += f" (the first {len(shown)} of {len(series.order)})"
            yield name, shown


def put_legend(page: Page, addresses: Sequence[AddressResult]) -> None:
    """What the letters of the orders mean, where any order is shown."""
    letters = {
        letter
        for address in addresses
        for row in address.mechanisms
        for series in (row.fixed, row.chained)
        if mixed(series)
        for letter in series.order
    }
    words = [f"{letter} {word}" for letter, word in _LETTERS.items() if letter in letters]
    if words:
        page.prose(", ".join(words), first="Order: ", style=FAINT, text_style=FAINT)


def meaning(addresses: Sequence[AddressResult]) -> str:
    """The sentences under a table: one node or not, and what resumption saves."""
    words = []
    if len(addresses) == 1 and _as_one_node(addresses[0]):
        words.append("Behaves as one node from this client.")
    return " ".join([*words, *_medians(addresses)])


def _medians(addresses: Sequence[AddressResult]) -> Iterator[str]:
    """The median times of the first judged mechanism that has both, from least to most."""
    timed = []
    for address in addresses:
        rows = [row.timing for row in address.mechanisms if row.judged]
        timed += [each for each in rows if None not in (each.full_ms, each.resumed_ms)][:1]
    if timed:
        full = _span([each.full_ms or 0.0 for each in timed])
        resumed = _span([each.resumed_ms or 0.0 for each in timed])
        yield f"Median: {full} new, {resumed} resumed."


def _span(values: Sequence[float]) -> str:
    least, most = milliseconds(min(values)), milliseconds(max(values))
    return least if least == most else f"{least} to {most}"


def _as_one_node(address: AddressResult) -> bool:
    """Whether nothing that was seen of an address tells it from one server."""
    judged = [row for row in address.mechanisms if row.judged]
    # What is not judged may still show a second node: a session ID that is known at times.
    differ = any(mixed(each) for row in address.mechanisms for each in (row.fixed, row.chained))
    return bool(judged) and not differ and all(_one_key(row) for row in judged)


def _one_key(row: MechanismResult) -> bool:
    keys = row.tickets.key_names if row.tickets is not None else ()
    return row.state == "resumed" and row.fixed.rate == row.chained.rate == 1.0 and len(keys) <= 1
