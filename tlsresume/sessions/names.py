"""The names behind numbers in a session: cipher suites before TLS 1.3, verify results.

Tables only. Numbers come from the IANA registry "TLS Cipher Suites" and from
OpenSSL's x509_vfy.h; cipher names are OpenSSL's, because those are what its
options and logs use. What TLS 1.3 registers is in tls/registry.py. A number
without a name is shown in hexadecimal, never guessed.
"""

from __future__ import annotations

from tlsresume.tls import registry

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

#: Suites that no connection of ours offers: they need a key or a password that both sides
#: have beforehand, know no certificate, do not encrypt, or are gone from OpenSSL. Sessions
#: with them are met all the same.
OTHER_CIPHERS: dict[int, str] = {
    0x0001: "NULL-MD5",
    0x0002: "NULL-SHA",
    0x0003: "EXP-RC4-MD5",
    0x0004: "RC4-MD5",
    0x0006: "EXP-RC2-CBC-MD5",
    0x0007: "IDEA-CBC-SHA",
    0x0008: "EXP-DES-CBC-SHA",
    0x0009: "DES-CBC-SHA",
    0x0012: "EDH-DSS-DES-CBC-SHA",
    0x0013: "DHE-DSS-DES-CBC3-SHA",
    0x0014: "EXP-EDH-RSA-DES-CBC-SHA",
    0x0015: "EDH-RSA-DES-CBC-SHA",
    0x0018: "ADH-RC4-MD5",
    0x001B: "ADH-DES-CBC3-SHA",
    0x002C: "PSK-NULL-SHA",
    0x002D: "DHE-PSK-NULL-SHA",
    0x002E: "RSA-PSK-NULL-SHA",
    0x0032: "DHE-DSS-AES128-SHA",
    0x0034: "ADH-AES128-SHA",
    0x0038: "DHE-DSS-AES256-SHA",
    0x003A: "ADH-AES256-SHA",
    0x003B: "NULL-SHA256",
    0x0040: "DHE-DSS-AES128-SHA256",
    0x0044: "DHE-DSS-CAMELLIA128-SHA",
    0x0046: "ADH-CAMELLIA128-SHA",
    0x006A: "DHE-DSS-AES256-SHA256",
    0x006C: "ADH-AES128-SHA256",
    0x006D: "ADH-AES256-SHA256",
    0x0087: "DHE-DSS-CAMELLIA256-SHA",
    0x0089: "ADH-CAMELLIA256-SHA",
    0x008A: "PSK-RC4-SHA",
    0x008B: "PSK-3DES-EDE-CBC-SHA",
    0x008C: "PSK-AES128-CBC-SHA",
    0x008D: "PSK-AES256-CBC-SHA",
    0x0090: "DHE-PSK-AES128-CBC-SHA",
    0x0091: "DHE-PSK-AES256-CBC-SHA",
    0x0094: "RSA-PSK-AES128-CBC-SHA",
    0x0095: "RSA-PSK-AES256-CBC-SHA",
    0x0096: "SEED-SHA",
    0x009A: "DHE-RSA-SEED-SHA",
    0x00A2: "DHE-DSS-AES128-GCM-SHA256",
    0x00A3: "DHE-DSS-AES256-GCM-SHA384",
    0x00A6: "ADH-AES128-GCM-SHA256",
    0x00A7: "ADH-AES256-GCM-SHA384",
    0x00A8: "PSK-AES128-GCM-SHA256",
    0x00A9: "PSK-AES256-GCM-SHA384",
    0x00AA: "DHE-PSK-AES128-GCM-SHA256",
    0x00AB: "DHE-PSK-AES256-GCM-SHA384",
    0x00AC: "RSA-PSK-AES128-GCM-SHA256",
    0x00AD: "RSA-PSK-AES256-GCM-SHA384",
    0x00AE: "PSK-AES128-CBC-SHA256",
    0x00AF: "PSK-AES256-CBC-SHA384",
    0x00B0: "PSK-NULL-SHA256",
    0x00B1: "PSK-NULL-SHA384",
    0x00B2: "DHE-PSK-AES128-CBC-SHA256",
    0x00B3: "DHE-PSK-AES256-CBC-SHA384",
    0x00B4: "DHE-PSK-NULL-SHA256",
    0x00B5: "DHE-PSK-NULL-SHA384",
    0x00B6: "RSA-PSK-AES128-CBC-SHA256",
    0x00B7: "RSA-PSK-AES256-CBC-SHA384",
    0x00B8: "RSA-PSK-NULL-SHA256",
    0x00B9: "RSA-PSK-NULL-SHA384",
    0x00BD: "DHE-DSS-CAMELLIA128-SHA256",
    0x00BF: "ADH-CAMELLIA128-SHA256",
    0x00C3: "DHE-DSS-CAMELLIA256-SHA256",
    0x00C5: "ADH-CAMELLIA256-SHA256",
    0xC006: "ECDHE-ECDSA-NULL-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0xC010: "ECDHE-RSA-NULL-SHA",
    0xC011: "ECDHE-RSA-RC4-SHA",
    0xC015: "AECDH-NULL-SHA",
    0xC016: "AECDH-RC4-SHA",
    0xC017: "AECDH-DES-CBC3-SHA",
    0xC018: "AECDH-AES128-SHA",
    0xC019: "AECDH-AES256-SHA",
    0xC01D: "SRP-AES-128-CBC-SHA",
    0xC01E: "SRP-RSA-AES-128-CBC-SHA",
    0xC01F: "SRP-DSS-AES-128-CBC-SHA",
    0xC020: "SRP-AES-256-CBC-SHA",
    0xC021: "SRP-RSA-AES-256-CBC-SHA",
    0xC022: "SRP-DSS-AES-256-CBC-SHA",
    0xC034: "ECDHE-PSK-3DES-EDE-CBC-SHA",
    0xC035: "ECDHE-PSK-AES128-CBC-SHA",
    0xC036: "ECDHE-PSK-AES256-CBC-SHA",
    0xC037: "ECDHE-PSK-AES128-CBC-SHA256",
    0xC038: "ECDHE-PSK-AES256-CBC-SHA384",
    0xC039: "ECDHE-PSK-NULL-SHA",
    0xC03A: "ECDHE-PSK-NULL-SHA256",
    0xC03B: "ECDHE-PSK-NULL-SHA384",
    0xC056: "DHE-DSS-ARIA128-GCM-SHA256",
    0xC057: "DHE-DSS-ARIA256-GCM-SHA384",
    0xC06A: "PSK-ARIA128-GCM-SHA256",
    0xC06B: "PSK-ARIA256-GCM-SHA384",
    0xC06C: "DHE-PSK-ARIA128-GCM-SHA256",
    0xC06D: "DHE-PSK-ARIA256-GCM-SHA384",
    0xC06E: "RSA-PSK-ARIA128-GCM-SHA256",
    0xC06F: "RSA-PSK-ARIA256-GCM-SHA384",
    0xC094: "PSK-CAMELLIA128-SHA256",
    0xC095: "PSK-CAMELLIA256-SHA384",
    0xC096: "DHE-PSK-CAMELLIA128-SHA256",
    0xC097: "DHE-PSK-CAMELLIA256-SHA384",
    0xC098: "RSA-PSK-CAMELLIA128-SHA256",
    0xC099: "RSA-PSK-CAMELLIA256-SHA384",
    0xC09A: "ECDHE-PSK-CAMELLIA128-SHA256",
    0xC09B: "ECDHE-PSK-CAMELLIA256-SHA384",
    0xC0A4: "PSK-AES128-CCM",
    0xC0A5: "PSK-AES256-CCM",
    0xC0A6: "DHE-PSK-AES128-CCM",
    0xC0A7: "DHE-PSK-AES256-CCM",
    0xC0A8: "PSK-AES128-CCM8",
    0xC0A9: "PSK-AES256-CCM8",
    0xC0AA: "DHE-PSK-AES128-CCM8",
    0xC0AB: "DHE-PSK-AES256-CCM8",
    0xCCAB: "PSK-CHACHA20-POLY1305",
    0xCCAC: "ECDHE-PSK-CHACHA20-POLY1305",
    0xCCAD: "DHE-PSK-CHACHA20-POLY1305",
    0xCCAE: "RSA-PSK-CHACHA20-POLY1305",
}

#: SSLv2's kinds of cipher, three bytes each (OpenSSL 1.0.2, ssl2.h).
SSL2_CIPHERS: dict[int, str] = {
    0x010080: "RC4-MD5",
    0x020080: "EXP-RC4-MD5",
    0x030080: "RC2-CBC-MD5",
    0x040080: "EXP-RC2-CBC-MD5",
    0x050080: "IDEA-CBC-MD5",
    0x060040: "DES-CBC-MD5",
    0x0700C0: "DES-CBC3-MD5",
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
    return (
        registry.cipher_name(cipher)
        or CIPHERS.get(cipher)
        or OTHER_CIPHERS.get(cipher)
        or SSL2_CIPHERS.get(cipher)
        or f"0x{cipher:04X}"
    )


def why_not_offered(cipher: int) -> str | None:
    """What a suite needs that no connection of ours has; None for one that may be offered.

    Whether the OpenSSL at hand knows the suite is another question.
    """
    if cipher in CIPHERS or registry.cipher_name(cipher):
        return None
    name = cipher_name(cipher)
    if "PSK" in name:
        return "which needs a pre-shared key (openssl s_client -psk can)"
    if name.startswith("SRP"):
        return "which needs a user and a password (openssl s_client -srpuser can)"
    if name.startswith(("ADH", "AECDH")):
        return "which knows no certificate (openssl s_client -cipher ALL:@SECLEVEL=0 can)"
    if "NULL" in name:
        return "which does not encrypt (openssl s_client -cipher ALL:eNULL:@SECLEVEL=0 can)"
    return "which is not offered any more" if name[:2] != "0x" else "which is not known here"


def cipher_hash(cipher: int) -> str | None:
    """The hash of the suite's key schedule: "sha256" or "sha384"; None for an unknown suite.

    A TLS 1.3 PSK is bound to it. A TLS 1.2 suite that names no SHA-2 hash uses
    SHA-256 for its PRF (RFC 5246 section 5).
    """
    name = CIPHERS.get(cipher) or OTHER_CIPHERS.get(cipher)
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
