"""The servers that are measured against: each on loopback, on a port of the system's choice."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

GROUP = "X25519"
CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"
SUITE = "TLS_AES_128_GCM_SHA256"
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed P-256 certificate for localhost, and its key."""

    certificate: Path
    key: Path


def make_identity(folder: Path) -> Identity:
    """Have openssl make a certificate in a folder."""
    identity = Identity(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(identity.key), "-out", str(identity.certificate)],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return identity


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that runs as long as the block does."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def s_server(identity: Identity, *options: str) -> Iterator[int]:
    """An `openssl s_server` that answers HTTP, with the group and ciphers pinned; its port."""
    command = [
        "openssl", "s_server", "-accept", "127.0.0.1:0", "-www",
        "-cert", str(identity.certificate), "-key", str(identity.key),
        "-groups", GROUP, "-cipher", CIPHER, "-ciphersuites", SUITE, *options,
    ]  # fmt: skip
    with running(command) as process:
        for line in process.stdout or ():
            if line.startswith("ACCEPT"):
                yield int(line.rpartition(":")[2])
                return
        raise RuntimeError("openssl s_server did not start")


@contextmanager
def _served(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection in a thread of its own; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def without_tickets(identity: Identity) -> Iterator[int]:
    """A server that reads and gives no TLS 1.3 ticket, as many at a time as come; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    context.num_tickets = 0

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
            while tls.recv(4096):
                pass
            tls.unwrap()

    with _served(serve) as port:
        yield port


@contextmanager
def silent() -> Iterator[int]:
    """A server that reads, and never says a word; its port."""

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while connection.recv(4096):
                pass

    with _served(serve) as port:
        yield port


def free_port() -> int:
    """A port that was free a moment ago, for a server that cannot choose one and say so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{
        listen {port} ssl backlog=1024;
        ssl_certificate {identity.certificate};
        ssl_certificate_key {identity.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:sessions:1m;
        ssl_session_tickets on;
        location / {{ return 204; }}
    }}
}}
"""


def nginx_path() -> str | None:
    """Where nginx is, if it is installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def nginx(identity: Identity, folder: Path) -> Iterator[int]:
    """An nginx that resumes by ticket, session ID and PSK; its port."""
    path, port = nginx_path(), free_port()
    if path is None:
        raise RuntimeError("nginx is not installed")
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port, identity=identity))
    with running([path, "-c", str(configuration), "-e", str(folder / "nginx.log")]):
        _await_port(port)
        yield port


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
