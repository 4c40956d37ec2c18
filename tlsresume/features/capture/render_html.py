"""The report as one HTML page, on the skeleton that all reports share; without clients unless
they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tlsresume.features.capture.render_text import as_finding, name_of, percent, short_time
from tlsresume.features.capture.report import (
    CaptureReport,
    Client,
    Interval,
    ServerReport,
    Software,
)
from tlsresume.formats.html_page import Cell, Style, Table, badge, code, link, page
from tlsresume.results.report import Tool
from tlsresume.units import count

_HEIGHT = 110
_GOOD, _FAIR = 0.8, 0.4
_VERDICTS: dict[int, tuple[Style, str]] = {
    0: ("good", "OK"),
    3: ("bad", "FAIL"),
    4: ("fair", "UNKNOWN"),
}
_DEMANDS: dict[str, Style] = {"met": "good", "broken": "bad", "too-few": "fair", "waived": "none"}


def render(report: CaptureReport, tool: Tool, *, show_clients: bool, command: str = "") -> str:
    """The report as an HTML document."""
    style, word = _VERDICTS.get(report.exit_status, ("bad", "FAIL"))
    dropped = report.servers_dropped
    return page(
        "capture/report.html",
        tool,
        command=command,
        report=report,
        facts=_facts(report),
        verdict=badge(word, style),
        overview=_overview(report),
        dropped=count(dropped, "more server") if dropped else "",
        servers=[
            _shown(server, number, show_clients=show_clients)
            for number, server in enumerate(report.servers, 1)
        ],
    )


def _facts(report: CaptureReport) -> str:
    packets = sum(file.packets for file in report.files)
    facts = (
        f"{count(report.connections, 'TLS connection')}, {count(report.handshakes, 'handshake')},"
        f" {count(packets, 'packet')}"
    )
    if report.first and report.last:
        facts += f", {short_time(report.first)} to {short_time(report.last)}"
    return facts


def _overview(report: CaptureReport) -> Table:
    return Table(
        heads=("Server", "Connections", "Offered", "Accepted", "Acceptance", "Resumed"),
        rows=[
            (link(name_of(server), f"s{number}"), server.connections, server.offered,
             server.accepted, _rate(server.acceptance_rate), percent(server.resumption_rate))
            for number, server in enumerate(report.servers, 1)
        ],
        right=(1, 2, 3),
    )  # fmt: skip


def _rate(rate: float | None) -> Cell:
    style: Style = (
        "none" if rate is None else "good" if rate >= _GOOD else "fair" if rate >= _FAIR else "bad"
    )
    return badge(percent(rate), style)


def _shown(server: ServerReport, number: int, *, show_clients: bool) -> dict[str, Any]:
    """What the template shows of a server."""
    return {
        "number": number,
        "name": name_of(server),
        "rate": _rate(server.acceptance_rate),
        "facts": "; ".join(_server_facts(server)),
        "findings": [as_finding(server, found, clients=show_clients) for found in server.findings],
        "demands": [(badge(each.outcome, _DEMANDS[each.outcome]), each) for each in server.demands],
        "chart": _chart(server) if len(server.rates) > 1 else None,
        "tables": list(_tables(server, show_clients=show_clients)),
    }


def _tables(server: ServerReport, *, show_clients: bool) -> Iterator[Table]:
    yield Table(
        heads=("Mechanism", "Offered", "Accepted", "Refused", "No visible answer"),
        rows=[
            (row.mechanism, row.offered, row.accepted, row.refused, row.unknown)
            for row in server.mechanisms
        ],
        right=(1, 2, 3, 4),
    )
    yield Table(
        heads=("Ticket key name", "Issued", "Offered", "Accepted", "First seen", "Last seen"),
        rows=[
            (code(key.name), key.issued, key.offered, key.accepted, short_time(key.first),
             short_time(key.last))
            for key in server.key_names
        ],
        right=(1, 2, 3),
    )  # fmt: skip
    yield Table(
        heads=("Your ticket key", "Issued", "Offered", "Accepted", "Other MAC"),
        rows=[
            (f"{key.file} key {key.key} ({key.role})", key.issued, key.offered, key.accepted,
             key.wrong_mac)
            for key in server.ticket_keys
        ],
        right=(1, 2, 3, 4),
    )  # fmt: skip
    yield _clients("Client program", [(each.software, each) for each in server.by_software])
    if show_clients:
        yield _clients("Client", [(each.client, each) for each in server.clients])


def _clients(head: str, counted: Sequence[tuple[str, Client | Software]]) -> Table:
    return Table(
        heads=(head, "Connections", "Offered", "Accepted", "Full handshakes"),
        rows=[
            (code(name), each.connections, each.offered, each.accepted, each.full)
            for name, each in counted
        ],
        right=(1, 2, 3, 4),
    )


def _server_facts(server: ServerReport) -> Iterator[str]:
    yield count(server.connections, "connection")
    yield count(server.handshakes, "handshake")
    yield ", ".join(f"{name} {number}" for name, number in server.tls_versions.items())
    yield f"{percent(server.resumption_rate)} of handshakes resumed"
    yield count(server.clients_total, "client")
    for number, what in (
        (server.unknown, "with an unknown outcome"),
        (server.early_data.offered, "with early data offered"),
        (server.external_psk, "with an external PSK"),
        (server.encrypted_hello, "with Encrypted ClientHello"),
    ):
        if number:
            yield f"{number} {what}"


def _chart(server: ServerReport) -> dict[str, Any]:
    """The share of resumed handshakes over time: a bar for each interval."""
    starts = [each.start for each in server.rates]
    words = (
        f"Share of resumed handshakes from {starts[0]} to {starts[-1]}, by"
        f" {server.interval_seconds} seconds"
    )
    width = 100 / len(server.rates)
    return {
        "words": words,
        "most": "100 %",
        "bars": [_bar(each, number * width, width) for number, each in enumerate(server.rates)],
        "first": short_time(starts[0]),
        "last": short_time(starts[-1]),
    }


def _bar(each: Interval, left: float, width: float) -> dict[str, str]:
    """A bar: percent of the chart's width, pixels of its height."""
    share = each.accepted / each.handshakes if each.handshakes else 0.0
    height = max(1.0, share * _HEIGHT)
    return {
        "left": f"{left:.2f}",
        "width": f"{width * 0.9:.2f}",
        "top": f"{_HEIGHT - height:.1f}",
        "height": f"{height:.1f}",
        "words": f"{each.start}: {each.accepted} of {each.handshakes} resumed",
    }
