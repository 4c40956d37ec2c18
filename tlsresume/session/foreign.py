"""What a file is that should have been a session: a word for people, no more."""

from __future__ import annotations

import warnings

#: PEM labels (RFC 7468 and OpenSSL's pem.h) in words.
PEM_LABELS: dict[str, str] = {
    "CERTIFICATE": "a certificate",
    "X509 CERTIFICATE": "a certificate",
    "TRUSTED CERTIFICATE": "a certificate",
    "CERTIFICATE REQUEST": "a certificate request",
    "NEW CERTIFICATE REQUEST": "a certificate request",
    "X509 CRL": "a certificate revocation list",
    "PUBLIC KEY": "a public key",
    "DH PARAMETERS": "Diffie-Hellman parameters",
    "EC PARAMETERS": "elliptic curve parameters",
    "PKCS7": "a PKCS #7 bundle",
    "CMS": "a CMS message",
}


def name_of_pem(label: str) -> str:
    """What a PEM block with this label holds."""
    if label.endswith("PRIVATE KEY"):
        return "a private key"
    return PEM_LABELS.get(label, f"a PEM block labelled {label!r}")


def name_of_der(der: bytes) -> str | None:
    """What this DER is, if it is something that people keep beside session files."""
    # Half of a command's start-up, and needed only for a file that is wrong.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    with warnings.catch_warnings():
        # An odd certificate is still a certificate.
        warnings.simplefilter("ignore")
        try:
            x509.load_der_x509_certificate(der)
        except ValueError:
            pass
        else:
            return "a certificate"
    try:
        serialization.load_der_private_key(der, password=None)
    except TypeError:
        return "an encrypted private key"
    except (ValueError, UnsupportedAlgorithm):
        return None
    return "a private key"
