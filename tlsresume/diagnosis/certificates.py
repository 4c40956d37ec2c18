"""The leaf certificate that a full handshake showed, in words."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from tlsresume.results import Attempt, Certificate


def describe_leaf(attempts: Iterable[Attempt]) -> Certificate | None:
    """The first leaf certificate among full handshakes, with OpenSSL's verdict on it.

    Names are the server's own words, not made safe for a terminal.
    """
    for attempt in attempts:
        if attempt.leaf is None or attempt.leaf_sha256 is None or attempt.verification is None:
            continue
        subject, not_after = _names(attempt.leaf)
        return Certificate(
            sha256=attempt.leaf_sha256,
            subject=subject,
            not_after=not_after,
            verify_code=attempt.verification.code,
            verify_message=attempt.verification.message,
        )
    return None


def subject_of(der: bytes) -> str:
    """The subject of a certificate (RFC 4514), or why it cannot be read."""
    return _names(der)[0]


def _names(der: bytes) -> tuple[str, str]:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return (
            certificate.subject.rfc4514_string(),
            certificate.not_valid_after_utc.isoformat(),
        )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        return f"unreadable: {error}", ""
