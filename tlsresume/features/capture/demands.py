"""What is demanded of captured servers, and the exit status that follows.

A rate is judged only where most answers are visible: offers (or handshakes) with a known
outcome must outnumber those without. A server that nobody offered a session to is not
judged by its acceptance; where no server can be judged, the run is inconclusive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from tlsresume.errors import ExitStatus
from tlsresume.features.capture.report import CaptureReport, Demand, ServerReport
from tlsresume.policy.demands import Asked
from tlsresume.policy.mechanisms import is_enough
from tlsresume.policy.policy import Policy
from tlsresume.protocols.schemes import Transport
from tlsresume.results.measured import Severity


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Rates from the options, and a policy; None demands nothing."""

    min_rate: float | None = None
    min_resumption_rate: float | None = None
    policy: Policy | None = None

    @property
    def something(self) -> bool:
        """Whether anything is demanded."""
        return self.policy is not None or not (
            self.min_rate is None and self.min_resumption_rate is None
        )


def hold_against(
    report: CaptureReport, wanted: Wanted, *, exit_zero: bool, today: dt.date
) -> CaptureReport:
    """The same report with the demands on each server, the exit status and its sentence."""
    servers = tuple(
        msgspec.structs.replace(server, demands=tuple(_demands(server, wanted, today)))
        for server in report.servers
    )
    status, why = _status(servers, wanted)
    return msgspec.structs.replace(
        report, servers=servers, exit_status=int(status), exit_zero=exit_zero, why=why
    )


def _names(server: ServerReport) -> list[str]:
    """HOST:PORT, as a policy names targets, for every port of the server."""
    if server.sni is None:
        return [server.server]
    ports = dict.fromkeys(each.rpartition(":")[2] for each in server.addresses)
    return [f"{server.sni}:{port}" for port in ports]


def _demands(server: ServerReport, wanted: Wanted, today: dt.date) -> list[Demand]:
    names = _names(server)
    policy = wanted.policy
    least = _least_rate(wanted, names)
    found = []
    if least is not None and (server.offered or server.offers_unknown):
        found.append(_rate("min-rate", least, server, server.offered, server.offers_unknown))
    if wanted.min_resumption_rate is not None and server.handshakes:
        known, least = server.handshakes - server.unknown, wanted.min_resumption_rate
        found.append(_rate("min-resumption-rate", least, server, known, server.unknown))
    if policy is not None:
        found += _findings(server, policy.findings)
        found = [_waived(each, policy, names, today, server.transport) for each in found]
    return found


def _least_rate(wanted: Wanted, names: Sequence[str]) -> float | None:
    """The acceptance that is demanded of a server, by the option or by the policy."""
    if wanted.min_rate is not None or wanted.policy is None:
        return wanted.min_rate
    rates = [wanted.policy.demands_on(name).min_rate for name in names]
    return max((each for each in rates if each is not None), default=None)


def _rate(name: str, least: float, server: ServerReport, known: int, unknown: int) -> Demand:
    of = "offers" if name == "min-rate" else "handshakes"
    demand = Asked(name, f"{least:g}").text
    if known <= unknown:
        message = f"the outcome of {known} of {known + unknown} {of} is known: too few to judge"
        return Demand(demand=demand, key=name, outcome="too-few", message=message)
    found = server.accepted / known
    message = f"{server.accepted} of {known} {of} resumed: {found:.1%}"
    met = is_enough(found, least)
    return Demand(demand=demand, key=name, outcome="met" if met else "broken", message=message)


def _findings(server: ServerReport, severities: dict[str, Severity]) -> list[Demand]:
    return [
        Demand(demand=finding.code, key=finding.code, outcome="broken", message=finding.title)
        for finding in server.findings
        if severities.get(finding.code, finding.severity) == "error"
    ]


def _waived(
    demand: Demand, policy: Policy, names: Sequence[str], today: dt.date, transport: Transport
) -> Demand:
    covered = any(
        policy.waiver(today, name, demand.demand, demand.key, transport=transport) is not None
        for name in names
    )
    if demand.outcome != "broken" or not covered:
        return demand
    return msgspec.structs.replace(demand, outcome="waived")


def _status(servers: Sequence[ServerReport], wanted: Wanted) -> tuple[ExitStatus, str]:
    each = [(server, demand) for server in servers for demand in server.demands]
    broken = [(server, demand) for server, demand in each if demand.outcome == "broken"]
    few = [(server, demand) for server, demand in each if demand.outcome == "too-few"]
    if broken:
        return ExitStatus.NOT_AS_ASKED, _sentence(broken)
    if few:
        return ExitStatus.INCONCLUSIVE, _sentence(few)
    if not wanted.something:
        return ExitStatus.OK, "the captures were read; nothing was demanded"
    rates = wanted.min_resumption_rate is not None or wanted.min_rate is not None
    rates = rates or any(_least_rate(wanted, _names(server)) is not None for server in servers)
    if not each and rates:
        return ExitStatus.INCONCLUSIVE, "no server could be judged: nothing was offered to any"
    if not rates and wanted.policy is not None and not wanted.policy.findings:
        return ExitStatus.INCONCLUSIVE, "a capture tells nothing of what the policy demands"
    return ExitStatus.OK, "every demand is met"


def _sentence(found: Sequence[tuple[ServerReport, Demand]]) -> str:
    server, demand = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{server.server} ({server.transport}): {demand.demand}: {demand.message}{more}"
