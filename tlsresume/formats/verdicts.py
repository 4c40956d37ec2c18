"""A target's verdict as people are shown it, and the last line of a run.

JSON keeps the four words of a verdict. Where security is lost, or users are hurt although
the verdict does not say so, the headline does: `RESUMES, UNSAFE: ...`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

from tlsresume.errors import EXIT_STATUS_PRECEDENCE, ExitStatus
from tlsresume.findings.wording import clause
from tlsresume.policy.exit_status import with_exit_zero
from tlsresume.results.judged import Finding
from tlsresume.results.measured import Verdict
from tlsresume.results.report import Report, ResumeResult, TargetResult

VERDICTS: tuple[Verdict, ...] = ("resumes", "partly", "does-not-resume", "untested")
#: What may stand behind a verdict.
_FLAWS = ("", ", UNSAFE", ", BROKEN", ", WARNING")
#: The exit statuses of targets as they are listed.
WORST_FIRST = (ExitStatus.INTERRUPTED, *EXIT_STATUS_PRECEDENCE, ExitStatus.OK)


def failing(target: TargetResult) -> tuple[Finding, ...]:
    """The findings that fail a target: lost security first, warnings (--fail-on) last."""
    found = [finding for finding in target.findings if finding.fails]
    return tuple(sorted(found, key=lambda f: (f.severity != "error", f.harm != "security")))


def flaw(target: TargetResult) -> str:
    """`UNSAFE`, `BROKEN` or `WARNING` where findings fail a target and its verdict does not say
    so; else nothing."""
    worst = next(iter(failing(target)), None)
    if worst is None:
        return ""
    if worst.severity == "error" and worst.harm == "security":
        return "UNSAFE"
    if target.verdict not in ("resumes", "untested"):
        return ""
    return "BROKEN" if worst.severity == "error" else "WARNING"


def verdict_words(target: TargetResult, *, upper: bool = False) -> str:
    """`resumes`, or `resumes, UNSAFE`."""
    word = target.verdict.upper() if upper else target.verdict
    found = flaw(target)
    return f"{word}, {found}" if found else word


def counted_verdicts(report: Report) -> Iterator[tuple[Verdict, str, int]]:
    """Each verdict, its words, and how many targets have it."""
    counted = Counter(verdict_words(target) for target in report.targets)
    for verdict, more in product(VERDICTS, _FLAWS):
        if number := counted[f"{verdict}{more}"]:
            yield verdict, f"{verdict}{more}", number


def headline(target: TargetResult, *, upper: bool = False) -> str:
    """`RESUMES`, or `RESUMES, UNSAFE: the ticket key can be guessed`."""
    words = verdict_words(target, upper=upper)
    if not flaw(target):
        return words
    first, *rest = failing(target)
    more = f", and {len(rest)} more" if rest else ""
    return f"{words}: {clause(first.title)}{more}"


def last_line(result: Report | ResumeResult) -> tuple[str, str]:
    """The word that decides, `OK` or `FAIL (exit 3)`, and why; nothing where it was not decided."""
    if result.exit_status is None:
        return "", ""
    if not result.exit_status:
        return "OK", result.why
    status = ExitStatus(result.exit_status)
    forgiven = not with_exit_zero(status, exit_zero=result.exit_zero)
    word = "INTERRUPTED" if status is ExitStatus.INTERRUPTED else "FAIL"
    return f"{word} (exit {status:d}{', but 0 by --exit-zero' if forgiven else ''})", result.why
