"""Evidence across addresses and over time: the matrix, and how long sessions are honoured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tlsresume.diagnosis.compared import FROM
from tlsresume.diagnosis.datagrams import transport_of
from tlsresume.diagnosis.summary import counted, issued_key
from tlsresume.diagnosis.view import View
from tlsresume.results import Attempt, Crossing, LifetimeResult, Mechanism
from tlsresume.session.ticket import KeyNaming


def _offers(journal: Iterable[Attempt]) -> list[Attempt]:
    return [a for a in counted(journal) if a.experiment == "matrix" and a.offer is not None]


def crossing_view(
    journal: Sequence[Attempt], address: str, port: int, mechanism: Mechanism, naming: KeyNaming
) -> View | None:
    """What became of other addresses' sessions on this one; None if none was offered."""
    offers = [a for a in _offers(journal) if a.address == address and a.mechanism == mechanism]
    if not offers:
        return None
    full = [
        a
        for a in counted(journal)
        if a.offer is None and a.address == address and a.mechanism == mechanism
    ]
    return View(
        address=address,
        port=port,
        mechanism=mechanism,
        attempts=tuple(sorted((*full, *offers), key=lambda a: a.time)),
        naming=naming,
        crossing=True,
    )


def crossings(journal: Sequence[Attempt], naming: KeyNaming) -> tuple[Crossing, ...]:
    """Issuing against accepting address, counted; and nodes, where a header named them."""
    table: dict[tuple[str, Mechanism, str, str], list[bool]] = {}
    for attempt in _offers(journal):
        if attempt.mechanism is not None and attempt.offered is not None:
            key = ("address", attempt.mechanism, attempt.series.removeprefix(FROM),
                   attempt.address)  # fmt: skip
            table.setdefault(key, []).append(bool(attempt.reused))
    node_of = _nodes(journal, naming)
    issued_by = {t.ticket: node for a in journal if (node := node_of(a)) for t in a.tickets}
    for attempt in counted(journal):
        ticket = attempt.offer.fields.ticket if attempt.offer else None
        issuer, acceptor = issued_by.get(ticket or b""), node_of(attempt)
        if acceptor and issuer and attempt.mechanism and attempt.offered and attempt.handshake_done:
            node_key = ("node", attempt.mechanism, issuer, acceptor)
            table.setdefault(node_key, []).append(bool(attempt.reused))
    return tuple(
        Crossing(
            by="address" if by == "address" else "node",
            mechanism=mechanism,
            issuing=issuing,
            accepting=accepting,
            offered=len(results),
            accepted=sum(results),
            transport=transport_of(journal),
        )
        for (by, mechanism, issuing, accepting), results in table.items()
    )


def _nodes(journal: Sequence[Attempt], naming: KeyNaming) -> Callable[[Attempt], str | None]:
    """Which node answered: by its header, else by a key under which one node alone issues."""
    seen: dict[str, set[str]] = {}
    for attempt in journal:
        key = issued_key(attempt, naming)
        if attempt.node and key:
            seen.setdefault(key, set()).add(attempt.node)
    only = {key: nodes.pop() for key, nodes in seen.items() if len(nodes) == 1}
    return lambda attempt: attempt.node or only.get(issued_key(attempt, naming) or "")


def lifetimes(journal: Sequence[Attempt]) -> tuple[LifetimeResult, ...]:
    """The oldest session that was taken and the youngest that was refused, per address."""
    aged: dict[tuple[str, Mechanism], list[Attempt]] = {}
    for attempt in counted(journal):
        if attempt.experiment == "age" and attempt.offered and attempt.mechanism:
            aged.setdefault((attempt.address, attempt.mechanism), []).append(attempt)
    return tuple(
        _lifetime(address, mechanism, journal, attempts)
        for (address, mechanism), attempts in aged.items()
    )


def _lifetime(
    address: str, mechanism: Mechanism, journal: Sequence[Attempt], attempts: Sequence[Attempt]
) -> LifetimeResult:
    promised = next(
        (
            ticket.lifetime
            for a in journal
            if a.experiment == "age" and a.address == address and a.mechanism == mechanism
            for ticket in a.tickets
        ),
        None,
    )
    taken = [_age(a) for a in attempts if a.reused]
    refused = [_age(a) for a in attempts if not a.reused]
    return LifetimeResult(
        address=address,
        mechanism=mechanism,
        promised_s=promised,
        honoured_s=max(taken, default=None),
        refused_s=min(refused, default=None),
        raised_hint=any(promised is not None and _age(a) >= promised > 0 for a in attempts),
        transport=transport_of(attempts),
        alert_at_s=min((_age(a) for a in attempts if not a.handshake_done), default=None),
    )


def _age(attempt: Attempt) -> float:
    """The age that was aimed at, in the attempt's series: the session's own is whole seconds."""
    return float(attempt.series.removeprefix("at ").removesuffix(" s"))
