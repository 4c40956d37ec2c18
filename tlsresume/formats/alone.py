"""A report of many targets as one of each: what formats print that speak per target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tlsresume.policy.exit_status import decided
from tlsresume.results.report import Report


def each_alone(report: Report) -> Iterator[Report]:
    """A report for each target, with that target's own exit status and why.

    What several targets show together is in every one, and decides the run, not these.
    """
    for target in report.targets:
        alone = decided(replace(report, targets=(target,), findings=()))
        yield replace(alone, findings=report.findings)
