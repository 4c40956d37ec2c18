"""A live case for each cause of a session that was offered and declined (group B)."""

from __future__ import annotations

import os
import signal
import ssl
import time
from pathlib import Path

import pytest

from tests.servers.causes import (
    KEY,
    OTHER_KEY,
    SHARED_CACHE,
    check,
    edit,
    findings,
    information,
    nginx,
    save_with_plan,
    saved,
    wait_until_older,
    without_ems,
)
from tests.servers.command import probe, resume
from tests.servers.conftest import require
from tests.servers.harness import HOST, serve
from tests.servers.material import Material
from tests.servers.oracle import OPTIONS, VERSIONS
from tests.servers.servers import RECIPES

TICKETS = ("psk", "ticket")
TLS12 = ("ticket", "session-id")
SECONDS_TO_RELOAD = 15.0
ONLY_12 = "ssl_protocols TLSv1.2;"
ONLY_13 = "ssl_protocols TLSv1.3;"
AES_128 = "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"


# --------------------------------------------------------------- B: other places


@pytest.mark.parametrize("mechanism", TICKETS)
def test_a_restart_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B1: after a restart the server has another key; fresh tickets resume."""
    with nginx(material, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, SHARED_CACHE) as running:
        finding = check(resume(path, running.target), "other-ticket-key")
    assert "rotat" in " ".join(finding["evidence"])


@pytest.mark.parametrize("lines", [(), (f"a: {KEY}", f"b: {OTHER_KEY}")])
def test_two_nodes_with_separate_keys_are_named(material: Material, lines: tuple[str, ...]) -> None:
    """B1: two nodes by turns, whose keys differ: the round robin is seen and named."""
    require("nginx-pool")
    with serve(RECIPES["nginx-pool"], lines, material) as running:
        answer = probe(running.target)
    finding = check(answer, "other-ticket-key")
    assert "round robin of two nodes" in " ".join(finding["evidence"])


def test_two_nodes_with_caches_of_their_own_are_named(material: Material) -> None:
    """B2: tickets off, a cache in each node: sessions are met again by luck only."""
    require("nginx-pool")
    with serve(RECIPES["nginx-pool"], ("ssl_session_tickets off;", SHARED_CACHE), material) as pool:
        answer = probe(pool.target, "--tries", "10")
    check(answer, "cache-miss")


@pytest.mark.parametrize("more", [(), (SHARED_CACHE,)])
def test_two_nodes_of_which_one_has_no_tickets_are_named(
    material: Material, more: tuple[str, ...]
) -> None:
    """B: one key file for both, but tickets are off on one node: neither the key nor a cache is
    blamed."""
    require("nginx-pool")
    lines = ("a: ssl_session_tickets off;", KEY, *more)
    with serve(RECIPES["nginx-pool"], lines, material) as running:
        answer = probe(running.target, "--tls", "1.3", "--tries", "10")
    assert findings(answer).keys() == {"mixed-ticket-pool"}, str(answer)
    assert answer.status == 3, str(answer)


def test_keys_that_are_made_anew_all_the_time_are_named(material: Material) -> None:
    """B1: Node, whose context is set again and again, has another key each time: no nodes are
    accused of it."""
    require("node")
    again = "server.on('secureConnection', () => server.setSecureContext({ cert: pem, key: pem }));"
    with serve(RECIPES["node"], (again,), material) as running:
        finding = check(probe(running.target), "other-ticket-key")
    assert "nodes" not in finding["title"].lower(), finding


@pytest.mark.parametrize("mechanism", ["psk", "session-id"])
def test_a_cache_that_was_lost_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B2: after a restart a cache is empty; what else it may be is listed."""
    lines = ("ssl_session_tickets off;", SHARED_CACHE)
    with nginx(material, *lines) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, *lines) as running:
        finding = check(resume(path, running.target), "cache-miss")
    assert any("restart" in candidate for candidate in finding["candidates"])


# ------------------------------------------------------------------------ B: age


def test_an_expired_ticket_is_declined_and_named(material: Material, tmp_path: Path) -> None:
    """B3: TLS 1.2 tickets are offered however old; under the same key the old is refused."""
    with nginx(material, "ssl_session_timeout 2s;", KEY) as running:
        path = saved(running, "ticket", tmp_path)
        wait_until_older(path, 4.1)
        check(resume(path), "expired-at-server")


def test_an_expired_ticket_under_an_older_key_is_named(material: Material, tmp_path: Path) -> None:
    """B3: the key was rotated since and the old one is still taken, for tickets that are young:
    past its lifetime a ticket is refused for its age. That the key changed is named beside it."""
    with nginx(material, "ssl_session_timeout 2s;", OTHER_KEY) as running:
        path = saved(running, "ticket", tmp_path)
    with nginx(material, "ssl_session_timeout 2s;", KEY, OTHER_KEY) as running:
        wait_until_older(path, 4.1)
        finding = check(resume(path, running.target), "expired-at-server")
    assert any(each.startswith("other-ticket-key") for each in finding["candidates"])


@pytest.mark.parametrize("mechanism", TICKETS)
def test_a_promise_that_is_not_kept_is_named(
    material: Material, mechanism: str, tmp_path: Path
) -> None:
    """B3: a server on wolfSSL promises a minute and takes tickets for two seconds: they are
    offered, being young for the client, and refused for their age."""
    require("wolfssl")
    with serve(RECIPES["wolfssl"], ("promises=60", "keeps=2"), material) as running:
        path = saved(running, mechanism, tmp_path)
        wait_until_older(path, 4.1)
        check(resume(path), "expired-at-server")


def test_a_promise_that_is_not_kept_is_found(material: Material) -> None:
    """B3: `--find-lifetime` finds how long such tickets are taken, beside what was promised."""
    require("wolfssl")
    with serve(RECIPES["wolfssl"], ("promises=60", "keeps=3"), material) as running:
        answer = probe(running.target, "--find-lifetime", "8s")
    found = {row["mechanism"]: row for row in answer.document["targets"][0]["lifetimes"]}
    assert {"psk", "ticket"} <= set(found), str(answer)
    for name in ("psk", "ticket"):
        row = found[name]
        assert 2 <= row["honoured_s"] <= 4, str(answer)
        assert 3 <= row["refused_s"] <= 5, str(answer)
        assert row["promised_s"] == 60, str(answer)
    assert list(findings(answer)) == ["expired-at-server"], str(answer)


def test_a_lifetime_that_was_raised_is_tried_at_the_server(
    material: Material, tmp_path: Path
) -> None:
    """B3: past its lifetime a TLS 1.3 ticket is offered once its lifetime is raised in the file;
    the server refuses it for its age."""
    with nginx(material, "ssl_session_timeout 2s;", KEY) as running:
        path = saved(running, "psk", tmp_path)
        wait_until_older(path, 4.1)
        edit(path, ticket_lifetime_hint=3600, timeout=3600)
        check(resume(path), "expired-at-server")


def test_an_expired_entry_of_a_cache_is_named(material: Material, tmp_path: Path) -> None:
    """B3: an entry of a cache that expired looks like one that was lost; both are said."""
    with nginx(material, "ssl_session_timeout 2s;", SHARED_CACHE) as running:
        path = saved(running, "session-id", tmp_path)
        wait_until_older(path, 4.1)
        finding = check(resume(path), "cache-miss")
    assert any("expired" in candidate for candidate in finding["candidates"])


def test_keeping_a_promise_is_no_fault(material: Material) -> None:
    """B3: a server that honours sessions as long as it said is accused of nothing, and the
    lifetime is found."""
    with nginx(material, "ssl_session_timeout 3s;") as running:
        answer = probe(running.target, "--find-lifetime", "8s")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    found = {row["mechanism"]: row for row in answer.document["targets"][0]["lifetimes"]}
    assert set(found) == {"psk", "ticket"}
    for row in found.values():
        assert 2 <= row["honoured_s"] <= 4, str(answer)
        assert 3 <= row["refused_s"] <= 5, str(answer)
        assert row["promised_s"] == 3


# ------------------------------------------------------------------- B: one use


def test_a_consumed_ticket_is_named(material: Material, tmp_path: Path) -> None:
    """B4: with anti-replay a ticket is taken once; the second use is refused, and that is
    told from a lost one."""
    require("s_server")
    lines = ("-early_data", "-max_early_data", "8192")
    with serve(RECIPES["s_server"], lines, material) as running:
        path = saved(running, "psk", tmp_path)
        assert resume(path).status == 0
        check(resume(path), "consumed")


def test_single_use_is_no_fault(material: Material) -> None:
    """D8: where only re-use is refused the server is right."""
    require("s_server")
    lines = ("-early_data", "-max_early_data", "8192")
    with serve(RECIPES["s_server"], lines, material) as running:
        answer = probe(running.target)
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)
    assert "single-use" in information(answer)


# --------------------------------------------------- B: something is not the same


def test_another_hash_is_named(material: Material, tmp_path: Path) -> None:
    """B5: pinned, free, and restricted by the client: each time the hash is the cause."""
    with nginx(material, KEY) as running:
        path = saved(running, "psk", tmp_path)
        check(resume(path, "--ciphersuites", "TLS_AES_128_GCM_SHA256"), "hash-mismatch")
    with nginx(material, KEY, AES_128) as running:
        check(resume(path, running.target, "--no-pin"), "hash-mismatch")
        pinned = resume(path, running.target)
        check(pinned, "hash-mismatch", status=5)


@pytest.mark.parametrize("mechanism", TICKETS)
def test_another_certificate_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B6: the same ticket key, another certificate: nginx binds its sessions to it."""
    other = ("ssl_certificate {other_certificate};", "ssl_certificate_key {other_certificate};")
    with nginx(material, KEY) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, KEY, *other) as running:
        check(resume(path, running.target), "context-changed")


@pytest.mark.parametrize("mechanism", TICKETS)
def test_a_renewed_certificate_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B6: nginx binds its sessions to the certificate itself: with one renewed for the same key
    the old sessions are refused."""
    renewed = ("ssl_certificate {renewed_certificate};", "ssl_certificate_key {certificate};")
    with nginx(material, KEY) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, KEY, *renewed) as running:
        check(resume(path, running.target), "context-changed")


def test_a_certificate_renewed_beside_a_cache_is_named(material: Material, tmp_path: Path) -> None:
    """B6: nginx keeps its cache over a reload, and finds the session of the old certificate in
    it, of another context."""
    lines = ("ssl_certificate {certificate};", "ssl_certificate_key {certificate};", SHARED_CACHE)
    with nginx(material, *lines) as running:
        path = saved(running, "session-id", tmp_path)
        old = ssl.get_server_certificate((HOST, running.port))
        configuration = running.folder / f"nginx-{running.port}.conf"
        certificate, renewed = (
            f"ssl_certificate {material.files[name]};"
            for name in ("certificate", "renewed_certificate")
        )
        configuration.write_text(configuration.read_text().replace(certificate, renewed))
        pid = int((running.folder / f"nginx-{running.port}.pid").read_text())
        os.kill(pid, signal.SIGHUP)
        deadline = time.monotonic() + SECONDS_TO_RELOAD
        while ssl.get_server_certificate((HOST, running.port)) == old:
            assert time.monotonic() < deadline
        check(resume(path), "context-changed")


@pytest.mark.parametrize("mechanism", TICKETS)
def test_a_certificate_may_be_renewed(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B6: HAProxy does not bind its sessions to the certificate: they resume."""
    require("haproxy")
    keys = "tls-ticket-keys {stek_lines}"
    with serve(RECIPES["haproxy"], (keys,), material) as running:
        path = saved(running, mechanism, tmp_path)
    with serve(RECIPES["haproxy"], (keys, "crt {other_certificate}"), material) as running:
        answer = resume(path, running.target)
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)


@pytest.mark.parametrize("mechanism", TLS12)
def test_another_name_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B7: GnuTLS refuses a session under another SNI, and takes it under its own."""
    require("gnutls")
    with serve(RECIPES["gnutls"], (), material) as running:
        path = saved(running, mechanism, tmp_path, "--servername", "localhost")
        assert resume(path).status == 0
        answer = resume(path, running.target, "--servername", "resume.test", "--any-host")
    check(answer, "name-changed")


@pytest.mark.parametrize("server", ["gnutls", "nginx"])
def test_another_name_in_tls13_resumes(material: Material, server: str, tmp_path: Path) -> None:
    """B7: in TLS 1.3 servers resume a session under another SNI, and nobody is accused."""
    require(server)
    with serve(RECIPES[server], (), material) as running:
        path = saved(running, "psk", tmp_path, "--servername", "localhost")
        answer = resume(path, running.target, "--servername", "resume.test", "--any-host")
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}, str(answer)


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_another_alpn_resumes(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B7: GnuTLS resumes a session under another ALPN, and nobody is accused."""
    require("gnutls")
    with serve(RECIPES["gnutls"], ("--alpn", "http/1.1", "--alpn", "h2"), material) as running:
        path = saved(running, mechanism, tmp_path, "--alpn", "h2")
        answer = resume(path, "--alpn", "http/1.1")
    assert answer.status == 0, str(answer)
    assert answer.document["alpn"] == "http/1.1", str(answer)
    assert findings(answer) == {}, str(answer)


@pytest.mark.parametrize(
    ("mechanism", "now"), [("psk", ONLY_12), ("ticket", ONLY_13), ("session-id", ONLY_13)]
)
def test_another_version_is_named(
    material: Material, mechanism: str, now: str, tmp_path: Path
) -> None:
    """B8: the session's version was switched off: seen with the version pinned, and free."""
    with nginx(material, KEY, SHARED_CACHE) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, KEY, SHARED_CACHE, now) as running:
        check(resume(path, running.target, "--no-pin"), "version-changed")
        check(resume(path, running.target), "version-changed", status=5)


def test_a_tls12_session_at_a_tls13_server_is_named(material: Material, tmp_path: Path) -> None:
    """B8: offered by a client that also speaks TLS 1.3, a TLS 1.2 session never resumes."""
    with nginx(material, KEY) as running:
        path = saved(running, "ticket", tmp_path)
        check(resume(path, "--no-pin"), "version-changed")
        assert resume(path).status == 0


def test_what_is_never_honoured_is_named(material: Material, tmp_path: Path) -> None:
    """B9: the default of nginx names session IDs and honours none."""
    with nginx(material) as running:
        path = saved(running, "session-id", tmp_path)
        check(resume(path), "never-honoured")
        answer = probe(running.target)
    assert answer.status == 0, str(answer)
    assert findings(answer) == {}
    assert "never-honoured" in information(answer)


def test_stateful_tickets_without_a_cache_are_named(material: Material) -> None:
    """B9: nginx without tickets and cache still issues tickets in TLS 1.3: names of nothing."""
    with nginx(material, "ssl_session_tickets off;", ONLY_13) as running:
        finding = check(probe(running.target), "never-honoured")
    assert "32-byte (stateful) tickets" in " ".join(finding["evidence"])


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_sessions_lost_with_a_cut_connection_are_named(material: Material, tls: str) -> None:
    """B10: HAProxy without tickets forgets the sessions of connections that were cut."""
    require("haproxy")
    with serve(RECIPES["haproxy"], ("no-tls-tickets",), material) as running:
        answer = probe(running.target, "--experiment", "close", "--tls", tls)
    assert findings(answer).keys() == {"unclean-close"}, str(answer)
    assert answer.status == 0, str(answer)


def test_stateless_tickets_outlive_a_cut(material: Material) -> None:
    """B10: tickets are unaffected by how the connection ended."""
    with nginx(material) as running:
        answer = probe(running.target, "--experiment", "close")
    assert findings(answer) == {}, str(answer)


@pytest.mark.parametrize("mechanism", TLS12)
def test_ems_that_came_since_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B11: a session without extended master secret, offered with it."""
    path = tmp_path / "session.pem"
    with nginx(material, KEY, SHARED_CACHE) as running:
        save_with_plan(running.port, path, without_ems(tickets=mechanism == "ticket"))
        check(resume(path), "ems-upgraded")


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_another_device_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B13: another certificate, another kind of ticket: something else ends TLS here. Session
    IDs do not show that much: it is one of the candidates."""
    require("gnutls")
    other = ("ssl_certificate {other_certificate};", "ssl_certificate_key {other_certificate};")
    with nginx(material, KEY, SHARED_CACHE, *other) as running:
        path = saved(running, mechanism, tmp_path)
    with serve(RECIPES["gnutls"], (), material) as running:
        answer = resume(path, running.target)
    if mechanism != "session-id":
        check(answer, "other-terminator")
        return
    candidates = check(answer, "context-changed")["candidates"]
    assert any(candidate.startswith("other-terminator") for candidate in candidates)


@pytest.mark.parametrize("mechanism", OPTIONS)
def test_what_was_switched_off_is_named(material: Material, mechanism: str, tmp_path: Path) -> None:
    """B14: tickets, or the cache, were switched off since."""
    off = {
        "psk": ("ssl_session_tickets off;", SHARED_CACHE),
        "ticket": ("ssl_session_tickets off;", SHARED_CACHE),
        "session-id": ("ssl_session_cache off;",),
    }
    with nginx(material, SHARED_CACHE, KEY) as running:
        path = saved(running, mechanism, tmp_path)
    with nginx(material, *off[mechanism]) as running:
        answer = resume(path, running.target)
        assert answer.document["tls_version"] == VERSIONS[mechanism]
        check(answer, "mechanism-removed")


def test_a_key_file_of_apache_is_not_called_separate_keys(material: Material) -> None:
    """Apache httpd 2.4 on OpenSSL 3 reads its SSLSessionTicketKeyFile wrongly: the MAC's key is
    what happens to lie on the stack, so that from one start to another tickets resume always,
    at times, or never (s_client sees the same). No other node and no other key is blamed."""
    require("apache")
    lines = ("SSLSessionTicketKeyFile {stek48}", "SSLSessionCache shmcb:cache(512000)")
    with serve(RECIPES["apache"], lines, material) as running:
        answer = probe(running.target)
    verdict = answer.document["targets"][0]["verdict"]
    found = set(findings(answer)) - {"ticket-mac-without-key"}
    assert found <= {"undetermined", "never-honoured"}, str(answer)
    assert bool(found) == (verdict != "resumes"), str(answer)
