"""One self-contained HTML file: readable without scripts, on paper, by day and by night.

Every string that is not ours goes through `_text` and nowhere else into the page, and
never into a style, a script or an address. A policy in the page forbids whatever it
does not hold itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from tlsresume.formats.chart import strips, svg
from tlsresume.formats.checks import OUTCOME_WORDS, place
from tlsresume.formats.html_parts import attempts, crossings, finding, matrix
from tlsresume.formats.page import View
from tlsresume.formats.printable import markup_safe, printable
from tlsresume.formats.ticket_html import key_uses
from tlsresume.formats.units import count, seconds, utc
from tlsresume.formats.verdicts import FLAWS, flaw, headline, last_line, verdict_words
from tlsresume.results import (
    Check,
    CheckOutcome,
    ErrorResult,
    Report,
    TargetResult,
    Tool,
    Verdict,
)

VERDICT_CLASS: dict[Verdict, str] = {
    "resumes": "good",
    "partly": "fair",
    "does-not-resume": "bad",
    "untested": "none",
}
_OUTCOME_CLASS: dict[CheckOutcome, str] = {
    "met": "good",
    "broken": "bad",
    "waived": "none",
    "ignored": "none",
    "known": "none",
    "unreachable": "bad",
    "untestable": "fair",
    "not-checked": "none",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Report, _view: View) -> str:
    """The report as an HTML document."""
    return _document(report.tool, [*_head(report), *_targets(report)], report)


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as an HTML document."""
    hints = "".join(f"<li>{_text(hint)}</li>" for hint in error.hints)
    failed = f'<span class="badge bad">failed</span> {_text(error.message)}'
    more = f"<ul>{hints}</ul>" if hints else ""
    body = [
        "<h1>TLS session resumption</h1>",
        f'<section class="target"><p>{failed}</p>{more}</section>',
    ]
    return _document(tool, body, None)


def _text(text: object) -> str:
    return escape(printable(str(text)), quote=True)


def _document(tool: Tool, body: list[str], report: Report | None) -> str:
    style = (files("tlsresume.formats") / "report.css").read_text(encoding="utf-8")
    made = f"{tool.name} {tool.version}, {tool.openssl}, pyOpenSSL {tool.pyopenssl}"
    if report is not None and report.policy:
        made += f". Policy: {report.policy}"
    if report is not None and report.baseline:
        made += f". Baseline: {report.baseline}"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>TLS session resumption</title>",
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        *body,
        f"<footer>{_text(made)}</footer>",
        "</body>",
        "</html>",
    ]
    return markup_safe("\n".join(lines) + "\n")


def _head(report: Report) -> Iterator[str]:
    counted = Counter(verdict_words(target) for target in report.targets)
    words = " ".join(
        _badge(f"{counted[word]} {word}", "bad" if more else VERDICT_CLASS[verdict])
        for verdict in VERDICT_CLASS
        for more in ("", *FLAWS)
        if (word := f"{verdict}{more}") in counted
    )
    times = [row.time for target in report.targets for a in target.addresses for row in a.attempts]
    when = f", {utc(min(times))}" if times else ""
    yield "<header><h1>TLS session resumption</h1>"
    yield f'<p class="soft">{_text(count(len(report.targets), "target") + when)}</p>'
    yield f"<p>{words}</p>"
    word, why = last_line(report)
    if word:
        yield f"<p><strong>{_text(word)}</strong>: {_text(why)}</p>"
    yield "</header>"
    if report.missing:
        yield f"<p>In the baseline, not in this run: {_text(', '.join(report.missing))}</p>"
    if len(report.targets) > 1:
        yield '<nav><table><thead><tr><th>Target</th><th>Verdict</th><th class="number">Connections</th></tr></thead><tbody>'
        for number, target in enumerate(report.targets, 1):
            badge = _verdict(target)
            yield (
                f'<tr><td><a href="#t{number}">{_text(target.target)}</a></td><td>{badge}</td>'
                f'<td class="number">{target.connections}</td></tr>'
            )
        yield "</tbody></table></nav>"


def _badge(word: str, style: str) -> str:
    return f'<span class="badge {style}">{_text(word)}</span>'


def _verdict(target: TargetResult) -> str:
    style = "bad" if flaw(target) else VERDICT_CLASS[target.verdict]
    return _badge(verdict_words(target), style)


def _targets(report: Report) -> Iterator[str]:
    for number, target in enumerate(report.targets, 1):
        yield f'<section class="target" id="t{number}">'
        yield from _target(target)
        yield "</section>"
    if report.findings:
        yield '<section class="target"><h2>All targets together</h2>'
        for each in report.findings:
            yield from finding(each)
        yield "</section>"


def _target(target: TargetResult) -> Iterator[str]:
    facts = (
        [count(len({each.address for each in target.addresses}), "address")]
        if target.addresses
        else []
    )
    facts += [count(target.connections, "connection"), seconds(target.duration_ms)]
    badge = _verdict(target)
    yield f'<div class="head"><h2>{_text(target.target)}</h2>{badge}'
    yield f'<span class="soft small">{_text(", ".join(facts))}</span></div>'
    if flaw(target):
        yield f"<p><strong>{_text(headline(target))}</strong></p>"
    if target.interrupted:
        yield "<p>Interrupted: this is what was known by then.</p>"
    if target.error is not None:
        yield from _error(target.error)
    if target.addresses:
        yield "<h3>Addresses</h3>"
        yield from matrix(target.addresses)
    yield from crossings(target.crossings)
    for skipped in target.skipped:
        yield f'<p class="small">Not tested: {_text(f"{skipped.what} ({skipped.reason})")}</p>'
    chart = svg(strips(row for address in target.addresses for row in address.attempts))
    if chart:
        yield "<h3>Time of a handshake, one dot per connection; the line is the median</h3>"
        yield chart
    if target.findings:
        yield "<h3>Findings</h3>"
        for each in target.findings:
            yield from finding(each)
    yield from key_uses(target.ticket_keys)
    yield from _checks(target)
    yield from _changes(target)
    for address in target.addresses:
        yield from attempts(address)


def _error(error: ErrorResult) -> Iterator[str]:
    yield f'<div class="card error"><strong>{_text(error.message)}</strong>'
    if error.stack is not None:
        stack = error.stack
        yield f"<p><code>{_text(f'{stack.call} returned {stack.returned}')}</code></p><ul>"
        for entry in stack.entries:
            words = f"{entry.library}: {entry.reason} ({entry.code:08X})"
            yield f"<li><code>{_text(words)}</code></li>"
        yield "</ul>"
    for hint in error.hints:
        yield f'<p class="soft">{_text(hint)}</p>'
    yield "</div>"


def _checks(target: TargetResult) -> Iterator[str]:
    if not target.checks:
        return
    yield "<h3>Demands</h3>"
    yield '<div class="scroll"><table><thead><tr><th>Demand</th><th>Where</th><th>Outcome</th><th></th></tr></thead><tbody>'
    for check in target.checks:
        yield (
            f"<tr><td><code>{_text(check.demand)}</code></td><td>{_text(place(check))}</td>"
            f"<td>{_outcome(check)}</td><td>{_text(check.message)}{_source(check)}</td></tr>"
        )
    yield "</tbody></table></div>"


def _outcome(check: Check) -> str:
    if check.outcome == "broken" and check.severity != "error":
        return _badge(check.severity, "fair")
    return _badge(OUTCOME_WORDS[check.outcome], _OUTCOME_CLASS[check.outcome])


def _source(check: Check) -> str:
    return f'<br><span class="soft small">{_text(check.source)}</span>' if check.source else ""


def _changes(target: TargetResult) -> Iterator[str]:
    if not target.changes:
        return
    yield "<h3>Since the baseline</h3>"
    yield '<div class="scroll"><table><thead><tr><th>What</th><th>Before</th><th>Now</th><th></th></tr></thead><tbody>'
    for change in target.changes:
        what = " ".join(part for part in (change.place, change.mechanism, change.what) if part)
        sign = _badge("worse", "bad") if change.worse else _badge("changed", "none")
        yield (
            f"<tr><td>{_text(what)}</td><td>{_text(change.before)}</td>"
            f"<td>{_text(change.after)}</td><td>{sign}</td></tr>"
        )
    yield "</tbody></table></div>"
