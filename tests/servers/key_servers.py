"""Servers that take a ticket key from a file, beside those of `servers.py`: GnuTLS and Go.

The one line of a case is the path of the key file; without one Go makes keys of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from functools import cache
from pathlib import Path

from tests.servers.front_servers import FRONT_PROGRAMS, FRONT_RECIPES
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


def go_build(go: str, folder: Path, cache_folder: Path, source: Path = GO_SOURCE) -> str:
    """A server in Go, built by this Go into a folder."""
    program = folder / f"{source.stem}-{uuid.uuid4().hex}"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "GOCACHE": str(cache_folder),
    }
    subprocess.run(
        [go, "build", "-o", str(program), str(source)],
        check=True,
        timeout=300,
        env=environment,
        cwd=folder,
    )
    return str(program)


@cache
def go_program(folder: str) -> str:
    """The server in Debian's Go, built once in a run."""
    go = find_program("go")
    assert go is not None
    return go_build(go, Path(folder), Path(folder) / "cache")


def run_go(program: str, site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    return Layout(
        (Program((program, f"{HOST}:{port}", certificate, *lines), (port,)),), port, (port,)
    )


def go(site: Site, lines: tuple[str, ...]) -> Layout:
    return run_go(go_program(str(site.material.files["certificate"].parent)), site, lines)


KEY_RECIPES: dict[str, Recipe] = {**RECIPES, **FRONT_RECIPES, "gnutls-key": gnutls_key, "go": go}

#: What their recipes need, in the shape of `servers.PROGRAMS`.
KEY_PROGRAMS: dict[str, dict[str, str]] = {
    **PROGRAMS,
    **FRONT_PROGRAMS,
    "gnutls-key": {"gnutls-serv": "gnutls-bin"},
    "go": {"go": "golang-go"},
}
