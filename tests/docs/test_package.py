"""The package as a whole: its public names, its weight at start-up, its promises of version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import oldest
import pytest

import tlsresume
from tests.helpers.rows import each_row
from tests.paths import REPOSITORY


@each_row("name", tlsresume.__all__)
def test_public_name_exists(name):
    """Each public name can be had from the package."""
    assert getattr(tlsresume, name) is not None


def test_public_names_are_told_once():
    """The table of homes and `__all__` name the same things."""
    homes = [name for names in tlsresume._HOMES.values() for name in names]
    assert sorted([*homes, "__version__"]) == sorted(tlsresume.__all__)
    assert set(tlsresume.__all__) <= set(dir(tlsresume))


def test_unknown_name_is_an_attribute_error():
    """A name that is not public is refused as Python does it."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tlsresume.no_such_name


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys\nsys.stderr.write('LOADED ' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    names = done.stderr.rpartition("LOADED ")[2].split()
    return {name.partition(".")[0] for name in names}


HEAVY = {"OpenSSL", "cryptography", "rich", "msgspec", "asyncio", "ssl", "socket"}


def test_import_is_light():
    """`import tlsresume` loads no library."""
    assert not loaded_by("import tlsresume") & (HEAVY | {"click"})


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_start_is_light(option):
    """`--version` and `--help` load click and nothing heavier."""
    code = (
        "from tlsresume.cli import main\n"
        f"import sys; sys.argv = ['tlsresume', {option!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )
    loaded = loaded_by(code)
    assert "click" in loaded
    assert not loaded & HEAVY


def test_version_has_one_source():
    """The installed metadata and the package agree on the version."""
    assert version("tlsresume") == tlsresume.__version__


def test_changelog_names_the_version():
    """The version at hand has its section in the changelog."""
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(tlsresume.__version__)}\b", text, re.MULTILINE)


def test_every_dependency_has_a_lower_bound():
    """`make test-oldest` can pin each dependency of the package and of what users install with
    it, and does."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    requirements = list(project["dependencies"])
    for name in extras.keys() - {"test", "dev", "docs"}:
        requirements += extras[name]
    for requirement in requirements:
        assert re.fullmatch(r"[A-Za-z0-9._-]+>=[0-9.]+", requirement)
    pinned = set(oldest.pins(text))
    assert pinned == {requirement.replace(">=", "==") for requirement in requirements}


def test_every_ruff_ignore_has_a_reason():
    """A rule that is switched off in pyproject.toml says why on its line."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    table = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.flake8-tidy")]
    codes = [line for line in table.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",', line)]
    assert codes
    assert all("# " in line for line in codes)


def test_package_is_typed():
    """Type checkers of users read our annotations (PEP 561)."""
    assert (REPOSITORY / "tlsresume" / "py.typed").exists()
