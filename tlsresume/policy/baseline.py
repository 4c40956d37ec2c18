"""What is not as it was in an earlier report of the same target, and what of it is worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from tlsresume.policy.mechanisms import judged_tries, tries_words
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Change, Check, CheckOutcome
from tlsresume.results.measured import (
    AddressResult,
    MechanismResult,
    State,
    TicketSummary,
    Verdict,
    wilson_interval,
)
from tlsresume.results.report import TargetResult

_VERDICT_RANK: dict[Verdict, int] = {
    "resumes": 3,
    "partly": 2,
    "does-not-resume": 1,
    "untested": 0,
}
_STATE_RANK: dict[State, int] = {
    "resumed": 3,
    "partly": 2,
    "not-resumed": 1,
    "not-issued": 1,
    "untested": 0,
}
#: How bad an outcome is; one that is no worse than before is known.
_BADNESS: dict[CheckOutcome, int] = {
    "met": 0,
    "not-checked": 0,
    "waived": 0,
    "ignored": 0,
    "known": 0,
    "untestable": 1,
    "unreachable": 2,
    "broken": 2,
}


def compare(old: TargetResult, new: TargetResult) -> tuple[Change, ...]:
    """Everything that changed between two results of one target."""
    changes = []
    if old.verdict != new.verdict:
        worse = _VERDICT_RANK.get(new.verdict, 0) < _VERDICT_RANK.get(old.verdict, 0)
        changes.append(Change(what="verdict", before=old.verdict, after=new.verdict, worse=worse))
    if not old.addresses and not new.addresses:
        before, after = (each.error.message if each.error else "" for each in (old, new))
        if bool(before) != bool(after):
            worse = bool(after)
            changes.append(
                Change(what="error", before=before or "none", after=after or "none", worse=worse)
            )
    for before_address, after_address in _pairs(old, new):
        changes += _addresses(before_address, after_address)
    changes += _findings(old, new)
    return tuple(changes)


def known_checks(
    before: Sequence[Check], after: Sequence[Check], changes: Sequence[Change]
) -> tuple[Check, ...]:
    """The checks, with those that are no worse than they were in the baseline marked so.
    Those of findings are left as they are: `is_known` of policy/findings.py compares those."""
    earlier: dict[tuple[str, str | None, str | None, str], int] = {}
    addresses = {check.address for check in before if check.address}
    for check in before:
        key = (check.demand, check.address, check.mechanism, check.transport)
        earlier[key] = max(earlier.get(key, 0), _BADNESS.get(check.outcome, 1))
    worse = {
        (change.address, change.mechanism, change.transport) for change in changes if change.worse
    }
    only = next(iter(addresses)) if len(addresses) == 1 else None

    def judged(check: Check) -> Check:
        badness = _BADNESS.get(check.outcome, 1)
        if not badness or (check.kind == "finding" and check.outcome == "broken"):
            return check
        key = (check.demand, check.address, check.mechanism, check.transport)
        if key not in earlier and only:
            # A single address that moved is compared with where it was.
            key = (check.demand, only, check.mechanism, check.transport)
        was = earlier.get(key, 0)
        place = (check.address, check.mechanism, check.transport)
        got_worse = check.mechanism is not None and place in worse
        if badness > was or got_worse:
            return check
        return replace(check, outcome="known", message=f"{check.message} (as in the baseline)")

    return tuple(judged(check) for check in after)


def _pairs(
    old: TargetResult, new: TargetResult
) -> Iterator[tuple[AddressResult | None, AddressResult | None]]:
    """The addresses of each transport; a single one that moved is the same."""
    transports = (each.transport for each in (*old.addresses, *new.addresses))
    for transport in dict.fromkeys(transports):
        was, now = (
            [each for each in target.addresses if each.transport == transport]
            for target in (old, new)
        )
        if len(was) == len(now) == 1:
            yield was[0], now[0]
            continue
        before, after = ({each.address: each for each in found} for found in (was, now))
        for name in dict.fromkeys((*before, *after)):
            yield before.get(name), after.get(name)


def _addresses(old: AddressResult | None, new: AddressResult | None) -> Iterator[Change]:
    if old is not None and new is not None:
        yield from _one_address(old, new)
    elif (one := old or new) is not None:
        before, after = (each.address if each is not None else "none" for each in (old, new))
        yield Change(
            what="address", before=before, after=after, worse=False,
            address=one.address, transport=one.transport,
        )  # fmt: skip


def _one_address(old: AddressResult, new: AddressResult) -> Iterator[Change]:
    def change(
        what: str, before: object, after: object, *, worse: bool, mechanism: Mechanism | None = None
    ) -> Change:
        return Change(
            what=what, before=str(before), after=str(after), worse=worse,
            address=new.address, mechanism=mechanism, transport=new.transport,
        )  # fmt: skip

    if old.address != new.address:
        yield change("address", old.address, new.address, worse=False)
    if bool(old.error) != bool(new.error):
        before, after = (each.error.message if each.error else "none" for each in (old, new))
        yield change("error", before, after, worse=new.error is not None)
    if new.error is not None or old.error is not None:
        return
    if old.tls_versions != new.tls_versions:
        before, after = (", ".join(each.tls_versions) or "none" for each in (old, new))
        yield change("TLS versions", before, after, worse=False)
    if old.certificate is not None and new.certificate is not None:
        was, now = old.certificate, new.certificate
        if was.verify_code != now.verify_code:
            worse = was.verify_code == 0
            yield change("certificate", was.verify_message, now.verify_message, worse=worse)
    before_rows, after_rows = (
        {row.mechanism: row for row in each.mechanisms} for each in (old, new)
    )
    for mechanism in dict.fromkeys((*before_rows, *after_rows)):
        alike = partial(change, mechanism=mechanism)
        yield from _mechanism(alike, before_rows.get(mechanism), after_rows.get(mechanism))


def _mechanism(
    change: Callable[..., Change], old: MechanismResult | None, new: MechanismResult | None
) -> Iterator[Change]:
    if old is None or new is None:
        before, after = (each.state if each else "not spoken" for each in (old, new))
        worse = old is not None and old.judged and old.state == "resumed"
        yield change("state", before, after, worse=worse)
        return
    if old.state != new.state:
        yield change(
            "state",
            f"{old.state} ({tries_words(old)})",
            f"{new.state} ({tries_words(new)})",
            worse=_STATE_RANK.get(new.state, 0) < _STATE_RANK.get(old.state, 0),
        )
    elif _rate_moved(old, new):
        (was, of), (now, by) = judged_tries(old), judged_tries(new)
        yield change("rate", tries_words(old), tries_words(new), worse=now / by < was / of)
    elif new.fails_with_session and not old.fails_with_session:
        yield change("refusal", "full handshake", "the handshake fails", worse=True)
    if old.tickets is not None and new.tickets is not None:
        yield from _tickets(change, old.tickets, new.tickets)


def _tickets(
    change: Callable[..., Change], was: TicketSummary, now: TicketSummary
) -> Iterator[Change]:
    if was.lifetime != now.lifetime:
        yield change("lifetime", f"{was.lifetime} s", f"{now.lifetime} s", worse=False)
    if was.count != now.count:
        yield change("tickets", was.count, now.count, worse=now.count < was.count)
    if len(was.key_names) != len(now.key_names):
        yield change(
            "ticket keys", len(was.key_names), len(now.key_names),
            worse=len(now.key_names) > max(1, len(was.key_names)),
        )  # fmt: skip
    elif was.key_name and now.key_name and was.key_name != now.key_name:
        yield change("ticket key", was.key_name[:8], now.key_name[:8], worse=False)
    if was.max_early_data != now.max_early_data:
        yield change("early data", was.max_early_data, now.max_early_data, worse=False)


def _rate_moved(old: MechanismResult, new: MechanismResult) -> bool:
    """Whether two rates differ by more than chance: their 95 % intervals do not meet."""
    (was, of), (now, by) = judged_tries(old), judged_tries(new)
    if not of or not by:
        return False
    low, high = wilson_interval(was, of)
    new_low, new_high = wilson_interval(now, by)
    return new_high < low or new_low > high


def _findings(old: TargetResult, new: TargetResult) -> Iterator[Change]:
    was, now = (
        {(f.code, f.address, f.mechanism, f.transport): f for f in target.findings}
        for target in (old, new)
    )
    come = [finding for key, finding in now.items() if key not in was]
    for finding in (*come, *(finding for key, finding in was.items() if key not in now)):
        words, new_one = f"{finding.code}: {finding.title}", finding in come
        yield Change(
            what="finding", before="none" if new_one else words, after=words if new_one else "none",
            worse=new_one and finding.severity != "info", address=finding.address,
            mechanism=finding.mechanism, transport=finding.transport,
        )  # fmt: skip
