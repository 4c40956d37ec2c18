"""Prometheus text exposition, through prometheus-client: for the textfile collector.

A series of QUIC or DTLS has a label `transport`; one of TCP has none. All are gauges, in base units (seconds, bytes, ratios), of one run. Whether the file is
still fresh is told by the collector's own node_textfile_mtime_seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tlsresume.formats.page import View
from tlsresume.formats.printable import printable_in_log
from tlsresume.formats.verdicts import VERDICTS
from tlsresume.policy.judge import ALL_TARGETS
from tlsresume.protocols.schemes import Transport
from tlsresume.results.early_data import EarlyData
from tlsresume.results.measured import AddressResult, ErrorResult, MechanismResult
from tlsresume.results.report import Report, TargetResult, Tool
from tlsresume.value import Value

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

_TARGET = ("target",)
_ADDRESS = ("target", "address")
_MECHANISM = (*_ADDRESS, "mechanism", "tls_version")


class Metric(Value, frozen=True):
    """A gauge: what it says, its labels."""

    about: str
    labels: tuple[str, ...]


METRICS: dict[str, Metric] = {
    "tlsresume_build_info": Metric(
        "The versions that made these numbers; always 1",
        ("version", "openssl", "pyopenssl"),
    ),
    "tlsresume_run_success": Metric("1 if the run came to its end, 0 if it failed", ()),
    "tlsresume_reachable": Metric("1 if every tested address could be talked to", _TARGET),
    "tlsresume_verdict": Metric("1 for the verdict on a target, 0 for the others", (*_TARGET, "verdict")),
    "tlsresume_connections": Metric("Connections that the probe of a target made", _TARGET),
    "tlsresume_probe_duration_seconds": Metric("How long the probe of a target took", _TARGET),
    "tlsresume_demands": Metric(
        "Demands on a target by what came of them", (*_TARGET, "outcome")
    ),
    "tlsresume_findings": Metric("Findings on a target by severity", (*_TARGET, "severity")),
    "tlsresume_finding": Metric(
        "1 for each finding by its code, on a target or on all targets together", ("code", "severity", *_TARGET)
    ),
    "tlsresume_address_reachable": Metric("1 if a handshake with an address succeeded", _ADDRESS),
    "tlsresume_certificate_verified": Metric(
        "1 if OpenSSL verified the certificate, host name included", _ADDRESS
    ),
    "tlsresume_certificate_expiry_timestamp_seconds": Metric(
        "When the certificate ends, in seconds since 1970", _ADDRESS
    ),
    "tlsresume_early_data_accepted": Metric(
        "1 if early data on a fresh session was accepted", _ADDRESS
    ),
    "tlsresume_early_data_replay_accepted": Metric(
        "1 if early data that was presented before was accepted; presentation is same-ticket,"
        " exact-copy, other-address or after (a pause)",
        (*_ADDRESS, "presentation"),
    ),
    "tlsresume_early_data_answered_early": Metric(
        "1 if early data was answered while our Finished was held back", _ADDRESS
    ),
    "tlsresume_judged": Metric("1 if the mechanism counts for the verdict", _MECHANISM),
    "tlsresume_resumed": Metric(
        "1 if a mechanism's sessions are resumed every time, else 0", _MECHANISM
    ),
    "tlsresume_resumption_ratio": Metric(
        "Accepted sessions per offered one; series is fixed (one session) or chained (fresh ones)",
        (*_MECHANISM, "series"),
    ),
    "tlsresume_offered_sessions": Metric("Sessions that were offered", (*_MECHANISM, "series")),
    "tlsresume_accepted_sessions": Metric("Sessions that were resumed", (*_MECHANISM, "series")),
    "tlsresume_handshake_duration_seconds": Metric(
        "Median TLS handshake time; handshake is full or resumed", (*_MECHANISM, "handshake")
    ),
    "tlsresume_tickets": Metric("Tickets per full handshake", _MECHANISM),
    "tlsresume_ticket_lifetime_seconds": Metric(
        "The lifetime that tickets state; 0 in TLS 1.2 means not stated", _MECHANISM
    ),
    "tlsresume_ticket_size_bytes": Metric("The size of a ticket", _MECHANISM),
    "tlsresume_ticket_keys": Metric("Different ticket keys that were seen", _MECHANISM),
    "tlsresume_max_early_data_bytes": Metric("Early data that a ticket allows", _MECHANISM),
}  # fmt: skip


class Gauges:
    """The gauges of one report. A family may have series with one label more than others,
    which is why these are no Gauges of prometheus-client's, but samples for its writer.

    `every`: families without a series are told of, too.
    """

    def __init__(self, metrics: Mapping[str, Metric], *, every: bool = False) -> None:
        self._metrics = metrics
        self._values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        if every:
            self._values.update((name, {}) for name in metrics)

    def set(self, name: str, value: float, *labels: str, transport: Transport = "tcp") -> None:
        """Set one series; TCP is what has no label `transport`."""
        named = [*zip(self._metrics[name].labels, labels, strict=True)]
        if transport != "tcp":
            named.append(("transport", transport))
        shown = tuple((label, printable_in_log(text)) for label, text in named)
        self._values.setdefault(name, {})[shown] = value

    def collect(self) -> Iterator[Family]:
        """All families, as a collector of prometheus-client gives them."""
        from prometheus_client.core import Metric as Family

        for name, series in self._values.items():
            family = Family(name, self._metrics[name].about, "gauge")
            for labels, value in series.items():
                family.add_sample(name, dict(labels), value)
            yield family

    def text(self) -> str:
        """The exposition format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        data: bytes = generate_latest(registry)
        return data.decode("utf-8")


def render(report: Report, _view: View) -> str:
    """The numbers of a run."""
    gauges = Gauges(METRICS)
    _tool(gauges, report.tool)
    gauges.set("tlsresume_run_success", 1)
    for target in report.targets:
        _target(gauges, target)
    for finding in report.findings:
        gauges.set("tlsresume_finding", 1, finding.code, finding.severity, ALL_TARGETS)
    return gauges.text()


def failure(tool: Tool, _error: ErrorResult) -> str:
    """A run that failed: no number but that."""
    gauges = Gauges(METRICS)
    _tool(gauges, tool)
    gauges.set("tlsresume_run_success", 0)
    return gauges.text()


def _tool(gauges: Gauges, tool: Tool) -> None:
    gauges.set("tlsresume_build_info", 1, tool.version, tool.openssl, tool.pyopenssl)


def _target(gauges: Gauges, target: TargetResult) -> None:
    name = target.target
    reached = target.error is None and all(address.error is None for address in target.addresses)
    gauges.set("tlsresume_reachable", int(reached and bool(target.addresses)), name)
    for verdict in VERDICTS:
        gauges.set("tlsresume_verdict", int(target.verdict == verdict), name, verdict)
    gauges.set("tlsresume_connections", target.connections, name)
    gauges.set("tlsresume_probe_duration_seconds", target.duration_ms / 1000, name)
    for outcome in ("met", "broken", "waived", "ignored", "known", "unreachable", "untestable"):
        number = sum(check.outcome == outcome for check in target.checks)
        gauges.set("tlsresume_demands", number, name, outcome)
    for severity in ("info", "warning", "error"):
        number = sum(finding.severity == severity for finding in target.findings)
        gauges.set("tlsresume_findings", number, name, severity)
    for finding in target.findings:
        gauges.set("tlsresume_finding", 1, finding.code, finding.severity, name)
    for address in target.addresses:
        _address(gauges, name, address)


def _address(gauges: Gauges, target: str, address: AddressResult) -> None:
    labels, by = (target, address.address), address.transport

    gauges.set("tlsresume_address_reachable", int(address.error is None), *labels, transport=by)
    if address.certificate is not None:
        verified = int(address.certificate.verify_code == 0)
        gauges.set("tlsresume_certificate_verified", verified, *labels, transport=by)
        end = _timestamp(address.certificate.not_after)
        if end is not None:
            gauges.set("tlsresume_certificate_expiry_timestamp_seconds", end, *labels, transport=by)
    if address.early_data is not None:
        _early_data(gauges, labels, address.early_data, by)
    for row in address.mechanisms:
        _mechanism(gauges, (*labels, row.mechanism, row.tls_version), row, by)


def _early_data(gauges: Gauges, labels: tuple[str, str], early: EarlyData, by: Transport) -> None:
    """What was not asked, or could not be told, has no series."""
    late = [each.result for each in early.after if each.result is not None]
    replays = {
        "same-ticket": early.same_ticket,
        "exact-copy": early.exact_copy,
        "other-address": early.other_address,
        "after": "accepted" if "accepted" in late else next(iter(late), None),
    }
    if early.accepted is not None:
        gauges.set("tlsresume_early_data_accepted", int(early.accepted), *labels, transport=by)
    for presentation, outcome in replays.items():
        if outcome is not None:
            gauges.set(
                "tlsresume_early_data_replay_accepted", int(outcome == "accepted"), *labels,
                presentation, transport=by,
            )  # fmt: skip
    if early.answered_before_finished is not None:
        answered = int(early.answered_before_finished)
        gauges.set("tlsresume_early_data_answered_early", answered, *labels, transport=by)


def _timestamp(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _mechanism(
    gauges: Gauges, labels: tuple[str, ...], row: MechanismResult, by: Transport
) -> None:
    def put(name: str, value: float | None, *more: str) -> None:
        if value is not None:
            gauges.set(name, value, *labels, *more, transport=by)

    put("tlsresume_judged", int(row.judged))
    if row.state != "untested":
        put("tlsresume_resumed", int(row.state == "resumed"))
    for name, series in (("fixed", row.fixed), ("chained", row.chained)):
        put("tlsresume_resumption_ratio", series.rate, name)
        put("tlsresume_offered_sessions", series.offered, name)
        put("tlsresume_accepted_sessions", series.accepted, name)
    for kind, value in (("full", row.timing.full_ms), ("resumed", row.timing.resumed_ms)):
        put("tlsresume_handshake_duration_seconds", None if value is None else value / 1000, kind)
    if row.tickets is not None:
        put("tlsresume_tickets", row.tickets.count)
        put("tlsresume_ticket_lifetime_seconds", row.tickets.lifetime)
        put("tlsresume_ticket_size_bytes", row.tickets.length)
        put("tlsresume_ticket_keys", len(row.tickets.key_names))
        put("tlsresume_max_early_data_bytes", row.tickets.max_early_data)
