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
import stat
import time as clock
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from tlsresume.errors import HistoryFileError, SessionError, reason_of
from tlsresume.features.watch.history_schema import (
    COLUMNS,
    ForeignError,
    check_row,
    prepare,
    selected,
)
from tlsresume.features.watch.samples import Offer, Sample, Sighting
from tlsresume.results.connection import Mechanism
from tlsresume.sessions.session import Session
from tlsresume.value import Value

#: How long another watch's transaction is waited for, in seconds: by SQLite at a time, when no
#: signal gets through, and in all.
_ONE_WAIT, _PATIENCE = 0.5, 30.0

#: `:targets` is a JSON array of names; of all targets where it is empty.
_CHOSEN = "json_array_length(:targets) = 0 OR target IN (SELECT value FROM json_each(:targets))"
_OF_CHOSEN = f"WHERE sample IN (SELECT id FROM sample WHERE {_CHOSEN}) ORDER BY rowid"  # noqa: S608  constants only
_SAMPLES = f"SELECT {selected('sample')} FROM sample WHERE {_CHOSEN} ORDER BY time, id"  # noqa: S608  constants only


class HistoryBusyError(HistoryFileError):
    """Another process holds the history, and did not let it go in time."""


class Kept(Value, frozen=True):
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
    """An open history file. Every method raises HistoryFileError.

    `patience` is how long, in seconds, another process that holds the file is waited for;
    who can wait without blocking sets it to 0, and tries again after a HistoryBusyError.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self.patience = _PATIENCE
        try:
            if create:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Before SQLite makes it, with the umask's permissions.
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
                os.close(os.open(path, flags, 0o600))
            kind = path.stat().st_mode
        except FileNotFoundError:
            raise HistoryFileError(
                f"there is no history in {path}",
                path=str(path),
                hints=("make one: tlsresume watch --once TARGET",),
            ) from None
        except (OSError, ValueError) as error:
            raise HistoryFileError(
                f"cannot open {path}: {reason_of(error)}", path=str(path)
            ) from error
        if not stat.S_ISREG(kind):
            raise HistoryFileError(f"{path} is not a regular file", path=str(path))
        with self._blamed():
            # The whole path, since SQLite has names of its own, such as ":memory:".
            self._database = sqlite3.connect(
                path.absolute(), timeout=_ONE_WAIT, isolation_level=None
            )
        try:
            # A report only reads, unless the history is an older one.
            with self._transaction("BEGIN IMMEDIATE" if create else "BEGIN") as database:
                database.execute("PRAGMA trusted_schema = OFF")
                prepare(database)
            if create:
                self._set_up()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """What goes wrong inside is the file's fault: also text that is no UTF-8, and numbers
        that Python cannot hold."""
        try:
            yield
        except ForeignError as error:
            raise HistoryFileError(f"{self.path} {error}", path=str(self.path)) from None
        except UnicodeDecodeError:
            raise HistoryFileError(
                f"{self.path} is damaged: it holds text that is not UTF-8", path=str(self.path)
            ) from None
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise HistoryFileError(
                f"cannot use the history in {self.path}: {error}", path=str(self.path)
            ) from error

    def _set_up(self) -> None:
        with self._blamed():
            self._database.execute("PRAGMA foreign_keys = ON")
        # Readers and a writer side by side. Where that cannot be had, on a network's file
        # system or while another watch is writing, the journal stays as it is, and is as safe.
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA journal_mode = WAL").fetchone()

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else writes meanwhile."""
        with self._blamed():
            self._begin(begin)
            try:
                yield self._database
            except BaseException:
                # SQLite has taken back by itself what a damaged file or a full disk ended.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _begin(self, statement: str) -> None:
        """Begin a transaction, waiting for others in steps, between which signals are heard."""
        until = clock.monotonic() + self.patience
        while True:
            try:
                self._database.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if clock.monotonic() >= until:
                    raise HistoryBusyError(
                        f"another process holds the history in {self.path}", path=str(self.path)
                    ) from None
            else:
                return

    # ---------------------------------------------------------------- writing

    def add(self, sample: Sample, kept: Sequence[Kept] = ()) -> None:
        """Write a sample, and the sessions to offer next."""
        with self._transaction() as database:
            row = database.execute(
                "INSERT INTO sample (time, target, connections, error) VALUES (?, ?, ?, ?)",
                (sample.time, sample.target, sample.connections, sample.error),
            ).lastrowid
            for table, seen in (("sighting", sample.sightings), ("offer", sample.offers)):
                _, *fields = COLUMNS[table]
                database.executemany(
                    f"INSERT INTO {table} ({selected(table)}) VALUES ({', '.join('?' * 8)})",  # noqa: S608  constants only
                    [(row, *(getattr(each, name) for name in fields)) for each in seen],
                )
            database.executemany(
                f"INSERT OR REPLACE INTO session ({selected('session')}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  constants only
                [
                    (sample.target, k.address, k.port, k.mechanism, k.key_name, k.session.data)
                    for k in kept
                ],
            )

    def take(self, target: str, address: str, port: int, mechanism: Mechanism) -> Kept | None:
        """The session that an earlier sample kept; it is nobody else's from now on.

        None also where what was kept cannot be read: that costs an offer, and no more.
        """
        where = "target = ? AND address = ? AND port = ? AND mechanism = ?"
        place = (target, address, port, mechanism)
        with self._transaction() as database:
            row = database.execute(
                f"SELECT {selected('session')} FROM session WHERE {where}",  # noqa: S608  `where` is ours
                place,
            ).fetchone()
            if row is None:
                return None
            database.execute(f"DELETE FROM session WHERE {where}", place)  # noqa: S608  same
        name, data = row[-2:]
        if not isinstance(data, bytes):
            return None
        try:
            session = Session.from_bytes(data)
        except SessionError:
            return None
        if session.mechanism != mechanism or not (name is None or isinstance(name, str)):
            return None
        return Kept(address, port, mechanism, name, session)

    # ---------------------------------------------------------------- reading

    def samples(self, targets: Sequence[str] = ()) -> tuple[Sample, ...]:
        """Every sample, oldest first; of some targets only where they are named."""
        names = json.dumps(list(targets))
        with self._transaction("BEGIN") as database:
            rows = [
                check_row("sample", row) for row in database.execute(_SAMPLES, {"targets": names})
            ]
            sightings: dict[int, list[Sighting]] = {}
            for number, fields in _by_sample(database, "sighting", names):
                fields["stateful"] = bool(fields["stateful"])
                sightings.setdefault(number, []).append(Sighting(**fields))
            offers: dict[int, list[Offer]] = {}
            for number, fields in _by_sample(database, "offer", names):
                offers.setdefault(number, []).append(Offer(**fields))
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


def _by_sample(
    database: sqlite3.Connection, table: str, targets: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table, each with the number of its sample. Raises ForeignError."""
    _, *names = COLUMNS[table]
    select = f"SELECT {selected(table)} FROM {table} {_OF_CHOSEN}"  # noqa: S608  constants only
    for row in database.execute(select, {"targets": targets}):
        number, *values = check_row(table, row)
        yield number, dict(zip(names, values, strict=True))
