"""Count what became of sessions on other addresses, and until which age they were accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tlsresume.evidence.datagrams import transport_of
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import AGE, AtAge, FromAddress
from tlsresume.evidence.states import issued_key
from tlsresume.evidence.trial import Trial
from tlsresume.findings.view import View
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Crossing, LifetimeResult
from tlsresume.value import Value


def _offers(evidence: Evidence) -> list[Trial]:
    return [a for a in evidence.made_for(FromAddress) if a.offer is not None]


def crossing_view(evidence: Evidence, address: str, port: int, mechanism: Mechanism) -> View | None:
    """What became of other addresses' sessions on this one; None if none was offered."""
    offers = [a for a in _offers(evidence) if a.address == address and a.mechanism == mechanism]
    if not offers:
        return None
    full = [a for a in evidence.of(mechanism) if a.offer is None and a.address == address]
    return View(
        address=address,
        port=port,
        mechanism=mechanism,
        attempts=tuple(sorted((*full, *offers), key=lambda a: a.time)),
        naming=evidence.naming,
        crossing=True,
    )


def crossings(evidence: Evidence) -> tuple[Crossing, ...]:
    """Issuing against accepting address, counted; and nodes, where a header named them."""
    table: dict[tuple[str, Mechanism, str, str], list[bool]] = {}
    for attempt in _offers(evidence):
        purpose = attempt.purpose
        if (
            isinstance(purpose, FromAddress)
            and attempt.mechanism is not None
            and attempt.offered is not None
        ):
            key = ("address", attempt.mechanism, purpose.issuer, attempt.address)
            table.setdefault(key, []).append(bool(attempt.resumed))
    node_of = _nodes(evidence)
    for attempt in evidence.counted:
        origin = evidence.issuer_of(attempt.offer.ticket) if attempt.offer else None
        issuer, acceptor = origin and node_of(origin), node_of(attempt)
        if acceptor and issuer and attempt.mechanism and attempt.offered and attempt.handshake_done:
            node_key = ("node", attempt.mechanism, issuer, acceptor)
            table.setdefault(node_key, []).append(bool(attempt.resumed))
    return tuple(
        Crossing(
            by="address" if by == "address" else "node",
            mechanism=mechanism,
            issuing=issuing,
            accepting=accepting,
            offered=len(results),
            accepted=sum(results),
            transport=transport_of(evidence),
        )
        for (by, mechanism, issuing, accepting), results in table.items()
    )


def _nodes(evidence: Evidence) -> Callable[[Trial], str | None]:
    """Which node answered: by its header, else by a key under which one node alone issues."""
    naming = evidence.naming
    seen: dict[str, set[str]] = {}
    for attempt in evidence:
        key = issued_key(attempt, naming)
        if attempt.node and key:
            seen.setdefault(key, set()).add(attempt.node)
    only = {key: nodes.pop() for key, nodes in seen.items() if len(nodes) == 1}
    return lambda attempt: attempt.node or only.get(issued_key(attempt, naming) or "")


def lifetimes(evidence: Evidence) -> tuple[LifetimeResult, ...]:
    """The oldest session that was taken and the youngest that was refused, per address."""
    aged: dict[tuple[str, Mechanism], list[_Aged]] = {}
    for attempt in evidence.made_for(AtAge):
        purpose = attempt.purpose
        if isinstance(purpose, AtAge) and attempt.offered and attempt.mechanism:
            aged.setdefault((attempt.address, attempt.mechanism), []).append(
                _Aged(purpose.seconds, attempt)
            )
    return tuple(
        _lifetime(address, mechanism, evidence, offers)
        for (address, mechanism), offers in aged.items()
    )


class _Aged(Value, frozen=True):
    """An offer, and the age that was aimed at: the session's own is whole seconds."""

    age: float
    attempt: Trial


def _lifetime(
    address: str, mechanism: Mechanism, evidence: Evidence, offers: Sequence[_Aged]
) -> LifetimeResult:
    promised = next(
        (
            ticket.lifetime
            for a in evidence.at(address)
            if a.made_for(*AGE) and a.mechanism == mechanism
            for ticket in a.tickets
        ),
        None,
    )
    taken = [each.age for each in offers if each.attempt.resumed]
    refused = [each.age for each in offers if not each.attempt.resumed]
    return LifetimeResult(
        address=address,
        mechanism=mechanism,
        promised_s=promised,
        honoured_s=max(taken, default=None),
        refused_s=min(refused, default=None),
        raised_hint=any(promised is not None and each.age >= promised > 0 for each in offers),
        transport=transport_of(evidence),
        alert_at_s=min(
            (each.age for each in offers if not each.attempt.handshake_done), default=None
        ),
    )
