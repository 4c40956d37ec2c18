"""Early data on one address: from attempts to what a report says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tlsresume.evidence.early_outcome import TOO_EARLY, outcome, untold
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import Trial
from tlsresume.request_line import MARK, SAFE
from tlsresume.results.early_data import (
    EarlyAfter,
    EarlyData,
    EarlyOutcome,
    EarlyReason,
    EarlyRequest,
    UnsafeMethod,
)
from tlsresume.tls.registry import NamedGroup, name_of
from tlsresume.units import iso_milliseconds

#: Why early data was rejected, for people.
REASONS: dict[EarlyReason, str] = {
    "hello-retry": "the server asked for another key share first (HelloRetryRequest)",
    "session-declined": "the session was not resumed, and early data goes with it",
    "server-choice": "the session was resumed; why not with early data only the server knows",
    "replay-refused": "this ticket, or these bytes, were presented before",
    "stale": "the first flight was too old",
}

#: Where the server worked, and took no early data.
_NOT_TAKEN = frozenset({"rejected", "full-handshake"})

#: Statuses by which a server, or what is behind it, refuses a request (RFC 9110 section 15.5).
_REFUSING = range(400, 600)


def early_attempts(trials: Iterable[Trial]) -> list[Trial]:
    """The connections of the experiment, without those that we or the user ended."""
    return [
        a for a in trials if a.made_for(EarlyReplay) and not (a.error is not None and a.error.ours)
    ]


def early_data(evidence: Evidence, address: str) -> EarlyData | None:
    """What is known of one address; None: nothing was asked."""
    every = early_attempts(evidence)
    own = [a for a in every if a.address == address and not a.made_for(EarlyReplay.COPY_ELSEWHERE)]
    if not own:
        return None
    of_address = evidence.at(address)
    room = max((ticket.max_early_data or 0 for a in of_address for ticket in a.tickets), default=0)
    taken = _of(own, EarlyReplay.TAKEN)
    telling = _telling(taken)
    same = _after(_of(own, EarlyReplay.FIRST_USE), _of(own, EarlyReplay.SECOND_USE))
    exact = _after_copy(_of(own, EarlyReplay.COPY), _of(own, EarlyReplay.ORIGINAL))
    other = _one(
        _after_copy(_of(every, EarlyReplay.COPY_ELSEWHERE), _of(own, EarlyReplay.ELSEWHERE))
    )
    after = tuple(_later(own))
    copies = [*exact, *(each for each in (other,) if each is not None)]
    retry = next((a.retry_group for a in taken if a.retry_group is not None), None)
    held = [a.early_answer for a in _of(own, EarlyReplay.HELD) if a.early_answer is not None]
    method = next((a.early.method for a in own if a.early is not None), None)
    took = None if telling is None else _took(taken)
    return EarlyData(
        max=room,
        accepted=took,
        same_ticket=same,
        exact_copy=_one(exact),
        exact_copies=exact,
        other_address=other,
        after=after,
        answered_before_finished=held[-1] if held else None,
        status=telling.http_status if telling else None,
        reason=_reason(taken, same, copies, after, took=took),
        group=name_of(NamedGroup, retry) if retry is not None else None,
        unsafe_method=None if method is None or method in SAFE else _unsafe(own, telling),
        method=method,
        log_pattern=_pattern(own),
        requests=tuple(_requests(own, every)),
    )


def _of(attempts: Iterable[Trial], purpose: EarlyReplay) -> list[Trial]:
    return [a for a in attempts if a.made_for(purpose)]


def _telling(taken: Sequence[Trial]) -> Trial | None:
    """The attempt at fresh early data that says most: one that was accepted, else the last."""
    told = [a for a in taken if outcome(a) is not None]
    good = [a for a in told if outcome(a) == "accepted"]
    answered = [a for a in good if a.response]
    return next(iter((*answered, *good, *reversed(told))), None)


def _took(taken: Sequence[Trial]) -> bool | None:
    """Whether early data is taken; a connection that failed before the server said tells
    nothing."""
    if any(a.early_data == "accepted" for a in taken):
        return True
    return False if any(outcome(a) not in (None, "failed") for a in taken) else None


def _after(first: Sequence[Trial], second: Sequence[Trial]) -> EarlyOutcome | None:
    if not first or not second or outcome(first[-1]) != "accepted":
        return None
    return outcome(second[-1])


def _after_copy(copies: Sequence[Trial], originals: Sequence[Trial]) -> tuple[EarlyOutcome, ...]:
    """What became of each first flight whose copy was surely taken up before: its ServerHello
    resumes the session. Where it does not, the second presentation is no replay."""
    known = {_request_id(copy) for copy in copies if copy.accepted}
    replayed = [a for a in originals if _request_id(a) in known and untold(a) is None]
    told = (outcome(attempt) for attempt in replayed)
    return tuple(each for each in told if each is not None)


def _one(outcomes: Sequence[EarlyOutcome]) -> EarlyOutcome | None:
    """What to say of several: that one was accepted, where one was."""
    if "accepted" in outcomes:
        return "accepted"
    return outcomes[-1] if outcomes else None


def _later(own: Sequence[Trial]) -> Iterable[EarlyAfter]:
    copies = _of(own, EarlyReplay.EARLIER_COPY)
    for attempt in _of(own, EarlyReplay.LATER_ORIGINAL):
        if attempt.early is not None and attempt.early.after is not None:
            result = _one(_after_copy(copies, [attempt]))
            yield EarlyAfter(seconds=attempt.early.after, result=result)


def _reason(
    taken: Sequence[Trial],
    same: EarlyOutcome | None,
    copies: Sequence[EarlyOutcome],
    after: Sequence[EarlyAfter],
    *,
    took: bool | None,
) -> EarlyReason | None:
    """Why early data was rejected; of a server that takes it when it is fresh, why it was
    rejected when it was presented again."""
    refused = next((r for a in taken if (r := rejection(a)) is not None), None)
    if refused is not None and (refused == "hello-retry" or not took):
        return refused
    late = [each.result for each in after]
    if "accepted" in copies:
        return "stale" if any(each in _NOT_TAKEN for each in late) else None
    return "replay-refused" if any(each in _NOT_TAKEN for each in (same, *copies)) else None


def rejection(attempt: Trial) -> EarlyReason | None:
    """Why early data was not taken on one connection, by what is seen there alone."""
    match outcome(attempt):
        case "rejected" | "full-handshake" if attempt.hello_retry:
            return "hello-retry"
        case "full-handshake":
            return "session-declined"
        case "rejected":
            return "server-choice"
    return None


def _unsafe(own: Sequence[Trial], telling: Trial | None) -> UnsafeMethod | None:
    """What became of a method that may change something, sent early. A status that refuses it
    counts as passed where the same request is refused after a handshake, too: it got as far."""
    if telling is None:
        return None
    if outcome(telling) != "accepted":
        return None if outcome(telling) == "failed" else "refused"
    status = telling.http_status
    if status == TOO_EARLY:
        return "too-early"
    if status is None:
        return None
    usual = {a.http_status for a in _of(own, EarlyReplay.FULL)}
    return "refused" if status in _REFUSING and status not in usual else "passed"


def _request_id(attempt: Trial) -> str | None:
    return None if attempt.early is None else attempt.early.request_id


def _pattern(own: Sequence[Trial]) -> str | None:
    first = next((name for a in own if (name := _request_id(a))), None)
    if first is None:
        return None
    return f"{MARK}[=-]{re.escape(first.partition('-')[0])}-[a-z0-9.-]*"


def _requests(own: Sequence[Trial], every: Sequence[Trial]) -> Iterable[EarlyRequest]:
    """Requests of one address; a copy of one may have gone to another address."""
    by_id: dict[str, list[Trial]] = {name: [] for a in own if (name := _request_id(a))}
    for attempt in every:
        if (name := _request_id(attempt)) in by_id:
            by_id[name].append(attempt)
    for name, attempts in by_id.items():
        count = sum(_presentations(attempt) for attempt in attempts)
        if not count:
            continue
        statuses = (attempt.http_status for attempt in attempts)
        yield EarlyRequest(
            id=name,
            sent_at=iso_milliseconds(attempts[0].time),
            presentations=count,
            answers=tuple(status for status in statuses if status is not None),
        )


def _presentations(attempt: Trial) -> int:
    """How often a connection sent its request: in early data, and again after the handshake."""
    early = attempt.presented or attempt.early_data != "not-sent"
    return int(early and attempt.traffic.sent > 0) + int(
        attempt.asked and attempt.early_data != "accepted"
    )
