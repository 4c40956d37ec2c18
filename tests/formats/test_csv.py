"""CSV: a row for each mechanism on each address, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given

from tests.formats.test_pipeline import HOSTILE, SETTINGS, hostile_report
from tests.golden import cases
from tests.helpers.commands import runner
from tests.helpers.pipeline_cases import JUDGED
from tlsresume.formats import FORMATS, csv_report, junit_cases
from tlsresume.formats.csv_cells import csv_row
from tlsresume.formats.page import View
from tlsresume.formats.reading import parse_report
from tlsresume.results.report import Report
from tlsresume.runs import many_targets as scan

__all__ = ["run"]

run = pytest.fixture(runner)

COLUMNS = [
    "target", "transport", "address", "mechanism", "verdict", "state", "offered", "accepted",
    "lifetime", "key_name", "exit_status", "why", "codes", "started",
]  # fmt: skip


def table(report: Report) -> list[dict[str, str]]:
    """A report as csv, read by Python's own reader."""
    text = csv_report.head() + csv_report.render(report, View())
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def test_there_is_a_row_for_each_address_and_mechanism():
    """Rows are the mechanisms of each address; what could not be tested has one row, with its
    error."""
    rows = table(JUDGED["mixed"])
    expected: list[tuple[str, str, str]] = []
    for target in JUDGED["mixed"].targets:
        for address in target.addresses:
            expected += [(target.target, address.address, m.mechanism) for m in address.mechanisms]
            if not address.mechanisms:
                expected.append((target.target, address.address, ""))
        if not target.addresses:
            expected.append((target.target, "", ""))
    assert [(row["target"], row["address"], row["mechanism"]) for row in rows] == expected
    partly = next(row for row in rows if row["state"] == "partly")
    assert (partly["transport"], partly["verdict"], partly["exit_status"]) == ("tcp", "partly", "3")
    assert int(partly["accepted"]) < int(partly["offered"]) == 10
    assert partly["key_name"] == f"{cases.KEY_A} {cases.KEY_B}"
    assert partly["lifetime"] == "7200"
    assert partly["codes"].split() == ["other-ticket-key", "single-use"]
    unreachable = next(row for row in rows if row["target"].startswith("nowhere"))
    assert (unreachable["exit_status"], unreachable["offered"]) == ("5", "")
    assert "no address" in unreachable["why"]


def test_a_finding_stands_only_where_it_speaks():
    """Codes are of findings on that address and mechanism, or on all."""
    (target,) = JUDGED["good"].targets
    only = replace(cases.FINDING, mechanism="ticket", mechanisms=("ticket",), address=None)
    elsewhere = replace(cases.FINDING, code="single-use", address="192.0.2.99", mechanism=None)
    report = cases.report(replace(target, findings=(only, elsewhere)))
    codes = {row["mechanism"]: row["codes"] for row in table(report)}
    assert codes == {"psk": "", "ticket": "other-ticket-key", "session-id": ""}


def test_a_transport_has_rows_of_its_own():
    """An address that is tested over QUIC, too, has rows for both, and a finding stands in those
    of its transport only; JUnit names the one that is not TCP."""
    (address,) = cases.GOOD.addresses
    only = replace(cases.FINDING, transport="quic", addresses=(address.address,))
    target = replace(
        cases.GOOD, addresses=(address, replace(address, transport="quic")), findings=(only,)
    )
    rows = [row for row in table(cases.report(target)) if row["mechanism"] == "psk"]
    assert [(row["transport"], row["codes"]) for row in rows] == [
        ("tcp", ""),
        ("quic", "other-ticket-key"),
    ]
    assert [case.name for case in junit_cases.cases(target)] == [
        "other-ticket-key of psk over quic"
    ]


@SETTINGS
@given(HOSTILE)
def test_no_cell_is_a_formula(text):
    """No text from outside begins a formula, breaks out of its cell, or adds a row."""
    rows = table(hostile_report(text))
    assert len(rows) == len(table(hostile_report("plain")))
    for row in rows:
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))
            assert cell.isprintable()


def test_formulas_are_defused_and_numbers_are_not():
    """What a spreadsheet would carry out begins with an apostrophe; a number stays one."""
    cells = {
        "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", " =1": "' =1",
        "\t=1": "\\t=1", -1: "-1", 0.5: "0.5", None: "", True: "true", "a-b": "a-b",
    }  # fmt: skip
    for value, cell in cells.items():
        assert csv_row([value, "x"]) == f"{cell},x\r\n"


def test_rows_come_as_targets_are_done(run, monkeypatch, tmp_path):
    """The head is printed once, before the first target; a table without rows has it, too; a
    file is written whole at the end."""
    good = JUDGED["good"].targets[0]

    def two(_plans, *, on_result, **_more):
        on_result(good)
        on_result(cases.PARTLY)
        return cases.report(good, cases.PARTLY, cases.UNREACHABLE)

    monkeypatch.setattr(scan, "scan", two)
    file = tmp_path / "f.csv"
    words = ("probe", "x.test", "--format", "csv", "--format", f"json={tmp_path / 'f.json'}")
    _, out, _ = run(*words, "--format", "text=" + str(tmp_path / "f.txt"))
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(rows) == len(table(cases.report(good, cases.PARTLY, cases.UNREACHABLE)))
    assert out.count("target,transport,") == 1
    run("probe", "x.test", "--format", f"csv={file}")
    assert file.read_bytes().decode() == out
    monkeypatch.setattr(scan, "scan", lambda *_a, **_k: cases.report())
    assert run("probe", "x.test", "--format", "csv")[1] == csv_report.head()


def test_the_columns_are_those_that_are_documented():
    """The order and names of columns are a promise."""
    assert list(csv_report.COLUMNS) == COLUMNS
    assert FORMATS["csv"].per == "target"


def test_brief_leaves_the_attempts_out(run, monkeypatch):
    """--brief empties `attempts` in json and jsonl and says so; a reader reads it, and what is
    no such format refuses it."""
    monkeypatch.setattr(scan, "scan", lambda *_a, **_k: cases.report(cases.PARTLY))
    for name in ("json", "jsonl"):
        whole = json.loads(run("probe", "x.test", "--format", name)[1])
        brief = json.loads(run("probe", "x.test", "--format", name, "--brief")[1])
        assert (whole["brief"], brief["brief"]) == (False, True)
        target = brief["target"] if name == "jsonl" else brief["targets"][0]
        own = whole["target"] if name == "jsonl" else whole["targets"][0]
        assert any(address["attempts"] for address in own["addresses"])
        assert [a | {"attempts": []} for a in own["addresses"]] == target["addresses"]
        assert {**own, "addresses": 0} == {**target, "addresses": 0}
    printed = run("probe", "x.test", "--json", "--brief")[1].encode()
    assert parse_report(printed, "r.json").brief
    status, _, err = run("probe", "x.test", "--format", "html", "--brief")
    assert status == 2
    assert "json and jsonl" in err
