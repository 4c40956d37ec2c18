"""Views in, findings out: precedence, severities, and the same cause seen twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.helpers.causes import ROWS
from tests.helpers.evidence import ADDRESS, OTHER_LEAF, STATEFUL, Story, alert
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.judge import judge, named, wanted
from tlsresume.findings.view import NotRun, WhyNotRun
from tlsresume.results.connection import Mechanism
from tlsresume.results.judged import Finding
from tlsresume.results.measured import Severity
from tlsresume.tls.registry import AlertDescription


def two_nodes(mechanism: Mechanism = "psk") -> Story:
    (row,) = [r for r in ROWS if r.name == "two-nodes" and r.mechanism == mechanism]
    return row.story()


def good(mechanism: Mechanism = "psk") -> Story:
    return Story(mechanism).full().resumed().resumed(series="chained")


@pytest.mark.parametrize("mechanism", ["psk", "ticket", "session-id"])
def test_what_resumes_has_no_cause(mechanism: Mechanism) -> None:
    """A view of resumptions only has no finding of severity warning or error, and wants nothing."""
    view = good(mechanism).view()
    assert named(view) is None
    assert wanted(view) == ()
    assert [f.code for f in judge([view]) if f.severity != "info"] == []


def test_nothing_seen_nothing_said() -> None:
    """A view without attempts has no finding."""
    assert judge([Story("psk").view()]) == ()
    assert judge([]) == ()


def test_one_cause_on_two_mechanisms_is_one_finding() -> None:
    """The same code of two mechanisms is merged; lines that differ say whose they are."""
    views = [two_nodes("psk").view(), two_nodes("ticket").view()]
    (finding,) = [f for f in judge(views) if f.code == "other-ticket-key"]
    assert finding.mechanism is None
    assert finding.address is not None
    assert len(set(finding.evidence)) == len(finding.evidence)


def test_one_cause_on_two_addresses_is_one_finding() -> None:
    """The same code on two addresses is merged, and names no one address."""
    there = two_nodes()
    there.address = "192.0.2.20"
    there.journal = [replace(a, address=there.address) for a in there.journal]
    (finding,) = [
        f for f in judge([two_nodes().view(), there.view()]) if f.code == "other-ticket-key"
    ]
    assert finding.address is None
    assert finding.mechanism == "psk"


def test_what_is_not_judged_is_information() -> None:
    """A cause on a mechanism that no ordinary client uses is of severity info, and not merged
    with the same cause where it matters."""
    aside = Story("session-id").full()
    for _ in range(3):
        aside.declined()
    aside.retry("NNNNN")
    aside.judged = False
    (finding,) = judge([aside.view()])
    assert (finding.code, finding.severity) == ("never-honoured", "info")
    judged = Story("ticket").full().declined().retry("NNNNN")
    both = judge([aside.view(), judged.view()])
    assert [(f.code, f.severity) for f in both] == [
        ("never-honoured", "error"),
        ("never-honoured", "info"),
    ]


def crossed(mechanism: Mechanism = "ticket", key: str = "here", **seen: Any) -> Finding:
    """What is said of an address that refuses the session of another one."""
    story = Story(mechanism).full(key=key)
    story.declined(story.session("there"), "matrix", "from 192.0.2.20", key=key, **seen)
    assert judge([story.view()]) == ()
    from_there = story.journal[-1]
    view = story.view(attempts=tuple(story.journal), crossing=True)
    assert view.declined == (from_there,)
    (finding,) = judge([view])
    return finding


def test_addresses_that_refuse_each_other_are_an_error() -> None:
    """Addresses that resume by themselves, and do not know each other's sessions: whoever meets
    both loses them. The finding names both."""
    mechanisms: tuple[Mechanism, ...] = ("ticket", "psk")
    for mechanism in mechanisms:
        finding = crossed(mechanism)
        said = (finding.code, finding.severity, finding.harm)
        assert said == ("other-ticket-key", "error", "users")
        assert finding.addresses == (ADDRESS, "192.0.2.20")
        assert finding.mechanisms == (mechanism,)
        assert (finding.address, finding.mechanism) == (ADDRESS, mechanism)


def test_unlike_addresses_are_two_services() -> None:
    """Where the certificate or the make of the tickets differs too, two services answer under
    one name: a warning."""
    assert crossed(leaf_sha256=OTHER_LEAF).severity == "warning"
    assert crossed(key=STATEFUL).severity == "warning"
    assert crossed("psk", leaf_sha256=OTHER_LEAF).severity == "warning"


def test_security_is_never_aside() -> None:
    """On a mechanism that is not judged a finding is information at most, unless security is
    lost."""
    for rule in RULES:
        if rule.severity != "error" or rule.group in ("T", "W"):
            continue
        for row in (row for row in ROWS if row.code == rule.code):
            story = row.story()
            story.judged = False
            found = [f for f in judge([story.view()]) if f.code == rule.code]
            assert all(f.severity == "info" or f.harm == "security" for f in found)
    assert {rule.code for rule in RULES if rule.severity == "error" and rule.harm == "security"} >= {
        "weak-ticket-key", "ticket-not-sealed", "plaintext-injection",
    }  # fmt: skip


def test_the_gravest_comes_first() -> None:
    """Findings are sorted by severity."""
    aside = Story("session-id").full().declined().retry("NNNNN")
    aside.judged = False
    found = judge([aside.view(), good("ticket").resumed(key="a").view(), two_nodes().view()])
    severities = [f.severity for f in found]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"


def test_an_unproven_cause_lists_what_fits_as_well() -> None:
    """Before the experiments a declined file may have several causes: all are candidates, and
    the experiments that tell them apart are wanted."""
    story = Story("ticket")
    story.keep(story.session(age=60)).declined(experiment="resume", series="resume")
    view = story.view()
    (finding,) = judge([view])
    assert finding.code == "expired-at-server"
    assert {"consumed"} <= set(finding.candidates)
    assert wanted(view)[0] == "retry"


def test_catch_alls_are_no_candidates() -> None:
    """What fits whenever anything went wrong is not listed beside a cause."""
    internal = alert(AlertDescription.internal_error)
    story = Story("psk").full(certificate_requested=True).broken(alerts=(internal,))
    (finding,) = judge([story.view()])
    assert finding.code == "no-session-id-context"
    assert "fails-with-session" not in finding.candidates
    assert wanted(story.view()) == ("control",)


def test_single_use_is_no_fault() -> None:
    """Where only re-use is refused, no cause of group B is named beside it; in TLS 1.2, where
    clients use a ticket many times, it costs them something."""
    rows = {r.mechanism: r for r in ROWS if r.code == "single-use"}
    expected: dict[Mechanism, Severity] = {"psk": "info", "ticket": "warning"}
    for mechanism, severity in expected.items():
        found = {f.code: f.severity for f in judge([rows[mechanism].story().view()])}
        assert found.pop("single-use") == severity
        assert set(found) <= {"ticket-renewed"}


def test_skipped_experiments_are_said_where_they_matter() -> None:
    """A cause that is not proven names the experiments that were left out; a proven one none."""
    story = Story("psk").full().declined()
    story.skipped.append(NotRun("retry", WhyNotRun.NO_BUDGET))
    (finding,) = judge([story.view()])
    assert "experiment retry was skipped: the budget is spent" in finding.not_known
    proven = Story("ticket").full().resumed().declined(leaf_sha256=OTHER_LEAF)
    proven.skipped.append(NotRun("retry", WhyNotRun.NO_BUDGET))
    (finding,) = judge([proven.view()])
    assert finding.code == "context-changed"
    assert not any("skipped" in line for line in finding.not_known)


@pytest.mark.slow
def test_no_evidence_is_lost_when_many_are_merged() -> None:
    """Every code can be merged with itself, on any mechanism."""
    for rule in RULES:
        views = [row.story().view() for row in ROWS if row.code == rule.code]
        found = [f for f in judge(views) if f.code == rule.code]
        assert len(found) <= len({f.severity for f in found})


def test_a_rotation_during_the_run_is_listed_beside_two_nodes() -> None:
    """Each key in one unbroken run: a rotation explains it as well, so both are named; keys
    that come back are nodes, and no rotation is listed."""
    story = Story("ticket").full(key="a")
    first = story._latest()
    story.resumed(first).declined(first, key="a2").declined(first, key="a2").full("tries", key="a2")
    (finding,) = judge([story.view()])
    assert finding.code == "other-ticket-key"
    assert any("rotation" in candidate for candidate in finding.candidates)
    assert wanted(story.view()) == ("retry",)
    (finding,) = judge([two_nodes("ticket").view()])
    assert not any("rotation" in candidate for candidate in finding.candidates)


def issued_in_order(story: Story, keys: str) -> Story:
    """Tries that offer the first session, each answered under the next of these keys."""
    story.full(key=keys[0])
    first = story._latest()
    for key in keys[1:]:
        if key == keys[0]:
            story.resumed(first, key=key)
        else:
            story.declined(first, key=key)
    return story


@pytest.mark.parametrize(
    ("keys", "changing"),
    [
        ("aabcdefghij", True),  # one for each connection, but one accepted by luck
        ("aaabacbdcedefgfh", True),  # a few connections at a time, side by side
        ("aaabbbbbccccc", True),  # changed now and then
        ("aabbc", False),  # so few that nodes by chance may look so
        ("abababababab", False),
        ("abcabcabcabc", False),
        ("abcdefabcdef", False),  # six nodes in turn
        ("abcdefghabde", False),
        ("aaaaabbbbb", False),  # one rotation, or two nodes
    ],
)
def test_a_key_that_keeps_changing_accuses_no_nodes(keys: str, changing: bool) -> None:
    """Keys of which none comes back once others followed are one server's, which makes new ones
    all the time; keys that come back are nodes'."""
    view = issued_in_order(Story("ticket"), keys).view()
    (finding,) = [f for f in judge([view]) if f.severity == "error"]
    assert finding.code == "other-ticket-key"
    assert ("nodes" not in finding.title.lower()) == changing, finding
    assert any("pool" in candidate for candidate in finding.candidates) == changing, finding
    if changing:
        assert "TLS context" in finding.advice


def test_accepted_once_in_an_experiment_is_not_never() -> None:
    """A session that the experiment `later` offered at once, and that was accepted, belies that
    none ever is; and nothing was accepted late."""
    story = Story("session-id").full()
    for _ in range(5):
        story.declined(series="chained").declined(series="chained")
    story.retry("NNNNN").full("later")
    kept = story._latest()
    view = story.resumed(kept, "later", "at-once").declined(kept, "later", "later").view()
    assert [f.code for f in judge([view]) if f.severity == "error"] == ["cache-miss"]


def test_later_acceptances_that_luck_explains_are_no_rule() -> None:
    """Of a few offers those that were accepted came last: nodes picked at random give that too."""
    story = Story("session-id").full()
    for _ in range(3):
        story.declined(series="chained")
    story.resumed().full("later")
    kept = story._latest()
    story.declined(kept, "later", "at-once").resumed(kept, "later", "later")
    assert "honoured-later" not in [f.code for f in judge([story.view()])]


def test_what_is_accepted_one_by_one_is_said() -> None:
    """Where all tries were refused and fresh sessions, one after the other, were not (a cache with
    room for one, say), "0 of 10" is not all that is said."""
    story = Story("session-id").full()
    for _ in range(5):
        story.declined(series="chained").declined(series="chained")
    (finding,) = [f for f in judge([story.retry("RRRRR").view()]) if f.severity == "error"]
    assert finding.code == "cache-miss"
    assert "accepted on 0 of" in finding.evidence[0]
    assert "5 of" in finding.evidence[1], finding.evidence


def test_a_saved_session_of_a_key_that_keeps_changing_accuses_no_nodes() -> None:
    """`resume` with a file: fresh sessions meet another key each time, too."""
    story = Story("psk")
    story.keep(story.session("old", age=60))
    story.declined(experiment="resume", series="resume", key="a")
    for key, then in pairwise("abcdefgh"):
        story.retry("N", key=key, then=then)
    (finding,) = [f for f in judge([story.view()]) if f.severity == "error"]
    assert finding.title == "the server keeps changing its ticket key", finding
