"""The cycle collector while the command starts (tlsresume.collecting)."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tlsresume import collecting
from tlsresume.cli.root import run as command_line
from tlsresume.errors import ExitStatus
from tlsresume.features.exporter import serving as exporter
from tlsresume.features.exporter.settings import ExporterSettings, Setup, WebSettings
from tlsresume.features.serve import watching
from tlsresume.network import loop


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What is frozen stays so: else every look of the collector, from here on, would go through
    all tests of this process (tests/conftest.py)."""
    # Commands that tests ran in this process before, and that had no loop.
    collecting.started()
    threshold = gc.get_threshold()
    yield
    collecting.started()
    gc.set_threshold(*threshold)


async def _nothing() -> int:
    return gc.get_threshold()[0]


def test_a_command_that_starts_collects_less_until_its_loop_runs() -> None:
    """Starting raises the threshold, once; the loop runs with what was set before."""
    usual = gc.get_threshold()
    collecting.start()
    collecting.start()
    assert gc.get_threshold()[0] > 10 * usual[0]
    assert loop.run(_nothing()) == usual[0]
    assert gc.get_threshold() == usual


def test_commands_that_serve_for_long_collect_as_usual(monkeypatch) -> None:
    """The exporter and `serve` run for days: the higher number is for their start alone."""
    usual, seen = gc.get_threshold(), []
    told: list[str] = []

    async def exporting(*_: object, **__: object) -> None:
        seen.append(gc.get_threshold())

    monkeypatch.setattr(exporter, "_serve", exporting)
    setup = Setup(settings=ExporterSettings(), web=WebSettings(), modules={})
    collecting.start()
    exporter.run(setup, ("127.0.0.1", 0), lambda _: setup, note=told.append, warn=told.append)
    monkeypatch.setattr(watching, "until_the_end", lambda *_: seen.append(gc.get_threshold()))
    collecting.start()
    assert command_line(["serve", "--listen", "127.0.0.1:0"]) == ExitStatus.OK
    assert seen == [usual] * 2


def test_a_command_that_ends_is_not_searched_for_garbage() -> None:
    """All that is left when a command ends is kept out of the collector's sight, with a loop in
    it and without one."""
    code = (
        "import atexit, gc\n"
        "atexit.register(lambda: print('frozen', gc.get_freeze_count(), len(gc.get_objects())))\n"
        "from tlsresume.cli import main\n"
    )
    for arguments in (["--version"], ["probe", "--plan", "a.example"]):
        done = subprocess.run(
            [sys.executable, "-c", f"{code}main({arguments!r})"],
            capture_output=True,
            text=True,
            check=True,
        )
        frozen, others = map(int, done.stdout.rpartition("frozen ")[2].split())
        assert frozen > 5_000
        assert others < 500


def test_a_library_leaves_the_collector_alone() -> None:
    """Without the command, a loop changes nothing of a process that is not ours."""
    gc.set_threshold(1234, 5, 6)
    frozen = gc.get_freeze_count()
    assert loop.run(_nothing()) == 1234
    assert (gc.get_threshold(), gc.get_freeze_count()) == ((1234, 5, 6), frozen)
