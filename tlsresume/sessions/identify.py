"""Identify a file that is no session of OpenSSL, for the error message.

Each row of the tables below looks at the bytes and answers with words, or None. Sessions of
other libraries are whole: they are named, with what to do instead, never called damaged.
What is recognised, and where from, stands at each function; no row looks at more than the
beginning of the file, or searches it once.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from tlsresume.value import Value

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


class Identified(Value, frozen=True):
    """What a file is. `session` says that it is a whole session, of another library;
    `hints` what to do instead."""

    what: str
    session: bool = False
    hints: tuple[str, ...] = ()


def name_of_pem(label: str) -> str:
    """What a PEM block with this label holds."""
    if label.endswith("PRIVATE KEY"):
        return "a private key"
    return PEM_LABELS.get(label, f"a PEM block labelled {label!r}")


# --------------------------------------------------- sessions of other libraries


def _session_of(library: str, instead: str) -> Identified:
    return Identified(
        f"it is whole, of {library}: OpenSSL cannot use it",
        session=True,
        hints=(instead, "a session for this tool: tlsresume save TARGET"),
    )


#: GnuTLS adds its version to this number (lib/session_pack.c, PACKED_SESSION_MAGIC).
_GNUTLS = 0xFADEBADD


def _gnutls(data: bytes) -> Identified | None:
    """gnutls_session_get_data: the magic, then the time of the session."""
    version = int.from_bytes(data[:4], "big") - _GNUTLS
    major, minor, patch = version >> 16, version >> 8 & 0xFF, version & 0xFF
    if len(data) < 40 or major not in (2, 3, 4) or minor > 30 or patch > 60:
        return None
    return _session_of(
        f"GnuTLS {major}.{minor}.{patch} (gnutls_session_get_data)",
        "GnuTLS takes it back: gnutls_session_set_data",
    )


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _is_time(seconds: int) -> bool:
    """Whether a number can be a point in time, in seconds since 1970: 2001 to 2100."""
    return 978_307_200 <= seconds <= 4_102_444_800


def _wolfssl(data: bytes) -> Identified | None:
    """wolfSSL_i2d_SSL_SESSION, which is not OpenSSL's format in spite of its name: the side
    (since 5.0), time (4), timeout (4), length of the session ID, the ID, a secret of 48."""
    for at in (1, 0):
        length = _number(data, at + 8, 1)
        if (
            len(data) >= at + 9 + length + 48
            and (at == 0 or data[0] in (0, 1))
            and _is_time(_number(data, at, 4))
            and _number(data, at + 4, 4) <= 10_000_000
            and length in (0, 32)
        ):
            return _session_of(
                "wolfSSL (wolfSSL_i2d_SSL_SESSION)",
                "wolfSSL takes it back: wolfSSL_d2i_SSL_SESSION",
            )
    return None


def _mbedtls(data: bytes) -> Identified | None:
    """mbedtls_ssl_session_save: the library's version (3), its configuration, then a time
    (2.x), or the minor version of TLS (3.x, 4.x)."""
    if len(data) < 64:
        return None
    major, minor, patch = data[:3]
    if major == 2:
        fits = _is_time(_number(data, 5, 8)) or _number(data, 5, 8) == 0
    else:
        fits = major in (3, 4) and any(data[at] in (3, 4) for at in (5, 6, 7))
    if not fits or minor > 30 or patch > 30:
        return None
    return _session_of(
        f"Mbed TLS {major}.{minor}.{patch} (mbedtls_ssl_session_save)",
        "the same build of Mbed TLS takes it back: mbedtls_ssl_session_load",
    )


def _go(data: bytes) -> Identified | None:
    """tls.SessionState.Bytes of Go 1.21 and newer: version, side, cipher, time, secret."""
    if (
        len(data) > 64
        and data[:2] in (b"\x03\x01", b"\x03\x02", b"\x03\x03", b"\x03\x04")
        and data[2] in (1, 2)
        and _is_time(_number(data, 5, 8))
        and data[13] in (32, 48)
    ):
        side = "a server" if data[2] == 1 else "a client"
        return _session_of(
            f"Go, of {side} (crypto/tls SessionState)", "Go takes it back: tls.ParseSessionState"
        )
    return None


def _nss(data: bytes) -> Identified | None:
    """SSL_GetResumptionToken (NSS, lib/ssl/sslnonce.c): a version, then three times in
    microseconds."""
    if len(data) > 64 and data[0] in (1, 2, 3):
        times = [_number(data, at, 8) for at in (1, 9)]
        if all(_is_time(time // 1_000_000) for time in times):
            return _session_of("NSS (SSL_GetResumptionToken)", "only Firefox and NSS take it back")
    return None


_WGET2 = re.compile(rb"#TLSSession \d+\.\d+ file")


def _wget2(data: bytes) -> Identified | None:
    """wget2 --tls-session-file: a line of base64 for each host, of GnuTLS."""
    if not _WGET2.match(data):
        return None
    hosts = [line.split()[0] for line in data.splitlines() if line[:1] not in (b"#", b"")]
    number = f"{len(hosts)} session{'' if len(hosts) == 1 else 's'}"
    return _session_of(f"wget2 --tls-session-file ({number} of GnuTLS)", "wget2 takes it back")


# ------------------------------------------------------------- what is no session


def _begins(*rows: tuple[bytes, str, str]) -> Callable[[bytes], Identified | None]:
    def look(data: bytes) -> Identified | None:
        for magic, what, hint in rows:
            if data.startswith(magic):
                return Identified(what, hints=(hint,) if hint else ())
        return None

    return look


_CAPTURE = "what became of its sessions: tlsresume capture FILE"
_UNPACK = "unpack it first"

#: Files known by their first bytes.
_magic = _begins(
    (b"\xa1\xb2\xc3\xd4", "a capture of packets (pcap)", _CAPTURE),
    (b"\xd4\xc3\xb2\xa1", "a capture of packets (pcap)", _CAPTURE),
    (b"\xa1\xb2\x3c\x4d", "a capture of packets (pcap)", _CAPTURE),
    (b"\x4d\x3c\xb2\xa1", "a capture of packets (pcap)", _CAPTURE),
    (b"\x0a\x0d\x0d\x0a", "a capture of packets (pcapng)", _CAPTURE),
    (b"\x1f\x8b", "data compressed by gzip", "gunzip it first"),
    (b"BZh", "data compressed by bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "data compressed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "data compressed by zstd", _UNPACK),
    (b"Salted__", "data encrypted by openssl enc", "decrypt it first: openssl enc -d"),
    (b"age-encryption.org/", "data encrypted by age", "decrypt it first: age -d"),
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"SQLite format 3\x00", "a SQLite database", "a history of watch: tlsresume watch report"),
    (b"\x7fELF", "a program (ELF)", ""),
    (b"\x89PNG", "binary data, a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"%PDF", "a PDF document", ""),
    (b"\xfe\xed\xfe\xed", "a Java key store", "keytool shows it; it holds keys, no sessions"),
    (b"\xac\xed\x00\x05", "a serialized Java object", ""),
    (b"-----BEGIN PGP", "a PGP block", ""),
    (b"openssh-key-v1", "an OpenSSH key", ""),
)

_KEY_LOG = re.compile(
    rb"(?:CLIENT_RANDOM|(?:CLIENT|SERVER)_(?:HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_\d+)"
    rb"|CLIENT_EARLY_TRAFFIC_SECRET|EARLY_EXPORTER_SECRET|EXPORTER_SECRET|RSA)"
    rb" [0-9A-Fa-f]{16,64} [0-9A-Fa-f]{64,96}\s*$",
    re.MULTILINE,
)


def _key_log(data: bytes) -> Identified | None:
    """A key log (NSS Key Log Format, SSLKEYLOGFILE)."""
    if _KEY_LOG.search(data) is None:
        return None
    return Identified(
        "a key log (SSLKEYLOGFILE)",
        hints=(
            "it opens more of a capture: tlsresume capture CAPTURE --keylogfile FILE",
            "it holds secrets of connections, and none of their sessions",
        ),
    )


#: Least share of U+FFFD among the bytes of a session: about half are above 127.
_REPLACEMENT = b"\xef\xbf\xbd"


def _replaced(data: bytes) -> Identified | None:
    """Binary data that was decoded as text and written again: U+FFFD in place of bytes."""
    count = data.count(_REPLACEMENT)
    if count < 8 or count * 20 < len(data):
        return None
    session = data[:1] == b"0" and b"\x02\x01\x01\x02\x02" in data[:24]
    return Identified(
        f"a {'session' if session else 'binary file'} that was written as text: {count} of its"
        " bytes, those above 127, were replaced, and are lost",
        hints=(
            "write the bytes themselves (in Node without toString(): fs.writeFileSync)",
            "or as text that keeps them: session.toString('base64')",
        ),
    )


_REPORT = re.compile(rb'\s*\{\s*"schema":\s*\d+,\s*"tool":')


def _report(data: bytes) -> Identified | None:
    """What a command of this tool wrote as JSON."""
    if _REPORT.match(data) is None:
        return None
    return Identified(
        "a report of tlsresume (JSON)", hints=("a report tells of sessions, and holds none",)
    )


_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def _page(data: bytes) -> Identified | None:
    """An HTML page, which is what a download gives where the file is not, or needs a login."""
    if _PAGE.match(data) is None:
        return None
    return Identified("an HTML page", hints=("see what it says, and download the file again",))


_BUFFER = re.compile(rb"\s*<Buffer (?:[0-9a-f]{2} ){50}\.\.\. (\d{1,9}) more bytes>")


def _node_buffer(data: bytes) -> Identified | None:
    """A Buffer as Node's console prints it: its first 50 bytes."""
    match = _BUFFER.match(data)
    if match is None:
        return None
    return Identified(
        f"a Buffer as Node prints it: 50 bytes of {50 + int(match[1])}",
        hints=("print it whole: buffer.toString('base64')",),
    )


#: What to do with a file of ticket keys.
TICKET_KEY_HINTS = ("--ticket-keys FILE tells which key of it made a session's ticket",)


def _ticket_keys(data: bytes) -> Identified | None:
    """A file of ticket keys, by its length or its lines."""
    if len(data) in (48, 49, 80, 81) or (len(data) == 92 and data[:4] == bytes(4)):
        return Identified("a ticket key, by its length", hints=TICKET_KEY_HINTS)
    return None


def _der(data: bytes) -> Identified | None:
    """A certificate, key, request or PKCS #12 file in DER."""
    if data[:1] != b"\x30":
        return None
    what = name_of_der(data)
    return None if what is None else Identified(what)


def name_of_der(der: bytes) -> str | None:
    """What this DER is, if it is something that people keep beside session files."""
    # Half of a command's start-up, and needed only for a file that is wrong.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    readers: tuple[tuple[str, Callable[[bytes], object]], ...] = (
        ("a certificate", x509.load_der_x509_certificate),
        ("a certificate request", x509.load_der_x509_csr),
        ("a certificate revocation list", x509.load_der_x509_crl),
        ("a public key", serialization.load_der_public_key),
    )
    with warnings.catch_warnings():
        # An odd certificate is still a certificate.
        warnings.simplefilter("ignore")
        for what, read in readers:
            try:
                read(der)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                continue
            return what
    # PFX: version 3, then a ContentInfo of pkcs7-data (RFC 7292 section 4).
    if b"\x02\x01\x03\x30" in der[:12] and bytes.fromhex("06092a864886f70d0107") in der[:40]:
        return "a PKCS #12 file (a certificate with its key)"
    if bytes.fromhex("06092a864886f70d0107") in der[:20]:
        return "a PKCS #7 bundle"
    try:
        serialization.load_der_private_key(der, password=None)
    except TypeError:
        return "an encrypted private key"
    except (ValueError, UnsupportedAlgorithm):
        return None
    return "a private key"


#: Looked at in this order; the first answer counts.
_KINDS: tuple[Callable[[bytes], Identified | None], ...] = (
    _magic,
    _gnutls,
    _replaced,
    _wget2,
    _node_buffer,
    _page,
    _report,
    _key_log,
    _nss,
    _go,
    _mbedtls,
    _wolfssl,
    _ticket_keys,
    _der,
)


def identify(data: bytes) -> Identified | None:
    """What `data` is, the content of a file that holds no session of OpenSSL; None: unknown."""
    return next((found for kind in _KINDS if (found := kind(data)) is not None), None)
