"""Early data over QUIC: replays of a first flight, and what is said of them.

The built-in server's log is the truth: which requests it executed, and how often.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aioquic.quic.packet import encode_quic_retry

from tests.helpers.commands import runner
from tests.helpers.datagram_peers import Answering, Losing, identity
from tests.helpers.quic_early_peer import EarlyServerSide, EarlyService
from tests.helpers.quic_pair import QUICPair
from tlsresume.evidence.early_outcome import UNTOLD, untold
from tlsresume.evidence.purposes import EarlyReplay
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.request_line import parse_http1
from tlsresume.results.early_data import EarlyData
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import scan
from tlsresume.server.datagrams import DatagramServer
from tlsresume.targets.target import parse_target
from tlsresume.tls.quic_initial import (
    ack_frame,
    close_frame,
    crypto_frames,
    open_numbered,
    packets,
    seal_initial,
)
from tlsresume.transports.interface import ClientOffer
from tlsresume.transports.quic.client import QUICClient
from tlsresume.transports.quic.first_flight import QUICFirstFlight

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
QUICK = ProbeOptions(
    connect=ConnectOptions(timeout=5.0, ticket_wait=1.0),
    tries=1,
    explain=False,
    replay_early_data="GET",
)


@pytest.fixture
def run(capsys):
    return runner(capsys)


def service(**knobs: Any) -> Any:
    made = identity()
    return EarlyService(certificate_pem=made.certificate_pem, key_pem=made.key_pem, **knobs)


def probed(port: int, options: ProbeOptions = QUICK, **parts: Any) -> TargetResult:
    target = parse_target(f"h3://{HERE}:{port}", **parts)
    (found,) = scan([(target, options)]).targets
    return found


def told(target: TargetResult) -> EarlyData:
    early = target.addresses[0].early_data
    assert early is not None
    return early


_TAKEN = {"accepted": True, "same_ticket": "accepted", "exact_copy": "accepted"}

#: What the server does, the request, and what must be said of it.
TRUTHS: dict[str, tuple[dict[str, Any], str, dict[str, Any], dict[str, str]]] = {
    "no anti-replay": (
        {},
        "GET",
        {**_TAKEN, "answered_before_finished": True, "status": 200, "max": 0xFFFFFFFF},
        {"early-data-replayed": "warning", "early-data-answered-early": "warning"},
    ),
    "waits": (
        {"answers_early": False},
        "GET",
        {**_TAKEN, "answered_before_finished": False, "status": 200},
        {"early-data-replayed": "warning", "early-data-waits": "info"},
    ),
    "anti-replay": (
        {"single_use": True},
        "GET",
        {"accepted": True, "same_ticket": "full-handshake", "exact_copy": "full-handshake",
         "reason": "replay-refused"},
        {"early-data-single-use": "info", "early-data-answered-early": "info"},
    ),
    "takes none": (
        {"takes_early_data": False},
        "GET",
        {"accepted": False, "same_ticket": None, "exact_copy": None, "reason": "server-choice"},
        {"early-data-rejected": "info"},
    ),
    "too early": (
        {"too_early": True},
        "POST",
        {**_TAKEN, "status": 425, "unsafe_method": "too-early"},
        {"early-data-replayed": "info", "too-early": "info"},
    ),
    "a POST passes": (
        {},
        "POST",
        {**_TAKEN, "unsafe_method": "passed", "method": "POST"},
        {"early-data-replayed": "error", "early-data-answered-early": "warning"},
    ),
    "copies are taken for packets of the first": (
        {"known_ids": set()},
        "GET",
        {"accepted": True, "same_ticket": "accepted", "exact_copy": None, "exact_copies": ()},
        {"early-data-answered-early": "warning"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUTHS)
def test_what_the_server_does_is_what_is_said_of_it(name: str) -> None:
    """Every answer of the report is the server's behaviour, its log has each request that was
    answered, and what could not be told is left out with a reason."""
    knobs, request, truth, findings = TRUTHS[name]
    server = service(**knobs)
    options = replace(QUICK, replay_early_data=request)
    if server.known_ids is not None:
        options = replace(options, connect=replace(options.connect, timeout=1.0))
    with DatagramServer(server.side) as running:
        target = probed(running.port, options)
    early = told(target)
    assert {field: getattr(early, field) for field in truth} == truth
    found = {f.code: f.severity for f in target.findings if "early" in f.code}
    assert found == findings
    log = Counter(path.rpartition("tlsresume")[2][1:] for path in server.executed
                  if "tlsresume" in path)  # fmt: skip
    for asked in early.requests:
        answered = sum(status == 200 for status in asked.answers)
        assert answered <= log[asked.id] <= asked.presentations, (asked, log)
        if early.answered_before_finished and not server.single_use and not server.too_early:
            heard = asked.presentations if early.exact_copy else answered
            assert log[asked.id] >= heard, (asked, log)
    untold = [skipped.what for skipped in target.skipped]
    assert untold == ([f"early data on {HERE}: the exact copy"] if server.known_ids else [])
    # A busy machine may answer late now and then; what our own copies caused would come each time.
    for _ in range(3):
        if "datagrams-lost" not in {f.code for f in target.findings}:
            break
        with DatagramServer(service(**knobs).side) as running:
            target = probed(running.port, options)
    assert "datagrams-lost" not in {f.code for f in target.findings}


def test_a_copy_at_another_address_and_after_a_pause() -> None:
    """A first flight that another address had before, or that is old, is presented over UDP."""
    server = service()
    options = replace(QUICK, replay_ages=(0.05,))
    with DatagramServer(server.side) as one, DatagramServer(server.side, "127.0.0.2", one.port):
        target = parse_target(
            f"h3://localhost:{one.port}", resolve=(f"localhost:{one.port}:{HERE},127.0.0.2",)
        )
        (found,) = scan([(target, options)]).targets
    for address in found.addresses:
        early = address.early_data
        assert early is not None
        assert early.other_address == "accepted"
        assert [(each.seconds, each.result) for each in early.after] == [(0.05, "accepted")]
    assert {"early-data-replayed"} <= {f.code for f in found.findings}


def test_beside_tcp_each_has_its_own(run) -> None:
    """With --quic the early data of TCP and of QUIC are told apart."""
    from tlsresume.server.behaviour import Behaviour
    from tlsresume.server.server import Server

    with (
        Server(Behaviour(early_data=16384, versions=("1.3",))) as tcp,
        DatagramServer(service(takes_early_data=False).side, HERE, tcp.port),
    ):
        words = ("--quic", "--replay-early-data", "--tries", "1", "--no-explain")
        status, out, _ = run("probe", f"https://{HERE}:{tcp.port}", *words, "--format", "json")
    (target,) = json.loads(out)["targets"]
    accepted = {a["transport"]: a["early_data"]["accepted"] for a in target["addresses"]}
    assert accepted == {"tcp": True, "quic": False}
    assert status == 0


def test_resume_sends_early_data(run, tmp_path) -> None:
    """A saved session takes early data along; a 425 is explained, and the request is sent again
    after the handshake; what is no request is refused before anything is sent."""
    for knobs, told_, again in (
        ({}, "accepted", None),
        ({"takes_early_data": False}, "rejected", None),
        ({"too_early": True}, "accepted", 200),
    ):
        server = service(**knobs)
        with DatagramServer(server.side) as running:
            file = str(tmp_path / f"{told_}{again}.pem")
            where = f"h3://localhost:{running.port}"
            assert run("save", where, "-4", "-o", file)[0] == 0
            status, out, err = run(
                "resume", file, "--early-data", "GET /marked", "--format", "json"
            )
        assert status == 0, err
        found = json.loads(out)
        assert (found["early_data"], found["repeated_status"]) == (told_, again)
        assert found["http_status"] == (425 if again else 200)
        assert server.executed.count("/marked") == 1
        for bad in ("hello", "POST / HTTP/1.1\r\n\r\nbody"):
            status, _, err = run("resume", file, "--early-data", bad)
            assert (status, "HTTP/3" in err) == (2, True)


def test_a_request_written_for_http1() -> None:
    """Host is the authority, what HTTP/3 has not is left out, and the rest goes along."""
    found = parse_http1(
        b"GET /a?b HTTP/1.1\r\nHost: h.test\r\nConnection: close\r\nX-A: 1\r\n\r\n", "other", "us"
    )
    assert (found.method, found.authority, found.path) == ("GET", "h.test", "/a?b")
    assert (found.fields, found.user_agent) == ((("x-a", "1"),), "us")
    for bad in (b"", b"GET", b"GET a", b"\xff /", b"GET / HTTP/1.1\r\nno field\r\n\r\n",
                b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            parse_http1(bad, "h", "us")


# ------------------------------------------------------------------- the flight


@contextmanager
def a_flight(tmp_path: Any):
    """A pair, and a first flight with early data on a session of the pair's."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    session = pair.run(config).sessions[0]
    request = parse_http1(b"GET /early", "localhost", "tests")
    offer = ClientOffer(state=session, early_request=request)
    flight = QUICFirstFlight(config, offer, clock=lambda: pair.now)
    try:
        yield pair, flight
    finally:
        flight.release()


def test_a_flight_is_sent_as_it_is_until_it_is_answered(tmp_path) -> None:
    """However late it is sent, and however often, the datagrams are the same bytes; the answer is
    decrypted as if they had been sent when they were made."""
    from tests.helpers.quic_pair import ServerEnd

    with a_flight(tmp_path) as (pair, flight):
        assert flight.early
        pair.now += 60
        client: QUICClient = flight.go_on(None)
        assert client.sent == sum(map(len, flight.data))
        assert client.drain() == []
        pair.now = client.deadline or 0.0
        client.on_deadline()
        assert client.drain() == flight.data
        end = ServerEnd(pair.tickets)
        for datagram in flight.data:
            end.receive(datagram, pair.now)
        for datagram in end.datagrams(pair.now):
            client.receive(datagram)
        assert client.established
        assert client.transcript.early_data_accepted
        assert client.facts.retransmissions == 0
        assert client.deadline is not None
        assert client.deadline > pair.now - 1


def test_the_answer_to_a_copy_is_read_in_clear_and_ended(tmp_path) -> None:
    """Initial packets alone tell that the session was accepted; the farewell ends the server's
    connection, and whatever a peer says instead is no farewell's matter."""
    from tests.helpers.quic_pair import ServerEnd

    with a_flight(tmp_path) as (pair, flight):
        end = ServerEnd(pair.tickets)
        for datagram in flight.data:
            end.receive(datagram, pair.now)
        answer = end.datagrams(pair.now)
        transcript = flight.in_clear(answer)
        assert transcript.accepted
        assert not transcript.certificate_seen
        farewell = flight.farewell(answer)
        assert farewell is not None
        assert len(farewell) == 1200
        end.receive(farewell, pair.now)
        assert end.datagrams(pair.now) == []
        assert end.connection is not None
        assert end.connection._close_event is not None
        for junk in ([], [b""], [b"\xc0" * 50], [bytes(1200)], [flight.data[0]]):
            assert flight.farewell(junk) is None
            assert flight.in_clear(junk).server_hello is None
            assert not flight.asks_for_retry(junk)


def retry(data: bytes) -> list[bytes]:
    """A server that has every client prove its address first (RFC 9000 section 8.1.2)."""
    first = next(packets(data))
    return [
        encode_quic_retry(
            version=first.version, source_cid=b"retried!", destination_cid=first.source,
            original_destination_cid=first.destination, retry_token=b"token",
        )
    ]  # fmt: skip


def test_a_copy_that_meets_a_retry_tells_nothing(tmp_path) -> None:
    """Presenting a copy is a connection over QUIC in the journal; a Retry, and silence, are why it
    tells nothing of early data, and each has words for the report."""
    pair = QUICPair()
    config = pair.config(tmp_path)
    session = pair.run(config).sessions[0]

    async def presented(answer: Callable[[bytes], list[bytes]]) -> Trial:
        with DatagramServer(lambda: Answering(answer)) as server:
            lab = NetworkLab(Budget(1), Gate(), LabOptions(timeout=0.5))
            early = replace(config, early_data=parse_http1(b"GET /", "localhost", "tests"))
            flight = lab.first_flight(early, session)
            try:
                route = Route(server.host, server.port, transport="quic")
                return await lab.present(route, flight, Task(purpose=EarlyReplay.COPY))
            finally:
                flight.release()

    for answer, why in ((retry, "retry"), (lambda _data: [], "silent")):
        trial = asyncio.run(presented(answer))
        assert (trial.transport, trial.presented, trial.server_hello_seen) == ("quic", True, False)
        assert untold(trial) == why
        assert UNTOLD[why]


def test_a_sealed_initial_packet_opens() -> None:
    """What is sealed for a client is opened by the keys of the same connection, in both versions."""
    for version in (1, 0x6B3343CF):
        frames = ack_frame(2**62 - 1) + close_frame()
        sealed = seal_initial(version, b"original", to=b"server", source=b"us", number=300,
                              frames=frames)  # fmt: skip
        (packet,) = packets(sealed)
        assert (packet.kind, packet.destination, packet.source) == ("initial", b"server", b"us")
        opened = open_numbered(packet, b"original", "client")
        assert opened is not None
        assert opened[0] == 300
        assert opened[1].startswith(frames)
        assert list(crypto_frames(opened[1])) == []
        assert open_numbered(packet, b"another", "client") is None


# -------------------------------------------------------------------- bad peers


def test_bad_peers_of_early_data() -> None:
    """A path that loses packets, and a peer that turns to garbage when early data comes, end the
    questions in time, and nothing is called a replay."""
    server = service()
    with DatagramServer(lambda: Losing(server.side(), 5)) as running:
        target = probed(running.port)
    assert told(target).accepted in (True, None)

    class Turning:
        """Speaks QUIC until a first flight holds early data; then says something else."""

        def __init__(self) -> None:
            self._side: Any = server.side()

        def receive(self, data: bytes, now: float) -> None:
            if any(packet.kind == "0rtt" for packet in packets(data)):
                self._side = Answering(lambda _data: [b"\xc0" * 40])
            self._side.receive(data, now)

        def datagrams(self, now: float) -> list[bytes]:
            found: list[bytes] = self._side.datagrams(now)
            return found

        def timer(self) -> float | None:
            at: float | None = self._side.timer()
            return at

        def on_timer(self, now: float) -> None:
            self._side.on_timer(now)

    options = replace(QUICK, connect=replace(QUICK.connect, timeout=0.5))
    with DatagramServer(Turning) as running:
        target = probed(running.port, options)
    early = told(target)
    assert (early.accepted, early.exact_copy) == (None, None)
    assert [(f.code, f.severity) for f in target.findings if f.code.startswith("early-data")] == [
        ("early-data-dies", "error")
    ]


class _Odd(EarlyServerSide):
    """Does something odd with each request in early data, and answers all others."""

    def __init__(self, service: Any, then: Callable[[Any, int], None]) -> None:
        super().__init__(service)
        self._then = then

    def _execute(self, stream: int, path: str) -> None:
        if self._done:
            super()._execute(stream, path)
        else:
            self._then(self, stream)


def _says_nothing(_side: Any, _stream: int) -> None:
    return


def _closes(side: Any, _stream: int) -> None:
    side._connection.close(error_code=0x128)


def _floods(side: Any, stream: int) -> None:
    side._h3.send_headers(stream, [(b":status", b"200")])
    for _ in range(64):
        side._h3.send_data(stream, bytes(65_536), end_stream=False)


def test_peers_that_take_early_data_and_do_not_serve_it() -> None:
    """A server that takes early data and never answers, or ends the connection for it, is in error;
    one that sends without end is cut off, and none keeps us for longer than the timeouts."""
    connect = replace(QUICK.connect, timeout=1.0)
    for then, codes in (
        (_says_nothing, {"early-data-dies"}),
        (_closes, {"early-data-dies"}),
        (_floods, {"early-data-replayed", "early-data-answered-early"}),
    ):
        shared = service()
        make = partial(_Odd, shared, then)
        with DatagramServer(make) as running:
            target = probed(running.port, replace(QUICK, connect=connect))
        assert {f.code for f in target.findings if "early" in f.code} >= codes, then
        assert target.duration_ms < 60_000
