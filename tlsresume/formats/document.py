"""JSON documents and their JSON Schemas: results as they are, with `schema` and `tool` first.

The shape of a document is the shape of its dataclass. Within a schema number
fields are only added. The schemas are generated from the same dataclasses and
shipped beside this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from tlsresume.actions.inspect import Inspection
from tlsresume.actions.plan import Plans
from tlsresume.diagnosis.watched import WatchReport
from tlsresume.formats.explanation import Explanations
from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe, printable
from tlsresume.results import SCHEMA, ErrorResult, Report, ResumeResult, SaveResult, Tool

_SURROGATE = re.compile("[\ud800-\udfff]")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a run left that ended before there was a result."""

    error: ErrorResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """One file that was inspected: what it holds, or why it cannot be read."""

    path: str
    inspection: Inspection | None = None
    error: ErrorResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspections:
    """What `inspect` found, file by file."""

    files: tuple[FileResult, ...]


#: The documents of each command, by the name of their schema file.
DOCUMENTS: dict[str, type] = {
    "report": Report,
    "save": SaveResult,
    "resume": ResumeResult,
    "inspect": Inspections,
    "explain": Explanations,
    "plan": Plans,
    "watch": WatchReport,
    "failure": Failure,
}


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


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of `DOCUMENTS`."""
    kind = DOCUMENTS[name]
    (root, tool), parts = msgspec.json.schema_components(
        (kind, Tool), ref_template="#/$defs/{name}"
    )
    own = root["$ref"].rpartition("/")[2]
    body = dict(parts[own])
    if root not in _references(parts):
        parts = {part: parts[part] for part in parts if part != own}
    properties = {"schema": {"const": SCHEMA}, "tool": tool} | {
        field: part for field, part in body["properties"].items() if field not in ("schema", "tool")
    }
    required = ["schema", "tool", *body.get("required", ())]
    return body | {
        "$schema": _DIALECT,
        "title": f"tlsresume {name}, schema {SCHEMA}",
        "properties": properties,
        "required": list(dict.fromkeys(required)),
        "$defs": parts,
    }


def _references(value: object) -> list[dict[str, str]]:
    """Every `{"$ref": ...}` in a schema."""
    if isinstance(value, dict):
        inner = [each for part in value.values() for each in _references(part)]
        return [value, *inner] if "$ref" in value else inner
    if isinstance(value, list):
        return [each for part in value for each in _references(part)]
    return []


def schema_text(name: str) -> str:
    """The schema as the text of its file, `NAME.schema.json`."""
    ordered = schema(name)
    first = {key: ordered[key] for key in ("$schema", "title")}
    encoded = msgspec.json.encode(first | ordered)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
