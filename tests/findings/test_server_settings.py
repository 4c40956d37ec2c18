"""Settings are those of the software that makes such tickets, where only one kind does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.evidence import STATEFUL, Story
from tests.helpers.trials import changed
from tlsresume.evidence.observation import Ticket
from tlsresume.findings.judge import judge, merge
from tlsresume.findings.server_settings import BY_LAYOUT, choose, recognised, settings_for
from tlsresume.findings.software import ServerSetting, Software
from tlsresume.tickets.layouts import LAYOUTS

NGINX = ServerSetting("nginx ssl_x on", (Software.NGINX,))
GO = ServerSetting("Go tls.Config.X", (Software.GO,))
JAVA = ServerSetting("Java X", (Software.JAVA,))
POSTFIX = ServerSetting("postfix x = y", (Software.POSTFIX,))
SETTINGS = (NGINX, GO, JAVA, POSTFIX)


def story(*tickets: Ticket) -> Story:
    told = Story("psk")
    for ticket in tickets:
        told.full()
        told.journal[-1] = changed(told.journal[-1], tickets=(ticket,))
    return told


def go(n: int) -> Ticket:
    return Ticket(bytes([n]) * 105, 604_800, 1.0, age_add=n, nonce=b"")


def openssl(n: int) -> Ticket:
    return Ticket(bytes(16) + bytes([n]) * 208, 7200, 1.0, age_add=n, nonce=bytes(8))


def test_go_is_told_what_go_has():
    """Beside tickets that only Go makes no other software's settings are named."""
    assert choose(story(go(1), go(2)).view(), SETTINGS).settings == (GO,)


def test_a_finding_carries_what_fits():
    """The finding on Go's lifetime names none of nginx."""
    (finding,) = [f for f in judge([story(go(1), go(2)).view()]) if "lifetime" in f.code]
    assert finding.directives
    assert all(line.startswith("Go") for line in finding.directives)


@pytest.mark.parametrize(
    "tickets",
    [
        pytest.param((), id="no tickets"),
        pytest.param((openssl(1), openssl(2)), id="a layout that many share"),
    ],
)
def test_all_stay_where_the_software_is_not_known(tickets):
    """Nothing is left out by a guess."""
    assert choose(story(*tickets).view(), SETTINGS).settings == SETTINGS


def test_all_stay_where_none_is_for_this_software():
    """Other software's settings still show what kind of thing to look for."""
    assert choose(story(go(1), go(2)).view(), SETTINGS[:1]).settings == SETTINGS[:1]


def test_software_is_named_for_layouts_that_exist():
    """A row of the table is a layout's."""
    assert set(BY_LAYOUT) <= {layout.name for layout in LAYOUTS}


def _http(server: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nserver: {server}\r\n\r\n".encode()


def test_a_server_is_told_by_what_it_calls_itself():
    """An HTTP header, a greeting before STARTTLS or inside TLS names the software."""
    rows: tuple[tuple[dict[str, Any], Software], ...] = (
        ({"response": _http("nginx/1.26.3")}, Software.NGINX),
        ({"response": _http("openresty")}, Software.NGINX),
        ({"response": _http("Apache/2.4.66 (Debian)")}, Software.HTTPD),
        ({"response": _http("Apache-Coyote/1.1")}, Software.JAVA),
        ({"response": _http("Caddy")}, Software.CADDY),
        ({"greeting": b"220 mx.example ESMTP Postfix (Debian)\r\n"}, Software.POSTFIX),
        ({"response": b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"}, Software.DOVECOT),
        ({"greeting": b"220 (vsFTPd 3.0.5)\r\n"}, Software.VSFTPD),
    )
    for seen, software in rows:
        view = Story("ticket").full(**seen).view()
        assert recognised(view) == {software}, seen
        line = ServerSetting("its line", (software,))
        assert choose(view, (GO, line, ServerSetting("x", (Software.WOLFSSL,)))) == (
            (line,),
            frozenset({software}),
        )


def test_tickets_count_for_more_than_names():
    """What ends TLS made the tickets; the header may be that of a server behind it."""
    told = story(go(1), go(2))
    told.journal[0] = changed(told.journal[0], response=_http("nginx"))
    assert Software.GO in recognised(told.view())


def test_two_names_are_none():
    """Where connections are answered by different software, every setting stays."""
    told = Story("ticket").full(response=_http("nginx")).full(response=_http("Apache"))
    assert recognised(told.view()) == frozenset()
    assert settings_for(recognised(told.view()), SETTINGS) == ()
    assert choose(told.view(), SETTINGS).settings == SETTINGS


def test_one_finding_of_two_addresses_keeps_what_fits_both():
    """Where one address was recognised and another not, all settings stay, for no software."""
    known = judge([story(go(1), go(2)).view()])
    finding = next(f for f in known if "lifetime" in f.code)
    assert set(finding.software) == {"Caddy", "Go", "Traefik"}
    other = replace(finding, software=(), directives=("nginx x", "Go y"), address="192.0.2.99")
    (merged,) = merge([finding, other])
    assert (merged.software, merged.directives) == ((), ("nginx x", "Go y"))
    (merged,) = merge([finding, replace(other, software=("nginx",), directives=("nginx x",))])
    assert merged.directives == (*finding.directives, "nginx x")


@pytest.mark.parametrize(
    ("server", "word"), [("h2o/2.2.5", "h2o"), ("lighttpd/1.4.69", "lighttpd")]
)
def test_a_server_without_tickets_is_told_its_own_settings(server: str, word: str) -> None:
    """Sessions that are never honoured: the settings of the server that says its name."""
    told = Story("psk").full(key=STATEFUL, response=_http(server))
    for _ in range(5):
        told.declined(key=STATEFUL).declined(series="chained", key=STATEFUL)
    told.retry("NNNNN", key=STATEFUL).later("NN", key=STATEFUL)
    (finding,) = [f for f in judge([told.view()]) if f.code == "never-honoured"]
    assert finding.directives, finding
    assert all(line.startswith(word) for line in finding.directives), finding.directives
