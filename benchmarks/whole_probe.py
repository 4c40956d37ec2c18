"""A whole probe of one server, beside other tools that answer the same question.

The tools do not do the same: sslyze tries ten resumptions by session ID and ten
by ticket, of TLS 1.2 only; testssl.sh makes a few in its section on the server's
defaults, among other checks. tlsresume tries each mechanism of both versions
ten times, with one session and with fresh ones in turn.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import peers
from measure import Run, by_turns, median, ratio, run, table, verdict

ROUNDS = 5
_SSLYZE = "sslyze --resum --resum_attempts 10"
_OURS = "tlsresume probe"
_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")


def sslyze(environment: Path) -> str | None:
    """The sslyze of an environment of its own, made where missing; None if that fails."""
    program = environment / "bin" / "sslyze"
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            python = str(environment / "bin" / "python")
            subprocess.run([python, *_PIP, "install", "sslyze"], check=True)
        except subprocess.CalledProcessError:
            return None
    return str(program)


def report(folder: Path, identity: peers.Identity, environment: Path) -> str:
    """Measure, and tell in Markdown."""
    if peers.nginx_path() is None:
        return "Left out: nginx is not installed.\n"
    with peers.nginx(identity, folder) as port:
        runs = _measure(port, sslyze(environment))
    rows = []
    ours = median(runs[_OURS], lambda run: run.wall)
    for name, each in runs.items():
        wall = median(each, lambda run: run.wall)
        cpu = median(each, lambda run: run.cpu)
        rows.append([f"`{name}`", f"{wall:.2f} s", f"{cpu:.2f} s", ratio(wall, ours)])
    text = table(["command", "time", "CPU", f"to `{_OURS}`"], rows)
    text += f"\nMedian of {ROUNDS} (testssl.sh: once), against one nginx on loopback."
    if _SSLYZE in runs:
        theirs = median(runs[_SSLYZE], lambda run: run.wall)
        text += f" Goal: faster than sslyze: {verdict(reached=ours < theirs)}."
    else:
        text += " sslyze could not be installed."
    if _name_of_testssl() is None:
        text += " testssl.sh is not installed."
    return text + "\n"


def _name_of_testssl() -> str | None:
    return shutil.which("testssl") or shutil.which("testssl.sh")


def _measure(port: int, sslyze_path: str | None) -> dict[str, list[Run]]:
    target = f"localhost:{port}"
    there = f"127.0.0.1:{port}"
    tool = str(Path(sys.executable).parent / "tlsresume")
    commands = {_OURS: [tool, "probe", target, "--connect", there]}
    if sslyze_path:
        commands[_SSLYZE] = [
            sslyze_path, "--resum", "--resum_attempts", "10", "--mozilla_config", "disable", there,
        ]  # fmt: skip
    runs = by_turns(commands, ROUNDS)
    if testssl := _name_of_testssl():
        # One run only: it takes minutes. Its exit status counts findings.
        runs["testssl.sh -S"] = [
            run([testssl, "-S", "--quiet", "--color", "0", "--warnings", "off", there])
        ]
    return runs
