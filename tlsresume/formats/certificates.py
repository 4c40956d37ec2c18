"""A leaf certificate in words."""

from __future__ import annotations

from tlsresume.evidence.certificates import faults
from tlsresume.results.measured import Certificate
from tlsresume.units import utc


def certificate_words(found: Certificate) -> str:
    """A leaf certificate's subject and end, and what is wrong with it."""
    wrong = faults(found)
    verdict = f"NOT verified: {wrong}" if wrong else "verified"
    return f"{found.subject or '(no subject)'}, until {utc(found.not_after)}, {verdict}"
