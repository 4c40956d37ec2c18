"""Names of certificate authorities in words."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tlsresume.tls.describe import certificate_request_words
from tlsresume.tls.distinguished import name_text
from tlsresume.tls.messages import CertificateRequest12
from tlsresume.tls.signatures import SIGNATURE_SCHEMES, scheme_name


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> bytes:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts]).public_bytes()


def test_a_name_reads_as_in_rfc_4514():
    """The most special part first."""
    der = name(
        (NameOID.COUNTRY_NAME, "DE"),
        (NameOID.ORGANIZATION_NAME, "B\u00fccher"),
        (NameOID.COMMON_NAME, "CA 1"),
    )
    assert name_text(der) == "CN=CA 1,O=B\u00fccher,C=DE"


def test_unknown_attributes_keep_their_oid():
    """Nothing is dropped."""
    assert name_text(name((NameOID.PSEUDONYM, "x"))).startswith("OID.")


@pytest.mark.parametrize("der", [b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x31\x00", b"no"])
def test_what_is_no_name_is_shown_as_bytes(der):
    """A peer may send anything here."""
    assert name_text(der) == f"0x{der.hex()}"


@pytest.mark.slow
@given(st.binary(max_size=80))
def test_any_bytes_give_text(der):
    """No bytes make it raise."""
    assert isinstance(name_text(der), str)


def test_a_request_in_words():
    """Authorities and schemes, the first of each; unknown schemes by number."""
    one = name((NameOID.COMMON_NAME, "One"))
    message = CertificateRequest12((1,), (0x0403, 0x0804, 0x9999, 0x0807, 0x0401), (one,) * 4)
    assert certificate_request_words(message) == (
        "4 authorities (CN=One; CN=One; CN=One; ...); signatures ecdsa_secp256r1_sha256,"
        " rsa_pss_rsae_sha256, 0x9999, ed25519 and 1 more"
    )
    assert certificate_request_words(CertificateRequest12((), (), ())) == "0 authorities"
    assert all(scheme_name(number) == text for number, text in SIGNATURE_SCHEMES.items())
