"""history.py: samples in a file that survives kills and a second watch."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.sessions import session
from tests.test_rotation import ONE, A, B, offer, sample, seen
from tlsresume.errors import ExitStatus, HistoryFileError
from tlsresume.history import History, Kept, default_path

FIRST = sample(0, seen(ONE, A, None))
SECOND = sample(1, seen(ONE, B), offers=[offer(A, B)])
FAILED = sample(2, error="connection refused")
TARGET = FIRST.target


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "watch.sqlite3"


def kept(name: str = "openssl40-psk") -> Kept:
    return Kept(ONE, 443, "psk", A, session(name))


def test_what_is_written_is_read_back(path):
    """Samples come back as they were, in the order of time, also by another process's handle."""
    with History(path) as history:
        for each in (SECOND, FIRST, FAILED):
            history.add(each)
        assert history.samples() == (FIRST, SECOND, FAILED)
        with History(path) as other:
            assert other.samples([TARGET]) == (FIRST, SECOND, FAILED)
            assert other.samples(["other.test:443"]) == ()


def test_it_is_for_its_owner_alone(path):
    """The file and its folder are made for the owner only, since sessions are secrets."""
    old = os.umask(0)
    try:
        with History(path) as history:
            history.add(FIRST, [kept()])
            modes = [each.stat().st_mode & 0o077 for each in (path, path.parent)]
            modes += [each.stat().st_mode & 0o077 for each in path.parent.iterdir()]
    finally:
        os.umask(old)
    assert set(modes) == {0}


def test_a_session_is_taken_once(path):
    """A session is given to one watch only, and replaced by a newer one."""
    with History(path) as history, History(path) as other:
        history.add(FIRST, [kept()])
        history.add(SECOND, [kept("openssl30-psk")])
        found = other.take(TARGET, ONE, 443, "psk")
        assert found is not None
        assert (found.session, found.key_name) == (session("openssl30-psk"), A)
        assert history.take(TARGET, ONE, 443, "psk") is None
        assert history.take(TARGET, ONE, 443, "ticket") is None


def test_two_at_once(path):
    """Two watches that write to one file at once lose nothing."""

    def write() -> None:
        with History(path) as history:
            for _ in range(20):
                history.add(FIRST, [kept()])
                history.take(TARGET, ONE, 443, "psk")

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with History(path) as history:
        assert history.samples() == (FIRST,) * 60


KILLED = """
import sys
from pathlib import Path
from tests.test_history import FIRST
from tlsresume.history import History
with History(Path(sys.argv[1])) as history:
    history.add(FIRST)
    with history._transaction() as database:
        database.execute("DELETE FROM sample")
        print("now", flush=True)
        sys.stdin.read()
"""


def test_killed_in_a_transaction(path):
    """A kill in the middle of a sample loses that sample and no other."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "now\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stdin.close()
    with History(path) as history:
        assert history.samples() == (FIRST,)
        history.add(SECOND)
        assert history.samples() == (FIRST, SECOND)


def test_a_sample_is_whole_or_not_there(path, monkeypatch):
    """An error while a sample is written leaves nothing of it."""
    with History(path) as history:
        history.add(FIRST)
        name: Any = object()
        broken = Kept(ONE, 443, "psk", name, session("openssl40-psk"))
        with pytest.raises(HistoryFileError):
            history.add(SECOND, [broken])
        assert history.samples() == (FIRST,)


@pytest.mark.parametrize("content", [b"no database at all, but some text" * 100, None])
def test_a_file_that_is_none(path, content):
    """Another file, or another program's database, is refused and left as it is."""
    path.parent.mkdir()
    if content is None:
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE mine (n INTEGER)")
        database.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(HistoryFileError) as caught:
        History(path)
    assert caught.value.exit_status == ExitStatus.FILE
    assert path.read_bytes() == before


def test_a_newer_version(path):
    """A history of a later tlsresume is refused."""
    with History(path):
        pass
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(HistoryFileError, match="newer version"):
        History(path)


def test_a_report_makes_no_file(path):
    """To read a history that is not there is an error with a hint, and makes none."""
    with pytest.raises(HistoryFileError) as caught:
        History(path, create=False)
    assert caught.value.hints
    assert not path.exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    """A path through a file is an error of the history file."""
    (tmp_path / "file").touch()
    with pytest.raises(HistoryFileError):
        History(tmp_path / "file" / "watch.sqlite3")


def test_the_place_by_default(monkeypatch, tmp_path):
    """$XDG_STATE_HOME, where it is an absolute path; else ~/.local/state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "tlsresume" / "watch.sqlite3"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert default_path() == tmp_path / "home/.local/state/tlsresume/watch.sqlite3"
