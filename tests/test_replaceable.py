"""Which files a report takes the place of unasked: reports of its own format, and no others."""

from __future__ import annotations

import os
import re

import pytest

from tests.commands import runner
from tests.golden import cases
from tests.paths import GOLDEN
from tests.pipeline_cases import JUDGED
from tlsresume import scan
from tlsresume.features.capture.command import LINES_BEGIN
from tlsresume.features.capture.lines import csv_head
from tlsresume.features.serve.report_html import render_serve_html
from tlsresume.features.serve.report_machine import junit
from tlsresume.features.serve.results import ServeReport
from tlsresume.formats import FORMATS
from tlsresume.formats.page import View

__all__ = ["run"]

run = pytest.fixture(runner)


def whole(name: str, report) -> str:
    form = FORMATS[name]
    summary = form.summary()
    printed = form.head() + form.renderer()(report, View())
    return printed + (summary(report, View()) if summary else "")


def test_each_format_knows_its_own():
    """What a format prints of any report, or of a failed run, it takes for its own; what others
    print it does not."""
    for name, form in FORMATS.items():
        for case, report in JUDGED.items():
            printed = whole(name, report)
            assert not printed.strip() or re.match(form.begins, printed), (name, case)
            # Text for people has no one beginning: a verdict or a last line is enough.
            others = set() if name in ("json", "jsonl") else FORMATS.keys() - {name, "text"}
            for other in others if printed else ():
                assert not re.match(FORMATS[other].begins, printed), (name, other, case)
        failure = form.failure()
        if failure is not None:
            assert re.match(form.begins, failure(cases.TOOL, cases.REFUSED)), name


def test_text_of_all_commands_is_known(run):
    """What people were shown before may be written over, of whichever command it is."""
    known = [path for name in ("probe", "watch", "save", "resume", "inspect")
             for path in GOLDEN.glob(f"{name}-*.txt")]  # fmt: skip
    assert len(known) > 20
    texts = {path.name: path.read_text(encoding="utf-8") for path in known}
    for words in (("explain",), ("explain", "other-ticket-key"), ("config",)):
        texts[" ".join(words)] = run(*words)[1]
    begins = FORMATS["text"].begins
    assert [name for name, text in texts.items() if text and not re.match(begins, text)] == []
    for width in (80, 40):
        view = View(width=width, many=True)
        for name, report in JUDGED.items():
            text = FORMATS["text"].renderer()(report, view)
            assert not text or re.match(begins, text), name


def test_other_commands_know_theirs():
    """Reports of serve and capture are known by the same beginnings."""
    report = ServeReport(verdict="untested", exit_status=4, exit_zero=False, why="x", servers=())
    assert re.match(FORMATS["html"].begins, render_serve_html(report, cases.TOOL))
    assert re.match(FORMATS["junit"].begins, junit(report, cases.TOOL))
    assert re.match(LINES_BEGIN["csv"], csv_head())


#: Files that a typing error may name.
OTHERS = {
    "hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    "targets": b"www.example.com\nmail.example.com:25\n",
    "page": b"<!DOCTYPE html>\n<html><body>ours</body></html>\n",
    "json": b'{"name": "package", "version": "1.0"}\n',
    "schema": b'{"schema": 1, "name": "other"}\n',
    "xml": b"<?xml version='1.0'?>\n<project/>\n",
    "junit": b"<?xml version='1.0'?>\n<testsuites name=\"pytest\"/>\n",
    "key": b"-----BEGIN PRIVATE KEY-----\n",
    "binary": bytes(range(256)),
    "metrics": b"# HELP node_load1 1m load average.\n",
    "notes": b"# Notes\n\n## TLS\n",
    "csv": b"host,port\na,1\n",
}


@pytest.mark.slow
def test_what_is_no_report_needs_force(run, monkeypatch, tmp_path):
    """Any other file is kept, exit 7, before a connection is made; --force replaces it; an
    empty file, a blank one and one that is not there need nothing."""
    probed = []

    def fake(*_words, **_more):
        probed.append(1)
        return JUDGED["good"]

    monkeypatch.setattr(scan, "scan", fake)
    file = tmp_path / "file"
    for name in FORMATS:
        words = ("probe", "x.test", "--format", f"{name}={file}")
        for data in OTHERS.values():
            file.write_bytes(data)
            probed.clear()
            status, _, err = run(*words)
            assert (status, probed, file.read_bytes()) == (7, [], data), (name, data)
            assert f"in the format {name}" in err
            assert "hint: --force replaces it" in err
        assert run(*words, "--force")[0] in (0, 1, 2, 3)
        assert file.read_bytes() not in OTHERS.values()
        assert run(*words)[0] in (0, 1, 2, 3)
        first = file.read_bytes()
        for data in (b"", b" \r\n\n"):
            file.write_bytes(data)
            run(*words)
            assert file.read_bytes() == first


def test_odd_places_are_told_before_connecting(run, monkeypatch, tmp_path):
    """A folder, a missing folder, a pipe and a device are refused before a connection is made,
    and no pipe is waited for."""
    monkeypatch.setattr(scan, "scan", lambda *_a, **_k: pytest.fail("connected"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    odd = {
        tmp_path: "is a folder",
        tmp_path / "missing" / "f": "there is no folder",
        pipe: "not a regular file",
        "/dev/null": "not a regular file",
        "a\0b": "null byte",
        "f" * 300: "too long",
        pipe / "f": "not a directory",
    }
    for path, words in odd.items():
        status, _, err = run("probe", "x.test", "--format", f"json={path}")
        assert (status, words in err) == (7, True), (path, err)


def test_a_link_is_judged_by_what_it_names(run, monkeypatch, tmp_path):
    """A link to what is no report is kept; one to nothing, or to a pipe, is replaced as ever."""
    monkeypatch.setattr(scan, "scan", lambda *_a, **_k: JUDGED["good"])
    link, other = tmp_path / "link", tmp_path / "other"
    other.write_bytes(b"precious\n")
    link.symlink_to(other)
    words = ("probe", "x.test", "--format", f"json={link}")
    assert run(*words)[0] == 7
    assert link.is_symlink()
    other.unlink()
    assert run(*words)[0] == 0
    assert not link.is_symlink()


def test_a_refused_file_gets_no_report_of_the_failure(run, tmp_path):
    """The run fails, and the file is as it was; other files tell of the failure."""
    kept, told = tmp_path / "kept", tmp_path / "told.json"
    kept.write_bytes(b"precious\n")
    words = ("--format", f"jsonl={kept}", "--format", f"json={told}")
    assert run("probe", "x.test", *words)[0] == 7
    assert kept.read_bytes() == b"precious\n"
    assert "something else" in told.read_text()


def test_saving_has_one_force(run, tmp_path):
    """Where a command has a --force of its own, it is the same one."""
    file = tmp_path / "f"
    file.write_bytes(b"precious\n")
    out = ("-o", str(tmp_path / "s.pem"), "--format", f"json={file}")
    assert run("save", "127.0.0.1:1", *out)[0] == 7
    assert run("save", "127.0.0.1:1", *out, "--force")[0] == 5
