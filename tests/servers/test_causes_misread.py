"""A live case for each way in which a resumed session is misread (group D)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.causes import (
    KEY,
    OTHER_KEY,
    SHARED_CACHE,
    edit,
    findings,
    information,
    nginx,
    saved,
    structure_of,
)
from tests.servers.command import probe, resume, tlsresume
from tests.servers.conftest import require
from tests.servers.harness import HOST, Recipe, serve
from tests.servers.material import Material
from tests.servers.oracle import OPTIONS
from tests.servers.servers import RECIPES
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server


def test_session_ids_that_change_are_explained(material: Material) -> None:
    """D1: TLS 1.3 echoes a random session ID; it says nothing."""
    with nginx(material) as running:
        answer = probe(running.target, "--tls", "1.3")
    assert findings(answer) == {}
    assert "session-id-changed" in information(answer)


def test_renewed_tickets_are_explained(material: Material, tmp_path: Path) -> None:
    """D2: GnuTLS resumes a TLS 1.2 ticket and gives a new one with it."""
    require("gnutls")
    with serve(RECIPES["gnutls"], (), material) as running:
        answer = probe(running.target, "--tls", "1.2")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    ticket = answer.document["targets"][0]["addresses"][0]["mechanisms"][0]
    assert ticket["state"] == "resumed"


def test_a_ticket_under_the_key_before_is_renewed(material: Material, tmp_path: Path) -> None:
    """D2: nginx takes a ticket of an older key, and gives one of the current key with it."""
    with nginx(material, OTHER_KEY) as running:
        path = saved(running, "ticket", tmp_path)
    with nginx(material, KEY, OTHER_KEY) as running:
        answer = resume(path, running.target)
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    assert "ticket-renewed" in information(answer)
    assert answer.document["new_key_name"] == material.key_names["stek48"]


def test_tickets_that_are_always_renewed_are_explained(
    material: Material, newest_go: Recipe
) -> None:
    """D2: Go renews the ticket with each resumed handshake of TLS 1.2."""
    with serve(newest_go, (), material) as running:
        answer = probe(running.target, "--tls", "1.2")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    assert "ticket-renewed" in information(answer)


def test_resumption_by_id_is_told_from_tickets(material: Material, tmp_path: Path) -> None:
    """D3: a session with a ticket is offered by its ID, and found in the server's cache: it was
    no ticket that resumed. OpenSSL saves no such session (it makes an ID of its own for each
    ticket), other clients do: here the ticket of one session is put into the file of another."""
    with nginx(material, SHARED_CACHE, KEY) as running:
        ticket = structure_of(saved(running, "ticket", tmp_path)).ticket
        path = saved(running, "session-id", tmp_path)
        edit(path, ticket=ticket)
        answer = resume(path, "--no-ticket")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    assert "resumed-by-id" in information(answer)


def test_what_was_not_verified_is_said(material: Material, tmp_path: Path) -> None:
    """D5: on a resumed connection nothing was verified."""
    with nginx(material) as running:
        answer = resume(saved(running, "psk", tmp_path))
    assert answer.status == 0
    assert "resumption-not-verified" in information(answer)


def test_early_data_that_is_refused_is_told_from_the_session(
    material: Material, tmp_path: Path
) -> None:
    """D6: early data was switched off since; the session resumes all the same."""
    with nginx(material, KEY, "ssl_early_data on;") as running:
        path = saved(running, "psk", tmp_path)
    with nginx(material, KEY) as running:
        answer = resume(path, running.target, "--early-data", "GET / HTTP/1.1\r\n\r\n")
    assert answer.status == 0, str(answer)
    assert answer.document["early_data"] == "rejected", str(answer)
    assert findings(answer) == {}, str(answer)
    assert "early-data-rejected" in information(answer)


def test_a_hello_retry_is_resumption() -> None:
    """D7: a HelloRetryRequest comes first, and the session resumes."""
    with Server(Behaviour(group="secp384r1")) as server:
        answer = probe(f"{HOST}:{server.port}", "--tls", "1.3")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    assert "hello-retry" in information(answer)


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_a_request_refused_after_resumption_is_named(
    material: Material, mechanism: str, tmp_path: Path
) -> None:
    """D4: TLS resumed, and HTTP says 403, while it says 200 without a session."""
    with nginx(material, SHARED_CACHE, "if ($ssl_session_reused = r) { return 403; }") as running:
        path = saved(running, mechanism, tmp_path)
        answer = resume(path, f"https://{running.target}/")
    assert list(findings(answer)) == ["resumed-then-refused"], str(answer)
    assert answer.document["session_reused"]


def test_the_command_explains_every_code_it_names() -> None:
    """A code of a finding is a page of `tlsresume explain`."""
    answer = tlsresume("explain", "cross-name-accepted")
    assert answer.status == 0, str(answer)
