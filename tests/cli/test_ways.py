"""Options on the way to a target: what each becomes, what is refused, where secrets are from."""

from __future__ import annotations

import click
import pytest

from tests.helpers.commands import runner
from tests.helpers.rows import each_row
from tlsresume.cli.connecting import Connection, connection_options
from tlsresume.errors import UsageError
from tlsresume.features.ftps.command_options import ftp_options
from tlsresume.options import FTPLogin
from tlsresume.sessions.file import saved_target_of
from tlsresume.sessions.metadata import SessionMetadata
from tlsresume.targets.proxies import Proxy, ProxyHeader
from tlsresume.targets.target import Target

SMTP = saved_target_of(SessionMetadata(target="a.example:25", starttls="smtp"))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("SSLKEYLOGFILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
                 "TLSRESUME_PROXY_PASSWORD", "TLSRESUME_FTP_PASSWORD"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def connection(*arguments: str) -> Connection:
    found: list[Connection] = []

    @click.command()
    @connection_options
    def command(connection: Connection) -> None:
        found.append(connection)

    command.main(list(arguments), standalone_mode=False)
    return found[0]


def target(*arguments: str, text: str = "a.example") -> Target:
    return connection(*arguments).target(text)


def login(*arguments: str) -> FTPLogin:
    found: list[FTPLogin] = []

    @click.command()
    @ftp_options
    def command(ftp: FTPLogin) -> None:
        found.append(ftp)

    command.main(list(arguments), standalone_mode=False)
    return found[0]


def test_starttls_and_resolve_reach_the_target():
    """Each option sets its one field."""
    assert target("--starttls", "smtp").starttls == "smtp"
    assert target(text="a.example:25").starttls == "smtp"
    assert target("--starttls", "none", text="a.example:25").starttls is None
    assert target("--resolve", "a.example:443:192.0.2.1").addresses == ("192.0.2.1",)


def test_a_proxy_and_its_password(tmp_path, monkeypatch):
    """From a file before the environment; never from the URL."""
    monkeypatch.setenv("TLSRESUME_PROXY_PASSWORD", "of the environment")
    found = target("--proxy", "http://me@p.example:1").proxy
    assert found == Proxy("http", "p.example", 1, "me", "of the environment")
    file = tmp_path / "password"
    file.write_bytes(b"of the file\r\nand more\n")
    found = target("--proxy", "http://me@p.example:1", "--proxy-password-file", str(file)).proxy
    assert found is not None
    assert found.login == ("me", b"of the file")
    with pytest.raises(UsageError):
        target("--proxy", "http://me:pw@p.example:1")


def test_the_proxy_of_the_environment(monkeypatch):
    """Only when asked for, and not where it is forbidden, or for a socket."""
    monkeypatch.setenv("HTTPS_PROXY", "http://p.example:3128")
    monkeypatch.setenv("NO_PROXY", "b.example")
    assert target().proxy is None
    assert target("--proxy-env").proxy == Proxy("http", "p.example", 3128)
    assert target("--proxy-env", text="b.example").proxy is None
    assert target("--proxy-env", text="unix:/run/a").proxy is None


def test_proxy_headers():
    """v1, v2, and a source."""
    assert target("--proxy-protocol", "v1").proxy_header == ProxyHeader(1)
    found = target("--proxy-protocol", "v2", "--proxy-source", "[2001:db8::1]:7").proxy_header
    assert found == ProxyHeader(2, ("2001:db8::1", 7))


@each_row(
    "arguments",
    [
        ["--proxy", "http://p", "--proxy-env"],
        ["--proxy-source", "192.0.2.1"],
        ["--proxy-password-file", __file__],
        ["--starttls", "gopher"],
        ["--proxy-protocol", "v3"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments):
    """Said before anything is connected to."""
    with pytest.raises(click.UsageError):
        target(*arguments)


def test_a_session_file_keeps_its_prelude():
    """A saved target goes another way only where the options say so."""
    saved = connection("--connect", "127.0.0.1").saved_target(SMTP)
    assert saved is not None
    assert (saved.starttls, saved.connect) == ("smtp", ("127.0.0.1", 25))
    assert connection().saved_target(SMTP) is None
    plain = connection("--connect", "127.0.0.1").saved_target(
        saved_target_of(SessionMetadata(target="a.example:25"))
    )
    assert plain is not None
    assert plain.starttls is None
    other = connection("--starttls", "lmtp").saved_target(SMTP)
    assert other is not None
    assert other.starttls == "lmtp"


def test_who_logs_in_to_an_ftp_server(tmp_path, monkeypatch):
    """Anonymous, unless named; the password from a file or the environment."""
    assert login() == FTPLogin()
    monkeypatch.setenv("TLSRESUME_FTP_PASSWORD", "of the environment")
    assert login("--ftp-user", "me") == FTPLogin("me", "of the environment")
    file = tmp_path / "password"
    file.write_text("of the file\n")
    found = login("--ftp-user", "me", "--ftp-password-file", str(file))
    assert found == FTPLogin("me", "of the file")
    assert "of the file" not in repr(found)


@pytest.mark.parametrize(
    "arguments", [["--ftp-user", "me"], ["--ftp-password-file", __file__], ["--ftp-user", "a\r\nb"]]
)
def test_logins_that_make_no_sense(arguments, monkeypatch):
    """No password, no user, or a line end that would be another command."""
    if "\r" in arguments[1]:
        monkeypatch.setenv("TLSRESUME_FTP_PASSWORD", "x")
    with pytest.raises((click.UsageError, UsageError)):
        login(*arguments)


def test_the_plan_of_an_ftp_server_has_its_data_connections(capsys):
    """--plan says what would be done, and how it would be reached."""
    status, out, err = runner(capsys)("probe", "ftp://a.example", "--plan")
    assert (status, err) == (0, "")
    assert "FTPS data connections" in out
    assert "STARTTLS ftp" in out
