"""One check for Nagios, Icinga and their kin, by the monitoring plugins' guidelines.

A status line with the numbers after `|`, then lines for people. What each state means
is `PluginState`; the process ends with it. Nothing foreign may hold a `|` or a newline, which
end the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.formats.checks import title
from tlsresume.formats.findings import effect_words
from tlsresume.formats.page import View
from tlsresume.formats.printable import printable_in_log
from tlsresume.formats.verdicts import headline, verdict_words
from tlsresume.policy.mechanisms import rate_percent
from tlsresume.policy.plugin_state import PluginState, plugin_state, plugin_state_of
from tlsresume.results.measured import ErrorResult, MechanismResult
from tlsresume.results.report import Report, TargetResult, Tool

SERVICE = "RESUMPTION"


def render(report: Report, _view: View) -> str:
    """The status line with its numbers, and what is behind them."""
    word = plugin_state(report).name
    numbers = " ".join(_numbers(report))
    lines = [f"{SERVICE} {word} - {_text(_headline(report))} | {numbers}"]
    lines += [_text(line) for target in report.targets for line in _long(target, report)]
    lines += [_text(f"{each.severity}: {each.code}: {each.title}") for each in report.findings]
    lines += [_text(f"in the baseline, not in this run: {name}") for name in report.missing]
    return "\n".join(lines) + "\n"


def failure(_tool: Tool, error: ErrorResult) -> str:
    """What kept the plugin from an answer."""
    return f"{SERVICE} UNKNOWN - {_text(error.message)}\n"


def _text(text: str) -> str:
    return printable_in_log(text).replace("|", "¦")


def _headline(report: Report) -> str:
    if len(report.targets) != 1:
        bad = [t for t in report.targets if plugin_state_of(t) is not PluginState.OK]
        names = ", ".join(f"{t.target} {verdict_words(t)}" for t in bad[:5])
        rest = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        return f"{len(report.targets) - len(bad)} of {len(report.targets)} targets are as asked" + (
            f": {names}{rest}" if bad else ""
        )
    target = report.targets[0]
    if target.error is not None:
        return f"{target.target}: {target.error.message}"
    rates = ", ".join(f"{name} {rate:.0f}%" for name, rate in _lowest(target).items())
    words = f"{target.target} {headline(target)}" + (f" ({rates})" if rates else "")
    broken = [
        c for c in target.checks if c.outcome == "broken" and c.kind not in ("verdict", "finding")
    ]
    if broken:
        words += f": {broken[0].demand} broken ({broken[0].message})"
    return words


def _lowest(target: TargetResult) -> dict[str, float]:
    """The lowest rate of each judged mechanism over all addresses, in percent."""
    found: dict[str, float] = {}
    for row in _rows(target):
        rate = rate_percent(row)
        if row.judged and rate is not None:
            found[row.mechanism] = min(rate, found.get(row.mechanism, 100.0))
    return found


def _rows(target: TargetResult) -> Iterator[MechanismResult]:
    for address in target.addresses:
        yield from address.mechanisms


def _long(target: TargetResult, report: Report) -> Iterator[str]:
    if len(report.targets) > 1:
        yield f"{plugin_state_of(target).name}: {target.target} {headline(target)}"
    for check in target.checks:
        if check.outcome != "met":
            yield f"{check.outcome}: {title(check)}: {check.message}"
    for skipped in target.skipped:
        yield f"not tested: {skipped.what} ({skipped.reason})"
    for change in target.changes:
        if change.worse:
            where = " ".join(part for part in (change.place, change.mechanism) if part)
            yield f"worse: {where} {change.what}: {change.before} -> {change.after}"
    for finding in target.findings:
        excuse = effect_words(finding)
        word = f"{finding.severity} ({excuse})" if excuse else finding.severity
        yield f"{word}: {finding.code}: {finding.title}. {finding.advice}"


def _numbers(report: Report) -> Iterator[str]:
    """Performance data; a run over several targets has each one's name in the label."""
    several = len(report.targets) > 1
    for target in report.targets:
        prefix = f"{target.target}::" if several else ""
        limits = {check.key: check.limit for check in target.checks if check.limit}
        warn, crit = limits.get("warning") or "", limits.get("critical") or ""
        for mechanism, rate in _lowest(target).items():
            yield f"{_label(f'{prefix}{mechanism}_rate')}={rate:g}%;{warn};{crit};0;100"
        for kind in ("full", "resumed"):
            for mechanism, value in _slowest(target, kind).items():
                name = _label(f"{prefix}{mechanism}_{kind}_time")
                yield f"{name}={value / 1000:.6f}s;;;0"
        yield f"{_label(f'{prefix}connections')}={target.connections};;;0"
        yield f"{_label(f'{prefix}time')}={target.duration_ms / 1000:.3f}s;;;0"


def _slowest(target: TargetResult, kind: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in _rows(target):
        value = row.timing.full_ms if kind == "full" else row.timing.resumed_ms
        if row.judged and value is not None:
            found[row.mechanism] = max(value, found.get(row.mechanism, 0.0))
    return found


def _label(name: str) -> str:
    """A label: quoted, a quote doubled; `=` is not allowed in it, quoted or not."""
    safe = _text(name).replace("=", "_").replace("'", "''")
    return f"'{safe}'"
