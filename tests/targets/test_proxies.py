"""Proxies and PROXY headers: what is parsed, what is sent, and who is blamed."""

from __future__ import annotations

import socket
import ssl
import threading
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.peers import refused_port
from tests.helpers.proxy_peer import HTTPProxy, SocksProxy
from tests.helpers.rows import each_row
from tlsresume.errors import PreludeError, UsageError
from tlsresume.options import ConnectOptions, SaveOptions
from tlsresume.protocols.talk import Prelude
from tlsresume.results.report import SaveResult
from tlsresume.runs.save import save
from tlsresume.server.acceptor import Acceptor
from tlsresume.targets.proxies import (
    Proxy,
    ProxyHeader,
    parse_proxy,
    parse_source,
    proxy_of_environment,
)
from tlsresume.targets.proxying import TargetUnreachedError, connect, proxy_header
from tlsresume.targets.target import parse_target

pytestmark = pytest.mark.slow

# ---------------------------------------------------------------------- parsing

GOOD = {
    "http://proxy.example": Proxy("http", "proxy.example", 80),
    "http://proxy.example:3128/": Proxy("http", "proxy.example", 3128),
    "proxy.example:3128": Proxy("http", "proxy.example", 3128),
    "us%40er@proxy.example": Proxy("http", "proxy.example", 80, "us@er", "secret"),
    "HTTP://us%40er@[2001:db8::1]:8080": Proxy("http", "2001:db8::1", 8080, "us@er", "secret"),
    "socks5://127.0.0.1": Proxy("socks5", "127.0.0.1", 1080),
    "socks5h://a.example:9050": Proxy("socks5h", "a.example", 9050),
}

BAD = [
    "https://proxy.example",
    "socks4://a",
    "http://",
    "http://a:b:c",
    "http://a/path",
    "http://a?x",
    "http://a\n",
    "http://a:0",
    "http://[::1",
]


@each_row("text, proxy", GOOD.items())
def test_urls_of_proxies(text, proxy):
    """Kind, host, port and user; the password comes from elsewhere."""
    found = parse_proxy(text, password="secret" if "@" in text else None)
    assert found == proxy
    assert found.password == proxy.password
    assert "secret" not in repr(found) + found.name


@each_row("text", BAD)
def test_what_is_no_proxy_is_a_usage_error(text):
    """Strict, with one printable line."""
    with pytest.raises(UsageError) as caught:
        parse_proxy(text)
    assert caught.value.message.isprintable()


def test_a_password_in_a_url_is_refused_and_not_repeated():
    """The command line is no place for secrets."""
    with pytest.raises(UsageError) as caught:
        parse_proxy("http://me:hunter2@proxy.example:1")
    assert "hunter2" not in caught.value.message
    assert "--proxy-password-file" in caught.value.hints[0]


@given(st.text())
def test_any_text_gives_a_proxy_or_our_error(text):
    """Whatever is typed, nothing but UsageError leaves."""
    try:
        parse_proxy(text)
    except UsageError:
        return


@each_row(
    "no_proxy, host, through",
    [
        ("", "a.example", True),
        ("*", "a.example", False),
        ("a.example", "a.example", False),
        ("a.example", "b.a.example", False),
        (".a.example", "b.a.example", False),
        ("*.a.example", "b.a.example", False),
        ("a.example", "ba.example", True),
        ("other, A.example", "a.example", False),
        ("a.example:443", "a.example", False),
        ("a.example:25", "a.example", True),
        ("192.0.2.0/24", "192.0.2.7", False),
        ("192.0.2.7", "192.0.2.7", False),
        ("2001:db8::/32", "2001:db8::7", False),
        ("192.0.2.0/24", "198.51.100.7", True),
        ("192.0.2.0/24", "2001:db8::7", True),
    ],
)
def test_no_proxy(no_proxy, host, through):
    """Names with all below them, addresses, networks, ports."""
    environment = {"HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": no_proxy}
    proxy = proxy_of_environment(environment, host, 443)
    assert (proxy is not None) is through


def test_the_environment_may_hold_a_password():
    """Lower case comes first; user and password are unescaped."""
    found = proxy_of_environment(
        {"https_proxy": "socks5h://me:a%3Ab@p.example", "HTTPS_PROXY": "http://x"}, "a", 1
    )
    assert found is not None
    assert (found.kind, found.login) == ("socks5h", ("me", b"a:b"))
    assert proxy_of_environment({}, "a.example", 443) is None


# ---------------------------------------------------------------- PROXY headers


def test_proxy_headers_as_their_specification_has_them():
    """Version 1 is a line; version 2 begins with its signature."""
    one, two = ("192.0.2.7", 4711), ("198.51.100.9", 443)
    v1 = proxy_header(ProxyHeader(1), one, two)
    assert v1 == b"PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\n"
    v2 = proxy_header(ProxyHeader(2), one, two)
    assert v2 == (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x09\x12\x67\x01\xbb"
    )
    v6 = proxy_header(ProxyHeader(1, ("2001:db8::1", 1)), one, two).split(b" ")
    assert v6[:3] == [b"PROXY", b"TCP6", b"2001:db8::1"]
    # How Python writes a mapped address changed in 3.13.
    assert ip_address(v6[3].decode()) == ip_address("::ffff:198.51.100.9")
    assert v6[4:] == [b"1", b"443\r\n"]
    assert len(proxy_header(ProxyHeader(2, ("fe80::1%eth0", 1)), one, ("::1", 2))) == 16 + 36


@each_row("text", ["a.example", "", "1.2.3.4:x", "fe80::1%eth0", "1.2.3"])
def test_a_source_is_an_address(text):
    """No name, no zone."""
    with pytest.raises(UsageError):
        parse_source(text)
    assert parse_source("[2001:db8::1]:7") == ("2001:db8::1", 7)


# ----------------------------------------------------------------- CONNECT, pure


def test_connect_request():
    """Basic authentication (RFC 7617), the endpoint twice, and nothing else."""
    proxy = Proxy("http", "p.example", 80, "Aladdin", "open sesame")
    said = Prelude(connect(proxy, "a.example:443", "agent/1"), "a.example").drain()
    assert said == (
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nUser-Agent: agent/1\r\n"
        b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    )


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_noise_from_a_proxy_ends_in_our_errors(pieces):
    """Nothing but PreludeError and the target's failure leaves."""
    one = Prelude(connect(Proxy("http", "p", 80), "a:1", "x"), "a", open_end=True)
    try:
        for piece in pieces:
            if not one.done:
                one.receive(piece)
    except (PreludeError, TargetUnreachedError):
        return


def test_what_follows_the_answer_belongs_to_the_target():
    """A server that speaks first may come in the packet of the proxy's answer."""
    one = Prelude(connect(Proxy("http", "p", 80), "a:1", "x"), "a", open_end=True)
    one.receive(b"HTTP/1.0 200 ok\r\n\r\n220 hello\r\n")
    assert (one.done, one.rest) == (True, b"220 hello\r\n")


# -------------------------------------------------------------------- on the way


def saved(where: str, timeout: float = 5, **way: object) -> SaveResult:
    target = parse_target(where, **way)  # type: ignore[arg-type]  # tests name real parameters
    options = SaveOptions(connect=ConnectOptions(timeout=timeout, ticket_wait=1))
    return save(target, options)[0]


def test_through_http(server):
    """The target's name goes to the proxy; TLS is with the target."""
    target = server()
    with HTTPProxy() as peer:
        proxy = Proxy("http", "127.0.0.1", peer.port, "me", "pw")
        result = saved(f"localhost:{target.port}", proxy=proxy)
    assert result.saved, result
    assert peer.heads[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % target.port)
    assert result.notes == (f"through {proxy.name}; the proxy looks up the name",)


@pytest.mark.parametrize(("kind", "asked"), [("socks5", "127.0.0.1"), ("socks5h", "localhost")])
def test_through_socks(server, kind, asked):
    """socks5 sends an address, socks5h the name; a login is told."""
    target = server()
    with SocksProxy(login=("me", "pw")) as peer:
        proxy = Proxy(kind, "127.0.0.1", peer.port, "me", "pw")
        result = saved(f"localhost:{target.port}", proxy=proxy, family="ipv4")
    assert result.saved, result
    assert peer.asked == [asked]


@each_row(
    "answer, step, said",
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy", "407"),
        (b"HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n", "proxy", "403 Forbidden"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "connect", "503 Service Unavailable"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "connect", "502 Bad Gateway"),
        (b"SSH-2.0-x\r\n\r\n", "proxy", "SSH-2.0-x"),
        (b"", "proxy", "closed the connection"),
    ],
)
def test_who_is_to_blame_for_a_connect(answer, step, said):
    """A proxy that refuses is told from a target that the proxy could not reach."""
    with HTTPProxy(answer, piece=1) as peer:
        result = saved("a.example", proxy=Proxy("http", "127.0.0.1", peer.port))
    assert result.error is not None
    assert result.error.step == step
    assert said in result.error.message


@each_row(
    "code, step", [(1, "proxy"), (2, "proxy"), (3, "connect"), (4, "connect"), (5, "connect")]
)
def test_who_is_to_blame_for_a_socks_reply(code, step):
    """RFC 1928 section 6 has codes for both."""
    with SocksProxy(code=code) as peer:
        result = saved("a.example", proxy=Proxy("socks5h", "127.0.0.1", peer.port))
    assert result.error is not None
    assert result.error.step == step


def test_a_proxy_that_is_not_there():
    """Both kinds blame the proxy, by its name."""
    with refused_port() as port:
        for kind in ("http", "socks5"):
            proxy = Proxy(kind, "127.0.0.1", port)
            result = saved("127.0.0.1:443", proxy=proxy)
            assert result.error is not None
            assert (result.error.step, result.error.kind) == ("proxy", "proxy")
            assert proxy.name in result.error.message


class Flood(Acceptor):
    """A proxy that says some bytes over and over, until nobody listens; b"": it is silent."""

    def __init__(self, first: bytes, more: bytes) -> None:
        super().__init__()
        self._first, self._more = first, more

    def serve(self, connection: socket.socket, _number: int) -> None:
        connection.sendall(self._first)
        while self._more:
            connection.sendall(self._more * 1000)
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("kind", ["http", "socks5", "socks5h"])
def test_a_proxy_that_never_ends(kind):
    """Whatever a proxy says, for ever or not at all, the way through it ends in an error that
    names the proxy, in time."""
    answers = (
        (b"", b""), (b"", b"\0"), (b"", b"\x05"), (b"\x05\0", b""), (b"\x05\0\x05\0\0", b""),
        (b"\x05\0\x05\0\0\x03\xff", b""), (b"\x05\0\x05\x01\0\x03", b"\xff"),
        (b"\x05\x02", b"\x01"), (b"HTTP/1.1 200 ", b"x"), (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 503 ", b"\r\n \r"), (b"HTTP/1.1 407 no\r\n", b""),
    )  # fmt: skip
    for first, more in answers:
        with Flood(first, more) as peer:
            result = saved("127.0.0.1:443", 0.3, proxy=Proxy(kind, "127.0.0.1", peer.port))
        assert result.error is not None, (first, more)
        assert len(result.error.message) < 600, (first, more)
        assert "proxy" in result.error.message, (first, more, result.error.message)


def test_a_wrong_password_is_the_proxys_no():
    """The hint says where a password comes from."""
    with SocksProxy(login=("me", "right")) as peer:
        result = saved("a.example", proxy=Proxy("socks5h", "127.0.0.1", peer.port, "me", "wrong"))
    assert result.error is not None
    assert result.error.step == "proxy"
    assert "wrong" not in repr(result)


class HeaderReader(Acceptor):
    """Keeps the first bytes of each connection, and closes it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = b""
        self.read = threading.Event()

    def serve(self, connection: socket.socket, number: int) -> None:
        self.first = self.first or connection.recv(512)
        self.read.set()


def test_the_header_goes_first():
    """The server reads the PROXY header before anything of TLS, with the chosen source."""
    with HeaderReader() as peer:
        header = ProxyHeader(1, ("192.0.2.7", 4711))
        saved(f"127.0.0.1:{peer.port}", proxy_header=header)
        assert peer.read.wait(5)
    line = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 %d\r\n" % peer.port
    assert peer.first.startswith(line)


# ------------------------------------------------------------------ unix sockets


def test_a_unix_socket(tmp_path, tls_version):
    """unix:/PATH is a target like others: saved, with its path in the file, and resumed."""
    from tests.helpers import certificates
    from tlsresume.runs.resume import resume
    from tlsresume.sessions.file import format_session_file, parse_session_file

    identity = certificates.localhost()
    (tmp_path / "c.pem").write_bytes(identity.certificate_pem + identity.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    version = ssl.TLSVersion.TLSv1_2 if tls_version == "1.2" else ssl.TLSVersion.TLSv1_3
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(tmp_path / "c.pem")
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(5)
        thread = threading.Thread(target=_serve_twice, args=(listener, context), daemon=True)
        thread.start()
        target = parse_target(f"unix:{path}")
        result, sessions = save(target, SaveOptions(connect=ConnectOptions(timeout=5)))
        assert result.saved, result
        assert (result.target, result.address) == (f"unix:{path}",) * 2
        file = parse_session_file(format_session_file(*sessions[-1]), "x")
        assert (file.metadata.address, file.metadata.port) == (f"unix:{path}", None)
        answer, _ = resume(file)
        thread.join(5)
    assert answer.session_reused is True, answer


def _serve_twice(listener: socket.socket, context: ssl.SSLContext) -> None:
    for _ in range(2):
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)
