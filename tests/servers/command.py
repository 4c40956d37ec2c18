"""Running the `tlsresume` command as a user does: a process, its output and its status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.oracle import VERSIONS

#: Nothing of a user's own settings may change an answer.
DROPPED = ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "FORCE_COLOR")
SECONDS = 90.0
#: On loopback a ticket that has not come after a second does not come.
TICKET_WAIT = "1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the command said, and its exit status."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output as one JSON document."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found

    def __str__(self) -> str:
        """Everything, for the message of a failed assertion."""
        return f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def tlsresume(*arguments: str) -> Answer:
    """Run a command of tlsresume. A traceback on its standard error is a failure by itself."""
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    done = subprocess.run(
        [sys.executable, "-m", "tlsresume", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**environment, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert "Traceback (most recent call last)" not in answer.stderr, str(answer)
    return answer


def probe(target: str, *more: str) -> Answer:
    return tlsresume("probe", target, "--format", "json", "--ticket-wait", TICKET_WAIT, *more)


def save(target: str, mechanism: str, path: Path, *more: str) -> Answer:
    version = VERSIONS[mechanism].removeprefix("TLSv")
    options = ("--mechanism", mechanism, "--tls", version, "--ticket-wait", TICKET_WAIT)
    return tlsresume("save", target, "-o", str(path), *options, *more)


def resume(path: Path, *more: str) -> Answer:
    return tlsresume("resume", str(path), *more, "--format", "json", "--ticket-wait", TICKET_WAIT)
