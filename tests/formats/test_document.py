"""JSON documents: their shape, their schemas, and what they never hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.golden import cases, check
from tests.helpers.rows import each_row
from tlsresume.formats import document, schemas
from tlsresume.formats.page import View
from tlsresume.results.inspection import FileResult, Inspections
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import SCHEMA, Report, ResumeResult, SaveResult

FOLDER = Path(document.__file__).parent
VIEW = View()


@each_row("name", schemas.DOCUMENTS)
def test_the_schemas_are_fresh(name):
    """Each shipped JSON Schema is what its dataclass gives now (make generate)."""
    shipped = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == json.loads(schemas.schema_text(name))


def resolve(schema: dict, whole: dict) -> dict:
    reference = schema.get("$ref")
    return whole["$defs"][reference.rpartition("/")[2]] if reference else schema


def conforms(value: object, schema: dict, whole: dict) -> bool:
    """A reader of the part of JSON Schema that our schemas use."""
    schema = resolve(schema, whole)
    if "anyOf" in schema:
        return any(conforms(value, each, whole) for each in schema["anyOf"])
    if "const" in schema:
        return value == schema["const"]
    if "enum" in schema:
        return value in schema["enum"]
    match schema.get("type"):
        case "object":
            if not isinstance(value, dict):
                return False
            properties = schema["properties"]
            return set(schema.get("required", ())) <= set(value) <= set(properties) and all(
                conforms(value[name], properties[name], whole) for name in value
            )
        case "array":
            if not isinstance(value, list):
                return False
            first = schema.get("prefixItems")
            if first is not None:
                return len(value) == len(first) and all(
                    conforms(each, kind, whole) for each, kind in zip(value, first, strict=True)
                )
            return all(conforms(each, schema["items"], whole) for each in value)
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "integer":
            return type(value) is int
        case "number":
            return type(value) in (int, float)
    raise AssertionError(f"the schema uses something unknown: {schema}")


EVERY = [
    *(("report", result) for result in cases.REPORTS.values()),
    *(("save", result) for result in cases.SAVES.values()),
    *(("resume", result) for result in cases.RESUMES.values()),
    ("failure", document.Failure(error=cases.REFUSED)),
    ("inspect", Inspections(files=(FileResult(path="x", error=cases.REFUSED),))),
]


@each_row("name, result", EVERY)
def test_every_document_conforms_to_its_schema(name, result):
    """Every document, hostile or not, is valid JSON of the shape its schema describes."""
    text = document.document(cases.TOOL, result)
    found = json.loads(text)
    schema = schemas.schema(name)
    assert conforms(found, schema, schema)
    assert list(found)[:2] == ["schema", "tool"]
    assert found["schema"] == SCHEMA
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    ("kind", "results"),
    [
        (Report, cases.REPORTS.values()),
        (SaveResult, cases.SAVES.values()),
        (ResumeResult, cases.RESUMES.values()),
    ],
)
def test_documents_can_be_read_back(kind, results):
    """A document read back is the result it was made of, to six digits."""
    for result in results:
        text = document.document(cases.TOOL, result)
        again = msgspec.json.decode(text.encode(), type=kind)
        assert document.document(cases.TOOL, again) == text


def test_the_shape_of_a_report_is_the_promised_one():
    """The names that readers rely on are where they were promised."""
    found = json.loads(document.render(cases.REPORTS["partly"], VIEW))
    assert set(found["tool"]) == {"name", "version", "openssl", "pyopenssl"}
    (target,) = found["targets"]
    assert {
        "target", "verdict", "error", "connections", "duration_ms", "skipped", "addresses",
        "findings",
    } <= set(target)  # fmt: skip
    first = target["addresses"][0]
    assert {"address", "port", "tls_versions", "error", "mechanisms", "attempts"} <= set(first)
    mechanism = first["mechanisms"][0]
    assert {
        "mechanism", "tls_version", "state", "judged", "reason", "fixed", "chained", "tickets",
        "timing", "bytes",
    } <= set(mechanism)  # fmt: skip
    assert {"offered", "accepted", "rate", "interval"} <= set(mechanism["fixed"])
    assert {
        "count", "length", "lifetime", "key_name", "stateful", "max_early_data",
    } <= set(mechanism["tickets"])  # fmt: skip
    assert {
        "n", "time", "local_port", "mechanism", "series", "offered", "accepted", "key_name",
        "error",
    } <= set(first["attempts"][0])  # fmt: skip
    assert {
        "code", "severity", "address", "mechanism", "cause", "advice", "evidence",
    } <= set(target["findings"][0])  # fmt: skip
    assert found["violations"] == []


def test_a_file_name_that_is_not_utf_8_can_be_written():
    """A lone surrogate, as in a file name of other bytes, becomes an escape."""
    odd = replace(cases.SAVED, files=("caf\udce9.pem",))
    assert json.loads(document.document(cases.TOOL, odd))["files"] == [r"caf\udce9.pem"]


def test_a_failure_reads_as_agreed():
    """The document of a run that failed is as its golden file says."""
    stacked = ErrorResult("file", "", "cannot use x", ("look at it",), cases.STACK)
    check("failure.json", document.document(cases.TOOL, document.Failure(error=stacked)))


@each_row("case", cases.RESUMES)
def test_a_resume_document_reads_as_agreed(case):
    """The document of a resume is as its golden file says."""
    check(f"resume-{case}.json", document.document(cases.TOOL, cases.RESUMES[case]))


@pytest.mark.parametrize("case", cases.SAVES)
def test_a_save_document_reads_as_agreed(case):
    """The document of a save is as its golden file says."""
    check(f"save-{case}.json", document.document(cases.TOOL, cases.SAVES[case]))
