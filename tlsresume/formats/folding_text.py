"""Addresses that behave alike, as one block; and the sentence that names the odd one.

Two addresses are alike where their mechanisms, states and kinds of tickets are the same.
Ticket key names are no part of that: who uses another key than the others is said in a
sentence. Only words and groups are made here; tables are `table_text`'s.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from ipaddress import ip_address

from tlsresume.formats.early_data_text import early_words
from tlsresume.results.measured import AddressResult, MechanismResult, TicketSummary
from tlsresume.units import short_key

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: More names than these are counted.
_NAMED = 12


def number_word(number: int) -> str:
    """`three`; from eleven on, digits."""
    return _WORDS[number] if number < len(_WORDS) else str(number)


def folded(names: Iterable[str], joiner: str = ", ") -> str:
    """Addresses in short: `127.0.0.1, .2, .3`. Each that begins as the one before it does is
    written by its last part."""
    said: list[str] = []
    before = ""
    known = list(dict.fromkeys(names))
    for name in known[:_NAMED]:
        said.append(_ending(name, before))
        before = name
    if len(known) > _NAMED:
        said.append(f"and {len(known) - _NAMED} more")
    return ", ".join(said[:-1]) + joiner + said[-1] if len(said) > 1 else "".join(said)


def _ending(name: str, before: str) -> str:
    try:
        versions = {ip_address(name).version, ip_address(before).version}
    except ValueError:
        return name
    mark = "." if versions == {4} else ":"
    start, _, last = name.rpartition(mark)
    if len(versions) > 1 or before.rpartition(mark)[0] != start or start.endswith(":"):
        return name
    return f"{mark}{last}"


def groups_of(addresses: Sequence[AddressResult]) -> list[list[AddressResult]]:
    """Addresses that are alike, in groups: the largest first, else in their order."""
    groups: dict[Hashable, list[AddressResult]] = {}
    for address in addresses:
        groups.setdefault(_alike(address), []).append(address)
    return sorted(groups.values(), key=len, reverse=True)


def _alike(address: AddressResult) -> Hashable:
    error = None if address.error is None else (address.error.kind, address.error.step)
    rows = tuple(_row_alike(row) for row in address.mechanisms)
    # Of early data the words: each address has requests of its own.
    early = None if address.early_data is None else early_words(address.early_data)
    quic = (address.transport, address.quic)
    return (rows, address.unspoken, error, address.ftp_data, early, quic)


def _row_alike(row: MechanismResult) -> Hashable:
    tickets = row.tickets
    kind = None
    if tickets is not None:
        kind = (tickets.count, tickets.lifetime, tickets.stateful, tickets.max_early_data)
    # Where a balancer stands behind an address, the order is chance.
    series = () if row.state == "partly" else (row.fixed.rate, row.chained.rate)
    # The reason why nothing was tried may name a time or a place.
    reason = row.reason if row.fixed.order or row.chained.order else None
    return (row.mechanism, row.state, row.judged, reason, kind, series)


def names_of(tickets: TicketSummary) -> list[str]:
    """The key names of a mechanism's tickets, as far as they are visible."""
    if tickets.key_names:
        return [key.key_name for key in tickets.key_names]
    return [] if tickets.key_name is None else [tickets.key_name]


def key_names(address: AddressResult) -> frozenset[str]:
    """The ticket key names that were seen at an address."""
    found: set[str] = set()
    for row in address.mechanisms:
        if row.tickets is not None:
            found.update(names_of(row.tickets))
    return frozenset(found)


def keys_sentence(addresses: Sequence[AddressResult]) -> str:
    """Which address uses another ticket key than the others; nothing where none does."""
    groups: dict[frozenset[str], list[str]] = {}
    for address in addresses:
        if names := key_names(address):
            groups.setdefault(names, []).append(address.place)
    if len(groups) < 2:
        return ""
    total = sum(map(len, groups.values()))
    apart = sum(map(len, groups)) == len(frozenset[str]().union(*groups))
    if apart and len(groups) == total:
        if total == 2:
            return f"{folded(_all(groups), ' and ')} use different ticket keys."
        return f"Each of the {number_word(total)} addresses uses a ticket key of its own."
    if apart and len(groups) == 2:
        few, many = sorted(groups.values(), key=len)
        verb = "uses" if len(few) == 1 else "use"
        others = f"the other {number_word(len(many))}"
        return f"{folded(few, ' and ')} {verb} another ticket key than {others}."
    parts = [
        f"{folded(where)} {', '.join(sorted(short_key(name) for name in names))}"
        for names, where in sorted(groups.items(), key=lambda each: -len(each[1]))
    ]
    return f"Ticket key names differ: {'; '.join(parts)}."


def _all(groups: dict[frozenset[str], list[str]]) -> list[str]:
    return [name for names in groups.values() for name in names]
