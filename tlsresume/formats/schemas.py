"""The JSON Schemas of the documents, generated from the types of the results.

They are shipped beside this file. Within a schema number fields are only added. This
imports what every command makes, so no command imports it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlsresume.formats.document import Failure
from tlsresume.formats.explanation import Explanations
from tlsresume.results.configuration import HeldConfiguration
from tlsresume.results.inspection import Inspections
from tlsresume.results.plan import Plans
from tlsresume.results.report import SCHEMA, Report, ResumeResult, SaveResult, Tool

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: The documents of each command, by the name of their schema file.
DOCUMENTS: dict[str, type] = {
    "report": Report,
    "save": SaveResult,
    "resume": ResumeResult,
    "inspect": Inspections,
    "explain": Explanations,
    "plan": Plans,
    "config": HeldConfiguration,
    "failure": Failure,
}


def schema(name: str, kind: type | None = None) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of `DOCUMENTS`, or of a feature's own document."""
    kind = kind or DOCUMENTS[name]
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


def schema_text(name: str, kind: type | None = None) -> str:
    """The schema as the text of its file, `NAME.schema.json`."""
    ordered = schema(name, kind)
    first = {key: ordered[key] for key in ("$schema", "title")}
    encoded = msgspec.json.encode(first | ordered)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
