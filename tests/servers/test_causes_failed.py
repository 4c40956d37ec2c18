"""A live case for each cause of a handshake that fails with a session (group C).

Two of them no server here does by configuration, and are played: a Relay that answers an old
ticket with alert 80 (HAProxy of some versions did), and a session file made over, which from
the client's side is a server that resumes with another secret or another extended master
secret setting than the session was made with.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.peers import Kill, Relay, alert_record, read_client_hello
from tests.servers.causes import (
    KEY,
    SHARED_CACHE,
    check,
    edit,
    findings,
    information,
    nginx,
    saved,
    structure_of,
)
from tests.servers.command import Answer, probe, resume
from tests.servers.conftest import require
from tests.servers.harness import HOST, Running, serve
from tests.servers.material import Material
from tests.servers.oracle import OPTIONS
from tests.servers.servers import RECIPES
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server

TICKETS = ("psk", "ticket")
TLS12 = ("ticket", "session-id")
FAILS_WITH_SESSION = 6


def failed(answer: Answer, code: str) -> dict:
    """One cause is named, and the exit status says that the handshake fails only with the
    session."""
    return check(answer, code, status=FAILS_WITH_SESSION)


# -------------------------------------------------------- C: the server's alert


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_missing_session_id_context_is_named(tls: str) -> None:
    """C1: OpenSSL asks for client certificates, has no session id context, and aborts."""
    behaviour = Behaviour(client_certificate=True, session_id_context=False)
    with Server(behaviour) as server:
        failed(probe(f"{HOST}:{server.port}", "--tls", tls), "no-session-id-context")


@pytest.mark.parametrize("mechanism", TICKETS)
def test_a_missing_session_id_context_is_named_for_a_file(mechanism: str, tmp_path: Path) -> None:
    """C1: a saved session fails, fresh ones fail too, and a control succeeds."""
    behaviour = Behaviour(client_certificate=True, session_id_context=False)
    with Server(behaviour) as server:
        running = Running(server.port, (server.port,), tmp_path)
        failed(resume(saved(running, mechanism, tmp_path)), "no-session-id-context")


def test_a_missing_session_id_context_may_be_why_ids_are_not_honoured(tmp_path: Path) -> None:
    """C1: of such a server OpenSSL keeps no session at all, so that IDs are declined without an
    alert: from outside that is never-honoured, and the missing context is named beside it."""
    behaviour = Behaviour(client_certificate=True, session_id_context=False)
    with Server(behaviour) as server:
        running = Running(server.port, (server.port,), tmp_path)
        finding = check(resume(saved(running, "session-id", tmp_path)), "never-honoured")
    assert finding["candidates"][0].startswith("no-session-id-context"), finding


class OldTicketRelay(Relay):
    """Answers a known, "old" ticket with alert 80, and forwards everything else."""

    old = b"\0" * 32

    def serve(self, connection: socket.socket, number: int) -> None:
        hello = connection.recv(65_536, socket.MSG_PEEK)
        if self.old in hello:
            read_client_hello(connection)
            connection.sendall(alert_record("internal_error"))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
            return
        super().serve(connection, number)


@pytest.mark.parametrize("mechanism", TICKETS)
def test_an_alert_for_old_tickets_is_named(
    material: Material, mechanism: str, tmp_path: Path
) -> None:
    """C1b: alert 80 for an old ticket, while a fresh one resumes."""
    with nginx(material, SHARED_CACHE) as running, OldTicketRelay(running.port) as relay:
        path = saved(Running(relay.port, (), tmp_path), mechanism, tmp_path)
        relay.old = structure_of(path).ticket or b""
        failed(resume(path), "aged-ticket-alert")


def test_a_wrong_binder_is_named(material: Material, tmp_path: Path) -> None:
    """C2: the secret in the file does not belong to the ticket (TLS 1.3)."""
    with nginx(material) as running:
        path = saved(running, "psk", tmp_path)
        edit(path, master_key=bytes(len(structure_of(path).master_key)))
        failed(resume(path), "wrong-binder")


@pytest.mark.parametrize("mechanism", TLS12)
def test_a_cipher_that_the_client_left_out_is_named(
    material: Material, mechanism: str, tmp_path: Path
) -> None:
    """C3: TLS 1.2 resumes with the session's own cipher only."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
        failed(resume(path, "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"),
               "cipher-removed")  # fmt: skip


def test_a_cipher_that_the_server_left_out_is_named(material: Material, tmp_path: Path) -> None:
    """C3: pinned to the session's cipher nothing is in common with a server that declines the
    session, and no longer takes the cipher. (What it accepts OpenSSL resumes with any.)"""
    with nginx(material) as running:
        path = saved(running, "ticket", tmp_path)
    with nginx(material, "ssl_ciphers ECDHE+AES128+AESGCM;") as running:
        check(resume(path, running.target), "cipher-removed", status=5)


@pytest.mark.parametrize("mechanism", TLS12)
def test_a_client_without_ems_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """C4: the session has extended master secret, the ClientHello has not."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
        failed(resume(path, "--no-ems"), "ems-dropped")


@pytest.mark.parametrize("mechanism", TLS12)
def test_a_wrong_secret_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """C5: the server accepts the session, and the keys do not match (TLS 1.2). Whether the file
    or a node's cache has the wrong secret looks the same."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
        edit(path, master_key=bytes(48))
        failed(resume(path), "wrong-secret")


@pytest.mark.parametrize("mechanism", TLS12)
def test_ems_that_changed_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """C7: the server resumes with another EMS setting than the session says."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
        edit(path, flags=None)
        failed(resume(path), "ems-changed")


def test_ems_that_the_server_dropped_is_named(material: Material, tmp_path: Path) -> None:
    """C7: extended master secret was switched off at the server since: it aborts."""
    with nginx(material, KEY) as running:
        path = saved(running, "ticket", tmp_path)
    with nginx(material, KEY, "ssl_conf_command Options -ExtendedMasterSecret;") as running:
        failed(resume(path, running.target), "ems-changed")


# --------------------------------------------------- C: another name, other nodes


@pytest.fixture(scope="module")
def two_hosts(material: Material) -> Iterator[Running]:
    """Two names at one port of nginx: a.test asks for client certificates, b.test demands them."""
    require("nginx")
    lines = (
        SHARED_CACHE,
        "ssl_client_certificate {ca};",
        "server_name a.test;",
        "ssl_verify_client optional;",
        "b: server_name b.test;",
        "b: ssl_client_certificate {ca};",
        "b: ssl_verify_client on;",
    )
    with serve(RECIPES["nginx-hosts"], lines, material) as running:
        yield running


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_a_session_of_another_host_is_refused_and_named(
    two_hosts: Running, material: Material, mechanism: str, tmp_path: Path
) -> None:
    """C6: where client certificates are checked nginx refuses sessions of another name, by
    alert 49 or by HTTP 421; that is right, and said to be."""
    file = str(material.files["client_certificate"])
    certificate = (
        "--cert",
        file,
        "--key",
        file,
        "--send",
        "GET / HTTP/1.1\\r\\nHost: b.test\\r\\n\\r\\n",
    )
    path = saved(two_hosts, mechanism, tmp_path, "--servername", "a.test", *certificate)
    answer = resume(path, two_hosts.target, "--servername", "b.test", "--any-host", *certificate)
    assert "cross-name-refused" in information(answer), str(answer)
    assert findings(answer) == {}, str(answer)


def test_crossing_names_by_wish(two_hosts: Running, material: Material) -> None:
    """C6: `probe --cross-name` shows the same without a file. That alert 49 ends connections with
    a certificate that b.test accepts is a warning, where this nginx does so (1.27.4 to 1.29.1,
    and older ones with the same patch); else nobody is accused."""
    file = str(material.files["client_certificate"])
    options = ("--cert", file, "--key", file, "--servername", "a.test", "--cross-name", "b.test")
    answer = probe(f"https://{two_hosts.target}", *options)
    assert answer.status == 0, str(answer)
    told = findings(answer)
    assert set(told) <= {"cross-name-refused"}, str(answer)
    assert "cross-name-refused" in information(answer) | told.keys(), str(answer)


def test_nodes_of_different_versions_are_named(material: Material) -> None:
    """C8: of two nodes one speaks TLS 1.2 only and one TLS 1.3 only."""
    with (
        nginx(material, KEY, SHARED_CACHE, "ssl_protocols TLSv1.2;") as old,
        nginx(material, KEY, SHARED_CACHE, "ssl_protocols TLSv1.3;") as new,
        Relay(new.port, old.port) as relay,
    ):
        answer = probe(f"{HOST}:{relay.port}", "--tries", "10")
    assert "mixed-version-pool" in findings(answer), str(answer)
    assert answer.status in (3, 6), str(answer)


def test_nodes_of_which_one_speaks_tls12_only_are_named(material: Material) -> None:
    """C8: whichever node is met first. That the first refuses TLS 1.3 is not taken for all: the
    other says in its TLS 1.2 handshakes that it speaks it."""
    with (
        nginx(material, KEY, SHARED_CACHE, "ssl_protocols TLSv1.2;") as old,
        nginx(material, KEY, SHARED_CACHE) as new,
        Relay(old.port, new.port) as relay,
    ):
        answer = probe(f"{HOST}:{relay.port}")
    assert "mixed-version-pool" in findings(answer), str(answer)
    assert answer.status in (3, 6), str(answer)


@pytest.mark.parametrize("kill", ["fin", "rst", "silence"])
def test_a_death_on_sessions_is_named(material: Material, kill: Kill) -> None:
    """C9: a device that ends connections which offer a session, without a word."""
    with nginx(material, SHARED_CACHE) as running, Relay(running.port, kill_offers=kill) as relay:
        answer = probe(f"{HOST}:{relay.port}", "--timeout", "2", "--tries", "2", "--tls", "1.3")
    failed(answer, "dies-on-session")


@pytest.mark.parametrize("mechanism", OPTIONS)
@pytest.mark.parametrize("kill", ["fin", "rst"])
def test_a_death_on_a_saved_session_is_named(
    material: Material, kill: Kill, mechanism: str, tmp_path: Path
) -> None:
    """C9: the same for a file."""
    with nginx(material, SHARED_CACHE) as running, Relay(running.port, kill_offers=kill) as relay:
        path = saved(Running(relay.port, (), tmp_path), mechanism, tmp_path)
        failed(resume(path), "dies-on-session")


def test_an_alert_of_no_known_kind_is_told_from_causes(material: Material) -> None:
    """Group C: alert 80 where no client certificate is asked for fits no cause: that it fails
    only with the session is all that is said."""
    with (
        nginx(material, SHARED_CACHE) as running,
        Relay(running.port, kill_offers="alert") as relay,
    ):
        answer = probe(f"{HOST}:{relay.port}", "--tries", "2", "--tls", "1.3")
    failed(answer, "fails-with-session")


def test_a_server_that_resets_now_and_then_is_not_accused_of_causes(material: Material) -> None:
    """Connections that break whatever is offered are tried again, and name no cause."""
    with nginx(material, SHARED_CACHE) as running, Relay(running.port, reset_every=5) as relay:
        answer = probe(f"{HOST}:{relay.port}")
    assert findings(answer) == {}, str(answer)
