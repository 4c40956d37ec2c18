"""Early data as a table, for HTML and Markdown: a row per address, a column per question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlsresume.formats.early_data_text import REASON_WORDS
from tlsresume.results.early_data import EarlyData, EarlyOutcome, EarlyRequest
from tlsresume.results.measured import AddressResult

#: What became of early data, in a cell.
OUTCOMES: dict[EarlyOutcome, str] = {
    "accepted": "accepted",
    "rejected": "rejected",
    "full-handshake": "full handshake",
    "failed": "failed",
}

HEADS = (
    "Address", "Fresh", "Same ticket", "Exact copy", "From another address", "After a pause",
    "Before our Finished", "HTTP status", "Reason",
)  # fmt: skip


def early_rows(addresses: Sequence[AddressResult]) -> list[tuple[str, ...]]:
    """A cell for each of `HEADS`, of the addresses of which something was asked. An empty cell is
    a question that was not asked, or got no answer."""
    return [
        _row(address.place, address.early_data)
        for address in addresses
        if address.early_data is not None
    ]


def _row(place: str, early: EarlyData) -> tuple[str, ...]:
    if not early.max:
        return (place, "tickets allow none", *[""] * (len(HEADS) - 2))
    fresh = {True: "accepted", False: "rejected", None: "could not be told"}[early.accepted]
    early_answer = {True: "answered", False: "not answered", None: ""}
    reason = REASON_WORDS[early.reason] if early.reason is not None else ""
    return (
        place,
        fresh,
        _word(early.same_ticket),
        _copies(early),
        _word(early.other_address),
        ", ".join(f"{each.seconds:g} s: {_word(each.result) or '?'}" for each in early.after),
        early_answer[early.answered_before_finished],
        "" if early.status is None else str(early.status),
        f"{reason} ({early.group})" if reason and early.group else reason,
    )


def _word(outcome: EarlyOutcome | None) -> str:
    return "" if outcome is None else OUTCOMES[outcome]


def _copies(early: EarlyData) -> str:
    word = _word(early.exact_copy)
    if len(early.exact_copies) < 2 or early.exact_copy is None:
        return word
    same = early.exact_copies.count(early.exact_copy)
    return f"{word} ({same} of {len(early.exact_copies)})"


def marked_requests(addresses: Sequence[AddressResult]) -> Iterator[EarlyRequest]:
    """Every request that was sent, for comparing with the server's log."""
    for address in addresses:
        if address.early_data is not None:
            yield from address.early_data.requests
