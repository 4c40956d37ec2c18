"""What all results of the library's calls can do: say whether all is well, and become JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

_SURROGATE = "[\ud800-\udfff]"


class Result:
    """A result: `ok`, and the same values as a dict or as JSON."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether the answer is what was asked: where the command would exit with 0."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The values as dicts, lists, texts, numbers, booleans and None, as `--format json` has
        them (without `schema` and `tool`, unless the result has its own)."""
        found: dict[str, Any] = tidy(msgspec.to_builtins(self))
        return found

    def to_json(self) -> str:
        """The same as a JSON text on one line."""
        return msgspec.json.encode(self.to_dict()).decode()


def tidy(value: Any) -> Any:
    """The same value with no more digits than were measured, and as Unicode can carry it:
    the lone surrogates of a file name that is not UTF-8 become escapes."""
    change = _TIDIED.get(type(value))
    return value if change is None else change(value)


def _tidy_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Most fields are words and numbers that stay as they are; a call for each cost half of it."""
    return {
        key if key.isascii() else tidy(key): each
        if (kind := type(each)) in _STAYING or (kind is str and each.isascii())
        else tidy(each)
        for key, each in fields.items()
    }


def _tidy_text(text: str) -> str:
    return text if text.isascii() else re.sub(_SURROGATE, _escape, text)


def _tidy_list(values: Sequence[Any]) -> list[Any]:
    return [tidy(each) for each in values]


_STAYING = frozenset({int, bool, type(None)})

#: What msgspec makes of values, and how it is made tidy; all else stays as it is.
_TIDIED: dict[type, Callable[[Any], Any]] = {
    float: lambda number: round(number, 6),
    str: _tidy_text,
    dict: _tidy_fields,
    list: _tidy_list,
    tuple: _tidy_list,
}


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
