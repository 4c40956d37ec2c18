"""Numbers of a capture for the textfile collector, through prometheus-client.

Never with clients. Server names are what peers sent, so there are no more of them than
`--top` allows; gauges, of one run.
"""

from __future__ import annotations

from tlsresume.features.capture.report import CaptureReport, ServerReport
from tlsresume.formats.prometheus import Gauges, Metric
from tlsresume.results.report import Tool

_SERVER = ("server", "transport")
_MECHANISM = (*_SERVER, "mechanism")

#: Each gauge: what it says, its labels.
METRICS: dict[str, Metric] = {
    "tlsresume_build_info": Metric(
        "The versions that made these numbers; always 1",
        ("version", "openssl", "pyopenssl"),
    ),
    "tlsresume_run_success": Metric("1 if the run came to its end, 0 if it failed", ()),
    "tlsresume_capture_connections": Metric("TLS connections in the captures", ()),
    "tlsresume_capture_handshakes": Metric("Connections whose ServerHello was seen", ()),
    "tlsresume_capture_servers": Metric("Servers in the captures, listed here or not", ()),
    "tlsresume_capture_server_connections": Metric("TLS connections of a server", _SERVER),
    "tlsresume_capture_server_handshakes": Metric("Handshakes of a server", _SERVER),
    "tlsresume_capture_unknown_handshakes": Metric(
        "Handshakes whose outcome is not visible", _SERVER
    ),
    "tlsresume_capture_resumption_ratio": Metric(
        "Resumed handshakes per handshake with a known outcome",
        _SERVER,
    ),
    "tlsresume_capture_acceptance_ratio": Metric("Accepted sessions per offered one", _SERVER),
    "tlsresume_capture_offered_sessions": Metric(
        "Offered sessions with a visible answer", _MECHANISM
    ),
    "tlsresume_capture_accepted_sessions": Metric("Sessions that were resumed", _MECHANISM),
    "tlsresume_capture_refused_sessions": Metric("Offers answered by a full handshake", _MECHANISM),
    "tlsresume_capture_early_data": Metric(
        "Connections with early data, by what came of it: offered counts all",
        (*_SERVER, "outcome"),
    ),
    "tlsresume_capture_ticket_keys": Metric("Names of ticket keys seen", _SERVER),
    "tlsresume_capture_clients": Metric("Client addresses seen", _SERVER),
    "tlsresume_capture_findings": Metric("1 for each finding on a server", (*_SERVER, "code")),
    "tlsresume_capture_demands": Metric("Demands on a server by outcome", (*_SERVER, "outcome")),
}


def render(report: CaptureReport, tool: Tool) -> str:
    """The numbers of a run."""
    gauges = Gauges(METRICS)
    gauges.set("tlsresume_build_info", 1, tool.version, tool.openssl, tool.pyopenssl)
    gauges.set("tlsresume_run_success", 1)
    gauges.set("tlsresume_capture_connections", report.connections)
    gauges.set("tlsresume_capture_handshakes", report.handshakes)
    gauges.set("tlsresume_capture_servers", report.servers_total)
    for server in report.servers:
        _server(gauges, server)
    return gauges.text()


def _server(gauges: Gauges, server: ServerReport) -> None:
    labels = (server.server, server.transport)

    def put(name: str, value: float | None, *more: str) -> None:
        if value is not None:
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
