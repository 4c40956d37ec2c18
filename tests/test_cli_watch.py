"""`tlsresume watch`: status, stdout and stderr, against the built-in server."""

from __future__ import annotations

import io
import json

import pytest

from tests.commands import runner
from tests.peers import refused_port
from tests.test_rotation import ONE, A, sample, seen
from tlsresume.cli import console
from tlsresume.errors import ExitStatus
from tlsresume.history import History

pytestmark = pytest.mark.slow

QUICK = ("--once", "--tries", "1", "--ticket-wait", "1")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return runner(capsys)


def test_once_and_report(run, server, tmp_path):
    """One sample goes to the history in the state folder; its line to stderr, the report to
    stdout, and `watch report` prints the same."""
    target = f"127.0.0.1:{server().port}"
    status, out, err = run("watch", target, *QUICK)
    assert status == ExitStatus.OK
    assert out.startswith(f"{target}  1 sample")
    assert f"{target}: {target} " in err
    assert (tmp_path / "state/tlsresume/watch.sqlite3").is_file()
    assert run("watch", "report") == (ExitStatus.OK, out, "")
    assert run("watch", "report", "other.test:443") == (ExitStatus.OK, "No samples yet.\n", "")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_live_view_on_a_terminal(run, server, monkeypatch):
    """On a terminal the report is drawn anew after each sample, and taken away in the end;
    the last one is on stdout."""
    screen = Terminal()
    monkeypatch.setattr(console, "stderr", lambda: screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    target = f"127.0.0.1:{server().port}"
    arguments = ("--every", "1s", "--for", "1s", "--tries", "1", "--ticket-wait", "1")
    status, out, _ = run("watch", target, *arguments)
    drawn = screen.getvalue()
    assert status == ExitStatus.OK
    assert "The first sample is being taken." in drawn
    assert "1 sample, 2 connections" in drawn
    assert "\x1b[2K" in drawn
    assert "2 samples, 6 connections" in out
    assert "\x1b" not in out


def test_formats(run, server, tmp_path):
    """JSON and HTML can be written beside the text."""
    target = f"127.0.0.1:{server().port}"
    status, out, _ = run(
        "watch", target, *QUICK, "--format", "json", "--format", "html=page.html", "-q"
    )
    assert status == ExitStatus.OK
    assert json.loads(out)["targets"][0]["target"] == target
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_a_target_that_is_gone(run):
    """Where no target can be reached the status is 5, and the report says why."""
    with refused_port() as port:
        status, out, err = run("watch", f"127.0.0.1:{port}", *QUICK)
    assert status == ExitStatus.UNREACHABLE
    assert "The last sample failed: " in out
    assert "failed: " in err


def test_a_key_that_is_too_old(run, tmp_path):
    """A key in use for longer than --max-key-age is status 3."""
    with History(tmp_path / "h") as history:
        for minute in (0, 10):
            history.add(sample(minute, seen(ONE, A)))
    for age, expected in (("9m", ExitStatus.NOT_AS_ASKED), ("11m", ExitStatus.OK)):
        status, out, _ = run("watch", "report", "--history", "h", "--max-key-age", age)
        assert status == expected
        assert ("ticket-key-too-old" in out) == (expected != ExitStatus.OK)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "missing argument"),
        (("h", "--once", "--for", "1h"), "exclude each other"),
        (("h", "--every", "soon"), "not a duration"),
        (("h", "--every", "0"), "not a duration"),
        (("report", "--format", "junit"), "not one of"),
    ],
)
def test_usage(run, arguments, words):
    """What makes no sense is a usage error."""
    status, out, err = run("watch", *arguments)
    assert (status, out) == (ExitStatus.USAGE, "")
    assert words in err


def test_no_history(run, tmp_path):
    """A report without a history is status 7 with a hint, and valid JSON where that was asked."""
    status, out, err = run("watch", "report", "--format", "json")
    assert status == ExitStatus.FILE
    assert json.loads(out)["error"]["kind"] == "historyfile"
    assert "there is no history" in err
    assert "hint: " in err
    assert not (tmp_path / "state").exists()


def test_a_history_that_others_can_read(run, tmp_path):
    """A history that others can read is warned about: it holds sessions."""
    with History(tmp_path / "h"):
        pass
    (tmp_path / "h").chmod(0o644)
    status, _, err = run("watch", "report", "--history", "h")
    assert status == ExitStatus.OK
    assert "others can read this file" in err
