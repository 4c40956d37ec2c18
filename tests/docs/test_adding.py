"""A finding and a format are added to a copy of the package as docs/architecture.md says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import PACKAGE, REPOSITORY

pytestmark = pytest.mark.slow

RULE = '''

@rule(
    "full-handshake-seen",
    "W",
    "info",
    needs=Part.OUTCOME | Part.PURPOSE,
    cause="A connection without a session worked.",
    advice="Nothing is to be done.",
    sources=("RFC 8446 section 2",),
)
def full_handshake_seen(view: View) -> Match | None:
    """A full handshake was seen.

    A connection without a session came to its end.
    """
    return Match(seen=("on one connection",)) if view.full else None
'''
FOUND = """
from tests.helpers.evidence import Story
from tlsresume.findings.judge import judge
print(*(found.code for found in judge([Story("psk").full().view()])))
"""
FORMAT = '''"""Names of targets, a line each."""


def render(report, view):
    return "".join(f"{each.target}\\n" for each in report.targets)
'''
ROW = """FORMATS["lines"] = Format(
    module="tlsresume.formats.lines", per="run", begins="x"
)
"""


def files_named(heading: str) -> set[str]:
    """The files and folders that a list of the page names."""
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^### {heading}\n(.*?)^###? ", text, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([\w/.]+(?:/|\.py))`", section))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "tlsresume", ignore=ignore))


def run(copy: Path, *arguments: str) -> str:
    """What Python prints with the copy in place of the package, and the tests' helpers."""
    path = os.pathsep.join((str(copy.parent), str(REPOSITORY)))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy.parent,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_finding_is_one_function_in_a_module_of_findings(copy: Path) -> None:
    """A rule at the end of a module has its page in `explain`, and is found in evidence."""
    assert "findings/" in files_named("Adding a finding")
    module = copy / "findings/plaintext_injection.py"
    module.write_text(module.read_text(encoding="utf-8") + RULE, encoding="utf-8")
    page = run(copy, "-m", "tlsresume", "explain", "full-handshake-seen")
    assert "A full handshake was seen" in page
    assert "full-handshake-seen" in run(copy, "-c", FOUND).split()


def test_a_format_is_a_module_and_a_row(copy: Path) -> None:
    """A renderer and its row are all that `--format NAME` and the library need."""
    assert {"formats/", "formats/__init__.py"} <= files_named("Adding a format")
    (copy / "formats/lines.py").write_text(FORMAT, encoding="utf-8")
    table = copy / "formats/__init__.py"
    table.write_text(table.read_text(encoding="utf-8") + ROW, encoding="utf-8")
    assert "lines" in run(copy, "-m", "tlsresume", "probe", "--help")
    program = (
        "import tlsresume; from tests.golden import cases;"
        "print(tlsresume.format_report(cases.report(cases.GOOD), 'lines'))"
    )
    assert run(copy, "-c", program).strip()
