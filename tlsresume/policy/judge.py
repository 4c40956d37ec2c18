"""A report held against a policy and an earlier report: checks, violations, changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from msgspec import field
from msgspec.structs import replace

from tlsresume.policy.baseline import compare, known_checks
from tlsresume.policy.check import check_target
from tlsresume.policy.demands import Asked, Demands, merge
from tlsresume.policy.exit_status import decided
from tlsresume.policy.findings import (
    SHOWN_BY_ONE_OFFER,
    as_demanded,
    counts,
    graded,
    is_known,
)
from tlsresume.policy.names import FailOn
from tlsresume.policy.policy import Policy
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Change, Check, CheckOutcome, Finding, FindingEffect, Violation
from tlsresume.results.measured import Severity
from tlsresume.results.report import Report, TargetResult
from tlsresume.value import Value

#: What stands in the place of a target's name for findings that several show together.
ALL_TARGETS = "all targets"


class Judge(Value, frozen=True, kw_only=True):
    """What a run is held against. `name` says where the demands come from, None if nothing
    was demanded; `demands` are those of the command line, on top of the policy's; `today`
    is the day (UTC) that waivers are measured by. `fail_on` and `ignore` (codes) are for
    findings; `exit_zero` only stands in the report.
    """

    today: dt.date
    policy: Policy = field(default_factory=Policy)
    name: str | None = None
    demands: Demands = field(default_factory=Demands)
    baseline: Report | None = None
    baseline_name: str | None = None
    fail_on: FailOn = "error"
    ignore: tuple[str, ...] = ()
    exit_zero: bool = False

    def report(self, report: Report) -> Report:
        """The report with everything that was demanded of its targets judged."""
        targets = tuple(self._target(target) for target in report.targets)
        findings = tuple(self._together(finding) for finding in report.findings)
        held = replace(
            report,
            targets=targets,
            findings=findings,
            violations=tuple(self._violations(targets, findings)),
            policy=self.name,
            baseline=self.baseline_name,
            missing=tuple(self._missing(report)),
            exit_zero=self.exit_zero,
        )
        return decided(held)

    def _violations(
        self, targets: tuple[TargetResult, ...], findings: tuple[Finding, ...]
    ) -> Iterator[Violation]:
        broken = [(t.target, c) for t in targets for c in t.checks if c.outcome == "broken"]
        told = [] if self.name is None else [
            (c.demand, target, f"{c.where}: {c.message}" if c.where else c.message, c.severity) for target, c in broken
        ]  # fmt: skip
        told += [
            (each.code, ALL_TARGETS, each.title, each.severity)
            for each in findings
            if self._is_demand(each) and not each.excused
        ]
        for demand, target, message, severity in told:
            yield Violation(demand=demand, target=target, message=message, severity=severity)

    def demands_on(self, target: str) -> Demands:
        """All that is demanded of a target, by its name HOST:PORT."""
        return merge(self.policy.demands_on(target), self.demands)

    def named_by_demands(self, target: str) -> tuple[Mechanism, ...]:
        """The mechanisms of which something is demanded of a target, by its name HOST:PORT."""
        demands = self.demands_on(target)
        return tuple(name for name, expected in demands.expect.items() if expected != "any")

    def _missing(self, report: Report) -> Iterator[str]:
        tried = {target.target for target in report.targets}
        if self.baseline is not None:
            yield from (old.target for old in self.baseline.targets if old.target not in tried)

    def _target(self, target: TargetResult) -> TargetResult:
        demands = self.demands_on(target.target)
        held = self._graded(target, demands)
        checks = self._checks(held, demands)
        old = self._earlier(target)
        changes: tuple[Change, ...] = ()
        if old is not None:
            before = self._graded(old, demands)
            changes = compare(old, held)
            checks = known_checks(self._checks(before, demands), checks, changes)
            checks = tuple(self._known(held, before, check) for check in checks)
        elif self.baseline is not None:
            new = Change(what="target", before="not in the baseline", after="new", worse=False)
            changes = (new,)
        findings = tuple(
            replace(finding, effect=self._effect(finding, checks, held, demands))
            for finding in held.findings
        )
        return replace(held, findings=findings, checks=checks, changes=changes)

    def _graded(self, target: TargetResult, demands: Demands) -> TargetResult:
        """The target with its findings as grave as the policy has them."""

        def severity(finding: Finding) -> Severity:
            return graded(finding, self.policy.findings.get(finding.code), target, demands)

        findings = tuple(replace(each, severity=severity(each)) for each in target.findings)
        return replace(target, findings=findings)

    def _checks(self, target: TargetResult, demands: Demands) -> tuple[Check, ...]:
        found = [*check_target(target, demands), *self._finding_checks(target, demands)]
        sourced = [replace(check, source=self._source(check)) for check in found]
        return tuple(self._waived(target.target, sourced))

    def _earlier(self, target: TargetResult) -> TargetResult | None:
        if self.baseline is None:
            return None
        return next((old for old in self.baseline.targets if old.target == target.target), None)

    def _source(self, check: Check) -> str | None:
        general = "expect" if check.kind == "expectation" else ""
        return self.policy.sources.get(check.key) or self.policy.sources.get(general)

    # ---------------------------------------------------------------- findings

    def _is_demand(self, finding: Finding) -> bool:
        """Whether a finding is held against a target: by its gravity, or by the policy."""
        return self._is_graded(finding) or counts(finding.severity, self.fail_on)

    def _is_graded(self, finding: Finding) -> bool:
        return finding.severity != "info" and finding.code in self.policy.findings

    def _finding_checks(self, target: TargetResult, demands: Demands) -> Iterator[Check]:
        """A check for each finding that counts, and for each graded code that was not found."""
        for finding in target.findings:
            if self._is_demand(finding):
                yield from self._finding_check(finding, target, demands)
        if self.fail_on == "never":
            return
        absent = self.policy.findings.keys() - {finding.code for finding in target.findings}
        for code, severity in self.policy.findings.items():
            if severity == "info" or code not in absent:
                continue
            outcome: CheckOutcome = "met"
            message = "not found"
            if not any(address.mechanisms for address in target.addresses):
                outcome = "unreachable" if target.error is not None else "untestable"
                message = "nothing was tested"
            elif target.quick and code not in SHOWN_BY_ONE_OFFER:
                outcome, message = "untestable", "it needs several tries (--quick)"
            yield Asked(code).check("finding", outcome, message, severity=severity)

    def _finding_check(
        self, finding: Finding, target: TargetResult, demands: Demands
    ) -> Iterator[Check]:
        outcome: CheckOutcome = "broken"
        message = finding.title
        if self.fail_on == "never":
            outcome, message = "not-checked", f"{message}; no finding fails with --fail-on never"
        elif finding.code in self.ignore:
            outcome, message = "ignored", f"{message}; ignored (--ignore {finding.code})"
        elif as_demanded(finding, target, demands):
            outcome, message = "met", f"{message}; no more than what is demanded"
        if outcome == "met" and not self._is_graded(finding):
            return
        failing = counts(finding.severity, self.fail_on)
        yield Asked(finding.code).check(
            "finding",
            outcome,
            message,
            finding.mechanism,
            address=finding.address,
            transport=finding.transport,
            severity="error" if failing else finding.severity,
        )

    def _known(self, target: TargetResult, before: TargetResult, check: Check) -> Check:
        """A check of a finding, marked where the baseline has that finding."""
        if check.kind != "finding" or check.outcome != "broken":
            return check
        own = [finding for finding in target.findings if _is_of(check, finding)]
        if own and all(is_known(each, target, before, before.findings) for each in own):
            return replace(check, outcome="known", message=f"{check.message} (as in the baseline)")
        return check

    def _effect(
        self,
        finding: Finding,
        checks: tuple[Check, ...],
        target: TargetResult,
        demands: Demands,
    ) -> FindingEffect:
        if not self._is_demand(finding):
            return "none"
        check = next((check for check in checks if _is_of(check, finding)), None)
        if check is None:
            return "as-demanded" if as_demanded(finding, target, demands) else "none"
        match check.outcome:
            case "broken":
                return "fails" if check.severity == "error" else "none"
            case "met":
                return "as-demanded"
            case "waived" | "ignored" | "known":
                return check.outcome
        return "none"

    def _together(self, finding: Finding) -> Finding:
        """A finding that several targets show together, graded and judged."""
        grade = self.policy.findings.get(finding.code)
        own = finding if grade is None else replace(finding, severity=grade)
        return replace(own, effect=self._effect_together(own))

    def _effect_together(self, finding: Finding) -> FindingEffect:
        if not counts(finding.severity, self.fail_on):
            return "none"
        if finding.code in self.ignore:
            return "ignored"
        if self.policy.waiver(self.today, ALL_TARGETS, finding.code) is not None:
            return "waived"
        before = self.baseline.findings if self.baseline is not None else ()
        known = any(
            old.code == finding.code
            and (not old.addresses or set(finding.addresses) <= set(old.addresses))
            for old in before
        )
        return "known" if known else "fails"

    # ----------------------------------------------------------------- waivers

    def _waived(self, target: str, checks: list[Check]) -> Iterator[Check]:
        for check in checks:
            waiver = self.policy.waiver(
                self.today, target, check.demand, check.key, transport=check.transport
            )
            if waiver is not None and check.outcome in ("broken", "untestable"):
                until = f"waived until {waiver.expires}: {waiver.reason}"
                yield replace(check, outcome="waived", message=f"{check.message}; {until}")
            else:
                yield check
        for waiver in self.policy.waivers:
            if waiver.expired(self.today) and waiver.covers(target, waiver.demand):
                message = f"expired on {waiver.expires}: {waiver.reason}"
                asked = f"waiver of {waiver.demand}"
                yield Check(
                    demand=asked, key="waiver", kind="waiver", outcome="broken", message=message
                )


def _is_of(check: Check, finding: Finding) -> bool:
    """Whether a check is about a finding."""
    key = (finding.code, finding.address, finding.mechanism, finding.transport)
    own = (check.demand, check.address, check.mechanism, check.transport)
    return check.kind == "finding" and own == key
