"""Numbers of a capture for the textfile collector, through prometheus-client.

Never with clients. Server names are what peers sent, so there are no more of them than
`--top` allows; gauges, of one run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsresume.features.capture.report import CaptureReport, ServerReport
from tlsresume.formats.printable import printable
from tlsresume.results.report import Tool

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Gauge

_SERVER = ("server", "transport")
_MECHANISM = (*_SERVER, "mechanism")

#: Each gauge: what it says, its labels.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tlsresume_build_info": (
        "The versions that made these numbers; always 1",
        ("version", "openssl", "pyopenssl"),
    ),
    "tlsresume_run_success": ("1 if the run came to its end, 0 if it failed", ()),
    "tlsresume_capture_connections": ("TLS connections in the captures", ()),
    "tlsresume_capture_handshakes": ("Connections whose ServerHello was seen", ()),
    "tlsresume_capture_servers": ("Servers in the captures, listed here or not", ()),
    "tlsresume_capture_server_connections": ("TLS connections of a server", _SERVER),
    "tlsresume_capture_server_handshakes": ("Handshakes of a server", _SERVER),
    "tlsresume_capture_unknown_handshakes": ("Handshakes whose outcome is not visible", _SERVER),
    "tlsresume_capture_resumption_ratio": (
        "Resumed handshakes per handshake with a known outcome",
        _SERVER,
    ),
    "tlsresume_capture_acceptance_ratio": ("Accepted sessions per offered one", _SERVER),
    "tlsresume_capture_offered_sessions": ("Offered sessions with a visible answer", _MECHANISM),
    "tlsresume_capture_accepted_sessions": ("Sessions that were resumed", _MECHANISM),
    "tlsresume_capture_refused_sessions": ("Offers answered by a full handshake", _MECHANISM),
    "tlsresume_capture_early_data": (
        "Connections with early data, by what came of it: offered counts all",
        (*_SERVER, "outcome"),
    ),
    "tlsresume_capture_ticket_keys": ("Names of ticket keys seen", _SERVER),
    "tlsresume_capture_clients": ("Client addresses seen", _SERVER),
    "tlsresume_capture_findings": ("1 for each finding on a server", (*_SERVER, "code")),
    "tlsresume_capture_demands": ("Demands on a server by outcome", (*_SERVER, "outcome")),
}


class _Gauges:
    """The gauges of one report, each made when first set, in a registry of its own."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        self.registry: CollectorRegistry = CollectorRegistry()
        self._made: dict[str, Gauge] = {}

    def set(self, name: str, value: float | None, *labels: str) -> None:
        from prometheus_client import Gauge

        if value is None:
            return
        about, names = METRICS[name]
        if name not in self._made:
            self._made[name] = Gauge(name, about, labelnames=names, registry=self.registry)
        gauge = self._made[name]
        if names:
            gauge = gauge.labels(*(printable(label) for label in labels))
        gauge.set(value)

    def text(self) -> str:
        from prometheus_client import generate_latest

        data: bytes = generate_latest(self.registry)
        return data.decode("utf-8")


def render(report: CaptureReport, tool: Tool) -> str:
    """The numbers of a run."""
    gauges = _Gauges()
    gauges.set("tlsresume_build_info", 1, tool.version, tool.openssl, tool.pyopenssl)
    gauges.set("tlsresume_run_success", 1)
    gauges.set("tlsresume_capture_connections", report.connections)
    gauges.set("tlsresume_capture_handshakes", report.handshakes)
    gauges.set("tlsresume_capture_servers", report.servers_total)
    for server in report.servers:
        _server(gauges, server)
    return gauges.text()


def _server(gauges: _Gauges, server: ServerReport) -> None:
    labels = (server.server, server.transport)

    def put(name: str, value: float | None, *more: str) -> None:
        gauges.set(f"tlsresume_capture_{name}", value, *labels, *more)

    put("server_connections", server.connections)
    put("server_handshakes", server.handshakes)
    put("unknown_handshakes", server.unknown)
    put("resumption_ratio", server.resumption_rate)
    put("acceptance_ratio", server.acceptance_rate)
    put("ticket_keys", server.key_names_total)
    put("clients", server.clients_total)
    for row in server.mechanisms:
        put("offered_sessions", row.offered, row.mechanism)
        put("accepted_sessions", row.accepted, row.mechanism)
        put("refused_sessions", row.refused, row.mechanism)
    early = server.early_data
    if early.offered:
        put("early_data", early.offered, "offered")
        put("early_data", early.accepted, "accepted")
        put("early_data", early.rejected, "rejected")
    for found in server.findings:
        put("findings", 1, found.code)
    for outcome in ("met", "broken", "waived", "too-few"):
        number = sum(demand.outcome == outcome for demand in server.demands)
        if server.demands:
            put("demands", number, outcome)
