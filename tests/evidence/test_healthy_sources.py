"""One engine for every source: our client, our server's side, bytes alone.

The same checks are asked about connections that our client made, that our server saw from its
side, and that only passed as packets. Healthy ones give no warning and no error; what a source
cannot show is not concluded; what needs observations alone is said alike from both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from msgspec import structs

from tests.features.capture.packets import Frame
from tests.features.capture.reading import connections_of
from tests.features.capture.talks import Talk
from tests.features.serve.clients import Script, hello, ticket
from tests.helpers.certificates import localhost
from tests.helpers.pair import VERSIONS, config_for
from tests.helpers.purposes import purpose_of
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.observation import Observation, Part
from tlsresume.evidence.trial import Trial
from tlsresume.features.capture.observation import observation_of
from tlsresume.features.capture.seen import Memory
from tlsresume.features.capture.seen import judge as judge_connection
from tlsresume.features.serve.behaviours import BEHAVIOURS
from tlsresume.features.serve.ledger import Ledger, Place, Seen
from tlsresume.features.serve.observing import observer_maker
from tlsresume.findings.catalogue import RULES
from tlsresume.findings.judge import judge, matches, not_visible
from tlsresume.findings.observed import OBSERVABLE, views_of
from tlsresume.findings.view import View, make_view
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.results.connection import Mechanism
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server
from tlsresume.tls.registry import AlertDescription

HERE = "127.0.0.1"
HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#: Which mechanism a version has when the server gives what it gives by default.
MECHANISM: dict[str, Mechanism] = {"1.2": "ticket", "1.3": "psk"}
#: What a check may need that is asked of observations.
WITHOUT_TRIALS = {rule.code for rule in RULES if rule.needs in OBSERVABLE}


@dataclass
class BothEnds:
    """The same connections as our client and as our server saw them."""

    trials: list[Trial]
    observations: list[Observation]
    mechanism: Mechanism

    @property
    def client(self) -> View:
        """What `probe` makes of them."""
        return make_view(Evidence(self.trials), HERE, self.trials[0].port, self.mechanism)

    @property
    def watched(self) -> tuple[View, View]:
        """The mere observations of both ends, as views."""
        seen = [trial.observation for trial in self.trials if trial.observation is not None]
        return view_of(seen, self.mechanism), view_of(self.observations, self.mechanism)


def view_of(observations: Sequence[Observation], mechanism: Mechanism) -> View:
    (view,) = (view for view in views_of(observations) if view.mechanism == mechanism)
    return view


def both_ends(version: str, **knobs: Any) -> BothEnds:
    """A full connection, and three that offer the newest session each, at a server that behaves
    as told."""
    behaviour = Behaviour(**knobs)
    row = structs.replace(BEHAVIOURS["default"], behaviour=behaviour)
    seen: list[Seen] = []
    # The book is kept under its lock, and says when a connection has ended.
    ledger = Ledger(iter(range(1, 10**6)).__next__, seen.append)
    place = Place("default", row)
    with Server(behaviour, identity=localhost(), observe=observer_maker(ledger, place)) as server:
        place.port, place.url = server.port, f"https://{HERE}:{server.port}"
        trials = asyncio.run(_connect(server.port, version))
        with ledger.changed:
            assert ledger.changed.wait_for(lambda: len(seen) == len(trials), 10)
    ended = sorted(seen, key=lambda each: each.number)
    return BothEnds(trials, [each.observation for each in ended], MECHANISM[version])


async def _connect(port: int, version: str) -> list[Trial]:
    lab = NetworkLab(Budget(10), Gate(), LabOptions(timeout=20.0))
    mechanism, session = MECHANISM[version], None
    for n in range(4):
        purpose = purpose_of("tries", "chained") if n else purpose_of("discover", "full")
        task = Task(
            purpose=purpose, mechanism=mechanism, send=HEAD, want_tickets=1, ticket_wait=10.0
        )
        config = config_for(version, verify_name=None)
        trial = await lab.connect(Route(HERE, port), config, task, session)
        assert trial.handshake_done, trial.error
        session = trial.sessions[-1] if trial.sessions else session
    return list(lab.journal)


def packets(version: str, *, times: int = 3, **knobs: Any) -> list[Frame]:
    """A full connection and some that offer the session of the one before, as packets."""
    talk = Talk(**knobs)
    session = None
    for _ in range(times + 1):
        client = talk.connect(version, session)
        session = client.sessions[-1] if client.sessions else session
    return talk.frames


def seen_in(frames: list[Frame]) -> list[Observation]:
    """What packets alone show."""
    memory = Memory()
    return [
        observation_of(judge_connection(connection, memory), "client")
        for connection in connections_of(frames)
    ]


def worse(view: View) -> list[str]:
    """The codes of what is not as it should be."""
    return [finding.code for finding in judge([view]) if finding.severity != "info"]


def said(view: View) -> dict[str, object]:
    """What the checks say that need observations alone, and by what."""
    return {
        judged.rule.code: (judged.match.seen, judged.match.severity)
        for judged in matches(view)
        if judged.rule.code in WITHOUT_TRIALS
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_healthy_connections_give_no_warning(version: str) -> None:
    """Healthy connections that resume are found healthy, by all checks, from our client's trials,
    from both ends' observations, and from packets; no check is asked whose needs are unseen."""
    ends = both_ends(version)
    bytes_alone = view_of(seen_in(packets(version)), MECHANISM[version])
    for view in (ends.client, *ends.watched, bytes_alone):
        assert len(view.accepted) == 3
        assert worse(view) == []
        unasked = {each.code for each in not_visible(view)}
        assert not unasked & {judged.rule.code for judged in matches(view)}
        for rule in RULES:
            asked = view.mechanism in rule.mechanisms and rule.code not in unasked
            assert asked <= (rule.needs in view.visible), rule.code
    assert not_visible(ends.client) == ()
    for view in ends.watched:
        told = {rule.code for rule in RULES if view.mechanism in rule.mechanisms}
        assert {each.code for each in not_visible(view)} == told - WITHOUT_TRIALS
    assert Part.CERTIFICATE not in bytes_alone.visible
    assert (Part.TICKETS in bytes_alone.visible) == (version == "1.2")


@pytest.mark.parametrize("version", VERSIONS)
def test_client_and_server_say_the_same(version: str) -> None:
    """What needs observations alone is said alike by both ends, of healthy connections and of
    servers with a habit: long lifetimes, another group, refusals."""
    found: set[str] = set()
    for knobs in ({}, {"lifetime": 300_000}, {"group": "secp384r1"}, {"honoured": False}):
        ends = both_ends(version, **knobs)
        client, server = ends.watched
        assert said(client) == said(server), knobs
        for view in (client, server):
            numbers = (len(view.accepted), len(view.declined))
            assert numbers == ((0, 3) if knobs == {"honoured": False} else (3, 0))
        found |= said(server).keys()
    own = {"1.2": set(), "1.3": {"hello-retry", "session-id-changed"}}[version]
    assert found >= {"ticket-lifetime-long", *own}


def test_the_servers_side_finds_what_is_wrong() -> None:
    """Tickets that live too long, or not at all, or are like each other, and one that a client
    cannot take, are found from the side of the server that sends them."""
    long, none, good = (ticket(b"t" * 32, lifetime=s, age_add=s) for s in (864_000, 0, 7200))
    cases: dict[str, tuple[tuple[bytes, ...], int | None]] = {
        "ticket-lifetime-too-long": ((long,), None),
        "lifetime-zero": ((none,), None),
        "ticket-nonce-repeated": ((good, ticket(b"u" * 32)), None),
        "malformed-ticket": ((good,), AlertDescription.decode_error),
    }
    for code, (tickets, alert) in cases.items():
        script = Script(Place("default", BEHAVIOURS["default"]))
        script.connect(hello(), *tickets, alert=alert, requests=alert is None)
        found = worse(view_of([each.observation for each in script.ended], "psk"))
        assert code in found, (code, found)
    twice = Script(Place("default", BEHAVIOURS["default"]))
    twice.connect(hello(), good)
    assert worse(view_of([each.observation for each in twice.ended], "psk")) == []
    twice.connect(hello(), good)
    found = worse(view_of([each.observation for each in twice.ended], "psk"))
    assert found == ["tickets-not-fresh"]


def test_an_alert_after_an_answer_is_about_no_ticket() -> None:
    """OpenSSL answers a missing close_notify with decode_error: where a request was answered, the
    ticket before that was taken."""
    script = Script(Place("default", BEHAVIOURS["default"]))
    script.connect(hello(), ticket(b"t" * 32), alert=AlertDescription.decode_error, requests=1)
    assert worse(view_of([each.observation for each in script.ended], "psk")) == []


def test_bytes_alone_find_what_is_wrong() -> None:
    """A ticket that is given out twice is found in packets, and said as a warning."""
    frames = packets("1.2", times=0)
    later = [replace(frame, time=frame.time + 10**12) for frame in frames]
    observations = seen_in(frames) + seen_in(later)
    assert worse(view_of(observations, "ticket")) == ["tickets-not-fresh"]


def test_a_hint_of_zero_before_tls_13_says_nothing() -> None:
    """A session of TLS 1.3 that is offered to a server which answers with TLS 1.2 meets tickets
    without a lifetime hint: those have no lifetime of zero."""
    (seen,) = seen_in(packets("1.2", times=0))
    assert seen.tickets
    unsaid = tuple(structs.replace(each, lifetime=0) for each in seen.tickets)
    older = structs.replace(
        seen, offered="psk", handle=b"of TLS 1.3", accepted=False, tickets=unsaid
    )
    assert worse(view_of([older], "psk")) == []


def test_where_the_answer_is_not_visible_nothing_is_said() -> None:
    """One connection without a visible outcome makes the outcome invisible, and no check that
    needs it is asked."""
    whole = seen_in(packets("1.3"))
    unseen = structs.replace(whole[1], visible=Part.NOTHING, offered="psk", accepted=None)
    view = view_of([*whole, unseen], "psk")
    assert view.visible is Part.NOTHING
    assert matches(view) == ()
    assert {each.code for each in not_visible(view)} == {
        rule.code for rule in RULES if "psk" in rule.mechanisms and rule.needs
    }
