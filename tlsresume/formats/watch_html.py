"""The report of `watch` as one HTML page, with the timeline of keys as an inline SVG.

Every string that is not ours goes through `_text`.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from tlsresume.diagnosis.watched import KeyLife, WatchedTarget, WatchReport
from tlsresume.formats.html_parts import finding
from tlsresume.formats.printable import markup_safe, printable
from tlsresume.formats.units import count, duration, short_key
from tlsresume.formats.watch_text import letters, when
from tlsresume.results import Tool
from tlsresume.target import format_endpoint

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

#: Of the chart, in its own units.
_WIDTH, _ROW, _BAR, _AXIS = 900, 30, 18, 28
#: The room for labels: by the longest, about so much for a character.
_LEAST_LEFT, _MOST_LEFT, _CHARACTER = 190.0, 450.0, 7.0
#: Hues far apart, the golden angle round the circle; readable on white and on black.
_GOLDEN, _FIRST_HUE = 137.5, 205.0


def render_watch_html(report: WatchReport, tool: Tool) -> str:
    """The report as an HTML document."""
    style = (files("tlsresume.formats") / "report.css").read_text(encoding="utf-8")
    body = [line for target in report.targets for line in _target(target)]
    made = f"{tool.name} {tool.version}, {tool.openssl}. History: {report.history}"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>Ticket keys over time</title>",
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        "<h1>Ticket keys over time</h1>",
        *(body or ["<p>No samples yet.</p>"]),
        f"<footer>{_text(made)}</footer>",
        "</body>",
        "</html>",
    ]
    return markup_safe("\n".join(lines) + "\n")


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def _target(target: WatchedTarget) -> Iterator[str]:
    yield '<section class="target">'
    facts = f"{count(target.samples, 'sample')}, {count(target.connections, 'connection')}"
    if target.failed:
        facts += f", {target.failed} failed"
    yield f'<div class="head"><h2>{_text(target.target)}</h2>'
    yield f'<span class="soft small">{_text(facts)}</span></div>'
    if target.error is not None:
        yield f'<p><span class="badge bad">failed</span> {_text(target.error)}</p>'
    if target.keys:
        yield timeline(target)
        yield from _keys(target)
    for line in _events(target):
        yield f"<p>{_text(line)}</p>"
    for each in target.findings:
        yield from finding(each)
    yield "</section>"


def timeline(target: WatchedTarget) -> str:
    """A row per address and key, a bar for each time in which the key was seen."""
    start, end = when(target.first or ""), when(target.last or "")
    named = letters(target)
    labels = [f"{format_endpoint(key.address, key.port)} {_key(key)}" for key in target.keys]
    longest = _CHARACTER * max((len(label) for label in labels), default=0)
    edge = max(_LEAST_LEFT, min(_MOST_LEFT, longest))
    height = _ROW * len(target.keys) + _AXIS
    words = f"Keys of {target.target} from {target.first} to {target.last}"
    lines = [
        (
            f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img"'
            f' aria-label="{_text(words)}" font-size="12" fill="currentColor">'
        )
    ]
    hues = {name: (_FIRST_HUE + at * _GOLDEN) % 360 for at, name in enumerate(named)}
    for row, (key, label) in enumerate(zip(target.keys, labels, strict=True)):
        top = row * _ROW + (_ROW - _BAR) / 2
        lines.append(f'<text x="0" y="{top + 13:g}">{_text(label)}</text>')
        for span in key.spans:
            left = _x(when(span.first), start, end, edge)
            width = max(4.0, _x(when(span.last), start, end, edge) - left)
            left = min(left, _WIDTH - width)
            lines.append(
                f'<rect x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{_BAR}" rx="3"'
                f' fill="hsl({hues[key.key_name]:.0f} 60% 50%)">'
                f"<title>{_text(f'{_key(key)}: {span.first} to {span.last}')}</title></rect>"
            )
    base = height - 8
    lines.append(
        f'<line x1="{edge:g}" y1="{base - 14}" x2="{_WIDTH}" y2="{base - 14}"'
        ' stroke="currentColor" stroke-opacity="0.3"/>'
    )
    lines.append(f'<text x="{edge:g}" y="{base}">{_text(target.first)}</text>')
    lines.append(f'<text x="{_WIDTH}" y="{base}" text-anchor="end">{_text(target.last)}</text>')
    lines.append("</svg>")
    return "\n".join(lines)


def _x(time: float, start: float, end: float, edge: float) -> float:
    share = (time - start) / (end - start) if end > start else 0.0
    return edge + share * (_WIDTH - edge)


def _key(key: KeyLife) -> str:
    if key.key_name is not None:
        return short_key(key.key_name)
    return "stateful" if key.stateful else "no key name"


def _keys(target: WatchedTarget) -> Iterator[str]:
    heads = "".join(
        f"<th>{name}</th>" for name in ("Address", "Key name", "First seen", "Last seen", "Age", "")
    )
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for key in target.keys:
        cells = (
            format_endpoint(key.address, key.port),
            key.key_name or _key(key),
            key.first,
            key.last,
            duration(key.seconds) if key.seconds else "seen once",
            "in use" if key.current else "gone",
        )
        yield "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _events(target: WatchedTarget) -> Iterator[str]:
    for rotation in target.rotations:
        both = f"; both were seen for {duration(rotation.overlap)}" if rotation.overlap else ""
        yield (
            f"Rotation on {rotation.address}: {short_key(rotation.old_key)} to"
            f" {short_key(rotation.new_key)} between {rotation.after} and {rotation.by}{both}."
        )
    for across in target.across:
        yield (
            f"Across the rotation on {across.address}: {across.resumed} of {across.offered}"
            f" sessions under {short_key(across.old_key)} resumed."
        )
    for step in target.out_of_step:
        yield (
            f"Out of step from {step.since} until {step.until or 'now'}:"
            f" {', '.join(step.behind)} behind key {short_key(step.newest)}."
        )
