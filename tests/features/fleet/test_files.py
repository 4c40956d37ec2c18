"""Files of many results: they grow, are whole up to their last line, and can be gone on with."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import replace

import pytest

from tlsresume.errors import OutputFileError, ReportFileError
from tlsresume.features.fleet.earlier import Earlier
from tlsresume.features.fleet.growing import GrowingFile
from tlsresume.formats import jsonl
from tlsresume.formats.page import View
from tlsresume.options import ConnectOptions, FTPLogin, ProbeOptions
from tlsresume.results.measured import ErrorResult
from tlsresume.results.report import Report, TargetResult
from tlsresume.runs.fingerprint import fingerprint
from tlsresume.runs.many_targets import tool
from tlsresume.targets.target import parse_target


def line(name: str, **more) -> str:
    target = parse_target(name)
    result = TargetResult(
        target=target.name,
        verdict="resumes",
        fingerprint=fingerprint(target, ProbeOptions()),
        **more,
    )
    return jsonl.render(Report(tool=tool(), targets=(result,)), View())


def key(name: str, options: ProbeOptions | None = None) -> str:
    return fingerprint(parse_target(name), options or ProbeOptions())


def test_a_file_grows_and_can_be_kept(tmp_path):
    """What is there stays but for a torn line; without `keep` it begins anew."""
    path = str(tmp_path / "out.jsonl")
    file = GrowingFile(path)
    file.write("one\n")
    assert (tmp_path / "out.jsonl").read_text() == "one\n"  # before it is closed
    with pytest.raises(OutputFileError, match="another run"):
        GrowingFile(path, keep=True)
    file.close()
    with (tmp_path / "out.jsonl").open("a") as torn:
        torn.write("two\n" + "x" * 100_000)
    file = GrowingFile(path, keep=True)
    file.write("three\n")
    file.close()
    assert (tmp_path / "out.jsonl").read_text() == "one\ntwo\nthree\n"
    GrowingFile(path).close()
    assert (tmp_path / "out.jsonl").read_text() == ""
    os.mkfifo(tmp_path / "pipe")
    for wrong in (str(tmp_path), str(tmp_path / "no" / "x"), str(tmp_path / "pipe"), "a\0b"):
        with pytest.raises(OutputFileError):
            GrowingFile(wrong)


def test_a_full_disk_leaves_whole_lines(tmp_path):
    """A line that has no room is cut off, and told of; what came before it is intact."""
    path = tmp_path / "out.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = GrowingFile(str(path))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        file.write("a" * 599 + "\n")
        with pytest.raises(OutputFileError):
            file.write("b" * 599 + "\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "a" * 599 + "\n"
    file.close()


def test_done_is_the_same_target_with_the_same_options_to_its_end(tmp_path):
    """What was cut, by whom ever, is probed again; of two lines the later one counts."""
    path = tmp_path / "out.jsonl"
    refused = ErrorResult("refused", "connect", "connection refused")
    short = ErrorResult("local", "connect", "no descriptor left")
    path.write_text(
        line("done")
        + line("late", incomplete=True)
        + line("stopped", interrupted=True)
        + line("short", error=short)
        + line("refused", error=refused)
        + line("twice", incomplete=True)
        + line("twice")
        + '{"schema": 1, "tool": {}, "error": {}}\n'
        + line("torn")[:-20]
    )
    for again, gone in ((False, {"done", "refused", "twice"}), (True, {"done", "twice"})):
        earlier = Earlier(str(path), retry_unreachable=again)
        assert len(earlier) == len(gone)
        for name in ("done", "late", "stopped", "short", "refused", "twice", "torn", "new"):
            found = earlier.take(key(name))
            assert (found is not None) is (name in gone), name
            assert found is None or found.target == f"{name}:443"
        assert earlier.take(key("done")) is None  # each is given once
    earlier = Earlier(str(path))
    other = ProbeOptions(connect=ConnectOptions(timeout=3))
    assert earlier.take(key("done", other)) is None
    secret = replace(ProbeOptions(), ftp=FTPLogin("a", "secret"))
    assert key("x", secret) == key("x", replace(secret, ftp=FTPLogin("a", "other")))
    assert len(Earlier(str(tmp_path / "none"))) == 0


def test_a_file_that_is_none_is_refused(tmp_path):
    """Nothing is appended to what is not a list of results."""
    path = tmp_path / "x"
    for text in ("hello\n", "[1]\n", '{"schema": 2}\n', '{"schema": 1, "target": 3}\n', "\0\n"):
        path.write_text(text)
        with pytest.raises(ReportFileError, match="line 1"):
            Earlier(str(path))
    with pytest.raises(ReportFileError):
        Earlier(str(tmp_path))
