"""Sessions that are there a moment later: told by their age, and by a pause."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.helpers.canned_lab import ROUTE, Ask, CannedLab, Pool
from tests.helpers.evidence import STATEFUL, Story
from tests.helpers.trials import changed
from tlsresume.evidence.states import verdict_of
from tlsresume.evidence.summary import summarise_address
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import discover
from tlsresume.experiments.honoured_later import PAUSE
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.experiments.tries import Tries
from tlsresume.findings.judge import judge
from tlsresume.findings.view import NotRun, WhyNotRun
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import Mechanism
from tlsresume.runs.explain import Explanation
from tlsresume.targets.target import parse_target

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
STATES: tuple[Mechanism, ...] = ("psk", "session-id")


class SlowStore:
    """Sessions kept on the server, and found `delay` seconds after their handshake."""

    def __init__(self, delay: float) -> None:
        self._pool = Pool(stateful=True, mechanisms=("psk", "session-id"))
        self._delay = delay
        self._made: dict[str, float] = {}

    def __call__(self, ask: Ask) -> Trial:
        session = ask.session
        if session is None or ask.time - self._made[session.sha256] < self._delay:
            attempt = self._pool(replace(ask, session=None))
            if session is not None:
                attempt = changed(attempt, state=session, offered=session.mechanism)
        else:
            attempt = self._pool(ask)
        for each in attempt.sessions:
            self._made.setdefault(each.sha256, ask.time)
        return attempt


def explained(delay: float, mechanism: Mechanism) -> tuple[CannedLab, list[str]]:
    """The journal of a first round and its explanation, and the causes that it names."""
    lab = CannedLab(SlowStore(delay))

    async def run() -> Explanation:
        discovery = await discover(lab, ROUTE, TARGET_SETUP)
        await Tries(lab, ROUTE, TARGET_SETUP, discovery, tries=5, concurrency=1, answer=False).run()
        setup = MechanismSetup(
            lab=lab,
            route=ROUTE,
            target_setup=TARGET_SETUP,
            mechanism=mechanism,
            config=TARGET_SETUP.config_for(mechanism),
        )
        explanation = Explanation(setup)
        await explanation.run()
        return explanation

    view = asyncio.run(run()).view()
    return lab, [f.code for f in judge([view]) if f.severity != "info"]


@pytest.mark.parametrize("mechanism", STATES)
def test_a_store_that_is_slow_is_no_broken_one(mechanism: Mechanism) -> None:
    """Refused throughout the first round, and accepted after the pause: a warning, and the
    verdict is not that nothing resumes."""
    lab, codes = explained(2.0, mechanism)
    assert codes == ["honoured-later"]
    summary = summarise_address(ROUTE.address, ROUTE.port, lab.journal)
    (result,) = [m for m in summary.mechanisms if m.mechanism == mechanism]
    assert (result.state, result.reason) == (
        "partly", "refused at once, accepted a moment later",
    )  # fmt: skip
    assert verdict_of([summary], incomplete=False) == "partly"


@pytest.mark.parametrize("mechanism", STATES)
def test_longer_than_the_pause_is_never(mechanism: Mechanism) -> None:
    """What is not there after the pause is called never honoured, and the pause is named."""
    lab, codes = explained(PAUSE + 60, mechanism)
    assert codes == ["never-honoured"]
    assert any(attempt.experiment == "later" for attempt in lab.journal)


def test_without_the_pause_nothing_is_proven() -> None:
    """Where there was no budget for it, never-honoured leaves the other cause open."""
    story = Story("session-id").full()
    for _ in range(5):
        story.declined().declined(series="chained")
    story.retry("NNNNN").skipped.append(NotRun("later", WhyNotRun.NO_BUDGET))
    (finding,) = judge([story.view()])
    assert finding.code == "never-honoured"
    assert "honoured-later" in finding.candidates
    assert any("later was skipped" in line for line in finding.not_known)


def test_two_caches_are_not_a_slow_store() -> None:
    """Fresh sessions that resume at times are no matter of age, whatever the pause shows."""
    story = Story("session-id").full()
    first = story._latest()
    story.declined(first).resumed(first).declined(first).resumed(first)
    story.resumed(series="chained").declined(series="chained").declined(series="chained")
    assert [f.code for f in judge([story.later("RR").view()])] == ["cache-miss"]


def test_sessions_that_are_refused_later_are_not_honoured_later() -> None:
    """A session that is lost after a while is the opposite."""
    story = Story("psk").full(key=STATEFUL)
    first = story._latest()
    story.resumed(first).resumed(first).declined(first, key=STATEFUL).declined(first, key=STATEFUL)
    assert "honoured-later" not in [f.code for f in judge([story.later("RR", key=STATEFUL).view()])]


def test_a_saved_session_is_not_explained_by_a_slow_store() -> None:
    """`resume`: the file's session was old enough; that fresh ones come late is said beside."""
    story = Story("session-id")
    story.keep(story.session(age=600)).declined(experiment="resume", series="resume")
    (finding,) = judge([story.retry("NNNNN").later("RR").view()])
    assert finding.code == "cache-miss"
    assert "resume a while later" in " ".join(finding.evidence)
