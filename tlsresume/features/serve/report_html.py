"""The report of `serve` as one HTML page, on the skeleton that all reports share."""

from __future__ import annotations

from tlsresume.features.serve.report_text import details
from tlsresume.features.serve.results import ClientResult, Outcome, ServeReport, ServerResult
from tlsresume.formats.html_page import Table, badge, lines, page, soft
from tlsresume.formats.page import Tone
from tlsresume.results.report import Tool
from tlsresume.units import count

_OUTCOMES: dict[Outcome, tuple[str, Tone]] = {
    "right": ("as expected", "good"),
    "wrong": ("not as expected", "bad"),
    "too-few": ("too few to tell", "fair"),
    "not-judged": ("not judged", "none"),
}
_HEADS = ("Client", "Connections", "Could offer", "Offered", "Accepted", "Verdict", "Outcome")


def render_serve_html(report: ServeReport, tool: Tool, *, command: str = "") -> str:
    """The report as an HTML document."""
    return page(
        "serve/report.html",
        tool,
        command=command,
        report=report,
        verdict=badge(f"exit {report.exit_status}", "bad" if report.exit_status else "good"),
        servers=[(server, _table(server)) for server in report.servers],
        facts=_facts,
    )


def _facts(server: ServerResult) -> str:
    facts = f"{server.url}, {count(server.connections, 'connection')}"
    return facts if server.expected is None else f"{facts}, expected: {server.expected}"


def _table(server: ServerResult) -> Table:
    return Table(heads=_HEADS, rows=[_row(client) for client in server.clients], right=(1, 2, 3, 4))


def _row(client: ClientResult) -> tuple[object, ...]:
    return (
        lines(client.label or client.client, *(soft(line) for line in details(client))),
        client.connections,
        client.could_offer,
        client.offered,
        client.accepted,
        client.verdict,
        badge(*_OUTCOMES[client.outcome]),
    )
