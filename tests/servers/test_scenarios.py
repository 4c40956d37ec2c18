"""What one connection after another shows: other programs' files, expiry, other keys, 0-RTT."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import oracle
from tests.servers.command import resume, save, tlsresume
from tests.servers.conftest import require
from tests.servers.harness import Running, serve
from tests.servers.material import Material
from tests.servers.oracle import OPTIONS, VERSIONS
from tests.servers.servers import RECIPES

SHARED_CACHE = "ssl_session_cache shared:S:1m;"


@pytest.fixture(scope="module")
def nginx(material: Material) -> Iterator[Running]:
    """One nginx that resumes by every mechanism."""
    require("nginx")
    lines = (SHARED_CACHE, "ssl_early_data on;")
    with serve(RECIPES["nginx"], lines, material) as running:
        yield running


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_s_client_resumes_what_we_saved(nginx: Running, mechanism: str, tmp_path: Path) -> None:
    """A file of `save` is a session for `openssl s_client -sess_in`, and is reused."""
    path = tmp_path / "session.pem"
    saved = save(nginx.target, mechanism, path)
    assert saved.status == 0, str(saved)
    connected = oracle.resume(nginx.port, mechanism, path)
    assert connected.result == "Reused", connected.output
    assert connected.tls_version == VERSIONS[mechanism]


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_we_resume_what_s_client_saved(nginx: Running, mechanism: str, tmp_path: Path) -> None:
    """A file of `openssl s_client -sess_out` is a session for `resume`, and is reused; the
    first word of the output says so."""
    path = tmp_path / "session.pem"
    oracle.save(nginx.port, mechanism, path)
    resumed = tlsresume("resume", str(path), nginx.target)
    assert resumed.status == 0, str(resumed)
    assert resumed.stdout.startswith(f"Reused, {VERSIONS[mechanism]}"), str(resumed)


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_an_expired_session_is_new(material: Material, mechanism: str, tmp_path: Path) -> None:
    """After `ssl_session_timeout` nginx resumes no session; OpenSSL offers an expired
    ticket in TLS 1.2 only, and `resume` says which of the two it was."""
    require("nginx")
    path = tmp_path / "session.pem"
    lines = (SHARED_CACHE, "ssl_session_timeout 1s;")
    with serve(RECIPES["nginx"], lines, material) as running:
        saved = save(running.target, mechanism, path)
        assert saved.status == 0, str(saved)
        # The age itself is what is tested. OpenSSL counts whole seconds, takes one off the
        # age, and offers a ticket as old as its lifetime: it is surely too old after three.
        time.sleep(3.1)
        resumed = resume(path)
    document = resumed.document
    assert resumed.status == 3, str(resumed)
    assert not document["session_reused"], str(resumed)
    assert bool(document["offered"]) == (mechanism != "psk"), str(resumed)
    assert document["reason"], str(resumed)


@pytest.mark.parametrize("mechanism", ["psk", "ticket"])
def test_a_ticket_of_another_key_is_new(
    nginx: Running, material: Material, mechanism: str, tmp_path: Path
) -> None:
    """A ticket that another server made is offered, declined, and the reason is given."""
    path = tmp_path / "session.pem"
    saved = save(nginx.target, mechanism, path)
    assert saved.status == 0, str(saved)
    lines = ("ssl_session_ticket_key {other_stek48};",)
    with serve(RECIPES["nginx"], lines, material) as other:
        resumed = resume(path, other.target)
    document = resumed.document
    assert resumed.status == 3, str(resumed)
    assert document["offered"], str(resumed)
    assert not document["accepted"], str(resumed)
    assert document["reason"], str(resumed)


REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_early_data_is_accepted_where_it_is_on(nginx: Running, tmp_path: Path) -> None:
    """With `ssl_early_data on` a request sent with the ClientHello is accepted."""
    path = tmp_path / "session.pem"
    assert save(nginx.target, "psk", path).status == 0
    resumed = resume(path, "--early-data", REQUEST)
    assert resumed.status == 0, str(resumed)
    assert resumed.document["early_data"] == "accepted", str(resumed)


def test_early_data_is_not_sent_where_the_ticket_forbids_it(
    material: Material, tmp_path: Path
) -> None:
    """A ticket without early data is resumed all the same, and nothing is sent early."""
    require("nginx")
    path = tmp_path / "session.pem"
    with serve(RECIPES["nginx"], (SHARED_CACHE,), material) as running:
        assert save(running.target, "psk", path).status == 0
        resumed = resume(path, "--early-data", REQUEST)
    assert resumed.document["session_reused"], str(resumed)
    assert resumed.document["early_data"] == "not-sent", str(resumed)


def test_a_server_that_is_gone_is_unreachable(material: Material, tmp_path: Path) -> None:
    """`resume` at a port that nobody serves any more exits 5."""
    require("nginx")
    path = tmp_path / "session.pem"
    with serve(RECIPES["nginx"], (SHARED_CACHE,), material) as running:
        assert save(running.target, "ticket", path).status == 0
    assert resume(path).status == 5


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_a_session_with_a_client_certificate_is_resumed(
    material: Material, mechanism: str, tmp_path: Path
) -> None:
    """Where nginx demands a client certificate, a session made with one is resumed, by
    s_client and by us."""
    require("nginx")
    path = tmp_path / "session.pem"
    file = str(material.files["client_certificate"])
    lines = (SHARED_CACHE, "ssl_verify_client on;", "ssl_client_certificate {ca};")
    with serve(RECIPES["nginx"], lines, material) as running:
        certificate = ("-cert", file, "-key", file)
        assert oracle.ask(running.port, mechanism, tmp_path, certificate).state == "resumed"
        saved = save(running.target, mechanism, path, "--cert", file, "--key", file)
        assert saved.status == 0, str(saved)
        resumed = resume(path, "--cert", file, "--key", file)
    assert resumed.status == 0, str(resumed)
    assert resumed.document["session_reused"], str(resumed)
