"""Workflow commands for GitHub Actions: an annotation for each thing that needs mending.

An annotation of a finding has its evidence and what to do, a line each. What is normal, waived,
ignored, known or no more than what was demanded has none: GitHub shows ten of a kind for a step
and drops the others. The line of a target names the codes that were excused.

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
from tlsresume.formats.verdicts import headline
from tlsresume.results.judged import CheckOutcome, Finding
from tlsresume.results.measured import ErrorResult, Severity
from tlsresume.results.report import Report, TargetResult, Tool
from tlsresume.units import count

_LEVEL: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
#: The levels of what could not be asked.
_UNASKED: dict[CheckOutcome, str] = {"unreachable": "error", "untestable": "warning"}


def render(report: Report, _view: View) -> str:
    """The annotations of a run, and a line per target."""
    lines = [line for target in report.targets for line in _lines(target)]
    lines += [line for finding in report.findings for line in _finding(finding, "")]
    missing = "it is in the baseline, and was not tested in this run"
    lines += [_command("warning", f"{name}: not in this run", missing) for name in report.missing]
    return "".join(f"{line}\n" for line in lines)


def failure(_tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as an annotation."""
    hints = [f"hint: {hint}" for hint in error.hints]
    return _command("error", "tlsresume", error.message, *hints) + "\n"


def _lines(target: TargetResult) -> Iterator[str]:
    for check in target.checks:
        level = _UNASKED.get(check.outcome)
        # Findings have annotations of their own.
        if check.outcome == "broken" and check.kind != "finding":
            level = _LEVEL[check.severity]
        if level is not None:
            outcome = OUTCOME_WORDS[check.outcome]
            yield _command(level, f"{target.target}: {title(check)}: {outcome}", check.message)
    for finding in target.findings:
        yield from _finding(finding, f"{target.target}: ")
    said = [headline(target), count(target.connections, "connection"), *_excused(target)]
    yield _plain(f"{target.target}: {', '.join(said)}")


def _excused(target: TargetResult) -> Iterator[str]:
    """What would have an annotation, but for a demand, a waiver, an option or the baseline."""
    for finding in target.findings:
        if finding.excused:
            yield f"{finding.code} ({effect_words(finding)})"
    for check in target.checks:
        if check.kind != "finding" and check.outcome in ("waived", "ignored", "known"):
            yield f"{title(check)} ({OUTCOME_WORDS[check.outcome]})"


def _finding(finding: Finding, whose: str) -> Iterator[str]:
    if finding.excused or (finding.severity == "info" and not finding.fails):
        return
    # The level of what fails nothing is an error only where a run may fail on it.
    level = "error" if finding.fails else "warning"
    lines = [finding.cause, *(f"seen: {each}" for each in finding.evidence)]
    lines += [f"do: {finding.advice}"] if finding.advice else []
    lines += [f"set: {each}" for each in finding.directives]
    told = [line for line in lines if line] or [finding.title]
    yield _command(level, f"{whose}{finding.code}: {finding.title}", *told)


def _command(level: str, heading: str, *lines: str) -> str:
    head = _data(heading).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={head}::{'%0A'.join(_data(line) for line in lines)}"


def _data(text: str) -> str:
    return _plain(text.replace("\r", "").replace("\n", " ")).replace("%", "%25")


def _plain(text: str) -> str:
    """Text that the runner reads as text: it looks for `##[` anywhere, for `::` at a start."""
    safe = printable_in_log(text)
    return f"' {safe}" if safe.lstrip().startswith("::") else safe
