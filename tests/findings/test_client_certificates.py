"""Client certificates that are missing or expired, and what resumption makes of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.helpers.canned_lab import START
from tests.helpers.evidence import STATEFUL, Story, alert
from tlsresume.evidence.certificates import describe_leaf, faults
from tlsresume.findings.judge import judge, judge_way
from tlsresume.results.connection import Failure, Verification
from tlsresume.results.judged import Finding
from tlsresume.tls.registry import AlertDescription
from tlsresume.transports.config import ClientCertificate
from tlsresume.transports.openssl.binding_names import covers

GIVEN = ClientCertificate("c.pem", "k.pem")
NOW = dt.datetime.fromtimestamp(START, dt.UTC)
DAY = dt.timedelta(days=1)


def status(code: int) -> bytes:
    return f"HTTP/1.1 {code} X\r\n\r\n".encode()


def certificate(start: dt.datetime, end: dt.datetime, *names: str) -> bytes:
    """A certificate of an issuer that nobody knows (DER)."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if names:
        general = [x509.DNSName(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def told(story: Story) -> dict[str, Finding]:
    return {finding.code: finding for finding in judge([story.view()])}


def test_a_certificate_that_was_wanted_and_not_given() -> None:
    """A warning where the request is refused for it, or the handshake by one of its alerts; none
    where a certificate was given, the server does not ask, or it serves those who have none."""
    cases: tuple[tuple[bytes, dict[str, Any], bool], ...] = (
        *((status(code), {}, True) for code in (400, 401, 403, 495, 496)),
        (status(404), {}, False),
        (status(200), {}, False),
        (status(400), {"certificate_requested": False}, False),
    )
    for answer, seen, missing in cases:
        story = Story("psk")
        asked: dict[str, Any] = {"response": answer, "certificate_requested": True}
        story.full(**(asked | seen)).resumed()
        assert ("client-certificate-missing" in told(story)) is missing, (answer, seen)
        story = Story("psk")
        story.config = replace(story.config, certificate=GIVEN)
        story.full(response=answer, certificate_requested=True).resumed()
        assert "client-certificate-missing" not in told(story)
    for number in (AlertDescription.certificate_required, AlertDescription.handshake_failure):
        story = Story("psk")
        denied = alert(number)
        error = Failure("handshake", "alert", denied.name)
        story._tell("discover", "full", certificate_requested=True, alerts=(denied,), error=error)
        (finding,) = judge_way([story.view()])
        assert finding.code == "client-certificate-missing"
        assert finding.severity == "warning"


def test_sessions_that_a_refused_request_costs_are_no_evidence() -> None:
    """Nginx drops the sessions of connections that it refuses: that they are not resumed is
    neither counted nor called a cache miss."""
    for mechanism in ("psk", "session-id"):
        story = Story(mechanism)
        story.full(key=STATEFUL, certificate_requested=True).resumed()
        story.full("tries", key=STATEFUL, certificate_requested=True, response=status(400))
        story.declined(story.journal[-1].sessions[-1], series="chained", key=STATEFUL)
        assert story.journal[-1] not in story.evidence.counted
        codes = set(told(story))
        assert codes == {"client-certificate-missing"}, mechanism


def test_a_client_certificate_outside_its_dates() -> None:
    """A warning with the dates, for the file that was given and for the one that the session's
    file tells of; none for one that is valid."""
    for start, end, words in (
        (NOW - 10 * DAY, NOW - 5 * DAY, "EXPIRED 5 days ago"),
        (NOW + 5 * DAY, NOW + 50 * DAY, "valid only from"),
        (NOW - 5 * DAY, NOW + 5 * DAY, None),
    ):
        own = certificate(start, end)
        story = Story("ticket")
        story.config = replace(story.config, certificate=GIVEN)
        story.full(own_certificate=own, certificate_requested=True, response=status(400))
        found = told(story.resumed(own_certificate=own, response=status(400)))
        assert ("client-certificate-expired" in found) is (words is not None)
        if words is not None:
            assert words in found["client-certificate-expired"].evidence[0]
    for until, expired in ((NOW - 5 * DAY, True), (NOW + 5 * DAY, False), (None, False)):
        story = Story("psk")
        story.keep(story.session(age=60), client_certificate_until=until)
        story.resumed(experiment="resume", series="resume", response=status(200))
        assert ("client-certificate-expired" in told(story)) is expired


def test_still_authenticated_only_with_good_answers_on_both_sides() -> None:
    """Equal refusals show nothing, and unlike answers are called that."""
    for full, resumed, words in (
        (200, 200, "still authenticated"),
        (302, 302, "still authenticated"),
        (400, 400, "refused alike"),
        (500, 500, "refused alike"),
        (200, 302, "treated differently"),
        (200, 401, "treated differently"),
    ):
        story = Story("psk")
        story.config = replace(story.config, certificate=GIVEN)
        story.full(response=status(full), certificate_requested=True)
        finding = told(story.resumed(response=status(resumed)))["client-certificate"]
        assert any(words in line for line in finding.evidence), (full, resumed)
        assert ("still authenticated" in " ".join(finding.evidence)) is (words[:5] == "still")
        assert bool(finding.not_known) is (words[:7] == "refused")


def test_what_is_wrong_with_a_server_certificate_is_read_from_itself() -> None:
    """Dates and names, whatever OpenSSL found first; its own words where they add something."""
    unknown = (20, "unable to get local issuer certificate")
    year = 365.25 * DAY
    cases = (
        ((-8 * year, -5 * year), unknown, "EXPIRED 5 years ago; issuer not known here"),
        ((-8 * year, -5 * year), (10, "certificate has expired"), "EXPIRED 5 years ago"),
        ((-90 * DAY, -1.5 * DAY), unknown, "EXPIRED 1 day ago; issuer not known here"),
        ((-90 * DAY, -0.1 * DAY), unknown, "EXPIRED less than a day ago; issuer not known here"),
        ((-90 * DAY, 9 * DAY), unknown, "unable to get local issuer certificate (code 20)"),
        ((-90 * DAY, 9 * DAY), (0, "ok"), ""),
        ((-8 * year, -2 * year), (18, "self-signed certificate"),
         "EXPIRED 2 years ago; self-signed certificate (code 18)"),
    )  # fmt: skip
    for (start, end), (code, message), words in cases:
        leaf = certificate(NOW + start, NOW + end, "example.test")
        story = Story("psk")
        story.config = replace(story.config, verify_name="example.test")
        story.full(leaf=leaf, verification=Verification(code, message))
        found = describe_leaf(story.journal)
        assert found is not None
        assert faults(found) == words
    leaf = certificate(NOW + DAY, NOW + year, "*.other.test")
    story = Story("psk")
    story.config = replace(story.config, verify_name="example.test")
    story.full(leaf=leaf, verification=Verification(*unknown))
    found = describe_leaf(story.journal)
    assert found is not None
    assert found.problems == ("not-yet-valid", "wrong-name")
    assert faults(found).startswith("NOT YET VALID, only from ")
    assert faults(found).endswith("; WRONG NAME, not for example.test; issuer not known here")


def test_names_are_matched_as_openssl_does_it() -> None:
    """Wildcards cover one label; a subject's name counts where there is no alternative name; what
    cannot be read is neither."""
    leaf = certificate(NOW - 9 * DAY, NOW - DAY, "*.a.test", "b.test")
    for name, covered in (
        ("b.test", True),
        ("B.TEST", True),
        ("x.a.test", True),
        ("a.test", False),
        ("x.y.a.test", False),
        ("somebody", False),
        ("127.0.0.1", False),
        ("\u00fc.test", None),
    ):
        assert covers(leaf, name) is covered, name
    assert covers(certificate(NOW, NOW + DAY), "somebody") is True
    assert covers(b"no certificate", "b.test") is None
