"""The report out of the counts: rates, the heaviest entries of each list, findings."""

from __future__ import annotations

from tlsresume.features.capture.checks import findings
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
from tlsresume.value import row_of


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
    return row_of(
        ServerReport,
        tally,
        addresses=tuple(name for name, _ in addresses),
        addresses_total=tally.addresses.total,
        addresses_dropped=tally.addresses.total - len(addresses),
        tls_versions=dict(sorted(tally.versions.items())),
        resumption_rate=rate(tally.accepted, tally.handshakes - tally.unknown),
        acceptance_rate=rate(tally.accepted, tally.offered),
        interval_seconds=width,
        rates=_rates(tally, width),
        by_software=tuple(row_of(Software, counts, software=name) for name, counts in software),
        by_software_total=tally.software.total,
        by_software_dropped=tally.software.total - len(software),
        mechanisms=tuple(
            row_of(MechanismRow, counts, mechanism=name, offered=counts.accepted + counts.refused)
            for name in MECHANISMS
            if (counts := tally.mechanisms[name]).offered
        ),
        key_names=tuple(
            row_of(KeyName, use, name=name, first=utc(use.first), last=utc(use.last))
            for name, use in listed_keys
        ),
        key_names_total=len(keys),
        key_names_dropped=len(keys) - len(listed_keys),
        ticket_keys=tuple(
            row_of(TicketKey, use, file=file, key=number, name=name)
            for (file, number, name), use in sorted(tally.opened.items())
        ),
        ticket_lifetimes=tuple(sorted(tally.lifetimes)),
        early_data=EarlyData(
            offered=tally.early["offered"],
            accepted=tally.early["accepted"],
            rejected=tally.early["rejected"],
        ),
        clients=tuple(row_of(Client, counts, client=name) for name, counts in clients),
        clients_total=tally.clients.total,
        clients_dropped=tally.clients.total - len(clients),
        findings=findings(tally, keys, files),
        demands=(),
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
