"""The state of a mechanism and single use: judged in one place, and so never at odds."""

from __future__ import annotations

from typing import Any

from tests.helpers.causes import ROWS
from tests.helpers.evidence import ADDRESS, PORT, Story
from tlsresume.evidence.states import Tried
from tlsresume.evidence.summary import summarise_address
from tlsresume.findings.judge import judge
from tlsresume.results.measured import MechanismResult, Series, State


def row_of(story: Story) -> MechanismResult | None:
    """What a report says of the story's mechanism."""
    summary = summarise_address(ADDRESS, PORT, story.evidence)
    return next((row for row in summary.mechanisms if row.mechanism == story.mechanism), None)


def test_states_of_orders() -> None:
    """Each order of tries has its state; breaks before the offer are no answer."""
    told: dict[tuple[str, str], State] = {
        ("RRR", "RRR"): "resumed",
        ("RCR", "C"): "resumed",
        ("RNN", "RRR"): "resumed",
        ("RRN", "RRR"): "partly",
        ("NNN", "NNN"): "not-resumed",
        ("EEE", "E"): "not-resumed",
        ("---", ""): "not-resumed",
        ("CCC", ""): "untested",
        ("", ""): "untested",
    }
    for (fixed, chained), state in told.items():
        found = Tried(mechanism="psk", fixed=Series.count(fixed), chained=Series.count(chained))
        assert found.state()[0] == state, (fixed, chained)
    once: dict[str, Any] = {"fixed": Series.count("RNN"), "chained": Series.count("RRR")}
    assert Tried(mechanism="ticket", **once).state()[0] == "partly"
    assert Tried(mechanism="psk", keys=2, **once).state()[0] == "partly"
    never: dict[str, Any] = {"fixed": Series.count("NN"), "chained": Series.count("NN")}
    assert Tried(mechanism="session-id", later=True, **never).state()[0] == "partly"


def test_the_report_and_the_findings_agree_on_single_use() -> None:
    """On every evidence that the rules have, a ticket counts as single-use for the state exactly
    where the finding says it, and what falls short is what has a cause or an unread answer."""
    seen = 0
    for row in ROWS:
        story = row.story()
        result = row_of(story)
        if result is None or row.mechanism != "psk" or story.saved is not None:
            continue
        found = {finding.code for finding in judge([story.view()])}
        once = (result.reason or "").startswith("single-use")
        assert once == ("single-use" in found), str(row)
        seen += once
    assert seen


def test_another_server_has_keys_of_its_own() -> None:
    """A second key name from whoever answers a padded ClientHello changes neither the state nor
    the finding: both count the keys of the tries' own server."""
    story = Story("psk").full()
    first = story.journal[-1].sessions[-1]
    story.resumed(first).declined(first).declined(first)
    for _ in range(3):
        story.resumed(None, "tries", "chained", key="a")
    story.full("hello-size", "padded", key="b")
    result = row_of(story)
    assert result is not None
    assert result.state == "resumed"
    assert {finding.code for finding in judge([story.view()])} == {"single-use"}
