"""The report as one HTML page, without scripts, and without clients unless they are asked for.

Every string that is not ours goes through `_text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files

from tlsresume.features.capture.render_text import as_finding, name_of, percent, short_time
from tlsresume.features.capture.report import CaptureReport, Interval, ServerReport
from tlsresume.formats.html_parts import finding
from tlsresume.formats.printable import printable
from tlsresume.formats.units import count
from tlsresume.results import Tool

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 150, 44, 22
_GOOD, _FAIR = 0.8, 0.4
_VERDICTS = {0: ("good", "OK"), 3: ("bad", "FAIL"), 4: ("fair", "UNKNOWN")}
Cells = Sequence[object]


def render(report: CaptureReport, tool: Tool, *, show_clients: bool) -> str:
    """The report as an HTML document."""
    style = (files("tlsresume.formats") / "report.css").read_text(encoding="utf-8")
    body = list(_body(report, show_clients=show_clients))
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>TLS session resumption in captures</title>",
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        *body,
        f"<footer>{_text(f'{tool.name} {tool.version}')}</footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def _body(report: CaptureReport, *, show_clients: bool) -> Iterator[str]:
    packets = sum(file.packets for file in report.files)
    facts = (
        f"{count(report.connections, 'TLS connection')}, {count(report.handshakes, 'handshake')},"
        f" {count(packets, 'packet')}"
    )
    if report.first and report.last:
        facts += f", {short_time(report.first)} to {short_time(report.last)}"
    style, word = _VERDICTS.get(report.exit_status, ("bad", "FAIL"))
    badge = f'<span class="badge {style}">{word}</span>'
    yield "<header><h1>TLS session resumption in captures</h1>"
    yield f'<p class="soft">{_text(facts)}</p><p>{badge} {_text(report.why)}</p></header>'
    for note in report.notes:
        yield f"<p>Note: {_text(note)}</p>"
    yield from _table(
        ("Server", "Connections", "Offered", "Accepted", "Acceptance", "Resumed"),
        (
            (f'<a href="#s{number}">{_text(name_of(server))}</a>', server.connections,
             server.offered, server.accepted, _badge(server.acceptance_rate),
             _text(percent(server.resumption_rate)))
            for number, server in enumerate(report.servers, 1)
        ),
    )  # fmt: skip
    if report.servers_dropped:
        yield f"<p>{_text(count(report.servers_dropped, 'more server'))}</p>"
    for number, server in enumerate(report.servers, 1):
        yield from _server(server, number, show_clients=show_clients)


def _badge(rate: float | None) -> str:
    style = (
        "none" if rate is None else "good" if rate >= _GOOD else "fair" if rate >= _FAIR else "bad"
    )
    return f'<span class="badge {style}">{_text(percent(rate))}</span>'


def _table(heads: Sequence[str], rows: Iterable[Cells]) -> Iterator[str]:
    """Cells that are strings are HTML already, numbers are set to the right."""
    listed = list(rows)
    if not listed:
        return
    numbers = [isinstance(cell, int) for cell in listed[0]]
    head = "".join(
        f'<th class="number">{_text(name)}</th>' if number else f"<th>{_text(name)}</th>"
        for name, number in zip(heads, numbers, strict=True)
    )
    yield f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>'
    for row in listed:
        cells = "".join(
            f'<td class="number">{cell}</td>' if isinstance(cell, int) else f"<td>{cell}</td>"
            for cell in row
        )
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"


def _server(server: ServerReport, number: int, *, show_clients: bool) -> Iterator[str]:
    yield f'<section class="target" id="s{number}"><div class="head">'
    yield f"<h2>{_text(name_of(server))}</h2>{_badge(server.acceptance_rate)}</div>"
    yield f'<p class="soft small">{_text("; ".join(_facts(server)))}</p>'
    if len(server.rates) > 1:
        yield chart(server)
    for demand in server.demands:
        style = {"met": "good", "broken": "bad", "too-few": "fair", "waived": "none"}
        yield (
            f'<p><span class="badge {style[demand.outcome]}">{demand.outcome}</span>'
            f" {_text(demand.demand)}: {_text(demand.message)}</p>"
        )
    for found in server.findings:
        yield from finding(as_finding(server, found, clients=show_clients))
    yield from _table(
        ("Mechanism", "Offered", "Accepted", "Refused", "No visible answer"),
        (
            (_text(row.mechanism), row.offered, row.accepted, row.refused, row.unknown)
            for row in server.mechanisms
        ),
    )
    yield from _table(
        ("Ticket key name", "Issued", "Offered", "Accepted", "First seen", "Last seen"),
        (
            (f"<code>{_text(key.name)}</code>", key.issued, key.offered, key.accepted,
             _text(short_time(key.first)),
                _text(short_time(key.last)))
            for key in server.key_names
        ),
    )  # fmt: skip
    yield from _table(
        ("Your ticket key", "Issued", "Offered", "Accepted", "Other MAC"),
        (
            (f"{_text(key.file)} key {key.key} ({_text(key.role)})", key.issued, key.offered,
             key.accepted, key.wrong_mac)
            for key in server.ticket_keys
        ),
    )  # fmt: skip
    yield from _table(
        ("Client program", "Connections", "Offered", "Accepted", "Full handshakes"),
        (
            (f"<code>{_text(each.software)}</code>", each.connections, each.offered,
             each.accepted, each.full)
            for each in server.by_software
        ),
    )  # fmt: skip
    if show_clients:
        yield from _table(
            ("Client", "Connections", "Offered", "Accepted", "Full handshakes"),
            (
                (f"<code>{_text(each.client)}</code>", each.connections, each.offered,
                 each.accepted, each.full)
                for each in server.clients
            ),
        )  # fmt: skip
    yield "</section>"


def _facts(server: ServerReport) -> Iterator[str]:
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


def chart(server: ServerReport) -> str:
    """The share of resumed handshakes over time as an inline SVG: an area, gaps where none were."""
    starts = [each.start for each in server.rates]
    words = (
        f"Share of resumed handshakes from {starts[0]} to {starts[-1]}, by"
        f" {server.interval_seconds} seconds"
    )
    top, bottom = 8, _HEIGHT - _BOTTOM
    width = (_WIDTH - _LEFT) / len(server.rates)
    head = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" font-size="12"'
    lines = [
        f'{head} fill="currentColor" aria-label="{_text(words)}"><title>{_text(words)}</title>'
    ]
    for share, label in ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")):
        at = bottom - share * (bottom - top)
        lines.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{at:g}" y2="{at:g}" stroke="currentColor"'
            f' stroke-opacity="0.2"/><text x="{_LEFT - 6}" y="{at + 4:g}"'
            f' text-anchor="end">{label}</text>'
        )
    for number, each in enumerate(server.rates):
        lines.append(_bar(each, _LEFT + number * width, width, bottom, bottom - top))
    lines.append(f'<text x="{_LEFT}" y="{_HEIGHT - 5}">{_text(short_time(starts[0]))}</text>')
    lines.append(
        f'<text x="{_WIDTH}" y="{_HEIGHT - 5}" text-anchor="end">{_text(short_time(starts[-1]))}</text>'
    )
    return "\n".join([*lines, "</svg>"])


def _bar(each: Interval, left: float, width: float, bottom: float, room: float) -> str:
    share = each.accepted / each.handshakes if each.handshakes else 0.0
    height = max(1.0, share * room)
    told = f"{each.start}: {each.accepted} of {each.handshakes} resumed"
    return (
        f'<rect x="{left:.1f}" y="{bottom - height:.1f}" width="{max(1.0, width - 1):.1f}"'
        f' height="{height:.1f}" fill="hsl(205 60% 50%)"><title>{_text(told)}</title></rect>'
    )
