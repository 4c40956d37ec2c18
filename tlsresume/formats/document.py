"""JSON documents and their JSON Schemas: results as they are, with `schema` and `tool` first.

The shape of a document is the shape of its dataclass. Within a schema number
fields are only added. The schemas are generated from the same dataclasses and
shipped beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from tlsresume.actions.inspect import Inspection
from tlsresume.formats.page import View
from tlsresume.formats.printable import json_safe, printable
from tlsresume.results import SCHEMA, ErrorResult, Report, ResumeResult, SaveResult, Tool

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
    "failure": Failure,
}


def render(report: Report, _view: View) -> str:
    """The report of a probe as one JSON document."""
    return document(report.tool, report)


def document(tool: Tool, result: object) -> str:
    """One result of any kind as a JSON document: `schema`, `tool`, then the result's fields."""
    fields: dict[str, Any] = msgspec.to_builtins(result)
    whole = {"schema": SCHEMA, "tool": msgspec.to_builtins(tool)} | {
        name: value for name, value in fields.items() if name not in ("schema", "tool")
    }
    try:
        encoded = msgspec.json.encode(whole)
    except UnicodeEncodeError:  # a lone surrogate, from a file name that is not UTF-8
        encoded = msgspec.json.encode(_without_surrogates(whole))
    return json_safe(msgspec.json.format(encoded, indent=2).decode()) + "\n"


def _without_surrogates(value: object) -> object:
    match value:
        case str():
            return "".join(
                printable(letter) if "\ud800" <= letter <= "\udfff" else letter for letter in value
            )
        case dict():
            return {
                _without_surrogates(key): _without_surrogates(each) for key, each in value.items()
            }
        case list() | tuple():
            return [_without_surrogates(each) for each in value]
    return value


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of `DOCUMENTS`."""
    kind = DOCUMENTS[name]
    (root, tool), parts = msgspec.json.schema_components(
        (kind, Tool), ref_template="#/$defs/{name}"
    )
    parts = dict(parts)
    body = dict(parts.pop(root["$ref"].rpartition("/")[2]) if "$ref" in root else root)
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


def schema_text(name: str) -> str:
    """The schema as the text of its file, `NAME.schema.json`."""
    ordered = schema(name)
    first = {key: ordered[key] for key in ("$schema", "title")}
    encoded = msgspec.json.encode(first | ordered)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
