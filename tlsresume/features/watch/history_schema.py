"""The tables of a watch's history: how they are made, brought up to date, and checked.

A history may be damaged, another program's, or made to do harm. So before anything is read,
the file must have our tables with our columns and nothing that computes (views, triggers,
virtual tables, generated columns); and SQLite lets any column hold any type, so each value
that is read is held against what we would have written (`check_row`).
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, get_args

from tlsresume.features.watch.samples import Outcome
from tlsresume.results.connection import MECHANISMS

#: "tlsr", so that file(1) and we can tell our files from others.
APPLICATION_ID = 0x746C7372
VERSION = 1

SCHEMA = """
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

#: Statements that bring a history of a version to the next one, by the version that it has.
#: Whoever raises VERSION adds the row, and the schema that was to tests/features/watch/test_history_damage.py.
MIGRATIONS: dict[int, str] = {}

#: The end of the year 9999, after which no date can be printed.
_LAST_TIME = 253_402_300_799.0
_LARGEST = 2**63 - 1
_KEY_NAME = re.compile(r"[0-9a-f]{1,512}")

_Check = Callable[[Any], bool]


def _number(least: float, most: float) -> _Check:
    return lambda value: (
        type(value) in (int, float) and math.isfinite(value) and least <= value <= most
    )


def _whole(most: int) -> _Check:
    return lambda value: type(value) is int and 0 <= value <= most


def _word(words: Sequence[str]) -> _Check:
    return lambda value: type(value) is str and value in words


def _text(value: object) -> bool:
    return type(value) is str


def _text_or_null(value: object) -> bool:
    return value is None or _text(value)


def _key_or_null(value: object) -> bool:
    return value is None or (type(value) is str and _KEY_NAME.fullmatch(value) is not None)


_PLACE: dict[str, _Check] = {
    "address": _text,
    "port": _whole(65535),
    "mechanism": _word(MECHANISMS),
}

#: The columns of each table, in their order, and what may stand in them.
COLUMNS: dict[str, dict[str, _Check]] = {
    "sample": {
        "id": _whole(_LARGEST),
        "time": _number(0, _LAST_TIME),
        "target": _text,
        "connections": _whole(_LARGEST),
        "error": _text_or_null,
    },
    "sighting": {
        "sample": _whole(_LARGEST),
        **_PLACE,
        "key_name": _key_or_null,
        "connections": _whole(_LARGEST),
        #: ticket_lifetime is a uint32 (RFC 8446 section 4.6.1).
        "lifetime": _whole(2**32 - 1),
        "stateful": _whole(1),
    },
    "offer": {
        "sample": _whole(_LARGEST),
        **_PLACE,
        #: Negative where the clock was set back.
        "age": _number(-_LAST_TIME, _LAST_TIME),
        "old_key": _key_or_null,
        "new_key": _key_or_null,
        "outcome": _word(get_args(Outcome)),
    },
    # A session that cannot be read costs an offer and nothing more: see History.take.
    "session": {"target": _text, **_PLACE, "key_name": _key_or_null, "data": _text},
}


class ForeignError(Exception):
    """A file that is no history of ours, or no whole one; the message goes on after its name."""


def selected(table: str) -> str:
    """The columns of a table, for SQL."""
    return ", ".join(COLUMNS[table])


def check_row(table: str, row: Sequence[Any]) -> Sequence[Any]:
    """The same row, if each value is one that we would have written. Raises ForeignError."""
    for (name, fits), value in zip(COLUMNS[table].items(), row, strict=True):
        if not fits(value):
            raise ForeignError(f"is damaged: {table}.{name} holds what no watch writes there")
    return row


def pragma(database: sqlite3.Connection, name: str) -> int:
    """The number that a pragma gives."""
    row = database.execute(f"PRAGMA {name}").fetchone()
    return int(row[0]) if row else 0


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables in an empty file, or bring old ones up to date, inside a transaction of
    the caller's. Raises ForeignError for a file that is not ours, newer than we, or damaged."""
    number, version = pragma(database, "application_id"), pragma(database, "user_version")
    if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] and not number:
        _run(database, SCHEMA)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        return
    if number != APPLICATION_ID:
        raise ForeignError("is no history of tlsresume")
    if version > VERSION:
        raise ForeignError("was written by a newer version of tlsresume")
    if version < VERSION:
        _refuse_what_computes(database)
        for older in range(version, VERSION):
            if older not in MIGRATIONS:
                raise ForeignError(f"is damaged: there was no version {version} of a history")
            _run(database, MIGRATIONS[older])
        database.execute(f"PRAGMA user_version = {VERSION}")
    _refuse_what_computes(database)
    _check_columns(database)


def _run(database: sqlite3.Connection, statements: str) -> None:
    # Not executescript, which would commit the caller's transaction first.
    for statement in statements.split(";"):
        database.execute(statement)


def _refuse_what_computes(database: sqlite3.Connection) -> None:
    plain = "type = 'index' OR (type = 'table' AND rootpage > 0)"
    other = database.execute(f"SELECT count(*) FROM sqlite_master WHERE NOT ({plain})")  # noqa: S608  constants only
    if other.fetchone()[0]:
        raise ForeignError("is damaged: it holds views, triggers or virtual tables")


def _check_columns(database: sqlite3.Connection) -> None:
    for table, columns in COLUMNS.items():
        found = database.execute(f"PRAGMA table_xinfo({table})").fetchall()
        if not found:
            raise ForeignError(f"is damaged: it has no table {table}")
        names = [row[1] for row in found]
        missing = [name for name in columns if name not in names]
        if missing:
            raise ForeignError(f"is damaged: its table {table} has no column {missing[0]}")
        if any(row[6] for row in found):
            raise ForeignError(f"is damaged: its table {table} has columns that are computed")
