"""Connections that break for the path's sake: what may not be said of sessions then."""

from __future__ import annotations

import pytest

from tests.helpers.evidence import STATEFUL, Story
from tests.helpers.rows import each_row
from tlsresume.evidence.purposes import Tries
from tlsresume.evidence.states import series_of
from tlsresume.findings.judge import judge
from tlsresume.results.connection import Failure, Mechanism
from tlsresume.results.judged import Finding

ALL: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")


def by_code(story: Story) -> dict[str, Finding]:
    return {finding.code: finding for finding in judge([story.view()])}


def four_of_five(mechanism: Mechanism) -> Story:
    """A server with one cache that lost one session of five."""
    story = Story(mechanism).full(key=STATEFUL)
    first = story._latest()
    story.resumed(first).resumed(first).declined(first, key=STATEFUL)
    return story.resumed(key=STATEFUL).resumed(key=STATEFUL)


@each_row("mechanism", ["psk", "session-id"])
@each_row("kind", ["reset", "closed", "timeout"])
def test_a_miss_beside_broken_connections_is_no_error(mechanism, kind):
    """The session may have gone with a connection that was cut: both causes stand side by side."""
    story = four_of_five(mechanism)
    found = by_code(story.resumed(key=STATEFUL).broke_at_first(kind))
    finding = found["cache-miss"]
    assert finding.severity == "warning"
    assert finding.candidates[0].startswith("connections-break")
    assert "1 of 8 connections to this address broke" in " ".join(finding.evidence)
    assert "connections-break" in found
    assert "share the cache" in finding.advice


def test_a_miss_on_a_good_path_is_an_error():
    """Without any break, also where a version is refused by a reset, the cache is at fault."""
    story = four_of_five("session-id")
    for _ in range(3):
        reset = Failure("handshake", "reset", "reset")
        story._tell("discover", "full", mechanism="psk", error=reset)
    assert by_code(story)["cache-miss"].severity == "error"


@pytest.mark.parametrize("mechanism", ALL)
def test_one_break_among_offers_is_not_laid_to_all_connections(mechanism):
    """1 of 10 with, 0 of 5 without: no breaks-anyway, and nothing that blames the session."""
    story = Story(mechanism).full()
    first = story._latest()
    for _ in range(4):
        story.resumed(first)
    story.broken(first, kind="reset")
    for _ in range(3):
        story.full("control")
    story.resumed(None, "control", "offer").full("control")
    found = by_code(story)
    assert found["connections-break"].severity == "info"
    assert not {"breaks-anyway", "dies-on-session", "fails-with-session"} & set(found)
    assert series_of(story.journal, Tries.FIXED).order == "RRRRE"


def test_breaks_of_offers_alone_are_not_spared_when_chance_is_unlikely():
    """Eight of ten offers break, and none of five without: one answered offer excuses nothing."""
    story = Story("ticket").full()
    for _ in range(8):
        story.broken(kind="closed")
    story.full("control").resumed(None, "control", "offer").full("control")
    story.full("tries").full("tries")
    found = by_code(story)
    assert "dies-on-session" in found
    assert not {"breaks-anyway", "connections-break"} & set(found)
