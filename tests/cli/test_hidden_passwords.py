"""Passwords in targets, proxies and options: in no output, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.helpers.commands import runner
from tests.helpers.peers import refused_port
from tlsresume.errors import UsageError
from tlsresume.formats import FORMATS
from tlsresume.targets.endpoints import parse_host, without_login, without_logins
from tlsresume.targets.proxies import Proxy, parse_proxy
from tlsresume.targets.target import parse_resolve, parse_target

SECRET = "S3cr"
#: Ways in which somebody writes a user and a password, `{}` being those.
LOGINS = (
    "u:S3cret@",
    "S3cret@",
    "u:S3cr@et@",
    "u:S3cr/et@",
    "u:S3cr#et@",
    "u:S3cr?et@",
    "u%3AS3cret%40",
)
PLACES = ("h", "h:443", "h:99999", "h:x", "[::1", "[::1]:443", "h/path", "h:1:2", "", "-bad-", "h ")
SCHEMES = (
    "", "https://", "HTTPS://", "http://", "foo://", "smtp://", "ftp://", "ldaps://", "http:/",
    "https:", "//", "unix:", "://",
)  # fmt: skip
#: Options that take a host, an address or a URL.
OPTIONS = ("--proxy", "--connect", "--servername", "--resolve", "--proxy-source")


@pytest.fixture
def run(capsys):
    return runner(capsys)


def what_comes_out(parse: Callable[[str], object], text: str) -> str:
    """All that an error says; of a value, what is shown of it, but for a proxy's user."""
    try:
        found = parse(text)
    except UsageError as error:
        return " ".join((str(error), *error.hints))
    return repr(replace(found, user=None) if isinstance(found, Proxy) else found)


def test_no_parser_repeats_a_password():
    """A target, a proxy, a host and a rule with a login are refused without it, or read."""
    for scheme in SCHEMES:
        for login in LOGINS:
            for place in PLACES:
                text = scheme + login + place
                for parse in (parse_target, parse_proxy, parse_resolve, lambda t: parse_host(t, t)):
                    assert SECRET not in what_comes_out(parse, text), (text, parse)


def test_what_is_shown_instead():
    """The place stays to be seen, so that the error can be understood."""
    assert without_login("https://u:p@h:443") == "https://...@h:443"
    assert without_login("u:p@h") == "...@h"
    assert without_login("https://h/") == "https://h/"
    assert without_login("fe80::1%40") == "fe80::1%40"
    assert parse_target("https://h/a@b").host == "h"
    assert without_logins("no 'http://u:p@h' or a@b") == "no 'http://...@h' or a@b"
    with pytest.raises(UsageError, match=r"'https://\.\.\.@h'.*were not sent"):
        parse_target("https://u:p@h")


@pytest.mark.parametrize("command", ["probe", "save", "resume", "watch", "none"])
def test_no_command_repeats_a_password(run, command):
    """Each command that takes a target refuses one with a login, and shows it in no format."""
    before = {"none": (), "watch": ("watch", "--once")}.get(command, (command,))
    for scheme in ("", "https://", "http://", "foo://"):
        for extra in ((), ("--format", "json"), ("x", "y", "https://u:S3cret@h")):
            status, out, err = run(*before, f"{scheme}u:S3cret@h", *extra)
            assert status in (2, 5, 7), (command, scheme, status)
            if scheme or command != "none":
                assert SECRET not in out + err, (command, scheme, extra, out, err)


def test_no_option_repeats_a_password(run):
    """The same for each option that a target, an address or a URL is given to."""
    for option in OPTIONS:
        for scheme in ("", "http://", "https://", "socks5://", "foo://"):
            for login in LOGINS:
                status, out, err = run("probe", "127.0.0.1:1", option, f"{scheme}{login}h:1")
                assert status in (2, 5), (option, status, err)
                assert SECRET not in out + err, (option, scheme, login, err)


def test_no_format_tells_how_to_log_in(run, monkeypatch):
    """Passwords of a proxy, from the environment or a file, stand in no report of its failure."""
    monkeypatch.setenv("TLSRESUME_FTP_PASSWORD", "S3cretFTP")
    with refused_port() as port:
        monkeypatch.setenv("https_proxy", f"http://u:S3cret@127.0.0.1:{port}")
        for name in FORMATS:
            for target in ("https://127.0.0.1:9", f"ftp://127.0.0.1:{port}"):
                words = ("--proxy-env", "--ftp-user", "u", "--format", name, "-v")
                _, out, err = run("probe", target, *words)
                assert SECRET not in out + err, (name, target)
