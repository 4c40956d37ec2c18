"""A live case for each cause of a session that was not offered (group A)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.causes import (
    SHARED_CACHE,
    check,
    edit,
    findings,
    nginx,
    saved,
    structure_of,
    wait_until_older,
)
from tests.servers.command import probe, resume
from tests.servers.conftest import require
from tests.servers.harness import Recipe, serve
from tests.servers.material import Material
from tests.servers.servers import RECIPES


def without(first: int, last: int) -> Callable[[Path], None]:
    """Take lines out of a file, counted from its end."""

    def cut(path: Path) -> None:
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:first] + lines[last:]) + "\n")

    return cut


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without(-4, -1), "is cut short"),
        (without(-1, 1_000), "has no END line"),
        (lambda path: edit(path, ssl_version=0x0904), "0x0904"),
    ],
)
def test_a_file_without_a_session_is_named(
    material: Material, damage: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    """A1: of a session file that was cut or changed nothing is offered: what is wrong with it
    is said, and where to read on."""
    with nginx(material) as running:
        path = saved(running, "psk", tmp_path)
        damage(path)
        answer = resume(path)
    assert answer.status == 7, str(answer)
    assert str(path) in answer.stderr
    assert words in answer.stderr
    assert "hint: why a file may hold no session: tlsresume explain file-unreadable" in (
        answer.stderr
    )
    assert answer.document["error"]["kind"] == "sessionfile", str(answer)


def test_a_cipher_that_cannot_be_offered_is_named(material: Material, tmp_path: Path) -> None:
    """A1: a whole session whose cipher no client of ours can offer is not damaged: it is said
    which cipher, before anything is contacted."""
    with nginx(material) as running:
        path = saved(running, "psk", tmp_path)
        edit(path, cipher=b"\x99\x99")
        answer = resume(path)
    assert answer.status == 7, str(answer)
    assert "not usable by this tool: its cipher is 0x9999" in answer.stderr
    assert answer.document["error"]["kind"] == "sessionfile", str(answer)


def test_a_file_of_something_else_is_named(material: Material) -> None:
    """A1: a certificate is no session."""
    answer = resume(material.files["certificate"], "127.0.0.1:9")
    assert answer.status == 7, str(answer)
    assert "holds no session: it is a" in answer.stderr


def test_a_session_saved_too_early_is_named(material: Material, tmp_path: Path) -> None:
    """A2: a TLS 1.3 session without a ticket is never offered, and that is said."""
    with nginx(material) as running:
        path = saved(running, "psk", tmp_path)
        edit(path, ticket=None, ticket_lifetime_hint=None, ticket_age_add=None, session_id=b"")
        check(resume(path), "captured-too-early")


def test_nothing_issued_is_named(material: Material) -> None:
    """A3: s_server without tickets and cache gives nothing to resume with."""
    require("s_server")
    lines = ("-www", "-no_ticket", "-no_cache", "-num_tickets", "0")
    with serve(RECIPES["s_server"], lines, material) as running:
        answer = probe(running.target)
    finding = check(answer, "not-issued")
    assert any("no NewSessionTicket after the handshake" in line for line in finding["evidence"])


def test_an_expired_ticket_is_withheld_and_named(material: Material, tmp_path: Path) -> None:
    """A4: OpenSSL does not offer a TLS 1.3 ticket that is older than its lifetime."""
    with nginx(material, "ssl_session_timeout 1s;") as running:
        path = saved(running, "psk", tmp_path)
        wait_until_older(path, 3.1)
        check(resume(path), "expired-at-client")


@pytest.mark.parametrize(
    ("mechanism", "other"), [("psk", "1.2"), ("ticket", "1.3"), ("session-id", "1.3")]
)
def test_a_version_that_is_not_allowed_is_named(
    material: Material, mechanism: str, other: str, tmp_path: Path
) -> None:
    """A6: a session of a version that this client may not speak is not offered."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
        check(resume(path, "--tls", other), "version-not-allowed")


def test_a_client_without_tickets_is_named(material: Material, tmp_path: Path) -> None:
    """A7: a ticket cannot be offered by a client that sends no session_ticket extension."""
    with nginx(material) as running:
        path = saved(running, "ticket", tmp_path)
        check(resume(path, "--no-ticket"), "client-ticket-off")


def test_a_client_without_tickets_still_offers_tls13(material: Material, tmp_path: Path) -> None:
    """A7: SSL_OP_NO_TICKET has no effect on a TLS 1.3 session: it is offered, and resumes."""
    with nginx(material) as running:
        answer = resume(saved(running, "psk", tmp_path), "--no-ticket")
    assert answer.status == 0, str(answer)
    assert answer.document["session_reused"], str(answer)
    assert findings(answer) == {}, str(answer)


def test_a_lifetime_of_0_is_named(material: Material) -> None:
    """A9: wolfSSL can be told to give its tickets a lifetime of 0. In TLS 1.3 clients must
    discard them; in TLS 1.2 nothing is said by it, and they resume."""
    require("wolfssl")
    with serve(RECIPES["wolfssl"], ("promises=0",), material) as running:
        answer = probe(running.target)
    check(answer, "lifetime-zero")
    states = {
        row["mechanism"]: row["state"]
        for row in answer.document["targets"][0]["addresses"][0]["mechanisms"]
    }
    assert states == {"psk": "not-resumed", "ticket": "resumed", "session-id": "resumed"}


def test_a_lifetime_of_0_in_a_file_is_named(material: Material, tmp_path: Path) -> None:
    """A9: a saved ticket with a lifetime of 0 is not offered once a second has passed."""
    require("wolfssl")
    with serve(RECIPES["wolfssl"], ("promises=0",), material) as running:
        path = saved(running, "psk", tmp_path)
        wait_until_older(path, 2.1)
        check(resume(path), "lifetime-zero")


def test_a_hint_of_0_says_nothing_in_tls12(newest_go: Recipe, material: Material, tmp_path) -> None:
    """A9: Go gives its TLS 1.2 tickets no lifetime hint: unspecified, and they resume."""
    with serve(newest_go, (), material) as running:
        path = saved(running, "ticket", tmp_path)
        assert not structure_of(path).ticket_lifetime_hint
        wait_until_older(path, 2.1)
        answer = resume(path)
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)


def test_a_ticket_is_offered_as_often_as_asked(material: Material, tmp_path: Path) -> None:
    """A10: OpenSSL, other than some clients, offers a TLS 1.3 ticket again and again, and a
    stateless server takes it each time."""
    with nginx(material) as running:
        path = saved(running, "psk", tmp_path)
        for _ in range(3):
            answer = resume(path)
            assert answer.status == 0, str(answer)
