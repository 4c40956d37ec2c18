"""The examples of README.md and docs/: real commands, run against the built-in server.

What a command prints is shown as it is, but for the port: the system chooses
another one for each run, so it is shown as EXAMPLE_PORT.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tlsresume.server.behaviour import TRUTHS, Behaviour
from tlsresume.server.server import Server

EXAMPLE_PORT = "44330"
_DEADLINE = 60


@dataclass(frozen=True, slots=True)
class Example:
    """Command lines that are run in one folder, one after the other, against a server, or
    one on each of several addresses. Without a behaviour it is an FTP server that demands
    resumption of its data connections."""

    behaviour: Behaviour | None
    lines: tuple[str, ...]
    addresses: tuple[str, ...] = ("127.0.0.1",)

    def start(self, stack: ExitStack) -> int:
        """Start its servers, which the stack ends. Gives the port that they share."""
        if self.behaviour is None:
            # From the tests, which no tool imports otherwise.
            sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
            from tests.helpers.ftp_peer import FTPPeer, LabOptions

            return stack.enter_context(FTPPeer(LabOptions(required=True))).port
        port = 0
        for address in self.addresses:
            port = stack.enter_context(Server(self.behaviour, address, port=port)).port
        return port


SAVE = "tlsresume save www.example.com --connect 127.0.0.1:PORT"
FILE = "www.example.com_443.session.pem"

#: By the name in the page's marker. Only the last command and its answer are shown.
EXAMPLES: Mapping[str, Example] = {
    "probe": Example(
        TRUTHS["all three mechanisms"].behaviour,
        ("tlsresume probe www.example.com --connect 127.0.0.1:PORT",),
    ),
    "probe-nodes": Example(
        TRUTHS["separate keys"].behaviour,
        ("tlsresume probe www.example.com --connect 127.0.0.1:PORT",),
    ),
    "probe-addresses": Example(
        TRUTHS["all three mechanisms"].behaviour,
        (
            (
                "tlsresume probe www.example.com:PORT"
                " --resolve www.example.com:PORT:127.0.0.1,127.0.0.2"
            ),
        ),
        ("127.0.0.1", "127.0.0.2"),
    ),
    "probe-ftp": Example(
        None,
        ("tlsresume probe ftp://ftp.example.com --connect 127.0.0.1:PORT --tries 4",),
    ),
    "resume-new": Example(
        TRUTHS["issued but never honoured"].behaviour, (SAVE, f"tlsresume resume {FILE}")
    ),
    "explain": Example(TRUTHS["none"].behaviour, ("tlsresume explain other-ticket-key",)),
    "save": Example(TRUTHS["all three mechanisms"].behaviour, (SAVE,)),
    "resume": Example(TRUTHS["all three mechanisms"].behaviour, (SAVE, f"tlsresume resume {FILE}")),
    "inspect": Example(
        TRUTHS["all three mechanisms"].behaviour, (SAVE, f"tlsresume inspect {FILE}")
    ),
}


def run(example: Example) -> str:
    """The last command of an example and what it printed, stdout and stderr together."""
    shown = ""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        port = example.start(stack)
        for line in example.lines:
            done = subprocess.run(
                line.replace("PORT", str(port)).split(),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_DEADLINE,
                check=False,
            )
            if "Traceback" in done.stdout:
                raise SystemExit(f"examples.py: {line}\n{done.stdout}")
            output = done.stdout.replace(str(port), EXAMPLE_PORT)
            shown = f"$ {line.replace('PORT', EXAMPLE_PORT)}\n{output.rstrip()}\n"
    return shown


def run_all() -> dict[str, str]:
    """Each example's text, by name."""
    return {name: run(example) for name, example in EXAMPLES.items()}
