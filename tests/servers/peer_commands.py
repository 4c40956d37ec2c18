"""What the tests of peers share: running them, and ours beside them.

The tests are in `test_peers_*`. A peer's fault is shown as it is today, so that they also
tell when it is mended. Races are shown by numbers: if the peer happens to win every one,
the test is skipped, after ours was right each time. Of the peers in the field rfc5077-client
is missing: neither Debian nor PyPI has it.
"""

from __future__ import annotations

import subprocess

import pytest

from tests.servers.command import probe
from tests.servers.harness import find_program

SECONDS = 120.0


def run(*command: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a peer with its standard input at its end, as in a script or from cron."""
    if find_program(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def resumes(target: str, *more: str) -> None:
    """Ours: everything resumes, and the exit status says so."""
    answer = probe(target, *more)
    assert answer.document["targets"][0]["verdict"] == "resumes", str(answer)
    assert answer.status == 0
