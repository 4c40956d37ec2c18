"""What is expected of mechanisms: the default verdict, `expect`, rates and thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tlsresume.policy.demands import Asked, Demands, Expected
from tlsresume.policy.ranges import parse_range
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Check, CheckKind, CheckOutcome
from tlsresume.results.measured import AddressResult, MechanismResult, Severity, State
from tlsresume.results.places import version_label
from tlsresume.results.report import TargetResult

VERSION_LABEL: dict[Mechanism, str] = {
    "psk": "TLSv1.3",
    "ticket": "TLSv1.2",
    "session-id": "TLSv1.2",
}
_STATE_OUTCOME: dict[State, CheckOutcome] = {
    "resumed": "met",
    "partly": "broken",
    "not-resumed": "broken",
    "not-issued": "broken",
    "untested": "untestable",
}
#: The same where nothing may be resumed.
_INVERSE = _STATE_OUTCOME | {
    "resumed": "broken",
    "not-resumed": "met",
    "not-issued": "met",
}


def check_mechanisms(
    target: TargetResult, address: AddressResult, demands: Demands
) -> Iterator[Check]:
    """The checks of one address that are about what is resumed."""
    if not demands.replaces_verdict:
        yield from _default_verdict(address)
        return
    for mechanism, expected in demands.expect.items():
        yield _expectation(target, address, mechanism, expected, demands.min_rate)
    if demands.min_rate is not None and not demands.expect:
        held = _rates(address, demands.min_rate)
        yield from _untold(held) if target.quick else held
    thresholds = _thresholds(address, demands)
    yield from _untold(thresholds) if target.quick else thresholds


def _untold(checks: Iterator[Check]) -> Iterator[Check]:
    """Checks of rates on a target where each session was offered once only."""
    for check in checks:
        yield replace(check, outcome="untestable", message="a rate needs several tries (--quick)")


def judged_tries(row: MechanismResult) -> tuple[int, int]:
    """Accepted and offered sessions that a rate is made of.

    Where that is due, those of fresh tickets only (`MechanismResult.by_fresh_tickets`).
    """
    if row.by_fresh_tickets:
        return row.chained.accepted, row.chained.offered
    both = (row.fixed, row.chained)
    return sum(each.accepted for each in both), sum(each.offered for each in both)


def is_enough(share: float, least: float) -> bool:
    """Whether a share is the lowest one at least; exactly that is, whatever floats make of it."""
    return share >= least - 1e-9


def rate_percent(row: MechanismResult) -> float | None:
    """The judged rate in percent; None where nothing was offered, 0 where nothing is issued."""
    accepted, offered = judged_tries(row)
    if not offered:
        return 0.0 if row.state == "not-issued" else None
    return 100 * accepted / offered


def tries_words(row: MechanismResult) -> str:
    """What happened to a mechanism, in few words."""
    if row.state == "not-issued":
        return f"not issued: {row.reason}" if row.reason else "not issued"
    accepted, offered = judged_tries(row)
    if not offered:
        return row.reason or row.state.replace("-", " ")
    words = f"{accepted} of {offered} resumed"
    if row.by_fresh_tickets:
        words += " with fresh tickets"
    return f"{words} ({row.reason})" if row.reason else words


def _judged(address: AddressResult) -> list[MechanismResult]:
    return [row for row in address.mechanisms if row.judged]


def _nothing(asked: Asked, kind: CheckKind, address: AddressResult) -> Check:
    return asked.check(kind, "untestable", "nothing could be tested here", on=address)


def _default_verdict(address: AddressResult) -> Iterator[Check]:
    rows = _judged(address)
    if not rows:
        yield _nothing(Asked("resumes"), "verdict", address)
    for row in rows:
        outcome = _STATE_OUTCOME.get(row.state, "untestable")
        yield Asked("resumes").check("verdict", outcome, tries_words(row), row.mechanism, address)


def _expectation(
    target: TargetResult,
    address: AddressResult,
    mechanism: Mechanism,
    expected: Expected,
    min_rate: float | None,
) -> Check:
    asked = Asked(mechanism, expected)
    row = next((row for row in address.mechanisms if row.mechanism == mechanism), None)
    if expected == "any":
        message = tries_words(row) if row is not None else "not spoken, or not tried"
        return asked.check("expectation", "met", message, mechanism, address)
    if row is None:
        outcome, message = _missing(target, address, mechanism, expected)
    else:
        outcomes = _INVERSE if expected == "not-resumed" else _STATE_OUTCOME
        outcome, message = outcomes.get(row.state, "untestable"), tries_words(row)
        issued = row.state not in ("not-issued", "untested")
        if expected == "resumed" and min_rate is not None and issued:
            outcome = _rate_outcome(row, min_rate)
            message += f", {min_rate:.0%} demanded"
    return asked.check("expectation", outcome, message, mechanism, address)


def _missing(
    target: TargetResult, address: AddressResult, mechanism: Mechanism, expected: Expected
) -> tuple[CheckOutcome, str]:
    """A mechanism that the report has no row for: not tried, silent, or not spoken."""
    label = version_label(VERSION_LABEL[mechanism], address.transport)
    words = label.replace("TLSv", "TLS ")
    if not any(attempt.mechanism == mechanism for attempt in address.attempts):
        return "untestable", f"{words} was not tried"
    doubted = VERSION_LABEL[mechanism]
    silent = any(
        (skipped.tls_version, skipped.address) == (doubted, address.address)
        for skipped in target.skipped
    )
    if silent or label in address.tls_versions:
        return "untestable", f"the {words} handshake for it did not succeed"
    return "met" if expected == "not-resumed" else "broken", f"{words} is not spoken"


def _rate_outcome(row: MechanismResult, least: float) -> CheckOutcome:
    accepted, offered = judged_tries(row)
    if not offered:
        return _STATE_OUTCOME.get(row.state, "untestable")
    return "met" if is_enough(accepted / offered, least) else "broken"


def _rates(address: AddressResult, least: float) -> Iterator[Check]:
    asked = Asked("min-rate", f"{least:g}")
    rows = _judged(address)
    if not rows:
        yield _nothing(asked, "expectation", address)
    for row in rows:
        outcome = _rate_outcome(row, least)
        yield asked.check("expectation", outcome, tries_words(row), row.mechanism, address)


def _thresholds(address: AddressResult, demands: Demands) -> Iterator[Check]:
    severities: dict[str, Severity] = {"warning": "warning", "critical": "error"}
    for name, severity in severities.items():
        text = getattr(demands, name)
        if text is None:
            continue
        asked, limit = Asked(name, text), parse_range(text)
        rows = _judged(address)
        if not rows:
            yield _nothing(asked, "threshold", address)
        for row in rows:
            rate = rate_percent(row)
            outcome: CheckOutcome = "untestable"
            if rate is not None:
                outcome = "broken" if limit.alerts(rate) else "met"
            yield asked.check(
                "threshold", outcome, tries_words(row), row.mechanism, address,
                severity=severity, limit=text,
            )  # fmt: skip
