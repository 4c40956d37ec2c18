"""One address with `-v`: a table with a row for each mechanism, and all that is known of it.

The table of the first screen, which folds addresses, is in `table_text`.
"""

from __future__ import annotations

from tlsresume.formats.early_data_text import put_early_data
from tlsresume.formats.feature_text import put_features
from tlsresume.formats.page import FAINT, STRONG, Page, Part, cells, pad
from tlsresume.formats.series import (
    cell_style,
    cell_words,
    long_orders,
    meaning,
    once_words,
    state_style,
    state_words,
    tried,
    untried_words,
)
from tlsresume.formats.table_text import UNLIMITED, quic_words
from tlsresume.formats.ticket_text import put_looks_like
from tlsresume.formats.trouble import put_error
from tlsresume.protocols.schemes import Transport
from tlsresume.results.measured import AddressResult, MechanismResult, TicketSummary
from tlsresume.units import count, duration, short_key

_LABEL_WIDTH = 22
_CELL_WIDTH = 14
_KEYS_SHOWN = 6


def put_address(page: Page, address: AddressResult, *, quick: bool = False) -> None:
    """The table of one address, what it means, and what went wrong there. `quick`: sessions
    were offered once only, so there are no series to show."""
    if address.error is not None:
        put_error(page, address.error, where=address.place)
    if not address.mechanisms:
        if address.error is None:
            page.line((address.place, STRONG), "  nothing was tested here")
        return
    if quick:
        _put_quick(page, address)
        return
    rows = [(cell_words([row.fixed]), cell_words([row.chained])) for row in address.mechanisms]
    first = max(_CELL_WIDTH, *(cells(fixed) + 2 for fixed, _ in rows))
    second = max(9, *(cells(chained) for _, chained in rows)) + 2
    page.line(
        (pad(address.place, _LABEL_WIDTH), STRONG),
        (pad("same session", first) + "fresh each time", FAINT),
    )
    for mechanism, (fixed, chained) in zip(address.mechanisms, rows, strict=True):
        _put_mechanism(page, mechanism, pad(fixed, first), pad(chained, second), address.transport)
    _put_unspoken(page, address)
    for mechanism in address.mechanisms:
        _put_remarks(page, mechanism)
    put_early_data(page, address.early_data)
    put_features(page, address)
    _put_meaning(page, address)


def _put_unspoken(page: Page, address: AddressResult) -> None:
    for version in address.unspoken:
        label = f"  {version_words(version, address.transport)}"
        page.line((pad(label, _LABEL_WIDTH), FAINT), ("not spoken here", FAINT))


def _put_quick(page: Page, address: AddressResult) -> None:
    """One line for each mechanism: what became of its one session."""
    page.line((address.place, STRONG))
    for row in address.mechanisms:
        version = version_words(row.tls_version, address.transport)
        label = pad(f"  {version} {row.mechanism}", _LABEL_WIDTH)
        if not tried(row):
            page.prose(untried_words(row), first=label, text_style=state_style(row))
            continue
        words = pad(once_words(row, state_words(row)), 2 * _CELL_WIDTH)
        page.line(label, (words, state_style(row)), (", ".join(_notes(row)), FAINT))
        if row.reason is not None:
            page.prose(row.reason, first=f"    {row.mechanism}: ")
    _put_unspoken(page, address)


def version_words(tls_version: str, transport: Transport) -> str:
    """`TLS 1.3`, `DTLS 1.2`, `QUIC`: what a client speaks there."""
    return "QUIC" if transport == "quic" else tls_version.replace("TLSv", "TLS ")


def _put_mechanism(
    page: Page, row: MechanismResult, fixed: str, chained: str, transport: Transport
) -> None:
    label = f"  {version_words(row.tls_version, transport)} {row.mechanism}"
    if not tried(row):
        first = pad(label, _LABEL_WIDTH)
        page.prose(untried_words(row), first=first, text_style=state_style(row))
        return
    start: list[Part] = [
        pad(label, _LABEL_WIDTH),
        (fixed, cell_style([row.fixed], row)),
        (chained, cell_style([row.chained], row)),
    ]
    width = _LABEL_WIDTH + cells(fixed) + cells(chained)
    for line in _lines(_notes(row), page.view.width - width) or [""]:
        page.line(*start, (line, FAINT))
        start = [" " * width]


def _lines(notes: list[str], width: int) -> list[str]:
    """Notes joined by commas, in lines of a width; none is broken."""
    lines: list[str] = []
    for note in notes:
        if lines and cells(lines[-1]) + cells(note) + 2 < width:
            lines[-1] += f", {note}"
        else:
            lines = [*(f"{line}," if line is lines[-1] else line for line in lines), note]
    return lines


def _notes(row: MechanismResult) -> list[str]:
    tickets = row.tickets
    if tickets is None or not tickets.count:
        return []
    notes = [f"{tickets.count} tickets"] if tickets.count > 1 else []
    notes.append(_lifetime(tickets, row.tls_version))
    if len(tickets.key_names) > 1:
        notes.append(count(len(tickets.key_names), "key name"))
    elif tickets.key_name is not None:
        notes.append(f"key name {short_key(tickets.key_name)}")
    else:
        notes.append("stateful" if tickets.stateful else "key name not visible")
    if tickets.max_early_data:
        # RFC 9001 section 4.6.1: this number stands for "allowed" in QUIC, and is no length.
        amount = tickets.max_early_data
        notes.append("early data" if amount == UNLIMITED else f"early data {amount}")
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
    if row.reason is not None and tried(row):
        page.prose(row.reason, first=label)
    if page.view.verbose and row.state != "not-issued":
        put_looks_like(page, row.tickets, label)
    if row.tickets is not None and row.tickets.after_data:
        page.prose("tickets came only after data was sent", first=label)
    if row.tickets is not None and len(row.tickets.key_names) > 1:
        names = row.tickets.key_names
        every = [key.key_name for key in names]
        seen = [
            f"{short_key(key.key_name, every)} on {count(key.connections, 'connection')}"
            for key in (names if page.view.verbose else names[:_KEYS_SHOWN])
        ]
        if len(seen) < len(names):
            seen.append(f"and {len(names) - len(seen)} more key names (-v shows them)")
        page.prose(f"key names seen: {', '.join(seen)}", first=label)
    orders = dict(long_orders(row))
    for name, series in (("same session", row.fixed), ("fresh each time", row.chained)):
        if name in orders:
            page.prose(f"order, {name}: {orders[name]}", first=label)
        if series.failed:
            tries = count(series.failed, "try", "tries")
            page.prose(f"{tries} broke off ({name})", first=label)


def _put_meaning(page: Page, address: AddressResult) -> None:
    """The line under the table: one node or not, and what resumption saves."""
    if words := meaning([address]):
        page.prose(words)
    if address.quic is not None:
        page.prose(f"{quic_words(address.quic)}.")
    elif address.transport == "dtls" and address.retransmissions:
        page.prose(f"{count(address.retransmissions, 'retransmission')}.")
