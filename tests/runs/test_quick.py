"""`--quick`: one connection to get a session of each mechanism, one to offer it, no more."""

from __future__ import annotations

import json

import pytest

from tests.helpers.commands import runner
from tlsresume import ProbeOptions, UsageError, probe
from tlsresume.options import ConnectOptions
from tlsresume.policy.demands import Demands
from tlsresume.policy.judge import Judge
from tlsresume.policy.policy import Policy
from tlsresume.results.report import Report
from tlsresume.runs.many_targets import tool
from tlsresume.server.behaviour import Behaviour

CONNECT = ConnectOptions(timeout=5, ticket_wait=0.3)


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.mark.slow
def test_a_quick_probe_makes_two_connections_for_each_mechanism(server):
    """As few connections as tell, with the verdict words of a whole probe."""
    for behaviour, verdict, connections in (
        (Behaviour(), "resumes", 6),
        (Behaviour(honoured=False), "does-not-resume", 6),
        (Behaviour(session_ids=False, tickets=False), "does-not-resume", 3),
        (Behaviour(versions=("1.3",)), "resumes", 3),
        (Behaviour(versions=("1.2",)), "resumes", 6),
    ):
        peer = server(behaviour)
        result = probe(f"127.0.0.1:{peer.port}", ProbeOptions(connect=CONNECT, quick=True))
        assert (result.quick, result.verdict) == (True, verdict), behaviour
        assert result.connections <= connections, behaviour
        for address in result.addresses:
            for row in address.mechanisms:
                assert row.chained.offered == 0
                assert row.fixed.offered <= 1


def test_the_screen_says_resumed_once(run, server):
    """Nobody takes one try for five; JSON says `quick`."""
    target = f"127.0.0.1:{server().port}"
    status, out, _ = run("probe", target, "--quick", "--format", "text")
    assert status == 0
    assert out.count("resumed once") == 3
    assert "same session" not in out
    assert "one node" not in out
    status, out, _ = run("probe", target, "--quick", "--json")
    assert status == 0
    [found] = json.loads(out)["targets"]
    assert found["quick"] is True


def test_what_needs_series_is_refused_beside_it(run):
    """Demands and experiments that one try cannot answer are exit status 2."""
    for option in (
        ["--min-rate", "0.9"],
        ["--critical", "50:"],
        ["--tries", "7"],
        ["--experiment", "close"],
        ["--age", "30"],
        ["--cross-name", "other.example"],
    ):
        status, out, err = run("probe", "127.0.0.1:1", "--quick", *option)
        assert (status, out) == (2, ""), option
        assert f"{option[0]} needs more tries than --quick makes" in err
    with pytest.raises(UsageError):
        ProbeOptions(quick=True, ages=(30.0,))


def test_findings_that_need_series_are_untested(server):
    """That one try showed no second key proves nothing; a property of a ticket is seen."""
    import datetime as dt

    result = probe(f"127.0.0.1:{server().port}", ProbeOptions(connect=CONNECT, quick=True))
    policy = Policy(findings={"other-ticket-key": "error", "weak-ticket-key": "error"})
    judge = Judge(
        today=dt.datetime.now(dt.UTC).date(),
        policy=policy,
        name="team",
        demands=Demands(min_rate=0.9),
    )
    judged = judge.report(Report(tool=tool(), targets=(result,)))
    outcomes = {check.demand: check.outcome for check in judged.targets[0].checks}
    assert outcomes["other-ticket-key"] == "untestable"
    assert outcomes["weak-ticket-key"] == "met"
    assert outcomes["min-rate=0.9"] == "untestable"
