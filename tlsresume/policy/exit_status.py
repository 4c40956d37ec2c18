"""The exit status of a run of `probe`, and the sentence that says why. Pure.

`decided` puts both into a report of `probe`; every format prints what stands there. A target that
was held against demands has the status of its checks, else of its verdict and its findings. What
`ExitStatus` names wins in the order 7, 6, 3, 5, 4; an interrupt is above all. `resume_status` is
the same for `save` and `resume`, `plugin_state` for Nagios and its kin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from tlsresume.errors import ExitStatus, worst_status
from tlsresume.findings.wording import clause
from tlsresume.results.connection import MECHANISMS
from tlsresume.results.judged import Check, CheckOutcome, Finding
from tlsresume.results.measured import MechanismResult, State, Verdict
from tlsresume.results.mechanism_words import session_words
from tlsresume.results.report import Report, TargetResult
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


def each_alone(report: Report) -> Iterator[Report]:
    """A report for each target, with that target's own exit status and why: what formats print
    that speak per target.

    What several targets show together is in every one, and decides the run, not these.
    """
    for target in report.targets:
        alone = decided(replace(report, targets=(target,), findings=()))
        yield replace(alone, findings=report.findings)


def _decided_target(target: TargetResult) -> TargetResult:
    if target.interrupted:
        return replace(target, exit_status=int(ExitStatus.INTERRUPTED), why="interrupted")
    status = target_status(target)
    why = "as asked" if status is ExitStatus.OK else _target_words(target, status)
    return replace(target, exit_status=int(status), why=why)


def _why(report: Report, status: ExitStatus) -> str:
    targets = report.targets
    if status is ExitStatus.INTERRUPTED:
        ended = sum(not target.interrupted for target in targets)
        done = f"; {ended} of {len(targets)} targets were done" if len(targets) > 1 else ""
        return f"interrupted{done}"
    first: dict[ExitStatus, TargetResult] = {}
    statuses = Counter[ExitStatus]()
    for target in targets:
        own = target_status(target)
        statuses[own] += 1
        first.setdefault(own, target)
    words = _run_words(status, statuses, first, report.findings)
    found = [*report.findings, *(f for target in targets for f in target.findings)]
    codes = dict.fromkeys(finding.code for finding in found if finding.effect == "ignored")
    return f"{words}; ignored: {', '.join(codes)}" if codes and not status else words


def decided_of_many(
    statuses: Counter[ExitStatus],
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
    worst = worst_status([
        *(status for status, count in statuses.items() if count),
        *(ExitStatus.NOT_AS_ASKED for finding in findings if finding.fails),
        *([ExitStatus.INCONCLUSIVE] if number else []),
    ])  # fmt: skip
    rest = f"; {number} more had no turn ({reason})" if number else ""
    if interrupted:
        many = sum(statuses.values())
        ended = f"; {many} targets were begun" if many > 1 else ""
        return ExitStatus.INTERRUPTED, f"interrupted{ended}{rest}"
    return worst, _run_words(worst, statuses, first, findings, rest)


def _run_words(
    worst: ExitStatus,
    statuses: Counter[ExitStatus],
    first: Mapping[ExitStatus, TargetResult],
    findings: Sequence[Finding],
    rest: str = "",
) -> str:
    """Why a run has the status `worst`; `rest` is said behind it."""
    many = sum(statuses.values())
    if worst is ExitStatus.OK:
        if not many:
            return "there was no target"
        return f"{many} targets, all as asked" if many > 1 else "as asked"
    if worst in first:
        words = _target_words(first[worst], worst)
        if many == 1 and not rest:
            return words
        failing = many - statuses[ExitStatus.OK]
        return f"{failing} of {many}; {first[worst].target}: {words}{rest}"
    if worst is ExitStatus.NOT_AS_ASKED:
        together = _some([finding_words(finding) for finding in findings if finding.fails])
        return f"all targets together: {together}{rest}"
    return f"{many} targets were begun{rest}"


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
            rank = 0 if finding.harm == "security" else 2
            yield _Reason(ExitStatus.NOT_AS_ASKED, finding_words(finding), rank)
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


def finding_words(finding: Finding) -> str:
    """A finding as a reason: `weak-ticket-key: the ticket key can be guessed`."""
    return f"{finding.code}: {clause(finding.title)}"
