"""Newer TLS stacks where a client that asks in one way only is misled: what was asked is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.command import Answer, tlsresume
from tests.servers.harness import serve
from tests.servers.material import Material
from tests.servers.modern_servers import MODERN_RECIPES

pytestmark = pytest.mark.timeout(600)  # the first of a server's tests installs it


def probe(material: Material, server: str, lines: tuple[str, ...], *options: str) -> Answer:
    """One probe of a server that lives as long."""
    filled = tuple(material.fill(option) for option in options)
    with serve(MODERN_RECIPES[server], lines, material) as running:
        return tlsresume("probe", running.target, "--format", "json", "--ticket-wait", "1", *filled)


def target_of(answer: Answer) -> dict[str, Any]:
    (target,) = answer.document["targets"]
    assert isinstance(target, dict)
    return target


def rows_of(answer: Answer) -> dict[str, dict[str, Any]]:
    (address,) = target_of(answer)["addresses"]
    return {row["mechanism"]: row for row in address["mechanisms"]}


def found(answer: Answer, code: str) -> dict[str, Any]:
    """The gravest finding of a code."""
    findings = [each for each in target_of(answer)["findings"] if each["code"] == code]
    assert findings, str(answer)
    first = findings[0]
    assert isinstance(first, dict)
    return first


def test_a_go_server_that_refuses_resumed_connections(material: Material) -> None:
    """Where the program itself refuses what was resumed, TLS 1.3 accepts the session, gives a
    ticket, and ends with an alert: nothing resumes there, in neither version."""
    answer = probe(material, "go-states", ("refuse-resumed",))
    assert answer.status == 6, str(answer)
    assert target_of(answer)["verdict"] == "does-not-resume", str(answer)
    assert {row["state"] for row in rows_of(answer).values() if row["judged"]} == {"not-resumed"}
    evidence = " ".join(found(answer, "fails-with-session")["evidence"])
    assert "alert 42" in evidence, str(answer)


def test_a_go_server_that_does_not_seal_its_tickets(material: Material) -> None:
    """A ticket that is the session itself is an error though it resumes; and its TLS 1.2, which
    breaks on the empty ticket of a first hello, is not passed over in silence."""
    answer = probe(material, "go-states", ("in-clear",))
    assert found(answer, "ticket-not-sealed")["severity"] == "error"
    (left_out,) = target_of(answer)["skipped"]
    assert left_out["what"].startswith("TLSv1.2"), str(answer)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_go_server_that_demands_a_certificate(material: Material, version: str) -> None:
    """Without one nothing is judged and the hint names the options; with one it resumes."""
    lines = ("demand-certificate", f"only-{version}")
    without = probe(material, "go-states", lines)
    assert without.status == 5, str(without)
    assert "--cert" in without.stdout + without.stderr, str(without)
    identity = ("--cert", "{client_certificate}", "--key", "{client_certificate}")
    assert probe(material, "go-states", lines, *identity).status == 0


def test_advice_for_go_names_go(material: Material) -> None:
    """Tickets that only Go makes bring Go's settings, and no others."""
    answer = probe(material, "go-states", ("key-for-each-connection",), "--tls", "1.3")
    finding = found(answer, "never-honoured")
    assert finding["directives"], str(answer)
    assert all(line.startswith("Go") for line in finding["directives"]), str(answer)
    assert any("other-ticket-key" in line for line in finding["candidates"]), str(answer)


def test_rustls_in_several_workers(material: Material) -> None:
    """Each worker has a cache of its own: that is told from tickets that are taken once."""
    answer = probe(material, "granian", ("--workers 3",), "--tries", "10")
    assert answer.status == 3, str(answer)
    codes = {each["code"] for each in target_of(answer)["findings"] if each["severity"] == "error"}
    assert codes == {"cache-miss"}, str(answer)


def test_boringssl_of_a_server_that_hangs_up(material: Material) -> None:
    """A gRPC server ends connections that name no ALPN protocol before it would give a ticket:
    TLS 1.3 is not judged, and what to do is said."""
    answer = probe(material, "grpc", ())
    assert answer.status == 4, str(answer)
    assert {name: row["state"] for name, row in rows_of(answer).items()} == {
        "psk": "untested",
        "ticket": "resumed",
        "session-id": "resumed",
    }
    assert "--alpn h2" in found(answer, "not-issued")["advice"], str(answer)


def test_boringssl_spoken_to_properly(material: Material) -> None:
    """With its ALPN name the same server resumes everything, and its tickets are BoringSSL's."""
    answer = probe(material, "grpc", (), "--alpn", "h2")
    assert answer.status == 0, str(answer)
    tickets = rows_of(answer)["psk"]["tickets"]
    assert (tickets["count"], tickets["lifetime"]) == (2, 172_800), str(answer)
    assert tickets["looks_like"][0]["layout"] == "boringssl", str(answer)


def test_boringssl_that_demands_a_certificate(material: Material) -> None:
    """It ends the connection without any alert when none comes: no answer about resumption, and
    a hint. With one it resumes."""
    lines = ("{ca}",)
    without = probe(material, "grpc", lines, "--alpn", "h2")
    assert without.status == 5, str(without)
    assert "--cert" in without.stdout + without.stderr, str(without)
    identity = ("--cert", "{client_certificate}", "--key", "{client_certificate}")
    assert probe(material, "grpc", lines, "--alpn", "h2", *identity).status == 0


def test_gunicorn_makes_a_key_for_each_connection(material: Material) -> None:
    """Names that never recur, and nothing accepted: no nodes are accused of it."""
    answer = probe(material, "gunicorn", ("--workers 2",))
    assert answer.status == 3, str(answer)
    finding = found(answer, "other-ticket-key")
    assert "key of its own" in finding["title"], str(answer)
    assert any("gunicorn" in line for line in finding["directives"]), str(answer)
