"""JUnit XML, through junitparser: a suite per target, a test case per check.

A broken demand is a failure, what could not be reached an error, what could not be
tested (or was not asked, is waived, or was so before) skipped. XML 1.0 has no way to
write control characters, so all text is made printable first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tlsresume.formats.checks import title
from tlsresume.formats.findings import effect_words
from tlsresume.formats.page import View
from tlsresume.formats.printable import markup_safe, printable
from tlsresume.policy.judge import ALL_TARGETS
from tlsresume.results import Check, ErrorResult, Finding, Report, TargetResult, Tool

if TYPE_CHECKING:
    from junitparser import JUnitXml, TestCase, TestSuite


def render(report: Report, _view: View) -> str:
    """The report as JUnit XML."""
    from junitparser import JUnitXml

    document = JUnitXml("tlsresume")
    for target in report.targets:
        document.add_testsuite(_suite(report.tool, target))
    together = [finding for finding in report.findings if finding.fails or finding.excused]
    if together:
        document.add_testsuite(_together(report.tool, together))
    for name in report.missing:
        document.add_testsuite(_left_out(name))
    return _text(document)


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed: one suite with one error."""
    from junitparser import Error, JUnitXml, TestCase, TestSuite

    suite = TestSuite("tlsresume")
    _add_versions(suite, tool)
    case = TestCase("run", "tlsresume", time=0)
    case.result = [_result(Error, error.message, error.kind, error.hints)]
    suite.add_testcase(case)
    document = JUnitXml("tlsresume")
    document.add_testsuite(suite)
    return _text(document)


def _text(document: JUnitXml) -> str:
    untyped = cast("Any", document)
    # update_statistics() would add `skipped`, which the schema does not allow here.
    for name in ("tests", "failures", "errors", "time"):
        total = sum(getattr(suite, name) or 0 for suite in untyped)
        setattr(untyped, name, round(total, 3))
    text = str(untyped.tostring(), "utf-8")
    head, _, rest = text.partition("?>")
    if not head.startswith("<?xml"):
        rest = text
    return markup_safe("<?xml version='1.0' encoding='utf-8'?>\n" + rest.strip() + "\n")


def _suite(tool: Tool, target: TargetResult) -> TestSuite:
    from junitparser import TestSuite

    suite = TestSuite(printable(target.target))
    _add_versions(suite, tool)
    suite.add_property("verdict", target.verdict)
    suite.add_property("connections", str(target.connections))
    times = [row.time for address in target.addresses for row in address.attempts]
    # Seconds without a zone, as the schema of JUnit reports wants it; UTC.
    if times:
        suite.timestamp = printable(min(times)[:19])
    checks = target.checks
    share = target.duration_ms / 1000 / len(checks) if checks else 0.0
    for check in checks:
        suite.add_testcase(_case(target, check, round(share, 3)))
    return suite


def _together(tool: Tool, findings: Sequence[Finding]) -> TestSuite:
    """What several targets show together: a test case for each finding that counts."""
    from junitparser import Failure, Skipped, TestCase, TestSuite

    suite = TestSuite(ALL_TARGETS)
    _add_versions(suite, tool)
    for finding in findings:
        case = TestCase(printable(finding.code), f"tlsresume.{ALL_TARGETS}", time=0)
        lines = _finding_lines(finding)
        case.result = [
            _result(Failure, finding.title, "finding", lines)
            if finding.fails
            else _result(Skipped, f"{finding.title}; {effect_words(finding)}", "finding")
        ]
        suite.add_testcase(case)
    return suite


def _left_out(name: str) -> TestSuite:
    """A target of the baseline that this run left out: a test that was skipped."""
    from junitparser import Skipped, TestCase, TestSuite

    suite = TestSuite(printable(name))
    case = TestCase("in the baseline", printable(f"tlsresume.{name}"), time=0)
    case.result = [_result(Skipped, "not in this run", "missing")]
    suite.add_testcase(case)
    return suite


def _add_versions(suite: TestSuite, tool: Tool) -> None:
    suite.add_property("tlsresume", printable(tool.version))
    suite.add_property("openssl", printable(tool.openssl))
    suite.add_property("pyopenssl", printable(tool.pyopenssl))


def _case(target: TargetResult, check: Check, seconds: float) -> TestCase:
    from junitparser import Error, Failure, Skipped, TestCase

    case = TestCase(printable(title(check)), printable(f"tlsresume.{target.target}"), time=seconds)
    more = _details(target, check)
    match check.outcome:
        case "broken" if check.severity == "error":
            case.result = [_result(Failure, check.message, check.kind, more)]
        case "unreachable":
            case.result = [_result(Error, check.message, "unreachable", more)]
        case "met":
            case.system_out = printable(check.message)
        case "broken":
            case.result = [_result(Skipped, f"warning: {check.message}", "warning")]
        case outcome:
            case.result = [_result(Skipped, check.message, outcome)]
    return case


def _result(kind: type[Any], message: str, type_: str, lines: Sequence[str] = ()) -> Any:
    result = kind(printable(message), printable(type_))
    if lines:
        result.text = "\n".join(printable(line) for line in lines)
    return result


def _details(target: TargetResult, check: Check) -> list[str]:
    """What helps to understand a failure: its source, and the findings about the same place."""
    lines = [check.message]
    if check.source:
        lines.append(f"source: {check.source}")
    for finding in target.findings:
        if finding.place in (None, check.place) and (
            finding.mechanism is None or finding.mechanism == check.mechanism
        ):
            lines += _finding_lines(finding)
    return lines


def _finding_lines(finding: Finding) -> list[str]:
    return [
        f"{finding.severity} {finding.code}: {finding.title}",
        *([f"  why: {finding.cause}"] if finding.cause else []),
        *([f"  do: {finding.advice}"] if finding.advice else []),
        *(f"  seen: {each}" for each in finding.evidence),
    ]
