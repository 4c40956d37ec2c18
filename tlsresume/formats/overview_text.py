"""Many targets on one screen: a line each, the worst first, with its cause and its time.

Targets that are as asked are counted where a line each would not fit. `-v` prints each
target whole, before this.
"""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import ExitStatus
from tlsresume.findings.wording import clause
from tlsresume.formats.causes_text import SCREEN_ROWS, causes_of
from tlsresume.formats.page import BAD, FAINT, GOOD, STRONG, Page, cells, cut, pad
from tlsresume.formats.screen_text import verdict_style
from tlsresume.formats.verdicts import WORST_FIRST, counted_verdicts, verdict_words
from tlsresume.policy.exit_status import decided
from tlsresume.results.report import Report, TargetResult
from tlsresume.units import count, seconds
from tlsresume.value import Value

#: Rows beside the list: the numbers of verdicts, what all targets show together, what to type, the last line (which may take
#: three rows), the prompt.
_BESIDE = 8
#: A name takes at most this share of the line.
_NAME_SHARE = 0.4


class _Line(Value, frozen=True):
    target: TargetResult
    status: ExitStatus
    why: str

    @property
    def cause(self) -> str:
        """The gravest finding, else why the target has its exit status."""
        failing = [cause for cause in causes_of(self.target.findings) if cause.finding.fails]
        if failing:
            found = failing[0].finding
            return f"{found.code}: {clause(found.title)}"
        if self.status is not ExitStatus.OK:
            return self.why
        warned = [each for each in self.target.findings if each.severity == "warning"]
        return ", ".join(dict.fromkeys(each.code for each in warned))


def put_overview(page: Page, report: Report) -> None:
    """How many targets got which verdict, and a line for each."""
    counted = ", ".join(f"{number} {words}" for _, words, number in counted_verdicts(report))
    page.line((f"{count(len(report.targets), 'target')}: ", STRONG), counted)
    lines = _lines(report)
    bad = [line for line in lines if line.status is not ExitStatus.OK]
    good = [line for line in lines if line.status is ExitStatus.OK]
    room = SCREEN_ROWS - _BESIDE - len(report.findings) * 3 if page.view.wraps else len(lines)
    room = max(4, room)
    if len(lines) > room:
        bad, left = bad[: room - 1], bad[room - 1 :]
        shown = [*bad, *(good[: room - 1 - len(bad)] if not left else [])]
    else:
        shown, left = lines, []
    names = max((cells(line.target.target) for line in shown), default=0)
    names = min(names, int(page.view.width * _NAME_SHARE) if page.view.wraps else names)
    words = max((len(_word(line)) for line in shown), default=0)
    times = max((len(_time(line)) for line in shown), default=0)
    room = page.view.width - names - words - times - 6
    for line in shown:
        page.line(
            (pad(cut(line.target.target, names), names), STRONG),
            "  ",
            (pad(_word(line), words), verdict_style(line.target) if line.status else GOOD),
            (f"  {_time(line):>{times}}  ", FAINT),
            cut(line.cause, room),
        )
    if left:
        page.line((f"and {count(len(left), 'more', 'more')} not as asked: -v shows them", BAD))
    rest = len(good) - (len(shown) - len(bad))
    if rest:
        page.line((f"and {count(rest, 'target')} as asked", FAINT))


def _word(line: _Line) -> str:
    return verdict_words(line.target, upper=True)


def _time(line: _Line) -> str:
    return seconds(line.target.duration_ms)


def _lines(report: Report) -> list[_Line]:
    """Each target with its own exit status, the worst first."""
    lines = (_line(report, target) for target in report.targets)
    return sorted(lines, key=lambda line: WORST_FIRST.index(line.status))


def _line(report: Report, target: TargetResult) -> _Line:
    if target.exit_status is not None and not target.interrupted:
        return _Line(target, ExitStatus(target.exit_status), target.why)
    alone = decided(replace(report, targets=(target,), findings=()))
    return _Line(target, ExitStatus(alone.exit_status or 0), alone.why)
