"""The table of the first screen: a row for each mechanism, for addresses that are alike.

The two columns of numbers are the two questions that tell nodes apart: is the same session
accepted again and again, and is a fresh one each time. What `-v` adds is in `address_text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.formats.early_data_text import early_words, put_early_data
from tlsresume.formats.feature_text import put_features
from tlsresume.formats.folding_text import folded, groups_of, names_of
from tlsresume.formats.page import FAINT, STRONG, Page, cells, cut, pad
from tlsresume.formats.series import (
    cell_style,
    cell_words,
    long_orders,
    meaning,
    once_words,
    put_legend,
    state_style,
    state_words,
    tried,
    untried_words,
)
from tlsresume.protocols.schemes import Transport
from tlsresume.results.measured import AddressResult, MechanismResult, QUICResult, TicketSummary
from tlsresume.results.mechanism_words import MECHANISM_WORDS, mechanism_words
from tlsresume.units import count, duration, short_key
from tlsresume.value import Value

VERSION_WORDS = {"TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}

#: What a ticket of QUIC says of early data, where it allows any (RFC 9001 section 4.6.1).
UNLIMITED = 0xFFFFFFFF

_LABEL = 20
#: With more groups of unlike addresses each gets a line instead of a table.
_TABLES = 2
_LINES = 10
_HEADS = ("same session", "fresh each time", "tickets", "lifetime", "key name")
_QUICK_HEADS = ("one session", "tickets", "lifetime", "key name")

_OBVIOUS = frozenset({"never accepted"})


def place_of(address: AddressResult) -> str:
    """An address as people are shown it."""
    return address.place


def quic_words(quic: QUICResult) -> str:
    """What QUIC has beside TLS: what a token saves, apart from the session."""
    version = f"QUIC version {quic.version}" if quic.version is not None else "QUIC"
    words = {
        (False, False): "no Retry; no token is issued",
        (False, True): "no Retry; tokens are issued",
        (True, False): "Retry on each connection: one more round trip, and no token that spares it",
        (True, True): "Retry for a new client",
    }[quic.retry, quic.token_issued]
    if quic.retry and quic.token_spares_retry is not None:
        spares = quic.token_spares_retry
        words += (
            "; 1 round trip saved / token: spares the Retry"
            if spares
            else "; token: does not spare the Retry"
        )
    return f"{version}: {words}"


def put_tables(
    page: Page, addresses: Sequence[AddressResult], target: str, *, quick: bool = False
) -> None:
    """A table for each group of addresses that are alike; a line for each where that would be
    too many. `target` is the target's name, which says the address where it is one. `quick`: each
    session was offered once only, so there are no series to show."""
    tested = [address for address in addresses if address.mechanisms]
    groups = groups_of(tested)
    if len(groups) > _TABLES:
        _put_lines(page, groups)
    else:
        for group in groups:
            named = len(addresses) > 1 or not _says(target, group[0])
            _put_table(page, group, named=named, quick=quick)
    for address in tested:
        for row in address.mechanisms:
            for name, order in long_orders(row):
                words = mechanism_words(row.mechanism, address.transport)
                with page.aside(6):
                    page.prose(order, first=f"  {words}, {name}: ")
    # Each address has early requests of its own, that are told in the same words.
    told = {
        (each.early_data and early_words(each.early_data), each.ftp_data): each
        for each in reversed(tested)
    }
    for address in reversed(told.values()):
        several = len({words for words, _ in told}) > 1
        put_early_data(page, address.early_data, address.address if several else None)
        put_features(page, address)
    _put_facts(page, tested)


def _says(target: str, address: AddressResult) -> bool:
    return target.startswith((f"{address.address}:", f"[{address.address}]"))


class _Line(Value, frozen=True):
    """A row of the table: its label, and its cells with their styles or words instead."""

    label: str
    cells: tuple[tuple[str, str], ...] = ()
    words: str = ""
    style: str = ""


def _put_table(
    page: Page, group: Sequence[AddressResult], *, named: bool, quick: bool = False
) -> None:
    transport = group[0].transport
    lines = [
        _line([address.mechanisms[at] for address in group], transport, quick=quick)
        for at in range(len(group[0].mechanisms))
    ]
    all_heads = _QUICK_HEADS if quick else _HEADS
    for version in group[0].unspoken:
        words = VERSION_WORDS.get(version, version)
        lines.append(_Line(words, words="not spoken here", style=FAINT))
    label = max(_LABEL - 2, *(len(line.label) for line in lines)) + 4
    tried = [line.cells for line in lines if line.cells]
    widths = [
        max(cells(head), *(cells(row[at][0]) for row in tried)) + 2
        for at, head in enumerate(all_heads)
    ] if tried else []  # fmt: skip
    place = folded(place_of(address) for address in group) if named else ""
    if cells(place) > label - 2:
        page.one_line(place, text_style=STRONG)
        place = ""
    heads = "".join(pad(head, wide) for head, wide in zip(all_heads, widths, strict=False))
    if place or heads:
        page.line((pad(place, label), STRONG), (heads.rstrip(), FAINT))
    for line in lines:
        lead = pad(f"  {line.label}", label)
        if not line.cells:
            page.one_line(line.words, first=lead, text_style=line.style)
            continue
        parts = [
            (pad(text, wide), style) for (text, style), wide in zip(line.cells, widths, strict=True)
        ]
        page.line(lead, *parts)
    remarks: dict[str, list[str]] = {}
    for row in group[0].mechanisms:
        name = mechanism_words(row.mechanism, transport)
        remarks.setdefault("; ".join(_remarks(row)), []).append(name)
    for words, names in remarks.items():
        if words:
            with page.aside(4):
                page.one_line(words, first=f"  {', '.join(names)}: ")


def _line(rows: Sequence[MechanismResult], transport: Transport, *, quick: bool = False) -> _Line:
    """One mechanism on addresses that are alike."""
    row = rows[0]
    label = mechanism_words(row.mechanism, transport)
    if not tried(row):
        return _Line(label, words=untried_words(row), style=state_style(row))
    both = (tuple(each.fixed for each in rows), tuple(each.chained for each in rows))
    numbers = [(cell_words(each, row.tries_asked), cell_style(each, row)) for each in both]
    if quick:
        numbers = [(once_words(row, numbers[0][0]), state_style(row))]
    tickets = [each.tickets for each in rows if each.tickets is not None and each.tickets.count]
    facts = ("", "", "")
    if tickets:
        facts = (str(tickets[0].count), _lifetime(tickets[0], row.tls_version), _keys(tickets))
    return _Line(label, cells=(*numbers, *((text, FAINT) for text in facts)))


def _lifetime(tickets: TicketSummary, tls_version: str) -> str:
    """In TLS 1.2 a hint of 0 states nothing (RFC 5077 section 3.3); in 1.3 it says
    "discard at once" (RFC 8446 section 4.6.1)."""
    if tickets.lifetime:
        return duration(tickets.lifetime)
    return "0 s" if tls_version == "TLSv1.3" else "unstated"


def _keys(tickets: Sequence[TicketSummary]) -> str:
    names = {name for each in tickets for name in names_of(each)}
    if len(names) > 1:
        return f"{len(names)} names"
    if names:
        return short_key(names.pop())
    return "stateful" if tickets[0].stateful else "not seen"


def _remarks(row: MechanismResult) -> Iterator[str]:
    """What the cells of a row do not say."""
    if not tried(row):
        return
    if row.reason is not None and row.judged and row.reason not in _OBVIOUS:
        yield row.reason
    if row.tickets is not None and row.tickets.after_data:
        yield "tickets came only after data was sent"
    if row.tickets is not None and row.tickets.max_early_data:
        amount = row.tickets.max_early_data
        yield "early data" if amount == UNLIMITED else f"early data up to {amount} bytes"
    failed = row.fixed.failed + row.chained.failed
    if failed and not row.fails_with_session:
        tries = count(len(row.fixed.order) + len(row.chained.order), "try", "tries")
        yield f"{failed} of {tries} broke off"


# ------------------------------------------------- many addresses that are not alike


def _put_lines(page: Page, groups: Sequence[Sequence[AddressResult]]) -> None:
    """A line for each group: what resumed of what was tried, by mechanism."""
    shown = groups if not page.view.wraps else groups[:_LINES]
    places = [folded(place_of(address) for address in group) for group in shown]
    wide = min(34, max(cells(place) for place in places)) + 4
    names = list(MECHANISM_WORDS)
    heads = "".join(pad(MECHANISM_WORDS[name], 16) for name in names).rstrip()
    page.line(" " * wide, (heads, FAINT))
    for place, group in zip(places, shown, strict=True):
        found = {row.mechanism: row for row in reversed(group[0].mechanisms)}
        parts = [_total(group, found.get(name)) for name in names]
        page.line(pad("  " + cut(place, wide - 4), wide), *parts)
    if len(shown) < len(groups):
        page.line((f"  and {len(groups) - len(shown)} more: -v shows them", FAINT))


def _total(group: Sequence[AddressResult], row: MechanismResult | None) -> tuple[str, str]:
    if row is None:
        return pad("-", 16), FAINT
    if not tried(row):
        return pad(state_words(row), 16), state_style(row)
    own = [each for address in group for each in address.mechanisms]
    rows = [each for each in own if each.mechanism == row.mechanism]
    accepted = sum(each.fixed.accepted + each.chained.accepted for each in rows)
    offered = sum(each.fixed.offered + each.chained.offered for each in rows)
    return pad(f"{accepted}/{offered}", 16), state_style(row)


# ------------------------------------------------------------------- under the table


def _put_facts(page: Page, addresses: Sequence[AddressResult]) -> None:
    """One node or not, what resumption saves, and what the letters mean."""
    with page.aside(7):
        if words := meaning(addresses):
            page.one_line(words, text_style=FAINT)
        for line in dict.fromkeys(quic_words(a.quic) for a in addresses if a.quic is not None):
            page.one_line(f"{line}.", text_style=FAINT)
    with page.aside(5):
        put_legend(page, addresses)
