"""QUIC at several addresses, in its other version, and by servers that want what aioquic lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.commands import runner
from tests.helpers.datagram_peers import Answering, identity, quic_service
from tests.helpers.quic_early_peer import EarlyService
from tests.helpers.quic_pair import QUICPair
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.datagrams import DatagramServer
from tlsresume.server.server import Server
from tlsresume.sessions import quic_state
from tlsresume.tls.messages import HELLO_RETRY_REQUEST_RANDOM
from tlsresume.tls.quic_initial import Packet, packets, seal_initial

pytestmark = pytest.mark.slow

HERE, THERE = "127.0.0.1", "127.0.0.2"
VERSION_2 = 0x6B3343CF


@pytest.fixture
def run(capsys):
    return runner(capsys)


def crossed(run: Any, one: Any, other: Any) -> tuple[int, dict[str, Any]]:
    with DatagramServer(one.side) as first, DatagramServer(other.side, THERE, first.port):
        name = f"localhost:{first.port}"
        status, out, err = run("probe", f"h3://{name}", "--resolve", f"{name}:{HERE},{THERE}",
                               "--tries", "3", "--format", "json")  # fmt: skip
    assert out, err
    (target,) = json.loads(out)["targets"]
    return status, target


def test_the_matrix_of_addresses(run) -> None:
    """Sessions of one address are offered to the other over UDP: nodes that share tickets resume
    each other's, others decline them, and that is a finding of QUIC."""
    shared = quic_service()
    status, target = crossed(run, shared, shared)
    assert (status, target["verdict"]) == (0, "resumes")
    cells = {(c["issuing"], c["accepting"]): c for c in target["crossings"]}
    assert {c["transport"] for c in target["crossings"]} == {"quic"}
    assert set(cells) == {(HERE, THERE), (THERE, HERE)}
    assert all(c["offered"] == c["accepted"] > 0 for c in cells.values())
    status, target = crossed(run, quic_service(), quic_service())
    assert status == 3
    found = {f["code"]: f for f in target["findings"]}
    assert "addresses-disagree" in found or "other-ticket-key" in found, list(found)


@pytest.mark.parametrize("versions", [(VERSION_2, 1), (VERSION_2,)])
def test_version_2_where_the_peer_prefers_it(tmp_path, versions) -> None:
    """A server that prefers QUIC version 2, or speaks no other, gets it (RFC 9368); its ticket is
    bound to that version, and the next connection begins with it (RFC 9369 section 5)."""
    pair = QUICPair()
    config = pair.config(tmp_path, verify=False, verify_name=None)
    service = EarlyService(
        certificate_pem=identity().certificate_pem,
        key_pem=identity().key_pem,
        versions=versions,
    )
    begun = []
    session = None
    for resumed in (False, True):
        passed: list[Any] = []

        def path(sender, number, datagram, passed=passed):
            passed.append((sender, datagram))
            return [datagram]

        client = pair.run(config, session, path=path, server=Served(service))
        assert client.failure is None
        assert (client.facts.version, client.session_reused) == (2, resumed)
        begun.append(next(packets(passed[0][1])).version)
        session = client.sessions[-1]
        assert quic_state.decode(session.data).quic_version == VERSION_2
        assert client.facts.retransmissions == 0
    assert begun == [1, VERSION_2]
    # A server that went back to version 1 since: whatever becomes of the ticket, the client gets on.
    back = replace(service, versions=(1,))
    client = pair.run(config, session, server=Served(back))
    assert client.established
    assert client.facts.version == 1


class Served:
    """The built-in server, as QUICPair drives one."""

    def __init__(self, service: Any) -> None:
        self._side = service.side()
        self.receive, self.datagrams = self._side.receive, self._side.datagrams
        self.on_timer = self._side.on_timer

    @property
    def timer(self) -> float | None:
        at: float | None = self._side.timer()
        return at


def test_a_probe_tells_version_2(run) -> None:
    """The report says which QUIC version was agreed on, of a real exchange over UDP."""
    service = EarlyService(
        certificate_pem=identity().certificate_pem,
        key_pem=identity().key_pem,
        versions=(VERSION_2, 1),
    )
    with DatagramServer(service.side) as server:
        status, out, err = run("probe", f"h3://{HERE}:{server.port}", "--tries", "2", "--format",
                               "json", "--replay-early-data")  # fmt: skip
    assert status == 0, err
    (address,) = json.loads(out)["targets"][0]["addresses"]
    assert address["quic"]["version"] == 2
    assert address["early_data"]["exact_copy"] == "accepted"


def hello_retry_request(data: bytes) -> list[bytes]:
    """What a server answers that wants a key share of P-521 first (RFC 8446 section 4.1.4)."""
    first = next(packets(data))
    extensions = bytes.fromhex("002b00020304003300020019")
    body = b"\x03\x03" + HELLO_RETRY_REQUEST_RANDOM + b"\x00" + b"\x13\x02\x00"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return [answer_of(first, b"\x06\x00" + (0x4000 | len(message)).to_bytes(2, "big") + message)]


def no_common_group(data: bytes) -> list[bytes]:
    """CONNECTION_CLOSE with alert 40 in the first packet (RFC 9001 section 4.8)."""
    return [answer_of(next(packets(data)), b"\x1c\x41\x28\x06\x00")]


def answer_of(first: Packet, frames: bytes) -> bytes:
    return seal_initial(first.version, first.destination, to=first.source, source=b"server",
                        number=0, frames=frames, sender="server")  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hello_retry_request, ("HelloRetryRequest", "secp521r1", "aioquic cannot")),
        (no_common_group, ("alert 40", "aioquic can offer", "x25519")),
    ],
)
def test_what_aioquic_cannot_do_is_no_fault_of_the_server(run, answer, words) -> None:
    """A server that wants another group than aioquic has is skipped with the reason, alone and
    beside TCP: it is not said to fail, nor to be unreachable."""
    with Server(Behaviour()) as tcp, DatagramServer(lambda: Answering(answer), HERE, tcp.port):
        for target, extra, expected in (
            (f"h3://{HERE}:{tcp.port}", (), 4),
            (f"https://{HERE}:{tcp.port}", ("--quic",), 0),
        ):
            status, out, err = run("probe", target, *extra, "--tries", "2", "--no-explain",
                                   "--timeout", "3", "--format", "json")  # fmt: skip
            assert status == expected, err + out[-300:]
            (found,) = json.loads(out)["targets"]
            quic = [each for each in found["addresses"] if each["transport"] == "quic"]
            assert [each["error"] for each in quic] == ([] if extra else [None])
            reasons = [each["reason"].lower() for each in found["skipped"]]
            assert any(all(word.lower() in reason for word in words) for reason in reasons), reasons
            assert not {"quic-unreachable", "quic-tcp-differ"} & {
                finding["code"] for finding in found["findings"]
            }
