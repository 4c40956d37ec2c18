"""nginx's default server: who is nginx, and what it does without a server name."""

from __future__ import annotations

from dataclasses import replace

from tests.helpers.evidence import OTHER_LEAF, STATEFUL, Story, alert
from tests.helpers.rows import each_row
from tlsresume.findings.judge import judge, wanted
from tlsresume.findings.nginx_default_server import is_nginx
from tlsresume.results.judged import Finding
from tlsresume.tls.registry import AlertDescription

NGINX = b"HTTP/1.1 200 OK\r\nDate: now\r\nServer: nginx/1.24.0\r\n\r\n"
APACHE = b"HTTP/1.1 200 OK\r\nServer: Apache (not nginx)\r\n\r\nServer: nginx"


def refused(story: Story, key: str = "a", response: bytes = NGINX) -> Story:
    """Sessions that are issued and never accepted."""
    story.full(key=key, response=response)
    for _ in range(3):
        story.declined(key=key)
    return story.retry("NNNNN", key=key)


def only(story: Story) -> Finding:
    (finding,) = [f for f in judge([story.view()]) if f.severity != "info"]
    return finding


@each_row(
    "response, nginx",
    [
        (NGINX, True),
        (b"HTTP/1.1 404 Not Found\r\nserver:  openresty\r\n\r\n", True),
        (APACHE, False),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
        (b"220 nginx ESMTP\r\nServer: nginx\r\n", False),
        (b"", False),
    ],
)
def test_nginx_is_known_by_its_header(response: bytes, nginx: bool) -> None:
    """Only the Server field of an HTTP answer tells, not words elsewhere."""
    story = Story("psk").full(response=response)
    assert is_nginx(story.journal[0]) == nginx


def test_sessions_that_nginx_never_accepts() -> None:
    """The default server is named, it is asked without a name, and the settings belong there."""
    story = refused(Story("session-id")).later("NN")
    assert wanted(story.view()) == ("default-server",)
    finding = only(story)
    assert finding.code == "never-honoured"
    assert "default server" in finding.advice
    assert all("default_server" in line for line in finding.directives)


def test_what_the_default_server_does_is_said_where_it_differs() -> None:
    """A refusal, another certificate, or sessions that are accepted; nothing where it is alike."""
    config = replace(Story("psk").config, server_name=None)

    def story() -> Story:
        return refused(Story("psk"))

    unknown = alert(AlertDescription.unrecognized_name)
    tale = story()
    tale._tell("default-server", "full", config=config, alerts=(unknown,))
    assert "alert 112" in only(tale).evidence[-1]
    tale = story().full("default-server", config=config, leaf_sha256=OTHER_LEAF)
    assert "another certificate" in only(tale).evidence[-1]
    tale = story().full("default-server", key=STATEFUL, config=config)
    tale.resumed(None, "default-server", "offer", config=config)
    assert "tickets (stateful) are accepted, unlike under this name" in only(tale).evidence[-1]
    tale = (
        story()
        .full("default-server", config=config)
        .declined(None, "default-server", "offer", config=config)
    )
    assert "without a server name" not in " ".join(only(tale).evidence)


def test_nothing_issued_by_nginx() -> None:
    """A block that switches tickets off below a default server that has them on."""
    story = Story("psk").full(key=None).full("elicit", key=None, response=NGINX)
    assert wanted(story.view()) == ("default-server",)
    config = replace(story.config, server_name=None)
    story.full("default-server", config=config).resumed(
        None, "default-server", "offer", config=config
    )
    finding = only(story)
    assert finding.code == "not-issued"
    assert "tickets (sealed) are accepted" in finding.evidence[-1]
    assert "default server" in finding.advice


def test_sealed_tickets_that_are_refused_by_who_knows_whom() -> None:
    """Under one key, refused at once: nginx is named as a possibility, and not asked."""
    story = refused(Story("ticket"), response=b"")
    assert wanted(story.view()) == ()
    assert "If this is nginx" in only(story).advice
    assert "nginx" not in only(refused(Story("ticket"), key="", response=b"")).advice


def test_a_server_that_was_asked_without_a_name_is_its_own_default() -> None:
    """Where no server name was sent, there is nothing to leave out."""
    story = Story("session-id")
    story.config = replace(story.config, server_name=None)
    assert wanted(refused(story).later("NN").view()) == ()
