"""How a finding bears on the exit status. Pure.

Counted is its severity after the policy's grades. An error fails a run (`--fail-on` moves
that), except where it says no more than a demand asks for, where it is ignored or waived, or
where the baseline has it already. On a mechanism that is neither judged nor named by a
demand a finding is information at most, unless security is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from tlsresume.policy.demands import Demands
from tlsresume.policy.mechanisms import is_enough, judged_tries, rate_percent
from tlsresume.policy.names import FailOn
from tlsresume.policy.ranges import parse_range
from tlsresume.protocols.schemes import Transport
from tlsresume.results.connection import MECHANISMS, Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.measured import MechanismResult, Severity
from tlsresume.results.report import TargetResult

_RANK: dict[Severity, int] = {"info": 0, "warning": 1, "error": 2}
_LEAST: dict[FailOn, int] = {"error": 2, "warning": 1, "never": 3}


#: Findings that the full handshake and the one offer of a quick probe can show. That another
#: was not found there means nothing.
SHOWN_BY_ONE_OFFER: frozenset[str] = frozenset(
    {
        "client-certificate",
        "client-certificate-expired",
        "client-certificate-missing",
        "lifetime-zero",
        "malformed-ticket",
        "not-issued",
        "plaintext-injection",
        "resumption-not-verified",
        "ticket-lifetime-long",
        "ticket-lifetime-too-long",
        "ticket-mac-without-key",
        "ticket-not-sealed",
        "weak-ticket-key",
    }
)


def counts(severity: Severity, fail_on: FailOn) -> bool:
    """Whether a severity is one that `--fail-on` names, or graver."""
    return _RANK.get(severity, 2) >= _LEAST[fail_on]


def graded(
    finding: Finding, grade: Severity | None, target: TargetResult, demands: Demands
) -> Severity:
    """The severity of a finding under a policy that grades its code."""
    if grade is None:
        return finding.severity
    raised = _RANK.get(grade, 2) > _RANK.get(finding.severity, 2)
    return finding.severity if raised and _speaks_aside(finding, target, demands) else grade


def _speaks_aside(finding: Finding, target: TargetResult, demands: Demands) -> bool:
    """Whether it speaks of mechanisms only that are neither judged nor named by a demand."""
    if finding.harm == "security" or _group(finding.code) in ("T", "W", None):
        return False
    rows = [row for place in places(finding, target) if (row := _row(target, *place)) is not None]
    return bool(rows) and not any(
        row.judged or demands.expect.get(row.mechanism, "any") != "any" for row in rows
    )


@cache
def _groups() -> dict[str, str]:
    from tlsresume.findings.catalogue import RULES

    return {rule.code: rule.group for rule in RULES}


def _group(code: str) -> str | None:
    return _groups().get(code)


def places(finding: Finding, target: TargetResult) -> Iterator[tuple[str, Mechanism, Transport]]:
    """Each address and mechanism that a finding speaks of, with its transport; in reports of
    earlier versions, and where it names none, all that the target has."""
    yield from product(
        _addresses(finding, target), finding.every_mechanism or MECHANISMS, (finding.transport,)
    )


def _addresses(finding: Finding, target: TargetResult) -> tuple[str, ...]:
    own = (each for each in target.addresses if each.transport == finding.transport)
    return finding.every_address or tuple(each.address for each in own)


def _row(
    target: TargetResult, address: str, mechanism: Mechanism, transport: Transport
) -> MechanismResult | None:
    return next(
        (
            row
            for each in target.addresses
            if (each.address, each.transport) == (address, transport)
            for row in each.mechanisms
            if row.mechanism == mechanism
        ),
        None,
    )


# ------------------------------------------------------- no more than was demanded


def as_demanded(finding: Finding, target: TargetResult, demands: Demands) -> bool:
    """Whether a finding says no more than what the demands ask for, wherever it was made.

    That is one that explains why sessions are not resumed (groups A and B), on mechanisms of
    which that was expected, or allowed, or of which enough are resumed.
    """
    if not explains_refusals(finding):
        return False
    # A mechanism that the address does not have (a merged finding spans several) has no say.
    spoken = [place for place in places(finding, target) if _row(target, *place) is not None]
    return bool(spoken) and all(_is_allowed(target, place, demands) for place in spoken)


def explains_refusals(finding: Finding) -> bool:
    """Whether a finding only says why sessions are not resumed, and no connection fails."""
    return finding.harm != "security" and _group(finding.code) in ("A", "B")


def _is_allowed(
    target: TargetResult, place: tuple[str, Mechanism, Transport], demands: Demands
) -> bool:
    """Whether a mechanism on an address may be refused as often as it is."""
    expected = demands.expect.get(place[1])
    if expected in ("not-resumed", "any"):
        return True
    row = _row(target, *place)
    if row is None:
        return False
    accepted, offered = judged_tries(row)
    if demands.min_rate is not None and (expected == "resumed" or not demands.expect):
        return bool(offered) and is_enough(accepted / offered, demands.min_rate)
    if expected is not None or not (demands.warning or demands.critical):
        return False
    rate = rate_percent(row)
    critical = demands.critical
    return rate is not None and not (critical and parse_range(critical).alerts(rate))


# --------------------------------------------------------------- the baseline


def is_known(
    finding: Finding, target: TargetResult, old: TargetResult, before: tuple[Finding, ...]
) -> bool:
    """Whether an earlier result of the target has a finding, everywhere, and no less grave.

    `before` are the earlier findings, graded as this one. An address that the earlier result
    did not have is compared with all that it had.
    """
    alike = [
        each
        for each in before
        if each.code == finding.code
        and each.transport == finding.transport
        and _RANK.get(each.severity, 2) >= _RANK.get(finding.severity, 2)
    ]
    had = {each.address for each in old.addresses if each.transport == finding.transport}

    def covered(address: str, mechanism: Mechanism, _transport: Transport) -> bool:
        return any(
            mechanism in (each.every_mechanism or MECHANISMS)
            and (address not in had or address in _addresses(each, old))
            for each in alike
        )

    found = list(places(finding, target))
    return bool(alike) and all(covered(*place) for place in found)
