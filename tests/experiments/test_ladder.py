"""The ladder's experiments, on a Lab with a virtual clock: what they ask for, and when."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.canned_lab import ROUTE, Ask, CannedLab, done, mint
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import Mechanism
from tlsresume.targets.target import parse_target

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
#: Busy servers, and those of several threads, need a moment to see that a connection was cut.
SECONDS_TO_NOTICE = 0.1


@pytest.mark.parametrize("mechanism", ["psk", "session-id"])
def test_a_cut_is_noticed_before_its_session_is_offered(mechanism: Mechanism) -> None:
    """Between a cut connection and the offer of its session the server gets a moment, and of
    several tickets the last is offered: with it a stateful server forgets the session."""

    def issue(ask: Ask) -> Trial:
        if ask.session is not None:
            return done(ask, resumed=True)
        assert ask.task.want_tickets > 2 or mechanism != "psk"
        handles = [bytes([ask.number, n]) * 16 for n in range(2 if mechanism == "psk" else 1)]
        return done(ask, sessions=tuple(mint(mechanism, h, ask.time) for h in handles))

    lab = CannedLab(issue)
    setup = MechanismSetup(
        lab=lab,
        route=ROUTE,
        target_setup=TARGET_SETUP,
        mechanism=mechanism,
        config=TARGET_SETUP.config_for(mechanism),
    )
    asyncio.run(EXPERIMENTS["close"].run(setup))
    cuts = [n for n, ask in enumerate(lab.asks) if not ask.task.clean]
    assert len(cuts) == 3
    for n in cuts:
        cut, offer = lab.asks[n], lab.asks[n + 1]
        assert offer.task.purpose.series == "after-abrupt"
        assert offer.time - cut.time > SECONDS_TO_NOTICE
        assert offer.session is not None
        assert offer.session.fields.ticket in (None, bytes([cut.number, 1]) * 16)
