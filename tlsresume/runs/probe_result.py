"""What is known of a probed target, as a result: at the end of a probe, and at any moment before.

Here is what judges. A probe imports it when its first connections are on their way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tlsresume.evidence.early_data_summary import early_data
from tlsresume.evidence.states import verdict_of
from tlsresume.evidence.summary import summarise_address
from tlsresume.findings.alternatives import promises_http3
from tlsresume.findings.ticket_keys import issued_tickets, key_uses
from tlsresume.results.early_data import EarlyData
from tlsresume.results.measured import AddressResult, ErrorResult, Skipped
from tlsresume.results.report import TargetResult
from tlsresume.runs.fingerprint import fingerprint
from tlsresume.runs.first_round import ProbedAddress
from tlsresume.runs.follow_up import follow_ups
from tlsresume.runs.investigate import early_room
from tlsresume.tls.registry import ProtocolVersion

if TYPE_CHECKING:
    from tlsresume.runs.probe import Probe


def summaries(probe: Probe) -> list[AddressResult]:
    """What is known of each address that this machine can reach; as before, where nothing has
    come since."""
    known = (probe.lab.journal.revision, [(a.no_route, a.outdated) for a in probe.addresses])
    if probe.summarised is None or probe.summarised[0] != known:
        probe.summarised = known, _summaries(probe)
    return probe.summarised[1]


def _summaries(probe: Probe) -> list[AddressResult]:
    journal = probe.lab.journal
    found = []
    for address in probe.addresses:
        route = address.route
        own = journal.at(route.address)
        if own and not _without_route(probe, address):
            counting = own.since(address.outdated)
            summary = summarise_address(
                route.address, route.port, counting, own, probe.options.tries
            )
            added: dict[str, Any] = {"early_data": _early_data(probe, summary)}
            for each in follow_ups():
                added |= each.summary(own)
            found.append(replace(summary, **added))
    return found


def result_of(probe: Probe) -> TargetResult:
    """What is known now."""
    target, journal = probe.target, probe.lab.journal
    addresses = summaries(probe)
    no_route = [
        Skipped(here, "no route from this machine", "no-route", here)
        for address in probe.addresses
        if _without_route(probe, address)
        for here in (address.route.address,)
    ]
    key_names = key_uses(issued_tickets(journal), probe.options.ticket_keys, journal.naming)
    return TargetResult(
        target=target.name,
        verdict=verdict_of(addresses, incomplete=probe.left_out.incomplete or probe.interrupted),
        error=probe.error or _error_of_all(addresses),
        connections=len(journal),
        duration_ms=round(probe.duration_ms, 1),
        starttls=target.starttls,
        notes=(*target.notes, *_hints(probe)),
        skipped=(*probe.left_out.parts, *no_route),
        addresses=tuple(addresses),
        findings=probe.investigation.findings(addresses),
        crossings=probe.investigation.crossings(),
        lifetimes=probe.investigation.lifetimes(),
        ticket_keys=tuple(replace(use, transport=target.transport) for use in key_names),
        incomplete=probe.left_out.incomplete,
        interrupted=probe.interrupted,
        started=probe.started,
        finished=probe.finished,
        quick=probe.options.quick,
        fingerprint=fingerprint(target, probe.options),
        options=dict(probe.options.own_options) or None,
    )


def _hints(probe: Probe) -> tuple[str, ...]:
    """What else could be probed there."""
    if probe.target.scheme != "https" or probe.beside_quic:
        return ()
    port = promises_http3(probe.lab.journal)
    if port is None:
        return ()
    if port == probe.target.port:
        return ("the server offers HTTP/3 (Alt-Svc): --quic probes it, too",)
    return (f"the server offers HTTP/3 on port {port} (Alt-Svc): h3://HOST:{port} probes it",)


def _early_data(probe: Probe, address: AddressResult) -> EarlyData | None:
    """What was asked of early data; where tickets allow none, that is the answer. None where
    TLS 1.3 was not tested."""
    if probe.options.early_request is None or address.transport == "dtls":
        return None
    asked = ProtocolVersion.TLSv1_3 in probe.options.connect.tls
    untested = any(m.mechanism == "psk" and m.state == "untested" for m in address.mechanisms)
    told = asked and address.error is None and not untested
    found = early_data(probe.lab.journal, address.address)
    return EarlyData(max=early_room(address)) if found is None and told else found


def _without_route(probe: Probe, address: ProbedAddress) -> bool:
    """Whether an address is left out since this machine has no route to it."""
    return address.no_route and not all(other.no_route for other in probe.addresses)


def _error_of_all(addresses: Sequence[AddressResult]) -> ErrorResult | None:
    """The target's error: that of its addresses, when none could be talked to."""
    if addresses and all(address.error is not None for address in addresses):
        return addresses[0].error
    return None
