"""What is generated is checked in and fresh, and every writer writes what its reader accepts."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tomllib

import click
import generate
import generate_completions
import generate_man
import generate_readme
import generate_topics
import pytest
from resumption import STATEMENTS
from tree import program, read

from tests.helpers.rows import each_row
from tests.paths import REPOSITORY
from tlsresume.features import entries
from tlsresume.formats import explanation


@click.group(help="Do it all: 'quoted', \\backslashed and \"doubly quoted\".")
@click.version_option("1.0")
def fake():
    pass


PROBE_HELP = """Try it.

.Dots and 'quotes' at the start of a line are text.

\b
kept
  as it stands
"""


@fake.command(help=PROBE_HELP)
@click.argument("target", nargs=-1, metavar="TARGET...")
@click.option("--tls", multiple=True, type=click.Choice(["1.2", "1.3"]), help="Allow [only] it.")
@click.option("--cafile", type=click.Path(dir_okay=False), help="Trust it: all of it.")
@click.option("--capath", type=click.Path(file_okay=False), help="Trust these.")
@click.option("--format", metavar="text|json[=FILE]", help="How to print.")
@click.option("--connect", metavar="ADDR[:PORT]", help="Go there.")
@click.option("--servername", "--sni", metavar="NAME", help="Don't guess it. Say it.")
@click.option("--tries", type=int, default=5, show_default=True, help="How often.")
@click.option("-v", "--verbose", count=True, help="More.")
@click.option("--color/--no-color", default=True, help="Colours.")
@click.option("--secret", hidden=True)
def probe(**_):
    pass


@fake.command()
@click.argument("file", type=click.Path())
@click.argument("target", required=False)
def resume(**_):
    """Offer a session again."""


@fake.command(hidden=True)
def hidden():
    """Not shown."""


@pytest.fixture(params=["real", "fake"])
def root(request):
    """The real command line, and one with everything that is hard to write."""
    if request.param == "fake":
        return read(fake)
    return read(program())


@pytest.fixture(scope="module")
def made():
    return generate.outputs()


# ------------------------------------------------------------------- freshness


def test_all_is_fresh(made):
    """`make generate` would change nothing."""
    old = [str(path) for path, text in made.items() if generate.read(path) != text]
    assert not old, f"run `make generate`, and look at the difference: {old}"
    left = generate.stale(made)
    assert not left, f"nothing makes these any more, so `make generate` takes them away: {left}"


def test_each_command_has_a_page(made):
    """There is a man page for the program and for each command."""
    pages = {path.stem for path in made if path.suffix == ".1"}
    commands = {command.path for command in read(program()).commands}
    assert pages == {"tlsresume", *("-".join(path) for path in commands)}


def test_examples_are_of_real_commands():
    """Each example of a man page belongs to a command that there is, and parses."""
    real = program()
    context = click.Context(real)
    for name, examples in generate_man.EXAMPLES.items():
        command = real.get_command(context, name) if name else None
        assert examples
        if not command:
            assert not name
            continue
        for _, typed in examples:
            words = typed.partition(" > ")[0].split()[1:]
            stand_in = [str(REPOSITORY / "LICENSE") if word == "FILE" else word for word in words]
            command.make_context(name, stand_in, resilient_parsing=True)


def test_each_page_is_installed_in_its_section():
    """The package puts each man page into the folder of its section."""
    wheel = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = wheel["targets"]["wheel"]["shared-data"]
    pages = sorted(path.name for path in (REPOSITORY / "man").iterdir())
    assert {key: place for key, place in shared.items() if key.startswith("man")} == {
        f"man/{name}": f"share/man/man{name[-1]}/{name}" for name in pages
    }


def test_commands_that_show_how_resumption_works_are_real():
    """Each command beside a statement of tlsresume(7) parses."""
    real = program()
    for statement in STATEMENTS:
        assert statement.commands
        for typed in statement.commands:
            _, name, *words = typed.split()
            command = real.get_command(click.Context(real), name)
            assert command is not None
            command.make_context(name, words, resilient_parsing=True)


def test_findings_have_a_man_page():
    """tlsresume-findings(7) has a heading for every code, and says what the code's page says."""
    text = generate_topics.findings()
    for page in explanation.pages(entries()):
        assert f"\n.SS {generate_man.escape(page.code)}\n" in text
        assert generate_man.prose(page.cause) in text
        assert generate_man.prose(page.advice) in text


# ------------------------------------------------------------------- man pages

SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO")


def test_pages_have_their_sections(root):
    """Each page has the sections that man-pages(7) and our users expect."""
    for path, text in generate_man.outputs(root).items():
        for section in SECTIONS:
            assert f"\n.SH {section}\n" in text, path


def all_pages(root):
    return generate_man.outputs(root) | generate_topics.outputs()


def test_pages_hold_no_stray_requests(root):
    """Only requests that we write begin with a dot; a text cannot be one."""
    known = {".TH", ".SH", ".PP", ".TP", ".BR", ".nf", ".fi", ".RS", ".RE", ".SS", ".br", '.\\"'}
    for text in all_pages(root).values():
        starts = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
        assert starts <= known
        assert text.isascii()


def test_hidden_is_not_written():
    """Hidden commands and options appear nowhere."""
    texts = generate_man.outputs(read(fake)) | generate_completions.outputs(read(fake))
    assert "hidden" not in "".join(texts.values())
    assert "secret" not in "".join(texts.values()).replace("It holds secrets", "").replace(
        "TLS secrets", ""
    )


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_accepts_the_pages(root, tmp_path):
    """Groff formats each page without a warning, and shows the text as it was written."""
    for path, text in all_pages(root).items():
        file = tmp_path / path.name
        file.write_text(text)
        done = subprocess.run(
            ["groff", "-man", "-ww", "-Tascii", "-P-cbou", str(file)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stderr == ""
        assert "NAME\n" in done.stdout


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_accepts_the_pages(root, tmp_path):
    """Mandoc finds nothing worse than a matter of style in a page."""
    for path, text in all_pages(root).items():
        file = tmp_path / path.name
        file.write_text(text)
        command = ["mandoc", "-T", "lint", "-W", "error", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, "")


# ----------------------------------------------------------------- completions


def complete(script: str, *words: str) -> set[str]:
    """What bash offers after these words; the last is being typed."""
    typed = " ".join(generate_completions.quoted(word) for word in ("tlsresume", *words))
    code = (
        f"{script}\nCOMP_WORDS=({typed}) COMP_CWORD={len(words)}\n"
        'compopt() { echo compopt "$@"; }\n'
        "_tlsresume\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-u", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


@each_row(
    "words, expected",
    [
        ([""], {"probe", "resume"}),
        (["pr"], {"probe"}),
        (["--v"], {"--version"}),
        (["probe", "--t"], {"--tls", "--tries"}),
        (["probe", "--tls", ""], {"1.2", "1.3"}),
        (["probe", "--tls", "=", "1.3"], {"1.3"}),
        (["probe", "--tls", "="], {"1.2", "1.3"}),
        (["probe", "--no"], {"--no-color"}),
        (["probe", "--tries", ""], set()),
        (["probe", "--format", ""], {"text", "json"}),
        (["probe", "--cafile", ""], {"compopt -o default"}),
        (["probe", "--capath", ""], {"compopt -o dirnames"}),
        (["resume", ""], {"compopt -o default"}),
        (["resume", "--tls", ""], {"compopt -o default"}),
    ],
)
def test_bash_completes(words, expected):
    """Bash is offered commands, options, choices, files and folders, each in its place."""
    assert complete(generate_completions.bash(read(fake)), *words) == expected


def test_bash_completes_the_real_commands():
    """Every command of the program is offered by bash, with its options; codes of findings,
    built-in policies beside files, and commands where they belong."""
    root = read(program())
    script = generate_completions.bash(root)
    commands = generate_completions.single(root)
    assert {"default", "strict"} < complete(script, "probe", "--policy", "")
    assert "compopt -o filenames" in complete(script, "policy", "")
    assert "strict" in complete(script, "policy", "str")
    assert complete(script, "explain", "other-ticket") == {"other-ticket-key"}
    assert "other-ticket-key" in complete(script, "probe", "--ignore", "o")
    assert "probe" in complete(script, "help", "")
    assert complete(script, "") == {command.name for command in commands}
    assert "report" in complete(script, "watch", "")
    for command in commands:
        flags = {flag for option in command.options for flag in option.flags}
        assert complete(script, command.name, "-") == flags


@pytest.mark.parametrize(
    ("shell", "write"),
    [
        ("bash", generate_completions.bash),
        ("zsh", generate_completions.zsh),
        ("fish", generate_completions.fish),
    ],
)
def test_shells_accept_the_scripts(shell, write, root, tmp_path):
    """Each shell that is installed parses its script."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(write(root))
    done = subprocess.run(
        [shell, "-n", str(script)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


# ----------------------------------------------------------------------- pages


def test_blocks_are_replaced_by_kind_and_name():
    """Only the body of a marked block changes, and only of the kinds asked for."""
    text = "a\n<!-- help: x -->\nold\n<!-- end -->\nb\n<!-- example: y -->\nkept\n<!-- end -->\n"
    new = generate_readme.replace_blocks(text, {"help": lambda name: f"[{name}]\n"})
    assert new == text.replace("old", "[x]")
    assert generate_readme.replace_blocks(new, {"help": lambda name: f"[{name}]\n"}) == new


def test_generators_are_modules():
    """The generators were found as the scripts that `make generate` runs."""
    spec = importlib.util.find_spec("generate")
    assert spec is not None
    assert spec.origin == str(REPOSITORY / "tools" / "generate.py")
