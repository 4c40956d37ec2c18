"""protocols/: the work on a peer's words grows with their number, not with its square."""

from __future__ import annotations

import pytest

from tests.helpers.counting import Counted, CountedBuffer, counted
from tests.helpers.rows import assert_complete
from tlsresume.errors import PreludeError
from tlsresume.protocols import packets, replies, xmpp
from tlsresume.protocols import talk as talking
from tlsresume.protocols.table import STARTTLS, script_of
from tlsresume.protocols.talk import LARGEST, Prelude, Reading, Script, Talk
from tlsresume.targets import proxying
from tlsresume.targets.proxies import Proxy
from tlsresume.targets.proxying import TargetUnreachedError, connect

pytestmark = pytest.mark.slow

#: Words of which a hostile server may send as many as it likes, each piece repeated.
LINES = (
    b"220-x\r\n", b"250-x\r\n", b"220-", b" \n", b"\n", b"\r", b"* OK {0}\r\n", b"{0}\r\n",
    b"{1}\r\nx", b"{111111}", b"{{{{", b'"A" {0}\r\n', b'"A" "B"\r\n', b":a NOTICE * :x\r\n",
    b"PING :1\r\n", b": ", b":a", b"a.", b"1", b"\r\n\r", b"HTTP/1.1 200 ", b"A1 x", b"* x\r\n",
)  # fmt: skip
MARKUP = (
    b">", b"<", b'"', b"'", b'">"', b"'>", b"<a", b"<a>", b"</a>", b"<a/>", b" b='>'", b"a:",
    b"<?xml ?>", b"<?xml >", b"?>", b"-", b".",
)  # fmt: skip
PACKETS = (b"\0", b"\x30", b"\x84", b"\x04\x00", b"\x30\x00", b"\xff", b"M", b"M\0", b"\x0a")

#: What stands before that, to come deep into each script.
OPENINGS: dict[str, tuple[bytes, ...]] = {
    "imap": (b"", b"* OK ", b"* OK x\r\n", b"* OK x\r\n* x "),
    "sieve": (b"", b'"A" "', b'"STARTTLS"\r\n'),
    "smtp": (b"", b"220-", b"220 x\r\n", b"220 x\r\n250-"),
    "lmtp": (b"", b"220-", b"220 x\r\n", b"220 x\r\n250-"),
    "ftp": (b"", b"220-", b"220 x\r\n", b"220 x\r\n234-"),
    "nntp": (b"", b"200-", b"200 x\r\n"),
    "pop3": (b"", b"+OK ", b"+OK x\r\n+OK"),
    "irc": (b"", b":a ", b"PING "),
    "ldap": (b"", b"\x30\x82\x3f\xff\x02\x01\x01", b"\x30\x82\x3f\xff\x02\x01\x01\x78\x82\x3f\xf0"),
    "postgres": (b"", b"E\x00\x00\x3f\xff", b"N"),
    "mysql": (b"", b"\xff\x3f\x00\x00", b"\xff\x3f\x00\x00\x0a", b"\xff\x3f\x00\x00\xff\x01\x04"),
    "proxy": (b"", b"HTTP/1.1 200 ", b"HTTP/1.1 503 ", b"HTTP/1.1 200 OK\r\nA: "),
    **dict.fromkeys(
        ("xmpp", "xmpp-server"),
        (
            b"",
            b"<stream a='",
            b"<stream>",
            b"<stream><features>",
            b"<stream><features><a b='",
            b"<stream><error>",
            b"<?xml version='1.0'?>",
        ),
    ),
}
SCRIPTS: dict[str, Script] = {
    **{name: script_of(name) for name in STARTTLS},
    "proxy": connect(Proxy("http", "proxy.test", 8080), "a.test:443", "tlsresume"),
}

#: Bytes that a hostile peer sends in pieces of a size, as some fill what a segment holds. Of those
#: that come byte by byte fewer show as much, since each is a piece of its own.
BYTES = {1: 256, 1460: 2048}
#: How many times more a second one sends.
TIMES = 4
#: Each byte may be gone through this often; and that must not grow with their number.
PER_BYTE = 24


def pieces_of(name: str) -> tuple[bytes, ...]:
    if name.startswith("xmpp"):
        return MARKUP
    return PACKETS if name in ("ldap", "postgres", "mysql") else LINES


def work_on(script: Script, said: bytes, size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes gone through by a script that is told some words, in pieces of a size."""
    made = Talk.__init__

    def counting(self: Talk, *arguments: int) -> None:
        made(self, *arguments)
        self._in = CountedBuffer()

    exactly = Talk.exactly

    def counted_frame(self: Talk, count: int) -> Reading[bytes]:
        return Counted((yield from exactly(self, count)))

    with (
        monkeypatch.context() as patch,
        counted(packets, proxying, replies, talking, xmpp) as work,
    ):
        patch.setattr(Talk, "__init__", counting)
        patch.setattr(Talk, "exactly", counted_frame)
        one = Prelude(script, "a.example")
        try:
            for at in range(0, len(said), size):
                if one.done:
                    break
                one.receive(Counted(said[at : at + size]))
                one.drain()
            else:
                one.receive(b"")
        except (PreludeError, TargetUnreachedError) as error:
            message = str(error)
        else:
            message = ""
        assert len(message) < 600, (said[:80], len(message))
        return work.done


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() & OPENINGS))
def test_the_work_grows_with_the_bytes(name, monkeypatch):
    """Four times the bytes of a hostile peer cost at most about four times the work, however
    they are cut, whatever they are, and wherever in the conversation they come."""
    for opening in OPENINGS[name]:
        for piece in pieces_of(name):
            for size, least in BYTES.items():
                few, many = (
                    work_on(SCRIPTS[name], opening + piece * (count // len(piece)), size,
                            monkeypatch)
                    for count in (least, least * TIMES)
                )  # fmt: skip
                told = (opening, piece, size, few, many)
                assert few <= PER_BYTE * least, told
                # Who only waited for the rest of a packet begins to read it with more bytes.
                assert many <= TIMES * 1.1 * max(few, 4 * least) + 2000, told


def test_the_counting_sees_what_is_read_twice(monkeypatch):
    """A script that adds to one text and searches it each time, as two preludes once did, is
    caught: the growth test can fail."""

    def twice(talk: Talk, _host: str) -> Reading[None]:
        line = yield from talk.line()
        while True:
            line += yield from talk.line()

    for size, least in BYTES.items():
        few, many = (
            work_on(twice, b"{0}\r\n" * (count // 5), size, monkeypatch)
            for count in (least, least * TIMES)
        )
        assert many > TIMES * 1.1 * max(few, 4 * least) + 2000, size


def test_openings_are_of_every_prelude():
    """No prelude is left out here."""
    assert_complete(OPENINGS, SCRIPTS, "tests/protocols/test_growth.py, OPENINGS")
    assert max(BYTES.values()) * TIMES < LARGEST
