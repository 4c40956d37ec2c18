"""What all results of the library's calls can do: say whether all is well, and become JSON."""

from __future__ import annotations

import re
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
    match value:
        case float():
            return round(value, 6)
        case str():
            return value if value.isascii() else re.sub(_SURROGATE, _escape, value)
        case dict():
            return {tidy(key): tidy(each) for key, each in value.items()}
        case list() | tuple():
            return [tidy(each) for each in value]
    return value


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
