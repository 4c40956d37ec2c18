"""Servers that are reached by STARTTLS, on other ports, or through proxies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.servers.command import Answer, tlsresume
from tests.servers.conftest import debian_lacks
from tests.servers.harness import HOST, Running, find_program, serve
from tests.servers.material import Material
from tests.servers.reach_servers import FTP_PASSWORD, FTP_USER, REACH_PROGRAMS, REACH_RECIPES
from tests.servers.servers import RECIPES
from tests.servers.talk_servers import TALK_PROGRAMS, TALK_RECIPES

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="these servers start as root and give it up for users of their own"
)

PROGRAMS = REACH_PROGRAMS | TALK_PROGRAMS
QUICK = ("--format", "json", "--ticket-wait", "1", "--tries", "3", "--no-explain")


@dataclass(frozen=True)
class Place:
    """A way into a server: the URL with the number of its port, and what is true there."""

    url: str
    node: int
    verdicts: tuple[str, ...]
    states: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reached:
    """A server and the ways into it; `source` says where the truth is from."""

    server: str
    source: str
    places: tuple[Place, ...]
    lines: tuple[str, ...] = ()


OPENSSL = {"psk": "resumed", "ticket": "resumed"}
NO = ("does-not-resume",)
#: The name that prosody's certificate and virtual host are for.
XMPP = ("--servername", "resume.test")
#: Dovecot's login processes serve one connection each, and each makes a ticket key of its own.
DOVECOT = {"psk": "not-resumed", "ticket": "not-resumed"}

SERVERS = (
    Reached(
        "exim",
        "tls_resumption_hosts in the Exim specification, chapter 43",
        (Place("smtp", 0, ("resumes",), OPENSSL),),
        lines=("tls_resumption_hosts = *",),
    ),
    Reached(
        "dovecot",
        "service_count = 1 in Dovecot's login processes; chatmail/relay#456",
        (
            Place("imap", 0, NO, DOVECOT),
            Place("imaps", 1, NO, DOVECOT),
            Place("pop3", 2, NO, DOVECOT),
            Place("sieve", 3, NO, DOVECOT),
            # A process that is asked again has its own cache, another has not: by luck.
            Place("lmtp", 4, ("resumes", "partly", *NO)),
        ),
    ),
    Reached(
        "slapd",
        "OpenLDAP on GnuTLS gives out session IDs and keeps none",
        (
            Place("ldap", 0, NO, {"psk": "not-issued", "session-id": "not-resumed"}),
            Place("ldaps", 1, NO, {"psk": "not-issued", "session-id": "not-resumed"}),
        ),
    ),
    Reached(
        "prosody",
        "LuaSec sets SSL_OP_NO_TICKET: stateful tickets, and a context for each connection",
        (
            Place("xmpp", 0, NO, {"psk": "not-resumed"}, XMPP),
            Place("xmpp-server", 1, NO, {"psk": "not-resumed"}, XMPP),
        ),
    ),
    Reached(
        "postgres",
        "be-secure-openssl.c switches tickets and the session cache off",
        (Place("postgres", 0, NO, {"psk": "not-issued", "session-id": "not-issued"}),),
    ),
    Reached("mariadb", "OpenSSL's defaults", (Place("mysql", 0, ("resumes",), OPENSSL),)),
    Reached("mosquitto", "OpenSSL's defaults", (Place("mqtts", 0, ("resumes",), OPENSSL),)),
    Reached(
        "inspircd",
        "m_ssl_gnutls gives out session IDs and keeps none, and enables no tickets",
        (
            Place("irc", 0, NO, {"psk": "not-issued", "session-id": "not-resumed"}),
            Place("ircs", 1, NO, {"psk": "not-issued", "session-id": "not-resumed"}),
        ),
    ),
    Reached(
        "nnrpd",
        "INN forks for each connection, and makes a TLS context with a ticket key in each child",
        (
            Place(
                *("nntp", 0, NO),
                {"psk": "not-resumed", "ticket": "not-resumed", "session-id": "not-resumed"},
            ),
        ),
    ),
    Reached("redis", "tls-session-caching yes", (Place("rediss", 0, ("resumes",), OPENSSL),)),
)


def require(server: str) -> None:
    """Fail where a server is missing that could be installed; skip where Debian lacks it."""
    for program, package in PROGRAMS[server].items():
        if find_program(program) is not None:
            continue
        if debian_lacks(package):
            pytest.skip(f"this release of Debian has no package {package}")
        pytest.fail(f"{program} is missing: run tools/install-servers.sh", pytrace=False)


@pytest.fixture
def start(material: Material) -> Iterator[Any]:
    """Start a server of either table; the test's end stops it."""
    with ExitStack() as stack:

        def started(server: str, *lines: str) -> Running:
            if server in PROGRAMS:
                require(server)
            recipe = (RECIPES | REACH_RECIPES | TALK_RECIPES)[server]
            return stack.enter_context(serve(recipe, lines, material))

        yield started


def only_target(answer: Answer) -> dict[str, Any]:
    (target,) = answer.document["targets"]
    assert isinstance(target, dict)
    return target


@pytest.mark.parametrize("reached", SERVERS, ids=lambda reached: reached.server)
def test_probe_gets_there_and_tells_the_truth(reached: Reached, start: Any) -> None:
    """Each protocol's prelude leads to TLS, and the verdict is that of the configuration."""
    server = start(reached.server, *reached.lines)
    for place in reached.places:
        url = f"{place.url}://{HOST}:{server.nodes[place.node]}"
        answer = tlsresume("probe", url, *QUICK, *place.options)
        target = only_target(answer)
        assert target["error"] is None, str(answer)
        assert target["verdict"] in place.verdicts, str(answer)
        clear = not place.url.endswith("s")
        assert target["starttls"] == (place.url if clear or place.url == "postgres" else None)
        (address,) = target["addresses"]
        states = {row["mechanism"]: row["state"] for row in address["mechanisms"]}
        assert place.states.items() <= states.items(), str(answer)


def test_smtp_names_its_node_and_a_saved_session_comes_back(start: Any, tmp_path: Path) -> None:
    """The EHLO name stands beside each attempt; save keeps STARTTLS, resume uses it."""
    server = start("exim", "tls_resumption_hosts = *")
    answer = tlsresume("probe", f"smtp://{server.target}", *QUICK)
    (address,) = only_target(answer)["addresses"]
    assert {row["node"] for row in address["attempts"]} == {"mx1.resume.test"}
    file = tmp_path / "session.pem"
    saved = tlsresume("save", server.target, "--starttls", "smtp", "-o", str(file))
    assert saved.status == 0, str(saved)
    assert "STARTTLS: smtp\n" in file.read_text()
    resumed = tlsresume("resume", str(file))
    assert resumed.status == 0, str(resumed)
    assert resumed.stdout.startswith("Reused, "), str(resumed)


def test_a_refusal_is_told_in_the_servers_words(start: Any) -> None:
    """A server without STARTTLS is no mystery: exit 5, with what it offers."""
    server = start("exim", "tls_advertise_hosts =")
    answer = tlsresume("probe", f"smtp://{server.target}", *QUICK)
    assert answer.status == 5, str(answer)
    error = only_target(answer)["error"]
    assert error["step"] == "starttls"
    assert "STARTTLS is not among its extensions" in error["message"]


# ------------------------------------------------------------------------- FTPS


def ftp_data(answer: Answer) -> dict[str, Any]:
    (address,) = only_target(answer)["addresses"]
    return {row["mechanism"]: row for row in address["ftp_data"]}


def codes(answer: Answer) -> set[str]:
    return {finding["code"] for finding in only_target(answer)["findings"]}


def test_vsftpd_demands_the_control_sessions_resumption(start: Any) -> None:
    """With require_ssl_reuse=YES a data connection must resume, and does: 522 without."""
    server = start("vsftpd", "require_ssl_reuse=YES")
    answer = tlsresume("probe", f"ftp://{server.target}", *QUICK)
    assert answer.status == 0, str(answer)
    rows = ftp_data(answer)
    assert set(rows) == {"psk", "ticket"}, str(answer)
    for row in rows.values():
        assert row["required"] is True, str(answer)
        assert (row["fresh"]["order"], row["same"]["order"]) == ("RRR", "RRR"), str(answer)
        assert (row["fresh_failure"], row["same_failure"]) == (None, None)
        assert any("522" in reply for reply in row["replies"]), str(answer)
    assert "ftp-reuse-required" in codes(answer)
    text = tlsresume("probe", f"ftp://{server.target}", *QUICK[2:]).stdout
    assert "without a session it is refused: 522" in " ".join(text.split()), text


def test_vsftpd_without_the_demand_takes_both(start: Any) -> None:
    """With require_ssl_reuse=NO a data connection resumes, and need not."""
    server = start("vsftpd", "require_ssl_reuse=NO")
    answer = tlsresume("probe", f"ftp://{server.target}", *QUICK)
    for row in ftp_data(answer).values():
        assert row["required"] is False, str(answer)
        assert row["fresh"]["order"] == "RRR", str(answer)
    assert not {code for code in codes(answer) if code.startswith("ftp-")}


def test_vsftpd_with_implicit_tls(start: Any) -> None:
    """ftps:// speaks TLS from the first byte, and is greeted inside it."""
    server = start("vsftpd", "require_ssl_reuse=YES", "implicit_ssl=YES")
    answer = tlsresume("probe", f"ftps://{server.target}", *QUICK)
    assert ftp_data(answer)["psk"]["fresh"]["order"] == "RRR", str(answer)


@pytest.mark.parametrize(
    ("lines", "required"), [((), True), (("TLSOptions NoSessionReuseRequired",), False)]
)
def test_proftpd_and_its_login(
    lines: tuple[str, ...], required: bool, start: Any, tmp_path: Path
) -> None:
    """By default proftpd demands resumption, and says 425; a user logs in with a password."""
    server = start("proftpd", *lines)
    password = tmp_path / "password"
    password.write_text(f"{FTP_PASSWORD}\n")
    login = ("--ftp-user", FTP_USER, "--ftp-password-file", str(password))
    answer = tlsresume("probe", f"ftp://{server.target}", *QUICK, *login)
    row = ftp_data(answer)["psk"]
    assert row["fresh"]["order"] == "RRR", str(answer)
    assert row["required"] is required, str(answer)
    assert any(reply.startswith("425") for reply in row["replies"]) is required, str(answer)
    assert FTP_PASSWORD not in str(answer)


def test_pure_ftpd_gives_nothing_to_offer_in_tls13(start: Any) -> None:
    """pure-ftpd issues tickets in TLS 1.2 alone: there data connections resume; in TLS 1.3 they
    are tried without a session, which it takes."""
    server = start("pure-ftpd", "-Y", "2")
    answer = tlsresume("probe", f"ftp://{server.target}", *QUICK)
    (target,) = answer.document["targets"]
    states = {m["mechanism"]: m["state"] for m in target["addresses"][0]["mechanisms"]}
    assert states == {"psk": "not-issued", "ticket": "resumed", "session-id": "not-resumed"}
    rows = ftp_data(answer)
    assert set(rows) == {"psk", "ticket"}, str(answer)
    assert rows["ticket"]["fresh"]["order"] == rows["ticket"]["same"]["order"] == "RRR"
    assert rows["psk"]["fresh"]["order"] == rows["psk"]["same"]["order"] == "", str(answer)
    assert {row["required"] for row in rows.values()} == {False}, str(answer)
    assert not {code for code in codes(answer) if code.startswith("ftp-")}, str(answer)


def test_an_own_key_for_each_connection_is_named(start: Any) -> None:
    """The news reader's server makes a key in each process: no key file would help, and the
    finding says that each connection has a key of its own."""
    server = start("nnrpd")
    answer = tlsresume("probe", f"nntp://{server.target}", *QUICK)
    (target,) = answer.document["targets"]
    (finding,) = [f for f in target["findings"] if f["code"] == "other-ticket-key"]
    assert "each connection" in finding["title"], str(answer)
    assert finding["severity"] == "error"


def test_a_login_that_fails_is_named(start: Any) -> None:
    """Without a login there is no data connection; the rest of the probe stands."""
    server = start("proftpd")
    answer = tlsresume("probe", f"ftp://{server.target}", *QUICK)
    target = only_target(answer)
    assert target["verdict"] == "resumes", str(answer)
    assert any("530" in skipped["reason"] for skipped in target["skipped"]), str(answer)


# ---------------------------------------------------------------------- proxies


def proxy_url(kind: str, proxy: Running) -> str:
    return f"{kind}://{proxy.target}"


@pytest.mark.parametrize(
    ("server", "kind"), [("squid", "http"), ("microsocks", "socks5"), ("microsocks", "socks5h")]
)
def test_through_a_proxy(server: str, kind: str, start: Any) -> None:
    """Each kind of proxy leads to the target, and what the target says is not the proxy's."""
    proxy, target = start(server), start("nginx")
    answer = tlsresume(
        "probe", f"https://{target.target}", "--proxy", proxy_url(kind, proxy), *QUICK
    )
    assert only_target(answer)["verdict"] == "resumes", str(answer)
    assert any(proxy.target in note for note in only_target(answer)["notes"])
    refused = tlsresume("probe", f"{HOST}:1", "--proxy", proxy_url(kind, proxy), *QUICK)
    assert refused.status == 5, str(refused)
    assert only_target(refused)["error"]["step"] == "connect", str(refused)


def test_starttls_through_proxies(start: Any) -> None:
    """A prelude is held through a proxy; FTPS data connections go through it, too."""
    proxy, mail, ftp = start("microsocks"), start("mariadb"), start("vsftpd")
    through = ("--proxy", proxy_url("socks5h", proxy), *QUICK)
    assert only_target(tlsresume("probe", f"mysql://{mail.target}", *through))["error"] is None
    answer = tlsresume("probe", f"ftp://{ftp.target}", *through)
    assert ftp_data(answer)["psk"]["fresh"]["order"] == "RRR", str(answer)


def test_the_proxys_own_failures(start: Any, tmp_path: Path) -> None:
    """What the proxy refuses, or a proxy that is not there, is not the target's fault."""
    target = start("nginx")
    squid = start("squid", f"acl here port {target.port}", "http_access deny here")
    socks = start("microsocks", "-u", "tester", "-P", "secret")
    for url in (proxy_url("http", squid), proxy_url("socks5", socks), f"socks5://{HOST}:1"):
        answer = tlsresume("probe", f"https://{target.target}", "--proxy", url, *QUICK)
        assert answer.status == 5, str(answer)
        assert only_target(answer)["error"]["step"] == "proxy", str(answer)
    password = tmp_path / "password"
    password.write_text("secret\n")
    answer = tlsresume(
        *("probe", f"https://{target.target}", "--proxy", f"socks5://tester@{socks.target}"),
        *("--proxy-password-file", str(password), *QUICK),
    )
    assert only_target(answer)["verdict"] == "resumes", str(answer)
    assert "secret" not in json.dumps(answer.document)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_balancers_header_comes_first(version: str, start: Any) -> None:
    """HAProxy with accept-proxy takes the header of either version, and nothing without it."""
    server = start("haproxy", "accept-proxy")
    header = ("--proxy-protocol", version, "--proxy-source", "192.0.2.7:4711")
    answer = tlsresume("probe", f"https://{server.target}", *header, *QUICK)
    assert only_target(answer)["verdict"] == "resumes", str(answer)
    bare = tlsresume("probe", f"https://{server.target}", *QUICK)
    assert bare.status == 5, str(bare)
