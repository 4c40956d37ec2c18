"""Servers that take a ticket key from a file, beside those of `servers.py`: GnuTLS and Go.

The one line of a case is the path of the key file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.servers.harness import HOST, Layout, Program, Recipe, Site, find_program
from tests.servers.servers import PROGRAMS, RECIPES

GO_SOURCE = Path(__file__).with_name("goserver.go")


def gnutls_key(site: Site, lines: tuple[str, ...]) -> Layout:
    """GnuTLS itself, through ctypes: gnutls-serv makes a key of its own always."""
    port = site.free_port()
    script = str(Path(__file__).with_name("gnutls_server.py"))
    certificate = str(site.material.files["certificate"])
    command = (sys.executable, script, str(port), certificate, *lines)
    return Layout((Program(command, (port,)),), port, (port,))


@cache
def go_program(folder: str) -> str:
    """The server in Go, built once in a run."""
    go = find_program("go")
    assert go is not None
    program = Path(folder) / "goserver"
    environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(Path(folder) / "cache")}
    subprocess.run(
        [go, "build", "-o", str(program), str(GO_SOURCE)],
        check=True,
        timeout=300,
        env=environment,
        cwd=folder,
    )
    return str(program)


def go(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    certificate = site.material.files["certificate"]
    command = (go_program(str(certificate.parent)), f"{HOST}:{port}", str(certificate), *lines)
    return Layout((Program(command, (port,)),), port, (port,))


KEY_RECIPES: dict[str, Recipe] = {**RECIPES, "gnutls-key": gnutls_key, "go": go}

#: What their recipes need, in the shape of `servers.PROGRAMS`.
KEY_PROGRAMS: dict[str, dict[str, str]] = {
    **PROGRAMS,
    "gnutls-key": {"gnutls-serv": "gnutls-bin"},
    "go": {"go": "golang-go"},
}
