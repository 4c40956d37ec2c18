"""GitHub-flavoured Markdown: for job summaries, pull requests and wikis.

Names and messages come from servers. They are escaped so that none can be markup, a
link, a mention or the end of a table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tlsresume.formats.checks import OUTCOME_WORDS, of_outcome, place
from tlsresume.formats.early_data_table import HEADS, early_rows
from tlsresume.formats.findings import effect_words
from tlsresume.formats.page import View
from tlsresume.formats.printable import printable
from tlsresume.formats.series import short_words
from tlsresume.formats.verdicts import flaw, headline, last_line
from tlsresume.results.judged import Check, Finding
from tlsresume.results.measured import AddressResult, ErrorResult, MechanismResult, Verdict
from tlsresume.results.report import Report, TargetResult, Tool
from tlsresume.units import count, duration, milliseconds, seconds, short_key

VERDICT_SIGN: dict[Verdict, str] = {
    "resumes": "✅",
    "partly": "⚠️",
    "does-not-resume": "❌",
    "untested": "❔",
}
_MOST_ORDER = 20
#: What is markup wherever it stands; `:` only in front of `//`, where it makes a link.
_MARKUP = re.compile(r"([\\`*_{}\[\]#!|~$^]|:(?=//))")


def render(report: Report, _view: View) -> str:
    """The report as a Markdown document."""
    return "\n".join(_lines(report)) + "\n"


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed."""
    hints = "".join(f"\n- {escape(hint)}" for hint in error.hints)
    versions = escape(f"{tool.name} {tool.version}")
    return f"## TLS session resumption\n\n❌ {escape(error.message)}\n{hints}\n\n{versions}\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a paragraph and in a table."""
    safe = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MARKUP.sub(r"\\\1", safe)
    # An empty comment keeps a name after @ from being a mention.
    return safe.replace("@", "@<!-- -->").replace("www", "w<!-- -->ww")


def _lines(report: Report) -> Iterator[str]:
    yield "## TLS session resumption"
    yield ""
    yield "| target | verdict | addresses | connections | time |"
    yield "|---|---|---:|---:|---:|"
    for target in report.targets:
        sign = "❌" if flaw(target) else VERDICT_SIGN.get(target.verdict, "❔")
        yield (
            f"| {escape(target.target)} | {sign} {escape(headline(target))} |"
            f" {len({each.address for each in target.addresses})} | {target.connections} | {seconds(target.duration_ms)} |"
        )
    word, why = last_line(report)
    if word:
        yield ""
        yield f"**{escape(word)}**: {escape(why)}"
    if report.missing:
        yield ""
        yield f"In the baseline, not in this run: {escape(', '.join(report.missing))}"
    for target in report.targets:
        yield ""
        yield from _target(target)
    for finding in report.findings:
        yield from _finding(finding)
    tool = report.tool
    yield ""
    made = f"{tool.name} {tool.version}, {tool.openssl}, pyOpenSSL {tool.pyopenssl}"
    held = f"; policy: {report.policy}" if report.policy else ""
    since = f"; baseline: {report.baseline}" if report.baseline else ""
    yield f"<sub>{escape(made + held + since)}</sub>"


def _target(target: TargetResult) -> Iterator[str]:
    yield f"### {escape(target.target)}"
    yield ""
    if target.error is not None:
        yield f"❌ {escape(target.error.message)}"
        yield from (f"- {escape(hint)}" for hint in target.error.hints)
        yield ""
    rows = [(address, row) for address in target.addresses for row in address.mechanisms]
    if rows:
        yield "| address | mechanism | same session | fresh each time | tickets | new | reused |"
        yield "|---|---|---|---|---|---:|---:|"
        yield from (_row(address, row) for address, row in rows)
        yield ""
    early = early_rows(target.addresses)
    if early:
        yield f"| {' | '.join(('early data', *HEADS[1:]))} |"
        yield f"|{'---|' * len(HEADS)}"
        yield from (f"| {' | '.join(escape(cell) for cell in row)} |" for row in early)
        yield ""
    for address in target.addresses:
        if address.error is not None and address.error != target.error:
            yield f"- {escape(address.place)}: ❌ {escape(address.error.message)}"
    for skipped in target.skipped:
        yield f"- Not tested: {escape(skipped.what)} ({escape(skipped.reason)})"
    for change in target.changes:
        sign = "❌ worse" if change.worse else "changed"
        became = f"{escape(change.before)} → {escape(change.after)}"
        yield f"- {sign}: {escape(change.title)}: {became}"
    yield from _checks(target)
    for finding in target.findings:
        yield from _finding(finding)


def _row(address: AddressResult, row: MechanismResult) -> str:
    tickets = row.tickets
    words = []
    if tickets is not None and tickets.count:
        words = [count(tickets.count, "ticket")]
        words += [duration(tickets.lifetime)] if tickets.lifetime else []
        words += [f"key {short_key(tickets.key_name)}"] if tickets.key_name else []
    full, resumed = row.timing.full_ms, row.timing.resumed_ms
    cells = (
        address.place,
        f"{row.tls_version.replace('TLSv', 'TLS ')} {row.mechanism}"
        + ("" if row.judged else " (not judged)"),
        short_words(row.fixed, _MOST_ORDER) or row.state,
        short_words(row.chained, _MOST_ORDER) or row.state,
        ", ".join(words),
        "" if full is None else milliseconds(full),
        "" if resumed is None else milliseconds(resumed),
    )
    return f"| {' | '.join(escape(cell) for cell in cells)} |"


def _checks(target: TargetResult) -> Iterator[str]:
    shown: list[Check] = of_outcome(
        target, "broken", "unreachable", "untestable", "waived", "ignored", "known", "not-checked"
    )
    if not shown:
        return
    yield ""
    yield "| demand | where | outcome | |"
    yield "|---|---|---|---|"
    for check in shown:
        outcome = OUTCOME_WORDS.get(check.outcome, check.outcome)
        if check.outcome == "broken":
            outcome = "❌ broken" if check.severity == "error" else f"⚠️ {check.severity}"
        cells = (check.demand, place(check), outcome, check.message)
        yield f"| {' | '.join(escape(cell) for cell in cells)} |"
    yield ""


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    excuse = f" ({effect_words(finding)})" if effect_words(finding) else ""
    head = f"**{escape(finding.severity)} {escape(finding.code)}**: {escape(finding.title)}"
    yield head + escape(excuse)
    yield ""
    for label, text in (("why", finding.cause), ("do", finding.advice)):
        if text:
            yield f"- {label}: {escape(text)}"
    for each in finding.evidence:
        yield f"- seen: {escape(each)}"
