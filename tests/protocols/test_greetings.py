"""Greetings are recognised well enough to name the option that helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.rows import assert_complete, each_row
from tlsresume.protocols.greetings import AT_ONCE, hint_for_plain, hint_for_words
from tlsresume.protocols.rows import ROWS
from tlsresume.protocols.table import STARTTLS, starttls_by_greeting

GREETINGS = [
    (b"220 mx1.example ESMTP Exim 4.96\r\n", ("smtp",)),
    (b"220 mail.example SMTP ready\r\n", ("smtp",)),
    (b"220 mail.example LMTP Postfix\r\n", ("lmtp",)),
    (b"220 ftp.example ESMTP Postfix\r\n", ("smtp",)),
    (b"220 smtp.example ESMTP LMTP Postfix\r\n", ("lmtp",)),
    (b"220 (vsFTPd 3.0.3)\r\n", ("ftp",)),
    (b"220-Welcome to Pure-FTPd\r\n", ("ftp",)),
    (b"220 mail.example ready\r\n", ("smtp", "lmtp", "ftp")),
    (b"200 news.example InterNetNews ready\r\n", ("nntp",)),
    (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", ("imap",)),
    (b"+OK POP3 ready\r\n", ("pop3",)),
    (b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n', ("sieve",)),
    (b"<?xml version='1.0'?><stream:stream", ("xmpp", "xmpp-server")),
    (b":irc.example NOTICE * :*** Looking up your hostname\r\n", ("irc",)),
    (b"d\x00\x00\x00\x0a5.5.5-10.11.19-MariaDB\x00", ("mysql",)),
    (b"J\x00\x00\x00\x0a8.0.36\x00", ("mysql",)),
]


@each_row("said, names", GREETINGS, ids=lambda value: str(value)[:20])
def test_a_greeting_names_its_protocol(said, names):
    """Who began with TLS is told by which option it starts there."""
    assert starttls_by_greeting(said) == names
    (hint,) = hint_for_plain(said)
    assert f"--starttls {' or '.join(names)}" in hint
    assert f"{names[0]}://" in hint


@each_row("said, names", GREETINGS, ids=lambda value: str(value)[:20])
def test_another_protocols_greeting_names_it(said, names):
    """Who named the wrong protocol is told which one it looks like."""
    (hint,) = hint_for_words(said)
    assert hint.endswith(f"--starttls {' or '.join(names)}")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"\x15\x03\x01\x00\x02\x02F"])
def test_an_answer_of_tls_or_https_says_that_tls_starts_at_once(said):
    """A TLS server answers clear words with an alert, or as an HTTP server."""
    assert hint_for_words(said) == (AT_ONCE,)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x01\x02", b"hello"])
def test_what_is_not_known_gets_no_guess(said):
    """A wrong hint would be worse than none."""
    assert hint_for_plain(said) == hint_for_words(said) == ()


def test_every_greeting_has_an_example():
    """No protocol whose servers greet in clear is left out here."""
    shown = {name for _, names in GREETINGS for name in names}
    wanted = {row.name for row in ROWS if row.greeting or row.perhaps}
    assert_complete(shown, wanted, "tests/protocols/test_greetings.py, GREETINGS")


@given(st.binary(max_size=64))
def test_any_bytes_give_known_names_only(said):
    """Whatever a server says, only preludes that exist are named."""
    assert set(starttls_by_greeting(said)) <= set(STARTTLS)
