"""What is derived from a journal: once per revision, in linear time (tlsresume.evidence.journal)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tests.evidence import STATEFUL, Story
from tests.growth import steps
from tests.trials import changed
from tlsresume.diagnosis.judge import judge, wanted
from tlsresume.diagnosis.summary import (
    NotCounted,
    counted,
    naming_of,
    summarise_address,
    why_not_counted,
)
from tlsresume.evidence.journal import Journal, derived
from tlsresume.evidence.offer import entry_of
from tlsresume.evidence.spoiled import Spoilt, is_spoiled
from tlsresume.evidence.trial import Trial
from tlsresume.results import Failure, Mechanism

MECHANISMS: tuple[tuple[Mechanism, str], ...] = (
    ("psk", "a"), ("psk", STATEFUL), ("ticket", "a"), ("session-id", "a"),
)  # fmt: skip


def long_story(mechanism: Mechanism, key: str, rounds: int) -> Story:
    """Tries of every ending, that offer one session and fresh ones, some broken and retried."""
    story = Story(mechanism).full(key=key)
    first = story.journal[-1].sessions[-1]
    for number in range(rounds):
        tell = story.reused if number % 3 else story.declined
        tell(first, key=key)
        story.reused(None, series="chained", key=key)
        story.broken(first if number % 2 else None, kind="closed").full("control", key=key)
        story.declined(None, key=key, certificate_requested=True, response=b"HTTP/1.1 400 No\r\n")
        story.journal[-1] = changed(story.journal[-1], ask=story.journal[-1].ask - number % 2)
    return story


def slow_is_spoiled(attempt: Trial, journal: Sequence[Trial]) -> bool:
    """The definition, by a look at every pair."""
    if attempt.offer is None or not attempt.handshake_done or attempt.reused:
        return False
    handle = attempt.offer.cache_entry
    if handle is None:
        return False
    ended = attempt.time + (attempt.timings.total or 0.0) / 1000
    for other in journal:
        if other is attempt or other.time > ended:
            continue
        offered = other.offer is not None and other.offer.cache_entry == handle
        if offered and not other.handshake_done and other.offered is not None:
            return True
        refused = other.certificate_requested and other.http_status in {400, 495, 496}
        brought = any(entry_of(session) == handle for session in other.sessions)
        if refused and (offered or brought):
            return True
    return False


def test_what_is_spoilt_is_found_as_by_a_look_at_every_pair():
    """The index says of each attempt what its definition says, in whatever order they end."""
    dice = random.Random(7)
    found = 0
    for mechanism, key in MECHANISMS:
        for _ in range(20):
            journal = long_story(mechanism, key, 9).journal
            journal = [
                changed(a, time=a.time + dice.uniform(-9, 9), timings=replace(a.timings, total=2e3))
                for a in journal
            ]
            dice.shuffle(journal)
            whole, index = Journal(journal), Spoilt()
            for attempt in journal:
                index.add(attempt)
            for attempt in journal:
                expected = slow_is_spoiled(attempt, journal)
                found += expected
                assert is_spoiled(attempt, whole) == index.spoils(attempt) == expected
                handle = attempt.offer.cache_entry if attempt.offer is not None else None
                if handle is not None:
                    assert index.maybe_lost(handle) == any(
                        slow_is_spoiled(other, journal)
                        for other in journal
                        if other.offer is not None and other.offer.cache_entry == handle
                    )
    assert found > 50


def test_each_attempt_that_does_not_count_has_its_reason():
    """A retry replaces, what we ended or could not settle is no evidence, nor is what we broke."""
    story = Story("session-id").full()
    session = story.journal[-1].sessions[-1]
    story.reused(session).reused(session).reused(session).broken(session, kind="closed")
    story.declined(session, key=None)
    journal = story.journal
    journal[1] = changed(journal[1], ask=journal[2].ask)
    journal[2] = changed(journal[2], unsettled=True)
    journal[3] = changed(journal[3], error=Failure("handshake", "cancelled", "we stopped it"))
    assert why_not_counted(journal) == {
        1: NotCounted.REPLACED,
        2: NotCounted.UNSETTLED,
        3: NotCounted.OURS,
        5: NotCounted.SPOILED,
    }
    assert counted(journal) == (journal[0], journal[4])


def test_nothing_is_derived_twice_of_one_revision_nor_kept_beyond_it():
    """Asked again, a journal answers what it made; a change, of whatever kind, makes it anew."""
    story = long_story("psk", "a", 2)
    journal = Journal(story.journal)
    made = []

    def size(attempts: Sequence[Trial]) -> int:
        made.append(len(attempts))
        return len(attempts)

    for _ in range(3):
        assert derived(journal, size) == len(journal)
    assert len(made) == 1
    journal.append(journal[0])
    assert derived(journal, size) == len(journal)
    naming = naming_of(journal)
    assert naming_of(journal) is naming
    journal[0] = changed(journal[0], unsettled=True)
    assert journal[0] not in counted(journal)
    assert counted(journal) == counted(list(journal))


def test_evidence_costs_steps_in_proportion_to_attempts():
    """Four times the attempts take about four times the steps, of counting and of judging."""

    def cost(mechanism: Mechanism, key: str, rounds: int) -> int:
        story = long_story(mechanism, key, rounds)
        story.journal = journal = Journal(story.journal)

        def judge_all() -> None:
            summarise_address(story.address, 443, journal, naming_of(journal))
            view = story.view()
            wanted(view)
            judge([view])

        return steps(judge_all)

    for mechanism, key in MECHANISMS:
        cost(mechanism, key, 2)
        few, many = cost(mechanism, key, 20), cost(mechanism, key, 80)
        assert many < 5 * few, (mechanism, key, few, many)
