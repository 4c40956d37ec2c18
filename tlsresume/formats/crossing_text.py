"""Who accepts whose sessions, as a small matrix; and how long sessions are honoured.

A row is where a session was issued, a column where it was offered. A matrix in
which everything was accepted is one sentence, unless the reader asks for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tlsresume.formats.page import BAD, FAINT, FAIR, GOOD, STRONG, Page, Part, cells, pad
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Crossing, LifetimeResult
from tlsresume.results.measured import AddressResult
from tlsresume.results.mechanism_words import session_words
from tlsresume.results.places import TRANSPORT_WORDS

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACES = {"address": "addresses", "node": "nodes"}

#: Offered and accepted.
Cell = tuple[int, int]
Cells = dict[tuple[str, str], Cell]
#: A matrix as it is printed: issuing and accepting place, and what stands there.
Marks = tuple[tuple[tuple[str, str], str], ...]


def put_crossings(
    page: Page, crossings: Sequence[Crossing], addresses: Sequence[AddressResult]
) -> None:
    """The matrix of each kind of place, mechanism and transport; `addresses` give the diagonal."""
    for transport in dict.fromkeys(each.transport for each in crossings):
        _put_crossings(
            page,
            [each for each in crossings if each.transport == transport],
            [each for each in addresses if each.transport == transport],
            "" if transport == "tcp" else f"{TRANSPORT_WORDS[transport]} ",
        )


def _put_crossings(
    page: Page, crossings: Sequence[Crossing], addresses: Sequence[AddressResult], over: str
) -> None:
    grids = _grids(crossings, addresses)
    order = [address.address for address in addresses]
    legend = False
    for (place, marks), mechanisms in grids.items():
        names = sorted(
            {name for pair, _ in marks for name in pair},
            key=lambda name: (order.index(name) if name in order else len(order), name),
        )
        if len(names) < 2 and not page.view.verbose:
            continue
        kinds = over + " and ".join(mechanisms)
        legend = _put_matrix(page, _PLACES[place], names, dict(marks), kinds) or legend
    if legend:
        page.prose(
            "Row: where the session was issued; column: where it was offered."
            " + accepted, - refused, k/n accepted k times of n, . not tried.",
            text_style=FAINT,
        )


def crossing_sentences(
    crossings: Sequence[Crossing], addresses: Sequence[AddressResult]
) -> Iterator[str]:
    """A sentence for each matrix: who accepts whose sessions, without the matrix."""
    for (place, marks), mechanisms in _grids(crossings, addresses).items():
        kinds = session_words(mechanisms)
        names = {name for pair, _ in marks for name in pair}
        others = [mark for (issuing, accepting), mark in marks if issuing != accepting]
        if len(names) < 2:
            continue
        if set(others) == {"+"}:
            yield f"All {len(names)} {_PLACES[place]} accept each other's {kinds}."
        elif set(others) == {"-"}:
            yield f"None of {len(names)} {_PLACES[place]} accepts another's {kinds}."
        else:
            good = others.count("+")
            yield f"Across {_PLACES[place]}, {good} of {len(others)} directions accept {kinds}."


def _grids(
    crossings: Sequence[Crossing], addresses: Sequence[AddressResult]
) -> dict[tuple[str, Marks], list[Mechanism]]:
    """The matrix of each kind of place, with the mechanisms that share it."""
    grids: dict[tuple[str, Marks], list[Mechanism]] = {}
    for by, mechanism in dict.fromkeys((each.by, each.mechanism) for each in crossings):
        own = [one for one in crossings if (one.by, one.mechanism) == (by, mechanism)]
        cells_of: Cells = {(one.issuing, one.accepting): (one.offered, one.accepted) for one in own}
        if by == "address":
            cells_of |= _diagonal(addresses, mechanism, cells_of)
        marks = tuple(sorted((pair, _mark(cell)) for pair, cell in cells_of.items()))
        grids.setdefault((by, marks), []).append(mechanism)
    return grids


def _put_matrix(
    page: Page,
    places: str,
    names: Sequence[str],
    grid: Mapping[tuple[str, str], str],
    kinds: str,
) -> bool:
    """One matrix, or the sentence that stands for it; whether a legend is needed."""
    page.line()
    whole = set(grid.values()) == {"+"} and len(grid) == len(names) ** 2
    if whole and not page.view.verbose:
        page.prose(f"All {len(names)} {places} accept each other's {kinds} sessions.")
        return False
    page.line((f"Which {places} accept whose {kinds} sessions", STRONG))
    _put_grid(page, names, grid)
    return True


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


def _put_grid(page: Page, names: Sequence[str], grid: Mapping[tuple[str, str], str]) -> None:
    marks = _marks(len(names))
    first = max(cells(name) for name in names) + len(marks[-1]) + 5
    wide = max(3, *(len(text) + 2 for text in grid.values()), len(marks[-1]) + 2)
    page.line(" " * first, *((mark.rjust(wide), FAINT) for mark in marks))
    for mark, name in zip(marks, names, strict=True):
        line: list[Part] = [(f"  {mark} ", FAINT), pad(name, first - len(mark) - 3)]
        for other in names:
            text = grid.get((name, other), ".")
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
    several = len({each.place for each in lifetimes}) > 1
    page.line()
    page.line(("How long sessions are honoured", STRONG))
    for each in lifetimes:
        place = f" on {each.place}" if several else ""
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
    return f"honours sessions for {_seconds(good).removesuffix(' s')} to {_seconds(bad)}"


def _seconds(value: float) -> str:
    """Always in seconds, as servers' settings are, so that two ages can be compared."""
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"
