"""PKCS#12 truststores for Java, which open with the password "changeit" and without one.

What is needed is a certificate in clear beside a MAC: Java skips the MAC where it is given no
password, and demands one where it is. The library that we use writes either both the
encryption and the MAC or none of them, so the MAC is added here (RFC 7292, section 4 and
appendix B). Nothing in a truststore is secret.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

#: The password of Java's own truststores.
PASSWORD = "changeit"  # noqa: S105  a truststore holds nothing secret
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
#: The block of SHA-256 in bytes, and the purpose of a key for a MAC (appendix B.3).
_BLOCK, _MAC = 64, 3
_ITERATIONS = 10_000


@asn1.sequence
class _ContentInfo:
    content_type: x509.ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _Algorithm:
    algorithm: x509.ObjectIdentifier
    parameters: asn1.Null


@asn1.sequence
class _DigestInfo:
    algorithm: _Algorithm
    digest: bytes


@asn1.sequence
class _MacData:
    mac: _DigestInfo
    salt: bytes
    iterations: int


@asn1.sequence
class _PFX:
    version: int
    auth_safe: _ContentInfo
    mac_data: _MacData | None


def truststore(certificate_pem: bytes) -> bytes:
    """A truststore with one trusted certificate, which Java takes for such by its bag."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    entry = pkcs12.PKCS12Certificate(certificate, b"tlsresume")
    plain = pkcs12.serialize_java_truststore([entry], serialization.NoEncryption())
    made = asn1.decode_der(_PFX, plain)
    salt = os.urandom(16)
    digest = hmac.digest(_mac_key(PASSWORD, salt, _ITERATIONS), made.auth_safe.content, sha256)
    mac = _DigestInfo(
        algorithm=_Algorithm(algorithm=_SHA256, parameters=asn1.Null()), digest=digest
    )
    data = _MacData(mac=mac, salt=salt, iterations=_ITERATIONS)
    return asn1.encode_der(_PFX(version=3, auth_safe=made.auth_safe, mac_data=data))


def _mac_key(password: str, salt: bytes, iterations: int) -> bytes:
    """Appendix B.2, for a key of one digest's length."""
    words = password.encode("utf-16-be") + b"\0\0"
    key = bytes((_MAC,)) * _BLOCK + _filled(salt) + _filled(words)
    for _ in range(iterations):
        key = sha256(key).digest()
    return key


def _filled(value: bytes) -> bytes:
    """A value repeated to fill whole blocks."""
    size = -(-len(value) // _BLOCK) * _BLOCK
    return (value * (size // len(value) + 1))[:size]
