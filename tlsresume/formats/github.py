"""Workflow commands for GitHub Actions: an annotation for each thing that is not as asked.

The runner reads commands from any line of a log, so nothing foreign may begin one:
newlines and control characters are escaped (`%0A`), the properties also at `:` and
`,`, and the older form `##[` is broken up wherever it stands. The summary of a run for
`$GITHUB_STEP_SUMMARY` is the `markdown` format's; the command line writes it there.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.formats.checks import OUTCOME_WORDS, title
from tlsresume.formats.findings import effect_words
from tlsresume.formats.page import View
from tlsresume.formats.printable import printable_in_log
from tlsresume.formats.units import count
from tlsresume.formats.verdicts import headline
from tlsresume.results import Check, ErrorResult, Finding, Report, Severity, TargetResult, Tool

_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(report: Report, _view: View) -> str:
    """The annotations of a run, and a line per target."""
    lines = [line for target in report.targets for line in _lines(target)]
    lines += [_finding(finding, "") for finding in report.findings]
    missing = "it is in the baseline, and was not tested in this run"
    lines += [_command("warning", f"{name}: not in this run", missing) for name in report.missing]
    return "".join(f"{line}\n" for line in lines)


def failure(_tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as an annotation."""
    return _command("error", "tlsresume", " ".join((error.message, *error.hints))) + "\n"


def _lines(target: TargetResult) -> Iterator[str]:
    for check in target.checks:
        level = _level(check)
        # Findings have annotations of their own.
        found = check.kind == "finding" and check.outcome not in ("unreachable", "untestable")
        if level is not None and not found:
            yield _command(level, _heading(target, check), check.message)
    for finding in target.findings:
        yield _finding(finding, f"{target.target}: ")
    yield _plain(f"{target.target}: {headline(target)}, {count(target.connections, 'connection')}")


def _finding(finding: Finding, whose: str) -> str:
    words = " ".join(part for part in (finding.cause, finding.advice) if part)
    excuse = effect_words(finding)
    heading = f"{whose}{finding.code}: {finding.title}" + (f" ({excuse})" if excuse else "")
    level = "error" if finding.fails else "notice" if excuse else _not_failing(finding)
    return _command(level, heading, words or finding.title)


def _not_failing(finding: Finding) -> str:
    """The level of a finding that fails nothing: an error only where a run may fail on it."""
    return _LEVEL["warning" if finding.severity == "error" else finding.severity]


def _heading(target: TargetResult, check: Check) -> str:
    return f"{target.target}: {title(check)}: {OUTCOME_WORDS[check.outcome]}"


def _level(check: Check) -> str | None:
    match check.outcome:
        case "broken":
            return _LEVEL[check.severity]
        case "unreachable":
            return "error"
        case "untestable":
            return "warning"
        case "waived" | "ignored" | "known":
            return "notice"
    return None


def _command(level: str, heading: str, message: str) -> str:
    head = _data(heading).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={head}::{_data(message)}"


def _data(text: str) -> str:
    return _plain(text.replace("\r", "").replace("\n", " ")).replace("%", "%25")


def _plain(text: str) -> str:
    """Text that the runner reads as text: it looks for `##[` anywhere, for `::` at a start."""
    safe = printable_in_log(text)
    return f"' {safe}" if safe.lstrip().startswith("::") else safe
