"""The command line in a report: as typed, without what may be secret."""

from __future__ import annotations

import pytest

from tests.helpers.commands import runner
from tests.helpers.pipeline_cases import JUDGED
from tlsresume.cli.typed_command import without_secrets
from tlsresume.runs import many_targets as scan

__all__ = ["run"]

run = pytest.fixture(runner)


def test_secrets_are_left_out():
    """Logins of targets and proxies, and what is sent, are hidden however they are given."""
    table = {
        ("probe", "a.test", "-v"): ("probe", "a.test", "-v"),
        ("probe", "https://u:S3cret@a.test/"): ("probe", "https://...@a.test/"),
        ("--proxy", "http://u:S3cret@p:1"): ("--proxy", "http://...@p:1"),
        ("--proxy=http://u:S3cret@p:1",): ("--proxy=http://...@p:1",),
        ("--send", "Cookie: S3cret", "b"): ("--send", "...", "b"),
        ("--send=S3cret", "b"): ("--send=...", "b"),
        ("--early-data", "--send", "c"): ("--early-data", "...", "c"),
    }
    for typed, shown in table.items():
        assert tuple(without_secrets(typed)) == shown


def test_the_page_shows_the_command(run, monkeypatch, tmp_path):
    """HTML names the command, quoted for a shell; a terminal's text and JSON do not."""
    monkeypatch.setattr(scan, "scan", lambda *_a, **_k: JUDGED["good"])
    page = tmp_path / "two words.html"
    run("probe", "a.test", "--send", "S3cret", "--format", f"html={page}")
    text = page.read_text(encoding="utf-8")
    assert "tlsresume probe a.test --send ... --format &#39;html=" in text
    assert "S3cret" not in text
    assert "Made by" in run("probe", "a.test", "--format", "html")[1]
