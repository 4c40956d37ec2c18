"""The exit status of `save` and `resume`, and the sentence that says why. Pure."""

from __future__ import annotations

from dataclasses import replace

from tlsresume.errors import ExitStatus, worst_status
from tlsresume.policy.demands import Expected
from tlsresume.policy.exit_status import finding_words
from tlsresume.policy.findings import counts, explains_refusals
from tlsresume.policy.mechanisms import is_enough
from tlsresume.policy.names import FailOn
from tlsresume.results.judged import Finding, FindingEffect
from tlsresume.results.report import ResumeResult, SaveResult
from tlsresume.value import Value


def save_status(result: SaveResult) -> ExitStatus:
    """0 saved, 3 no session came, 5 no connection."""
    if result.error is not None:
        return ExitStatus.UNREACHABLE
    return ExitStatus.OK if result.saved else ExitStatus.NOT_AS_ASKED


class ResumeDemands(Value, frozen=True, kw_only=True):
    """What a resumption is held against; `ignore` are codes of findings."""

    expected: Expected = "resumed"
    min_rate: float | None = None
    fail_on: FailOn = "error"
    ignore: tuple[str, ...] = ()
    exit_zero: bool = False


def decided_resume(result: ResumeResult, demands: ResumeDemands) -> ResumeResult:
    """The result, on every address, with its findings judged, its exit status, and why."""
    each = tuple(decided_resume(one, demands) for one in result.each_address)
    found = tuple(
        replace(finding, effect=_resume_effect(result, finding, demands))
        for finding in result.findings
    )
    held = replace(result, each_address=each, findings=found, exit_zero=demands.exit_zero)
    status = expected_status(held, demands.expected, demands.min_rate)
    failing = next((f for one in each or (held,) for f in one.findings if f.fails), None)
    if each:
        telling = next((one for one in each if one.exit_status == status), each[0])
        why = f"{telling.address}: {telling.why}" if status else telling.why
    elif status is ExitStatus.NOT_AS_ASKED and _answer_status(held, demands) is ExitStatus.OK:
        why = finding_words(failing) if failing else ""
    else:
        why = _resume_words(held, status, demands)
    return replace(held, exit_status=int(status), why=why)


def _resume_effect(result: ResumeResult, finding: Finding, demands: ResumeDemands) -> FindingEffect:
    if not counts(finding.severity, demands.fail_on):
        return "none"
    if finding.code in demands.ignore:
        return "ignored"
    asked = demands.expected != "resumed" or demands.min_rate is not None
    met = _answer_status(result, demands) is ExitStatus.OK
    return "as-demanded" if asked and met and explains_refusals(finding) else "fails"


def _answer_status(result: ResumeResult, demands: ResumeDemands) -> ExitStatus:
    """The status of the answer itself, findings left aside."""
    bare = replace(result, findings=())
    return expected_status(bare, demands.expected, demands.min_rate)


def _resume_words(result: ResumeResult, status: ExitStatus, demands: ResumeDemands) -> str:
    order = result.tries.order
    tries = f"{order.count('R')} of {len(order)} tries were reused" if len(order) > 1 else ""
    match status:
        case ExitStatus.OK:
            return "as asked"
        case ExitStatus.INTERRUPTED:
            return "interrupted"
        case ExitStatus.FAILS_WITH_SESSION:
            return "the handshake fails only when the session is offered"
        case ExitStatus.NOT_AS_ASKED if demands.expected == "not-resumed":
            return tries or "the session was reused"
    failed = result.error.message if result.error is not None else "there was no answer"
    if status is not ExitStatus.NOT_AS_ASKED:
        return failed
    cause = next((f": {f.code}" for f in result.findings if f.severity != "info"), "")
    return result.disagreement or (tries or "the session was not reused") + cause


def expected_status(result: ResumeResult, expected: Expected, min_rate: float | None) -> ExitStatus:
    """The status of a resumption, by what was expected of it, how often, and its findings."""
    if result.interrupted:
        return ExitStatus.INTERRUPTED
    if result.each_address:
        each = result.each_address
        return worst_status([expected_status(one, expected, min_rate) for one in each])
    plain = resume_status(result)
    if plain not in (ExitStatus.OK, ExitStatus.NOT_AS_ASKED):
        return plain
    if any(finding.fails for finding in result.findings):
        return ExitStatus.NOT_AS_ASKED
    match expected:
        case "any":
            return ExitStatus.OK
        case "not-resumed":
            never = "R" not in result.tries.order and not result.session_reused
            return ExitStatus.OK if never else ExitStatus.NOT_AS_ASKED
    if min_rate is not None and result.tries.rate is not None and result.disagreement is None:
        enough = is_enough(result.tries.rate, min_rate)
        return ExitStatus.OK if enough else ExitStatus.NOT_AS_ASKED
    return plain


def resume_status(result: ResumeResult) -> ExitStatus:
    """0 when every try on every address was reused, and OpenSSL and the wire agree."""
    if result.each_address:
        return worst_status([resume_status(each) for each in result.each_address])
    if result.error is not None or result.session_reused is None:
        if result.fails_with_session:
            return ExitStatus.FAILS_WITH_SESSION
        if result.set_session == 0:
            return ExitStatus.FILE
        if result.error is not None and result.error.kind == "cancelled":
            return ExitStatus.INCONCLUSIVE
        return ExitStatus.UNREACHABLE
    every_try = set(result.tries.order) <= {"R"}
    if result.session_reused and every_try and result.disagreement is None:
        return ExitStatus.OK
    return ExitStatus.NOT_AS_ASKED
