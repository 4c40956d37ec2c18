"""Repetitions (`--retries`) and the end of a run (`--deadline`)."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tlsresume.errors import ExitStatus, ResolveError
from tlsresume.experiments import discover as discover_module
from tlsresume.experiments.discover import Discovery
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.policy.exit_status import exit_status
from tlsresume.results.connection import Failure
from tlsresume.runs import many_targets as scan
from tlsresume.runs import retry
from tlsresume.targets.target import parse_target


class Clock:
    """A clock that only counts what is waited."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


def attempt(n: int, step: Any, kind: Any = "refused"):
    error = None if step is None else Failure(step, kind, "no")
    return SimpleNamespace(n=n, error=error)


def discoverer(monkeypatch, *answers):
    left = list(answers)

    async def discover(_lab, _route, _terms, _on_quiet, **_settings):
        return Discovery({"psk": left.pop(0)})

    monkeypatch.setattr(retry, "discover", discover)
    return left


def again(lab: Any, retries: int):
    nowhere: Any = None
    return asyncio.run(retry.discover_again(lab, nowhere, nowhere, retries))


def test_connect_errors_are_repeated(monkeypatch):
    """What failed before a connection came about is tried again, with growing pauses."""
    left = discoverer(monkeypatch, attempt(1, "connect"), attempt(2, "proxy"), attempt(3, None))
    lab = Clock()
    discovery, outdated = again(lab, 5)
    assert (discovery.full["psk"].n, outdated, left) == (3, 2, [])
    assert lab.waited == [0.5, 1.0]


@pytest.mark.parametrize("step", ["handshake", "session", "data", "starttls", "close"])
def test_an_answer_is_never_repeated(monkeypatch, step):
    """Once connected, nothing is repeated: not an alert, not a handshake that failed."""
    left = discoverer(monkeypatch, attempt(1, step, "alert"), attempt(2, None))
    assert again(Clock(), 5)[0].full["psk"].n == 1
    assert len(left) == 1


def test_without_a_route_there_is_nothing_to_wait_for(monkeypatch):
    """An address that this machine cannot reach is asked once."""
    discoverer(monkeypatch, attempt(1, "connect", "no-route"), attempt(2, None))
    assert again(Clock(), 5)[0].full["psk"].n == 1


def test_repetitions_end(monkeypatch):
    """After N repetitions the failure stands, and the attempts that led to it count no more."""
    discoverer(monkeypatch, *(attempt(n, "connect") for n in (1, 2, 3)))
    discovery, outdated = again(Clock(), 2)
    assert (discovery.full["psk"].n, outdated) == (3, 2)


def test_names_are_looked_up_again():
    """A name that cannot be resolved is asked for again, and its last error is raised."""
    asked = []
    clock: Any = Clock()

    async def look_up() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise ResolveError("no")
        return "found"

    assert asyncio.run(retry.resolve_again(look_up, clock, 2)) == "found"
    asked.clear()
    with pytest.raises(ResolveError):
        asyncio.run(retry.resolve_again(look_up, clock, 1))


def test_pauses_grow_and_are_bounded():
    """Each pause is twice the one before, up to a bound."""
    assert [retry.pause(number) for number in (0, 1, 2, 3, 4, 50)] == [0.5, 1, 2, 4, 8, 8]


def options(**fields) -> ProbeOptions:
    return ProbeOptions(connect=ConnectOptions(timeout=5.0), explain=False, **fields)


def test_a_server_that_comes_up_is_found(server, monkeypatch):
    """A target that refused at first and then answers is judged by the answer alone."""
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    started: list[bool] = []
    real = discover_module.discover

    async def discover(lab, route, target_setup, _on_quiet, **_settings):
        # The first try goes to a port where nothing listens.
        if not started:
            started.append(True)
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            return await real(lab, type(route)(route.address, port), target_setup)
        return await real(lab, route, target_setup)

    monkeypatch.setattr(retry, "discover", discover)
    one = server()
    target = parse_target(f"127.0.0.1:{one.port}")
    report = scan.scan([(target, options(retries=1))])
    result = report.targets[0]
    assert (result.verdict, result.error) == ("resumes", None)
    assert result.addresses[0].attempts[0].error is not None


@pytest.mark.slow
def test_a_deadline_ends_the_run():
    """A run ends at its deadline with what is known, and says what was left out."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = parse_target(f"127.0.0.1:{silent.getsockname()[1]}")
        before = time.monotonic()
        report = scan.scan([(target, options()) for _ in range(3)], parallel=1, deadline=0.3)
        assert time.monotonic() - before < 4
    assert {target.verdict for target in report.targets} == {"untested"}
    for result in report.targets:
        assert ("the rest", "the deadline of 0.3 s") in [
            (skipped.what, skipped.reason) for skipped in result.skipped
        ]
    assert exit_status(report) == ExitStatus.INCONCLUSIVE
