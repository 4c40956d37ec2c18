"""Starting real servers on loopback and stopping every one of them.

A recipe (see `servers.py`) turns a Site into Programs; here they are run, in the
foreground, each in a process group of its own, in a temporary folder. A program is up
when its ports accept connections. A port is free when it was asked for, but nobody
holds it until the program binds it: a program that ends at once is started again,
with everything else of its recipe, on other ports.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.material import Material

HOST = "127.0.0.1"
SECONDS_TO_START = 15.0
SECONDS_TO_STOP = 5.0
STARTS = 3

#: Debian keeps daemons where a user's PATH may not lead.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


class ServerFailed(Exception):
    """A server ended, or did not open its ports in time; the message carries its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process of a server: its command, and the ports that it will accept on.

    `stdin` keeps a pipe open as its standard input, for programs that end at its end.
    """

    command: tuple[str, ...]
    ports: tuple[int, ...]
    stdin: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """What a recipe asks for: programs in order of start, the port that clients use, and
    behind it the port of each node (the same one, when there is only one)."""

    programs: tuple[Program, ...]
    port: int
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts connections."""

    port: int
    nodes: tuple[int, ...]
    folder: Path

    @property
    def target(self) -> str:
        return f"{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a recipe may write, and the keys that it may use."""

    folder: Path
    material: Material

    def free_port(self) -> int:
        """A port of loopback that was free a moment ago."""
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            return int(listener.getsockname()[1])

    def write(self, name: str, text: str) -> str:
        """Write a configuration file with `{name}` placeholders filled; return its path."""
        path = self.folder / name
        path.write_text(self.material.fill(text))
        return str(path)


#: Turns the lines of a case into programs.
Recipe = Callable[[Site, tuple[str, ...]], Layout]


def find_program(name: str) -> str | None:
    """The path of a server's program, or None."""
    return shutil.which(name, path=SEARCH_PATH)


def accepts(port: int) -> bool:
    """Whether a connection to this port of loopback is accepted now."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: asked first, then killed."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            break
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            continue
        if signal_number == signal.SIGKILL:
            break
    process.wait(SECONDS_TO_STOP)


def await_ports(process: subprocess.Popen[bytes], program: Program, log: Path) -> None:
    """Return when every port of a program accepts. Raises ServerFailed."""
    deadline = time.monotonic() + SECONDS_TO_START
    waiting = list(program.ports)
    while waiting:
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"ended with status {process.returncode}" if ended else "opened no port in time"
            tail = log.read_text(errors="replace")[-2000:]
            raise ServerFailed(f"{' '.join(program.command)} {what}:\n{tail}")
        waiting = [port for port in waiting if not accepts(port)]
        if waiting:
            time.sleep(0.01)  # between two looks; the loop ends by what it sees


@contextmanager
def run(program: Program, folder: Path) -> Iterator[None]:
    """Run a program until the block ends; its output goes to a file in the folder."""
    path = find_program(program.command[0])
    if path is None:
        raise ServerFailed(f"{program.command[0]} is not installed")
    log = folder / f"{Path(path).name}-{program.ports[0]}.out"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [path, *program.command[1:]],
            cwd=folder,
            stdin=subprocess.PIPE if program.stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await_ports(process, program, log)
        yield
    finally:
        stop(process)
        if process.stdin is not None:
            process.stdin.close()


@contextmanager
def serve(recipe: Recipe, lines: tuple[str, ...], material: Material) -> Iterator[Running]:
    """Run a server by its recipe until the block ends, then stop it and remove its files."""
    filled = tuple(material.fill(line) for line in lines)
    with ExitStack() as stack:
        for start in range(1, STARTS + 1):
            attempt = ExitStack()
            folder = Path(attempt.enter_context(tempfile.TemporaryDirectory(prefix="servers-")))
            folder.chmod(0o755)  # workers of nginx and Apache change to another user
            try:
                # A recipe may skip the test, where a program is missing.
                layout = recipe(Site(folder, material), filled)
                for program in layout.programs:
                    attempt.enter_context(run(program, folder))
            except ServerFailed:
                attempt.close()
                if start == STARTS:
                    raise
                continue
            except BaseException:
                attempt.close()
                raise
            stack.push(attempt)
            break
        yield Running(layout.port, layout.nodes, folder)
