"""The parts of README.md that come from the tool itself, between markers.

    <!-- help: probe -->      the help of a command, or of the program where none is named
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
from resumption import INTRODUCTION, MECHANISMS, STATEMENTS
from tree import PROGRAM, context_of, program

from tlsresume.errors import EXIT_STATUS_MEANING

README = Path("README.md")
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


def outputs() -> dict[Path, str]:
    """README.md with fresh help and exit statuses; its examples stay."""
    root = program()
    text = (Path(__file__).parent.parent / README).read_text(encoding="utf-8")
    makers: dict[str, Callable[[str], str]] = {
        "help": lambda name: help_of(root, name),
        "exit-statuses": lambda _: exit_statuses(),
        "resumption": lambda _: resumption(),
    }
    return {README: replace_blocks(text, makers)}


def main() -> None:
    """Write README.md anew; with `--examples`, run the examples too."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--examples", action="store_true")
    arguments = parser.parse_args()
    text = outputs()[README]
    if arguments.examples:
        from examples import run_all

        shown = run_all()
        text = replace_blocks(text, {"example": lambda name: fenced(shown[name], "console")})
    (Path(__file__).parent.parent / README).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
