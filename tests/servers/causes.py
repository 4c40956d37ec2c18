"""What the live cases of causes share: servers, a command's findings, files made over.

The cases are in `test_causes_*`, a file for each group of the catalogue: A the session was
not offered, B it was declined (`test_causes`), C the handshake failed, D it is misread.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.servers.command import Answer, save
from tests.servers.conftest import require
from tests.servers.harness import HOST, Running, serve
from tests.servers.material import Material
from tests.servers.servers import RECIPES
from tlsresume.evidence.purposes import Save
from tlsresume.lab import Route, Task
from tlsresume.options import ConnectOptions
from tlsresume.runs.reach import lab_for
from tlsresume.sessions import asn1
from tlsresume.sessions.file import format_session_file, read_session_file, write_session_file
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.session import Session
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig

SHARED_CACHE = "ssl_session_cache shared:S:1m;"
KEY = "ssl_session_ticket_key {stek48};"
OTHER_KEY = "ssl_session_ticket_key {other_stek48};"


def findings(answer: Answer) -> dict[str, dict[str, Any]]:
    """The findings of a probe or resume, by code, that are more than information."""
    document = answer.document
    found = document["targets"][0]["findings"] if "targets" in document else document["findings"]
    return {finding["code"]: finding for finding in found if finding["severity"] != "info"}


def information(answer: Answer) -> set[str]:
    """The codes of the findings that are information only."""
    document = answer.document
    found = document["targets"][0]["findings"] if "targets" in document else document["findings"]
    return {finding["code"] for finding in found if finding["severity"] == "info"}


def edit(path: Path, **changes: Any) -> None:
    """Write a session file anew, with some fields of its SSL_SESSION changed."""
    file = read_session_file(str(path))
    structure, peer = asn1.decode(file.session.data)
    session = Session("openssl-der", asn1.encode(replace(structure, **changes), peer))
    write_session_file(str(path), format_session_file(session, file.metadata), force=True)


def structure_of(path: Path) -> asn1.SSLSession:
    """The SSL_SESSION in a file."""
    return asn1.decode(read_session_file(str(path)).session.data)[0]


def save_with_plan(port: int, path: Path, config: ClientConfig) -> None:
    """Save a session that the command line has no options to make."""
    lab = lab_for(ConnectOptions(), parse_target(f"{HOST}:{port}"))
    attempt = asyncio.run(lab.connect(Route(HOST, port), config, Task(purpose=Save.FULL)))
    assert attempt.sessions, attempt
    metadata = SessionMetadata(
        target=f"{HOST}:{port}", address=HOST, port=port, leaf_sha256=attempt.leaf_sha256
    )
    write_session_file(str(path), format_session_file(attempt.sessions[-1], metadata))


def without_ems(**parts: Any) -> ClientConfig:
    """TLS 1.2 with tickets and without the extended master secret."""
    version = ProtocolVersion.TLSv1_2
    return ClientConfig(minimum=version, maximum=version, extended_master_secret=False, **parts)


def wait_until_older(path: Path, seconds: float) -> None:
    """Let a session reach an age: the age itself is what is tested."""
    time.sleep(max(0.0, (structure_of(path).time or 0) + seconds - time.time()))


def nginx(material: Material, *lines: str) -> AbstractContextManager[Running]:
    require("nginx")
    return serve(RECIPES["nginx"], lines, material)


def saved(running: Running, mechanism: str, folder: Path, *more: str) -> Path:
    path = folder / f"{mechanism}.pem"
    answer = save(running.target, mechanism, path, *more)
    assert answer.status == 0, str(answer)
    return path


def check(answer: Answer, code: str, *, status: int = 3) -> dict[str, Any]:
    """One cause is named, and it is this one; a proven one has evidence to show."""
    found = findings(answer)
    assert list(found) == [code], str(answer)
    assert answer.status == status, str(answer)
    finding = found[code]
    assert finding["evidence"], str(answer)
    assert finding["details"], str(answer)
    return finding
