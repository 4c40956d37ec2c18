"""The leaf certificate that a full handshake showed, and what is wrong with it.

OpenSSL reports the first thing that is wrong; a chain that ends at an unknown issuer hides
that the certificate has expired. So dates and names are read from the certificate itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tlsresume.evidence.trial import Trial
from tlsresume.results.measured import Certificate, CertificateProblem
from tlsresume.transports.library import covers
from tlsresume.units import days
from tlsresume.value import Value

#: What OpenSSL's X509_V_* codes say that `problems` say, too.
_SAID: dict[int, CertificateProblem] = {
    9: "not-yet-valid",  # X509_V_ERR_CERT_NOT_YET_VALID
    10: "expired",  # X509_V_ERR_CERT_HAS_EXPIRED
    62: "wrong-name",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "wrong-name",  # X509_V_ERR_IP_ADDRESS_MISMATCH
}

#: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ..._LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
#: one cause, that people take for three.
_NO_ISSUER = frozenset({2, 20, 21})

_DAY = 86400


class Facts(Value, frozen=True):
    """What a certificate says of itself; empty strings and None where it cannot be read."""

    subject: str
    not_before: datetime | None = None
    not_after: datetime | None = None


def describe_leaf(attempts: Iterable[Trial]) -> Certificate | None:
    """The first leaf certificate among full handshakes, with OpenSSL's verdict on it.

    Names are the server's own words, not made safe for a terminal.
    """
    for attempt in attempts:
        if attempt.leaf is None or attempt.leaf_sha256 is None or attempt.verification is None:
            continue
        facts = facts_of(attempt.leaf)
        name = attempt.config.verify_name
        # What OpenSSL found nothing wrong with is for that name.
        doubted = None if attempt.verification.code == 0 else name
        end = facts.not_after
        return Certificate(
            sha256=attempt.leaf_sha256,
            subject=facts.subject,
            not_after=_iso(end),
            verify_code=attempt.verification.code,
            verify_message=attempt.verification.message,
            not_before=_iso(facts.not_before),
            days_left=None if end is None else int((end.timestamp() - attempt.time) / _DAY),
            asked_name=name,
            problems=tuple(_problems(attempt.leaf, facts, attempt.time, doubted)),
        )
    return None


def _problems(
    der: bytes, facts: Facts, time: float, name: str | None
) -> Iterator[CertificateProblem]:
    validity = validity_problem(facts, time)
    if validity is not None:
        yield validity
    if name is not None and covers(der, name) is False:
        yield "wrong-name"


def validity_problem(facts: Facts, time: float) -> CertificateProblem | None:
    """Whether a certificate is past its end, or not yet valid, at a time (seconds since 1970)."""
    if facts.not_after is not None and facts.not_after.timestamp() < time:
        return "expired"
    if facts.not_before is not None and time < facts.not_before.timestamp():
        return "not-yet-valid"
    return None


def subject_of(der: bytes) -> str:
    """The subject of a certificate (RFC 4514), or why it cannot be read."""
    return facts_of(der).subject


def facts_of(der: bytes) -> Facts:
    """The subject and the dates of a certificate (DER)."""
    # Here, since what judges a report that is there reads no certificate.
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        return Facts(
            certificate.subject.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        return Facts(f"unreadable: {error}")


def faults(found: Certificate) -> str:
    """All that is known to be wrong with a certificate, in words; empty where it was verified."""
    if not found.problems:
        wrong = found.verify_code != 0
        return f"{found.verify_message} (code {found.verify_code})" if wrong else ""
    parts = [_problem_words(found, problem) for problem in found.problems]
    if found.verify_code in _NO_ISSUER:
        parts.append("issuer not known here")
    elif found.verify_code and _SAID.get(found.verify_code) not in found.problems:
        parts.append(f"{found.verify_message} (code {found.verify_code})")
    return "; ".join(parts)


def _problem_words(found: Certificate, problem: CertificateProblem) -> str:
    if problem == "expired":
        return f"EXPIRED {days(-(found.days_left or 0))} ago"
    if problem == "not-yet-valid":
        return f"NOT YET VALID, only from {found.not_before.removesuffix('+00:00')}Z"
    return f"WRONG NAME, not for {found.asked_name}"


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()
