"""Who accepts whose sessions, as a small matrix; and how long sessions are honoured.

A row is where a session was issued, a column where it was offered. A matrix in
which everything was accepted is one sentence, unless the reader asks for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, Part, cells, pad
from tlsresume.formats.units import duration
from tlsresume.results import AddressResult, Crossing, LifetimeResult, Mechanism

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACES = {"address": "addresses", "node": "nodes"}

#: Offered and accepted.
Cell = tuple[int, int]
Cells = dict[tuple[str, str], Cell]


def put_crossings(
    page: Page, crossings: Sequence[Crossing], addresses: Sequence[AddressResult]
) -> None:
    """The matrix of each kind of place and each mechanism; `addresses` give the diagonal."""
    legend = False
    kinds = dict.fromkeys((each.by, each.mechanism) for each in crossings)
    for by, mechanism in kinds:
        own = [each for each in crossings if (each.by, each.mechanism) == (by, mechanism)]
        grid: Cells = {(one.issuing, one.accepting): (one.offered, one.accepted) for one in own}
        if by == "address":
            grid |= _diagonal(addresses, mechanism, grid)
        names = list(dict.fromkeys(name for pair in grid for name in pair))
        if len(names) < 2 and not page.view.verbose:
            continue
        page.line()
        whole = all(offered == accepted for offered, accepted in grid.values())
        if whole and len(grid) == len(names) ** 2 and not page.view.verbose:
            page.prose(f"All {len(names)} {_PLACES[by]} accept each other's {mechanism} sessions.")
            continue
        page.line((f"Which {_PLACES[by]} accept whose {mechanism} sessions", STRONG))
        _put_grid(page, names, grid)
        legend = True
    if legend:
        page.prose(
            "Row: where the session was issued; column: where it was offered."
            " + accepted, - refused, k/n accepted k times of n, . not tried.",
            text_style=FAINT,
        )


def _diagonal(addresses: Iterable[AddressResult], mechanism: Mechanism, grid: Cells) -> Cells:
    """An address's own sessions: fresh ones in TLS 1.3, where a ticket is used once."""
    found: Cells = {}
    crossed = {name for pair in grid for name in pair}
    for address in addresses:
        for row in address.mechanisms:
            if row.mechanism != mechanism or address.address not in crossed:
                continue
            series = (row.chained,) if mechanism == "psk" else (row.fixed, row.chained)
            offered = sum(each.offered for each in series)
            if offered:
                accepted = sum(each.accepted for each in series)
                found[(address.address, address.address)] = (offered, accepted)
    return found


def _put_grid(page: Page, names: Sequence[str], grid: Cells) -> None:
    marks = _marks(len(names))
    first = max(cells(name) for name in names) + len(marks[-1]) + 5
    texts = {pair: _mark(cell) for pair, cell in grid.items()}
    wide = max(3, *(len(text) + 2 for text in texts.values()), len(marks[-1]) + 2)
    page.line(" " * first, *((mark.rjust(wide), FAINT) for mark in marks))
    for mark, name in zip(marks, names, strict=True):
        line: list[Part] = [(f"  {mark} ", FAINT), pad(name, first - len(mark) - 3)]
        for other in names:
            text = texts.get((name, other), ".")
            line.append((text.rjust(wide), _style(text)))
        page.line(*line)


def _marks(count: int) -> list[str]:
    """A short mark for each place: a letter, or a number where letters do not suffice."""
    if count <= len(_LETTERS):
        return list(_LETTERS[:count])
    return [str(number).rjust(len(str(count))) for number in range(1, count + 1)]


def _mark(cell: Cell) -> str:
    offered, accepted = cell
    if accepted == offered:
        return "+"
    return f"{accepted}/{offered}" if accepted else "-"


def _style(text: str) -> str:
    return {"+": GOOD, "-": BAD, ".": FAINT}.get(text, FAIR)


# ------------------------------------------------------------------- lifetimes


def put_lifetimes(page: Page, lifetimes: Sequence[LifetimeResult]) -> None:
    """A sentence on each address and mechanism whose sessions were offered at several ages."""
    if not lifetimes:
        return
    several = len({each.address for each in lifetimes}) > 1
    page.line()
    page.line(("How long sessions are honoured", STRONG))
    for each in lifetimes:
        place = f" on {each.address}" if several else ""
        page.prose("; ".join(_lifetime_words(each)), first=f"  {each.mechanism}{place}: ")


def _lifetime_words(found: LifetimeResult) -> Iterator[str]:
    promise = f"promised {_seconds(found.promised_s)}" if found.promised_s else "nothing promised"
    yield f"{_honoured(found)}, {promise}"
    if found.raised_hint:
        yield "past the promise, copies with a raised lifetime hint were offered"
    if found.alert_at_s is not None:
        yield (
            f"at {_seconds(found.alert_at_s)} the handshake fails instead of becoming a full one"
        )


def _honoured(found: LifetimeResult) -> str:
    good, bad = found.honoured_s, found.refused_s
    if good is None:
        return f"refused at {_seconds(bad or 0)}, the youngest age that was tried"
    if bad is None:
        return f"honours sessions for {_seconds(good)} at least, the oldest age that was tried"
    if bad <= good:
        return f"taken at {_seconds(good)} but refused at {_seconds(bad)}: not by age alone"
    return f"honours sessions for {_span(good, bad)}"


def _span(low: float, high: float) -> str:
    """`300 to 315 s`: the unit once, where it is the same."""
    first, last = _seconds(low), _seconds(high)
    unit = last.rpartition(" ")[2]
    if " " not in first.removesuffix(f" {unit}") and first.endswith(f" {unit}"):
        first = first.removesuffix(f" {unit}")
    return f"{first} to {last}"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 120 else duration(value)
