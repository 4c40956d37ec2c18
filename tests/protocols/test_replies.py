from __future__ import annotations

import pytest

from tests.helpers.preludes import HONEST, play
from tests.helpers.rows import each_row
from tlsresume.errors import PreludeError
from tlsresume.protocols.table import script_of
from tlsresume.protocols.talk import LARGEST, Prelude

#: protocol, what the server says in turn, the kind of error, words that must be in it
UNWILLING = [
    ("smtp", (b"554 go away\r\n",), "refused", "554 go away"),
    ("smtp", (b"421-busy\r\n421 later\r\n",), "rate-limit", "421 busy / later"),
    ("smtp", (b"220 a\r\n", b"250-a\r\n250 SIZE\r\n"), "refused", "not among its extensions: SIZE"),
    ("smtp", (b"220 a\r\n", b"502 no EHLO\r\n"), "refused", "502 no EHLO"),
    ("smtp", (b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"454 no key\r\n"), "refused", "454"),
    ("smtp", (b"220-a\r\n221 b\r\n",), "garbled", "221 b"),
    ("smtp", (b"SSH-2.0-x\r\n",), "garbled", "SSH-2.0-x"),
    ("ftp", (b"220 a\r\n", b"530 log in first\r\n"), "refused", "530 log in first"),
    ("ftp", (b"120 in five minutes\r\n",), "refused", "120"),
    ("nntp", (b"400 off\r\n",), "refused", "400 off"),
    ("nntp", (b"200 a\r\n", b"580 no\r\n"), "refused", "580 no"),
    ("pop3", (b"-ERR busy\r\n",), "refused", "-ERR busy"),
    ("pop3", (b"+OK\r\n", b"-ERR unknown\r\n"), "refused", "-ERR unknown"),
    ("pop3", (b"220 smtp\r\n",), "garbled", "220 smtp"),
    ("imap", (b"* PREAUTH hello\r\n",), "refused", "PREAUTH"),
    ("imap", (b"* BYE busy\r\n",), "refused", "BYE busy"),
    ("imap", (b"* OK\r\n", b"A1 BAD what\r\n"), "refused", "A1 BAD what"),
    ("imap", (b"* OK\r\n", b"+ go\r\n"), "garbled", "+ go"),
    ("sieve", (b'"SASL" ""\r\nOK\r\n',), "refused", "not among its capabilities"),
    ("sieve", (b'BYE "busy"\r\n',), "refused", "BYE"),
    ("sieve", (b'"STARTTLS"\r\nOK\r\n', b'NO "no key"\r\n'), "refused", "no key"),
    ("irc", (b":a 451 * STARTTLS :register first\r\n",), "refused", "register first"),
    ("irc", (b":a 691 * :no\r\n",), "refused", "691"),
    ("irc", (b"ERROR :closing\r\n",), "refused", "closing"),
]


@each_row("size", [1, LARGEST])
@each_row("name, said, why, shown", UNWILLING)
def test_a_refusal_is_told_in_the_servers_words(name, said, why, shown, size):
    """The server's no, or nonsense, is an error that repeats it."""
    one = Prelude(script_of(name), "a.example")
    with pytest.raises(PreludeError) as caught:
        for text in said:
            for at in range(0, len(text), size):
                one.receive(text[at : at + size])
                one.drain()
    assert caught.value.why == why
    assert shown in caught.value.message


@pytest.mark.parametrize(
    ("name", "node"), [("smtp", "mx1.a.example"), ("lmtp", "store.a.example"), ("imap", None)]
)
def test_mail_servers_name_themselves(name, node):
    """The host name of the greeting tells nodes apart."""
    one = Prelude(script_of(name), "a.example")
    play(one, HONEST[name], LARGEST)
    assert one.node == node


@each_row("name", [b"[192.0.2.1]", b"\x1b[31m.x", b"localhost", b"-a.example", b""])
def test_what_is_no_host_name_names_no_node(name):
    """A node's name is a host name with a dot, or nothing."""
    one = Prelude(script_of("smtp"), "a.example")
    one.receive(b"220 %s ESMTP\r\n" % name)
    one.receive(b"250-%s\r\n" % name)
    assert one.node is None


def test_the_name_in_the_answer_to_ehlo_comes_first():
    """Behind a balancer's greeting the node says its own name later."""
    one = Prelude(script_of("smtp"), "a.example")
    one.receive(b"220 pool.a.example ESMTP\r\n")
    assert one.node == "pool.a.example"
    one.receive(b"250-Node7.A.example hello\r\n250 STARTTLS\r\n")
    assert one.node == "node7.a.example"
