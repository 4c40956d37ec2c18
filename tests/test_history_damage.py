"""Histories that are old, damaged, foreign or made to do harm: read, or an error of the file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import runner
from tests.sessions import session
from tests.test_rotation import ONE, A, B, offer, sample, seen
from tlsresume import history_schema
from tlsresume.actions.watch import Watch
from tlsresume.errors import ExitStatus, HistoryFileError
from tlsresume.history import History, Kept
from tlsresume.options import WatchOptions
from tlsresume.target import parse_target

pytestmark = pytest.mark.slow

FIRST = sample(0, seen(ONE, A, None))
SECOND = sample(1, seen(ONE, B), offers=[offer(A, B)])
TARGET = FIRST.target

#: The schema of 0.1.0, to the letter: a history that it wrote must be read for ever.
VERSION_1 = """
CREATE TABLE sample (
  id INTEGER PRIMARY KEY, time REAL NOT NULL, target TEXT NOT NULL,
  connections INTEGER NOT NULL, error TEXT
);
CREATE INDEX sample_target ON sample (target, time);
CREATE TABLE sighting (
  sample INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  address TEXT NOT NULL, port INTEGER NOT NULL, mechanism TEXT NOT NULL, key_name TEXT,
  connections INTEGER NOT NULL, lifetime INTEGER NOT NULL, stateful INTEGER NOT NULL
);
CREATE INDEX sighting_sample ON sighting (sample);
CREATE TABLE offer (
  sample INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  address TEXT NOT NULL, port INTEGER NOT NULL, mechanism TEXT NOT NULL, age REAL NOT NULL,
  old_key TEXT, new_key TEXT, outcome TEXT NOT NULL
);
CREATE INDEX offer_sample ON offer (sample);
CREATE TABLE session (
  target TEXT NOT NULL, address TEXT NOT NULL, port INTEGER NOT NULL, mechanism TEXT NOT NULL,
  key_name TEXT, data BLOB NOT NULL, PRIMARY KEY (target, address, port, mechanism)
);
INSERT INTO sample VALUES (1, 1800000000.0, 'a.test:443', 6, NULL);
INSERT INTO sighting VALUES (1, '192.0.2.1', 443, 'psk', 'aa', 3, 300, 0);
INSERT INTO offer VALUES (1, '192.0.2.1', 443, 'psk', 60.5, 'aa', 'bb', 'resumed');
PRAGMA application_id = 1953264498;
PRAGMA user_version = 1;
"""

#: Values that no watch writes, by column.
NONSENSE: dict[str, tuple[str, ...]] = {
    "sample.time": ("'2026-11-26'", "1e300", "-1", "9e999", "x'ff00'", "'abc'", "''"),
    "sample.target": ("x'ff00'", "CAST(x'ff' AS TEXT)"),
    "sample.connections": ("-1", "1.5", "'many'", "x'00'"),
    "sample.error": ("x'ff'", "CAST(x'c328' AS TEXT)"),
    "sighting.address": ("x'7f000001'",),
    "sighting.port": ("-1", "65536", "'https'", "1e99"),
    "sighting.mechanism": ("'ftp'", "0", "''"),
    "sighting.key_name": ("x'aabb'", "'not hex'", "''", "CAST(x'e0' AS TEXT)"),
    "sighting.connections": ("'2026-01-01'", "-9223372036854775808"),
    "sighting.lifetime": ("'1 h'", "-5", "4294967296", "0.5"),
    "sighting.stateful": ("2", "'yes'"),
    "offer.age": ("'old'", "1e300", "-1e308", "x''"),
    "offer.old_key": ("x'00'", "char(0)"),
    "offer.new_key": ("x'00'",),
    "offer.outcome": ("'perhaps'", "x'ff'", "1"),
}

#: What makes a history another program's, or one that no watch left behind.
FOREIGN: dict[str, str] = {
    "another program's number": "PRAGMA application_id = 1",
    "no number": "PRAGMA application_id = 0",
    "a later version": "PRAGMA user_version = 99",
    "a version before the first": "PRAGMA user_version = 0",
    "a negative version": "PRAGMA user_version = -1",
    **{f"no table {name}": f"DROP TABLE {name}" for name in history_schema.COLUMNS},
    "no column": "ALTER TABLE sighting DROP COLUMN stateful",
    "a column of another name": "ALTER TABLE sample RENAME COLUMN time TO hour",
    "a computed column": "ALTER TABLE sample ADD COLUMN x AS (1 + 1)",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON sample BEGIN DELETE FROM sample; END",
    "a view that never ends": "ALTER TABLE sighting RENAME TO other; CREATE VIEW sighting AS WITH"
    " RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i AS sample, i AS address,"
    " i AS port, i AS mechanism, i AS key_name, i AS connections, i AS lifetime, i AS stateful"
    " FROM n",
}

#: Bytes written over a history, by what that is.
BYTES: dict[str, tuple[int, bytes]] = {
    "no header": (0, bytes(100)),
    "a page size of 0": (16, b"\0\0"),
    "tables that begin nowhere": (100, b"\xff" * 400),
    "a format of the future": (18, b"\x09\x09"),
}


@pytest.fixture
def path(tmp_path) -> Path:
    """A history that a watch left behind, with its journal in the file."""
    made = tmp_path / "watch.sqlite3"
    with History(made) as history:
        history.add(FIRST, [Kept(ONE, 443, "psk", A, session("openssl40-psk"))])
        history.add(SECOND)
    run_sql(made, "PRAGMA journal_mode = DELETE")
    return made


def run_sql(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(statements)


def damaged(path: Path, folder: Path) -> dict[str, Path]:
    """Copies of a history, each damaged in its own way, by what was done."""
    whole = path.read_bytes()
    made: dict[str, Path] = {}

    def copy(what: str) -> Path:
        made[what] = folder / f"{len(made)}.sqlite3"
        made[what].touch(mode=0o600)
        made[what].write_bytes(whole)
        return made[what]

    for column, values in NONSENSE.items():
        table, name = column.split(".")
        for value in values:
            run_sql(copy(f"{column} = {value!r}"), f"UPDATE {table} SET {name} = {value}")
    for what, statements in FOREIGN.items():
        run_sql(copy(what), statements)
    for what, (at, data) in BYTES.items():
        copy(what).write_bytes(whole[:at] + data + whole[at + len(data) :])
    for share in (1, 2, 3, 5):
        copy(f"cut to {share} of 6 parts").write_bytes(whole[: len(whole) * share // 6])
    copy("text").write_bytes(b"no database at all\n" * 100)
    return made


def test_a_damaged_history_is_an_error_of_the_file(path, tmp_path, capsys):
    """Whatever is wrong in a history, the report says so and exits 7, and the file stays as it
    was."""
    run = runner(capsys)
    cases = damaged(path, tmp_path)
    assert len(cases) >= 45
    for what, file in cases.items():
        before = file.read_bytes()
        status, out, err = run("watch", "report", "--history", str(file))
        assert (status, out) == (ExitStatus.FILE, ""), (what, status, err)
        assert "bug" not in err, (what, err)
        assert err.startswith("tlsresume: error: "), (what, err)
        assert str(file) in err, (what, err)
        assert file.read_bytes() == before, what


def test_a_whole_history_is_still_read(path, capsys):
    """What is refused above is refused for its damage alone."""
    status, out, err = runner(capsys)("watch", "report", "--history", str(path))
    assert (status, err) == (ExitStatus.OK, "")
    assert TARGET in out


def test_the_first_version_is_read(tmp_path):
    """A history that tlsresume 0.1.0 wrote is read, and brought up to date."""
    old = tmp_path / "old.sqlite3"
    run_sql(old, VERSION_1)
    with History(old, create=False) as history:
        (found,) = history.samples()
        assert (found.target, found.time) == ("a.test:443", 1_800_000_000.0)
        assert [each.key_name for each in found.sightings] == ["aa"]
        assert [each.outcome for each in found.offers] == ["resumed"]
        history.add(SECOND)
        assert len(history.samples()) == 2


def test_an_older_history_is_migrated_whole_or_not_at_all(path, monkeypatch):
    """The steps from an older version are made in one transaction: one that fails leaves the
    file as it was, and the next time all are made."""
    monkeypatch.setattr(history_schema, "VERSION", 3)
    added = "ALTER TABLE sample ADD COLUMN note TEXT"
    monkeypatch.setattr(history_schema, "MIGRATIONS", {1: added, 2: "SELECT * FROM nowhere"})
    before = path.read_bytes()
    with pytest.raises(HistoryFileError):
        History(path)
    assert path.read_bytes() == before
    monkeypatch.setattr(history_schema, "MIGRATIONS", {1: added, 2: "UPDATE sample SET note = 'x'"})
    for _ in range(2):
        with History(path) as history:
            assert history.samples() == (FIRST, SECOND)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT note FROM sample").fetchall() == [("x",), ("x",)]
        assert database.execute("PRAGMA user_version").fetchone() == (3,)


def test_a_kept_session_that_cannot_be_read_costs_its_offer(path):
    """A session that is text, no DER, cut short or of another mechanism is not offered, and the
    samples are read as ever."""
    other = "X'" + session("openssl40-ticket").data.hex() + "'"
    for value in ("'text'", "x''", "x'3003020101'", "7", "1.5", other):
        with History(path) as history:
            history.add(FIRST, [Kept(ONE, 443, "psk", A, session("openssl40-psk"))])
        run_sql(path, f"UPDATE session SET data = {value}")
        with History(path) as history:
            assert history.take(TARGET, ONE, 443, "psk") is None
            assert history.samples()
    with History(path) as history:
        history.add(FIRST, [Kept(ONE, 443, "psk", A, session("openssl40-psk"))])
    run_sql(path, "UPDATE session SET key_name = x'ff00'")
    with History(path) as history:
        assert history.take(TARGET, ONE, 443, "psk") is None


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A pipe, a device and a name with a zero byte are errors, and block nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in (pipe, Path("/dev/zero"), tmp_path, Path("a\0b")):
        for create in (True, False):
            with pytest.raises(HistoryFileError):
                History(name, create=create)


def test_a_name_that_sqlite_takes_for_its_own(tmp_path, monkeypatch):
    """A history called `:memory:` is a file like any other."""
    monkeypatch.chdir(tmp_path)
    with History(Path(":memory:")) as history:
        history.add(FIRST)
    with History(Path(":memory:"), create=False) as history:
        assert history.samples() == (FIRST,)


HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("now", flush=True)
sys.stdin.read()
"""


def test_a_watch_that_waits_for_another_hears_an_interrupt(path):
    """While another process holds the file, a watch that is cancelled (Ctrl-C, SIGTERM) ends
    after one of SQLite's waits."""

    async def cancelled(history: History) -> int:
        async def sampler(_target):
            return FIRST, ()

        waits = 0
        add = history.add

        def counting(*arguments):
            nonlocal waits
            waits += 1
            if waits == 2:
                task.cancel()
            return add(*arguments)

        history.add = counting  # type: ignore[method-assign]
        watch = Watch([parse_target("a.test")], WatchOptions(once=True), history, sampler=sampler)
        task = asyncio.ensure_future(watch.run())
        with pytest.raises(asyncio.CancelledError):
            await task
        return waits

    with History(path) as history:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "now\n"
            assert asyncio.run(cancelled(history)) == 2
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        assert history.samples() == (FIRST, SECOND)
