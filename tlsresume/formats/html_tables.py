"""The tables of the HTML report of `probe`: addresses, crossings, keys, demands, attempts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from tlsresume.evidence.certificates import faults
from tlsresume.findings.ticket_keys import which
from tlsresume.formats.attempts import offer_words
from tlsresume.formats.checks import OUTCOME_WORDS, place
from tlsresume.formats.early_data_table import HEADS as EARLY_HEADS
from tlsresume.formats.early_data_table import early_rows, marked_requests
from tlsresume.formats.early_data_text import early_words
from tlsresume.formats.html_page import Cell, Style, Table, badge, code, lines, soft
from tlsresume.formats.series import short_words
from tlsresume.formats.ticket_text import key_words
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.judged import Change, Check, CheckOutcome, Crossing, KeyUse
from tlsresume.results.measured import AddressResult, MechanismResult, State
from tlsresume.results.mechanism_words import MECHANISM_WORDS
from tlsresume.results.places import TRANSPORT_WORDS, named_place
from tlsresume.targets.target import format_endpoint
from tlsresume.units import count, duration, milliseconds, short_key, utc

_STATE_STYLE: dict[State, Style] = {
    "resumed": "good",
    "partly": "fair",
    "not-resumed": "bad",
    "not-issued": "fair",
    "untested": "none",
}
_OUTCOME_STYLE: dict[CheckOutcome, Style] = {
    "met": "good",
    "broken": "bad",
    "waived": "none",
    "ignored": "none",
    "known": "none",
    "unreachable": "bad",
    "untestable": "fair",
    "not-checked": "none",
}
#: Demands are listed in this order.
_GRAVEST = ("broken", "unreachable", "untestable", "waived", "known", "ignored", "met")
_MOST_KEYS = 6
_MOST_ORDER = 24


def address_table(addresses: Sequence[AddressResult]) -> Table:
    """A row per address, a column per mechanism."""
    seen = {row.mechanism for address in addresses for row in address.mechanisms}
    columns = [mechanism for mechanism in MECHANISMS if mechanism in seen]
    return Table(
        heads=("Address", *(MECHANISM_WORDS[mechanism] for mechanism in columns), "Certificate"),
        rows=[tuple(_address(address, columns)) for address in addresses],
    )


def _place(address: AddressResult) -> str:
    return named_place(format_endpoint(address.address, address.port), address.transport)


def _address(address: AddressResult, columns: Sequence[Mechanism]) -> Iterator[object]:
    told: list[object] = [code(_place(address))]
    error = address.error
    if error is not None:
        told += [badge("error", "bad"), error.message]
    if address.early_data is not None:
        told.append(soft(f"early data: {early_words(address.early_data)}"))
    yield lines(*told)
    rows = {row.mechanism: row for row in address.mechanisms}
    for mechanism in columns:
        yield _mechanism(rows.get(mechanism), untested=error is not None)
    yield _certificate(address)


def _mechanism(row: MechanismResult | None, *, untested: bool) -> Cell:
    if row is None:
        return soft("not tested" if untested else "not spoken")
    told: list[object] = [
        badge(row.state, _STATE_STYLE.get(row.state, "none") if row.judged else "none")
    ]
    if row.fixed.order or row.chained.order:
        told.append(f"same session {short_words(row.fixed, _MOST_ORDER) or '-'}")
        told.append(f"fresh each time {short_words(row.chained, _MOST_ORDER) or '-'}")
    if row.reason:
        told.append(row.reason)
    return lines(*told, *(soft(note) for note in _notes(row)))


def _notes(row: MechanismResult) -> list[str]:
    notes = [] if row.judged else ["not judged"]
    tickets = row.tickets
    if tickets is not None and tickets.count:
        life = f", {duration(tickets.lifetime)}" if tickets.lifetime else ""
        notes.append(count(tickets.count, "ticket") + life)
        names = [key.key_name for key in tickets.key_names]
        notes += [
            f"ticket key {short_key(key.key_name, names)} ({count(key.connections, 'connection')})"
            for key in tickets.key_names[:_MOST_KEYS]
        ]
        if tickets.stateful:
            notes.append("stateful")
        if tickets.max_early_data:
            notes.append(f"early data {tickets.max_early_data} bytes")
    return notes


def _certificate(address: AddressResult) -> object:
    found = address.certificate
    if found is None:
        return ""
    wrong = faults(found)
    told = [badge("not verified", "fair"), wrong] if wrong else [badge("verified", "good")]
    return lines(*told, found.subject or "(no subject)", f"until {utc(found.not_after)}")


_EARLY_STYLE: dict[str, Style] = {"accepted": "fair", "answered": "fair", "failed": "bad"}


def early_table(addresses: Sequence[AddressResult]) -> Table:
    """What became of early data on each address, and of each replay of it."""
    return Table(
        heads=EARLY_HEADS,
        rows=[
            (code(address), badge(fresh, "none"), *map(_early, replays), status, reason)
            for address, fresh, *replays, status, reason in early_rows(addresses)
        ],
    )


def _early(words: str) -> object:
    """A cell of a replay: that it was accepted stands out."""
    word = words.partition(" (")[0].rpartition(": ")[2]
    return badge(words, _EARLY_STYLE.get(word, "good")) if words else soft("-")


def request_table(addresses: Sequence[AddressResult]) -> Table:
    """The marked requests, for comparing with the server's log."""
    return Table(
        heads=("Request", "First sent (UTC)", "Presented", "Answers"),
        rows=[
            (code(each.id), each.sent_at, each.presentations, ", ".join(map(str, each.answers)))
            for each in marked_requests(addresses)
        ],
        right=(2,),
    )


def crossing_tables(found: Sequence[Crossing]) -> Iterator[tuple[str, Table]]:
    """Where sessions were issued, down, and where they were accepted, across."""
    for mechanism, transport, by in product(MECHANISMS, TRANSPORT_WORDS, ("address", "node")):
        own = [
            each
            for each in found
            if (each.mechanism, each.transport, each.by) == (mechanism, transport, by)
        ]
        if own:
            over = "" if transport == "tcp" else f", {TRANSPORT_WORDS[transport]}"
            heading = f"{MECHANISM_WORDS[mechanism]}{over}: issued by one {by}, offered to another"
            yield heading, _crossing_table(own)


def _crossing_table(found: Sequence[Crossing]) -> Table:
    columns = list(dict.fromkeys(each.accepting for each in found))
    cells = {(each.issuing, each.accepting): each for each in found}
    return Table(
        heads=("Issued by", *columns),
        rows=[
            (code(row), *(_crossing(cells.get((row, column))) for column in columns))
            for row in dict.fromkeys(each.issuing for each in found)
        ],
    )


def _crossing(found: Crossing | None) -> Cell:
    if found is None or not found.offered:
        return soft("-")
    every, none = found.accepted == found.offered, not found.accepted
    style: Style = "good" if every else "bad" if none else "fair"
    return badge(f"{found.accepted}/{found.offered}", style)


def key_table(uses: Sequence[KeyUse]) -> Table:
    """Which of the given keys made the tickets: a row per address and key."""
    return Table(
        heads=("Address", "Key name", "Made by", "Tickets", "Inside"),
        rows=[
            (
                named_place(
                    format_endpoint(use.address, use.port or 0) if use.address else "",
                    use.transport,
                ),
                code(use.key_name) if use.key_name else "not visible",
                which(use),
                f"{use.tickets} ({', '.join(use.mechanisms)})",
                "; ".join(key_words(use)) if use.file is not None else "",
            )
            for use in uses
        ],
    )


def check_table(checks: Sequence[Check]) -> Table:
    """What was demanded and what came of it, the gravest first."""

    def gravity(check: Check) -> int:
        return _GRAVEST.index(check.outcome) if check.outcome in _GRAVEST else len(_GRAVEST)

    return Table(
        heads=("Demand", "Where", "Outcome", "Why"),
        rows=[
            (code(check.demand), place(check), _outcome(check), _message(check))
            for check in sorted(checks, key=gravity)
        ],
    )


def _outcome(check: Check) -> Cell:
    if check.outcome == "broken" and check.severity != "error":
        return badge(check.severity, "fair")
    return badge(
        OUTCOME_WORDS.get(check.outcome, check.outcome), _OUTCOME_STYLE.get(check.outcome, "none")
    )


def _message(check: Check) -> object:
    return lines(check.message, soft(check.source)) if check.source else check.message


def change_table(changes: Sequence[Change]) -> Table:
    """What is not as it was in the baseline."""
    return Table(
        heads=("What", "Before", "Now", "Judgement"),
        rows=[
            (
                each.title,
                each.before,
                each.after,
                badge("worse", "bad") if each.worse else badge("changed", "none"),
            )
            for each in changes
        ],
    )


def attempt_table(address: AddressResult) -> tuple[str, Table]:
    """Every attempt on an address, and a line that counts them."""
    rows = [
        (
            row.n,
            utc(row.time),
            row.local_port,
            row.mechanism,
            row.series,
            offer_words(row),
            short_key(row.key_name) if row.key_name else None,
            row.node,
            None if row.handshake_ms is None else milliseconds(row.handshake_ms),
            row.error,
        )
        for row in address.attempts
    ]
    heads = (
        "#", "Time (UTC)", "Our port", "Mechanism", "Series", "Session", "Ticket key", "Node",
        "Handshake", "Error",
    )  # fmt: skip
    words = f"{count(len(rows), 'attempt')} on {_place(address)}"
    return words, Table(heads=heads, rows=rows, right=(0, 2, 8))
