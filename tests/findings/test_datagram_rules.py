"""Rules of QUIC and DTLS, each from evidence that shows it, and not from evidence near it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.helpers.evidence import Story
from tlsresume.evidence.datagrams import quic_result
from tlsresume.evidence.observation import Ticket
from tlsresume.findings.alternatives import promises_http3, quic_findings
from tlsresume.findings.judge import judge
from tlsresume.results.measured import AddressResult, ErrorResult, MechanismResult, QUICResult
from tlsresume.transports.facts import DatagramFacts


def quic(**facts: Any) -> dict[str, Any]:
    """What an attempt over QUIC has beside others."""
    return {"transport": "quic", "datagrams": DatagramFacts(version=1, **facts)}


def codes(story: Story) -> set[str]:
    return {finding.code for finding in judge([story.view()])}


def test_a_retry_and_its_token():
    """A Retry on each connection without a token to spare it is told; with a token that spares
    it nothing is; a token that does not is a warning."""
    for seen, shown, retry, expected, spares in (
        ({"retries": 1}, {"retries": 1}, True, {"retry-each-time"}, None),
        ({"retries": 1, "token_issued": True}, {"token_offered": True}, True, set(), True),
        ({"retries": 1, "token_issued": True}, {"token_offered": True, "retries": 1}, True,
         {"token-refused"}, False),
        ({"token_issued": True}, {"token_offered": True}, False, set(), None),
    ):  # fmt: skip
        story = Story("psk")
        story.full(**quic(**seen))
        story.resumed(story.session(), **quic(**shown))
        assert codes(story) & {"retry-each-time", "token-refused"} == expected
        found = quic_result(story.journal)
        assert (found.retry, found.token_spares_retry) == (retry, spares)


def test_what_is_of_quic_is_not_said_of_tcp():
    """The same evidence without datagrams gives none of these findings, and no QUICResult."""
    story = Story("psk")
    story.full()
    story.resumed(story.session())
    assert not codes(story) & {"retry-each-time", "token-refused", "datagrams-lost"}
    assert quic_result(story.journal) == QUICResult()


def test_datagrams_that_were_sent_again():
    """One repetition may be a busy machine of ours; several are told, and nothing is refused."""
    for times, found in ((1, False), (3, True)):
        story = Story("psk")
        story.full(**quic(retransmissions=times))
        story.resumed(story.session(), **quic())
        assert ("datagrams-lost" in codes(story)) is found


def test_a_lifetime_that_counts_down():
    """Tickets of resumed connections that state less than the first ones did are told of."""
    for lifetime, found in ((299, True), (300, False)):
        story = Story("psk")
        story.full(tickets=(Ticket(ticket=b"a" * 240, lifetime=300, at_ms=1.0),), **quic())
        later = (Ticket(ticket=b"b" * 240, lifetime=lifetime, at_ms=1.0),)
        story.resumed(story.session(), tickets=later, **quic())
        assert ("lifetime-counts-down" in codes(story)) is found


def test_cookies_that_are_asked_of_strangers_only():
    """DTLS: a cookie without a session and none with one is information."""

    def dtls(retries: int) -> dict[str, Any]:
        return {"transport": "dtls", "datagrams": DatagramFacts(retries=retries)}

    for with_session, found in ((0, True), (1, False)):
        story = Story("ticket")
        story.full(**dtls(1))
        story.resumed(story.session(), **dtls(with_session))
        assert ("cookie-skipped-on-resumption" in codes(story)) is found


def test_alt_svc_is_read_as_rfc_7838_writes_it():
    """HTTP/3 on this host is a promise; other protocols, drafts and other hosts are not."""
    for field, port in (
        ('Alt-Svc: h3=":443"; ma=86400', 443),
        ('alt-svc: h3-29=":443", h3=":8443"; ma=1', 8443),
        ('Alt-Svc: h2=":443"', None),
        ('Alt-Svc: h3="other.example:443"', None),
        ("Alt-Svc: clear", None),
        ('Alt-Svc: h3=":99999999"', None),
        ('X-Alt-Svc: h3=":443"', None),
    ):
        story = Story("psk")
        story.full(response=f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode(), asked=True)
        assert promises_http3(story.journal) == port, field


def test_tcp_and_quic_compared():
    """One that resumes beside one that does not is a warning; what was not tested, or is alike,
    is none; silence of QUIC is graver where it was promised."""

    def address(state: Any, transport: Any = "tcp", error: str | None = None) -> AddressResult:
        row = MechanismResult(mechanism="psk", tls_version="TLSv1.3", state=state, judged=True)
        return AddressResult(
            address="192.0.2.1",
            port=443,
            transport=transport,
            mechanisms=() if error else (row,),
            error=ErrorResult("timeout", "handshake", error) if error else None,
        )

    for over_tcp, over_quic, differ in (
        ("resumed", "not-resumed", True),
        ("not-issued", "resumed", True),
        ("resumed", "partly", False),
        ("not-resumed", "not-issued", False),
        ("resumed", "untested", False),
    ):
        found = quic_findings([address(over_tcp)], [address(over_quic, "quic")], promised=None)
        assert [each.code for each in found] == ["quic-tcp-differ"] * differ
    silent = address("resumed", "quic", error="no answer")
    for promised, severity in ((None, "info"), (443, "warning"), (8443, "info")):
        (one,) = quic_findings([address("resumed")], [silent], promised=promised)
        assert (one.code, one.severity, one.transport) == ("quic-unreachable", severity, "quic")
    unreached = replace(silent, transport="tcp")
    assert quic_findings([unreached], [silent], promised=None) == ()
