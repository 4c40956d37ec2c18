"""The connection options: what each becomes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.helpers.rows import each_row
from tlsresume.cli.connecting import Connection, connection_options
from tlsresume.errors import FileError, UsageError
from tlsresume.features.fleet.command_lists import TargetList
from tlsresume.options import BOTH_VERSIONS, ConnectOptions
from tlsresume.sessions.file import saved_target_of
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.targets.endpoints import perhaps_meant
from tlsresume.tls.registry import ProtocolVersion

SAVED = saved_target_of(SessionMetadata(target="example.com:443", sni="sni.example"))


def parse(*arguments: str) -> Connection:
    """The Connection that a command line gives."""
    found: list[Connection] = []

    @click.command()
    @connection_options
    def command(connection: Connection) -> None:
        found.append(connection)

    command.main(list(arguments), standalone_mode=False)
    return found[0]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    monkeypatch.delenv("TLSRESUME_PASSPHRASE", raising=False)


def test_nothing_said_means_the_documented_defaults():
    """Without options, ConnectOptions are the library's defaults."""
    assert parse().options() == ConnectOptions()


@each_row(
    "arguments, field, value",
    [
        (["--tls", "1.2"], "tls", (ProtocolVersion.TLSv1_2,)),
        (["--tls", "1.3", "--tls", "1.2"], "tls", BOTH_VERSIONS),
        (["--ciphers", "ECDHE+AESGCM:!SHA1"], "ciphers", "ECDHE+AESGCM:!SHA1"),
        (["--ciphersuites", "TLS_AES_128_GCM_SHA256"], "ciphersuites", "TLS_AES_128_GCM_SHA256"),
        (["--groups", "x25519:secp256r1"], "groups", "x25519:secp256r1"),
        (["--alpn", "h2", "--alpn", "http/1.1"], "alpn", ("h2", "http/1.1")),
        (["--alpn", ""], "alpn", ()),
        (["--verify"], "verify", True),
        (["--timeout", "0.5"], "timeout", 0.5),
        (["--ticket-wait", "1"], "ticket_wait", 1.0),
        (["--send", r"A\r\n\x00\\\tB"], "send", b"A\r\n\x00\\\tB"),
        (["--send", "é"], "send", "é".encode()),
        (["--no-send"], "send", b""),
        (["--keylogfile", "keys.log"], "keylogfile", "keys.log"),
    ],
)
def test_each_option_reaches_its_field(arguments, field, value):
    """Each option sets its one field."""
    assert getattr(parse(*arguments).options(), field) == value


def test_the_key_log_also_comes_from_the_environment(monkeypatch, tmp_path):
    """SSLKEYLOGFILE names the key log as for other programs; empty means none."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert parse().options().keylogfile == str(tmp_path / "keys")
    monkeypatch.setenv("SSLKEYLOGFILE", "")
    assert parse().options().keylogfile is None


@each_row(
    "arguments",
    [
        ["--timeout", "0"],
        ["--timeout", "-1"],
        ["--timeout", "nan"],
        ["--timeout", "inf"],
        ["--timeout", "1e9"],
        ["--ticket-wait", "601"],
        ["--ciphers", ""],
        ["--ciphers", "A\nB"],
        ["--alpn", "x" * 256],
        ["--alpn", "h2", "--alpn", ""],
        ["--send", r"\q"],
        ["--send", r"\x4"],
        ["--send", "end\\"],
        # Nothing can be in a file as in a folder.
        ["--cafile", f"{__file__}/missing"],
        ["--capath", f"{__file__}/missing"],
        ["--keylogfile", "/"],
        ["--tls", "1.1"],
        ["-4", "-6"],
        ["--send", "x", "--no-send"],
        ["--servername", "a", "--no-sni"],
        ["--key", __file__],
        ["--passphrase-file", __file__],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments):
    """Values out of range, unknown escapes, missing files and contradictions are refused."""
    with pytest.raises(click.UsageError) as error:
        parse(*arguments)
    assert error.value.exit_code == 2


def test_the_route_is_in_the_target():
    """Names, address and family become part of the Target."""
    connection = parse("--servername", "other.example", "--connect", "[::1]:4433", "-6")
    target = connection.target("https://example.com/path")
    assert (target.name, target.server_name) == ("example.com:443", "other.example")
    assert (target.connect, target.family) == (("::1", 4433), "ipv6")
    assert parse("--sni", "x").target("y").server_name == "x"
    assert parse("--no-sni").target("y").server_name is None
    assert parse("-4").target("y").family == "ipv4"


def test_a_saved_target_follows_the_options():
    """The target in a session file is taken anew only where an option says another way."""
    assert parse().saved_target(SAVED) is None
    assert parse("-4").saved_target(None) is None
    moved = parse("--connect", "127.0.0.1").saved_target(SAVED)
    assert moved is not None
    assert (moved.connect, moved.server_name) == (("127.0.0.1", 443), "sni.example")
    renamed = parse("--servername", "new.example").saved_target(SAVED)
    assert renamed is not None
    assert renamed.server_name == "new.example"


def key_files(folder: Path, *, encrypted: bool) -> tuple[str, str]:
    word = "ENCRYPTED " if encrypted else ""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    key.write_text(f"-----BEGIN {word}PRIVATE KEY-----\n")
    return str(certificate), str(key)


def test_a_plain_key_needs_no_passphrase(tmp_path):
    """A key that is not encrypted is used as it is; its file defaults to the certificate's."""
    certificate, key = key_files(tmp_path, encrypted=False)
    found = parse("--cert", certificate, "--key", key).options().certificate
    assert found is not None
    assert (found.certificate, found.key, found.passphrase) == (certificate, key, None)
    alone = parse("--cert", certificate).options().certificate
    assert alone is not None
    assert alone.key == certificate


def test_a_passphrase_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    """--passphrase-file comes before $TLSRESUME_PASSPHRASE; one line ending is not part of it."""
    certificate, key = key_files(tmp_path, encrypted=True)
    monkeypatch.setenv("TLSRESUME_PASSPHRASE", "from the environment")
    given = parse("--cert", certificate, "--key", key).options().certificate
    assert given is not None
    assert given.passphrase == b"from the environment"
    (tmp_path / "pass").write_bytes(b" from a file \r\nsecond line")
    named = parse("--cert", certificate, "--key", key, "--passphrase-file", str(tmp_path / "pass"))
    found = named.options().certificate
    assert found is not None
    assert found.passphrase == b" from a file "


def test_without_a_terminal_nobody_is_asked(tmp_path, monkeypatch):
    """An encrypted key without a passphrase, and no terminal to ask on, is a usage error."""
    certificate, key = key_files(tmp_path, encrypted=True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UsageError, match="encrypted"):
        parse("--cert", certificate, "--key", key).options()


def test_on_a_terminal_the_passphrase_is_asked_for(tmp_path, monkeypatch):
    """On a terminal the passphrase of an encrypted key is asked for, unseen."""
    certificate, key = key_files(tmp_path, encrypted=True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []

    def prompt(text: str, **how: object) -> str:
        asked.append((text, how))
        return "typed"

    monkeypatch.setattr(click, "prompt", prompt)
    found = parse("--cert", certificate, "--key", key).options().certificate
    assert found is not None
    assert found.passphrase == b"typed"
    assert asked == [(f"Passphrase of {key}", {"hide_input": True, "err": True})]


# ------------------------------------------------------------- a file of targets


def read(path: Path, text: str | bytes, *arguments: str):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return entries(path, parse(*arguments))


def entries(path: Path, connection):
    with TargetList((), str(path), connection, expand_networks=False, skip_bad=None) as many:
        many.check()
        return list(many._entries_of_all())


def test_a_line_is_a_target_with_options_of_its_own(tmp_path):
    """A line's options come before those of the command line, which stand for the others."""
    text = """
# the whole line is a comment
one.example            # so is the end of this
two.example:8443 --tls 1.2 --servername 'other name' --no-send
three.example --sni three
"""
    text = text.replace("'other name'", '"other.example"')
    found = read(tmp_path / "t", text, "--tls", "1.3", "--no-sni", "--send", "x")
    assert [target.name for target, _ in found] == [
        "one.example:443",
        "two.example:8443",
        "three.example:443",
    ]
    assert [target.server_name for target, _ in found] == [None, "other.example", "three"]
    options = [connection.options() for _, connection in found]
    assert [each.send for each in options] == [b"x", b"", b"x"]
    assert [each.tls for each in options] == [
        (ProtocolVersion.TLSv1_3,),
        (ProtocolVersion.TLSv1_2,),
        (ProtocolVersion.TLSv1_3,),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good.example\na..b\n", "line 2: 'a..b' is not a target"),
        ("x --frob\n", "line 1: no such option"),
        ("x y\n", "line 1: got unexpected extra argument"),
        ("\n\nx 'open\n", "line 3: no closing quotation"),
        ("--tls 1.2\n", "line 1: missing argument 'TARGET'"),
        ("x --timeout nan\n", "line 1: invalid value for '--timeout'"),
        ("# nothing\n", "names no target"),
        ("", "names no target"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, message):
    """What is wrong with a list of targets is said with file and line."""
    with pytest.raises(UsageError) as error:
        read(tmp_path / "targets.txt", text)
    assert message in error.value.message
    assert "targets.txt" in error.value.message


def test_a_list_that_cannot_be_read_is_a_file_error(tmp_path):
    """A missing list, a folder and binary data are file errors."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(FileError):
            entries(path, parse())
    with pytest.raises(FileError, match="not UTF-8"):
        read(tmp_path / "binary", b"\xff\xfe\x00")


@each_row(
    "text, meant",
    [
        ("::1:4431", "[::1]:4431"),
        ("2001:db8::1:443", "[2001:db8::1]:443"),
        ("::1", None),
        ("2001:db8::53", None),
        ("2001:db8:1:2:3:4:5:443", None),
        ("[::1]:443", None),
        ("192.0.2.1:443", None),
        ("localhost:443", None),
    ],
)
def test_an_address_that_may_hold_a_port_is_told_apart(text, meant):
    """A port behind an IPv6 address without brackets reads as its last group: that is said."""
    assert perhaps_meant(text) == meant


def test_a_line_is_read_by_its_own_options_only():
    """Lists are long: a line costs what it says, and says what the whole command would make of it."""
    from tlsresume.cli import connecting

    lines = (
        ["a.example"],
        ["a.example", "--servername", "b.example", "-4"],
        ["a.example", "--timeout=3", "--send", "--verify"],
        ["a.example", "--no-sni", "--tls", "1.2", "--tls=1.3"],
        ["--", "-odd.example"],
        ["a.example", "--send", "-x"],
        ["a.example", "-46"],
        ["a.example", "--no-such-option"],
        ["a.example", "b.example", "--verify"],
        ["--verify"],
    )
    for words in lines:
        outcomes: list[object] = []
        for command in (connecting._line_command, connecting._command_for(list(words))):
            try:
                context = command.make_context("line", list(words))
            except click.ClickException as error:
                outcomes.append((type(error), error.format_message()))
                continue
            said = {
                name: value
                for name, value in context.params.items()
                if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
            }
            outcomes.append(said)
        assert outcomes[0] == outcomes[1], words
    assert len(connecting._command_for(["a", "-4"]).params) == 2
