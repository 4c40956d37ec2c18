"""What is derived from all trials of a target: once per revision, in linear time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from operator import is_

import pytest

from tests.helpers.evidence import STATEFUL, Story
from tests.helpers.growth import steps
from tests.helpers.trials import changed
from tlsresume.evidence.destroyed_sessions import DestroyedSessions
from tlsresume.evidence.evidence import Evidence, NotCounted
from tlsresume.evidence.offer import entry_of
from tlsresume.evidence.purposes import Control, Retry, Tries
from tlsresume.evidence.summary import summarise_address
from tlsresume.evidence.trial import Trial
from tlsresume.findings.judge import judge, wanted
from tlsresume.results.connection import Failure, Mechanism

MECHANISMS: tuple[tuple[Mechanism, str], ...] = (
    ("psk", "a"), ("psk", STATEFUL), ("ticket", "a"), ("session-id", "a"),
)  # fmt: skip


def long_story(mechanism: Mechanism, key: str, rounds: int) -> Story:
    """Tries of every ending, that offer one session and fresh ones, some broken and retried."""
    story = Story(mechanism).full(key=key)
    first = story.journal[-1].sessions[-1]
    for number in range(rounds):
        tell = story.resumed if number % 3 else story.declined
        tell(first, key=key)
        story.resumed(None, series="chained", key=key)
        story.broken(first if number % 2 else None, kind="closed").full("control", key=key)
        story.declined(None, key=key, certificate_requested=True, response=b"HTTP/1.1 400 No\r\n")
        story.journal[-1] = changed(story.journal[-1], ask=story.journal[-1].ask - number % 2)
    return story


def slow_is_spoiled(attempt: Trial, journal: Sequence[Trial]) -> bool:
    """The definition, by a look at every pair."""
    if attempt.offer is None or not attempt.handshake_done or attempt.resumed:
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


@pytest.mark.slow
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
            whole, index = Evidence(journal), DestroyedSessions()
            for attempt in journal:
                index.add(attempt)
            for attempt in journal:
                expected = slow_is_spoiled(attempt, journal)
                found += expected
                assert whole.spoilt.spoils(attempt) == index.spoils(attempt) == expected
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
    story.resumed(session).resumed(session).resumed(session).broken(session, kind="closed")
    story.declined(session, key=None)
    journal = story.journal
    journal[1] = changed(journal[1], ask=journal[2].ask)
    journal[2] = changed(journal[2], unsettled=True)
    journal[3] = changed(journal[3], error=Failure("handshake", "cancelled", "we stopped it"))
    assert story.evidence.not_counted == {
        1: NotCounted.REPLACED,
        2: NotCounted.UNSETTLED,
        3: NotCounted.OURS,
        5: NotCounted.SPOILED,
    }
    assert story.evidence.counted == (journal[0], journal[4])


def test_nothing_is_derived_twice_of_one_revision_nor_kept_beyond_it():
    """Asked again, evidence answers what it made; a change, of whatever kind, makes it anew."""
    story = long_story("psk", "a", 2)
    told = story.evidence

    def derived() -> tuple[object, ...]:
        return (told.counted, told.not_counted, told.naming,
                told.of("psk"), told.at(story.address))  # fmt: skip

    before = derived()
    assert all(map(is_, before, derived()))
    told.append(changed(told[0], n=len(told) + 1, ask=99, time=story.now))
    after = derived()
    assert not any(map(is_, before, after))
    assert told[-1] in told.counted
    told.correct(told[-1].left_unsettled())
    assert not any(map(is_, after, derived()))
    assert told.not_counted[len(told) - 1] is NotCounted.UNSETTLED
    assert told.counted == Evidence(list(told)).counted


def test_what_is_corrected_is_learnt_anew():
    """A trial that turns out not to have broken spoils no session any more, nor issues one."""
    story = Story("session-id").full()
    session = story.journal[-1].sessions[-1]
    story.broken(session, kind="closed").declined(session, key=None)
    told = story.evidence
    assert told.not_counted == {2: NotCounted.SPOILED}
    told.correct(changed(told[1], handshake_done=True, resumed=True, error=None))
    assert told.not_counted == {}
    assert told.issuer_of(session.fields.session_id) is told[0]
    told.correct(changed(told[0], sessions=()))
    assert told.issuer_of(session.fields.session_id) is None


def test_evidence_is_found_by_place_mechanism_purpose_and_handle():
    """Each index holds what a look at all trials finds, and one address knows all key names."""
    story = long_story("psk", "a", 6)
    for number, trial in enumerate(story.journal):
        place = {"address": f"192.0.2.{number % 3}"}
        story.journal[number] = changed(trial, **place, mechanism=("psk", "ticket")[number % 2])
    told = story.evidence
    for address in ("192.0.2.0", "192.0.2.1", "192.0.2.2", "192.0.2.9"):
        assert list(told.at(address)) == [t for t in story.journal if t.address == address]
        assert told.at(address).naming is told.naming
    for mechanism in ("psk", "ticket"):
        assert tuple(told.of(mechanism)) == tuple(
            t for t in told.counted if t.mechanism == mechanism
        )
    for purpose in (Tries, Tries.CHAINED, Control, Control.FULL, Retry):
        assert told.made_for(purpose) == [t for t in told.counted if t.made_for(purpose)]
    for trial in story.journal:
        for session in trial.sessions:
            issuer = next(t for t in story.journal if session in t.sessions)
            assert told.issuer_of(session.fields.ticket) is issuer
    assert told.issuer_of(b"unknown") is None


@pytest.mark.slow
def test_evidence_costs_steps_in_proportion_to_attempts():
    """Four times the attempts take about four times the steps, of counting and of judging."""

    def cost(mechanism: Mechanism, key: str, rounds: int) -> int:
        story = long_story(mechanism, key, rounds)

        def judge_all() -> None:
            summarise_address(story.address, 443, story.evidence)
            view = story.view()
            wanted(view)
            judge([view])

        return steps(judge_all)

    for mechanism, key in MECHANISMS:
        cost(mechanism, key, 2)
        few, many = cost(mechanism, key, 20), cost(mechanism, key, 80)
        assert many < 5 * few, (mechanism, key, few, many)


def test_how_a_connection_ended_is_filled_in():
    """A trial whose end was awaited stays who it was: what it issued, and what it spoilt."""
    story = Story("session-id").full()
    session = story.journal[-1].sessions[-1]
    story.broken(session, kind="closed").declined(session, key=None)
    told, before = story.evidence, story.evidence.not_counted
    for at in range(len(told)):
        told.settle(changed(told[at], closed="by-peer"))
    assert told.not_counted == before == {2: NotCounted.SPOILED}
    assert {trial.closed for trial in told} == {"by-peer"}
    assert told.issuer_of(session.fields.session_id) is told[0]
