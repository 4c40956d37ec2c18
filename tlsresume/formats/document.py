"""JSON documents: results as they are, with `schema` and `tool` first.

The shape of a document is the shape of its dataclass; schemas.py tells it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import SCHEMA, Report, Tool
from tlsresume.results.value import tidy
from tlsresume.value import Value


class Failure(Value, frozen=True, kw_only=True):
    """What a run left that ended before there was a result."""

    error: ErrorResult


def render(report: Report, _view: View) -> str:
    """The report of a probe as one JSON document."""
    return document(report.tool, report)


def failure(tool: Tool, error: ErrorResult) -> str:
    """A run that failed, as one JSON document."""
    return document(tool, Failure(error=error))


def document(tool: Tool, result: object) -> str:
    """One result of any kind as a JSON document."""
    encoded = msgspec.json.encode(fields_of(tool, result))
    return json_safe(msgspec.json.format(encoded, indent=2).decode()) + "\n"


def fields_of(tool: Tool, result: object) -> dict[str, Any]:
    """What the document of a result holds: `schema`, `tool`, then the result's fields."""
    fields: dict[str, Any] = msgspec.to_builtins(result)
    whole: dict[str, Any] = tidy(
        {"schema": SCHEMA, "tool": msgspec.to_builtins(tool)}
        | {name: value for name, value in fields.items() if name not in ("schema", "tool")}
    )
    return whole
