"""One target held against its demands. Each demand is a row of `_EACH_ADDRESS` or
`_WHOLE_TARGET`: a function that looks at one address, or at all, and gives Checks.

What begins with "min" or "require" is broken where the thing is missing; what begins
with "max" or "forbid" is met there. What was not reached is never broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tlsresume.diagnosis.certificates import faults
from tlsresume.experiments.early_outcome import TOO_EARLY
from tlsresume.policy.demands import Asked, Demands
from tlsresume.policy.durations import parse_duration, short_duration
from tlsresume.policy.mechanisms import check_mechanisms
from tlsresume.results import (
    AddressResult,
    Check,
    CheckKind,
    CheckOutcome,
    EarlyData,
    Mechanism,
    TargetResult,
    TicketSummary,
)

#: The reason why one of several addresses was not even tried; it stays outside the verdict.


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
            Check(
                demand=mechanism,
                key=mechanism,
                kind="expectation",
                outcome="not-checked",
                message="no expectation names it",
                mechanism=mechanism,
            )
            for mechanism in ("psk", "ticket", "session-id")
            if mechanism in unnamed - named
        ]
    return tuple(checks)


def _check_address(
    target: TargetResult, address: AddressResult, demands: Demands
) -> Iterator[Check]:
    if address.error is not None:
        for asked, kind in _each_asked(demands):
            yield Check(
                demand=asked.text,
                key=asked.key,
                kind=kind,
                outcome="unreachable",
                message=address.error.message,
                address=address.address,
                transport=address.transport,
            )
        return
    yield from check_mechanisms(target, address, demands)
    for field, row in _EACH_ADDRESS.items():
        if getattr(demands, field) not in (None, False):
            for check in row(address, demands):
                yield replace(check, address=address.address, transport=address.transport)


def _each_asked(demands: Demands) -> Iterator[tuple[Asked, CheckKind]]:
    """Every demand on an address, for one that cannot be looked at."""
    if not demands.replaces_verdict:
        yield Asked("resumes"), "verdict"
    for mechanism, expected in demands.expect.items():
        if expected != "any":
            yield Asked(mechanism, expected), "expectation"
    if demands.min_rate is not None and not demands.expect:
        yield Asked("min-rate", f"{demands.min_rate:g}"), "expectation"
    for field in ("warning", "critical"):
        if getattr(demands, field) is not None:
            yield Asked(field, getattr(demands, field)), "threshold"
    for field in _EACH_ADDRESS:
        if getattr(demands, field) not in (None, False):
            yield asked_of(field, demands), "limit"


def asked_of(field: str, demands: Demands) -> Asked:
    """A limit as it would be typed in a policy."""
    value = getattr(demands, field)
    key = field.replace("_", "-")
    if field in ("max_lifetime", "min_lifetime"):
        return Asked(key, short_duration(parse_duration(value)))
    return Asked(key, None if value is True else str(value))


def _unseen(target: TargetResult, asked: Asked, kind: CheckKind) -> Check:
    """A demand on a target of which no address was looked at."""
    outcome: CheckOutcome = "unreachable"
    if target.error is not None:
        message = target.error.message
    else:
        outcome = "untestable"
        left = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        message = left or "nothing was tested"
    return Check(demand=asked.text, key=asked.key, kind=kind, outcome=outcome, message=message)


# -------------------------------------------------------------- on each address


def _limit(
    asked: Asked,
    outcome: CheckOutcome,
    message: str,
    mechanism: Mechanism | None = None,
) -> Check:
    return Check(
        demand=asked.text,
        key=asked.key,
        kind="limit",
        outcome=outcome,
        message=message,
        mechanism=mechanism,
    )


def _tickets(address: AddressResult) -> Iterator[tuple[Mechanism, TicketSummary]]:
    for row in address.mechanisms:
        if row.tickets is not None and row.tickets.count:
            yield row.mechanism, row.tickets


def _max_lifetime(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("max_lifetime", demands)
    most = parse_duration(demands.max_lifetime or 0)
    found = False
    for mechanism, tickets in _tickets(address):
        found = True
        if not tickets.lifetime and mechanism == "ticket":
            # RFC 5077 section 3.3: 0 leaves the lifetime unspecified.
            yield _limit(asked, "untestable", "the server states no lifetime", mechanism)
        else:
            outcome: CheckOutcome = "met" if tickets.lifetime <= most else "broken"
            yield _limit(asked, outcome, f"tickets live {_words(tickets.lifetime)}", mechanism)
    if not found:
        yield _limit(asked, "met", "no ticket is issued")


def _min_lifetime(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("min_lifetime", demands)
    least = parse_duration(demands.min_lifetime or 0)
    found = False
    for mechanism, tickets in _tickets(address):
        found = True
        if not tickets.lifetime and mechanism == "ticket":
            yield _limit(asked, "untestable", "the server states no lifetime", mechanism)
        else:
            outcome: CheckOutcome = "met" if tickets.lifetime >= least else "broken"
            yield _limit(asked, outcome, f"tickets live {_words(tickets.lifetime)}", mechanism)
    if not found:
        yield _limit(asked, "broken", "no ticket is issued")


def _words(seconds: int) -> str:
    return short_duration(seconds) if seconds else "0 s"


def _min_tickets(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("min_tickets", demands)
    tickets = dict(_tickets(address)).get("psk")
    count = tickets.count if tickets is not None else 0
    outcome: CheckOutcome = "met" if count >= (demands.min_tickets or 0) else "broken"
    spoken = "TLSv1.3" in address.tls_versions
    message = f"{count} per full handshake" if spoken else "TLS 1.3 is not spoken"
    yield _limit(asked, outcome, message, "psk")


def _early_data(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("early_data", demands)
    tickets = dict(_tickets(address)).get("psk")
    size = tickets.max_early_data if tickets is not None else 0
    wanted = demands.early_data == "require"
    message = f"tickets allow {size} bytes" if size else "tickets allow none"
    if tickets is None:
        message = "no TLS 1.3 ticket is issued"
    yield _limit(asked, "met" if bool(size) is wanted else "broken", message, "psk")


def _early_data_replay(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("early_data_replay", demands)
    outcome, message = _replays(address.early_data)
    yield _limit(asked, outcome, message, "psk")


def _replays(early: EarlyData | None) -> tuple[CheckOutcome, str]:
    """Whether a replay of early data was accepted; what was not tested is not met."""
    if early is None:
        return "untestable", "replays were not tested (--replay-early-data)"
    if early.accepted and early.status == TOO_EARLY:
        return "met", "requests in early data are answered 425: none is executed"
    if "accepted" in early.replays:
        taken = early.replays.count("accepted")
        return "broken", f"{taken} of {len(early.replays)} replays of early data were accepted"
    if not early.max:
        return "met", "tickets allow no early data"
    if early.accepted is False:
        return "met", "early data is not accepted"
    if early.exact_copy is None:
        return "untestable", "replays could not be tested"
    if "failed" in early.replays:
        return "untestable", "connections that replay early data failed"
    return "met", f"none of {len(early.replays)} replays was accepted"


def _valid_certificate(address: AddressResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("require_valid_certificate", demands)
    certificate = address.certificate
    if certificate is None:
        yield _limit(asked, "untestable", "no certificate was seen")
    elif wrong := faults(certificate):
        yield _limit(asked, "broken", wrong)
    else:
        yield _limit(asked, "met", "verified")


_EACH_ADDRESS: dict[str, Callable[[AddressResult, Demands], Iterator[Check]]] = {
    "max_lifetime": _max_lifetime,
    "min_lifetime": _min_lifetime,
    "min_tickets": _min_tickets,
    "early_data": _early_data,
    "early_data_replay": _early_data_replay,
    "require_valid_certificate": _valid_certificate,
}


# -------------------------------------------------------------- on all together


def _max_ticket_keys(target: TargetResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("max_ticket_keys", demands)
    seen: set[str] = set()
    hidden: set[str] = set()
    issued = False
    for address in target.addresses:
        for _, tickets in _tickets(address):
            issued = True
            names = {key.key_name for key in tickets.key_names}
            names |= {tickets.key_name} if tickets.key_name else set()
            seen |= names
            if not names and not tickets.stateful:
                hidden.add(address.place)
    most = demands.max_ticket_keys or 0
    if len(seen) > most:
        keys = ", ".join(sorted(key[:8] for key in seen))
        yield _limit(asked, "broken", f"{len(seen)} keys were seen: {keys}")
    elif not target.addresses:
        yield _unseen(target, asked, "limit")
    elif hidden:
        yield _limit(
            asked, "untestable", f"key names are not visible on {', '.join(sorted(hidden))}"
        )
    elif any(address.error is not None for address in target.addresses):
        yield _limit(asked, "unreachable", "not every address could be asked")
    else:
        count = f"{len(seen)} seen" if seen else "tickets have no key: they are stateful"
        yield _limit(asked, "met", count if issued else "no ticket is issued")


def _every_address(target: TargetResult, demands: Demands) -> Iterator[Check]:
    asked = asked_of("every_address", demands)
    failed = [address for address in target.addresses if address.error is not None]
    left = any(skipped.kind == "no-route" for skipped in target.skipped)
    if failed:
        yield _limit(asked, "unreachable", ", ".join(a.place for a in failed))
    elif not target.addresses:
        yield _unseen(target, asked, "limit")
    elif left or target.incomplete:
        words = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        yield _limit(asked, "untestable", words)
    else:
        count = len({address.address for address in target.addresses})
        yield _limit(asked, "met", f"{count} address{'es' if count > 1 else ''} tested")


def _complete(target: TargetResult, demands: Demands) -> Iterator[Check]:
    """What was left out for want of budget or time could be what is broken."""
    if target.addresses and (target.incomplete or target.interrupted):
        left = "; ".join(f"{skipped.what}: {skipped.reason}" for skipped in target.skipped)
        yield Check(
            demand="complete",
            key="complete",
            kind="expectation" if demands.replaces_verdict else "verdict",
            outcome="untestable",
            message=f"left out: {left}" if left else "interrupted",
        )


def _whole_target(target: TargetResult, demands: Demands) -> Iterator[Check]:
    yield from _complete(target, demands)
    if demands.max_ticket_keys is not None:
        yield from _max_ticket_keys(target, demands)
    if demands.every_address:
        yield from _every_address(target, demands)
