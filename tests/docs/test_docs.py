"""README.md and the pages of docs/ are true: what they name exists, what they show is real."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import generate_readme
import pytest
from examples import EXAMPLES
from tree import Command, program, read

import tlsresume
from tests.helpers.commands import runner
from tests.paths import REPOSITORY

PAGES = {
    path.relative_to(REPOSITORY): path.read_text(encoding="utf-8")
    for path in (
        *sorted(REPOSITORY.glob("docs/*.md")),
        *sorted(REPOSITORY.glob("docs/guides/*.md")),
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    )
}

_FENCE = re.compile(r"^```(?P<language>[a-z{}-]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")

#: Options that the pages name of other programs.
OTHERS = frozenset(
    {"--resum", "--ssl-sessions", "--session-file", "--tp-file", "--origin-to-force-quic-on"}
)


@pytest.fixture
def run(capsys):
    return runner(capsys)


def without_fences(text: str) -> str:
    return _FENCE.sub("", text)


def commands() -> dict[tuple[str, ...], Command]:
    """Each command by its words after `tlsresume`."""
    root = read(program())
    return {command.path[1:]: command for command in (root, *root.commands)}


def flags(command: Command) -> set[str]:
    return {flag for option in command.options for flag in option.flags}


def shown(text: str) -> Iterator[str]:
    """Each command line in a page: in blocks of a console, or indented."""
    text = re.sub(r"\\\n\s*", " ", text)
    for match in _FENCE.finditer(text):
        if match["language"] in ("", "console", "text"):
            yield from (line[2:] for line in match["body"].splitlines() if line.startswith("$ "))
    yield from (line.strip() for line in without_fences(text).splitlines() if line[:4] == "    ")


def invocations(line: str) -> Iterator[list[str]]:
    """The words of each call of tlsresume in a command line of a shell."""
    if "tlsresume" not in line:
        return
    words = shlex.split(re.sub(r"\s#\s.*", "", line).replace(";", " ; "))
    for number, word in enumerate(words):
        if word == "tlsresume":
            rest = words[number + 1 :]
            ends = [at for at, each in enumerate(rest) if each in {"|", "&&", ";", ">", "<"}]
            yield rest[: ends[0]] if ends else rest


def test_the_readme_is_short():
    """README.md has at most 180 lines."""
    assert len(PAGES[Path("README.md")].splitlines()) <= 180


def test_links_lead_somewhere():
    """Each relative link in a page leads to a file, and to a heading or label where it names one."""
    wrong = []
    for page, text in PAGES.items():
        for match in _LINK.finditer(without_fences(text)):
            to, _, anchor = match["to"].partition("#")
            if re.match(r"[a-z]+:", to) or (page.parts[0] != "docs" and to.startswith("..")):
                continue
            file = (REPOSITORY / page.parent / to) if to else REPOSITORY / page
            if not file.is_file():
                wrong.append(f"{page}: {match['to']}")
            elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
                wrong.append(f"{page}: {match['to']}: no such heading")
    assert wrong == []


def anchors(text: str) -> set[str]:
    """What a link may name behind `#`: headings in GitHub's spelling, and labels of MyST."""
    headings = re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE)
    names = {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}
    return names | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def test_commands_shown_are_real():
    """Each command of tlsresume that a page shows exists, and has the options that it is given."""
    known = commands()
    wrong = []
    lines = 0
    for page, text in PAGES.items():
        for line in shown(text):
            for words in invocations(line):
                lines += 1
                path = next((p for p in (tuple(words[:2]), tuple(words[:1])) if p in known), ())
                command = known[path or ("probe",)] if words else known[()]
                given = {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
                if missing := given - flags(command) - flags(known[()]):
                    wrong.append(f"{page}: {line}: {' '.join(sorted(missing))}")
    assert wrong == []
    assert lines > 40


def test_options_named_exist():
    """Each long option that a page names in its text is one of tlsresume, or known as another's."""
    known = {flag for command in commands().values() for flag in flags(command)}
    known |= OTHERS
    wrong = [
        f"{page}: {option}"
        for page, text in PAGES.items()
        for code in _CODE.findall(without_fences(text))
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", code)
        if option not in known and not code.startswith(("curl", "openssl", "gnutls-cli", "ruff"))
    ]
    assert wrong == []


def test_files_named_exist():
    """Each file and folder that the page on architecture and CONTRIBUTING.md name is there."""
    wrong = []
    for page in (Path("docs/architecture.md"), Path("CONTRIBUTING.md")):
        for code in _CODE.findall(without_fences(PAGES[page])):
            if not re.fullmatch(r"\.?[\w.-]+(/[\w.-]*)+|\w+\.(py|md)", code):
                continue  # a name, a command, or a pattern of files
            if not ((REPOSITORY / code).exists() or (REPOSITORY / "tlsresume" / code).exists()):
                wrong.append(f"{page}: {code}")
    assert wrong == []


def test_files_named_by_modules_exist():
    """Each file that the docstring of a module names is there, in its folder or below the root."""
    files = [path for top in ("tlsresume", "tests") for path in (REPOSITORY / top).rglob("*.py")]
    there = [path.relative_to(REPOSITORY).as_posix() for path in files]
    wrong = []
    for path, name in zip(files, there, strict=True):
        said = re.match(r'"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL)
        named = re.findall(r"(?<![\w/*{}-])[\w-]+(?:/[\w-]+)*\.py\b", said[1] if said else "")
        wrong += [
            f"{name}: {file}"
            for file in named
            if not (REPOSITORY / file).is_file()
            and not any(each.endswith(f"/{file}") for each in there)
        ]
    assert wrong == []


def test_examples_are_shown_and_filled():
    """Each example is run for a page, and stands there as a command with an answer."""
    found = set()
    for text in PAGES.values():
        for match in generate_readme._BLOCK.finditer(text):
            if match["kind"] == "example":
                found.add(match["name"])
                lines = match["body"].splitlines()
                assert lines[0] == "```console"
                assert lines[1].startswith("$ tlsresume ")
                assert len(lines) > 3
    assert found == set(EXAMPLES)


def test_the_policy_shown_is_valid(run, tmp_path):
    """The policy in the guide to CI is one, and extends what it says."""
    text = PAGES[Path("docs/guides/ci.md")]
    (policy,) = re.findall(r"```toml\n(# tlsresume-policy.toml\n.*?)```", text, re.DOTALL)
    path = tmp_path / "tlsresume-policy.toml"
    path.write_text(policy)
    status, out, err = run("policy", str(path))
    assert (status, err) == (0, "")
    assert "Tickets live no longer than 84h." in out


def test_the_configuration_shown_is_valid(run, tmp_path, monkeypatch):
    """The configuration in the guide to CI may stand in a working folder, and holds there."""
    text = PAGES[Path("docs/guides/ci.md")]
    (configuration,) = re.findall(r"```toml\n(# tlsresume.toml\n.*?)```", text, re.DOTALL)
    (tmp_path / "tlsresume.toml").write_text(configuration)
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("config")
    assert status == 0
    assert re.search(r"tries +10 +tlsresume.toml", out)


def test_python_shown_uses_public_names():
    """Python in a page parses, and takes from the package what is public there."""
    for page, text in PAGES.items():
        for match in _FENCE.finditer(text):
            if match["language"] != "python":
                continue
            for node in ast.walk(ast.parse(match["body"], str(page))):
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "tlsresume"
                ):
                    assert node.attr in tlsresume.__all__, page
