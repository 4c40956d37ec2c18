"""Many targets and little time: nothing is begun after the deadline, and all are told of."""

from __future__ import annotations

import time

import pytest

from tests.helpers.peers import RawPeer
from tlsresume.errors import ExitStatus
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.policy.exit_status import exit_status
from tlsresume.results.report import TargetResult
from tlsresume.runs import many_targets as scanning
from tlsresume.runs.many_targets import scan
from tlsresume.runs.probe import Probe
from tlsresume.targets.target import parse_target

OPTIONS = ProbeOptions(connect=ConnectOptions(timeout=30, ticket_wait=0.3), explain=False)


@pytest.fixture
def begun(monkeypatch) -> list[str]:
    """The names of the targets whose probe began."""
    names: list[str] = []
    run = Probe.run

    async def counted(self: Probe) -> None:
        names.append(self.target.name)
        await run(self)

    monkeypatch.setattr(Probe, "run", counted)
    return names


@pytest.mark.slow
def test_nothing_is_begun_after_the_deadline(begun):
    """Targets that had no turn are in the report, each with the reason, and cost no probe."""
    told: list[TargetResult] = []
    with RawPeer("silent") as peer:
        place = f"127.0.0.1:{peer.port}"
        targets = [parse_target(f"n{n}.example", connect=place) for n in range(500)]
        report = scan(
            [(target, OPTIONS) for target in targets], deadline=0.3, on_result=told.append
        )
    assert len(begun) < 500
    assert [result.target for result in report.targets] == [target.name for target in targets]
    assert {result.target for result in told} == {target.name for target in targets}
    never = [result for result in report.targets if result.target not in begun]
    assert never
    for result in never:
        [left] = result.skipped
        assert (left.what, left.reason) == ("the rest", "the deadline of 0.3 s")
        assert (result.verdict, result.incomplete, result.connections) == ("untested", True, 0)
    assert exit_status(report) in (ExitStatus.INCONCLUSIVE, ExitStatus.UNREACHABLE)


def test_the_deadline_counts_from_the_beginning(begun):
    """What was spent before, as on reading a long list, is not given again."""
    report = scan([(parse_target("127.0.0.1:1"), OPTIONS)], deadline=5, began=time.monotonic() - 6)
    assert not begun
    assert report.targets[0].skipped[0].reason == "the deadline of 5 s"


def test_time_to_tell_of_many_is_kept_back():
    """Few targets have the whole time; many end earlier, but never before half of it."""
    kept = scanning._telling
    assert kept([None] * 1000, 60) == 0
    assert 0 < kept([None] * 20_000, 60) < kept([None] * 40_000, 60) < 30
    assert kept([None] * 10_000_000, 60) == 30


def test_an_interrupt_is_no_deadline(begun, monkeypatch):
    """Targets that had no turn when the user interrupted say that, and blame no time."""

    async def interrupted(_: Probe) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Probe, "run", interrupted)
    report = scan([(parse_target(f"127.0.0.{n}:1"), OPTIONS) for n in range(1, 20)])
    assert all(result.interrupted and not result.skipped for result in report.targets)
    assert not begun
