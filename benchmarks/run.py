"""Run all benchmarks on this machine, and write what came of it to README.md beside this file."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import captures
import goals
import handshakes
import judging
import memory
import peers
import start_up
import waiting
import whole_probe

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"

_HEAD = """\
# Benchmarks

`make bench` measures tlsresume beside other programs, in one run on one machine, and
writes this page. What counts is the ratio: the milliseconds are this machine's. These
are no tests; nothing fails when a machine is slow.

{what}

"""


def cpu_model() -> str:
    """The name of the processor, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """The machine and the versions, with nothing that names it."""
    from OpenSSL import SSL

    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    bound = SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode()
    return (
        f"Machine: {cpu_model()}, {os.cpu_count()} cores, {platform.system()}"
        f" {platform.machine()}; {platform.python_implementation()} {platform.python_version()};"
        f" tlsresume {version('tlsresume')} on {' '.join(bound.split()[:2])} (pyOpenSSL"
        f" {version('pyOpenSSL')}, cryptography {version('cryptography')}); the openssl command is"
        f" {' '.join(said.stdout.split()[:2])}."
    )


def main() -> None:
    """Run what is named on the command line, or all; only a whole run is written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        identity = peers.make_identity(folder)
        parts: dict[str, Callable[[], str]] = {
            "Goals": lambda: goals.report(folder, identity, HERE.parent / ".venv-sslyze"),
            "Start-up": lambda: start_up.report(folder, identity),
            "A whole probe": lambda: whole_probe.report(
                folder, identity, HERE.parent / ".venv-sslyze"
            ),
            "Waiting": lambda: waiting.report(identity),
            "CPU per handshake": lambda: handshakes.report(identity),
            "Memory": lambda: memory.report(identity),
            "Captures": lambda: captures.report(folder),
            "Judging": judging.report,
        }
        chosen = {title: part for title, part in parts.items() if title in (sys.argv[1:] or parts)}
        text = _HEAD.format(what=machine())
        for title, part in chosen.items():
            section = f"## {title}\n\n{part()}\n"
            print(section, flush=True)
            text += section
    if len(chosen) == len(parts):
        README.write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
