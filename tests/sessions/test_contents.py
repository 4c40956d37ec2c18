"""sessions/contents.py and what it uses: files that people have are read, or named."""

from __future__ import annotations

import base64
import gzip
import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import certificates, sessions
from tests.helpers.growth import assert_linear
from tests.paths import VECTORS
from tlsresume.errors import SessionFileError
from tlsresume.sessions.contents import find_contents
from tlsresume.sessions.file import format_session_file, parse_session_file
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.sessions.pem_blocks import Contents

FILES = VECTORS / "files"
SESSION = sessions.session("openssl40-psk")
DER = bytes(SESSION.data)
PEM = format_session_file(SESSION, SessionMetadata())
TEXT = PEM.decode()
BASE64 = base64.b64encode(DER)


def vector(name: str) -> bytes:
    return (FILES / name).read_bytes()


def octal_dump(data: bytes) -> str:
    """As od -t x1 prints it: places in octal, the length at the end."""
    lines = [f"{at:07o} {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16)]
    return "\n".join([*lines, f"{len(data):07o}", ""])


def array(data: bytes, form: str) -> str:
    return ", ".join(form % byte for byte in data)


def dump(data: bytes, group: int) -> str:
    """As xxd (groups of 2) and hexdump -C (groups of 1) print it."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        colon, bar = (":", "") if group == 2 else ("", "|")
        lines.append(f"{at:08x}{colon} {part.hex(' ', group)}  {bar}{shown}{bar}")
    return "\n".join(lines)


#: Each wrapping of one session, and how it is named.
WRAPPED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "base64": (BASE64, ("base64",)),
    "base64 in lines": (base64.encodebytes(DER), ("base64",)),
    "base64url": (base64.urlsafe_b64encode(DER).rstrip(b"="), ("base64",)),
    "data url": (b"data:application/octet-stream;base64," + BASE64, ("base64",)),
    "hex": (DER.hex().encode(), ("hex",)),
    "hex with colons": (DER.hex(":").upper().encode(), ("hex",)),
    "C array": (("{" + ", ".join(f"0x{b:02x}" for b in DER) + "};").encode(), ("hex",)),
    "Node's print": (b"<Buffer " + DER.hex(" ").encode() + b">", ("hex",)),
    "xxd": (dump(DER, 2).encode(), ("a hex dump",)),
    "hexdump -C": (f"{dump(DER, 1)}\n{len(DER):08x}\n".encode(), ("a hex dump",)),
    "od -t x1": (octal_dump(DER).encode(), ("a hex dump",)),
    "xxd -i": (
        f"unsigned char s[] = {{\n {array(DER, '0x%02x')}\n}};\nunsigned int s_len = {len(DER)};\n".encode(),
        ("an array",),
    ),
    "array of C": (
        f"static const uint8_t s[745] = {{{array(DER, '%#x')},}};".encode(),
        ("an array",),
    ),
    "array of Go": (f"state := []byte{{{array(DER, '0x%x')}}}".encode(), ("an array",)),
    "array of Rust": (f"let s: [u8; 9] = [{array(DER, '%d')}];".encode(), ("an array",)),
    "array of Python": (f"s = bytes([{array(DER, '%d')}])".encode(), ("an array",)),
    "JSON Buffer": (json.dumps({"type": "Buffer", "data": list(DER)}).encode(), ("JSON",)),
    "JSON object with a Buffer": (
        json.dumps(
            {"host": "a", "s": [{"type": "Buffer", "data": list(DER)}], "port": 443}
        ).encode(),
        ("JSON",),
    ),
    "numbers": (array(DER, "%d").encode(), ("an array",)),
    "JSON list": (json.dumps(list(DER)).encode(), ("JSON",)),
    "JSON string": (json.dumps(TEXT).encode(), ("line ends written as \\n",)),
    "JSON base64": (json.dumps(BASE64.decode()).encode(), ("JSON", "base64")),
    "Python": (repr(DER).encode(), ("a string literal",)),
    "latin-1 as UTF-8": (DER.decode("latin-1").encode(), ("bytes written as characters",)),
    "base64 of PEM": (base64.b64encode(PEM), ("base64",)),
    "YAML": (b"apiVersion: v1\ndata:\n  session: " + BASE64 + b"\n", ("base64 in a text",)),
    "environment": (b"PATH=/bin\nSESSION=" + BASE64 + b"\nA=b\n", ("base64 in a text",)),
    "byte order mark": (b"\xef\xbb\xbf" + PEM, ("a byte order mark",)),
    "UTF-16": (b"\xff\xfe" + TEXT.encode("utf-16-le"), ("UTF-16",)),
    "UTF-16, big": (TEXT.encode("utf-16"), ("UTF-16",)),
    "UTF-16, no mark": (TEXT.encode("utf-16-le"), ("UTF-16",)),
    "escaped": (TEXT.replace("\n", "\\n").encode(), ("line ends written as \\n",)),
    "escaped CRLF": (TEXT.replace("\n", "\\r\\n").encode(), ("line ends written as \\n",)),
    "one line": (TEXT.replace("\n", "").encode(), ("one line",)),
    "spaces": (TEXT.replace("\n", " ").encode(), ("one line",)),
    "indented": (b"".join(b"    " + line for line in PEM.splitlines(True)), ("indented",)),
    "quoted mail": (b"".join(b"> " + line for line in PEM.splitlines(True)), ()),
    "CRLF": (PEM.replace(b"\n", b"\r\n"), ()),
    "fence": (b"```\n" + PEM + b"```\n", ()),
    "log": (b"Using defaults\nACCEPT\n" + PEM + b"Shared ciphers:A\nDONE\n", ("a text around it",)),
    "time stamps": (
        "".join(
            f"2026-11-26T10:00:0{n % 10}Z app[1]: {line}\n"
            for n, line in enumerate(TEXT.splitlines())
        ).encode(),
        ("lines of a log",),
    ),
    "cat -n": (
        "".join(f"{n:6}\t{line}\n" for n, line in enumerate(TEXT.splitlines(), 1)).encode(),
        ("lines of a log",),
    ),
    "log with time stamps": (
        "".join(
            f"Nov 26 10:00:00 host s_client: {line}\n" for line in ("A", *TEXT.splitlines(), "B")
        ).encode(),
        ("a text around it", "lines of a log"),
    ),
    "latin-1 log": (b"caf\xe9\n" + PEM + b"DONE\n", ("a text around it",)),
    "with a certificate": (certificates.authority_pem() + PEM, ("a text around it",)),
}


def test_a_session_is_found_in_every_wrapping():
    """The same session comes out of each, and the wrapping is named."""
    for name, (data, wrapping) in WRAPPED.items():
        file = parse_session_file(data, "f")
        assert file.session == SESSION, name
        assert file.wrapping == wrapping, name


def test_what_programs_wrote_is_read():
    """Sessions of Node, Ruby, Perl and openssl are whole; those that cannot be offered say so."""
    for name, protocol, kind in (
        ("node20-12.der", "TLSv1.2", None),
        ("node20-13.der", "TLSv1.3", None),
        ("perl12.dumper", "TLSv1.2", None),
        ("ruby12.inspect", "TLSv1.2", None),
        ("s_client-dtls12.pem", "DTLSv1.2", None),
        ("s_client-psk12.pem", "TLSv1.2", "cipher"),
        ("s_client-maxfraglen-12.pem", "TLSv1.2", None),
    ):
        session = parse_session_file(vector(name), name).session
        assert session.fields.protocol == protocol, name
        assert (session.unsupported or (None,))[0] == kind, name
    fields = parse_session_file(vector("s_client-maxfraglen-12.pem"), "f").session.fields
    assert fields.max_fragment_length == 1024


def test_a_servers_own_copy_is_no_client_that_was_too_early():
    """What s_server prints has a session id context and no ticket, and is said to be its own."""
    session = parse_session_file(vector("sserver13.log"), "f").session
    assert session.fields.server_copy
    assert "a server's own copy" in (session.not_resumable or "")
    assert "too early" not in (session.not_resumable or "")


def test_what_openssl_prints_is_read_for_what_it_shows():
    """A log of s_client and a text of Ruby give protocol, cipher, ID, ticket and times."""
    (ruby,) = find_contents(vector("ruby12.txt"), "f").printed
    assert (ruby.protocol, ruby.cipher) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
    assert (len(ruby.session_id), len(ruby.ticket), ruby.lifetime_hint) == (32, 176, 7200)
    assert (ruby.timeout, ruby.extended_master_secret) == (7200, True)
    first, second = find_contents(vector("sclient13.log"), "f").printed
    assert (first.protocol, first.tls13, len(first.ticket)) == ("TLSv1.3", True, 208)
    assert first.ticket[:16] == second.ticket[:16]
    quoted = b"".join(b"> " + line for line in vector("ruby12.txt").splitlines(True))
    assert find_contents(quoted, "f").printed == (ruby,)
    part = vector("ruby12.txt")[vector("ruby12.txt").index(b"    TLS session ticket:\n") :]
    (pasted,) = find_contents(part, "f").printed
    assert (pasted.protocol, pasted.ticket, pasted.time) == (None, ruby.ticket, ruby.time)
    with pytest.raises(SessionFileError, match="the text that openssl prints") as caught:
        parse_session_file(vector("ruby12.txt"), "f")
    assert any("-sess_out" in hint for hint in caught.value.hints)


def test_a_bare_ticket_is_taken_for_one():
    """Bytes as random as a ticket, of a length that a layout has, are a ticket alone."""
    ticket = vector("node20-13.ticket")
    assert find_contents(ticket, "f") == Contents(ticket=ticket)
    with pytest.raises(SessionFileError, match="a ticket alone"):
        parse_session_file(ticket, "f")
    for data in (bytes(208), b"\xff" * 208, bytes(range(256)) + b"\0" * 200, DER[4:]):
        with pytest.raises(SessionFileError, match="binary data"):
            find_contents(data, "f")


def packed(tag: int, value: bytes, *, counted: bool = True) -> bytes:
    return bytes([tag]) + (len(value).to_bytes(2, "big") if counted else b"") + value


def curl_line(ticket: bytes, alpn: bytes = b"h2") -> bytes:
    fields = packed(4, ticket) + packed(2, b"\x03\x04", counted=False) + packed(5, alpn)
    return b"c2FsdA==:" + base64.b64encode(b"\x01" + fields) + b"\n"


def test_each_session_of_curl_is_read():
    """A file of `curl --ssl-sessions` gives its sessions with their protocol; those of another
    library are named."""
    head = b"# Your SSL session cache.\n"
    first, second = find_contents(head + curl_line(DER) + curl_line(DER, b""), "f").sessions
    assert (first.session, first.metadata.alpn) == (SESSION, "h2")
    assert second.metadata.alpn is None
    with pytest.raises(SessionFileError, match="holds 2 sessions"):
        parse_session_file(head + curl_line(DER) + curl_line(DER), "f")
    assert parse_session_file(head + curl_line(DER), "f").session == SESSION
    with pytest.raises(SessionFileError, match=r"curl --ssl-sessions: .*GnuTLS 3\.7\.9"):
        parse_session_file(head + curl_line(vector("gnutls13.bin")), "f")


NOW = (1_795_000_000).to_bytes(8, "big")
KEY = serialization.load_pem_private_key(certificates.localhost().key_pem, None)
assert isinstance(KEY, ec.EllipticCurvePrivateKey)
CERTIFICATE = load_pem_x509_certificate(certificates.localhost().certificate_pem)

#: What is whole and of another library, or no session at all, and the words that name it.
NAMED: dict[str, tuple[bytes, str]] = {
    "GnuTLS": (vector("gnutls12.bin"), "not usable by this tool: it is whole, of GnuTLS 3.7.9"),
    "GnuTLS 3.8": (b"\xfa\xe1\xc2\xe2" + bytes(60), "of GnuTLS 3.8.5"),
    "GnuTLS in base64": (base64.b64encode(vector("gnutls13.bin")), "of GnuTLS 3.7.9"),
    "wget2": (
        b"#TLSSession 1.0 file\n#Generated\n\nlocalhost 1 2 " + base64.b64encode(b"x" * 99) + b"\n",
        r"of wget2 --tls-session-file \(1 session of GnuTLS\)",
    ),
    "wolfSSL": (vector("wolfssl12.bin"), "not usable by this tool: it is whole, of wolfSSL"),
    "wolfSSL 4": (vector("wolfssl12.bin")[1:], "of wolfSSL"),
    "Mbed TLS 2": (b"\x02\x1c\x03\0\x7f" + NOW + bytes(90), "of Mbed TLS 2.28.3"),
    "Mbed TLS 3": (b"\x03\x06\x00\x01\x87\x04\x00" + bytes(90), "of Mbed TLS 3.6.0"),
    "Go": (b"\x03\x04\x02\x13\x01" + NOW + b"\x20" + bytes(90), "of Go, of a client"),
    "Go, server": (b"\x03\x03\x01\xc0\x2f" + NOW + b"\x30" + bytes(90), "of Go, of a server"),
    "NSS": (b"\x02" + 2 * (1_795_000_000_000_000).to_bytes(8, "big") + bytes(90), "of NSS"),
    "pcap": (b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(40), r"a capture of packets \(pcap\)"),
    "pcapng": (b"\x0a\x0d\x0d\x0a" + bytes(40), r"a capture of packets \(pcapng\)"),
    "key log": (b"# x\nCLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n", "a key log"),
    "key log 1.3": (b"EXPORTER_SECRET " + b"ab" * 32 + b" " + b"cd" * 32 + b"\r\n", "a key log"),
    "gzip": (gzip.compress(PEM), "compressed by gzip"),
    "openssl enc": (b"Salted__" + vector("node20-13.der"), "encrypted by openssl enc"),
    "32 bytes in hex": (b"5e" * 16 + b"a7" * 16, "a ticket key, by its length"),
    "PKCS #12": (
        pkcs12.serialize_key_and_certificates(
            b"x", KEY, CERTIFICATE, None, serialization.NoEncryption()
        ),
        "a PKCS #12 file",
    ),
    "certificate": (CERTIFICATE.public_bytes(serialization.Encoding.DER), "a certificate"),
    "certificate in base64": (base64.b64encode(CERTIFICATE.public_bytes(serialization.Encoding.DER)), "a certificate"),
    "page": (b"\n<!DOCTYPE html>\n<html><title>404 Not Found</title></html>", "an HTML page"),
    "report": (
        b'{\n "schema": 1,\n "tool": {"name": "tlsresume"}, "files": [{"id": "' + b"ab" * 32 + b'"}]}',
        "a report of tlsresume",
    ),
    "replaced": (vector("node20-13.utf8"), "was written as text"),
    "Node's print": (vector("node20-13.inspect"), "as Node prints it: 50 bytes of 745"),
    "raw key": (bytes(range(80)), "a ticket key, by its length"),
    "key lines": (base64.b64encode(bytes(range(80))) + b"\n", "a ticket key"),
    "h2o keys": (vector("h2o.yaml"), "a ticket key"),
    "SQLite": (b"SQLite format 3\0" + bytes(99), "a SQLite database"),
}  # fmt: skip


def test_what_is_something_else_is_named():
    """A whole file is never called damaged, and no library's own words reach people."""
    for name, (data, words) in NAMED.items():
        with pytest.raises(SessionFileError, match=words) as caught:
            find_contents(data, "f")
        said = caught.value.message
        assert "damaged" not in said, name
        assert "ParseError" not in said, name
        assert caught.value.hints, name


def test_captures_and_key_logs_lead_to_capture():
    """Who has packets is sent to the command that reads them, and not told that none does."""
    for name in ("pcap", "pcapng", "key log"):
        with pytest.raises(SessionFileError) as caught:
            find_contents(NAMED[name][0], "f")
        assert any("tlsresume capture " in hint for hint in caught.value.hints), name
        assert not any("no captures" in hint for hint in caught.value.hints), name


def boringssl(*elements: bytes) -> bytes:
    """A session as BoringSSL writes it: TLS 1.3, then elements with tags of their own."""
    body = (
        b"\x02\x01\x01\x02\x02\x03\x04\x04\x02\x13\x01\x04\x20"
        + bytes(32)
        + b"\x04\x20"
        + bytes(32)
    )
    for element in elements:
        body += element
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


BORING = boringssl(
    b"\xa1\x06\x02\x04\x6a\xfd\x6f\xc0",  # [1] time
    b"\xa2\x04\x02\x02\x01\x2c",  # [2] timeout 300
    b"\xaa\x82\x00\x84\x04\x81\x81" + b"t" * 129,  # [10] ticket
    b"\xb1\x03\x01\x01\xff",  # [17] extended master secret, a BOOLEAN
    b"\xb5\x06\x04\x04\x01\x02\x03\x04",  # [21] ticket_age_add
    b"\xb6\x03\x01\x01\x00",  # [22] not a server's
)  # fmt: skip


def test_a_session_of_boringssl_is_whole():
    """It is read as far as the two agree, and cannot be offered."""
    session = parse_session_file(BORING, "f").session
    fields = session.fields
    assert (session.kind, session.unsupported and session.unsupported[0]) == (
        "boringssl-der",
        "library",
    )
    assert (fields.protocol, fields.timeout, fields.age_add) == ("TLSv1.3", 300, 0x01020304)
    assert (fields.ticket, fields.extended_master_secret) == (b"t" * 129, True)
    assert session.usable(fields.time)[1].startswith("not usable by this tool: it is whole, of Bor")
    for damaged in (BORING[:-1], BORING.replace(b"\xb1\x03\x01", b"\xb1\x03\x02")):
        with pytest.raises(SessionFileError):
            parse_session_file(damaged, "f")


def test_what_is_damaged_is_told_in_words_of_a_session():
    """The field is named; no decoder's types, and no length of 260 digits."""
    for data, words in (
        (DER.replace(b"\x02\x02\x03\x04", b"\x04\x02\x03\x04"), "ssl_version is missing"),
        (b"\x30\x03\x02\x01\x01", "field ssl_version is missing"),
        (b"\x30\xff\x02" + b"\xff" * 200, "lengths add up"),
        (DER[:2] + b"\xff\xff" + DER[4:], "cut short"),
    ):
        with pytest.raises(SessionFileError, match=words) as caught:
            parse_session_file(data, "f")
        assert len(caught.value.message) < 200


_PIECES = st.sampled_from(
    [
        b"-----BEGIN SSL SESSION PARAMETERS-----", b"-----END SSL SESSION PARAMETERS-----", b"\n",
        b"\\n", PEM, DER, BASE64[:90], b"SSL-Session:\n", b"    Protocol  : TLSv1.3\n", b"    0000 - ",
        b"ab ", b"{", b'"', b"[1,", b"CLIENT_RANDOM ", b"<Buffer 30 82 ", b"\xef\xbf\xbd", b"\xff\xfe",
        b"k:AQQAAA==\n", BORING, b"#TLSSession 1.0 file\n", b"\xfa\xe1\xc1\xe6", b"b'\\x30",
    ]
)  # fmt: skip


@given(st.lists(_PIECES | st.binary(max_size=40), max_size=8).map(b"".join))
def test_any_bytes(data):
    """Of pieces of all that is known, in any order, only contents or our error come out."""
    with suppress(SessionFileError):
        find_contents(data, "f")


@pytest.mark.slow
def test_work_grows_with_the_file():
    """Four times the file is about four times the work, for the units that each reader loves."""

    def work(data: bytes) -> None:
        with suppress(SessionFileError):
            find_contents(data, "f")

    for unit in (
        b"-----BEGIN SSL SESSION PARAMETERS-----\n", b"-----\\n", b"SSL-Session:\n Protocol : TLSv1\n",
        b"0000 - aa ", b"00000000: 3030  ", b"A", b"ab ", b"[", b'{"a":', b"b'\\x30", b"x: |\n ",
        b"k:AQQ=\n", b"\xef\xbf\xbd", b"A" * 87 + b" ", b"CLIENT_RANDOM 00", b"- name: 00\n key: 00\n",
        b"\x30\x84", b"> ",
    ):  # fmt: skip
        assert_linear(work, unit, 4 * 1024)
