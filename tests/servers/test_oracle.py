"""The table is true: `openssl s_client` finds what each case claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import oracle
from tests.servers.cases import Case
from tests.servers.harness import Running
from tests.servers.material import Material


@pytest.mark.parametrize("mechanism", oracle.OPTIONS)
def test_s_client_finds_the_state_of_a_case(
    case: Case, running: Running, material: Material, mechanism: str, tmp_path: Path
) -> None:
    """On each node, s_client gets the state that the case states, and such tickets."""
    for port in running.nodes:
        opinion = oracle.ask(port, mechanism, tmp_path)
        if case.one_node:
            truth_of_one = case.truth.get(mechanism)
            # One fresh session says nothing of a server that honours only some.
            states = truth_of_one if isinstance(truth_of_one, tuple) else (truth_of_one,)
            assert opinion.state in {"resumed" if s == "partly" else s for s in states}
        truth = case.tickets.get(mechanism)
        if truth is None:
            continue
        assert opinion.ticket is not None
        if truth.lifetime is not None:
            assert opinion.ticket.lifetime == truth.lifetime
        if truth.stateful is not None:
            assert (opinion.ticket.length == 32) == truth.stateful
        if truth.max_early_data is not None:
            assert opinion.ticket.max_early_data == truth.max_early_data
        if truth.key:
            assert opinion.ticket.key_name == material.key_names[truth.key]


def test_s_client_resumes_in_a_chain(case: Case, running: Running, tmp_path: Path) -> None:
    """Tickets of resumed TLS 1.3 connections are honoured as the case says."""
    if not case.one_node or case.truth.get("psk") not in ("resumed", "partly"):
        return
    assert oracle.chain(running.port, len(case.chain), tmp_path) == case.chain


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_nodes_share_what_a_case_says(
    case: Case, running: Running, mechanism: str, tmp_path: Path
) -> None:
    """A session of the first node is resumed by the second where the case says so."""
    if case.one_node:
        return
    first, second = running.nodes
    path = tmp_path / "session.pem"
    oracle.save(first, mechanism, path)
    result = oracle.resume(second, mechanism, path).result
    assert result == ("Reused" if case.truth[mechanism] == "resumed" else "New")
