"""The report of `serve` as one HTML page. Every string that is not ours goes through `_text`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from tlsresume.features.serve.report_text import details
from tlsresume.features.serve.results import ClientResult, Outcome, ServeReport, ServerResult
from tlsresume.formats.html_parts import finding
from tlsresume.formats.printable import printable
from tlsresume.formats.units import count
from tlsresume.results import Tool

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_OUTCOME_CLASS: dict[Outcome, str] = {
    "right": "good",
    "wrong": "bad",
    "too-few": "fair",
    "not-judged": "none",
}
_OUTCOME_WORDS: dict[Outcome, str] = {
    "right": "as expected",
    "wrong": "not as expected",
    "too-few": "too few to tell",
    "not-judged": "not judged",
}
_COLUMNS = ("Client", "Connections", "Could offer", "Offered", "Accepted", "Verdict", "")


def render_serve_html(report: ServeReport, tool: Tool) -> str:
    """The report as an HTML document."""
    style = (files("tlsresume.formats") / "report.css").read_text(encoding="utf-8")
    badge = f'<span class="badge {"bad" if report.exit_status else "good"}">'
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>TLS session resumption of clients</title>",
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        "<h1>TLS session resumption of clients</h1>",
        f"<p>{badge}exit {report.exit_status}</span> {_text(report.why)}</p>",
        *(f"<p>{_text(hint)}</p>" for hint in report.hints),
        *(line for server in report.servers for line in _server(server)),
        f"<footer>{_text(f'{tool.name} {tool.version}, {tool.openssl}')}</footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def _server(server: ServerResult) -> Iterator[str]:
    yield '<section class="target">'
    yield f'<div class="head"><h2>{_text(server.behaviour)}</h2>'
    facts = f"{server.url}, {count(server.connections, 'connection')}"
    if server.expected is not None:
        facts += f", expected: {server.expected}"
    yield f'<span class="soft small">{_text(facts)}</span></div>'
    if server.clients:
        heads = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
        for client in server.clients:
            yield _row(client)
        yield "</tbody></table></div>"
    else:
        yield "<p>No client connected.</p>"
    for client in server.clients:
        for each in client.findings:
            yield from finding(each)
    command = server.command
    if command is not None:
        style = "good" if command.succeeded else "fair"
        yield f'<p><span class="badge {style}">command</span> {_text(command.words())}</p>'
        if command.output and not command.succeeded:
            lines = "".join(f"<li><code>{_text(line)}</code></li>" for line in command.output)
            yield f'<ul class="small">{lines}</ul>'
    yield "</section>"


def _row(client: ClientResult) -> str:
    more = "".join(f"<li>{_text(line)}</li>" for line in details(client))
    numbers = (client.connections, client.could_offer, client.offered, client.accepted)
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    outcome = client.outcome
    return (
        f'<tr><td>{_text(client.label or client.client)}<ul class="small soft">{more}</ul></td>'
        f"{cells}<td>{_text(client.verdict)}</td>"
        f'<td><span class="badge {_OUTCOME_CLASS[outcome]}">{_OUTCOME_WORDS[outcome]}</span></td></tr>'
    )
