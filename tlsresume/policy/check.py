"""One target held against its demands: what is resumed, and each limit of the table.

What was not reached is never broken.
"""

from __future__ import annotations

from collections.abc import Iterator

from tlsresume.policy.demand_table import DEMANDS, ranges_and_limits
from tlsresume.policy.demands import Asked, Demands, asked_of
from tlsresume.policy.mechanisms import check_mechanisms
from tlsresume.results.connection import MECHANISMS
from tlsresume.results.judged import Check, CheckKind, CheckOutcome
from tlsresume.results.measured import AddressResult
from tlsresume.results.report import TargetResult


def check_target(target: TargetResult, demands: Demands) -> tuple[Check, ...]:
    """Everything that is demanded of a target, and what came of it."""
    checks = [
        check for address in target.addresses for check in _check_address(target, address, demands)
    ]
    if not target.addresses:
        checks = [_unseen(target, asked, kind) for asked, kind in _each_asked(demands)]
    checks += _whole_target(target, demands)
    if demands.expect:
        named = set(demands.expect)
        unnamed = {row.mechanism for address in target.addresses for row in address.mechanisms}
        checks += [
            Asked(mechanism).check(
                "expectation", "not-checked", "no expectation names it", mechanism
            )
            for mechanism in MECHANISMS
            if mechanism in unnamed - named
        ]
    return tuple(checks)


def _check_address(
    target: TargetResult, address: AddressResult, demands: Demands
) -> Iterator[Check]:
    if address.error is not None:
        for asked, kind in _each_asked(demands):
            yield asked.check(kind, "unreachable", address.error.message, on=address)
        return
    yield from check_mechanisms(target, address, demands)
    for row in DEMANDS:
        if row.each_address is not None and (value := row.asked(demands)) is not None:
            asked = asked_of(row, demands)
            for found in row.each_address(address, value):
                yield asked.check("limit", *found, on=address)


def _each_asked(demands: Demands) -> Iterator[tuple[Asked, CheckKind]]:
    """Every demand on an address, for one that cannot be looked at."""
    if not demands.replaces_verdict:
        yield Asked("resumes"), "verdict"
    for mechanism, expected in demands.expect.items():
        if expected != "any":
            yield Asked(mechanism, expected), "expectation"
    if demands.min_rate is not None and not demands.expect:
        yield Asked("min-rate", f"{demands.min_rate:g}"), "expectation"
    for row in ranges_and_limits():
        if row.all_addresses is None and row.asked(demands) is not None:
            yield asked_of(row, demands), "limit" if row.is_limit else "threshold"


def _unseen(target: TargetResult, asked: Asked, kind: CheckKind) -> Check:
    """A demand on a target of which no address was looked at."""
    outcome: CheckOutcome = "unreachable"
    if target.error is not None:
        message = target.error.message
    else:
        outcome = "untestable"
        left = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        message = left or "nothing was tested"
    return asked.check(kind, outcome, message)


def _complete(target: TargetResult, demands: Demands) -> Iterator[Check]:
    """What was left out for want of budget or time could be what is broken."""
    if target.addresses and (target.incomplete or target.interrupted):
        left = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        kind: CheckKind = "expectation" if demands.replaces_verdict else "verdict"
        message = f"left out: {left}" if left else "interrupted"
        yield Asked("complete").check(kind, "untestable", message)


def _whole_target(target: TargetResult, demands: Demands) -> Iterator[Check]:
    yield from _complete(target, demands)
    for row in DEMANDS:
        if row.all_addresses is not None and (value := row.asked(demands)) is not None:
            asked = asked_of(row, demands)
            if target.addresses:
                for found in row.all_addresses(target, value):
                    yield asked.check("limit", *found)
            else:
                yield _unseen(target, asked, "limit")
