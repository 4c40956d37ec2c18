"""What is kept of targets whose results went out already: enough to end the run with.

A result with its attempts is tens of kilobytes; what the summary, the last line and the exit
status need of it is a few hundred bytes. Findings lose their evidence here, and equal ones are
one value, since lists have thousands of targets with the same cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tlsresume.errors import ExitStatus
from tlsresume.findings.across_targets import SharedKeys
from tlsresume.policy.exit_status import decided_of_many, target_status
from tlsresume.results.judged import Finding
from tlsresume.results.report import Report, TargetResult, Tool


class Tally:
    """The judged results of a run, one by one."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self._targets: list[TargetResult] = []
        self._findings: dict[Finding, Finding] = {}
        self._keys = SharedKeys()
        #: The first target of each status, as it was judged.
        self._first: dict[ExitStatus, TargetResult] = {}
        self.statuses: Counter[ExitStatus] = Counter()
        self.interrupted = False
        self.not_begun = 0

    def __len__(self) -> int:
        return len(self._targets)

    def add(self, report: Report) -> None:
        """Count the targets of a report that was judged."""
        for target in report.targets:
            status = target_status(target)
            self.statuses[status] += 1
            self._first.setdefault(status, target)
            self._keys.add(target)
            self._targets.append(self._slim(target, status))
            self.interrupted |= target.interrupted

    def _slim(self, target: TargetResult, status: ExitStatus) -> TargetResult:
        return TargetResult(
            target=target.target,
            verdict=target.verdict,
            quick=target.quick,
            incomplete=target.incomplete,
            interrupted=target.interrupted,
            exit_status=int(status),
            why=target.why if status else "",
            connections=target.connections,
            duration_ms=target.duration_ms,
            findings=tuple(self._shared(finding) for finding in target.findings),
        )

    def _shared(self, finding: Finding) -> Finding:
        bare = replace(
            finding,
            evidence=(),
            details=(),
            address=None,
            addresses=(),
            not_known=(),
            candidates=(),
        )
        return self._findings.setdefault(bare, bare)

    def report(self, judge: Callable[[Report], Report], reason: str) -> Report:
        """The report of the whole run, without what each target showed. `judge` judges what the
        targets show together; `reason` says why targets were not begun, if any were not."""
        together = judge(Report(tool=self._tool, findings=self._keys.findings()))
        status, why = decided_of_many(
            self.statuses,
            self._first,
            together.findings,
            interrupted=self.interrupted,
            not_begun=(self.not_begun, reason),
        )
        return replace(together, targets=tuple(self._targets), exit_status=int(status), why=why)
