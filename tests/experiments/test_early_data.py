"""Early data (0-RTT): what is found out by replays, and what is said of it.

The built-in server is a peer whose log is the truth: how often it executed a request.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.commands import runner
from tests.helpers.crowds import LoggedServer
from tests.helpers.peers import read_client_hello, refused_port
from tests.helpers.rows import each_row
from tests.helpers.trials import changed
from tlsresume.cli.root import root
from tlsresume.errors import BudgetSpent
from tlsresume.evidence.early_data_summary import early_data
from tlsresume.evidence.evidence import Evidence
from tlsresume.evidence.purposes import EarlyReplay, Resume, Save
from tlsresume.evidence.trial import EarlyAsk, Trial
from tlsresume.experiments import early_data as early_module
from tlsresume.experiments.connections import TargetSetup
from tlsresume.experiments.early_data import EarlySetting, replay_early_data
from tlsresume.experiments.subject import MechanismSetup
from tlsresume.formats.early_data_text import early_words, put_early_data
from tlsresume.formats.folding_text import groups_of
from tlsresume.formats.page import Page, View
from tlsresume.formats.session_text import render_resume
from tlsresume.lab import Budget, Gate, Route, Task
from tlsresume.network.dialling import LabOptions
from tlsresume.network.lab import NetworkLab
from tlsresume.options import ConnectOptions, ProbeOptions, ResumeOptions, SaveOptions
from tlsresume.policy.check import check_target
from tlsresume.policy.demands import Demands
from tlsresume.request_line import parse_request_line
from tlsresume.results.early_data import EarlyAfter, EarlyData, EarlyRequest
from tlsresume.results.report import ResumeResult, TargetResult
from tlsresume.runs.many_targets import scan
from tlsresume.runs.plan import plan_probe
from tlsresume.runs.resume import resume
from tlsresume.runs.save import save
from tlsresume.server.acceptor import Acceptor
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.contexts import self_signed
from tlsresume.server.sides import Sides
from tlsresume.server.talk import HTTP
from tlsresume.sessions.file import SessionFile
from tlsresume.sessions.session import Session
from tlsresume.targets.target import parse_target
from tlsresume.tls.registry import ProtocolVersion
from tlsresume.transports.config import ClientConfig
from tlsresume.transports.interface import Flight
from tlsresume.transports.openssl import binding_messages

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
ROOM = 16_384
#: TLS 1.3 alone, and no more connections than the questions take.
QUICK = ProbeOptions(
    connect=ConnectOptions(tls=(ProtocolVersion.TLSv1_3,), timeout=5.0, ticket_wait=1.0),
    tries=1,
    explain=False,
    replay_early_data="GET",
)
TLS13 = ClientConfig(server_name="localhost", minimum=ProtocolVersion.TLSv1_3)


@pytest.fixture(autouse=True)
def _held_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our Finished is held back for less than two seconds; an answer here takes milliseconds."""
    monkeypatch.setattr(early_module, "_LEAST_HOLD", 0.7)


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    """An open socket would be a ResourceWarning; a kept connection stands in a table."""
    yield
    gc.collect()
    assert binding_messages._listening == {}


def taking(**knobs: Any) -> Behaviour:
    """A server of TLS 1.3 that takes early data, without anti-replay unless told."""
    said: dict[str, Any] = {"early_data": ROOM, "versions": ("1.3",)}
    return Behaviour(**(said | knobs))


def probed(port: int, options: ProbeOptions = QUICK, host: str = HERE) -> TargetResult:
    (target,) = scan([(parse_target(f"https://{host}:{port}"), options)]).targets
    return target


def told(target: TargetResult) -> EarlyData:
    early = target.addresses[0].early_data
    assert early is not None
    return early


def executed(server: LoggedServer) -> Counter[str]:
    """How often the server executed each marked request, by its own log."""
    marks = (served.head.partition(b" HTTP")[0].decode() for served in server.log if served.head)
    return Counter(mark.rpartition("tlsresume")[2][1:] for mark in marks if "tlsresume" in mark)


# ----------------------------------------------------------------- the questions

#: A behaviour, the request, and what must be said of it. `early`: all that was executed was
#: executed before a Finished, so copies on plain sockets are.
TRUTHS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "no anti-replay": (
        {},
        "GET",
        {"accepted": True, "same_ticket": "accepted", "exact_copy": "accepted", "status": 200,
         "answered_before_finished": False, "reason": None, "unsafe_method": None},
    ),
    "anti-replay": (
        {"single_use": True},
        "GET",
        {"accepted": True, "same_ticket": "full-handshake", "exact_copy": "full-handshake",
         "answered_before_finished": False, "reason": "replay-refused"},
    ),
    "answers at once": (
        {"answers_early": True},
        "GET",
        {"accepted": True, "same_ticket": "accepted", "exact_copy": "accepted",
         "answered_before_finished": True},
    ),
    "a POST passes": (
        {"answers_early": True},
        "POST",
        {"accepted": True, "exact_copy": "accepted", "unsafe_method": "passed", "method": "POST"},
    ),
    "a POST is too early": (
        {"answers_early": True, "too_early": True},
        "POST",
        {"accepted": True, "unsafe_method": "too-early", "status": 425},
    ),
    "another key share": (
        {"group": "secp384r1"},
        "GET /status?full",
        {"accepted": True, "reason": "hello-retry", "group": "secp384r1",
         "exact_copy": "accepted"},
    ),
    "none": (
        {"early_data": 0},
        "GET",
        {"max": 0, "accepted": None, "same_ticket": None, "exact_copy": None, "requests": ()},
    ),
}  # fmt: skip

#: The findings on each, with their severity.
FOUND: dict[str, set[tuple[str, str]]] = {
    "no anti-replay": {("early-data-replayed", "warning"), ("early-data-waits", "info")},
    "anti-replay": {("early-data-single-use", "info"), ("early-data-waits", "info")},
    "answers at once": {
        ("early-data-replayed", "warning"), ("early-data-answered-early", "warning")},
    "a POST passes": {
        ("early-data-replayed", "error"), ("early-data-answered-early", "warning")},
    "a POST is too early": {("early-data-replayed", "info"), ("too-early", "info")},
    "another key share": {
        ("early-data-replayed", "warning"), ("early-data-waits", "info"),
        ("early-data-rejected", "info")},
    "none": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUTHS)
def test_what_the_server_does_is_what_is_said_of_it(name: str) -> None:
    """Every answer of the report is the server's behaviour, and the server's own log has each
    marked request as often as the report lets expect."""
    knobs, request, truth = TRUTHS[name]
    with LoggedServer(taking(**knobs)) as server:
        target = probed(server.port, replace(QUICK, replay_early_data=request))
        server.wait(target.connections)
        log = executed(server)
    early = told(target)
    assert {field: getattr(early, field) for field in truth} == truth
    codes = {(f.code, f.severity) for f in target.findings if "early" in f.code}
    assert codes == FOUND[name]
    at_once = early.answered_before_finished
    for asked in early.requests:
        expected = asked.presentations if at_once else len(asked.answers)
        assert log[asked.id] == expected, (asked, log)
    assert set(log) <= {asked.id for asked in early.requests}


def test_the_attempts_of_replays_bear_on_nothing_else() -> None:
    """Copies that cannot finish their handshake, and tickets used twice, change neither the
    verdict nor what is said of the mechanism."""
    with LoggedServer(taking(single_use=True)) as server:
        plain = probed(server.port, replace(QUICK, replay_early_data=None))
        replayed = probed(server.port)
    for one, other in zip(plain.addresses[0].mechanisms, replayed.addresses[0].mechanisms,
                          strict=True):  # fmt: skip
        assert (one.state, one.fixed.order) == (other.state, other.fixed.order)
        assert one.answers.resumed == other.answers.resumed
    assert plain.verdict == replayed.verdict == "resumes"
    series = {
        row.series
        for row in replayed.addresses[0].attempts
        if row.experiment == EarlyReplay.experiment
    }
    assert {"copy", "original", "held", "taken"} <= series
    assert replayed.connections == len(replayed.addresses[0].attempts)


def test_replays_after_pauses_are_made_side_by_side() -> None:
    """Each pause has a first flight of its own, presented at once and again when it is over."""
    with LoggedServer(taking()) as server:
        early = told(probed(server.port, replace(QUICK, replay_ages=(0.2, 0.1))))
    assert [(each.seconds, each.result) for each in early.after] == [
        (0.1, "accepted"),
        (0.2, "accepted"),
    ]
    sent = {each.id.partition("-")[2]: each.presentations for each in early.requests}
    assert sent["after0.1s"] == sent["after0.2s"] == 2


def test_a_copy_at_another_address() -> None:
    """A first flight that another address had before is accepted where nodes share keys and do
    not share what they have seen."""
    with LoggedServer(taking(), also=("127.0.0.2",)) as server:
        target = parse_target(
            f"https://localhost:{server.port}",
            resolve=(f"localhost:{server.port}:{HERE},127.0.0.2",),
        )
        (found,) = scan([(target, QUICK)]).targets
    assert [address.early_data and address.early_data.other_address
            for address in found.addresses] == ["accepted", "accepted"]  # fmt: skip
    patterns = {
        address.early_data and address.early_data.log_pattern for address in found.addresses
    }
    assert len(patterns) == 1
    assert len(groups_of(found.addresses)) == 1
    for address in found.addresses:
        assert address.early_data is not None
        (other,) = [each for each in address.early_data.requests if each.id.endswith("-other")]
        assert (other.presentations, len(other.answers)) == (2, 1)


def test_what_cannot_be_tested_is_named() -> None:
    """Tickets that allow less than the request has, and protocols that are not HTTP, are left
    out by name, and nothing is said of replays."""
    with LoggedServer(taking(early_data=20)) as server:
        target = probed(server.port)
        assert told(target) == replace(told(target), accepted=None, same_ticket=None)
        assert any("allow 20 bytes" in skipped.reason for skipped in target.skipped)
        smtp = parse_target(f"smtps://{HERE}:{server.port}")
        (other,) = scan([(smtp, replace(QUICK, connect=ConnectOptions(ticket_wait=0.5)))]).targets
    assert any("speaks smtp" in skipped.reason for skipped in other.skipped)


def test_without_tls_13_nothing_is_said_of_early_data() -> None:
    """Where TLS 1.3 was not tried, early data was not tested: a demand on it is not met."""
    options = replace(QUICK, connect=replace(QUICK.connect, tls=(ProtocolVersion.TLSv1_2,)))
    with LoggedServer(taking(versions=("1.2", "1.3"))) as server:
        target = probed(server.port, options)
    assert target.addresses[0].early_data is None
    (check,) = [each for each in check_target(target, Demands(early_data_replay="forbid"))
                if each.demand == "early-data-replay=forbid"]  # fmt: skip
    assert check.outcome == "untestable"


def test_the_budget_holds() -> None:
    """Replays stop where the budget ends, which is told, and what is known by then is reported."""
    with LoggedServer(taking()) as server:
        target = probed(server.port, replace(QUICK, budget=9))
    assert target.connections <= 9
    assert any("early data" in each.what and "budget" in each.reason for each in target.skipped)
    assert told(target).accepted is True
    assert told(target).answered_before_finished is None


# --------------------------------------------------------------------- bad peers


class _Mute(HTTP):
    """Answers full handshakes, and what came after a handshake; never early data."""

    def answer(self, data: bytes, *, reused: bool) -> bytes:
        return b"" if self.early else super().answer(data, reused=reused)


class _EarlyPeer(Acceptor):
    """A server that does `then` once early data has come, and is a good one without."""

    def __init__(self, then: Callable[[socket.socket, Any], None]) -> None:
        super().__init__()
        self._then = then
        self._sides = Sides(taking(), self_signed())

    def serve(self, connection: socket.socket, number: int) -> None:
        del number
        side, talk, asked = self._sides.new(), HTTP(), b""
        while data := connection.recv(65_536):
            asked += side.feed(data)
            if side.early_data:
                self._then(connection, side)
                return
            if asked and side.handshaken:
                side.write(talk.answer(asked, reused=side.reused))
                asked = b""
            connection.sendall(side.drain())


def _answers_then_fails(connection: socket.socket, side: Any) -> None:
    side.write_early(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.sendall(side.drain())
    connection.recv(65_536)
    connection.sendall(bytes([21, 3, 3, 0, 2, 2, 40]))  # an alert in clear: the wrong keys


def _cuts(connection: socket.socket, _side: Any) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _floods(connection: socket.socket, side: Any) -> None:
    side.write_early(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 16_000)
    connection.sendall(side.drain())
    while True:
        side.write_early(b"x" * 16_000)
        connection.sendall(side.drain())


@pytest.mark.parametrize("then", [_answers_then_fails, _cuts])
def test_what_dies_only_with_early_data_is_an_error(then) -> None:
    """A server that answers and then breaks the handshake, or cuts the connection, where early
    data is sent: that is found out by the same session without it."""
    with _EarlyPeer(then) as peer:
        target = probed(peer.port)
    (finding,) = [f for f in target.findings if f.code == "early-data-dies"]
    assert finding.severity == "error"
    assert told(target).exact_copy is None


def test_early_data_that_is_never_answered() -> None:
    """A server that accepts early data and never answers it, and answers all else, is told by
    that; nothing hangs."""
    options = replace(QUICK, connect=replace(QUICK.connect, timeout=1.5))
    with LoggedServer(taking(), talk=_Mute) as server:
        target = probed(server.port, options)
    early = told(target)
    assert (early.accepted, early.status) == (True, None)
    assert "early-data-dies" in {f.code for f in target.findings}


def test_a_peer_that_sends_without_end() -> None:
    """An answer without end costs bounded memory and ends in time, on a plain socket, too."""
    options = replace(QUICK, connect=replace(QUICK.connect, timeout=2.0))
    with _EarlyPeer(_floods) as peer:
        target = probed(peer.port, options)
    early = told(target)
    assert (early.accepted, early.status, early.answered_before_finished) == (True, 200, True)
    received = [row.received or 0 for row in target.addresses[0].attempts if row.series == "copy"]
    assert received
    assert max(received) < 200_000


# ------------------------------------------------------------- a flight presented


def new_lab(budget: int = 9) -> NetworkLab:
    return NetworkLab(Budget(budget), Gate(1), LabOptions(timeout=1.0))


def a_session(lab: NetworkLab, port: int) -> Session:
    task = Task(purpose=Save.FULL, want_tickets=1, ticket_wait=2.0)
    attempt = asyncio.run(lab.connect(Route(HERE, port), TLS13, task))
    return attempt.sessions[-1]


PLAN = replace(TLS13, early_data=b"GET / HTTP/1.1\r\n\r\n")
ERRAND = Task(purpose=EarlyReplay.COPY, early=EarlyAsk("id"))


def test_a_first_flight_is_presented_as_any_connection_is_made() -> None:
    """It is counted, numbered and journalled, waits for its turn at the gate, and shows what is
    in clear: the ServerHello resumes the session."""
    with LoggedServer(taking()) as server:
        lab = new_lab(2)
        session = a_session(lab, server.port)
        with made_ahead(lab, session) as flight:
            attempt = asyncio.run(lab.present(Route(HERE, server.port), flight, ERRAND))
            assert lab.journal[-1] == attempt
            assert (attempt.n, attempt.offered, attempt.accepted) == (2, "psk", True)
            assert (attempt.presented, attempt.handshake_done, attempt.error) == (True, False, None)
            assert attempt.traffic.sent == sum(map(len, flight.data))
            with pytest.raises(BudgetSpent):
                asyncio.run(lab.present(Route(HERE, server.port), flight, ERRAND))


@contextmanager
def made_ahead(lab: NetworkLab, session: Session) -> Iterator[Flight]:
    """A first flight that is released with the block."""
    flight = lab.first_flight(PLAN, session)
    try:
        yield flight
    finally:
        flight.release()


class _Says(Acceptor):
    """Answers a first flight with bytes, and waits for the client to go."""

    def __init__(self, reply: bytes, *, endless: bool = False) -> None:
        super().__init__()
        self._reply, self._endless = reply, endless

    def serve(self, connection: socket.socket, number: int) -> None:
        del number
        read_client_hello(connection)
        while self._endless:
            connection.sendall(self._reply)
        connection.sendall(self._reply)
        while connection.recv(4096):
            pass


def test_bad_peers_of_a_copy() -> None:
    """Garbage, an alert, silence, a flood and a closed port end in time, each with its reason."""
    with LoggedServer(taking()) as server:
        session = a_session(new_lab(), server.port)
    alert = bytes([21, 3, 3, 0, 2, 2, 80])

    def presented(port: int) -> Trial:
        lab = new_lab()
        with made_ahead(lab, session) as flight:
            return asyncio.run(lab.present(Route(HERE, port), flight, ERRAND))

    for reply, endless in ((b"HTTP/1.1 400\r\n\r\n", False), (alert, False), (b"", False),
                           (b"\x16\x03\x03\x40\x00" + b"x" * 16_384, True)):  # fmt: skip
        with _Says(reply, endless=endless) as peer:
            attempt = presented(peer.port)
        assert not attempt.server_hello_seen
        assert attempt.accepted is None
        assert attempt.traffic.received <= 65_536 + 65_536
        assert [each.description for each in attempt.alerts] == ([80] if reply == alert else [])
        assert (attempt.error is not None) == (reply == b"")
    with refused_port() as port:
        attempt = presented(port)
    assert attempt.error is not None
    assert attempt.error.kind == "refused"


def test_early_data_is_never_sent_again_by_itself() -> None:
    """A connection that breaks after early data was sent is not made a second time."""
    with _EarlyPeer(_cuts) as peer:
        lab = new_lab()
        session = a_session(lab, peer.port)
        task = Task(purpose=Resume.RESUME)
        asyncio.run(lab.connect(Route(HERE, peer.port), PLAN, task, session))
    assert len(lab.journal) == 2


# ------------------------------------------------------------------------ resume


REQUEST = b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def resumed(server: LoggedServer, **options: Any) -> ResumeResult:
    """A session saved and offered with early data."""
    target = parse_target(f"https://localhost:{server.port}", family="ipv4")
    _, found = save(target, SaveOptions(connect=QUICK.connect))
    file = SessionFile(path="kept.pem", session=found[-1][0], metadata=found[-1][1])
    said: dict[str, Any] = {"connect": QUICK.connect, "early_data": REQUEST, "explain": False}
    return resume(file, None, ResumeOptions(**(said | options)))[0]


def test_resume_says_why_early_data_was_rejected() -> None:
    """The reason stands in the result and on the screen; what was rejected is sent again after
    the handshake, so that it is answered all the same."""
    for knobs, tries, reason, words in (
        ({}, 1, None, "accepted"),
        ({"group": "secp384r1"}, 1, "hello-retry", "asked for another key share"),
        ({"single_use": True}, 2, "replay-refused", "were presented before"),
        ({"honoured": False}, 1, "session-declined", "the session was not resumed"),
    ):
        with LoggedServer(taking(**knobs)) as server:
            result = resumed(server, tries=tries)
            server.wait(1 + tries)
            asked = [served.head for served in server.log if served.head]
        assert result.early_data_reason == reason
        assert result.early_data == ("accepted" if reason is None else "rejected")
        assert (result.http_status, result.repeated_status) == (200, None)
        assert words in render_resume(result, View())
        assert asked == [REQUEST.strip()] * tries


def test_a_425_is_explained_and_repeated_once() -> None:
    """A request that is sent away as too early is sent again after a handshake, once, however
    many tries there are; the same answer as a full handshake's is no other finding."""
    with LoggedServer(taking(too_early=True)) as server:
        result = resumed(server, tries=2, explain=True)
        server.wait(4)
        asked = [(served.early_data > 0, served.head) for served in server.log if served.head]
    assert (result.http_status, result.repeated_status) == (425, 200)
    assert any("425 (Too Early)" in note and "HTTP 200" in note for note in result.notes)
    assert [early for early, head in asked if head == REQUEST.strip()] == [True, True, False]
    assert [f.code for f in result.findings if f.severity != "info"] == []
    assert "too-early" in {f.code for f in result.findings}


# ----------------------------------------------------------------- command line


@pytest.fixture
def run(capsys):
    return runner(capsys)


def test_the_value_stands_behind_an_equals_sign_only(run, monkeypatch) -> None:
    """`--replay-early-data` alone takes no word that follows it, before and after a target; a
    value is what stands behind `=`."""
    asked = {}
    for words, request in (
        (["--replay-early-data", "a.example"], "GET"),
        (["a.example", "--replay-early-data"], "GET"),
        (["--replay-early-data=POST", "a.example"], "POST"),
        (["a.example", "--replay-early-data=GET /x"], "GET /x"),
    ):
        status, out, err = run("probe", *words, "--plan", "--format", "json")
        assert (status, err) == (0, "")
        (plan,) = json.loads(out)["plans"]
        assert plan["target"] == "a.example:443"
        (stage,) = [each for each in plan["stages"] if each["title"] == "Replays of early data"]
        asked[request] = stage["steps"][0]["question"]
    assert "GET /?tlsresume=RANDOM" in asked["GET"]
    assert "POST /tlsresume-RANDOM" in asked["POST"]
    assert "GET /x?tlsresume=RANDOM" in asked["GET /x"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--replay-early-data=", "a"], "is no request"),
        (["--replay-early-data=G{T", "a"], "is no request"),
        (["--replay-early-data=GET a", "a"], "is no path"),
        (["--replay-age", "12s", "a"], "--replay-age needs --replay-early-data"),
        (["--replay-early-data", "--replay-age", "soon", "a"], "soon"),
        (["--forbid-early-data-replay", "a"], "add --replay-early-data"),
        (["--replay-early-data"], "missing TARGET"),
    ],
)
def test_usage_errors(run, arguments, words) -> None:
    """What makes no sense, and a demand that nothing tests, is exit 2 before any connection."""
    status, out, err = run("probe", *arguments)
    assert (status, out) == (2, "")
    assert words in err


def test_it_is_asked_for_on_the_command_line_only(run, monkeypatch, tmp_path) -> None:
    """Neither the environment nor a file of settings, of targets or of watch switches it on."""
    monkeypatch.setenv("TLSRESUME_PROBE_REPLAY_EARLY_DATA", "GET")
    for settings in ({"auto_envvar_prefix": "TLSRESUME"}, {}):
        with monkeypatch.context() as patch:
            patch.setattr(root, "context_settings", {**root.context_settings, **settings})
            status, out, _ = run("probe", "a", "--plan", "--format", "json")
        titles = [stage["title"] for stage in json.loads(out)["plans"][0]["stages"]]
        assert (status, "Replays of early data" in titles) == (0, False)
    with monkeypatch.context() as patch:
        defaults = {"default_map": {"probe": {"replay_early_data": "GET"}}}
        patch.setattr(root, "context_settings", {**root.context_settings, **defaults})
        status, _, err = run("probe", "a", "--plan")
        assert (status, "can only stand on the command line" in err) == (2, True)
    for key in ('replay-early-data = "GET"', "replay-early-data = true", 'replay-age = "12s"'):
        settings_file = tmp_path / "settings.toml"
        settings_file.write_text(f"[probe]\n{key}\n")
        status, _, err = run("probe", "a", "--plan", "--config", str(settings_file))
        assert (status, "is no option that a file can set" in err) == (7, True)
    targets = tmp_path / "targets"
    targets.write_text("a --replay-early-data\n")
    assert run("probe", "--targets", str(targets), "--plan")[0] == 2
    assert run("watch", "--replay-early-data", "a")[0] == 2


def test_a_policy_that_forbids_replays_has_them_tested(run, tmp_path) -> None:
    """The key of a policy demands the option, as the option of the same name does."""
    policy = tmp_path / "policy.toml"
    policy.write_text('[defaults]\nearly-data-replay = "forbid"\n')
    status, _, err = run("probe", "a", "--policy", str(policy))
    assert (status, "add --replay-early-data" in err) == (2, True)
    assert run("probe", "a", "--policy", str(policy), "--replay-early-data", "--plan")[0] == 0
    policy.write_text('[defaults]\nearly-data-replay = "allow"\n')
    assert run("probe", "a", "--policy", str(policy))[0] == 7


def test_the_plan_counts_what_is_sent() -> None:
    """A plan's connections bound those that are made, with pauses and without."""
    for ages in ((), (0.1,)):
        options = replace(QUICK, replay_ages=ages)
        (stage,) = [s for s in plan_probe(parse_target("https://a"), options).stages
                    if s.title == "Replays of early data"]  # fmt: skip
        with LoggedServer(taking(group="secp384r1", answers_early=True)) as server:
            target = probed(server.port, options)
        made = [r for r in target.addresses[0].attempts if r.experiment == EarlyReplay.experiment]
        assert len(made) <= sum(step.connections for step in stage.steps)


@each_row(
    "text, target",
    [
        ("GET", "/?tlsresume=x"),
        ("post", "/tlsresume-x"),
        ("HEAD /a", "/a?tlsresume=x"),
        ("/a?b=c", "/a?b=c&tlsresume=x"),
        ("PUT /a", "/a?tlsresume=x"),
    ],
)
def test_requests_bear_their_mark(text, target) -> None:
    """The ID stands in the path or query, whatever the request, and the request is whole."""
    line = parse_request_line(text)
    request = line.request("a.example", "tlsresume/1", "x")
    assert request.startswith(f"{line.method} {target} HTTP/1.1\r\nHost: a.example\r\n".encode())
    assert request.endswith(b"\r\n\r\n")
    assert (b"Content-Length: 0" in request) == (line.method in ("POST", "PUT"))


# ---------------------------------------------------------------- what is said

ALL_TAKEN = EarlyData(
    max=ROOM, accepted=True, same_ticket="accepted", exact_copy="accepted",
    exact_copies=("accepted", "accepted"),
    answered_before_finished=True, status=200, method="GET",
)  # fmt: skip
NONE_TAKEN = replace(
    ALL_TAKEN, same_ticket="full-handshake", exact_copy="full-handshake",
    exact_copies=("rejected", "full-handshake"),
)  # fmt: skip


def test_the_line_on_the_screen() -> None:
    """One line says what is accepted, how many replays are, and when the request is answered."""
    lines = (
        (ALL_TAKEN, (
            "accepted; replay accepted (2 of 2); answered before the handshake ended: GET only"
            " what may happen twice")),
        (replace(NONE_TAKEN, answered_before_finished=False),
         "accepted; replay refused (2 of 2); answered after the handshake only"),
        (replace(NONE_TAKEN, same_ticket="accepted", answered_before_finished=None),
         "accepted; replay refused (2 of 2), though not the same ticket"),
        (EarlyData(max=0), "tickets allow none"),
        (EarlyData(max=9), "tickets allow 9 bytes; whether it is accepted could not be told"),
        (EarlyData(max=9, accepted=False, reason="server-choice"),
         "rejected, though the session is resumed"),
        (EarlyData(max=9, accepted=False, reason="hello-retry", group="x448"),
         "rejected, after a HelloRetryRequest (x448)"),
        (replace(ALL_TAKEN, status=425), "accepted; replay accepted (2 of 2); answered 425 Too Early"),
        (replace(ALL_TAKEN, unsafe_method="passed", method="POST", answered_before_finished=None),
         "accepted; replay accepted (2 of 2); a POST passes"),
    )  # fmt: skip
    for early, words in lines:
        assert early_words(early) == words


def test_the_log_is_searched_by_one_command() -> None:
    """The screen gives a command that finds every marked request of a log, and no other."""
    early = replace(ALL_TAKEN, log_pattern="tlsresume[=-]0123abcd-[a-z0-9.-]*", requests=(
        EarlyRequest(id="0123abcd-copy", sent_at="2026-11-26T07:00:00.000+00:00",
                     presentations=2),))  # fmt: skip
    page = Page(View(width=80))
    put_early_data(page, early)
    lines = page.render().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "how often each request was executed" in lines[-2]
    assert lines[-1].strip() == (
        "grep -oE 'tlsresume[=-]0123abcd-[a-z0-9.-]*' access.log | sort | uniq -c")  # fmt: skip
    put_early_data(page, None)
    assert page.render().splitlines() == lines


def test_a_demand_that_forbids_replays() -> None:
    """It is broken by one replay that is accepted, met where all were refused or none can be,
    and never met by what was not tested."""
    outcomes = (
        (None, "untestable"),
        (EarlyData(max=0), "met"),
        (EarlyData(max=9), "untestable"),
        (EarlyData(max=9, accepted=False), "met"),
        (ALL_TAKEN, "broken"),
        (NONE_TAKEN, "met"),
        (replace(NONE_TAKEN, exact_copy=None, exact_copies=()), "untestable"),
        (replace(NONE_TAKEN, exact_copies=("failed", "rejected")), "untestable"),
        (replace(NONE_TAKEN, same_ticket="accepted"), "met"),
        (replace(NONE_TAKEN, other_address="accepted"), "broken"),
        (replace(NONE_TAKEN, after=(EarlyAfter(seconds=60, result="accepted"),)), "broken"),
        (replace(ALL_TAKEN, status=425), "met"),
    )
    with LoggedServer(taking(early_data=0)) as server:
        target = probed(server.port)
    demands = Demands(early_data_replay="forbid")
    for early, outcome in outcomes:
        address = replace(target.addresses[0], early_data=early)
        checks = check_target(replace(target, addresses=(address,)), demands)
        (check,) = [each for each in checks if each.demand == "early-data-replay=forbid"]
        assert check.outcome == outcome, early


def test_a_pause_tells_a_check_of_freshness() -> None:
    """What is rejected after a pause only, while a replay at once is accepted, is stale."""
    with LoggedServer(taking()) as server:
        lab = NetworkLab(Budget(40), Gate(), LabOptions(timeout=5.0))
        journal = lab.journal
        target = parse_target(f"https://{HERE}:{server.port}")
        target_setup = TargetSetup(target, QUICK.connect, "tlsresume/test")
        setup = MechanismSetup(lab=lab, route=Route(HERE, server.port), target_setup=target_setup, mechanism="psk",
                          config=target_setup.config_for("psk"))  # fmt: skip
        line = parse_request_line("GET")
        asked = EarlySetting(setup=setup, line=line, run_id="0123abcd", ages=(0.05,))
        assert asyncio.run(replay_early_data(asked)) == ()
    late = [changed(a, early_data="rejected") if a.series == "later-original" else a
            for a in journal]  # fmt: skip
    early = early_data(Evidence(late), HERE)
    assert early is not None
    assert early.reason == "stale"
    assert early.log_pattern == "tlsresume[=-]0123abcd-[a-z0-9.-]*"
    assert early_data(Evidence(), HERE) is None
