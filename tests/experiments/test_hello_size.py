"""The length of a ClientHello: as it is sent, as it is asked for, and what it decides."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from tests.helpers.canned_lab import ROUTE, Ask, CannedLab, Pool, broken
from tests.helpers.crowds import reset
from tests.helpers.evidence import OTHER_LEAF, Story
from tests.helpers.pair import VERSIONS, Tick, config_for
from tests.helpers.peers import Relay, read_client_hello
from tests.helpers.purposes import purpose_of
from tests.helpers.trials import changed
from tlsresume.errors import UsageError
from tlsresume.evidence.trial import Trial
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.ladder import EXPERIMENTS
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.findings.judge import judge, wanted
from tlsresume.findings.view import NotRun, WhyNotRun
from tlsresume.network.observe import hello_size
from tlsresume.options import ConnectOptions, ProbeOptions
from tlsresume.results.connection import Mechanism
from tlsresume.results.report import TargetResult
from tlsresume.runs.many_targets import scan
from tlsresume.server.server import Server
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.openssl.binding_padding import PADDING_EXTENSION
from tlsresume.transports.openssl.client import TLSClient

pytestmark = pytest.mark.slow

TARGET_SETUP = TargetSetup(parse_target("example.test"), ConnectOptions(), "tlsresume/test")


def hello(config: ClientConfig) -> TLSClient:
    client = TLSClient(config, clock=Tick())
    client.start()
    return client


# ------------------------------------------------------------------- on the wire


@pytest.mark.parametrize("version", [ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3])
def test_padding_makes_the_hello_longer_by_exactly_so_much(version: ProtocolVersion) -> None:
    """The bytes that go out are those that are counted, and padding is what is added to them,
    also over several records."""
    config = ClientConfig(minimum=version, maximum=version, server_name="example.test")
    lengths = {}
    for padding in (0, 4, 5, 700, 20_000):
        client = hello(replace(config, padding=padding))
        sent = b"".join(client.drain())
        lengths[padding] = len(sent)
        assert hello_size(client.transcript) == len(sent)
        first = client.transcript.client_hello
        assert first is not None
        assert (PADDING_EXTENSION in {e.type for e in first.extensions}) == (padding > 0)
        client.release()
    bare = lengths.pop(0)
    for padding, length in lengths.items():
        records = 1 + (bare - 5 + padding) // (1 << 14)
        assert length == bare + padding + 5 * (records - 1)


def test_padding_that_no_extension_holds_is_refused() -> None:
    """Less than an extension's header and more than its body can be is an error in words."""
    for padding in (1, 3, 70_000):
        with pytest.raises(UsageError, match="longer"):
            TLSClient(ClientConfig(padding=padding), clock=Tick())


def test_servers_ignore_the_padding(tls_version: str) -> None:
    """A padded ClientHello gets a handshake, and sessions as ever."""
    with Server() as server, socket.create_connection(("127.0.0.1", server.port), 5) as link:
        client = hello(replace(config_for(tls_version), padding=3000))
        while not client.established:
            link.sendall(b"".join(client.drain()))
            client.receive(link.recv(65_536))
            assert client.failure is None
        client.release()


# ---------------------------------------------------------------- the experiment


class Hellos(CannedLab):
    """A Lab whose ClientHellos have 300 bytes, 90 less with small groups, 500 more with a
    session, and their padding."""

    def answer(self, ask: Ask) -> Trial:
        size = 300 + ask.config.padding + 500 * (ask.session is not None)
        size -= 90 * (ask.config.groups is not None)
        return changed(super().answer(ask), hello_size=size)


def experiment(lab: CannedLab, mechanism: Mechanism) -> list[Ask]:
    """What the experiment asked for, after one session was offered in vain."""
    config = TARGET_SETUP.config_for(mechanism)
    setup = MechanismSetup(
        lab=lab, route=ROUTE, target_setup=TARGET_SETUP, mechanism=mechanism, config=config
    )

    async def run() -> None:
        _, session = await setup.full(purpose_of("tries", "full"))
        assert session is not None
        await setup.offer(purpose_of("tries", "fixed"), session)
        await EXPERIMENTS["hello-size"].run(setup)

    asyncio.run(run())
    return lab.asks[2:]


@pytest.mark.parametrize("mechanism", ["psk", "ticket", "session-id"])
def test_the_control_is_as_long_as_the_offer(mechanism: Mechanism) -> None:
    """Without a session as it is, and padded to the offer's length; with one only in TLS 1.3,
    where the group list can make a ClientHello much shorter."""
    pool = Pool()

    def refuses(ask: Ask) -> Trial:
        full = pool(replace(ask, session=None))
        offered = ask.session.mechanism if ask.session else None
        return changed(full, state=ask.session, offered=offered)

    lab = Hellos(refuses)
    asks = experiment(lab, mechanism)
    series = [ask.task.purpose.series for ask in asks]
    assert series == (
        ["plain", "padded", "short"] * 2
        if mechanism == "psk"
        else ["plain", "padded", "padded", "plain", "padded"]
    )
    for ask in asks:
        attempt = lab.journal[ask.number - 1]
        expected = {"plain": 300, "padded": 800, "short": 710}[ask.task.purpose.series]
        assert attempt.hello_size == expected
        assert (ask.session is not None) == (ask.task.purpose.series == "short")


def test_silence_is_not_waited_for_twice() -> None:
    """Where the padded ClientHello gets no answer in all the time allowed, one is enough."""
    pool = Pool()

    def reply(ask: Ask) -> Trial:
        if ask.session is not None or ask.config.padding:
            return broken(ask, "timeout")
        return pool(ask)

    series = [ask.task.purpose.series for ask in experiment(Hellos(reply), "ticket")]
    assert series == ["plain", "padded", "plain"]


def test_nothing_is_asked_where_no_offer_failed() -> None:
    """Sessions that resume need no other length."""
    assert experiment(Hellos(Pool()), "psk") == []


# --------------------------------------------------------------------- the rules


def codes(story: Story) -> list[str]:
    return [f.code for f in judge([story.view()]) if f.severity != "info"]


def test_an_exact_division_is_asked_about_before_keys_are_blamed() -> None:
    """Every short hello under one key and every longer one under another: no other-ticket-key,
    no other-terminator, and the experiment that tells."""
    story = Story("ticket").full(hello_size=300).full("tries", hello_size=300)
    for _ in range(4):
        story.declined(key="b", hello_size=600, leaf_sha256=OTHER_LEAF)
    assert wanted(story.view())[0] == "hello-size"
    (finding,) = [f for f in judge([story.view()]) if f.severity != "info"]
    assert finding.code == "routed-by-size"
    assert "whether it is the length" in finding.not_known[0]
    story.skipped.append(NotRun("hello-size", WhyNotRun.NO_BUDGET))
    assert codes(story) == ["routed-by-size"]


def test_nodes_by_turns_are_not_laid_to_the_length() -> None:
    """One short hello under the second key, or one long one under the first: nodes."""
    for mixed in ({"key": "b"}, {"key": "a"}):
        story = Story("ticket").full(hello_size=300).full("tries", hello_size=300)
        first = story._latest()
        for _ in range(4):
            story.declined(first, key="b", hello_size=600)
        if mixed["key"] == "b":
            story.full("tries", hello_size=300, key="b")
        else:
            story.resumed(first, hello_size=600)
        story.retry("NNNNN", key="a", then="b")
        assert codes(story) == ["other-ticket-key"]


def test_the_sizes_are_said() -> None:
    """Both lengths stand in the finding, and what the control of the same length met."""
    story = Story("ticket").full(hello_size=300).full("tries", hello_size=310)
    for _ in range(4):
        story.declined(key="b", hello_size=600)
    (finding,) = judge([story.by_length({"key": "b"}).view()])
    text = " ".join(finding.evidence)
    assert "300 to 310 bytes meets one server" in text
    assert "600 bytes another" in text
    assert "padded to 600 bytes: the other server, too, 2 of 2" in text


def test_a_control_that_is_answered_clears_the_length() -> None:
    """Where a padded hello is answered, or a short offer fails, too, the session is the cause."""
    for padded, short in (({}, None), (None, "broken")):
        story = Story("psk").full(hello_size=300)
        for _ in range(3):
            story.broken(kind="closed", hello_size=600)
        story.control(hello_size=300).by_length(padded)
        if short:
            story.broken(None, "hello-size", "short", kind="closed", hello_size=400)
        assert codes(story) == ["dies-on-session"]


def test_a_saved_session_is_told_from_another_key() -> None:
    """`resume`: the file's session and fresh ones are declined in long hellos only."""
    story = Story("ticket")
    story.keep(story.session("a", age=60))
    story.declined(experiment="resume", series="resume", key="b", hello_size=600)
    for _ in range(2):
        story.full("retry", hello_size=300)
        story.declined(story.journal[-1].sessions[-1], "retry", "at-once", key="b", hello_size=600)
    assert "hello-size" in wanted(story.view())
    assert codes(story.by_length({"key": "b"})) == ["routed-by-size"]


# ------------------------------------------------------------------ over loopback


class SizeRouter(Relay):
    """Sends ClientHellos above `limit` bytes to another port, or resets them (None)."""

    def __init__(self, port: int, other: int | None, limit: int) -> None:
        super().__init__(port)
        self._near, self._other, self._limit = port, other, limit

    def serve(self, connection: socket.socket, number: int) -> None:
        records = read_client_hello(connection)
        if not records:
            return
        port = self._near if len(records) <= self._limit else self._other
        if port is None:
            reset(connection)
            return
        upstream = socket.create_connection((self.host, port))
        self.adopt(upstream)
        try:
            upstream.sendall(records)
            self._pass(connection, upstream)
        finally:
            self.disown(upstream)


def probe(port: int, version: str) -> TargetResult:
    connect = ConnectOptions(tls=(VERSIONS[version],), timeout=5.0)
    target = parse_target(f"localhost:{port}", family="ipv4")
    return scan([(target, ProbeOptions(connect=connect))]).targets[0]


#: What lies between a ClientHello with a session and one without.
LIMITS = {"1.2": 300, "1.3": 1550}


def test_a_router_with_a_small_buffer_is_named(tls_version: str) -> None:
    """Two servers with keys of their own behind a router that knows short hellos only."""
    with (
        Server() as near,
        Server() as other,
        SizeRouter(near.port, other.port, LIMITS[tls_version]) as router,
    ):
        result = probe(router.port, tls_version)
    found = [f.code for f in result.findings if f.severity != "info"]
    assert found == ["routed-by-size"], result.findings


def test_a_device_that_drops_long_hellos_is_named(tls_version: str) -> None:
    """The same device without a second server."""
    with Server() as near, SizeRouter(near.port, None, LIMITS[tls_version]) as router:
        result = probe(router.port, tls_version)
    found = [f.code for f in result.findings if f.severity != "info"]
    assert found == ["hello-too-large"], result.findings
