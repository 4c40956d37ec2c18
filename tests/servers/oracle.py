"""What `openssl s_client` finds: a second opinion, by another program.

A full handshake with `-sess_out`, then another connection with `-sess_in`; the words
"Reused" or "New" are the answer. Its standard input stays open until the session file
is there, because in TLS 1.3 the ticket comes after the handshake and s_client would
end before it. Only for a server of one node, whose answers do not depend on luck.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.servers.harness import HOST, stop

State = Literal["resumed", "partly", "not-resumed", "not-issued"]

SECONDS_TO_ANSWER = 10.0
#: How long to wait for a TLS 1.3 ticket before saying that there is none.
SECONDS_FOR_TICKET = 1.0

OPTIONS: dict[str, tuple[str, ...]] = {
    "psk": ("-tls1_3",),
    "ticket": ("-tls1_2",),
    "session-id": ("-tls1_2", "-no_ticket"),
}
VERSIONS = {"psk": "TLSv1.3", "ticket": "TLSv1.2", "session-id": "TLSv1.2"}

_RESULT = re.compile(rb"^(New|Reused), (TLSv1\.\d), Cipher is", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Connected:
    """The end of one s_client: "New" or "Reused", the version, None if it failed."""

    result: str | None
    tls_version: str | None
    output: str


@dataclass(frozen=True, slots=True)
class TicketSeen:
    """What `openssl sess_id -text` shows of a session's ticket."""

    length: int
    lifetime: int
    key_name: str | None
    max_early_data: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """How s_client finds one mechanism; `state` None where the version is not spoken."""

    state: State | None
    ticket: TicketSeen | None = None


def s_client(
    port: int, options: tuple[str, ...], *, await_file: Path | None = None, folder: Path
) -> Connected:
    """Connect with s_client; keep it open until a session file is written, if one is named."""
    log = folder / f"s_client-{time.monotonic_ns()}.out"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{HOST}:{port}", "-noservername", *options],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        result = None
        while time.monotonic() < deadline and process.poll() is None:
            result = result or _RESULT.search(log.read_bytes())
            if result and (await_file is None or complete(await_file)):
                break
            if result and await_file is not None:
                # In TLS 1.2 a session is known, and written, before the result is printed.
                if result[2] == b"TLSv1.3":
                    await_file_until(await_file, time.monotonic() + SECONDS_FOR_TICKET, process)
                break
            time.sleep(0.01)  # between two looks; the loop ends by what it sees
        process.stdin.close()  # s_client sends close_notify and ends
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_ANSWER)
    finally:
        stop(process)
    text = log.read_bytes()
    result = _RESULT.search(text)
    output_text = text.decode(errors="replace")
    if result is None:
        return Connected(None, None, output_text)
    return Connected(result[1].decode(), result[2].decode(), output_text)


def await_file_until(path: Path, deadline: float, process: subprocess.Popen[bytes]) -> None:
    while time.monotonic() < deadline and process.poll() is None and not complete(path):
        time.sleep(0.01)  # between two looks; the loop ends by what it sees


def complete(path: Path) -> bool:
    """Whether a session file has been written to its end."""
    try:
        return b"-----END SSL SESSION PARAMETERS-----" in path.read_bytes()
    except FileNotFoundError:
        return False


def save(port: int, mechanism: str, path: Path, more: tuple[str, ...] = ()) -> Connected:
    """A full handshake, its session written to a file if the server gives one."""
    path.unlink(missing_ok=True)
    options = (*OPTIONS[mechanism], "-sess_out", str(path), *more)
    return s_client(port, options, await_file=path, folder=path.parent)


def resume(port: int, mechanism: str, path: Path, more: tuple[str, ...] = ()) -> Connected:
    """A handshake that offers the session of a file."""
    options = (*OPTIONS[mechanism], "-sess_in", str(path), *more)
    return s_client(port, options, folder=path.parent)


def chain(port: int, length: int, folder: Path) -> tuple[str | None, ...]:
    """TLS 1.3 connections one after another, each with the last ticket of the one before."""
    path = folder / f"chain-{port}.pem"
    results = []
    save(port, "psk", path)
    for _ in range(length):
        renewed = path.with_suffix(".renewed")
        options = (*OPTIONS["psk"], "-sess_in", str(path), "-sess_out", str(renewed))
        results.append(s_client(port, options, await_file=renewed, folder=folder).result)
        if complete(renewed):
            renewed.replace(path)
    return tuple(results)


def read_ticket(path: Path) -> TicketSeen | None:
    """The ticket in a session file, None if it holds none."""
    text = subprocess.run(
        ["openssl", "sess_id", "-in", str(path), "-noout", "-text"],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS_TO_ANSWER,
    ).stdout
    _, found, dump = text.partition("TLS session ticket:\n")
    if not found:
        return None
    ticket = bytearray()
    for line in dump.splitlines():
        match = re.match(r"\s+[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", line)
        if match is None:
            break
        ticket += bytes.fromhex(match[1].replace("-", " "))
    lifetime = re.search(r"lifetime hint: (\d+)", text)
    early_data = re.search(r"Max Early Data: (\d+)", text)
    return TicketSeen(
        length=len(ticket),
        lifetime=int(lifetime[1]) if lifetime else 0,
        # 32 bytes are a name in the server's cache (OpenSSL's stateful tickets).
        key_name=bytes(ticket[:16]).hex() if len(ticket) != 32 else None,
        max_early_data=int(early_data[1]) if early_data else 0,
    )


def ask(port: int, mechanism: str, folder: Path, more: tuple[str, ...] = ()) -> Opinion:
    """One full handshake and one with its session: what s_client makes of a mechanism.

    `more` are options of s_client for both.
    """
    path = folder / f"{mechanism}-{os.getpid()}-{port}.pem"
    first = save(port, mechanism, path, more)
    if first.tls_version != VERSIONS[mechanism]:
        return Opinion(None)
    if not complete(path):
        return Opinion("not-issued")
    ticket = read_ticket(path)
    if mechanism == "ticket" and ticket is None:
        return Opinion("not-issued")
    second = resume(port, mechanism, path, more)
    return Opinion("resumed" if second.result == "Reused" else "not-resumed", ticket)
