"""One test for all rows of a table: every row is tried, and those that fail are named."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Ids = Callable[[Any], object] | Sequence[str] | None

#: So many failing rows are shown with their tracebacks; the others are only named.
SHOWN = 5


def each_row(names: str, rows: Iterable[Any], *, ids: Ids = None) -> Callable[..., Any]:
    """Loop over rows inside one test, written as `pytest.mark.parametrize` is.

    `names` are the arguments that a row fills in, set apart by commas; `ids` is a function of
    a value, or one string a row. Two of these on one test try every pair. Fixtures are made once
    and shared by all rows, so this is for tests whose rows leave nothing behind. The test is
    skipped only where every row is.
    """
    wanted = [name.strip() for name in names.split(",")]
    table = [_row(row, wanted) for row in rows]
    assert table, "no rows, so nothing would be tested"
    labels = [_label(values, n, ids, given) for n, (values, given) in enumerate(table)]
    own = [(label, values) for label, (values, _) in zip(labels, table, strict=True)]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        base, inner = getattr(test, "looped_rows", (test, [("", {})]))
        every = [
            (f"{label} {beside}".strip(), values | others)
            for label, values in own
            for beside, others in inner
        ]

        @functools.wraps(test)
        def looped(**fixtures: Any) -> None:
            _try_each(base, every, fixtures)

        signature = inspect.signature(test)
        kept = [each for each in signature.parameters.values() if each.name not in wanted]
        assert len(kept) == len(signature.parameters) - len(wanted), f"not all taken: {names}"
        vars(looped).update(
            __signature__=signature.replace(parameters=kept), looped_rows=(base, every)
        )
        return looped

    return decorate


def assert_complete(table: Iterable[Any], wanted: Iterable[Any], where: str) -> None:
    """A table has an entry for each wanted key, and no other. Where it has not, the error names
    the keys and `where`: the file and the table to mend."""
    have, want = set(table), set(wanted)
    missing, unknown = sorted(map(str, want - have)), sorted(map(str, have - want))
    assert not missing, f"nothing for {', '.join(missing)}: add it to {where}"
    assert not unknown, f"{', '.join(unknown)} is no more: take it out of {where}"


def _try_each(
    test: Callable[..., None], rows: list[tuple[str, dict[str, Any]]], fixtures: dict[str, Any]
) -> None:
    failed: dict[str, BaseException] = {}
    skipped: list[BaseException] = []
    for label, values in rows:
        try:
            test(**fixtures, **values)
        except pytest.skip.Exception as error:
            skipped.append(error)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(f"row: {label}")
            failed[label] = error
    if failed:
        said = f"{len(failed)} of {len(rows)} rows failed: {', '.join(failed)}"
        raise BaseExceptionGroup(said, list(failed.values())[:SHOWN])
    if len(skipped) == len(rows):
        raise skipped[0]


def _row(row: Any, names: list[str]) -> tuple[dict[str, Any], str | None]:
    """A row's values by their names, and the row's own name where `pytest.param` gave one."""
    given = None
    if isinstance(row, type(pytest.param())):
        assert not row.marks, "a row in a loop has no marks"
        given = str(row.id) if row.id else None
        values = tuple(row.values)
    else:
        values = (row,) if len(names) == 1 else tuple(row)
    return dict(zip(names, values, strict=True)), given


def _label(values: dict[str, Any], n: int, ids: Ids, given: str | None) -> str:
    """A name for a row that no other has: its number comes first."""
    if given is None and callable(ids):
        given = "-".join(str(ids(value)) for value in values.values())
    elif given is None and ids is not None and not callable(ids):
        given = ids[n]
    elif given is None:
        given = "-".join(repr(value)[:40] for value in values.values())
    return f"{n}:{given}"
