"""A report held against a policy and an earlier report: checks, violations, changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tlsresume.policy.baseline import compare, known_checks
from tlsresume.policy.check import check_target
from tlsresume.policy.demands import Demands, merge
from tlsresume.policy.policy import Policy
from tlsresume.results import (
    Change,
    Check,
    CheckOutcome,
    Finding,
    Report,
    TargetResult,
    Violation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What a run is held against. `name` says where the demands come from, None if nothing
    was demanded; `demands` are those of the command line, on top of the policy's; `today`
    is the day (UTC) that waivers are measured by.
    """

    today: dt.date
    policy: Policy = field(default_factory=Policy)
    name: str | None = None
    demands: Demands = field(default_factory=Demands)
    baseline: Report | None = None
    baseline_name: str | None = None

    def report(self, report: Report) -> Report:
        """The report with everything that was demanded of its targets judged."""
        targets = tuple(self._target(target) for target in report.targets)
        violations = tuple(
            Violation(
                demand=check.demand,
                target=target.target,
                message=_where(check) + check.message,
                severity=check.severity,
            )
            for target in targets
            for check in target.checks
            if check.outcome == "broken" and self.name is not None
        )
        findings = tuple(self._graded(finding) for finding in report.findings)
        together = tuple(
            Violation(
                demand=finding.code,
                target="all targets",
                message=finding.title,
                severity=finding.severity,
            )
            for finding in findings
            if self.policy.findings.get(finding.code, "info") != "info"
        )
        return replace(
            report,
            targets=targets,
            findings=findings,
            violations=violations + together,
            policy=self.name,
            baseline=self.baseline_name,
            missing=tuple(self._missing(report)),
        )

    def _missing(self, report: Report) -> Iterator[str]:
        tried = {target.target for target in report.targets}
        if self.baseline is not None:
            yield from (old.target for old in self.baseline.targets if old.target not in tried)

    def _target(self, target: TargetResult) -> TargetResult:
        demands = merge(self.policy.demands_on(target.target), self.demands)
        findings = tuple(self._graded(finding) for finding in target.findings)
        graded = replace(target, findings=findings)
        checks = self._checks(graded, demands)
        old = self._earlier(target)
        if old is not None:
            changes = compare(old, graded)
            checks = known_checks(self._checks(old, demands), checks, changes)
            return replace(graded, checks=checks, changes=changes)
        if self.baseline is not None:
            change = Change(what="target", before="not in the baseline", after="new", worse=False)
            return replace(graded, checks=checks, changes=(change,))
        return replace(graded, checks=checks)

    def _checks(self, target: TargetResult, demands: Demands) -> tuple[Check, ...]:
        found = [*check_target(target, demands), *self._finding_checks(target)]
        sourced = [replace(check, source=self._source(check)) for check in found]
        return tuple(self._waived(target.target, sourced))

    def _earlier(self, target: TargetResult) -> TargetResult | None:
        if self.baseline is None:
            return None
        return next((old for old in self.baseline.targets if old.target == target.target), None)

    def _source(self, check: Check) -> str | None:
        sources = self.policy.sources
        key = check.demand.partition("=")[0]
        return sources.get(key) or (sources.get("expect") if check.kind == "expectation" else None)

    # ---------------------------------------------------------------- findings

    def _graded(self, finding: Finding) -> Finding:
        severity = self.policy.findings.get(finding.code)
        return finding if severity is None else replace(finding, severity=severity)

    def _finding_checks(self, target: TargetResult) -> Iterator[Check]:
        for code, severity in self.policy.findings.items():
            if severity == "info":
                continue
            found = [finding for finding in target.findings if finding.code == code]
            for finding in found:
                yield Check(
                    demand=code,
                    kind="finding",
                    outcome="broken",
                    message=finding.title,
                    address=finding.address,
                    mechanism=finding.mechanism,
                    severity=severity,
                )
            if not found:
                outcome: CheckOutcome = "met"
                message = "not found"
                if not any(address.mechanisms for address in target.addresses):
                    outcome = "unreachable" if target.error is not None else "untestable"
                    message = "nothing was tested"
                yield Check(
                    demand=code, kind="finding", outcome=outcome, message=message, severity=severity
                )

    # ----------------------------------------------------------------- waivers

    def _waived(self, target: str, checks: list[Check]) -> Iterator[Check]:
        for check in checks:
            waiver = next(
                (
                    waiver
                    for waiver in self.policy.waivers
                    if waiver.covers(target, check.demand) and not waiver.expired(self.today)
                ),
                None,
            )
            if waiver is not None and check.outcome in ("broken", "untestable"):
                until = f"waived until {waiver.expires}: {waiver.reason}"
                yield replace(check, outcome="waived", message=f"{check.message}; {until}")
            else:
                yield check
        for waiver in self.policy.waivers:
            if waiver.expired(self.today) and waiver.covers(target, waiver.demand):
                yield Check(
                    demand=f"waiver of {waiver.demand}",
                    kind="waiver",
                    outcome="broken",
                    message=f"expired on {waiver.expires}: {waiver.reason}",
                )


def _where(check: Check) -> str:
    parts = [part for part in (check.address, check.mechanism) if part]
    if check.mechanism and check.demand.startswith(f"{check.mechanism}="):
        parts = parts[:-1]
    return f"{' '.join(parts)}: " if parts else ""
