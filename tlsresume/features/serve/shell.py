"""Running the command of `--run`: in a process group of its own, which ends with it or when
its time is up, whatever it started. What left the group is found by a mark in its environment,
where the system shows that (Linux).
"""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from tlsresume.errors import UsageError
from tlsresume.features.serve.results import CommandResult
from tlsresume.formats.printable import printable

#: Bytes of output that are kept, lines of them that are reported, and the length of one.
_KEPT, _LINES, _WIDTH = 65_536, 12, 300
#: Seconds that a command is given between being asked to end and being made to.
_GRACE = 1.0
_POLL = 0.1
#: The variable by which a process is known to be one of a command's.
_MARK = "TLSRESUME_RUN"
_PROC = Path("/proc")
#: How often such processes are looked for, where there are more and more.
_LOOKS = 20


def fill_in(command: str, fields: Mapping[str, str]) -> str:
    """A command with `{name}` replaced for each field, quoted for the shell where needed; what
    else stands in braces is the shell's."""
    for name, value in fields.items():
        # As `{url}strict` shows, what follows is joined to the value.
        command = command.replace(f"{{{name}}}", shlex.quote(value))
    return command


def run_command(
    command: str,
    environment: Mapping[str, str],
    *,
    seconds: float,
    times: int = 1,
    enough: Callable[[], bool] = lambda: False,
    meanwhile: Callable[[], None] = lambda: None,
) -> CommandResult:
    """Run a shell command, `times` in a row while it succeeds, in `seconds` altogether.

    `meanwhile` is called now and then while it runs. Once it has done `enough` it is ended,
    which is a success.
    """
    began = time.monotonic()
    deadline = began + seconds
    status: int | None = 0
    output = b""
    runs = 0
    while runs < times and status == 0 and not enough():
        runs += 1
        status, output = _run_once(command, environment, deadline, enough, meanwhile)
    lines = output.decode("utf-8", "replace").splitlines()[-_LINES:]
    return CommandResult(
        exit=status,
        timed_out=status is None,
        runs=runs,
        seconds=round(time.monotonic() - began, 3),
        output=tuple(printable(line)[:_WIDTH] for line in lines),
    )


def _run_once(
    command: str,
    environment: Mapping[str, str],
    deadline: float,
    enough: Callable[[], bool],
    meanwhile: Callable[[], None],
) -> tuple[int | None, bytes]:
    started: list[subprocess.Popen[bytes]] = []
    tail = bytearray()
    mark = secrets.token_hex(16)
    environment = {**environment, _MARK: mark}
    status: int | None = None
    try:
        _start(command, environment, started)
        process = started[0]
        assert process.stdout is not None  # noqa: S101  it was asked for
        reader = threading.Thread(target=_read, args=(process.stdout, tail), daemon=True)
        reader.start()
        while status is None and time.monotonic() < deadline:
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(min(_POLL, max(0.0, deadline - time.monotonic())))
            if status is None and enough():
                status = 0
            meanwhile()
    finally:
        for each in started:
            _end_group(each)
        _end_marked(f"{_MARK}={mark}".encode("ascii"))
    reader.join(_GRACE)
    if not reader.is_alive():
        process.stdout.close()
    return status, bytes(tail)


def _start(
    command: str, environment: Mapping[str, str], started: list[subprocess.Popen[bytes]]
) -> None:
    """Start a command, and put it into a list. It starts on a thread of its own, since an
    interrupt reaches the main thread only: in Popen it would leave a process nobody knows."""
    failed: list[OSError] = []

    def start() -> None:
        try:
            started.append(
                subprocess.Popen(  # noqa: S602  the user's own command
                    command,
                    shell=True,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        except OSError as error:
            failed.append(error)

    starter = threading.Thread(target=start)
    try:
        starter.start()
        starter.join()
    except BaseException:
        with suppress(RuntimeError):  # it was not even started
            starter.join()
        raise
    if failed:
        raise UsageError(f"the command cannot be started: {failed[0].strerror}")


def _read(stream: IO[bytes], tail: bytearray) -> None:
    """Keep the end of what is printed, so that the command never waits for a reader."""
    with suppress(OSError, ValueError):
        while chunk := os.read(stream.fileno(), _KEPT):
            tail += chunk
            del tail[:-_KEPT]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it started, first by asking."""
    if not _signal(process, signal.SIGTERM):
        process.wait()
        return
    until = time.monotonic() + _GRACE
    while time.monotonic() < until:
        process.poll()
        if not _signal(process, 0):
            break
        time.sleep(0.02)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the group; False where nobody is left in it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end_marked(mark: bytes) -> None:
    """End what has the mark in its environment: daemons, that have a session of their own. One
    may start another while it is looked for, so the last look finds none."""
    for _ in range(_LOOKS):
        found = 0
        for folder in _PROC.glob("[0-9]*"):
            with suppress(OSError):  # it ended, or is another user's
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
                    found += 1
        if not found:
            return
