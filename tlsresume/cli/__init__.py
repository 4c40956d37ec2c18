"""The command line: parse, one call, render, exit status.

A command is a short function in a file of its own, imported when it is named,
and imports what it needs when it runs: `--version` and `--help` cost click and
nothing more. `root` has the group and the one place where errors become words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit status."""
    import sys

    from tlsresume.cli.root import run

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
