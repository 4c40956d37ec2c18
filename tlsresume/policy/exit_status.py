"""The exit status of a result, and the sentence that says why. Pure; nothing else decides them.

`decided` puts both into a report of `probe`, `decided_resume` into the result of `resume`;
every format prints what stands there. A target that was held against demands has the status
of its checks, else of its verdict and its findings. What `ExitStatus` names wins in the order
7, 6, 3, 5, 4; an interrupt is above all. `plugin_state` is the same for Nagios and its kin,
whose statuses are their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

from tlsresume.errors import ExitStatus, worst_status
from tlsresume.findings.wording import clause
from tlsresume.policy.demands import Expected
from tlsresume.policy.findings import counts, explains_refusals
from tlsresume.policy.mechanisms import is_enough
from tlsresume.policy.names import FailOn
from tlsresume.results.connection import MECHANISMS
from tlsresume.results.judged import Check, CheckOutcome, Finding, FindingEffect
from tlsresume.results.measured import MechanismResult, State, Verdict
from tlsresume.results.mechanism_words import session_words
from tlsresume.results.report import Report, ResumeResult, SaveResult, TargetResult
from tlsresume.value import Value

#: What `--exit-zero` forgives: answers, never failures to get one.
_FORGIVEN = (ExitStatus.NOT_AS_ASKED, ExitStatus.INCONCLUSIVE, ExitStatus.FAILS_WITH_SESSION)

_VERDICT_STATUS: dict[Verdict, ExitStatus] = {
    "resumes": ExitStatus.OK,
    "partly": ExitStatus.NOT_AS_ASKED,
    "does-not-resume": ExitStatus.NOT_AS_ASKED,
    "untested": ExitStatus.INCONCLUSIVE,
}
_OUTCOME_STATUS: dict[CheckOutcome, ExitStatus] = {
    "met": ExitStatus.OK,
    "broken": ExitStatus.NOT_AS_ASKED,
    "waived": ExitStatus.OK,
    "ignored": ExitStatus.OK,
    "known": ExitStatus.OK,
    "unreachable": ExitStatus.UNREACHABLE,
    "untestable": ExitStatus.INCONCLUSIVE,
    "not-checked": ExitStatus.OK,
}
_STATE_WORDS: dict[State, str] = {
    "resumed": "resume",
    "partly": "resume at times only",
    "not-resumed": "are not resumed",
    "not-issued": "are not issued",
    "untested": "could not be tested",
}
_BREAKS = "break the handshake when they are offered"
#: How many reasons of one target, and names of ignored codes, are said.
_SAID = 2


def with_exit_zero(status: ExitStatus, *, exit_zero: bool) -> ExitStatus:
    """The status, or 0 for an answer that the user does not want to fail on."""
    return ExitStatus.OK if exit_zero and status in _FORGIVEN else status


class _Reason(Value, frozen=True):
    """Why a target has a status; the lowest `rank` is said first."""

    status: ExitStatus
    words: str
    rank: int = 1


# ------------------------------------------------------------------------- probe


def exit_status(report: Report) -> ExitStatus:
    """The exit status of a run, before `--exit-zero`: the gravest of its targets'."""
    if any(target.interrupted for target in report.targets):
        return ExitStatus.INTERRUPTED
    return worst_status([
        *(target_status(target) for target in report.targets),
        *(ExitStatus.NOT_AS_ASKED for finding in report.findings if finding.fails),
    ])  # fmt: skip


def target_status(target: TargetResult) -> ExitStatus:
    """The exit status that one target calls for, an interrupt left aside."""
    return worst_status([reason.status for reason in _reasons(target)])


def decided(report: Report) -> Report:
    """The report with its exit status, and the sentence that says why; and so each target."""
    status = exit_status(report)
    targets = tuple(map(_decided_target, report.targets))
    return replace(report, targets=targets, exit_status=int(status), why=_why(report, status))


def _decided_target(target: TargetResult) -> TargetResult:
    if target.interrupted:
        return replace(target, exit_status=int(ExitStatus.INTERRUPTED), why="interrupted")
    status = target_status(target)
    why = "as asked" if status is ExitStatus.OK else _target_words(target, status)
    return replace(target, exit_status=int(status), why=why)


def decided_of_many(
    statuses: Mapping[ExitStatus, int],
    first: Mapping[ExitStatus, TargetResult],
    findings: Sequence[Finding],
    *,
    interrupted: bool,
    not_begun: tuple[int, str],
) -> tuple[ExitStatus, str]:
    """The exit status of a run whose targets are not kept, and why: from how many targets have
    which status, the first of each, and what they show together. `not_begun` is how many more
    targets there were, and why they had no turn."""
    number, reason = not_begun
    together = [finding for finding in findings if finding.fails]
    seen = [status for status, count in statuses.items() if count]
    worst = worst_status([
        *seen,
        *(ExitStatus.NOT_AS_ASKED for _ in together[:1]),
        *([ExitStatus.INCONCLUSIVE] if number else []),
    ])  # fmt: skip
    many = sum(statuses.values())
    rest = f"; {number} more had no turn ({reason})" if number else ""
    if interrupted:
        ended = f"; {many} targets were begun" if many > 1 else ""
        return ExitStatus.INTERRUPTED, f"interrupted{ended}{rest}"
    if worst is ExitStatus.OK:
        if not many:
            return worst, "there was no target"
        return worst, f"{many} targets, all as asked" if many > 1 else "as asked"
    if worst not in first:
        if worst is ExitStatus.NOT_AS_ASKED:
            told = _some([_finding_words(finding) for finding in together])
            return worst, f"all targets together: {told}{rest}"
        return worst, f"{many} targets were begun{rest}"
    words = _target_words(first[worst], worst)
    if many == 1 and not number:
        return worst, words
    failing = many - statuses.get(ExitStatus.OK, 0)
    return worst, f"{failing} of {many}; {first[worst].target}: {words}{rest}"


def _why(report: Report, status: ExitStatus) -> str:
    targets = report.targets
    if status is ExitStatus.INTERRUPTED:
        ended = sum(not target.interrupted for target in targets)
        done = f"; {ended} of {len(targets)} targets were done" if len(targets) > 1 else ""
        return f"interrupted{done}"
    if status is ExitStatus.OK:
        found = [*report.findings, *(f for target in targets for f in target.findings)]
        codes = dict.fromkeys(finding.code for finding in found if finding.effect == "ignored")
        ignored = f"; ignored: {', '.join(codes)}" if codes else ""
        if not targets:
            return f"there was no target{ignored}"
        many = f"{len(targets)} targets, all " if len(targets) > 1 else ""
        return f"{many}as asked{ignored}"
    worst = [target for target in targets if target_status(target) is status]
    together = [_finding_words(finding) for finding in report.findings if finding.fails]
    if not worst:
        return f"all targets together: {_some(together)}"
    words = _target_words(worst[0], status)
    if len(targets) == 1:
        return words
    failing = sum(target_status(target) is not ExitStatus.OK for target in targets)
    return f"{failing} of {len(targets)}; {worst[0].target}: {words}"


def _target_words(target: TargetResult, status: ExitStatus) -> str:
    own = [reason for reason in _reasons(target) if reason.status is status]
    own.sort(key=lambda reason: reason.rank)
    return _some(list(dict.fromkeys(reason.words for reason in own)))


def _some(words: Sequence[str]) -> str:
    rest = len(words) - _SAID
    return "; ".join(words[:_SAID]) + (f"; and {rest} more" if rest > 0 else "")


def _reasons(target: TargetResult) -> Iterator[_Reason]:
    """What about a target calls for another status than 0."""
    if not target.checks:
        yield from _by_verdict(target)
        return
    verdicts = [check for check in target.checks if check.kind == "verdict"]
    rows = [(c, row) for c in verdicts if c.outcome == "broken" and (row := _row(target, c))]
    yield from _by_states(target, [(check.place, row) for check, row in rows])
    told = [check for check, _ in rows]
    for check in target.checks:
        status = _check_status(target, check)
        if status is ExitStatus.OK or check in told:
            continue
        yield _Reason(status, _check_words(target, check), _rank(target, check))


def _by_verdict(target: TargetResult) -> Iterator[_Reason]:
    """Of a target that was held against nothing."""
    judged = [(a.place, row) for a in target.addresses for row in a.mechanisms if row.judged]
    bad = [each for each in judged if each[1].falls_short]
    yield from _by_states(target, bad)
    for finding in target.findings:
        if finding.fails:
            yield _finding_reason(finding)
    errors = [target.error, *(address.error for address in target.addresses)]
    error = next((each for each in errors if each is not None), None)
    if error is not None and target.verdict in ("resumes", "untested"):
        yield _Reason(ExitStatus.UNREACHABLE, error.message)
    status = _VERDICT_STATUS.get(target.verdict, ExitStatus.INCONCLUSIVE)
    if status is not ExitStatus.OK and not bad:
        yield _Reason(status, _untested(target) if target.verdict == "untested" else target.verdict)


def _by_states(
    target: TargetResult, rows: Sequence[tuple[str | None, MechanismResult]]
) -> Iterator[_Reason]:
    """What does not resume, in a sentence for each way of not doing so."""
    said: dict[str, list[tuple[str | None, MechanismResult]]] = {}
    for address, row in rows:
        words = _BREAKS if row.fails_with_session else _STATE_WORDS[row.state]
        said.setdefault(words, []).append((address, row))
    for words, found in said.items():
        named = {row.mechanism for _, row in found}
        sessions = session_words(name for name in MECHANISMS if name in named)
        if all(each.transport == "dtls" for each in target.addresses):
            sessions = sessions.replace("TLS 1.2", "DTLS 1.2")
        where = dict.fromkeys(address for address, _ in found if address)
        only = f" on {_some(list(where))}" if len(where) < len(target.addresses) else ""
        broken = words == _BREAKS
        status = ExitStatus.FAILS_WITH_SESSION if broken else ExitStatus.NOT_AS_ASKED
        yield _Reason(status, f"{sessions} {words}{only}")


def _untested(target: TargetResult) -> str:
    left = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped[:_SAID])
    return f"could not be judged ({left})" if left else "could not be judged"


def _row(target: TargetResult, check: Check) -> MechanismResult | None:
    """The mechanism on the address that a check looked at."""
    for address in target.addresses:
        for row in address.mechanisms:
            if (address.address, address.transport, row.mechanism) == (
                check.address,
                check.transport,
                check.mechanism,
            ):
                return row
    return None


def _check_status(target: TargetResult, check: Check) -> ExitStatus:
    if check.outcome == "broken" and check.severity != "error":
        return ExitStatus.OK
    if check.outcome == "broken" and check.kind in ("verdict", "expectation"):
        row = _row(target, check)
        if row is not None and row.fails_with_session:
            return ExitStatus.FAILS_WITH_SESSION
    return _OUTCOME_STATUS.get(check.outcome, ExitStatus.INCONCLUSIVE)


def _check_words(target: TargetResult, check: Check) -> str:
    if check.kind == "finding" and check.outcome == "broken":
        return f"{check.demand}: {clause(check.message)}"
    place = check.place if len(target.addresses) > 1 else None
    where = f" on {place}" if place else ""
    match check.outcome:
        case "unreachable":
            return check.message
        case "untestable":
            return f"{check.demand}{where} could not be tested: {check.message}"
    return f"{check.demand}{where}: {check.message}"


def _rank(target: TargetResult, check: Check) -> int:
    """Lost security is said first, then what does not resume, last what that comes from."""
    if check.kind != "finding":
        return 1
    own = (f for f in target.findings if f.code == check.demand and f.fails)
    return 0 if any(finding.harm == "security" for finding in own) else 2


def _finding_reason(finding: Finding) -> _Reason:
    rank = 0 if finding.harm == "security" else 2
    return _Reason(ExitStatus.NOT_AS_ASKED, _finding_words(finding), rank)


def _finding_words(finding: Finding) -> str:
    return f"{finding.code}: {clause(finding.title)}"


# ----------------------------------------------------------- a monitoring plugin


class PluginState(IntEnum):
    """The exit statuses of a plugin, by the monitoring plugins' guidelines."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


#: Of several states, the first that occurred stands for all.
_GRAVEST = (PluginState.CRITICAL, PluginState.WARNING, PluginState.UNKNOWN, PluginState.OK)


def plugin_state(report: Report) -> PluginState:
    """The state that a report calls for."""
    states = {plugin_state_of(target) for target in report.targets}
    if any(finding.fails for finding in report.findings):
        states.add(PluginState.CRITICAL)
    return next((each for each in _GRAVEST if each in states), PluginState.UNKNOWN)


def plugin_state_of(target: TargetResult) -> PluginState:
    """The state that one target calls for."""
    states = {_plugin_check(target, check) for check in target.checks}
    if target.interrupted or not target.checks:
        states.add(PluginState.UNKNOWN)
    return next((each for each in _GRAVEST if each in states), PluginState.UNKNOWN)


def _plugin_check(target: TargetResult, check: Check) -> PluginState:
    if check.outcome in ("unreachable", "untestable"):
        return PluginState.UNKNOWN
    if check.outcome != "broken" or check.severity == "info":
        return PluginState.OK
    if check.severity == "warning" or (check.kind == "verdict" and target.verdict == "partly"):
        return PluginState.WARNING
    return PluginState.CRITICAL


# --------------------------------------------------------------- save and resume


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
        why = _finding_words(failing) if failing else ""
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
