"""`tlsresume-refuse-secrets`: a pre-commit hook that keeps session secrets out of a repository.

Who has a session file can resume the session; who has a ticket key can open every ticket
sealed with it, and what was said under TLS 1.2 with them. The signs are few and sharp, so
that ordinary files pass; a file is read up to a bound, and only by its content and size.
"""

from __future__ import annotations

import base64
import binascii
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

#: Session files and key logs announce themselves early; more is not read.
_LOOKED_AT = 1024 * 1024

_PEM = re.compile(rb"-----BEGIN (SSL SESSION PARAMETERS)-----\s+[A-Za-z0-9+/]")
#: SSL_SESSION in DER: SEQUENCE, version 1, a TLS version (OpenSSL's ssl_asn1.c).
_DER = re.compile(
    rb"\x30(?:[\x10-\x7f]|\x81.|\x82..|\x83...)\x02\x01\x01\x02\x02(?:\x03[\x00-\x04]|\xfe[\xfd\xff])"
    rb"\x04\x02",
    re.DOTALL,
)
#: Lines of SSLKEYLOGFILE (draft-ietf-tls-keylogfile).
_KEY_LOG = re.compile(
    rb"^(?:CLIENT_RANDOM|CLIENT_(?:EARLY|HANDSHAKE)_TRAFFIC_SECRET|SERVER_HANDSHAKE_TRAFFIC_SECRET"
    rb"|(?:CLIENT|SERVER)_TRAFFIC_SECRET_[0-9]+|(?:EARLY_)?EXPORTER_(?:MASTER_)?SECRET)"
    rb" [0-9a-fA-F]{64} [0-9a-fA-F]{64,128}\s*$",
    re.MULTILINE,
)
#: Name, cipher key and MAC key of nginx, Apache, HAProxy and Envoy: 16+16+16 or 16+32+32 bytes.
_KEY_SIZES = (48, 80)


def _session(data: bytes) -> str | None:
    if _PEM.search(data) or _DER.match(data):
        return "a TLS session: who has it can resume it"
    return None


def _key_log(data: bytes) -> str | None:
    return (
        "a TLS key log: who has it can decrypt those connections" if _KEY_LOG.search(data) else None
    )


def _ticket_key(data: bytes) -> str | None:
    said = "a session ticket key: who has it can open every ticket sealed with it"
    if len(data) in _KEY_SIZES and not _is_text(data):
        return said
    lines = [line.strip() for line in data.splitlines()]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    return said if lines and len(lines) <= 64 and all(map(_is_key_line, lines)) else None


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text)


def _is_key_line(line: bytes) -> bool:
    """Whether a line is one key in base64, as HAProxy's tls-ticket-keys has them."""
    if len(line) not in (64, 108):
        return False
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        return False
    # A hash in hexadecimal is 64 digits long, too.
    return len(key) in _KEY_SIZES and not re.fullmatch(rb"[0-9a-fA-F]+", line)


SIGNS: tuple[Callable[[bytes], str | None], ...] = (_session, _key_log, _ticket_key)


def secret_in(data: bytes) -> str | None:
    """What secret a file's content is, in words; None if it is none that we know."""
    return next((found for sign in SIGNS if (found := sign(data))), None)


def check(files: Sequence[str]) -> int:
    """Name each file that holds a secret, on stderr; 1 if there is one, 2 if one is unreadable.

    These are the statuses that pre-commit expects of a hook: anything but 0 refuses.
    """
    from tlsresume.errors import FileError
    from tlsresume.files import read_bounded
    from tlsresume.formats.printable import printable

    status = 0
    for name in files:
        try:
            found = secret_in(read_bounded(name, _LOOKED_AT, FileError)[0])
        except FileError as error:
            sys.stderr.write(f"{printable(error.message)}\n")
            status = 2
            continue
        if found is not None:
            sys.stderr.write(f"{printable(name)}: {found}\n")
            status = status or 1
    return status


def main() -> NoReturn:
    """Check the files that are named."""
    sys.exit(check(sys.argv[1:]))
