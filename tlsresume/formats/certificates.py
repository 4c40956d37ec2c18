"""A leaf certificate in words."""

from __future__ import annotations

from tlsresume.formats.units import utc
from tlsresume.results import Certificate


def certificate_words(found: Certificate) -> str:
    """A leaf certificate's subject and end, and OpenSSL's verdict on it."""
    verdict = (
        "verified"
        if found.verify_code == 0
        else f"NOT verified: {found.verify_message} (code {found.verify_code})"
    )
    return f"{found.subject or '(no subject)'}, until {utc(found.not_after)}, {verdict}"
