"""sessions/file.py: session files are read strictly, and openssl reads ours."""

from __future__ import annotations

import base64
import errno
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import types
from contextlib import suppress
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import certificates, sessions
from tests.helpers.rows import each_row
from tests.helpers.sessions import METADATA
from tlsresume import files
from tlsresume.errors import ExitStatus, OutputFileError, SessionFileError, UsageError
from tlsresume.sessions.file import (
    LARGEST,
    format_session_file,
    parse_session_file,
    read_session_file,
    write_session_file,
)
from tlsresume.sessions.metadata import KEYS, SessionMetadata

SESSION = sessions.session("openssl40-psk")
DER = SESSION.data
PEM = format_session_file(SESSION, SessionMetadata())
WHOLE = format_session_file(SESSION, METADATA)

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not on PATH"
)


# ------------------------------------------------------------ what is read


def test_round_trip():
    """Session and metadata come back as they were written."""
    file = parse_session_file(WHOLE, "f")
    assert (file.session, file.metadata, file.format) == (SESSION, METADATA, "pem+metadata")


def test_every_field_has_a_key():
    """No field of the metadata is forgotten in the file."""
    assert {field.name for field in fields(SessionMetadata)} == {*KEYS.values(), "other"}
    assert [line.split(b":")[0].decode() for line in WHOLE.splitlines()[: len(KEYS)]] == [*KEYS]


@each_row("name", sessions.NAMES)
def test_der_and_bare_pem(name):
    """Sessions without metadata are read from DER and from PEM."""
    session = sessions.session(name)
    file = parse_session_file(session.data, "f")
    assert (file.session, file.metadata, file.format) == (session, SessionMetadata(), "der")
    bare = parse_session_file(format_session_file(session, SessionMetadata()), "f")
    assert (bare.session, bare.metadata, bare.format) == (session, SessionMetadata(), "pem")


def test_short_der():
    """DER of less than 128 bytes, whose length is a printable character, is DER all the same."""
    session = sessions.altered("openssl40-psk-too-early", peer=None)
    assert len(session.data) < 128
    assert parse_session_file(session.data, "f").session == session


def test_file_of_s_client():
    """The file that `openssl s_client -sess_out` wrote is read."""
    file = read_session_file(str(sessions.VECTORS / "openssl30-psk.pem"))
    assert file.session == sessions.session("openssl30-psk")


def test_other_line_ends():
    """CRLF, a missing last line end and trailing blank lines are no fault."""
    for data in (WHOLE.replace(b"\n", b"\r\n"), WHOLE.rstrip(), WHOLE + b"\n \r\n"):
        assert parse_session_file(data, "f").metadata == METADATA


def test_unknown_keys_are_kept():
    """Lines of others are kept and written again; what is no `Key: value` line is passed over."""
    data = b"X-Ticket: OPS-1\nSSL-Session:\n    Protocol  : TLSv1.3\nfree text\n" + PEM
    metadata = parse_session_file(data, "f").metadata
    assert metadata == SessionMetadata(other=(("X-Ticket", "OPS-1"),))
    assert format_session_file(SESSION, metadata) == b"X-Ticket: OPS-1\n" + PEM


def test_hostile_values_stay_on_their_line():
    """A value with line ends or control characters is written as escapes, and is one value."""
    hostile = replace(METADATA, sni="a\nPort: 1\r\x1b[31m\u202e", other=(("X", "\u2028"),))
    again = parse_session_file(format_session_file(SESSION, hostile), "f").metadata
    assert again.sni == "a\\nPort: 1\\r\\x1b[31m\\u202e"
    assert again.port == METADATA.port
    assert again.other == (("X", "\\u2028"),)


# --------------------------------------------------------- what is refused

CERTIFICATE = certificates.authority_pem()
KEY = certificates.localhost().key_pem
BLOCK = PEM.splitlines(keepends=True)

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \r\n", "is empty"),
    "text": (b"hello\n", "text without a PEM block"),
    "truncated": (PEM[: len(PEM) // 2], "cut short: the block has no END line"),
    "end only": (BLOCK[-1], "text without a PEM block"),
    "end first": (BLOCK[-1] + PEM, "cut short"),
    "other end": (PEM.replace(b"END SSL", b"END TLS"), "cut short"),
    "binary": (b"\x89PNG\xff\xfe", "binary data"),
    "nul": (b"Target: a\0b\n" + PEM, "line 1: control characters"),
    "escape": (b"X: 1\nSNI: \x1b[2J\n" + PEM, "line 2: control characters"),
    "bidi": ("SNI: \u202eevil\n".encode() + PEM, "line 1: control characters"),
    "certificate": (CERTIFICATE, "it is a certificate"),
    "key": (KEY, "it is a private key"),
    "request": (PEM.replace(b"SSL SESSION PARAMETERS", b"CERTIFICATE REQUEST"), "request"),
    "other": (PEM.replace(b"SSL SESSION PARAMETERS", b"PARADOX"), "labelled 'PARADOX'"),
    "with a key": (PEM + KEY, "something else beside the session: a private key"),
    "two": (PEM + PEM, "holds 2 sessions"),
    "no base64": (PEM.replace(BLOCK[2], b"!" + BLOCK[2]), "no base64"),
    "bad padding": (PEM.replace(BLOCK[2], BLOCK[2][1:]), "damaged"),
    "encrypted": (
        BLOCK[0] + b"Proc-Type: 4,ENCRYPTED\n\n" + b"".join(BLOCK[1:]),
        "encrypted",
    ),
    "empty block": (BLOCK[0] + BLOCK[-1], "damaged"),
    "twice": (b"Port: 1\nPort: 2\n" + PEM, "line 2: Port is given twice"),
    "port": (b"Port: 65536\n" + PEM, "line 1: '65536' is no port"),
    "no port": (b"Port: https\n" + PEM, "line 1: 'https' is no port"),
    "other digits": ("Port: \u0664\u0662\n".encode() + PEM, "is no port"),
    "tickets": (b"Tickets: -1\n" + PEM, "is no tickets number"),
    "trailing": (DER + b"xyz", "3 bytes after the session"),
    "short der": (DER[:-5], f"cut short: {len(DER) - 5} bytes of a session of {len(DER)}"),
    "two ders": (DER + DER, f"{len(DER)} bytes after the session"),
    "der certificate": (sessions.SESSION_PEER, "it is a certificate"),
    "der key": (base64.b64decode(b"".join(KEY.splitlines()[1:-1])), "it is a private key"),
    "flipped": (DER.replace(b"\x02\x02\x03\x04", b"\x02\x03\x03\x04"), "damaged"),
    "version": (DER.replace(b"\x02\x02\x03\x04", b"\x02\x02\x04\x04"), "0x0404"),
    "large": (b"X: " + b"x" * LARGEST + b"\n" + PEM, "too large"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case, tmp_path):
    """Each kind of bad file is refused with a line of its own, that names the file."""
    data, message = BAD[case]
    path = tmp_path / "bad.pem"
    path.write_bytes(data)
    with pytest.raises(SessionFileError) as caught:
        read_session_file(str(path))
    assert message in caught.value.message
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message
    assert caught.value.path == str(path)
    assert caught.value.exit_status is ExitStatus.FILE


@given(st.one_of(st.binary(), st.binary().map(lambda junk: PEM + junk)))
def test_any_bytes(data):
    """Any bytes give a session or our error."""
    with suppress(SessionFileError):
        parse_session_file(data, "f")


@given(st.data())
def test_any_damage(data):
    """A file with some bytes replaced gives a session or our error."""
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SessionFileError):
        parse_session_file(bytes(damaged), "f")


_TEXT = st.text(min_size=1)


@given(_TEXT, _TEXT, _TEXT)
def test_any_metadata(target, sni, alpn):
    """Whatever the values are, one file with the same keys comes out."""
    metadata = SessionMetadata(target=target, sni=sni, alpn=alpn)
    try:
        data = format_session_file(SESSION, metadata)
    except UnicodeEncodeError:
        pytest.fail("a value could not be written")
    file = parse_session_file(data, "f")
    assert file.session == SESSION
    assert (file.metadata.port, file.metadata.other) == (None, ())


# --------------------------------------------------------- paths and pipes


def test_a_missing_file(tmp_path):
    """A missing file is said to be missing."""
    with pytest.raises(SessionFileError, match="no such file"):
        read_session_file(str(tmp_path / "missing" / "session.pem"))


def test_a_folder(tmp_path):
    """A folder is said to be one."""
    with pytest.raises(SessionFileError, match="is a folder"):
        read_session_file(str(tmp_path))


def test_an_unreadable_file(tmp_path, monkeypatch):
    """A file that may not be read is said to be so."""
    path = tmp_path / "s.pem"
    path.write_bytes(WHOLE)
    path.chmod(0)
    if os.geteuid() == 0:  # who may read every file: the system's answer to others is played

        def refused(*_: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "open", refused)
    with pytest.raises(SessionFileError, match="permission denied"):
        read_session_file(str(path))


def test_an_impossible_name():
    """A name that no file can have is an error of ours."""
    with pytest.raises(SessionFileError):
        read_session_file("a\0b")


def test_a_socket(tmp_path):
    """A socket is refused."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(SessionFileError):
            read_session_file(str(path))


def test_an_endless_device():
    """No more than a session file's size is read of an endless file."""
    with pytest.raises(SessionFileError, match="too large"):
        read_session_file("/dev/zero")


def test_a_link_is_followed(tmp_path):
    """A symbolic link is read through, and the file's own mode counts."""
    (tmp_path / "s.pem").write_bytes(WHOLE)
    (tmp_path / "s.pem").chmod(0o600)
    (tmp_path / "link").symlink_to("s.pem")
    file = read_session_file(str(tmp_path / "link"))
    assert (file.metadata, file.mode, file.warnings) == (METADATA, 0o600, ())


def test_a_pipe_is_read(tmp_path, monkeypatch):
    """A pipe whose writer is slower than we are is waited for, and has no mode."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writers = [os.open(path, os.O_RDWR)]
    wait = select.select

    def write_at_last(*arguments):
        if writers:
            os.write(writers[0], WHOLE)
            os.close(writers.pop())
        return wait(*arguments)

    monkeypatch.setattr(select, "select", write_at_last)
    file = read_session_file(str(path))
    assert (file.metadata, file.mode, writers) == (METADATA, None, [])


def test_a_pipe_whose_writer_is_gone(tmp_path):
    """What a quick writer left in a pipe is read, as with a shell's <(...)."""
    reading, writing = os.pipe()
    os.write(writing, WHOLE)
    os.close(writing)
    try:
        assert read_session_file(f"/dev/fd/{reading}").metadata == METADATA
    finally:
        os.close(reading)


def test_a_pipe_without_a_writer(tmp_path):
    """A pipe that nobody writes to is empty at once."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SessionFileError, match="is empty"):
        read_session_file(str(tmp_path / "pipe"))


def test_a_silent_pipe(tmp_path, monkeypatch):
    """A pipe whose writer says nothing is given up."""
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        with pytest.raises(SessionFileError, match="nothing came from"):
            read_session_file(str(tmp_path / "pipe"))
    finally:
        os.close(writer)


def test_standard_input(monkeypatch):
    """`-` is standard input."""
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=BytesIO(WHOLE)))
    file = read_session_file("-")
    assert (file.path, file.metadata) == ("standard input", METADATA)


@pytest.mark.parametrize(
    ("mode", "warning"),
    [
        (0o600, None),
        (0o400, None),
        (0o644, "others can read this file (mode 0644)"),
        (0o640, "others can read this file (mode 0640)"),
        (0o620, "others can change this file (mode 0620)"),
    ],
)
def test_permissions(tmp_path, mode, warning):
    """A file that others can read or change is warned about, with the remedy."""
    path = tmp_path / "my session.pem"
    path.write_bytes(WHOLE)
    path.chmod(mode)
    file = read_session_file(str(path))
    assert file.mode == mode
    if warning is None:
        assert file.warnings == ()
    else:
        assert file.warnings == (
            f"{warning}: it holds secrets; chmod 600 '{tmp_path}/my session.pem'",
        )


def test_written_files_are_private(tmp_path):
    """What is written is for its owner only, and is not written over."""
    path = tmp_path / "s.pem"
    write_session_file(str(path), WHOLE)
    assert read_session_file(str(path)).mode == 0o600
    with pytest.raises(OutputFileError, match="exists already"):
        write_session_file(str(path), PEM)
    write_session_file(str(path), PEM, force=True)
    assert path.read_bytes() == PEM


# ------------------------------------------------------------------ openssl


@needs_openssl
@pytest.mark.parametrize("name", sessions.NAMES)
def test_sess_id_reads_ours(tmp_path, name):
    """`openssl sess_id` reads what we write, metadata or not, and gives the same DER."""
    session = sessions.session(name)
    path = tmp_path / "s.pem"
    for metadata in (METADATA, SessionMetadata(), replace(METADATA, sni="x" * 5000)):
        write_session_file(str(path), format_session_file(session, metadata), force=True)
        text = subprocess.run(
            ["openssl", "sess_id", "-in", path, "-noout", "-text"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert session.fields.tls_version.label in text
        if session.fields.group_name == "x25519":
            again = ["openssl", "sess_id", "-in", path, "-outform", "DER"]
            assert subprocess.run(again, capture_output=True, check=True).stdout == session.data


@needs_openssl
def test_sess_id_text_form_is_read(tmp_path):
    """The output of `openssl sess_id -text`, text and PEM, is read."""
    source = sessions.VECTORS / "openssl30-psk.pem"
    out = subprocess.run(
        ["openssl", "sess_id", "-in", source, "-text"], capture_output=True, check=True
    ).stdout
    assert parse_session_file(out, "f").session == sessions.session("openssl30-psk")


def s_client(port: str, version: str, option: str, path: Path) -> str:
    """One connection of s_client that asks for a page, and so waits for TLS 1.3 tickets."""
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", f"-tls{version.replace('.', '_')}",
         "-ign_eof", option, path],
        input="GET / HTTP/1.0\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,  # it also ends with 1 where the server closes first
    ).stdout  # fmt: skip


@needs_openssl
def test_s_client_resumes_with_ours(tmp_path, tls_version):
    """A session that s_client saved, read and written by us, resumes in s_client."""
    identity = certificates.localhost()
    (tmp_path / "chain.pem").write_bytes(identity.certificate_pem)
    (tmp_path / "key.pem").write_bytes(identity.key_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www"]
    command += ["-cert", tmp_path / "chain.pem", "-key", tmp_path / "key.pem"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            assert server.stdout is not None
            port = next(
                match[1]
                for line in server.stdout
                if (match := re.match(r"ACCEPT .*:(\d+)", line.decode()))
            )
            theirs, ours = tmp_path / "theirs.pem", tmp_path / "ours.pem"
            assert f"New, TLSv{tls_version}" in s_client(port, tls_version, "-sess_out", theirs)
            data = format_session_file(read_session_file(str(theirs)).session, METADATA)
            write_session_file(str(ours), data)
            assert f"Reused, TLSv{tls_version}" in s_client(port, tls_version, "-sess_in", ours)
        finally:
            server.terminate()


def test_a_block_with_letters_beyond_ascii():
    """Letters that no base64 has, of any alphabet, make a damaged file and no bug."""
    for letter in ("é", "漢", "\uff21", "\u0661"):
        text = "-----BEGIN {0}-----\nMII{1}\n-----END {0}-----\n".format(
            "SSL SESSION PARAMETERS", letter
        )
        with pytest.raises(SessionFileError, match="is damaged: its block is no base64"):
            parse_session_file(text.encode(), "f")


def test_the_saved_target_is_read_once_and_typed():
    """With the file its target is known: host, port, the saved SNI and STARTTLS; a line that names
    none is told when it is needed, and not before."""
    whole = SessionMetadata(target="a.example:25", starttls="smtp", sni="b.example")
    saved = parse_session_file(format_session_file(SESSION, whole), "f").saved
    assert saved is not None
    target = saved.required
    assert (target.name, target.starttls, target.server_name) == (
        "a.example:25",
        "smtp",
        "b.example",
    )
    none = parse_session_file(format_session_file(SESSION, SessionMetadata()), "f")
    assert none.saved is None
    odd = parse_session_file(format_session_file(SESSION, replace(whole, target="a b:1:2")), "f")
    assert odd.saved is not None
    assert odd.saved.target is None
    with pytest.raises(UsageError) as error:
        _ = odd.saved.required
    assert error.value.message == odd.saved.wrong
    assert replace(odd, metadata=whole).saved == saved
