"""Counting what a parser does with bytes: a measure of work that no machine's speed changes.

`Counted` bytes note, in `Work`, how many bytes each call on them goes through; what they give
(slices, lines, matches) is counted too. Patterns of a module count as well, while `counted`
holds. So a parser that looks at the same bytes again and again is seen to, also where the
looking is done in C.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest


class Work:
    """The number of bytes gone through so far."""

    done = 0


def _counted(value: Any) -> Any:
    if type(value) is bytes:
        return Counted(value)
    if type(value) in (list, tuple):
        return type(value)(_counted(each) for each in value)
    return value


class Counted(bytes):
    """Bytes of which every use is counted."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        Work.done += len(found) if isinstance(found, bytes) else 1
        return _counted(found)

    def __add__(self, other: Any) -> Any:
        Work.done += len(self) + len(other)
        return Counted(super().__add__(other))


def _counting(name: str) -> Any:
    def method(self: Counted, *arguments: Any, **named: Any) -> Any:
        Work.done += len(self)
        if name == "join":
            arguments = (list(arguments[0]),)
            Work.done += sum(map(len, arguments[0]))
        return _counted(getattr(bytes, name)(self, *arguments, **named))

    return method


for _name in (
    "count", "decode", "find", "index", "join", "lower", "lstrip", "partition", "removeprefix",
    "removesuffix", "replace", "rfind", "rpartition", "rstrip", "split", "splitlines", "strip",
    "translate", "upper",
):  # fmt: skip
    setattr(Counted, _name, _counting(_name))


class CountedBuffer(bytearray):
    """A bytearray that counts searches and gives Counted slices."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytearray):
            Work.done += len(found)
            return Counted(found)
        Work.done += 1
        return found

    def find(self, mark: Any, *where: Any) -> int:
        found = super().find(mark, *where)
        Work.done += (found if found >= 0 else len(self)) - (where[0] if where else 0)
        return found


class _CountedMatch:
    def __init__(self, match: re.Match[Any]) -> None:
        self._match = match

    def __getitem__(self, key: Any) -> Any:
        return _counted(self._match[key])

    def groups(self) -> Any:
        return _counted(self._match.groups())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._match, name)


class CountedPattern:
    """A compiled pattern that counts how far it looks, without its way back."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self._pattern = pattern

    def _look(self, name: str, text: Any, *where: int) -> Any:
        match = getattr(self._pattern, name)(text, *where)
        end = len(text) if match is None else match.end()
        Work.done += end - (where[0] if where else 0)
        return None if match is None else _CountedMatch(match)

    def match(self, text: Any, *where: int) -> Any:
        return self._look("match", text, *where)

    def fullmatch(self, text: Any, *where: int) -> Any:
        return self._look("fullmatch", text, *where)

    def search(self, text: Any, *where: int) -> Any:
        return self._look("search", text, *where)


@contextmanager
def counted(*modules: ModuleType) -> Iterator[type[Work]]:
    """Count from 0, with the patterns of some modules, also those in tables of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    patch.setattr(module, name, CountedPattern(value))
                elif isinstance(value, dict) and name.startswith("_") and value:
                    for key, each in value.items():
                        if isinstance(each, re.Pattern):
                            patch.setitem(value, key, CountedPattern(each))
        Work.done = 0
        yield Work
