"""Several addresses: who accepts whose sessions, counted and judged."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.canned_lab import Ask, CannedLab, Pool
from tests.helpers.purposes import purpose_of
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.errors import BudgetSpent
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.crossing import cost, cross
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.across_addresses import crossing_view, crossings
from tlsresume.findings.judge import judge
from tlsresume.lab import Route
from tlsresume.options import ConnectOptions
from tlsresume.results.connection import Mechanism
from tlsresume.targets.target import parse_target

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
MECHANISMS: tuple[Mechanism, ...] = ("psk", "ticket", "session-id")


class Addresses:
    """A pool of nodes, each behind an address of its own; `node_of` says which."""

    def __init__(self, node_of: dict[str, int], **how: object) -> None:
        self._now = 0
        self._pool = Pool(pick=lambda _: self._now, **how)  # type: ignore[arg-type]
        self._node_of = node_of

    def __call__(self, ask: Ask) -> Trial:
        self._now = self._node_of[ask.route.address]
        return self._pool(ask)


def run(
    node_of: dict[str, int], mechanism: Mechanism = "psk", *, budget: int = 200, **how: object
) -> CannedLab:
    lab = CannedLab(Addresses(node_of, **how), budget=budget)
    setups = [
        MechanismSetup(
            lab=lab,
            route=Route(address, 443),
            target_setup=TARGET_SETUP,
            mechanism=mechanism,
            config=TARGET_SETUP.config_for(mechanism),
        )
        for address in node_of
    ]
    asyncio.run(cross(setups))
    return lab


SHARED = dict.fromkeys(ADDRESSES, 0)
SEPARATE = {address: n for n, address in enumerate(ADDRESSES)}
ONE_APART = {"192.0.2.1": 0, "192.0.2.2": 0, "192.0.2.3": 1}


def matrix(lab: CannedLab) -> dict[tuple[str, str], tuple[int, int]]:
    found = crossings(lab.journal)
    return {(c.issuing, c.accepting): (c.accepted, c.offered) for c in found}


@each_row("mechanism", MECHANISMS)
@each_row("nodes", [SHARED, SEPARATE, ONE_APART])
def test_every_pair_is_crossed_once(mechanism: Mechanism, nodes: dict[str, int]) -> None:
    """Each address's session is offered to each other one, and accepted where they share."""
    lab = run(nodes, mechanism)
    expected = {
        (one, other): (int(nodes[one] == nodes[other]), 1)
        for one in nodes
        for other in nodes
        if one != other
    }
    assert matrix(lab) == expected
    assert lab.budget.used <= cost(len(nodes), single=mechanism == "psk")


def test_a_ticket_is_offered_once() -> None:
    """A server that takes each TLS 1.3 ticket once is not mistaken for one that does not know
    it."""
    lab = run(SHARED, single_use=True)
    assert all(accepted == offered == 1 for accepted, offered in matrix(lab).values())


def findings(lab: CannedLab, mechanism: Mechanism) -> list[tuple[str, str]]:
    views = [crossing_view(lab.journal, a, 443, mechanism) for a in ADDRESSES]
    return [(f.code, f.severity) for f in judge([v for v in views if v is not None])]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_is_shared_is_no_finding(mechanism: Mechanism) -> None:
    """Where every address accepts every session, nothing is said."""
    assert findings(run(SHARED, mechanism), mechanism) == []


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_separate_keys_are_an_error(mechanism: Mechanism) -> None:
    """Addresses with keys of their own: each resumes by itself, and users who change between
    them lose their sessions."""
    assert findings(run(SEPARATE, mechanism), mechanism) == [("other-ticket-key", "error")]


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_one_address_apart_is_found(mechanism: Mechanism) -> None:
    """One address with another key is found, though the others accept each other."""
    assert findings(run(ONE_APART, mechanism), mechanism) == [("other-ticket-key", "error")]


@pytest.mark.parametrize("mechanism", ["psk", "session-id"])
def test_separate_caches_are_an_error(mechanism: Mechanism) -> None:
    """Addresses with caches of their own."""
    lab = run(SEPARATE, mechanism, stateful=True)
    assert findings(lab, mechanism) == [("cache-miss", "error")]


def test_nothing_issued_nothing_crossed() -> None:
    """An address that issues nothing has no row."""
    lab = run(SHARED, "psk", mechanisms=())
    assert matrix(lab) == {}


def test_a_spent_budget_is_raised_after_what_was_paid_for() -> None:
    """What could be asked is in the journal; that the rest is missing is raised."""
    with pytest.raises(BudgetSpent):
        run(SEPARATE, "ticket", budget=4)


def test_nodes_behind_one_address_are_crossed_by_their_names() -> None:
    """Where a response header names nodes, who issued and who answered is counted."""
    lab = CannedLab(Pool(pick=lambda n: n % 2))
    setup = MechanismSetup(
        lab=lab, route=Route(ADDRESSES[0], 443), target_setup=TARGET_SETUP, mechanism="ticket",
        config=TARGET_SETUP.config_for("ticket"),
    )  # fmt: skip

    async def tries() -> None:
        _, session = await setup.full(purpose_of("tries", "full"))
        for _ in range(4):
            assert session is not None
            await setup.offer(purpose_of("tries", "fixed"), session)

    asyncio.run(tries())
    named = [changed(a, node=f"web{a.n % 2}") for a in lab.journal]
    counted = crossings(Evidence(named))
    found = {(c.by, c.issuing, c.accepting): (c.accepted, c.offered) for c in counted}
    assert found == {("node", "web1", "web0"): (0, 2), ("node", "web1", "web1"): (2, 2)}
