"""Recipes of servers on TLS stacks that no web server uses: JSSE, Erlang/OTP, NSS, wolfSSL.

The lines of a case are words or options for that server's program; those of Java that
begin with `-D` are options of the virtual machine. NSS's selfserv cannot be bound to
loopback: it has no option for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from tests.servers.harness import Layout, Program, Recipe, Site
from tests.servers.pools import in_turn

_HERE = Path(__file__).parent
JAVA_SOURCE = str(_HERE / "JavaServer.java")
_PASSWORD = b"password"


def keystore(site: Site, password: bytes | None = _PASSWORD) -> str:
    """The certificate and its key as PKCS #12, as Java and NSS want them; its path."""
    pem = site.material.files["certificate"].read_bytes()
    path = site.folder / "server.p12"
    path.write_bytes(
        serialize_key_and_certificates(
            b"server",
            load_pem_private_key(pem, None),  # type: ignore[arg-type] # trustme makes EC keys
            load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERT") :]),
            None,
            BestAvailableEncryption(password) if password else NoEncryption(),
        )
    )
    return str(path)


def java_program(
    site: Site, lines: tuple[str, ...], command: tuple[str, ...] = ("java", JAVA_SOURCE)
) -> Program:
    port = site.free_port()
    machine = tuple(line for line in lines if line.startswith("-D"))
    words = tuple(line for line in lines if line not in machine)
    java, *source = command
    authority = str(site.material.files["ca"])
    arguments = (str(port), keystore(site), authority, *words)
    return Program((java, "-Xshare:auto", *machine, *source, *arguments), (port,))


def java(site: Site, lines: tuple[str, ...]) -> Layout:
    program = java_program(site, lines)
    return Layout((program,), program.ports[0], program.ports)


def java_pool(site: Site, lines: tuple[str, ...]) -> Layout:
    """Two of them behind HAProxy, which passes TCP to each in turn."""
    nodes = (java_program(site, lines), java_program(site, lines))
    return in_turn(site, nodes)


def erlang(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    certificate = str(site.material.files["certificate"])
    script = str(_HERE / "erlang_server.escript")
    return Layout(
        (Program(("escript", script, str(port), certificate, *lines), (port,)),), port, (port,)
    )


def selfserv(site: Site, lines: tuple[str, ...]) -> Layout:
    """NSS's own test server, with a key database made for it."""
    port = site.free_port()
    database = f"sql:{site.folder}"
    script = site.write(
        "selfserv.sh",
        f"certutil -N -d {database} --empty-password\n"
        f"pk12util -i {keystore(site)} -d {database} -K '' -W {_PASSWORD.decode()}\n"
        f"exec selfserv -d {database} -n server -D -p {port} -V tls1.2:tls1.3 {' '.join(lines)}\n",
    )
    return Layout((Program(("sh", script), (port,)),), port, (port,))


def wolfssl(site: Site, lines: tuple[str, ...]) -> Layout:
    port = site.free_port()
    script = str(_HERE / "wolfssl_server.py")
    certificate = str(site.material.files["certificate"])
    command = (sys.executable, script, str(port), certificate, *lines)
    return Layout((Program(command, (port,)),), port, (port,))


STACK_RECIPES: dict[str, Recipe] = {
    "java": java,
    "java-pool": java_pool,
    "erlang": erlang,
    "nss": selfserv,
    "wolfssl": wolfssl,
}

#: What their recipes need, in the shape of `servers.PROGRAMS`; also files of a library.
STACK_PROGRAMS: dict[str, dict[str, str]] = {
    "java": {"java": "default-jdk-headless", "javac": "default-jdk-headless"},
    "java-pool": {"javac": "default-jdk-headless", "haproxy": "haproxy"},
    "erlang": {"escript": "erlang-ssl"},
    "nss": {"selfserv": "libnss3-tools"},
    "wolfssl": {"/usr/include/wolfssl/ssl.h": "libwolfssl-dev"},
}
