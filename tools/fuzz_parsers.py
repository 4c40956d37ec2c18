"""The pure parsers, each with right inputs and what it may raise: for `tools/fuzz.py`.

A new parser of something that others write gets a row in `parsers`. Right inputs are real where
they can be: the messages of handshakes made here, and the vectors of the tests.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from tlsresume.cli.refuse_secrets import secret_in
from tlsresume.cli.values import to_send
from tlsresume.durations import parse_duration
from tlsresume.errors import TLSResumeError
from tlsresume.formats import explanation, page_search
from tlsresume.formats.printable import json_safe, markup_safe, printable, printable_in_log
from tlsresume.formats.reading import parse_report
from tlsresume.policy.names import BUILTIN
from tlsresume.policy.ranges import parse_range
from tlsresume.policy.reading import builtin_text, parse_policy
from tlsresume.protocols.greetings import hint_for_plain, hint_for_words
from tlsresume.protocols.table import SCHEMES, STARTTLS, script_of
from tlsresume.protocols.talk import Prelude, Script
from tlsresume.server.contexts import self_signed
from tlsresume.sessions.file import parse_session_file
from tlsresume.sessions.identify import identify, name_of_der
from tlsresume.sessions.session import Session
from tlsresume.targets.endpoints import split_endpoint, without_login, without_logins
from tlsresume.targets.proxies import Proxy, parse_proxy, parse_source, proxy_of_environment
from tlsresume.targets.proxying import TargetUnreachedError, connect
from tlsresume.targets.target import parse_resolve, parse_target
from tlsresume.tickets.key_files import parse_key_file
from tlsresume.tickets.key_names import KeyNaming, is_stateful
from tlsresume.tickets.unseal import TicketKey, mac_without_key, unseal
from tlsresume.tickets.weak_keys import find_weak_key
from tlsresume.tls.describe import describe
from tlsresume.tls.distinguished import name_text
from tlsresume.tls.entry import Role
from tlsresume.tls.fingerprint import fingerprint
from tlsresume.tls.handshake import parse_alert, parse_handshake
from tlsresume.tls.messages import ClientHello
from tlsresume.tls.recorder import Recorder
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.openssl.client import TLSClient
from tlsresume.value import Secret

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
SPOKEN = (ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3)
VERSIONS = (None, *SPOKEN)


@dataclass(frozen=True, slots=True)
class Parser:
    """A parser of bytes. `share` is its part of all inputs, beside those of the others."""

    name: str
    parse: Callable[[bytes], object]
    right: tuple[bytes, ...]
    allowed: tuple[type[Exception], ...] = (TLSResumeError,)
    share: int = 10


def handshakes() -> tuple[bytes, ...]:
    """The messages of real handshakes of either version, with a session offered and without."""
    identity = self_signed()
    found = []
    for version in SPOKEN:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with NamedTemporaryFile() as file:
            file.write(identity.certificate_pem + identity.key_pem)
            file.flush()
            server.load_cert_chain(file.name)
        session = None
        for _ in range(2):
            client = _shaken(server, version, session)
            found += [entry.raw for entry in client.transcript.entries if entry.raw]
            session = client.sessions[-1] if client.sessions else None
            client.release()
    return tuple(dict.fromkeys(found))


def _shaken(
    context: ssl.SSLContext, version: ProtocolVersion, session: Session | None
) -> TLSClient:
    config = ClientConfig(
        server_name="localhost", alpn=("h2", "http/1.1"), minimum=version, maximum=version
    )
    client = TLSClient(config, session, clock=lambda: 0.0)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    client.start()
    for _ in range(6):
        incoming.write(b"".join(client.drain()))
        try:
            server.do_handshake()
            server.write(b"hello")
        except ssl.SSLWantReadError:
            pass
        if data := outgoing.read():
            client.receive(data)
    return client


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    # As Python decodes the command line and the environment.
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


def _properties(value: object) -> None:
    """Ask for all that a value tells."""
    for name in dir(type(value)):
        if not name.startswith("_") and isinstance(getattr(type(value), name), property):
            getattr(value, name)


def _promised(kept: bool) -> None:
    """Raise AssertionError where a promise about a value was not kept."""
    if not kept:
        raise AssertionError("a promise was broken")


def _message(data: bytes) -> None:
    for version in VERSIONS:
        try:
            _properties(parse_handshake(data, version))
        except TLSResumeError:
            continue


def _transcript(data: bytes) -> None:
    """Whatever a connection's messages are, its record may not raise at all."""
    recorder = Recorder()
    for sender in Role:
        entry = recorder.handshake(sender, data, 0.0)
        if entry is not None:
            for version in VERSIONS:
                describe(entry, version)
    _properties(recorder.transcript())


def _fingerprint(data: bytes) -> None:
    hello = parse_handshake(data, None)
    if isinstance(hello, ClientHello):
        _promised(fingerprint(hello).isprintable())


def _session(data: bytes) -> None:
    session = Session.from_der(data)
    _properties(session)
    session.usable(1_800_000_000.0)
    session.with_lifetime(3600)


def _ticket(data: bytes) -> None:
    other = data[:16] + data[:15:-1]
    naming = KeyNaming.learn([data, other])
    for ticket in (data, other):
        naming.name_of(ticket)
        is_stateful(ticket)
        mac_without_key(ticket)
        unseal(ticket, TicketKey("openssl", data[:16], Secret(b"k" * 16), Secret(b"m" * 16)))


def _prelude(script: Script) -> Callable[[bytes], object]:
    def parse(data: bytes) -> None:
        one = Prelude(script, "a.example", open_end=len(data) % 2 == 0)
        size = 1 + len(data) % 37
        for at in range(0, len(data), size):
            if one.done:
                return
            one.receive(data[at : at + size])
            one.drain()
        if not one.done:
            one.receive(b"")

    return parse


def _shown(text: str) -> None:
    _promised(printable(text).isprintable())
    for made_safe in (printable_in_log, markup_safe, json_safe):
        _promised("##[" not in made_safe(text))
    without_logins(without_login(text))


def _explained(text: str) -> None:
    every = explanation.pages()
    explanation.nearest(text, every)
    page_search.search(text, every)


def _files(*patterns: str) -> tuple[bytes, ...]:
    found = [path.read_bytes() for each in patterns for path in sorted(VECTORS.glob(each))]
    if not found:
        raise FileNotFoundError(f"no vectors like {patterns}")
    return tuple(found)


def _greetings() -> dict[str, tuple[bytes, ...]]:
    """What servers say before TLS, by protocol."""
    ehlo = b"220-mx.a.example ESMTP\r\n220 go\r\n250-mx.a.example\r\n250-STARTTLS\r\n250 HELP\r\n"
    packet = b"\x0a10.11.6\0" + bytes(12) + b"\0\xff\xff\x21\2\0\xff\x81\x15" + bytes(23) + b"x\0"
    stream = (
        b"<?xml version='1.0'?><stream:stream id='a&gt;>b' xmlns='jabber:client'>"
        b"<stream:features><starttls xmlns='urn:x'><required/></starttls></stream:features>"
        b"<proceed xmlns='urn:x'/>"
    )
    ldap = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
    return {
        "smtp": (ehlo + b"220 2.0.0 go on\r\n", b"554 no\r\n"),
        "lmtp": (ehlo + b"220 ok\n",),
        "imap": (b"* OK [CAPABILITY {5}\r\nab\r\nc] ready\r\n* x {3+}\r\nabc\r\na1 OK begin\r\n",),
        "pop3": (b"+OK ready\r\n+OK begin\r\n", b"-ERR no\r\n"),
        "ftp": (b"220-Welcome\r\n 220 no\r\n220 now\r\n234 AUTH TLS ok\r\n",),
        "nntp": (b"201 no posting\r\n382 go on\r\n",),
        "sieve": (b'"IMPLEMENTATION" {9+}\r\na "sieve"\r\n"STARTTLS"\r\nOK "r"\r\nOK "b"\r\n',),
        "irc": (b":a NOTICE * :*** x\r\nPING :123\r\n:a 670 * :STARTTLS successful\r\n",),
        "ldap": (ldap, ldap.replace(b"\x0a\x01\x00", b"\x0a\x01\x34")),
        "postgres": (b"S", b"N", b"E\0\0\0\x16SERROR\0C08P01\0Mno\0\0"),
        "mysql": (len(packet).to_bytes(3, "little") + b"\0" + packet, b"\x05\0\0\0\xff\x10\x04no"),
        "xmpp": (stream, stream.replace(b"features", b"error")),
        "xmpp-server": (stream,),
    }


def _preludes() -> Iterator[Parser]:
    greetings = _greetings()
    if missing := set(STARTTLS) - greetings.keys():
        raise LookupError(
            f"no samples for {', '.join(sorted(missing))}: add them to tools/fuzz_parsers.py,"
            " _greetings"
        )
    everything = tuple(each for several in greetings.values() for each in several)
    for name in STARTTLS:
        yield Parser(f"prelude {name}", _prelude(script_of(name)), greetings[name], share=8)
    script = connect(Proxy("http", "proxy.test", 8080), "a.test:443", "tlsresume")
    heads = (
        b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n",
        b"HTTP/1.0 503 no\r\n\r\n",
        b"HTTP/1.1 407\r\n\r\n",
    )
    allowed = (TLSResumeError, TargetUnreachedError)
    yield Parser("prelude of a proxy", _prelude(script), heads, allowed)
    hints = lambda data: (hint_for_plain(data), hint_for_words(data))  # noqa: E731  a pair, no more
    yield Parser("greetings", hints, everything)


def parsers() -> tuple[Parser, ...]:
    """Every parser, with real inputs."""
    messages = handshakes()
    sessions = _files("sessions/*.der", "tickets/*.der")
    tickets = tuple(Session.from_der(each).fields.ticket or b"\0" for each in sessions)
    key_files = (
        *_files("tickets/*.key"), b"A" * 64 + b"\n" + b"B" * 64 + b"\n", b"0f" * 48, bytes(range(92)),
    )  # fmt: skip
    names = tuple(
        bytes.fromhex(each)
        for each in (
            "30123110300e06035504030c07612e746573742e",
            "3024310b3009060355040613024445311530130603550403130c7777772e612e6578616d706c65",
        )
    )
    targets = (
        b"a.example", b"a.example:443", b"[::1]:443", b"fe80::1%eth0", b"unix:/run/a.sock",
        b"192.0.2.1", "bücher.example:8443".encode(), b"u:p@a.example",
        *(f"{name}://a.example:1/x?y#z".encode() for name in SCHEMES),
    )  # fmt: skip
    proxies = (
        b"http://u@a.example:3128", b"socks5h://[::1]:1080/", b"http://u:p%40@a.example", b"socks5://a",
    )  # fmt: skip
    rules = (b"a.example:443:192.0.2.1,[::1]", b"*:443:::1", b"[::1]:443:192.0.2.1")
    environment = (b"a.example,.b.example,192.0.2.0/24,[::1]", b"*", b"a.example:443 10.0.0.0/8")
    words = (
        b"bad decrypt",
        b"SSL routines::session id context uninitialized",
        b"ticket-key-mismatch",
    )
    policies = tuple(builtin_text(name).encode() for name in BUILTIN)
    value = (TLSResumeError, ValueError)
    usage = (TLSResumeError, click.ClickException)
    return (
        Parser("handshake message", _message, messages, share=60),
        Parser("transcript", _transcript, messages, (), share=20),
        Parser("alert", parse_alert, (b"\2\x28", b"\1\0"), share=5),
        Parser("fingerprint", _fingerprint, messages[:1], share=20),
        Parser("distinguished name", name_text, names, share=20),
        Parser("session in DER", _session, sessions, share=40),
        Parser("session file", lambda data: parse_session_file(data, "f"),
               (*_files("sessions/*.pem"), *sessions[:4]), share=30),
        Parser("other DER", name_of_der, sessions[:4], ()),
        Parser("any file", identify, sessions[:4], ()),
        Parser("key file", lambda data: parse_key_file(data, "f"), key_files, share=30),
        Parser("ticket", _ticket, tickets, (), share=10),
        Parser("weak ticket", lambda data: find_weak_key(data, b"s" * 48), tickets, (), share=1),
        Parser("secrets in files", secret_in, (*sessions, *key_files), ()),
        Parser("target", _text(parse_target), targets, share=40),
        Parser("endpoint", _text(lambda text: split_endpoint(text, 443)), targets, share=20),
        Parser("resolve rule", _text(parse_resolve), rules, share=10),
        Parser("proxy", _text(lambda text: parse_proxy(text, secrets_in_url=True)), proxies, share=20),
        Parser("proxy source", _text(parse_source), (b"192.0.2.1:80", b"[::1]"), share=5),
        Parser("no_proxy", _text(lambda text: proxy_of_environment(
            {"https_proxy": "http://p:1", "no_proxy": text}, "a.example", 443)), environment, share=5),
        Parser("duration", _text(parse_duration), (b"1h30m", b"90s", b"7d", b"3600"), value, share=20),
        Parser("range", _text(parse_range), (b"@10:20", b"~:5.5", b"90:"), value, share=20),
        Parser("--send", _text(lambda text: to_send(None, None, text)),
               (rb"HEAD / HTTP/1.1\r\n\xff\\",), usage, share=10),
        Parser("policy", lambda data: parse_policy(data.decode("utf-8", "replace"), "p"), policies, share=10),
        Parser("report", lambda data: parse_report(data, "r"), _files("reports/*.json"), share=2),
        Parser("words to explain", _text(_explained), words, (), share=1),
        Parser("text to show", _text(_shown), (*targets, *words), (), share=20),
        *_preludes(),
    )  # fmt: skip
