"""What can be read of the certificate in a session, which others wrote.

A part that cannot be read is said to be so, and keeps no other part from being shown.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from typing import TypeVar

from cryptography import x509

from tlsresume.results.inspection import CertificateInspection
from tlsresume.units import iso_or_none

_T = TypeVar("_T")


def inspect_certificate(der: bytes, now: float) -> CertificateInspection:
    """What can be read of a certificate; others wrote it, so any part may fail by itself."""
    sha256 = hashlib.sha256(der).hexdigest()
    errors: list[str] = []

    def part(read_it: Callable[[], _T]) -> _T | None:
        try:
            return read_it()
        except Exception as error:  # noqa: BLE001 - an odd certificate can fail in any way
            errors.append(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            )
            return None

    with warnings.catch_warnings():
        # cryptography warns about odd certificates; this shows them.
        warnings.simplefilter("ignore")
        certificate = part(lambda: x509.load_der_x509_certificate(der))
        if certificate is None:
            return CertificateInspection(sha256=sha256, error=errors[0])
        not_after = part(lambda: certificate.not_valid_after_utc)
        not_before = part(lambda: certificate.not_valid_before_utc)
        return CertificateInspection(
            sha256=sha256,
            subject=part(lambda: _subject(certificate)),
            subject_alternative_names=part(lambda: _names(certificate)) or (),
            not_before=None if not_before is None else iso_or_none(not_before.timestamp()),
            not_after=None if not_after is None else iso_or_none(not_after.timestamp()),
            expired=None if not_after is None else not_after.timestamp() < now,
            error="; ".join(errors) or None,
        )


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Subject alternative names (RFC 5280 section 4.2.1.6), as OpenSSL prefixes them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_PREFIXES.get(type(name), "other:") + _value(name) for name in names)


_PREFIXES: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS:",
    x509.IPAddress: "IP:",
    x509.RFC822Name: "email:",
    x509.UniformResourceIdentifier: "URI:",
    x509.DirectoryName: "DirName:",
    x509.RegisteredID: "RID:",
}


def _value(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return name.value.rfc4514_string()
    if isinstance(name, x509.RegisteredID):
        return name.value.dotted_string
    if isinstance(name, x509.OtherName):
        return name.type_id.dotted_string
    return str(name.value)
