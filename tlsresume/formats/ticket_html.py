"""Which of the given keys made the tickets, as a part of the HTML report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tlsresume.diagnosis.ticket_keys import fleet_summary, which
from tlsresume.formats.printable import printable
from tlsresume.formats.ticket_text import key_words
from tlsresume.results import KeyUse
from tlsresume.results.places import named_place
from tlsresume.target import format_endpoint

_HEADS = ("Address", "Key name", "Made by", "Tickets", "")


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def key_uses(uses: Sequence[KeyUse]) -> Iterator[str]:
    """A sentence that sums it up, and a row per address and key."""
    if not uses:
        return
    yield "<h3>Ticket keys</h3>"
    summary = fleet_summary(uses)
    if summary is not None:
        yield f"<p>{_text(summary)}</p>"
    heads = "".join(f"<th>{name}</th>" for name in _HEADS)
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for use in uses:
        place = format_endpoint(use.address, use.port or 0) if use.address else ""
        place = named_place(place, use.transport)
        cells = (
            place,
            use.key_name or "not visible",
            which(use),
            f"{use.tickets} ({', '.join(use.mechanisms)})",
            "; ".join(key_words(use)) if use.file is not None else "",
        )
        yield "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"
