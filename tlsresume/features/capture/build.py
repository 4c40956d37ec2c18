"""The report out of the counts: rates, the heaviest entries of each list, findings."""

from __future__ import annotations

from tlsresume.features.capture.checks import findings
from tlsresume.features.capture.key_names import KeyUse
from tlsresume.features.capture.limits import Heaviest
from tlsresume.features.capture.report import (
    Client,
    EarlyData,
    Interval,
    KeyName,
    MechanismRow,
    ServerReport,
    Software,
    TicketKey,
)
from tlsresume.features.capture.seen import utc
from tlsresume.features.capture.tally import Counts, ServerTally, Tallies
from tlsresume.results.connection import MECHANISMS


def server_reports(tallies: Tallies, files: tuple[str, ...], top: int) -> tuple[ServerReport, ...]:
    """The servers with the most connections, at most `top` of them."""
    return tuple(_server(tally, files, tallies.width, top) for tally in tallies.tallies()[:top])


def rate(part: int, whole: int) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole > 0 else None


def _server(tally: ServerTally, files: tuple[str, ...], width: int, top: int) -> ServerReport:
    keys = tally.keys.named()
    listed_keys = sorted(
        keys.items(), key=lambda item: (-(item[1].offered + item[1].issued), item[1].first)
    )[:top]
    addresses = _heaviest(tally.addresses, top)
    clients, software = _heaviest(tally.clients, top), _heaviest(tally.software, top)
    return ServerReport(
        server=tally.server,
        sni=tally.sni,
        transport=tally.transport,
        addresses=tuple(name for name, _ in addresses),
        addresses_total=tally.addresses.total,
        addresses_dropped=tally.addresses.total - len(addresses),
        connections=tally.connections,
        handshakes=tally.handshakes,
        tls_versions=dict(sorted(tally.versions.items())),
        offered=tally.offered,
        accepted=tally.accepted,
        refused=tally.refused,
        unknown=tally.unknown,
        offers_unknown=tally.offers_unknown,
        resumption_rate=rate(tally.accepted, tally.handshakes - tally.unknown),
        acceptance_rate=rate(tally.accepted, tally.offered),
        interval_seconds=width,
        rates=_rates(tally, width),
        by_software=tuple(
            Software(
                software=name,
                connections=counts.connections,
                offered=counts.offered,
                accepted=counts.accepted,
                full=counts.full,
                came_back=counts.back,
            )
            for name, counts in software
        ),
        by_software_total=tally.software.total,
        by_software_dropped=tally.software.total - len(software),
        mechanisms=_mechanisms(tally),
        key_names=tuple(_key_name(name, use) for name, use in listed_keys),
        key_names_total=len(keys),
        key_names_dropped=len(keys) - len(listed_keys),
        ticket_keys=_ticket_keys(tally),
        tickets_not_opened=tally.not_opened,
        ticket_lifetimes=tuple(sorted(tally.lifetimes)),
        early_data=EarlyData(
            offered=tally.early["offered"],
            accepted=tally.early["accepted"],
            rejected=tally.early["rejected"],
        ),
        external_psk=tally.external_psk,
        encrypted_hello=tally.encrypted_hello,
        clients=tuple(
            Client(
                client=name,
                connections=counts.connections,
                offered=counts.offered,
                accepted=counts.accepted,
                full=counts.full,
                came_back=counts.back,
            )
            for name, counts in clients
        ),
        clients_total=tally.clients.total,
        clients_dropped=tally.clients.total - len(clients),
        findings=findings(tally, keys, files),
        not_visible=tally.sample.not_visible(),
    )


def _rates(tally: ServerTally, width: int) -> tuple[Interval, ...]:
    """Every interval from the server's first to its last, empty ones too."""
    if not tally.intervals:
        return ()
    found = []
    for start in range(min(tally.intervals), max(tally.intervals) + width, width):
        handshakes, accepted = tally.intervals.get(start, (0, 0))
        found.append(Interval(start=utc(start * 10**9), handshakes=handshakes, accepted=accepted))
    return tuple(found)


def _heaviest(counted: Heaviest[str, Counts], top: int) -> list[tuple[str, Counts]]:
    """Worst first: with the most full handshakes."""
    ranked = sorted(
        counted.items(), key=lambda item: (-item[1].full, -item[1].connections, item[0])
    )
    return ranked[:top]


def _mechanisms(tally: ServerTally) -> tuple[MechanismRow, ...]:
    return tuple(
        MechanismRow(
            mechanism=name,
            offered=counts.accepted + counts.refused,
            accepted=counts.accepted,
            refused=counts.refused,
            unknown=counts.unknown,
        )
        for name in MECHANISMS
        if (counts := tally.mechanisms[name]).offered
    )


def _key_name(name: str, use: KeyUse) -> KeyName:
    return KeyName(
        name=name,
        issued=use.issued,
        offered=use.offered,
        accepted=use.accepted,
        first=utc(use.first),
        last=utc(use.last),
    )


def _ticket_keys(tally: ServerTally) -> tuple[TicketKey, ...]:
    return tuple(
        TicketKey(
            file=place[0],
            key=place[1],
            name=place[2],
            role=use.role,
            issued=use.issued,
            offered=use.offered,
            accepted=use.accepted,
            wrong_mac=use.wrong_mac,
        )
        for place, use in sorted(tally.opened.items())
    )
