"""What `watch` remembers: samples in a small SQLite file, written one transaction each.

Killed at any moment, a watch loses the sample that was running and no other; two
watches on one file wait for each other for the moment that a transaction takes. The
file also keeps one session for each address and mechanism, to be offered in the next
sample: it holds secrets, and is created with mode 0600. A session is taken out when it
is offered, so that no other watch offers it a second time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tlsresume.diagnosis.watched import Offer, Sample, Sighting
from tlsresume.errors import HistoryFileError
from tlsresume.results import Mechanism
from tlsresume.session.session import Session

#: "tlsr", so that file(1) and we can tell our files from others.
_APPLICATION_ID = 0x746C7372
_VERSION = 1
#: How long another watch's transaction is waited for, in seconds.
_PATIENCE = 30.0

_SCHEMA = """
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
"""

#: `:targets` is a JSON array of names; of all targets where it is empty.
_CHOSEN = "json_array_length(:targets) = 0 OR target IN (SELECT value FROM json_each(:targets))"
_OF_CHOSEN = f"WHERE sample IN (SELECT id FROM sample WHERE {_CHOSEN}) ORDER BY rowid"  # noqa: S608  constants only
_SAMPLES = (
    f"SELECT id, time, target, connections, error FROM sample WHERE {_CHOSEN} ORDER BY time, id"  # noqa: S608  constants only
)
_SIGHTINGS = f"SELECT * FROM sighting {_OF_CHOSEN}"  # noqa: S608  constants only
_OFFERS = f"SELECT * FROM offer {_OF_CHOSEN}"  # noqa: S608  constants only


@dataclass(frozen=True, slots=True)
class Kept:
    """A session to offer in the next sample, and the name of the key that sealed it."""

    address: str
    port: int
    mechanism: Mechanism
    key_name: str | None
    session: Session


def default_path() -> Path:
    """The history of this user: in $XDG_STATE_HOME, as the XDG base directories say."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "tlsresume" / "watch.sqlite3"


class History:
    """An open history file. Every method raises HistoryFileError."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        try:
            if create:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Before SQLite makes it, with the umask's permissions.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            elif not path.is_file():
                raise HistoryFileError(
                    f"there is no history in {path}",
                    path=str(path),
                    hints=("make one: tlsresume watch --once TARGET",),
                )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise HistoryFileError(f"cannot open {path}: {reason}", path=str(path)) from error
        with self._blamed():
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryFileError(
                f"cannot use the history in {self.path}: {error}", path=str(self.path)
            ) from error

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def _prepare(self) -> None:
        """Make the tables in an empty file; refuse a file that is another program's."""
        self._database.execute("PRAGMA foreign_keys = ON")
        with self._transaction() as database:
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not tables:
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                database.execute(f"PRAGMA user_version = {_VERSION}")
        if self._pragma("application_id") != _APPLICATION_ID:
            raise HistoryFileError(f"{self.path} is no history of tlsresume", path=str(self.path))
        if self._pragma("user_version") > _VERSION:
            raise HistoryFileError(
                f"{self.path} was written by a newer version of tlsresume", path=str(self.path)
            )
        # Readers and a writer side by side. Where that cannot be had, on a network's file
        # system or while another watch is writing, the journal stays as it is, and is as safe.
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA journal_mode = WAL").fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else writes meanwhile."""
        with self._blamed():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    # ---------------------------------------------------------------- writing

    def add(self, sample: Sample, kept: Sequence[Kept] = ()) -> None:
        """Write a sample, and the sessions to offer next."""
        with self._transaction() as database:
            row = database.execute(
                "INSERT INTO sample (time, target, connections, error) VALUES (?, ?, ?, ?)",
                (sample.time, sample.target, sample.connections, sample.error),
            ).lastrowid
            database.executemany(
                "INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (row, s.address, s.port, s.mechanism, s.key_name, s.connections, s.lifetime,
                     int(s.stateful))
                    for s in sample.sightings
                ],
            )  # fmt: skip
            database.executemany(
                "INSERT INTO offer VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (row, o.address, o.port, o.mechanism, o.age, o.old_key, o.new_key, o.outcome)
                    for o in sample.offers
                ],
            )
            database.executemany(
                "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (sample.target, k.address, k.port, k.mechanism, k.key_name, k.session.data)
                    for k in kept
                ],
            )

    def take(self, target: str, address: str, port: int, mechanism: Mechanism) -> Kept | None:
        """The session that an earlier sample kept; it is nobody else's from now on."""
        where = "target = ? AND address = ? AND port = ? AND mechanism = ?"
        place = (target, address, port, mechanism)
        with self._transaction() as database:
            row = database.execute(
                f"SELECT key_name, data FROM session WHERE {where}",  # noqa: S608  `where` is ours
                place,
            ).fetchone()
            if row is None:
                return None
            database.execute(f"DELETE FROM session WHERE {where}", place)  # noqa: S608  same
        return Kept(address, port, mechanism, row[0], Session("openssl-der", row[1]))

    # ---------------------------------------------------------------- reading

    def samples(self, targets: Sequence[str] = ()) -> tuple[Sample, ...]:
        """Every sample, oldest first; of some targets only where they are named."""
        names = json.dumps(list(targets))
        with self._transaction() as database:
            rows = database.execute(_SAMPLES, {"targets": names}).fetchall()
            sightings: dict[int, list[Sighting]] = {}
            for row in database.execute(_SIGHTINGS, {"targets": names}):
                sightings.setdefault(row[0], []).append(
                    Sighting(
                        address=row[1],
                        port=row[2],
                        mechanism=row[3],
                        key_name=row[4],
                        connections=row[5],
                        lifetime=row[6],
                        stateful=bool(row[7]),
                    )
                )
            offers: dict[int, list[Offer]] = {}
            for row in database.execute(_OFFERS, {"targets": names}):
                offers.setdefault(row[0], []).append(
                    Offer(
                        address=row[1],
                        port=row[2],
                        mechanism=row[3],
                        age=row[4],
                        old_key=row[5],
                        new_key=row[6],
                        outcome=row[7],
                    )
                )
        return tuple(
            Sample(
                time=time,
                target=target,
                connections=connections,
                error=error,
                sightings=tuple(sightings.get(number, ())),
                offers=tuple(offers.get(number, ())),
            )
            for number, time, target, connections, error in rows
        )
