"""The names behind numbers in a session: TLS 1.2 cipher suites, verify results.

Tables only. Numbers come from the IANA registry "TLS Cipher Suites" and from
OpenSSL's x509_vfy.h; cipher names are OpenSSL's, because those are what its
options and logs use. What TLS 1.3 registers is in wire/registry.py. A number
without a name is shown in hexadecimal, never guessed.
"""

from __future__ import annotations

from tlsresume.wire import registry

CIPHERS: dict[int, str] = {
    0x0005: "RC4-SHA",
    0x000A: "DES-CBC3-SHA",
    0x0016: "DHE-RSA-DES-CBC3-SHA",
    0x002F: "AES128-SHA",
    0x0033: "DHE-RSA-AES128-SHA",
    0x0035: "AES256-SHA",
    0x0039: "DHE-RSA-AES256-SHA",
    0x003C: "AES128-SHA256",
    0x003D: "AES256-SHA256",
    0x0041: "CAMELLIA128-SHA",
    0x0045: "DHE-RSA-CAMELLIA128-SHA",
    0x0067: "DHE-RSA-AES128-SHA256",
    0x006B: "DHE-RSA-AES256-SHA256",
    0x0084: "CAMELLIA256-SHA",
    0x0088: "DHE-RSA-CAMELLIA256-SHA",
    0x009C: "AES128-GCM-SHA256",
    0x009D: "AES256-GCM-SHA384",
    0x009E: "DHE-RSA-AES128-GCM-SHA256",
    0x009F: "DHE-RSA-AES256-GCM-SHA384",
    0x00BA: "CAMELLIA128-SHA256",
    0x00BE: "DHE-RSA-CAMELLIA128-SHA256",
    0x00C0: "CAMELLIA256-SHA256",
    0x00C4: "DHE-RSA-CAMELLIA256-SHA256",
    0xC008: "ECDHE-ECDSA-DES-CBC3-SHA",
    0xC009: "ECDHE-ECDSA-AES128-SHA",
    0xC00A: "ECDHE-ECDSA-AES256-SHA",
    0xC012: "ECDHE-RSA-DES-CBC3-SHA",
    0xC013: "ECDHE-RSA-AES128-SHA",
    0xC014: "ECDHE-RSA-AES256-SHA",
    0xC023: "ECDHE-ECDSA-AES128-SHA256",
    0xC024: "ECDHE-ECDSA-AES256-SHA384",
    0xC027: "ECDHE-RSA-AES128-SHA256",
    0xC028: "ECDHE-RSA-AES256-SHA384",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xC050: "ARIA128-GCM-SHA256",
    0xC051: "ARIA256-GCM-SHA384",
    0xC052: "DHE-RSA-ARIA128-GCM-SHA256",
    0xC053: "DHE-RSA-ARIA256-GCM-SHA384",
    0xC05C: "ECDHE-ECDSA-ARIA128-GCM-SHA256",
    0xC05D: "ECDHE-ECDSA-ARIA256-GCM-SHA384",
    0xC060: "ECDHE-ARIA128-GCM-SHA256",
    0xC061: "ECDHE-ARIA256-GCM-SHA384",
    0xC072: "ECDHE-ECDSA-CAMELLIA128-SHA256",
    0xC073: "ECDHE-ECDSA-CAMELLIA256-SHA384",
    0xC076: "ECDHE-RSA-CAMELLIA128-SHA256",
    0xC077: "ECDHE-RSA-CAMELLIA256-SHA384",
    0xC09C: "AES128-CCM",
    0xC09D: "AES256-CCM",
    0xC09E: "DHE-RSA-AES128-CCM",
    0xC09F: "DHE-RSA-AES256-CCM",
    0xC0A0: "AES128-CCM8",
    0xC0A1: "AES256-CCM8",
    0xC0A2: "DHE-RSA-AES128-CCM8",
    0xC0A3: "DHE-RSA-AES256-CCM8",
    0xC0AC: "ECDHE-ECDSA-AES128-CCM",
    0xC0AD: "ECDHE-ECDSA-AES256-CCM",
    0xC0AE: "ECDHE-ECDSA-AES128-CCM8",
    0xC0AF: "ECDHE-ECDSA-AES256-CCM8",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCAA: "DHE-RSA-CHACHA20-POLY1305",
}

#: X509_V_*: the ones that a client's verification of a server can end with.
VERIFY_RESULTS: dict[int, str] = {
    0: "ok",
    2: "unable to get issuer certificate",
    3: "unable to get certificate CRL",
    4: "unable to decrypt certificate's signature",
    5: "unable to decrypt CRL's signature",
    6: "unable to decode issuer public key",
    7: "certificate signature failure",
    8: "CRL signature failure",
    9: "certificate is not yet valid or the system clock is incorrect",
    10: "certificate has expired",
    11: "CRL is not yet valid",
    12: "CRL has expired",
    13: "format error in certificate's notBefore field",
    14: "format error in certificate's notAfter field",
    15: "format error in CRL's lastUpdate field",
    16: "format error in CRL's nextUpdate field",
    17: "out of memory",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    23: "certificate revoked",
    24: "issuer certificate doesn't have a public key",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    27: "certificate not trusted",
    28: "certificate rejected",
    34: "unhandled critical extension",
    41: "invalid or inconsistent certificate extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    50: "application verification failure",
    62: "hostname mismatch",
    63: "email address mismatch",
    64: "IP address mismatch",
    66: "EE certificate key too weak",
    67: "CA certificate key too weak",
    68: "CA signature digest algorithm too weak",
    71: "Certificate Transparency required, but no valid SCTs found",
    76: "Cannot find certificate signature algorithm",
    77: "subject signature algorithm and issuer public key algorithm mismatch",
    92: "CA cert does not include key usage extension",
    93: "Using cert extension requires at least X509v3",
}


def cipher_name(cipher: int) -> str:
    """OpenSSL's name of a cipher suite, or its number in hexadecimal."""
    return registry.cipher_name(cipher) or CIPHERS.get(cipher) or f"0x{cipher:04X}"


def cipher_hash(cipher: int) -> str | None:
    """The hash of the suite's key schedule: "sha256" or "sha384"; None for an unknown suite.

    A TLS 1.3 PSK is bound to it. A TLS 1.2 suite that names no SHA-2 hash uses
    SHA-256 for its PRF (RFC 5246 section 5).
    """
    name = CIPHERS.get(cipher)
    if name is None:
        return registry.cipher_hash(cipher)
    return "sha384" if name.endswith("SHA384") else "sha256"


def group_name(group: int) -> str:
    """IANA's name of a key exchange group, or its number in hexadecimal."""
    try:
        return registry.NamedGroup(group).name
    except ValueError:
        return f"0x{group:04X}"


def verify_result_text(code: int) -> str:
    """What OpenSSL calls a verification result (X509_verify_cert_error_string(3))."""
    return VERIFY_RESULTS.get(code, f"verification error {code}")
