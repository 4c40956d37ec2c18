"""The real Lab: budget, retries, crowds, cancellation, and what ends up in the journal."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.peers import RawPeer, Relay, refused_port
from tests.helpers.purposes import purpose_of
from tests.helpers.tls_peer import TLSPeer, flood, ignore
from tlsresume.errors import BudgetSpent, UsageError
from tlsresume.evidence.states import disagreement
from tlsresume.evidence.trial import Trial
from tlsresume.lab import Budget, Gate, Milestones, Route, Task
from tlsresume.network import before_tls
from tlsresume.network.dial import dial
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.network.trace import TraceLine
from tlsresume.results.connection import Failure
from tlsresume.sessions.session import Session
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.openssl import binding_messages

pytestmark = pytest.mark.slow

HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HERE = "127.0.0.1"
PLAN = ClientConfig(server_name="localhost", verify_name="localhost")
TLS12 = replace(PLAN, maximum=ProtocolVersion.TLSv1_2)
ERRAND = Task(purpose=purpose_of("test", "full"), want_tickets=1, ticket_wait=2.0)


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    """An open socket would be a ResourceWarning, and so a failed test."""
    yield
    gc.collect()
    assert binding_messages._listening == {}


def new_lab(budget: int = 50, gate: Gate | None = None, **options: Any) -> NetworkLab:
    return NetworkLab(Budget(budget), gate or Gate(), LabOptions(**{"timeout": 5.0, **options}))


def connected(
    lab: NetworkLab,
    port: int,
    task: Task = ERRAND,
    session: Session | None = None,
    config: ClientConfig = PLAN,
) -> Trial:
    return asyncio.run(lab.connect(Route(HERE, port), config, task, session))


def error_of(attempt: Trial) -> Failure:
    assert attempt.error is not None
    return attempt.error


async def together(*work: Coroutine[Any, Any, Trial]) -> list[Trial]:
    return await asyncio.gather(*work)


# ----------------------------------------------------------------------- connect


def test_a_connection_is_journalled(server, tls_version):
    """What is returned is what the journal has, numbered, timed and with its task."""
    peer = server(versions=(tls_version,))
    lab = new_lab()
    before = time.time()
    attempt = connected(lab, peer.port)
    assert list(lab.journal) == [attempt]
    assert (attempt.n, attempt.ask, attempt.retried) == (1, 1, False)
    assert (attempt.experiment, attempt.series) == ("test", "full")
    assert before <= attempt.time <= time.time()
    assert attempt.handshake_done
    assert attempt.error is None
    assert attempt.closed == "clean"
    assert attempt.resumed is False
    assert attempt.sessions
    assert attempt.local_port
    timings = attempt.timings
    assert timings.connect is not None
    assert timings.handshake is not None
    assert timings.total is not None
    assert 0 <= timings.connect <= timings.total
    assert 0 < timings.handshake <= timings.total
    assert lab.budget.used == 1


def test_full_then_resumed(server, tls_version):
    """The session of one attempt resumes in the next."""
    peer = server(versions=(tls_version,))
    lab = new_lab()
    full = connected(lab, peer.port)
    resumed = connected(lab, peer.port, session=full.sessions[-1])
    assert resumed.resumed is True
    assert resumed.offered == ("psk" if tls_version == "1.3" else "ticket")
    assert resumed.accepted is True
    assert disagreement(resumed) is None
    assert [(a.n, a.ask) for a in lab.journal] == [(1, 1), (2, 2)]
    assert [served.reused for served in peer.wait(2)] == [False, True]


def test_the_local_port_is_pinned(server):
    """A route can name the port that we come from."""
    with refused_port() as port:
        pass
    attempt = asyncio.run(
        new_lab().connect(Route(HERE, server().port, local_port=port), PLAN, ERRAND)
    )
    assert attempt.local_port == port


def test_refused_and_no_answer_are_journalled():
    """An attempt that never got to TLS is an attempt."""
    lab = new_lab()
    with refused_port() as port:
        attempt = connected(lab, port)
    assert error_of(attempt).kind == "refused"
    assert not attempt.handshake_done
    assert list(lab.journal) == [attempt]


@pytest.mark.parametrize(
    ("misdeed", "kind", "attempts"),
    [
        ("reset after ClientHello", "reset", 3),
        ("closes after ClientHello", "closed", 3),
        ("plain HTTP", "not-tls", 1),
        ("handshake_failure", "alert", 1),
        ("silent", "timeout", 1),
    ],
)
def test_what_may_be_chance_is_tried_again(misdeed, kind, attempts):
    """A cut is tried again alone before it is judged; an answer, or silence without a crowd,
    is not. All tries have one ask."""
    lab = new_lab(timeout=0.2 if misdeed == "silent" else 5.0)
    with RawPeer(misdeed) as peer:
        last = connected(lab, peer.port)
    assert [error_of(attempt).kind for attempt in lab.journal] == [kind] * attempts
    assert [attempt.retried for attempt in lab.journal] == [False, True, True][:attempts]
    assert {attempt.ask for attempt in lab.journal} == {1}
    assert last is lab.journal[-1]
    assert lab.budget.used == attempts


def test_every_third_connection_reset(server):
    """A flaky server costs retries, not answers."""
    peer = server(reset_every=3)
    lab = new_lab()

    async def scene() -> list[Trial]:
        work = [lab.connect(Route(HERE, peer.port), PLAN, ERRAND) for _ in range(6)]
        return await together(*work)

    attempts = asyncio.run(scene())
    assert all(attempt.handshake_done for attempt in attempts)
    assert {attempt.ask for attempt in attempts} == {1, 2, 3, 4, 5, 6}
    assert any(attempt.retried for attempt in attempts)


# ------------------------------------------------------------------------ budget


def test_the_budget_is_reserved_before_dialling(server):
    """With nothing left nothing is dialled."""
    peer = server()
    lab = new_lab(budget=1)
    connected(lab, peer.port)
    with pytest.raises(BudgetSpent):
        connected(lab, peer.port)
    assert len(lab.journal) == 1
    assert len(peer.wait(1)) == 1
    assert peer.connections == 1


def test_no_budget_for_a_retry_leaves_the_attempt_unsettled():
    """A retry that cannot be paid for ends the work; what was seen is not judged."""
    lab = new_lab(budget=2)
    with RawPeer("reset after ClientHello") as peer, pytest.raises(BudgetSpent):
        connected(lab, peer.port)
    assert [error_of(attempt).kind for attempt in lab.journal] == ["reset", "reset"]
    assert [attempt.unsettled for attempt in lab.journal] == [False, True]


# ------------------------------------------------------------------------ crowds


def test_a_server_that_limits_connections_narrows_the_gate(server):
    """Who is reset in a crowd and served alone is from then on asked one by one."""
    peer = server(max_connections_per_client=1)
    gate = Gate(4)
    lab = new_lab(gate=gate, budget=50)

    async def scene() -> list[Trial]:
        work = [lab.connect(Route(HERE, peer.port), PLAN, ERRAND) for _ in range(6)]
        return await together(*work)

    attempts = asyncio.run(scene())
    assert all(attempt.handshake_done for attempt in attempts)
    assert gate._at(HERE, peer.port).limit == 1


def test_a_server_that_serves_one_at_a_time_is_not_judged_by_a_crowd(server):
    """A timeout behind another connection of ours is tried again alone."""
    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0, one_at_a_time=True)
    gate = Gate(2)
    lab = new_lab(gate=gate, timeout=0.3)
    slow = replace(ERRAND, ticket_wait=0.7)

    async def scene() -> list[Trial]:
        route = Route(HERE, peer.port)
        return await together(lab.connect(route, PLAN, slow), lab.connect(route, PLAN, slow))

    attempts = asyncio.run(scene())
    assert all(attempt.handshake_done for attempt in attempts)
    first = [attempt for attempt in lab.journal if not attempt.handshake_done]
    assert [error_of(attempt).kind for attempt in first] == ["timeout"]
    assert gate._at(HERE, peer.port).limit == 1


def test_the_gate_bounds_what_is_open_at_once(server):
    """However many connections are asked for, a server sees few at a time."""
    peer = server(max_connections_per_client=2)
    lab = new_lab(gate=Gate(2))

    async def scene() -> list[Trial]:
        work = [lab.connect(Route(HERE, peer.port), PLAN, ERRAND) for _ in range(10)]
        return await together(*work)

    attempts = asyncio.run(scene())
    assert all(attempt.handshake_done for attempt in attempts)


# -------------------------------------------------------------------- deadlines


def test_the_timeout_bounds_dial_and_handshake_together(monkeypatch):
    """What dialling took is not given to the handshake again."""

    async def slow_dial(route: Route, seconds: float) -> Any:
        await asyncio.sleep(0.3)
        return await dial(route, seconds)

    monkeypatch.setattr(before_tls, "dial", slow_dial)
    with RawPeer("silent") as peer:
        attempt = connected(new_lab(timeout=0.4), peer.port)
    assert error_of(attempt).kind == "timeout"
    assert attempt.timings.total is not None
    assert attempt.timings.total < 650


def test_a_drip_ends_with_the_timeout(server):
    """One byte every 50 ms is not progress."""
    with Relay(server().port, drip=0.05) as relay:
        attempt = connected(new_lab(timeout=0.3), relay.port)
    assert error_of(attempt).kind == "timeout"
    assert attempt.traffic.received > 0


# --------------------------------------------------------------- data and tickets


def test_tickets_only_after_data(server):
    """A server that gives tickets with its first answer is asked for one."""
    peer = server(versions=("1.3",), tickets_after_data=True)
    attempt = connected(new_lab(), peer.port, replace(ERRAND, send=HEAD, send_after=0.1))
    assert attempt.sessions
    assert all(ticket.after_data for ticket in attempt.tickets)
    assert attempt.error is None


def test_nothing_is_sent_when_tickets_came_by_themselves(server):
    """The request that elicits tickets stays unsent where it is not needed."""
    peer = server(versions=("1.3",))
    attempt = connected(new_lab(), peer.port, replace(ERRAND, send=HEAD, send_after=1.0))
    assert attempt.sessions
    assert [served.requests for served in peer.wait(1)] == [0]


def test_a_long_way_is_no_silence(server):
    """On a slow path nothing is sent before a ticket had the time to come by itself."""
    peer = server(versions=("1.3",))
    with Relay(peer.port, delay=0.3) as relay:
        attempt = connected(new_lab(), relay.port, replace(ERRAND, send=HEAD, send_after=0.1))
    assert [ticket.after_data for ticket in attempt.tickets][:1] == [False]
    assert [served.requests for served in peer.wait(1)] == [0]


def test_the_wait_for_an_answer_is_part_of_the_wait_for_a_ticket():
    """A server that neither answers nor gives tickets costs one wait, not two."""
    task = replace(ERRAND, send=HEAD, want_response=True, ticket_wait=0.8)
    with TLSPeer(ignore) as peer:
        attempt = connected(new_lab(timeout=2.4), peer.port, task)
    assert attempt.handshake_done
    assert attempt.timings.total is not None
    assert attempt.timings.handshake is not None
    assert attempt.timings.total - attempt.timings.handshake < 1500


def test_milestones_come_while_the_connection_is_open(server):
    """That the handshake is done, and that no ticket came, is told before the wait is over."""
    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0)
    lab = new_lab()

    async def scene() -> tuple[bool, bool, int]:
        milestones = Milestones()
        work = asyncio.create_task(
            lab.connect(Route(HERE, peer.port), PLAN, ERRAND, milestones=milestones)
        )
        told = (await milestones.handshake, await milestones.quiet, len(lab.journal))
        await work
        return told

    assert asyncio.run(scene()) == (True, True, 0)


def test_it_is_not_quiet_where_a_ticket_came(server):
    """A connection that brought its ticket was never quiet."""
    peer = server(versions=("1.3",))

    async def scene() -> bool:
        milestones = Milestones()
        route = Route(HERE, peer.port)
        await new_lab().connect(route, PLAN, ERRAND, milestones=milestones)
        milestones.end()
        return await milestones.quiet

    assert asyncio.run(scene()) is False


def test_an_answer_can_be_asked_for(server, tls_version):
    """With want_response the answer is read, and the header that names the node."""
    peer = server(versions=(tls_version,))
    lab = new_lab(node_header="x-served-by")
    attempt = connected(lab, peer.port, replace(ERRAND, send=HEAD, want_response=True))
    assert attempt.http_status == 200
    assert attempt.node == "node1"
    assert [served.requests for served in peer.wait(1)] == [1]


def test_reading_an_answer_is_bounded():
    """An answer without end is cut, and stays a good handshake."""
    task = replace(ERRAND, want_tickets=0, send=HEAD, want_response=True)
    began = time.monotonic()
    with TLSPeer(flood) as peer:
        attempt = connected(new_lab(), peer.port, task)
    assert time.monotonic() - began < 5
    assert attempt.handshake_done
    assert len(attempt.response) <= 16384


def test_no_ticket_is_no_error(server):
    """A TLS 1.3 server without tickets costs the wait and gives no session."""
    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0)
    attempt = connected(new_lab(), peer.port, replace(ERRAND, ticket_wait=0.1))
    assert attempt.handshake_done
    assert attempt.error is None
    assert attempt.sessions == ()


def test_an_unclean_close_is_recorded(server, tls_version):
    """clean=False cuts, and the server sees it."""
    peer = server(versions=(tls_version,))
    attempt = connected(new_lab(), peer.port, replace(ERRAND, clean=False))
    assert attempt.closed == "abrupt"
    assert not peer.wait(1)[0].clean


# ----------------------------------------------------- cancellation and bad plans


def test_a_place_is_given_back_when_our_goodbye_is_out():
    """How the peer takes it is filled in later, and no later than the block's end."""
    gate = Gate(2)
    lab = new_lab(gate=gate)

    async def both() -> list[str]:
        seen: list[str] = []
        with TLSPeer(ignore, tickets=1) as peer:
            async with lab.parting_early():
                for _ in range(3):
                    await lab.connect(Route(HERE, peer.port), PLAN, ERRAND)
                    seen.append(lab.journal[-1].closed)
                    assert not gate.busy(HERE, peer.port)
        return seen

    # As many wait for the peer beside as may be open; the next one waits itself.
    assert asyncio.run(both()) == ["failed", "failed", "peer-silent"]
    assert [each.closed for each in lab.journal] == ["peer-silent"] * 3
    assert all(each.error is None for each in lab.journal)


def test_an_interrupt_in_the_goodbye_is_recorded():
    """The connection ends at once, and what was seen stays."""
    lab = new_lab()

    async def cut() -> None:
        with TLSPeer(ignore, tickets=1) as peer:
            async with lab.parting_early():
                await lab.connect(Route(HERE, peer.port), PLAN, ERRAND)
                raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(cut())
    (attempt,) = lab.journal
    assert attempt.handshake_done
    assert error_of(attempt).kind == "cancelled"


def test_a_cancelled_handshake_is_recorded():
    """Cancelling closes the socket and leaves an attempt that says so."""
    said = asyncio.Event()

    def trace(_: TraceLine) -> None:
        said.set()

    async def scene() -> None:
        task = asyncio.create_task(lab.connect(Route(HERE, peer.port), PLAN, ERRAND))
        await said.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with RawPeer("silent") as peer:
        lab = new_lab(trace=trace)
        asyncio.run(scene())
    [attempt] = lab.journal
    assert (error_of(attempt).kind, error_of(attempt).step) == ("cancelled", "handshake")
    assert not attempt.handshake_done
    assert attempt.local_port


def test_a_cancelled_dial_is_recorded(monkeypatch):
    """An interrupt while dialling leaves an attempt, too."""

    async def endless(_route: Route, _seconds: float) -> Any:
        await asyncio.Event().wait()

    async def scene() -> None:
        task = asyncio.create_task(lab.connect(Route(HERE, 1), PLAN, ERRAND))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lab._gate.busy(HERE, 1) == 0

    monkeypatch.setattr(before_tls, "dial", endless)
    lab = new_lab()
    asyncio.run(scene())
    [attempt] = lab.journal
    assert (error_of(attempt).kind, error_of(attempt).step) == ("cancelled", "connect")


def test_cancelling_after_the_handshake_keeps_what_was_seen(server):
    """A cancelled wait for tickets is a finished handshake all the same."""
    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0)
    said = asyncio.Event()

    def trace(line: TraceLine) -> None:
        if line.sender == "client" and "Finished" in line.text:
            said.set()

    async def scene() -> None:
        task = replace(ERRAND, ticket_wait=60)
        running = asyncio.create_task(lab.connect(Route(HERE, peer.port), PLAN, task))
        await said.wait()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    lab = new_lab(trace=trace)
    asyncio.run(scene())
    [attempt] = lab.journal
    assert (error_of(attempt).kind, error_of(attempt).step) == ("cancelled", "data")
    assert attempt.handshake_done
    assert attempt.resumed is False


def test_a_plan_that_cannot_be_carried_out_is_raised(server):
    """A bad cipher list is the caller's error; the socket is closed and the place free."""
    peer = server()
    lab = new_lab()
    with pytest.raises(UsageError):
        connected(lab, peer.port, config=ClientConfig(ciphers="NO-SUCH-CIPHER"))
    assert lab._gate.busy(HERE, peer.port) == 0


def test_a_session_that_is_none_is_a_failure_of_that_step(server):
    """What OpenSSL cannot read is told with its stack, and nothing is offered."""
    junk = Session("openssl-der", b"\x30\x03\x02\x01\x01")
    attempt = connected(new_lab(), server().port, session=junk)
    assert (error_of(attempt).kind, error_of(attempt).step) == ("openssl", "session")
    stack = error_of(attempt).stack
    assert stack is not None
    assert stack.call == "d2i_SSL_SESSION"
    assert attempt.offered is None


def test_what_a_tracer_raises_is_not_swallowed(server):
    """Even a KeyboardInterrupt inside OpenSSL's callback gets out, and is recorded."""

    def trace(_: TraceLine) -> None:
        raise ZeroDivisionError

    lab = new_lab(trace=trace)
    with pytest.raises(ZeroDivisionError):
        connected(lab, server().port)
    assert len(lab.journal) == 1


def test_the_trace_names_connections(server):
    """Each connection of a Lab has its number in the trace."""
    lines: list[TraceLine] = []
    peer = server()
    lab = new_lab(trace=lines.append)
    connected(lab, peer.port)
    connected(lab, peer.port)
    assert {line.connection for line in lines} == {1, 2}
    assert {line.where for line in lines} == {f"{HERE}:{peer.port}"}


def test_the_clocks_are_the_systems():
    """now() is monotonic, wall_time() is the calendar's, wait() lets time pass."""

    async def scene() -> float:
        began = lab.now()
        await lab.wait(0.01)
        return lab.now() - began

    lab = new_lab()
    assert asyncio.run(scene()) > 0.005
    assert abs(lab.wall_time() - time.time()) < 5
    assert lab.timeout == 5.0


def test_a_connection_knows_whether_it_was_alone():
    """Another of ours that was open at any time meanwhile counts, also one that came later and
    ended before; one to another port does not."""

    async def scene() -> list[bool]:
        gate = Gate(2)
        async with gate.slot(HERE, 1) as first:
            async with gate.slot(HERE, 2) as elsewhere:
                pass
            before = first.shared
            async with gate.slot(HERE, 1) as second:
                pass
            assert gate.open == 1
        async with gate.slot(HERE, 1, alone=True) as alone:
            pass
        return [before, elsewhere.shared, first.shared, second.shared, alone.shared]

    assert asyncio.run(scene()) == [False, False, True, True, False]


def test_a_timeout_beside_a_brief_connection_is_tried_again_alone(server):
    """The other one was neither there when we came nor when we gave up, and yet the server may
    have served it instead of us."""
    peer = server(backend="stdlib", versions=("1.3",), num_tickets=0, one_at_a_time=True)
    lab = new_lab(gate=Gate(2), timeout=1.0)

    async def scene() -> Trial:
        route = Route(HERE, peer.port)
        # Takes the server's only place, and is none of the Lab's connections.
        _, writer = await asyncio.open_connection(HERE, peer.port)
        ours = asyncio.create_task(lab.connect(route, PLAN, ERRAND))
        while not lab._gate.open:  # noqa: ASYNC110  until it has its place
            await asyncio.sleep(0)
        async with lab._gate.slot(HERE, peer.port):
            pass
        while not lab.journal:  # noqa: ASYNC110  until the timeout
            await asyncio.sleep(0.005)
        writer.close()
        return await ours

    attempt = asyncio.run(scene())
    assert attempt.handshake_done
    assert [a.handshake_done for a in lab.journal] == [False, True]
    assert [a.retried for a in lab.journal] == [False, True]
