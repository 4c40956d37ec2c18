"""Running the command line inside a test: its status, stdout and stderr together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tlsresume.cli import root

Ran = tuple[int, str, str]
Run = Callable[..., Ran]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs one command line and gives (status, stdout, stderr)."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        status = root.run(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
