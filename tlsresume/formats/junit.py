"""JUnit XML, through junitparser: a suite per target, the test cases of `junit_cases` in it.

A broken demand is a failure, what could not be reached an error, what could not be
tested (or was not asked, is waived, or was so before) skipped. XML 1.0 has no way to
write control characters, so all text is made printable first. Each element has a line of its
own, so that reports can be compared and searched by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tlsresume.formats.junit_cases import Case, cases, of_findings
from tlsresume.formats.page import View
from tlsresume.formats.printable import markup_safe, printable
from tlsresume.policy.judge import ALL_TARGETS
from tlsresume.results.judged import Finding
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import Report, TargetResult, Tool

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
    case.result = [result(Error, error.message, error.kind, error.hints)]
    suite.add_testcase(case)
    document = JUnitXml("tlsresume")
    document.add_testsuite(suite)
    return _text(document)


def _text(document: JUnitXml) -> str:
    return markup_safe(one_element_a_line(document))


def one_element_a_line(document: JUnitXml) -> str:
    """The XML of a document, with its totals."""
    import xml.etree.ElementTree as ET

    untyped = cast("Any", document)
    # update_statistics() would add `skipped`, which the schema does not allow here.
    for name in ("tests", "failures", "errors", "time"):
        total = sum(getattr(suite, name) or 0 for suite in untyped)
        setattr(untyped, name, round(total, 3))
    root = ET.fromstring(untyped.tostring())  # noqa: S314  what we just wrote ourselves
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, 'unicode')}\n"


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
    found = list(cases(target))
    share = target.duration_ms / 1000 / len(found) if found else 0.0
    for case in found:
        suite.add_testcase(_case(target.target, case, round(share, 3)))
    return suite


def _together(tool: Tool, findings: Sequence[Finding]) -> TestSuite:
    """What several targets show together: a test case for each code."""
    from junitparser import TestSuite

    suite = TestSuite(ALL_TARGETS)
    _add_versions(suite, tool)
    for code in dict.fromkeys(finding.code for finding in findings):
        own = [finding for finding in findings if finding.code == code]
        suite.add_testcase(_case(ALL_TARGETS, of_findings(code, own), 0))
    return suite


def _left_out(name: str) -> TestSuite:
    """A target of the baseline that this run left out: a test that was skipped."""
    from junitparser import Skipped, TestCase, TestSuite

    suite = TestSuite(printable(name))
    case = TestCase("in the baseline", printable(f"tlsresume.{name}"), time=0)
    case.result = [result(Skipped, "not in this run", "missing")]
    suite.add_testcase(case)
    return suite


def _add_versions(suite: TestSuite, tool: Tool) -> None:
    suite.add_property("tlsresume", printable(tool.version))
    suite.add_property("openssl", printable(tool.openssl))
    suite.add_property("pyopenssl", printable(tool.pyopenssl))


def _case(suite: str, case: Case, seconds: float) -> TestCase:
    from junitparser import Error, Failure, Skipped, TestCase

    made = TestCase(printable(case.name), printable(f"tlsresume.{suite}"), time=seconds)
    match case.kind:
        case "failure":
            made.result = [result(Failure, case.message, case.type_, case.lines)]
        case "error":
            made.result = [result(Error, case.message, case.type_, case.lines)]
        case "skipped":
            made.result = [result(Skipped, case.message, case.type_)]
        case "passed":
            made.system_out = "\n".join(printable(line) for line in (case.message, *case.lines))
    return made


def result(kind: type[Any], message: str, type_: str, lines: Sequence[str] = ()) -> Any:
    """What came of a test case: a Failure, an Error or a Skipped of junitparser."""
    made = kind(printable(message), printable(type_))
    if lines:
        made.text = "\n".join(printable(line) for line in lines)
    return made
