"""`serve --quic`: clients of HTTP/3, judged as those of HTTPS; and datagrams of no client."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

import tlsresume
from tests.features.serve.clients import context_for, fetch
from tests.helpers.commands import runner
from tests.helpers.rows import assert_complete
from tlsresume.errors import UsageError
from tlsresume.features.serve.behaviours import BEHAVIOURS
from tlsresume.features.serve.results import ClientResult, ServeReport
from tlsresume.server import quic as quic_server
from tlsresume.server.acceptor import Limits
from tlsresume.server.contexts import self_signed
from tlsresume.server.quic import QUICEndpoint, QUICService
from tlsresume.transports.quic.binding_server import Retries, read_header

pytestmark = pytest.mark.slow


@pytest.fixture
def run(capsys):
    return runner(capsys)


class Client(QuicConnectionProtocol):
    """One request of HTTP/3 on a connection."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.h3 = H3Connection(self._quic)
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event: Any) -> None:
        for each in self.h3.handle_event(event):
            if isinstance(each, DataReceived) and not self.answer.done():
                self.answer.set_result(each.data)

    async def get(self, path: str = "/") -> bytes:
        fields = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": path,
                  "user-agent": "three/1.0"}  # fmt: skip
        stream = self._quic.get_next_available_stream_id()
        headers = [(name.encode(), value.encode()) for name, value in fields.items()]
        self.h3.send_headers(stream, headers, end_stream=True)
        self.transmit()
        return await asyncio.wait_for(self.answer, 20)


def get_often(port: int, cafile: str, times: int, *, keep: bool = True) -> list[bytes]:
    """Requests on connections of their own, each with the newest ticket, if that is kept."""

    async def run() -> list[bytes]:
        tickets: list[Any] = []
        answers = []
        for _ in range(times):
            settings = QuicConfiguration(alpn_protocols=["h3"], server_name="localhost")
            settings.load_verify_locations(cafile)
            if keep and tickets:
                settings.session_ticket = replace(tickets[-1])
            async with connect(
                "127.0.0.1", port, configuration=settings, create_protocol=Client,
                session_ticket_handler=tickets.append,
            ) as client:  # fmt: skip
                answers.append(await client.get())  # type: ignore[attr-defined]  # it is a Client
        return answers

    return asyncio.run(run())


def over_quic(report: ServeReport, behaviour: str) -> ClientResult:
    (server,) = (s for s in report.servers if (s.behaviour, s.transport) == (behaviour, "quic"))
    (client,) = server.clients
    return client


#: Of three connections, each with the newest ticket: sessions offered, and accepted.
TRUTHS = {
    "default": (2, 2),
    "tickets": (2, 2),
    "stateful": (2, 2),
    "single-use": (2, 2),
    "no-tickets": (0, 0),
    "refuse": (2, 0),
    "short-lifetime": (2, 2),
    "rotated-key": (2, 1),
    "changed-certificate": (2, 2),
    "early-data": (2, 2),
    "late-tickets": (2, 2),
}


def test_each_behaviour_over_quic():
    """Each behaviour that QUIC can have does over QUIC what its name says, and the others are
    told with the reason."""
    of_quic = [name for name, row in BEHAVIOURS.items() if not row.no_quic and name != "untrusted"]
    assert_complete(TRUTHS, of_quic, "tests/features/serve/test_over_quic.py, TRUTHS")
    with tlsresume.serve("all", quic=True) as server:

        def answers(name: str) -> list[bytes]:
            return get_often(server.ports[name], server.cafile, 3)

        # Side by side, as the last datagrams of each connection are waited for.
        with ThreadPoolExecutor(len(TRUTHS)) as side_by_side:
            for name, got in zip(TRUTHS, side_by_side.map(answers, TRUTHS), strict=True):
                assert len(got) == 3, name
        with pytest.raises(ConnectionError):
            get_often(server.ports["untrusted"], server.cafile, 1)
        report = server.report()
    told = {name: (c.offered, c.accepted) for name in TRUTHS for c in [over_quic(report, name)]}
    assert told == TRUTHS
    client = over_quic(report, "default")
    assert (client.label, client.verdict, client.versions) == (
        "three/1.0", "resumes", {"TLSv1.3": 3},
    )  # fmt: skip
    assert client.closed == {"connection_close": 3}
    assert client.age is not None
    assert over_quic(report, "untrusted").failed == 1
    assert [each.severity for name in TRUTHS for each in over_quic(report, name).findings
            if each.severity != "info"] == []  # fmt: skip
    left_out = {each.behaviour for each in report.not_served}
    assert left_out == {name for name, row in BEHAVIOURS.items() if row.no_quic}
    assert left_out | set(TRUTHS) | {"untrusted"} == set(BEHAVIOURS)


def test_a_client_that_keeps_no_ticket_is_judged():
    """A client that never offers over QUIC is wrong where `resumed` is expected, whatever it
    did over TCP; and TCP answers name HTTP/3."""
    with tlsresume.serve("default", quic=True, expect={"": "resumed"}) as server:
        context = context_for(server, "1.3")
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
            head = b""
            while data := tls.recv(4096):
                head += data
        assert b'Alt-Svc: h3=":%d"' % server.port in head
        get_often(server.port, server.cafile, 2, keep=False)
        report = server.report()
    assert report.exit_status == 3
    assert report.why.startswith("in default/quic, resumed expected: 0 of 1")
    tcp, quic = report.servers
    assert (tcp.outcome, quic.outcome) == ("not-judged", "wrong")
    assert {f.code for f in quic.clients[0].findings} == {"never-offers"}


def test_the_two_transports_are_two_servers():
    """Sessions, chances and counts of one transport are none of the other's."""
    with tlsresume.serve("default", quic=True) as server:
        fetch(server, context_for(server))
        get_often(server.port, server.cafile, 1)
        report = server.report()
    counts = [(s.transport, s.connections, s.clients[0].could_offer) for s in report.servers]
    assert counts == [("tcp", 1, 0), ("quic", 1, 0)]
    document = json.loads(msgspec.json.encode(report))
    assert [each["transport"] for each in document["servers"]] == ["tcp", "quic"]


def test_what_excludes_quic(run, monkeypatch):
    """What QUIC cannot have is said in one line with status 2; so is a missing library."""
    for options, words in (
        (("--starttls", "smtp"), "excludes --starttls"),
        (("--tls", "1.2"), "QUIC has no TLS 1.2"),
        (("--require-client-cert",), "client certificates"),
        (("--behaviour", "hello-retry"), "sends no HelloRetryRequest"),
    ):
        status, out, err = run("serve", "--quic", *options)
        assert (status, out) == (2, "")
        assert words in err
    monkeypatch.setattr("tlsresume.transports.quic.binding.find_spec", lambda _: None)
    status, _, err = run("serve", "--quic")
    assert status == 2
    assert err.splitlines() == [
        "tlsresume: error: QUIC needs the library aioquic, which is not installed",
        "hint: pip install 'tlsresume[quic]'",
    ]
    with pytest.raises(UsageError):
        tlsresume.serve("default", quic=True)


# --------------------------------------------------------------------- hostile datagrams


def endpoint(**settings: Any) -> QUICEndpoint:
    made = self_signed()
    return QUICService(
        certificate_pem=made.certificate_pem, key_pem=made.key_pem, **settings
    ).endpoint()


def first_flight() -> bytes:
    """The first datagram of a client."""
    settings = QuicConfiguration(
        alpn_protocols=["h3"], server_name="localhost", verify_mode=ssl.CERT_NONE
    )
    client = QuicConnection(configuration=settings)
    client.connect(("server", 1), now=0.0)
    return client.datagrams_to_send(now=0.0)[0][0]


def test_garbage_leaves_nothing_behind():
    """Datagrams that no client sends are dropped, or answered with the versions that are spoken;
    nothing is kept of them, and nothing waits for them."""
    server = endpoint()
    start = first_flight()
    garbage = (
        b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", os.urandom(64), b"\xc0" + os.urandom(1300),
        start[:600], start[:40] + os.urandom(1160), b"\x80" + bytes(4) + os.urandom(1200),
    )  # fmt: skip
    for number, each in enumerate(garbage):
        server.receive(each, ("192.0.2.1", number), 0.0)
        server.outgoing(0.0)
        assert server.open_connections() == 0, each[:20]
    assert server.timer() is None
    unknown = start[:1] + b"\x1a\x2a\x3a\x4a" + start[5:]
    server.receive(unknown, ("192.0.2.1", 7), 0.0)
    ((answer, source),) = server.outgoing(0.0)
    assert answer[1:5] == bytes(4)
    assert source == ("192.0.2.1", 7)


def test_a_flood_of_first_datagrams_is_asked_to_prove_its_addresses(monkeypatch):
    """From some handshakes under way on, a client gets a Retry, and nothing is kept of it; those
    that stay silent are forgotten when their time is over."""
    monkeypatch.setattr(quic_server, "RETRY_FROM", 3)
    server = endpoint()
    for number in range(8):
        server.receive(first_flight(), ("192.0.2.1", number), 0.0)
        sent = server.outgoing(0.0)
        retried = len(sent) == 1 and sent[0][0][0] & 0xF0 == 0xF0
        assert retried == (number >= 3), number
    assert server.open_connections() == 3
    now = 0.0
    while (at := server.timer()) is not None:
        assert at <= 60
        now = max(now, at)
        server.on_timer(now)
        server.outgoing(now)
    assert server.open_connections() == 0


def test_a_client_behind_a_retry_is_served(monkeypatch):
    """Whoever returns the token of a Retry is served as any other, and resumes."""
    monkeypatch.setattr(quic_server, "RETRY_FROM", 0)
    with tlsresume.serve("default", quic=True) as server:
        answers = get_often(server.port, server.cafile, 2)
    assert answers == [b"full handshake\n", b"resumed\n"]


def test_a_retry_token_is_good_for_one_address_and_a_while():
    """A token counts only from the address that got it, for the connection ID that went with it,
    and for some seconds; other bytes are none."""
    retries = Retries()
    configuration = endpoint()._service.configuration
    begun = read_header(first_flight(), configuration)
    assert begun is not None
    asked = read_header(retries.ask(begun, ("192.0.2.1", 5), 10.0), configuration)
    assert asked is not None
    came = msgspec.structs.replace(begun, destination=asked.source, token=asked.token)
    assert retries.original(came, ("192.0.2.1", 5), 11.0) == begun.destination
    for header, address, now in (
        (came, ("192.0.2.2", 5), 11.0),
        (came, ("192.0.2.1", 6), 11.0),
        (came, ("192.0.2.1", 5), 99.0),
        (msgspec.structs.replace(came, destination=bytes(8)), ("192.0.2.1", 5), 11.0),
        (msgspec.structs.replace(came, token=came.token[:-1] + b"x"), ("192.0.2.1", 5), 11.0),
        (msgspec.structs.replace(came, token=b""), ("192.0.2.1", 5), 11.0),
    ):
        assert retries.original(header, address, now) is None


def test_connections_are_limited():
    """Where all places are taken the oldest makes room, and its datagrams start nothing."""
    limits = Limits(connections=4)
    server = endpoint(limits=limits)
    for number in range(9):
        server.receive(first_flight(), ("192.0.2.1", number), 0.0)
        server.outgoing(0.0)
    assert server.open_connections() == 4


def test_damaged_first_datagrams_raise_nothing(monkeypatch):
    """Whatever is damaged in a client's first datagram, with Retry and without, the server goes on,
    and remembers no more than it may."""
    chance = random.Random(17)
    server = endpoint()
    starts = [first_flight() for _ in range(5)]
    for number in range(600):
        damaged = bytearray(chance.choice(starts))
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(60)] = chance.randrange(256)
        monkeypatch.setattr(quic_server, "RETRY_FROM", 64 * (number % 2))
        server.receive(bytes(damaged), ("192.0.2.1", number), number / 100)
        server.outgoing(number / 100)
    assert server.open_connections() <= 64
