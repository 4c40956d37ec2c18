"""Known reports, held against demands: the cases that every pipeline format is printed with."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tests.golden import cases
from tlsresume.policy.demands import Demands
from tlsresume.policy.judge import Judge
from tlsresume.policy.reading import parse_policy
from tlsresume.results.report import Report

TODAY = dt.date(2026, 2, 1)

POLICY = """
about = "what the tests demand"
[defaults]
max-lifetime = "1h"
early-data = "forbid"
require-valid-certificate = true
[targets."lb.example.com"]
expect = { psk = "resumed", session-id = "not-resumed" }
max-ticket-keys = 1
[findings]
other-ticket-key = "error"
single-use = "warning"
[[waivers]]
target = "*.example.com"
demand = "require-valid-certificate"
reason = "a test's own authority"
expires = 2026-02-01
[[waivers]]
target = "lb.example.com"
demand = "max-ticket-keys"
reason = "shared in January"
expires = 2026-01-31
[sources]
max-lifetime = "our own rule 7"
"""

_DEFAULT = Judge(today=TODAY)
_STRICT = Judge(today=TODAY, policy=parse_policy(POLICY, "team.toml"), name="team.toml")
_BETTER = replace(
    cases.PARTLY,
    verdict="resumes",
    addresses=(
        replace(cases.PARTLY.addresses[0], mechanisms=(cases.psk("RRRRR", "RRRRR"),)),
        cases.PARTLY.addresses[1],
    ),
    findings=(),
)
_SINCE = replace(
    _DEFAULT,
    baseline=cases.report(_BETTER, cases.BROKEN, cases.GOOD),
    baseline_name="yesterday.json",
)

#: Each case by name: a report with its checks.
JUDGED: dict[str, Report] = {
    **{name: _DEFAULT.report(report) for name, report in cases.REPORTS.items()},
    "policy": _STRICT.report(cases.REPORTS["mixed"]),
    "baseline": _SINCE.report(cases.report(cases.PARTLY, cases.BROKEN)),
    "inverse": replace(
        _DEFAULT, name="command line", demands=Demands(expect={"psk": "not-resumed"})
    ).report(cases.REPORTS["good"]),
}
