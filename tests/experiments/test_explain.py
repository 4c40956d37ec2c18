"""The ladder: which experiments a first round leads to, and where it ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.helpers.canned_lab import ROUTE, START, Ask, CannedLab, Pool, broken, done, mint
from tests.helpers.evidence import SNI
from tests.helpers.purposes import purpose_of
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.errors import BudgetSpent
from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.discover import discover
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.experiments.tries import Tries
from tlsresume.findings.judge import judge
from tlsresume.findings.view import NotRun, Saved, WhyNotRun
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import AlertSeen, Mechanism
from tlsresume.runs.explain import Explanation
from tlsresume.sessions.session import Session
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")


def setting_on(
    lab: CannedLab, mechanism: Mechanism = "psk", subject: Session | None = None
) -> MechanismSetup:
    return MechanismSetup(
        lab=lab,
        route=ROUTE,
        target_setup=TARGET_SETUP,
        mechanism=mechanism,
        config=TARGET_SETUP.config_for(mechanism),
        subject=subject,
        own_name=SNI if subject else None,
    )


def first_round(lab: CannedLab) -> None:
    async def both() -> None:
        found = await discover(lab, ROUTE, TARGET_SETUP)
        dice = random.Random(3)
        tries = Tries(
            lab, ROUTE, TARGET_SETUP, found, tries=5, concurrency=4, answer=False, shuffle=dice
        )
        await tries.run()

    asyncio.run(both())


def explain(
    reply: Callable[[Ask], Trial], mechanism: Mechanism = "psk", *, budget: int = 200
) -> tuple[CannedLab, Explanation]:
    """A first round, and the ladder for one mechanism of it."""
    lab = CannedLab(reply, budget=budget)
    first_round(lab)
    explanation = Explanation(setting_on(lab, mechanism))
    asyncio.run(explanation.run())
    return lab, explanation


def explain_file(
    reply: Callable[[Ask], Trial], session: Session, tries: int = 1
) -> tuple[CannedLab, Explanation]:
    """A session of a file, offered, and the ladder."""
    lab = CannedLab(reply)
    setup = setting_on(lab, session.mechanism, session)
    for _ in range(tries):
        asyncio.run(setup.offer(purpose_of("resume", "resume"), session))
    explanation = Explanation(setup, saved=Saved(session=session, server_name=SNI))
    asyncio.run(explanation.run())
    return lab, explanation


def codes(explanation: Explanation) -> list[str]:
    return [f.code for f in judge([explanation.view()]) if f.severity != "info"]


def ran(lab: CannedLab) -> list[str]:
    """The experiments beyond the first round, in order."""
    names = [a.experiment for a in lab.journal]
    return [n for n in dict.fromkeys(names) if n not in ("discover", "tries", "resume")]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_resumes_needs_no_experiment(mechanism: Mechanism) -> None:
    """On a server that resumes nothing more is asked, and nothing is found."""
    lab, explanation = explain(Pool(), mechanism)
    assert ran(lab) == []
    assert codes(explanation) == []


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_two_nodes_are_named_with_one_experiment(mechanism: Mechanism) -> None:
    """Two keys by turns: sequential fresh sessions show the turns, and the ladder ends."""
    lab, explanation = explain(Pool(pick=lambda n: n % 2), mechanism)
    assert codes(explanation) == ["other-ticket-key"]
    assert ran(lab) == ["retry"]
    (finding,) = [f for f in judge([explanation.view()]) if f.code == "other-ticket-key"]
    assert "round robin of two nodes" in " ".join(finding.evidence)


@pytest.mark.parametrize("mechanism", ["psk", "session-id"])
def test_two_caches_are_named(mechanism: Mechanism) -> None:
    """Sessions that are accepted at times, and name no key: caches that are not shared."""
    dice = random.Random(5)
    turns = [dice.randrange(2) for _ in range(400)]
    lab, explanation = explain(Pool(pick=turns.__getitem__, stateful=True), mechanism)
    assert codes(explanation) == ["cache-miss"]
    assert set(ran(lab)) <= {"retry"}


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_never_honoured_is_confirmed_by_fresh_sessions(mechanism: Mechanism) -> None:
    """Issued and always refused: fresh ones, one after the other, settle it."""
    pool = Pool()

    def refuses(ask: Ask) -> Trial:
        return pool(replace(ask, session=None)) if ask.session is None else _declines(pool, ask)

    lab, explanation = explain(refuses, mechanism)
    assert codes(explanation) == ["never-honoured"]
    # What a server keeps may be there a moment later only.
    assert ran(lab) == (["retry", "later"] if mechanism == "session-id" else ["retry"])


def _declines(pool: Pool, ask: Ask) -> Trial:
    full = pool(replace(ask, session=None))
    assert ask.session is not None
    return changed(full, state=ask.session, offered=ask.session.mechanism)


def test_nothing_issued_is_waited_for_once_more() -> None:
    """No ticket in the first round: one experiment with more patience, and no other."""
    lab, explanation = explain(Pool(mechanisms=("ticket", "session-id")), "psk")
    assert codes(explanation) == ["not-issued"]
    assert ran(lab) == ["elicit"]


def test_a_late_ticket_is_told_from_none() -> None:
    """A ticket that comes only with more patience is a finding of its own words."""
    pool = Pool()

    def late(ask: Ask) -> Trial:
        patient = ask.task.purpose.experiment == "elicit"
        return pool(ask) if patient or ask.task.mechanism != "psk" else done(ask)

    _, explanation = explain(late, "psk")
    (finding,) = [f for f in judge([explanation.view()]) if f.code == "not-issued"]
    assert "one came" in " ".join(finding.evidence)
    assert "--ticket-wait" in finding.advice


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_failure_is_held_against_a_control(mechanism: Mechanism) -> None:
    """Whether a failure is the session's doing is known only from the same handshake
    without one."""
    pool = Pool()

    def dies(ask: Ask) -> Trial:
        return broken(ask, "reset") if ask.session else pool(ask)

    lab, explanation = explain(dies, mechanism)
    assert codes(explanation) == ["dies-on-session"]
    assert "control" in ran(lab) or explanation.view().controls


def test_a_server_that_fails_anyway_is_not_explained_by_the_session() -> None:
    """Where the handshake fails without the session, too, no cause is named."""
    internal = AlertSeen("server", 2, 80, "internal_error")
    session = mint("psk", b"k" * 192)
    lab, explanation = explain_file(lambda ask: broken(ask, "alert", alerts=(internal,)), session)
    assert ran(lab) == ["control"]
    assert codes(explanation) == []


def test_short_of_budget_an_experiment_is_skipped_and_named() -> None:
    """What the budget does not allow is not begun, and the finding says so."""
    pool = Pool()

    def refuses(ask: Ask) -> Trial:
        return pool(ask) if ask.session is None else _declines(pool, ask)

    lab = CannedLab(refuses)
    first_round(lab)
    lab, explanation = explain(refuses, budget=lab.budget.used + 4)
    assert ran(lab) == []
    assert explanation.skipped == [NotRun("retry", WhyNotRun.NO_BUDGET)]
    (finding,) = [f for f in judge([explanation.view()]) if f.severity != "info"]
    assert any("retry was skipped: the budget is spent" in line for line in finding.not_known)


@each_row("name", EXPERIMENTS)
@each_row("mechanism", MECHANISMS)
def test_an_experiment_takes_fresh_sessions_and_keeps_to_its_cost(
    name: ExperimentName, mechanism: Mechanism
) -> None:
    """No experiment offers a session of the first round, or of another one, and none costs
    more connections than it says."""
    for pool in (Pool(), Pool(pick=lambda n: n % 2), Pool(mechanisms=())):
        lab = CannedLab(pool)
        first_round(lab)
        before, used = list(lab.journal), lab.budget.used
        asyncio.run(EXPERIMENTS[name].run(setting_on(lab, mechanism)))
        assert lab.budget.used - used <= EXPERIMENTS[name].cost
        known = {session.sha256 for a in before for session in a.sessions}
        for attempt in lab.journal[len(before) :]:
            assert attempt.experiment == name
            assert attempt.state is None or attempt.state.sha256 not in known


def test_a_rotated_key_is_named_for_a_file() -> None:
    """A file's ticket of an old key, fresh ones of a new key resume: rotation or restart."""
    session = mint("psk", b"old key of the s" + b"x" * 176, START - 60)
    lab, explanation = explain_file(Pool(), session)
    assert codes(explanation) == ["other-ticket-key"]
    assert ran(lab) == ["retry"]


@each_row("nodes", [2, 3])
@each_row(
    "mechanism, stateful, code",
    [
        ("psk", False, "other-ticket-key"),
        ("ticket", False, "other-ticket-key"),
        ("psk", True, "cache-miss"),
        ("session-id", True, "cache-miss"),
    ],
)
def test_nodes_that_take_turns_are_told_without_key_names(
    mechanism: Mechanism, stateful: bool, code: str, nodes: int
) -> None:
    """Behind a strict round robin each fresh session is refused by the next node, and comes to
    the node that made it again: that is no server that honours none."""
    pool = Pool(pick=lambda n: n % nodes, nameless=True, stateful=stateful)
    session = mint(mechanism, bytes(range(32 if stateful else 192)), START - 60)
    lab, explanation = explain_file(pool, session)
    assert codes(explanation)[:1] == [code]
    (finding,) = [f for f in judge([explanation.view()]) if f.code == code]
    assert any("at times" in line for line in finding.evidence)
    assert lab.budget.used <= 30


def test_a_key_that_went_is_named_for_a_file_without_key_names() -> None:
    """A young session refused, fresh ones taken, no key names: a restart is likely, nodes are
    not accused, and what else may be is said."""
    session = mint("psk", bytes(range(192)), START - 60)
    _, explanation = explain_file(Pool(nameless=True), session)
    (finding,) = [f for f in judge([explanation.view()]) if f.severity == "error"]
    assert (finding.code, "nodes" in finding.title) == ("other-ticket-key", False)
    assert "restart" in finding.advice
    assert finding.candidates


def test_a_consumed_ticket_is_told_from_a_lost_one() -> None:
    """A stateful ticket that is refused: the same fresh ticket twice tells single use from a
    lost entry of the cache."""
    session = mint("psk", b"s" * 32, START - 60)
    lab, explanation = explain_file(Pool(stateful=True, single_use=True), session)
    assert codes(explanation) == ["consumed"]
    assert set(ran(lab)) == {"retry", "same-ticket"}
    lab, explanation = explain_file(Pool(stateful=True), session)
    assert codes(explanation) == ["cache-miss"]
    assert set(ran(lab)) == {"retry", "same-ticket"}


def test_an_expired_session_is_told_by_a_fresh_one() -> None:
    """Under the same key an old session is refused and a fresh one is not."""
    session = mint("ticket", bytes([1]) * 16 + b"x" * 176, START - 7000)
    _, explanation = explain_file(Pool(), session)
    assert codes(explanation) == ["expired-at-server"]


def test_a_budget_that_ends_within_an_experiment_is_named() -> None:
    """An experiment that the budget ends halfway is noted as skipped, and does not raise."""

    class Poor(CannedLab):
        async def connect(self, *args, **kwargs):
            if len(self.asks) >= 3:
                raise BudgetSpent("the budget of 3 connections is spent")
            return await super().connect(*args, **kwargs)

    lab = Poor(Pool())
    explanation = Explanation(setting_on(lab))
    asyncio.run(explanation.experiment("retry"))
    assert explanation.skipped == [
        NotRun("retry", WhyNotRun.NO_BUDGET, "the budget of 3 connections is spent")
    ]
