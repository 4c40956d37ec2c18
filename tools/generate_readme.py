"""The parts of README.md and of the pages in docs/ that come from the tool itself, between markers.

    <!-- help: probe -->      the help of a command, or of the program where none is named
    <!-- commands -->         a table of the commands, with links to their pages of the reference
    <!-- example: NAME -->    what a command really printed; see EXAMPLES in examples.py
    <!-- exit-statuses -->    the table of exit statuses
    <!-- resumption -->       how resumption works, from resumption.py
    <!-- end -->              closes each

Help and exit statuses are made anew by `outputs`, and tested for freshness.
Examples hold timings, so they are made only by `--examples`.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import click
from generate_man import page_name
from resumption import INTRODUCTION, MECHANISMS, STATEMENTS
from tree import PROGRAM, context_of, program, read

from tlsresume.errors import EXIT_STATUS_MEANING

ROOT = Path(__file__).resolve().parent.parent
README = Path("README.md")
#: Pages that people write; what lies deeper in docs/reference is generated whole.
PAGES = ("README.md", "docs/*.md", "docs/guides/*.md")
WIDTH = 88
_PROSE_WIDTH = 92

_BLOCK = re.compile(
    r"(?P<open><!-- (?P<kind>[a-z-]+)(?:: (?P<name>[^>]*?))? -->\n)(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)


def fenced(text: str, language: str = "") -> str:
    """Text as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def help_of(root: click.Group, name: str) -> str:
    """What `tlsresume NAME --help` prints, at a fixed width."""
    context = context_of(root, PROGRAM, terminal_width=WIDTH, max_content_width=WIDTH)
    command = root.get_command(context, name) if name else root
    if command is None:
        raise SystemExit(f"generate_readme.py: no command {name!r}")
    if command is not root:
        context = context_of(command, name, context)
    path = context.command_path
    shown = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return fenced(f"$ {path} --help\n{shown}")


def exit_statuses() -> str:
    """The exit statuses as a table."""
    rows = [f"| {int(status)} | {text} |" for status, text in EXIT_STATUS_MEANING.items()]
    return "\n".join(["| status | meaning |", "|---:|---|", *rows]) + "\n"


def resumption() -> str:
    """How resumption works: mechanisms, then each statement with the commands that show it."""
    lines = [_wrapped(INTRODUCTION), ""]
    lines += [_wrapped(f"- **{name}**: {text}") for name, text in MECHANISMS]
    lines += ["", "What OpenSSL's manual pages say, and the commands that show it:", ""]
    for statement in STATEMENTS:
        lines.append(_wrapped(f"- **{statement.title}** {statement.text} ({statement.source})"))
        lines += ["", *(f"      {command}" for command in statement.commands), ""]
    return "\n".join(lines).rstrip() + "\n"


def _wrapped(text: str) -> str:
    """Text at the width of the rest; the lines of an item are indented."""
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(
        " ".join(text.split()),
        _PROSE_WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def replace_blocks(text: str, makers: dict[str, Callable[[str], str]]) -> str:
    """The text with the body of each marked block of a kind in `makers` made anew."""

    def made(match: re.Match[str]) -> str:
        maker = makers.get(match["kind"])
        body = match["body"] if maker is None else maker(match["name"] or "")
        return match["open"] + body + match["end"]

    return _BLOCK.sub(made, text)


def commands(place: Path) -> str:
    """A table of the commands, for a page at this path."""
    folder = "../" * (len(place.parts) - 2) if place.parts[0] == "docs" else "docs/"
    rows = [
        f"| [`{' '.join(command.path[1:])}`]({folder}reference/{page_name(command)}.md)"
        f" | {command.summary} |"
        for command in read(program()).commands
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows]) + "\n"


def written() -> dict[Path, str]:
    """The pages as they are checked in, by path relative to the checkout."""
    found = sorted(path for pattern in PAGES for path in ROOT.glob(pattern))
    return {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in found}


def outputs() -> dict[Path, str]:
    """The pages with fresh help, tables and texts; their examples stay."""
    root = program()
    made = {}
    for place, text in written().items():
        makers: dict[str, Callable[[str], str]] = {
            "help": lambda name: help_of(root, name),
            "commands": lambda _, place=place: commands(place),  # type: ignore[misc]  # bound now
            "exit-statuses": lambda _: exit_statuses(),
            "resumption": lambda _: resumption(),
        }
        made[place] = replace_blocks(text, makers)
    return made


def main() -> None:
    """Write the pages anew; with `--examples`, run the examples too."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--examples", action="store_true")
    arguments = parser.parse_args()
    made = outputs()
    if arguments.examples:
        from examples import run_all

        shown = run_all()
        examples = {"example": lambda name: fenced(shown[name], "console")}
        made = {place: replace_blocks(text, examples) for place, text in made.items()}
    for place, text in made.items():
        (ROOT / place).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
