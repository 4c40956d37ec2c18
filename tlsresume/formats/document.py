"""JSON documents: results as they are, with `schema` and `tool` first.

The shape of a document is the shape of its dataclass; schemas.py tells it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe, printable
from tlsresume.results import SCHEMA, ErrorResult, Report, Tool

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a run left that ended before there was a result."""

    error: ErrorResult


def render(report: Report, _view: View) -> str:
    """The report of a probe as one JSON document."""
    return document(report.tool, report)


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as one JSON document."""
    return document(tool, Failure(error=error))


def document(tool: Tool, result: object) -> str:
    """One result of any kind as a JSON document: `schema`, `tool`, then the result's fields."""
    fields: dict[str, Any] = msgspec.to_builtins(result)
    whole = {"schema": SCHEMA, "tool": msgspec.to_builtins(tool)} | {
        name: value for name, value in fields.items() if name not in ("schema", "tool")
    }
    encoded = msgspec.json.encode(_tidy(whole))
    return json_safe(msgspec.json.format(encoded, indent=2).decode()) + "\n"


def _tidy(value: object) -> object:
    """The same value with no more digits than were measured, and as Unicode can carry it:
    the lone surrogates of a file name that is not UTF-8 become escapes."""
    match value:
        case float():
            return round(value, 6)
        case str():
            return value if value.isascii() else _SURROGATE.sub(_escape, value)
        case dict():
            return {_tidy(key): _tidy(each) for key, each in value.items()}
        case list() | tuple():
            return [_tidy(each) for each in value]
    return value


def _escape(match: re.Match[str]) -> str:
    return printable(match[0])
