"""What this machine runs out of: never evidence about a server, waited for, named with its limit."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.helpers.datagram_peers import dtls_service, quic_service
from tests.helpers.peers import RawPeer
from tests.helpers.purposes import purpose_of
from tlsresume import shortage
from tlsresume.errors import ExitStatus, LocalError
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network import before_tls
from tlsresume.network import dial as dial_module
from tlsresume.network import dialling as opening
from tlsresume.network.channel import Stream
from tlsresume.network.dial import dial, failure_from
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.options import ConnectOptions, ProbeOptions, ResumeOptions, SaveOptions
from tlsresume.policy.exit_status import target_status
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import scan
from tlsresume.runs.probe import probe
from tlsresume.runs.resume import resume
from tlsresume.runs.save import save
from tlsresume.server.datagrams import DatagramServer
from tlsresume.sessions.file import format_session_file, parse_session_file
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.openssl import contexts

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
ERRAND = Task(purpose=purpose_of("test", "full"), want_tickets=1, ticket_wait=2.0)
CONNECT = ConnectOptions(timeout=3, ticket_wait=0.3, tls=(ProtocolVersion.TLSv1_3,))
OPTIONS = ProbeOptions(connect=CONNECT, tries=3, explain=False)
SHORT = (
    OSError(errno.EMFILE, "Too many open files"),
    OSError(errno.ENFILE, "Too many open files in system"),
    OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"),
    OSError(errno.EADDRINUSE, "Address already in use"),
    OSError(errno.ENOBUFS, "No buffer space available"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    MemoryError(),
)


@pytest.fixture
def short_of(monkeypatch) -> Callable[..., list[Route]]:
    """Make dialling fail with an error of ours, when the number of the call says so."""

    def install(error: OSError | MemoryError, when: Callable[[int], bool]) -> list[Route]:
        calls: list[Route] = []

        async def dialling(route: Route, seconds: float) -> Any:
            calls.append(route)
            if when(len(calls)):
                return failure_from(error, "connect", f"{route.address}:{route.port}")
            return await dial(route, seconds)

        monkeypatch.setattr(before_tls, "dial", dialling)
        monkeypatch.setattr(opening, "_ROOM_PAUSE", 0.001)
        monkeypatch.setattr(opening, "_PATIENCE_ALONE", 0.02)
        return calls

    return install


def probed(port: int, options: ProbeOptions = OPTIONS) -> TargetResult:
    return scan([(parse_target(f"{HERE}:{port}"), options)]).targets[0]


def test_each_shortage_is_ours():
    """Whatever runs out has one kind, and words that name the limit where there is one."""
    for error in SHORT:
        failure = failure_from(error, "handshake", "h:1")
        assert failure.kind == "local"
        assert failure.ours
        assert failure.message.startswith("h:1: ")
        assert failure.hints
    assert "ulimit -n: " in shortage.words(SHORT[0])
    others = (OSError(errno.ECONNREFUSED, "x"), OSError("odd"), ValueError("x"))
    assert not any(map(shortage.is_shortage, others))


def test_a_shortage_that_passes_costs_nothing(server, short_of):
    """It is waited for: every try is made, none counts against the server, and what was never
    sent is no connection."""
    peer = server(versions=("1.3",))
    for error in SHORT:
        short_of(error, lambda call: call % 2 == 0)
        result = probed(peer.port)
        [mechanism] = result.addresses[0].mechanisms
        assert (result.verdict, result.error, result.skipped) == ("resumes", None, ())
        assert mechanism.fixed.order == mechanism.chained.order == "RRR"
        assert all(row.error is None for row in result.addresses[0].attempts)


def test_a_shortage_that_stays_is_the_error_of_a_target_never_reached(server, short_of):
    """No connection came about: an error that names the limit, exit 5, and not a word on the
    server."""
    peer = server()
    for error in SHORT:
        calls = short_of(error, lambda _: True)
        result = probed(peer.port)
        assert calls
        assert result.error is not None
        assert (result.error.kind, result.error.step) == ("local", "connect")
        assert target_status(result) is ExitStatus.UNREACHABLE
        assert not result.findings
        assert not any(address.mechanisms for address in result.addresses)
    assert peer.connections == 0


def test_a_shortage_in_the_middle_leaves_the_rest_out(server, short_of):
    """The target was reached: what could not be done is named, and the answer is inconclusive
    (exit 4), whatever was resumed until then."""
    peer = server(versions=("1.3",))
    short_of(SHORT[0], lambda call: call > 5)
    result = probed(peer.port)
    assert result.error is None
    [left] = result.skipped
    assert "ulimit -n" in left.reason
    assert result.verdict == "untested"
    assert target_status(result) is ExitStatus.INCONCLUSIVE
    assert all(finding.severity == "info" for finding in result.findings)
    for mechanism in result.addresses[0].mechanisms:
        assert set(mechanism.fixed.order + mechanism.chained.order) <= {"R"}


def test_it_is_the_end_of_another_connection_that_is_waited_for(server, monkeypatch):
    """Who finds no descriptor goes on when a connection of ours has ended, to whatever address,
    and not only after a pause."""
    peer = server()
    lab = NetworkLab(Budget(9), Gate(4), LabOptions(timeout=60))
    calls: list[Route] = []

    async def dialling(route: Route, seconds: float) -> Any:
        calls.append(route)
        if len(calls) > 1 and not lab.journal:
            return failure_from(SHORT[0], "connect", "h:1")
        return await dial(route, seconds)

    monkeypatch.setattr(before_tls, "dial", dialling)
    monkeypatch.setattr(opening, "_ROOM_PAUSE", 1000)

    async def scene() -> None:
        work = [
            lab.connect(Route(host, peer.port), ClientConfig(server_name="localhost"), ERRAND)
            for host in (HERE, "127.0.0.2")
        ]
        await asyncio.wait_for(asyncio.gather(*work), 30)

    asyncio.run(scene())
    assert len(calls) == 3
    assert {attempt.address for attempt in lab.journal} == {HERE, "127.0.0.2"}


def test_save_and_resume_name_the_shortage(server, short_of):
    """Exit 5 where the server was not reached, 4 where it was."""
    peer = server(versions=("1.3",))
    target = f"localhost:{peer.port}"
    place = parse_target(target, connect=f"{HERE}:{peer.port}")
    result, saved = save(place, SaveOptions(connect=CONNECT))
    assert result.saved
    file = parse_session_file(format_session_file(*saved[-1]), "session.pem")
    for after, status in ((0, ExitStatus.UNREACHABLE), (1, ExitStatus.INCONCLUSIVE)):
        short_of(SHORT[0], lambda call, after=after: call > after)
        with pytest.raises(LocalError) as caught:
            resume(file, place, ResumeOptions(connect=CONNECT, tries=2))
        assert caught.value.exit_status is status
    short_of(SHORT[0], lambda _: True)
    with pytest.raises(LocalError) as caught:
        save(place, SaveOptions(connect=CONNECT))
    assert caught.value.exit_status is ExitStatus.UNREACHABLE
    assert "ulimit -n" in caught.value.message


def test_a_shortage_within_a_connection_is_tried_again(server, monkeypatch):
    """Memory or descriptors that run out inside a handshake: our connection, not the server's
    answer; the attempt is in the journal and does not count."""
    peer = server()
    real = contexts._context
    for error in (MemoryError(), LocalError("no descriptor")):
        failing = [error]

        def context(*key: Any, failing: list[Any] = failing, **more: Any) -> Any:
            if failing:
                raise failing.pop()
            return real(*key, **more)

        monkeypatch.setattr(contexts, "_context", context)
        lab = NetworkLab(Budget(9), Gate(4), LabOptions(timeout=3))
        attempt = asyncio.run(
            lab.connect(Route(HERE, peer.port), ClientConfig(server_name="localhost"), ERRAND)
        )
        assert attempt.handshake_done
        first = lab.journal[0].error
        assert first is not None
        assert first.kind == "local"
        assert list(lab.journal.counted) == [attempt]
        assert lab._gate._at(HERE, peer.port).limit == 4


def test_what_could_not_be_sent_is_no_silence(server, monkeypatch):
    """A ClientHello that this machine has no buffer for was never sent: no timeout is waited
    for, and the connection is made again."""
    peer = server()
    send = Stream.send
    failing = [SHORT[4]]

    async def sending(
        self: Stream, pieces: Sequence[bytes], deadline: float, *, last: bool = False
    ) -> None:
        if failing:
            raise failing.pop()
        await send(self, pieces, deadline, last=last)

    monkeypatch.setattr(Stream, "send", sending)
    lab = NetworkLab(Budget(9), Gate(4), LabOptions(timeout=60))
    attempt = asyncio.run(
        lab.connect(Route(HERE, peer.port), ClientConfig(server_name="localhost"), ERRAND)
    )
    assert attempt.handshake_done
    assert [a.error and a.error.kind for a in lab.journal] == ["local", None]
    assert list(lab.journal.counted) == [attempt]


def test_a_conversation_without_descriptors_is_ours(short_of):
    """A connection for a conversation that this machine cannot make is no refusal."""
    short_of(SHORT[0], lambda _: True)
    lab = NetworkLab(Budget(9), Gate(4), LabOptions(timeout=3))

    async def scene() -> None:
        async with lab.dial(Route(HERE, 1), ERRAND):
            raise AssertionError("no connection")

    with pytest.raises(LocalError):
        asyncio.run(scene())
    assert [a.error and a.error.kind for a in lab.journal] == ["local"]


def test_a_pinned_port_in_use_ends_nothing(short_of):
    """A port of ours that still lingers is one attempt that does not count."""
    with RawPeer("silent") as peer:
        lab = NetworkLab(Budget(9), Gate(4), LabOptions(timeout=3))
        route = Route(HERE, peer.port, local_port=peer.port)
        attempt = asyncio.run(lab.connect(route, ClientConfig(), ERRAND))
    assert attempt.error is not None
    assert attempt.error.kind == "local"
    assert len(lab.journal) == 1
    assert list(lab.journal.counted) == []


def test_trust_that_could_not_be_opened_is_not_empty_trust(monkeypatch):
    """OpenSSL takes a bundle that it cannot open for no bundle; that must not become "not
    verified"."""
    contexts._context.cache_clear()
    monkeypatch.setattr(shortage, "shortage_now", lambda: SHORT[0])
    with pytest.raises(LocalError, match="trusted certificates"):
        contexts.context_for(ClientConfig())


def test_the_limit_is_raised_only_where_that_is_needed(monkeypatch):
    """Soft to hard, for as many connections as may be open; what is refused is no error."""
    limits = [64, 1024]
    said: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: said.append(new))
    shortage.make_room(8)
    assert not said
    shortage.make_room(64)
    assert said == [(1024, 1024)]
    limits[1] = 64
    shortage.make_room(64)
    assert len(said) == 1

    def refused(_: int, new: object) -> None:
        raise ValueError(new)

    limits[1] = 1024
    monkeypatch.setattr(resource, "setrlimit", refused)
    shortage.make_room(64)


def test_a_probe_makes_room_for_its_connections(monkeypatch, server):
    """A run asks for as much as it may have open at a time."""
    asked: list[int] = []
    monkeypatch.setattr("tlsresume.runs.many_targets.make_room", asked.append)
    probed(server().port)
    assert asked == [OPTIONS.concurrency * OPTIONS.max_addresses]


class _Sockets:
    """The module `socket`, but some sockets cannot be made for want of a descriptor."""

    def __init__(self, when: Callable[[int], bool]) -> None:
        self._when = when
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def socket(self, *kind: Any) -> socket.socket:
        self.calls += 1
        if self._when(self.calls):
            raise SHORT[0]
        return socket.socket(*kind)


def test_a_shortage_is_waited_for_over_udp(monkeypatch):
    """Sockets for QUIC and DTLS are asked for again, and no try is lost or counted; where none
    comes, it is the error of a target never reached, and the peer hears nothing."""
    monkeypatch.setattr(opening, "_ROOM_PAUSE", 0.001)
    connect = ConnectOptions(timeout=30, ticket_wait=0.2)
    options = ProbeOptions(connect=connect, tries=3, explain=False)
    for scheme, service in (("h3", quic_service()), ("dtls", dtls_service())):
        heard: list[int] = []

        def side(service: Any = service, heard: list[int] = heard) -> Any:
            heard.append(1)
            return service.side()

        with DatagramServer(side) as server:
            monkeypatch.setattr(opening, "_PATIENCE_ALONE", 30.0)
            sockets = _Sockets(lambda call: call % 2 == 1)
            monkeypatch.setattr(dial_module, "socket", sockets)
            result = probe(f"{scheme}://{HERE}:{server.port}", options)
            [address] = result.addresses
            assert (result.verdict, result.error, result.skipped) == ("resumes", None, ())
            assert {m.fixed.order + m.chained.order for m in address.mechanisms} == {"RRRRRR"}
            assert all(row.error is None for row in address.attempts)
            assert sockets.calls == 2 * len(address.attempts)
            heard.clear()
            monkeypatch.setattr(opening, "_PATIENCE_ALONE", 0.02)
            monkeypatch.setattr(dial_module, "socket", _Sockets(lambda _: True))
            result = probe(f"{scheme}://{HERE}:{server.port}", options)
        assert result.error is not None
        assert (result.error.kind, result.error.step) == ("local", "connect")
        assert "ulimit -n" in result.error.message
        assert target_status(result) is ExitStatus.UNREACHABLE
        assert (result.findings, heard) == ((), [])


# ------------------------------------------------------------- a real limit

PROGRAM = """
import os, resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
from tlsresume.cli import main
main(sys.argv[2:])
"""


def limited(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with so many descriptors and no more."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(limit), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_few_descriptors_never_blame_a_healthy_server(server):
    """With hardly any descriptor the answer is "resumes", or an error of ours that names
    `ulimit -n`: never a refusal, a broken try or a finding."""
    peer = server(versions=("1.3",))
    answers = set()
    for limit in range(7, 14):
        done = limited(
            limit,
            *("probe", f"localhost:{peer.port}", "--connect", f"{HERE}:{peer.port}"),
            *("--tls", "1.3", "--format", "json", "--timeout", "5"),
        )
        assert "Traceback" not in done.stderr
        answers.add(done.returncode)
        document = json.loads(done.stdout)
        if done.returncode == 0:
            [target] = document["targets"]
            [mechanism] = target["addresses"][0]["mechanisms"]
            assert mechanism["fixed"]["order"] == mechanism["chained"]["order"] == "RRRRR"
            continue
        assert done.returncode in (ExitStatus.UNREACHABLE, ExitStatus.INCONCLUSIVE)
        assert "ulimit -n" in done.stdout + done.stderr
        for target in document.get("targets", ()):
            assert not target["findings"]
    assert answers & {4, 5}
    assert 0 in answers
