"""Old reports stay readable: the promise of the schema number, held to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.inspect import LiteralType, StructType, Type, UnionType, VarTupleType, type_info

from tests.golden import cases
from tests.helpers.pipeline_cases import JUDGED
from tests.helpers.rows import each_row
from tests.paths import VECTORS
from tlsresume.errors import ExitStatus, ReportFileError
from tlsresume.formats import FORMATS, document
from tlsresume.formats.page import View
from tlsresume.formats.reading import parse_report
from tlsresume.policy import exit_status
from tlsresume.policy.judge import Judge
from tlsresume.results.report import Report

#: What earlier versions wrote; a file is added with each release, and none is changed.
OLD = sorted((VECTORS / "reports").glob("*.json"))


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name)
def test_old_reports_are_readable(path):
    """A report of an earlier version is read, judged, compared and printed in every format."""
    report = parse_report(path.read_bytes(), path.name)
    verdicts = [target.verdict for target in report.targets]
    assert verdicts == ["resumes", "partly", "untested"]
    judged = Judge(today=dt.date(2026, 2, 1), baseline=report, baseline_name="old").report(report)
    assert exit_status.exit_status(judged) == ExitStatus.OK
    for form in FORMATS.values():
        assert form.renderer()(judged, View())


def test_reports_that_a_shell_or_an_editor_saved_are_readable():
    """A byte order mark and UTF-16, as of PowerShell's >, change nothing of a report."""
    data = OLD[0].read_bytes()
    plain = parse_report(data, "r.json")
    text = data.decode()
    for saved in (b"\xef\xbb\xbf" + data, text.encode("utf-16"), text.encode("utf-16-le")):
        assert parse_report(saved, "r.json") == plain, saved[:4]
    with pytest.raises(ReportFileError, match="is not JSON: JSON is malformed"):
        parse_report(b"no report", "r.json")


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name)
def test_fields_are_only_added(path):
    """Every field of an old report is still there, in the same place and with its value."""

    def missing(old, new, where="$"):
        if isinstance(old, dict):
            for key, value in old.items():
                if key not in new:
                    yield f"{where}.{key}"
                else:
                    yield from missing(value, new[key], f"{where}.{key}")
        elif isinstance(old, list):
            for number, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from missing(one, other, f"{where}[{number}]")
        elif old != new:
            yield f"{where}: {old} -> {new}"

    data = path.read_bytes()
    again = document.render(parse_report(data, path.name), View())
    assert list(missing(json.loads(data), json.loads(again))) == []


@each_row("case", JUDGED)
def test_what_is_written_is_read_back(case):
    """A report read back is the report, but for digits that were never measured and text that
    is not Unicode."""
    report = JUDGED[case]
    text = document.render(report, View())
    again = parse_report(text.encode(), "x")
    assert document.render(again, View()) == text
    assert [target.verdict for target in again.targets] == [t.verdict for t in report.targets]


def test_fields_of_later_versions_are_left_alone():
    """A field that is not known here is no error: fields may be added."""
    whole = json.loads(document.render(cases.REPORTS["good"], View()))
    whole["new"] = whole["targets"][0]["new"] = {"x": 1}
    assert parse_report(json.dumps(whole).encode(), "x").targets[0].verdict == "resumes"


def words_of(shape: Type, raw: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document stands one of the words that a field may have."""
    for part in shape.types if isinstance(shape, UnionType) else (shape,):
        match part, raw:
            case LiteralType(), str():
                yield place
            case StructType(), dict():
                for field in part.fields:
                    if field.encode_name in raw:
                        at = (*place, field.encode_name)
                        yield from words_of(field.type, raw[field.encode_name], at)
            case VarTupleType(), list():
                for number, each in enumerate(raw):
                    yield from words_of(part.item_type, each, (*place, number))


def put(whole: Any, place: tuple[Any, ...], word: Any) -> Any:
    """The document with another word at a place."""
    if not place:
        return word
    copied = whole.copy()
    copied[place[0]] = put(whole[place[0]], place[1:], word)
    return copied


def test_words_of_later_versions_are_unknown():
    """Wherever a field has one of a few words, one more is read as `unknown`, and the report is
    judged, compared and printed in every format; what is no word is refused."""
    seen = set()
    for report in JUDGED.values():
        whole = json.loads(document.render(report, View()))
        for place in words_of(type_info(Report), whole):
            kind = tuple(each for each in place if isinstance(each, str))
            if kind in seen:
                continue
            seen.add(kind)
            read = parse_report(json.dumps(put(whole, place, "of-2031")).encode(), "x")
            again = json.loads(document.render(read, View()))
            assert put(again, place, "unknown") == again, place
            for other in (parse_report(json.dumps(whole).encode(), "x"), read):
                today = dt.date(2026, 2, 1)
                judged = Judge(today=today, baseline=other, baseline_name="old").report(read)
                back = Judge(today=today, baseline=read, baseline_name="old").report(other)
                for form in FORMATS.values():
                    assert form.renderer()(judged, View()) is not None
                    assert form.renderer()(back, View()) is not None
                    assert form.renderer()(read, View()) is not None
            with pytest.raises(ReportFileError):
                parse_report(json.dumps(put(whole, place, 3)).encode(), "x")
    assert len(seen) > 12


@each_row(
    "data, said",
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a report"),
        (b"{}", "not a report"),
        (b'{"schema": 2, "targets": []}', "schema 2"),
        (b'{"schema": "1", "targets": []}', "schema 1"),
        (b'{"schema": 1, "error": {}}', "run that failed"),
        (b'{"schema": 1, "files": []}', "not a report of probe"),
        (b'{"schema": 1, "targets": [{}]}', "not a report"),
        (b'{"schema": 1, "targets": 3, "tool": {}}', "not a report"),
    ],
)
def test_other_files_are_refused(data, said):
    """What is no report of this schema is an error of the file, and says what it is."""
    with pytest.raises(ReportFileError) as caught:
        parse_report(data, "old.json")
    assert said in caught.value.message
    assert caught.value.message.startswith("old.json")
    assert caught.value.exit_status == ExitStatus.FILE


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_an_error(data):
    """No file does more than be refused."""
    with suppress(ReportFileError):
        parse_report(data, "x")
