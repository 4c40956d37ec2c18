"""Replays of early data over QUIC on real servers: what we say, and how often their log has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.commands import runner
from tests.servers import newer
from tests.servers.harness import HOST
from tests.servers.newer import NAME
from tests.servers.quic_programs import TOO_EARLY, Programs, marked

_TAKEN = {"accepted": True, "same_ticket": "accepted", "exact_copy": "accepted"}
_ONCE_AND_TWICE = {"control": 1, "taken": 1, "first": 1, "second": 1, "copy": 2, "held": 1}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    return runner(capsys)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    try:
        yield made
    finally:
        made.close()


def replayed(run: Any, port: int, *words: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """The status, the early data, and the target."""
    status, out, err = run("probe", f"h3://{NAME}:{port}", "-4", "--no-explain", "--tries", "2",
                           "--format", "json", *words)  # fmt: skip
    assert out, err
    (target,) = json.loads(out)["targets"]
    return status, target["addresses"][0]["early_data"], target


def severities(target: dict[str, Any]) -> dict[str, str]:
    return {f["code"]: f["severity"] for f in target["findings"] if "early" in f["code"]}


def seen(early: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: early[name] for name in expected}


def test_caddy(run, programs):
    """Caddy takes replays, and its log has each copy twice; a pause of some seconds changes
    nothing, and an unsafe method passes."""
    port = programs.caddy()
    status, early, target = replayed(run, port, "--replay-early-data", "--replay-age", "2s")
    expected = _TAKEN | {"answered_before_finished": True, "status": 200,
                         "after": [{"seconds": 2.0, "result": "accepted"}]}  # fmt: skip
    assert seen(early, expected) == expected
    assert severities(target) == {
        "early-data-replayed": "warning", "early-data-answered-early": "warning"
    }  # fmt: skip
    assert status == 0
    log = programs.executed()
    assert {name: log[name] for name in _ONCE_AND_TWICE} == _ONCE_AND_TWICE
    assert log["after2s"] == 2
    status, early, target = replayed(run, port, "--replay-early-data=POST")
    assert (status, early["unsafe_method"]) == (3, "passed")
    assert severities(target)["early-data-replayed"] == "error"


def test_caddy_answers_425(run, programs):
    """With a rule for 425, replays are taken and none is executed; the repeated request is."""
    port = programs.caddy(TOO_EARLY)
    status, early, target = replayed(run, port, "--replay-early-data")
    expected = _TAKEN | {"status": 425}
    assert (status, seen(early, expected)) == (0, expected)
    assert severities(target) == {"early-data-replayed": "info", "too-early": "info"}
    (taken,) = [each for each in early["requests"] if each["id"].endswith("-taken")]
    assert (taken["presentations"], taken["answers"]) == (2, [425, 200])


def test_hypercorn_issues_none(run, programs):
    """A server without tickets has no early data, and that is the answer."""
    _, early, target = replayed(run, programs.hypercorn(), "--replay-early-data")
    assert (early["max"], early["accepted"], early["requests"]) == (0, None, [])
    (psk,) = target["addresses"][0]["mechanisms"]
    assert (psk["state"], target["verdict"]) == ("not-issued", "does-not-resume")


@contextmanager
def gtlsserver(*options: str) -> Iterator[tuple[int, Path]]:
    """Ngtcp2's server, and its log of requests."""
    with newer.folder() as at:
        port = newer.free_port()
        at.start(port, "gtlsserver", "--no-quic-dump", *options, HOST, str(port),
                 at.inside("key.pem"), at.inside("cert.pem"))  # fmt: skip
        yield port, at.path / f"log.{port}"


def test_gtlsserver(run):
    """A server that keeps connections for a while after their end gets the copy all the same."""
    with gtlsserver() as (port, log):
        _, early, target = replayed(run, port, "--replay-early-data")
        expected = _TAKEN | {"answered_before_finished": True, "status": 404}
        assert seen(early, expected) == expected
        counts = marked(log.read_text(errors="replace"))
    assert {name: counts[name] for name in _ONCE_AND_TWICE} == _ONCE_AND_TWICE
    assert severities(target)["early-data-replayed"] == "warning"


def test_a_retry_keeps_copies_out(run):
    """Behind a Retry early data is taken and sent again after it; a copy tells nothing, which is
    said."""
    with gtlsserver("--validate-addr") as (port, log):
        _, early, target = replayed(run, port, "--replay-early-data")
        assert (early["accepted"], early["exact_copy"], early["status"]) == (True, None, 404)
        counts = marked(log.read_text(errors="replace"))
    assert (counts["taken"], counts["copy"]) == (1, 0)
    assert "early-data-replayed" not in severities(target)
    assert [(each["what"], "Retry" in each["reason"]) for each in target["skipped"]] == [
        ("early data on 127.0.0.1: the exact copy", True)
    ]
