"""Evidence in words: the message and the field that show a thing. All ASCII."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tlsresume.evidence.trial import Trial
from tlsresume.units import connections, short_key

if TYPE_CHECKING:
    from tlsresume.findings.view import View

#: How many keys beside the first are told one by one.
_TALLIED = 5


def short(name: str | None, beside: Iterable[str | None] = ()) -> str:
    """The first digits of a name in hex; all of them, where another beside it begins the same."""
    return "(not visible)" if name is None else short_key(name, beside)


def exchange(view: View, attempt: Trial) -> str:
    """What one attempt offered and got: `ClientHello...; ServerHello...; NewSessionTicket...`."""
    parts = [_offer(view, attempt), _answer(attempt)]
    if attempt.tickets:
        ticket = attempt.tickets[-1].ticket
        key = view.issued_key(attempt)
        named = f", key name {short(key, view.keys)}" if key else ""
        parts.append(f"NewSessionTicket: {len(ticket)} bytes{named}")
    elif attempt.handshake_done and attempt.offered is None and view.mechanism != "session-id":
        parts.append("no NewSessionTicket")
    if attempt.error is not None:
        parts.append(failure(attempt))
    return f"#{attempt.n} " + "; ".join(part for part in parts if part)


def shown(view: View, *attempts: Trial, most: int = 3) -> tuple[str, ...]:
    """The first attempts as evidence."""
    return tuple(exchange(view, attempt) for attempt in attempts[:most])


def said(*lines: str | None) -> tuple[str, ...]:
    """The lines that there is something to say in; None are left out."""
    return tuple(line for line in lines if line is not None)


def failure(attempt: Trial) -> str:
    """Why an attempt failed, without the address, which is said once for all."""
    return "failure" if attempt.error is None else attempt.error.words


def _offer(view: View, attempt: Trial) -> str:
    if attempt.offer is None and attempt.offered is None:
        return "ClientHello: no session"
    ticket = view.offered_ticket(attempt) or b""
    key = view.offered_key(attempt)
    named = f", key name {short(key, view.keys)}" if key else ""
    return {
        "psk": f"ClientHello.pre_shared_key: 1 identity, {len(ticket)} bytes{named}",
        "ticket": f"ClientHello.session_ticket: {len(ticket)} bytes{named}",
        "session-id": "ClientHello.session_id: the saved one",
        None: "ClientHello: the session is not in it",
    }[attempt.offered]


def _answer(attempt: Trial) -> str:
    if not attempt.server_hello_seen:
        return "no ServerHello"
    certificate = "Certificate" if attempt.certificate_seen else "no Certificate"
    if attempt.offered == "psk":
        field = "pre_shared_key" if attempt.accepted else "no pre_shared_key"
        return f"ServerHello: {field}; {certificate}"
    if attempt.offered == "session-id":
        field = "the same session_id" if attempt.accepted else "another session_id"
        return f"ServerHello: {field}; {certificate}"
    if attempt.offered is None:
        return f"ServerHello; {certificate}"
    taken = "accepted" if attempt.accepted else "not accepted"
    return f"ServerHello: {taken}; {certificate}"


def tally(names: Iterable[str]) -> str:
    """`key 3f9a41c0 on 24 connections, 9a07be11 on 23`."""
    counts = Counter(names).most_common()
    first, *rest = counts
    names = [name for name, _ in counts]
    parts = [f"key {short(first[0], names)} on {connections(first[1])}"]
    parts += [f"{short(name, names)} on {count}" for name, count in rest[:_TALLIED]]
    if len(rest) > _TALLIED:
        parts.append(f"and {len(rest) - _TALLIED} more keys")
    return ", ".join(parts)


def clause(title: str) -> str:
    """A title as it stands after a colon: with a small letter, unless it is a name."""
    first = title.split(" ", 1)[0]
    return title if first[1:] != first[1:].lower() else title[:1].lower() + title[1:]
