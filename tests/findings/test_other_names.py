"""What `--cross-name` shows: DIAGNOSIS's table of codes, each from its own evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.causes import COVERED, GOOD, NOT_COVERED
from tests.helpers.evidence import Story, alert
from tlsresume.findings.judge import judge
from tlsresume.results.connection import Failure
from tlsresume.results.judged import Finding
from tlsresume.tls.registry import AlertDescription

#: Codes that this experiment gives.
CODES = {
    "client-certificate-bypassed",
    "cross-name-other-certificate",
    "cross-name-answered-by-other",
    "cross-name-accepted",
    "cross-name-refused",
    "certificate-carried",
    "cross-name-untested",
}

CLOSED = Failure("handshake", "closed", "the server closed the connection")


def findings(story: Story) -> dict[str, Finding]:
    return {f.code: f for f in judge([story.view()]) if f.code in CODES}


def refused_by(number: int) -> dict[str, Any]:
    denied = alert(AlertDescription(number))
    failure = Failure("handshake", "alert", denied.name)
    return {"certificate_requested": True, "alerts": (denied,), "error": failure}


def status(code: int) -> bytes:
    return f"HTTP/1.1 {code} X\r\n\r\n".encode()


#: Controls that are refused for want of a certificate: the answer (None: no handshake).
REFUSING: tuple[tuple[bytes | None, dict[str, Any]], ...] = (
    *((None, refused_by(number)) for number in (116, 40, 42, 48)),
    *((status(code), {"certificate_requested": True}) for code in (400, 401, 403, 495, 496)),
    (None, {"certificate_requested": True, "error": CLOSED}),
    (b"", {"certificate_requested": True, "asked": True, "answer_ms": 1.0, "left": True}),
)


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["psk", "ticket", "session-id"])
def test_a_session_that_stands_for_a_certificate_is_an_error(mechanism) -> None:
    """Whatever way the control is refused in: an offer that is served passes the client
    certificate by, without one or with one that the other name does not accept."""
    for suffix in ("", "-with-cert"):
        for control, seen in REFUSING:
            story = Story(mechanism).full().resumed()
            story.crossed(COVERED, own=GOOD, offer=GOOD, control=control, suffix=suffix, **seen)
            told = findings(story)
            assert list(told) == ["client-certificate-bypassed"], seen
            assert told["client-certificate-bypassed"].severity == "error"
            advice = told["client-certificate-bypassed"].advice
            for stack in ("nginx", "httpd", "HAProxy", "Node", "Bun", "Go", "Traefik", "wolfSSL"):
                assert stack in advice, stack


def test_no_bypass_without_a_request_for_a_certificate_or_a_good_answer() -> None:
    """A control that fails for another reason, and an offer that is refused, are no bypass."""
    cases: tuple[tuple[bytes, bytes | None, dict[str, Any], set[str]], ...] = (
        (GOOD, status(400), {}, {"cross-name-accepted"}),
        (GOOD, None, {}, {"cross-name-untested"}),
        (GOOD, None, {"error": CLOSED}, {"cross-name-untested"}),
        (status(400), status(400), {"certificate_requested": True}, {"cross-name-accepted"}),
        (status(421), GOOD, {}, {"cross-name-refused"}),
    )
    for offer, control, seen, codes in cases:
        story = Story("psk").full().resumed()
        story.crossed(COVERED, own=GOOD, offer=offer, control=control, **seen)
        told = findings(story)
        assert set(told) == codes, (offer, control, seen)
        assert all(finding.severity == "info" for finding in told.values())


def test_a_handshake_that_passes_is_a_warning_where_no_answer_is_read() -> None:
    """TLS refuses the control and takes the offer: that much is known of any protocol."""
    for offer in (b"", b"\x20\x02\x00\x00"):
        story = Story("psk").full().resumed()
        story.crossed(COVERED, own=b"", offer=offer, control=None, **refused_by(116))
        finding = findings(story)["client-certificate-bypassed"]
        assert finding.severity == "warning"
        assert finding.not_known


def test_whose_certificate_and_whose_answer() -> None:
    """A warning where the session's certificate is not for the other name, and one where the
    answer is that of the session's own name; information where both are right."""
    cases = (
        (COVERED, b"a 1", b"b 2", b"b 3", "cross-name-accepted", "info"),
        (COVERED, b"a 1", b"a 2", b"b 3", "cross-name-answered-by-other", "warning"),
        (COVERED, b"same", b"same", b"same", "cross-name-accepted", "info"),
        (COVERED, b"1", b"2", b"3", "cross-name-accepted", "info"),
        (NOT_COVERED, b"a", b"b", b"b", "cross-name-other-certificate", "warning"),
    )
    for name, own, offer, control, code, severity in cases:
        story = Story("ticket").full().resumed()
        story.crossed(name, own=GOOD + own, offer=GOOD + offer, control=GOOD + control)
        told = findings(story)
        assert {c: f.severity for c, f in told.items()} == {code: severity}, (own, offer)


def test_an_offer_that_is_refused_with_a_good_certificate_is_a_warning() -> None:
    """Alert 49 where the control with the certificate is fine, as nginx 1.27.4 does it."""
    for control_good in (True, False):
        story = Story("psk").full().resumed().full("cross-name", "full-with-cert")
        session = story.journal[-1].sessions[-1]
        denied = alert(AlertDescription.access_denied)
        story.broken(session, "cross-name", "offer-with-cert", alerts=(denied,))
        if control_good:
            story.full("cross-name", "control-with-cert", response=GOOD, certificate_requested=True)
        told = findings(story)
        severity = "warning" if control_good else "info"
        assert {c: f.severity for c, f in told.items()} == {"cross-name-refused": severity}


def test_a_session_made_with_the_certificate_goes_on_without_it() -> None:
    """Information only where it is served; refused, it is what one would hope for."""
    for answer, codes in ((GOOD, {"certificate-carried"}), (status(400), set())):
        story = Story("psk").full().resumed()
        story.crossed(COVERED, own=GOOD, offer=GOOD, control=GOOD)
        made = story.full("cross-name", "control-with-cert").journal[-1].sessions[-1]
        story.resumed(made, "cross-name", "carried", response=answer)
        assert set(findings(story)) - {"cross-name-accepted"} == codes


def test_sessions_of_refused_connections_that_are_served() -> None:
    """Under one name, too: full handshakes are refused with HTTP 403, and what resumes is served."""
    refused: dict[str, Any] = {"response": status(403), "certificate_requested": True}
    story = Story("psk").full(**refused).resumed(response=GOOD)
    assert findings(story)["client-certificate-bypassed"].severity == "warning"
    story.answers(status(403), GOOD)
    # The experiment's full handshakes ask for the certificate as the first one does.
    assert "client-certificate-bypassed" in findings(story)
    story = Story("psk").full(**refused).resumed(response=status(403))
    assert findings(story) == {}
