"""What each limit finds on an address, or on all addresses of a target.

A function here gets the results and what is asked (of a length of time its seconds), and tells
what came of it. What begins with "min" or "require" is broken where the thing is missing; what
begins with "max" or "forbid" is met there. Rows of the table name these functions, and the command
line reads that table for its help: nothing heavy is imported before a check is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tlsresume.durations import short_duration
from tlsresume.units import count

if TYPE_CHECKING:
    from tlsresume.results.connection import Mechanism
    from tlsresume.results.early_data import EarlyData
    from tlsresume.results.judged import CheckOutcome
    from tlsresume.results.measured import AddressResult, TicketSummary
    from tlsresume.results.report import TargetResult


class Found(NamedTuple):
    """What came of a limit, in a word and in words; of one mechanism, or of none by itself."""

    outcome: CheckOutcome
    message: str
    mechanism: Mechanism | None = None


# -------------------------------------------------------------- on each address


def _tickets(address: AddressResult) -> Iterator[tuple[Mechanism, TicketSummary]]:
    for row in address.mechanisms:
        if row.tickets is not None and row.tickets.count:
            yield row.mechanism, row.tickets


def max_lifetime(address: AddressResult, most: float) -> Iterator[Found]:
    """Whether tickets live no longer than `most` seconds."""
    yield from _lifetimes(address, 0, most) or [Found("met", "no ticket is issued")]


def min_lifetime(address: AddressResult, least: float) -> Iterator[Found]:
    """Whether tickets live at least `least` seconds."""
    yield from _lifetimes(address, least) or [Found("broken", "no ticket is issued")]


def _lifetimes(address: AddressResult, least: float, most: float = float("inf")) -> list[Found]:
    found = []
    for mechanism, tickets in _tickets(address):
        if not tickets.lifetime and mechanism == "ticket":
            # RFC 5077 section 3.3: 0 leaves the lifetime unspecified.
            found.append(Found("untestable", "the server states no lifetime", mechanism))
        else:
            words = short_duration(tickets.lifetime) if tickets.lifetime else "0 s"
            met = least <= tickets.lifetime <= most
            found.append(Found("met" if met else "broken", f"tickets live {words}", mechanism))
    return found


def min_tickets(address: AddressResult, least: int) -> Iterator[Found]:
    """Whether a full handshake of TLS 1.3 brings at least so many tickets."""
    tickets = dict(_tickets(address)).get("psk")
    came = tickets.count if tickets is not None else 0
    spoken = "TLSv1.3" in address.tls_versions
    message = f"{came} per full handshake" if spoken else "TLS 1.3 is not spoken"
    yield Found("met" if came >= least else "broken", message, "psk")


def early_data(address: AddressResult, wanted: str) -> Iterator[Found]:
    """Whether tickets of TLS 1.3 allow early data: `require` or `forbid`."""
    tickets = dict(_tickets(address)).get("psk")
    size = tickets.max_early_data if tickets is not None else 0
    message = f"tickets allow {size} bytes" if size else "tickets allow none"
    if tickets is None:
        message = "no TLS 1.3 ticket is issued"
    met = bool(size) is (wanted == "require")
    yield Found("met" if met else "broken", message, "psk")


def early_data_replay(address: AddressResult, _forbid: str) -> Iterator[Found]:
    """Whether no replay of early data was accepted; what was not tested is not met."""
    outcome, message = _replays(address.early_data)
    yield Found(outcome, message, "psk")


def _replays(early: EarlyData | None) -> tuple[CheckOutcome, str]:
    from tlsresume.evidence.early_outcome import TOO_EARLY

    if early is None:
        return "untestable", "replays were not tested (--replay-early-data)"
    if early.accepted and early.status == TOO_EARLY:
        return "met", "requests in early data are answered 425: none is executed"
    if "accepted" in early.replays:
        taken = early.replays.count("accepted")
        return "broken", f"{taken} of {len(early.replays)} replays of early data were accepted"
    if not early.max:
        return "met", "tickets allow no early data"
    if early.accepted is False:
        return "met", "early data is not accepted"
    if early.exact_copy is None:
        return "untestable", "replays could not be tested"
    if "failed" in early.replays:
        return "untestable", "connections that replay early data failed"
    return "met", f"none of {len(early.replays)} replays was accepted"


def valid_certificate(address: AddressResult, _required: bool) -> Iterator[Found]:
    """Whether the certificate is trusted and for this host."""
    from tlsresume.evidence.certificates import faults

    certificate = address.certificate
    if certificate is None:
        yield Found("untestable", "no certificate was seen")
    elif wrong := faults(certificate):
        yield Found("broken", wrong)
    else:
        yield Found("met", "verified")


# ------------------------------------- on all together, of which there is one at least


def max_ticket_keys(target: TargetResult, most: int) -> Iterator[Found]:
    """Whether no more keys of tickets than this were seen over all addresses."""
    seen: set[str] = set()
    hidden: set[str] = set()
    issued = False
    for address in target.addresses:
        for _, tickets in _tickets(address):
            issued = True
            names = {key.key_name for key in tickets.key_names}
            names |= {tickets.key_name} if tickets.key_name else set()
            seen |= names
            if not names and not tickets.stateful:
                hidden.add(address.place)
    if len(seen) > most:
        keys = ", ".join(sorted(key[:8] for key in seen))
        yield Found("broken", f"{len(seen)} keys were seen: {keys}")
    elif hidden:
        yield Found("untestable", f"key names are not visible on {', '.join(sorted(hidden))}")
    elif any(address.error is not None for address in target.addresses):
        yield Found("unreachable", "not every address could be asked")
    else:
        words = f"{len(seen)} seen" if seen else "tickets have no key: they are stateful"
        yield Found("met", words if issued else "no ticket is issued")


def every_address(target: TargetResult, _required: bool) -> Iterator[Found]:
    """Whether no address of the target was left out."""
    failed = [address for address in target.addresses if address.error is not None]
    left = any(skipped.kind == "no-route" for skipped in target.skipped)
    if failed:
        yield Found("unreachable", ", ".join(address.place for address in failed))
    elif left or target.incomplete:
        words = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        yield Found("untestable", words)
    else:
        tested = {address.address for address in target.addresses}
        yield Found("met", f"{count(len(tested), 'address')} tested")
