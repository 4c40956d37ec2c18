"""`probe --plan` and the options of experiments: what would be run, without connecting."""

from __future__ import annotations

import json
import socket

import pytest

from tests.golden import cases
from tests.helpers.commands import runner
from tests.helpers.rows import assert_complete
from tlsresume.errors import ExitStatus
from tlsresume.experiment_names import EXPERIMENT_NAMES
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.runs import many_targets as scan
from tlsresume.runs.plan import plan_probe
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion

TARGET = parse_target("example.com")


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def asked(monkeypatch):
    """The ProbeOptions that a command line comes to; nothing is scanned."""
    found: list[ProbeOptions] = []

    def take(targets, **_):
        found.extend(options for _, options in targets)
        return cases.REPORTS["good"]

    monkeypatch.setattr(scan, "scan", take)
    return found


def stage(plan, title):
    return next((each for each in plan.stages if each.title == title), None)


def test_the_light_list_of_experiments_is_whole():
    """The names that --help shows are those of the ladder, in its order."""
    assert_complete(EXPERIMENT_NAMES, EXPERIMENTS, "tlsresume/experiment_names.py, ExperimentName")
    assert tuple(EXPERIMENTS) == EXPERIMENT_NAMES, "in experiment_names.py in another order"


def test_the_first_round_costs_what_the_budget_reckons():
    """Each mechanism takes two full handshakes and two series of tries."""
    first = stage(plan_probe(TARGET, ProbeOptions()), "First round")
    assert {step.name: step.connections for step in first.steps} == {
        "psk": 12, "ticket": 12, "session-id": 12,
    }  # fmt: skip
    only = ProbeOptions(connect=ConnectOptions(tls=(ProtocolVersion.TLSv1_3,)), tries=3)
    first = stage(plan_probe(TARGET, only), "First round")
    assert [(step.name, step.connections) for step in first.steps] == [("psk", 8)]


def test_the_ladder_is_what_is_harmless():
    """Experiments that run by themselves are listed with their questions and costs; none of
    the others is, unless it is asked for."""
    plan = plan_probe(TARGET, ProbeOptions(experiments=("close",)))
    ladder = {step.name: step for step in stage(plan, "To find the cause").steps}
    for name, experiment in EXPERIMENTS.items():
        assert (name in ladder) == (experiment.harmless and name != "own-name")
    assert ladder["retry"].connections == EXPERIMENTS["retry"].cost
    assert ladder["retry"].question == EXPERIMENTS["retry"].question
    assert [step.name for step in stage(plan, "Asked for").steps] == ["close"]


def test_no_explain_plans_a_first_round_only():
    """With --no-explain there is neither ladder nor matrix."""
    plan = plan_probe(TARGET, ProbeOptions(explain=False))
    assert [each.title for each in plan.stages] == ["First round"]


def test_the_budget_says_how_many_addresses_it_covers():
    """What the budget does not cover is said before anything is run."""
    assert plan_probe(TARGET, ProbeOptions()).covers == 5
    rich = plan_probe(TARGET, ProbeOptions(budget=10_000))
    assert rich.covers == rich_addresses()
    assert len(rich.limits) == 1
    assert plan_probe(TARGET, ProbeOptions(budget=20)).covers == 0


def rich_addresses() -> int:
    return ProbeOptions().max_addresses


def test_a_plan_connects_to_nothing(run, monkeypatch):
    """--plan resolves no name and opens no connection; its status is 0."""

    def refuse(*_, **__):
        raise AssertionError("a plan must not touch the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(scan, "scan", refuse)
    status, out, err = run(
        "probe", "--plan", "one.example", "two.example:8443", "--cross-name", "other.example",
        "--cross-alpn", "h2", "--age", "30,5m", "--find-lifetime", "2h",
    )  # fmt: skip
    assert (status, err) == (ExitStatus.OK, "")
    for text in ("one.example:443  PLAN", "two.example:8443  PLAN", "other.example", "ALPN h2",
                 "age of 30 s, 300 s", "up to 7200 s", "together         36"):  # fmt: skip
        assert text in " ".join(out.split()) or text in out


def test_a_plan_is_json_too(run):
    """The same plan as a document; formats that have none are a usage error."""
    out = run("probe", "--plan", "one.example", "--format", "json")[1]
    (plan,) = json.loads(out)["plans"]
    assert plan["target"] == "one.example:443"
    assert plan["mechanisms"] == ["psk", "ticket", "session-id"]
    assert run("probe", "--plan", "one.example", "--format", "junit")[0] == ExitStatus.USAGE


def test_what_is_asked_for_reaches_the_probe(run, asked):
    """Each option is in the ProbeOptions: ages once each and growing, in seconds."""
    run(
        "probe", "a", "--experiment", "close", "--experiment", "ciphers", "--experiment", "close",
        "--cross-name", "b.example", "--cross-alpn", "h2", "--age", "2m,30", "--age", "30s",
        "--find-lifetime", "10m",
    )  # fmt: skip
    assert asked == [
        ProbeOptions(
            experiments=("close", "ciphers"),
            cross_names=("b.example",),
            cross_protocols=("h2",),
            ages=(30.0, 120.0),
            find_lifetime=600,
        )
    ]


@pytest.mark.parametrize("spelling", ["90", "90s"])
def test_ages_are_seconds_or_have_a_unit(run, asked, spelling):
    """A number without a unit is seconds."""
    run("probe", "a", "--find-lifetime", spelling)
    assert asked[0].find_lifetime == 90


@pytest.mark.parametrize(
    "words",
    [
        ["--age", "soon"],
        ["--age", "0"],
        ["--age", "5,,6"],
        ["--find-lifetime", "-1"],
        ["--experiment", "everything"],
        ["--cross-name", "not a name"],
        ["--cross-alpn", "\N{SNOWMAN}"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run, asked, words):
    """Values that cannot be meant end with status 2, before anything is run."""
    status, out, err = run("probe", "a", *words)
    assert (status, out, asked) == (ExitStatus.USAGE, "", [])
    assert words[0] in err
