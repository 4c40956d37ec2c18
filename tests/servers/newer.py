"""Servers of QUIC and DTLS from Debian 13, run out of a folder by chroot(8).

The folder is made by tools/install-newer-servers.sh; $TLSRESUME_NEWER_SERVERS names one that
is there already. Where this is not root, or the folder cannot be made, tests are skipped.
A server of UDP is up when the kernel says that its port is bound: asking it would use up its
one client.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import trustme

from tests.servers.harness import HOST, SECONDS_TO_START, ServerFailed, accepts, stop

REPOSITORY = Path(__file__).parent.parent.parent
_SECONDS_TO_INSTALL = 300
NAME = "localhost"


@cache
def root() -> Path:
    """The folder with the servers. Skips the test where there is none."""
    if os.geteuid() != 0:
        pytest.skip("servers in a folder are run by chroot, which needs root")
    given = os.environ.get("TLSRESUME_NEWER_SERVERS")
    folder = Path(given) if given else REPOSITORY / ".servers" / "debian13"
    folder.mkdir(parents=True, exist_ok=True)
    # One of several workers installs, and the others wait for it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    if not (folder / "unpacked").exists():
        tool = str(REPOSITORY / "tools" / "install-newer-servers.sh")
        done = subprocess.run(
            [tool, str(folder)], capture_output=True, text=True, check=False,
            timeout=_SECONDS_TO_INSTALL,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"no newer servers: {done.stderr.strip()[-200:]}")


def free_port() -> int:
    """A port of loopback that neither TCP nor UDP had a moment ago."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
            datagrams.bind((HOST, 0))
            port = int(datagrams.getsockname()[1])
            try:
                stream.bind((HOST, port))
            except OSError:
                continue
            return port


def is_bound(port: int) -> bool:
    """Whether some UDP socket of this machine is bound to a port."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        if any(line.split()[1].endswith(wanted) for line in lines):
            return True
    return False


@dataclass(slots=True)
class Folder:
    """A folder inside the root, with a certificate for localhost; `inside` is a path as the
    servers see it."""

    root: Path
    path: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def inside(self, name: str) -> str:
        return f"/{(self.path / name).relative_to(self.root)}"

    def write(self, name: str, text: str) -> str:
        """A file with `{folder}` filled in; its path as the servers see it."""
        (self.path / name).write_text(text.replace("{folder}", self.inside("").rstrip("/")))
        return self.inside(name)

    @property
    def cafile(self) -> str:
        return str(self.path / "ca.pem")

    def run(self, *command: str, input_: str = "") -> str:
        """A program of the folder, to its end; all that it said."""
        done = subprocess.run(
            ["chroot", str(self.root), *command], input=input_, capture_output=True, text=True,
            timeout=30, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def start(self, port: int, *command: str, udp: bool = True) -> None:
        """A server, until its UDP port is bound, or its TCP port accepts. Raises ServerFailed."""
        log = self.path / f"log.{port}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["chroot", str(self.root), *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        deadline = time.monotonic() + SECONDS_TO_START
        while not (is_bound(port) if udp else accepts(port)):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace")[-2000:]
                raise ServerFailed(f"{command[0]} is not up:\n{tail}")
            time.sleep(0.02)  # between two looks; the loop ends by what it sees


@contextmanager
def folder() -> Iterator[Folder]:
    """A folder for one test; its servers are stopped in the end."""
    base = root()
    made = Folder(base, Path(tempfile.mkdtemp(dir=base / "tmp")))
    made.path.chmod(0o755)
    authority = trustme.CA()
    issued = authority.issue_cert(NAME, HOST)
    authority.cert_pem.write_to_path(made.cafile)
    issued.private_key_pem.write_to_path(str(made.path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(made.path / "cert.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(made.path / "both.pem"))
    for file in made.path.iterdir():
        file.chmod(0o644)
    try:
        yield made
    finally:
        for process in made.running:
            stop(process)
            if process.stdin is not None:
                process.stdin.close()
        shutil.rmtree(made.path)


# ------------------------------------------------------------------------ QUIC


def gtlsserver(at: Folder, *options: str) -> int:
    """ngtcp2's example server on GnuTLS."""
    port = free_port()
    at.start(port, "gtlsserver", "-q", *options, HOST, str(port), at.inside("key.pem"),
             at.inside("cert.pem"))  # fmt: skip
    return port


def nginx(at: Folder, quic: str | None, tcp: str | None = None, port: int = 0) -> int:
    """An nginx with lines of configuration for its QUIC side, and for TCP on the same port."""
    port = port or free_port()
    side = "server {{ listen 127.0.0.1:{port} {kind}; server_name localhost; {lines} }}\n"
    servers = ""
    if quic is not None:
        servers = side.format(port=port, kind="quic reuseport", lines=quic)
    if tcp is not None:
        servers += side.format(port=port, kind="ssl", lines=tcp)
    conf = at.write(
        "nginx.conf",
        f"""daemon off; master_process off; worker_processes 1; error_log {{folder}}/error.log;
pid {{folder}}/pid; events {{ }}
http {{
  access_log off; ssl_certificate {{folder}}/cert.pem; ssl_certificate_key {{folder}}/key.pem;
  client_body_temp_path {{folder}}/t1; proxy_temp_path {{folder}}/t2; fastcgi_temp_path {{folder}}/t3;
  uwsgi_temp_path {{folder}}/t4; scgi_temp_path {{folder}}/t5;
  {servers}
}}
""",
    )
    at.start(port, "nginx", "-p", at.inside(""), "-c", conf, udp=quic is not None)
    return port


def haproxy(at: Folder) -> int:
    """HAProxy, whose OpenSSL compatibility layer has QUIC without early data."""
    port = free_port()
    conf = at.write(
        "haproxy.cfg",
        f"""global
  limited-quic
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind quic4@{HOST}:{port} ssl crt {{folder}}/both.pem alpn h3
  http-request return status 200
""",
    )
    at.start(port, "haproxy", "-db", "-f", conf)
    return port


def knot(at: Folder) -> int:
    """Knot DNS, over QUIC."""
    port = free_port()
    conf = at.write(
        "knot.conf",
        f"""server:
  rundir: {{folder}}
  listen-quic: {HOST}@{port}
  key-file: {{folder}}/key.pem
  cert-file: {{folder}}/cert.pem
  user: root:root
database:
  storage: {{folder}}
""",
    )
    at.start(port, "knotd", "-c", conf)
    return port


# ------------------------------------------------------------------------ DTLS


def s_server(at: Folder, *options: str) -> int:
    """`openssl s_server` over DTLS 1.2, which asks for cookies with -listen only."""
    port = free_port()
    at.start(port, "openssl", "s_server", "-dtls1_2", "-accept", f"{HOST}:{port}", "-quiet",
             "-key", at.inside("key.pem"), "-cert", at.inside("cert.pem"), *options)  # fmt: skip
    return port


def gnutls_serv(at: Folder) -> int:
    """GnuTLS's own server, which serves one peer at a time."""
    port = free_port()
    at.start(port, "gnutls-serv", "-u", "--echo", "-p", str(port), "--x509keyfile",
             at.inside("key.pem"), "--x509certfile", at.inside("cert.pem"))  # fmt: skip
    return port


def coturn(at: Folder) -> int:
    """A TURN server, whose TLS port speaks DTLS, too."""
    port, plain = free_port(), free_port()
    at.start(port, "turnserver", "-n", "-L", HOST, "-p", str(plain), "--tls-listening-port",
             str(port), "--cert", at.inside("cert.pem"), "--pkey", at.inside("key.pem"), "-a",
             "-r", "localhost", "--no-cli", "--log-file", "stdout", "--db", at.inside("db"),
             "--pidfile", at.inside("turn.pid"))  # fmt: skip
    return port
