"""The report, made from the ledger: tallies become values, checks and judgements are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlsresume.features.serve import checks
from tlsresume.features.serve.behaviours import State
from tlsresume.features.serve.judge import (
    decide,
    judge,
    overall_verdict,
    verdict_of,
    worst,
)
from tlsresume.features.serve.ledger import Client, Ledger, Place
from tlsresume.features.serve.results import (
    ClientResult,
    CommandResult,
    DataConnections,
    NotServed,
    OfferCount,
    Outcome,
    Range,
    ServeReport,
    ServerResult,
)
from tlsresume.features.serve.tally import Span, Tally
from tlsresume.results.connection import MECHANISMS
from tlsresume.value import row_of


def build_report(
    ledger: Ledger,
    places: Sequence[Place],
    *,
    expected: Mapping[str, State],
    commands: Mapping[str, CommandResult],
    exit_zero: bool = False,
    not_served: tuple[NotServed, ...] = (),
) -> ServeReport:
    """The report on all that the ledger holds now. `expected` and `commands` are by behaviour."""
    with ledger.changed:
        clients = ledger.clients()
        servers = tuple(
            _server(place, places, clients, expected.get(place.name), commands) for place in places
        )
    decision = decide(servers, ran=bool(commands))
    pairs = [(place.row, server) for place, server in zip(places, servers, strict=True)]
    return ServeReport(
        verdict=overall_verdict(pairs),
        exit_status=int(decision.status),
        exit_zero=exit_zero,
        why=decision.why,
        hints=decision.hints,
        servers=servers,
        not_served=not_served,
        forgotten_clients=ledger.forgotten_clients,
        forgotten_sessions=ledger.forgotten_sessions,
    )


def _server(
    place: Place,
    places: Sequence[Place],
    clients: Sequence[Client],
    state: State | None,
    commands: Mapping[str, CommandResult],
) -> ServerResult:
    here = [client for client in clients if place in client.tallies]
    results = tuple(_client(client, place, places, state, commands) for client in here)
    outcome: Outcome = "not-judged" if state is None else worst([each.outcome for each in results])
    over_quic = any(each.transport == "quic" for each in places)
    if place.transport == "tcp" and over_quic and outcome == "too-few":
        outcome = "not-judged"  # a client that uses QUIC is judged there
    return ServerResult(
        behaviour=place.name,
        transport=place.transport,
        url=place.url,
        connections=place.connections,
        expected=state,
        outcome=outcome,
        clients=results,
        command=commands.get(place.name) if place.transport == "tcp" else None,
        others=place.without_hello,
    )


def _client(
    client: Client,
    place: Place,
    places: Sequence[Place],
    state: State | None,
    commands: Mapping[str, CommandResult],
) -> ClientResult:
    tally = client.tallies[place]
    stays = {
        each.name: checks.Visits(
            row=each.row, tally=client.tallies[each], command=commands.get(each.name)
        )
        for each in places
        if each in client.tallies and each.transport == place.transport
    }
    others = [stay.tally for name, stay in stays.items() if name != place.name]
    asks_elsewhere = not any(each.handshaken for each in others) or any(
        each.asked for each in others
    )
    judgement = judge(tally, state, asks_elsewhere=asks_elsewhere)
    view = checks.View(name=place.name, label=client.label, stays=stays)
    return row_of(
        ClientResult,
        tally,
        client=client.fingerprint,
        label=client.label,
        address=client.address,
        could_offer=tally.could,
        mechanisms={
            name: OfferCount(
                offered=tally.mechanism_offered[name], accepted=tally.mechanism_accepted[name]
            )
            for name in MECHANISMS
        },
        verdict=verdict_of(tally),
        outcome=judgement.outcome,
        why=judgement.why,
        findings=checks.findings(view),
        versions=dict(tally.versions),
        early_data=OfferCount(offered=tally.early_offered, accepted=tally.early_accepted),
        age=_range(tally.age),
        claimed_age=_range(tally.claimed_age),
        names=tuple(tally.names),
        ports=tuple(tally.ports),
        closed=dict(tally.endings),
        tickets_waited_for=tally.waited,
        data=_data(tally),
    )


def _data(tally: Tally) -> DataConnections | None:
    if not tally.data_connections:
        return None
    return DataConnections(
        connections=tally.data_connections,
        could_offer=tally.data_could,
        own=tally.data_own,
        other=tally.data_other,
        accepted=tally.data_accepted,
    )


def _range(span: Span | None) -> Range | None:
    if span is None:
        return None
    return Range(least=round(span.least, 3), most=round(span.most, 3))
