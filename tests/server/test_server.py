"""The built-in server, seen by clients that are not ours: the stdlib and `openssl s_client`."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from tests.helpers import certificates
from tests.helpers.stdlib_client import (
    ENDED,
    HEAD,
    LAST_HEAD,
    ask,
    client_context,
    connected,
    reuses,
)
from tlsresume.server.behaviour import EARLY_DATA, TRUTHS, Behaviour
from tlsresume.server.observer import Observer
from tlsresume.server.server import Served, Server

pytestmark = pytest.mark.slow

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl command")

#: mechanism -> TLS version, and whether the client takes tickets there
MECHANISMS = {"psk": ("1.3", True), "ticket": ("1.2", True), "session-id": ("1.2", False)}


def s_client(port: int, *options: str) -> str:
    """What `openssl s_client` prints about one connection, with a request in it."""
    assert OPENSSL is not None
    command = [OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *options]
    done = subprocess.run(
        command,
        input=LAST_HEAD,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=10,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def ticket_length(printed: str) -> int:
    """The length of the last ticket that s_client dumped."""
    dump = printed.rpartition("TLS session ticket:")[2]
    lines = re.findall(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", dump, re.MULTILINE)
    return sum(len(re.findall(r"[0-9a-f]{2}", line)) for line in lines)


# ----------------------------------------------------------- the selftest's table


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("name", TRUTHS)
def test_behaviours_are_as_their_truths_say(name, mechanism, server):
    """The stdlib's client meets each mechanism in the state that the table claims."""
    version, tickets = MECHANISMS[mechanism]
    truth = TRUTHS[name]
    running = server(truth.behaviour)
    context = client_context(version, tickets=tickets)
    first = ask(running.port, context)
    issued = bool(first.session.has_ticket or first.session.id)
    seen = [ask(running.port, context, first.session).reused for _ in range(4)]
    expected = {
        "resumed": [True, True, True, True],
        "partly": [False, True, False, True],
        "not-resumed": [False] * 4,
        "not-issued": [False] * 4,
    }[truth.state]
    if mechanism == "psk" and truth.behaviour.single_use:
        expected = [True, False, False, False]
    assert seen == expected
    if mechanism == "psk":
        issued = first.session.has_ticket
    assert issued == (truth.state != "not-issued")
    log = running.wait(5)
    assert [entry.reused for entry in log] == [False, *seen]
    assert all(entry.clean and entry.version == f"TLSv{version}" for entry in log)


# ------------------------------------------------------------------------ issuing


def test_stdlib_backend_resumes(server, tls_version):
    """The other backend resumes, too."""
    running = server(backend="stdlib")
    assert reuses(running.port, client_context(tls_version)) == [True, True]


@pytest.mark.parametrize(
    "knobs",
    [{"lifetime": 9}, {"early_data": 9}, {"honoured": False}, {"client_certificate": True}],
)
def test_stdlib_backend_refuses_what_it_cannot_do(knobs):
    """A behaviour that a backend cannot show is refused when made."""
    with pytest.raises(ValueError, match="stdlib"):
        Behaviour(backend="stdlib", **knobs)


def test_session_ids_only(server):
    """Without tickets TLS 1.2 resumes by ID, and TLS 1.3 gets no ticket."""
    running = server(tickets=False)
    assert reuses(running.port, client_context("1.2")) == [True, True]
    assert not ask(running.port, client_context("1.3")).session.has_ticket


def test_tickets_only(server):
    """Without session IDs a client that takes no tickets gets nothing to resume."""
    running = server(session_ids=False)
    assert reuses(running.port, client_context("1.2")) == [True, True]
    assert ask(running.port, client_context("1.2", tickets=False)).session.id == b""


def test_lifetime_is_announced(server, tls_version):
    """The lifetime asked for is the tickets' hint."""
    running = server(lifetime=77)
    assert ask(running.port, client_context(tls_version)).session.ticket_lifetime_hint == 77


def test_lifetime_ends(server):
    """A session older than its lifetime is refused."""
    running = server(lifetime=2)
    context = client_context("1.2")
    session = ask(running.port, context).session
    assert ask(running.port, context, session).reused
    deadline = time.monotonic() + 8
    while ask(running.port, context, session).reused:
        assert time.monotonic() < deadline
        threading.Event().wait(0.2)


@pytest.mark.parametrize("backend", ["pyopenssl", "stdlib"])
def test_tickets_wait_for_data(server, backend):
    """Held tickets leave only when the client has sent something."""
    context = client_context("1.3")
    after_handshake = {}
    for held in (False, True):
        running = server(tickets_after_data=held, backend=backend)
        with connected(running.port, context) as secure:
            raw = socket.socket(fileno=secure.detach())
        raw.settimeout(5)
        with raw, raw.makefile("rb") as stream:
            raw.shutdown(socket.SHUT_WR)  # the server then ends it, so that reading can end
            after_handshake[held] = len(stream.read())
        assert reuses(running.port, context) == [True, True]
    assert after_handshake[False] > 100
    assert after_handshake[True] == 0


@needs_openssl
@pytest.mark.parametrize("count", [0, 1, 5])
def test_number_of_tickets(server, count):
    """TLS 1.3 tickets come in the number asked for."""
    printed = s_client(server(num_tickets=count).port, "-tls1_3")
    assert printed.count("Post-Handshake New Session Ticket arrived") == count


@needs_openssl
def test_stateful_tickets_are_32_bytes(server):
    """A stateful server's TLS 1.3 tickets are the 32 bytes of a cache key, and they work."""
    running = server(stateful=True)
    assert ticket_length(s_client(running.port, "-tls1_3")) == 32
    assert ticket_length(s_client(server().port, "-tls1_3")) > 100
    assert reuses(running.port, client_context("1.3"), 1) == [True]


@needs_openssl
def test_stateful_and_never_honoured(server, tls_version):
    """What nginx calls "none": IDs and 32-byte tickets are issued, and never work."""
    running = server(stateful=True, honoured=False)
    assert reuses(running.port, client_context(tls_version)) == [False, False]
    assert ask(running.port, client_context("1.2")).session.id
    assert ticket_length(s_client(running.port, "-tls1_3")) == 32


@needs_openssl
def test_early_data_is_read(server, tmp_path):
    """Early data is accepted up to the limit, and a request in it is answered."""
    running = server(early_data=EARLY_DATA)
    session, early = tmp_path / "session.pem", tmp_path / "early"
    early.write_bytes(HEAD)
    s_client(running.port, "-tls1_3", "-sess_out", str(session))
    printed = s_client(running.port, "-sess_in", str(session), "-early_data", str(early))
    assert "Early data was accepted" in printed
    last = running.wait(2)[-1]
    assert (last.early_data, last.requests, last.reused) == (len(HEAD), 2, True)


@needs_openssl
def test_early_data_is_rejected_without_the_knob(server, tmp_path):
    """A single-use server announces early data but takes none."""
    running = server(single_use=True)
    session, early = tmp_path / "session.pem", tmp_path / "early"
    early.write_bytes(HEAD)
    s_client(running.port, "-tls1_3", "-sess_out", str(session))
    printed = s_client(running.port, "-sess_in", str(session), "-early_data", str(early))
    assert "Early data was rejected" in printed
    assert running.wait(2)[-1].reused


# ----------------------------------------------------- certificates and the handshake


def client_certificate(context: ssl.SSLContext, tmp_path, names: int = 1) -> ssl.SSLContext:
    identity = certificates.client(names)
    path = tmp_path / "client.pem"
    path.write_bytes(identity.certificate_pem + identity.key_pem)
    context.load_cert_chain(path)
    return context


def test_client_certificate_is_asked_for(server, tls_version, tmp_path):
    """With a client certificate, and without one, sessions resume."""
    running = server(client_certificate=True)
    context = client_certificate(client_context(tls_version), tmp_path)
    assert reuses(running.port, context) == [True, True]
    assert reuses(running.port, client_context(tls_version)) == [True, True]


def test_no_session_id_context_kills_the_offer(server, tls_version):
    """Asking for certificates without a session ID context fails each offered session."""
    running = server(client_certificate=True, session_id_context=False)
    context = client_context(tls_version)
    session = ask(running.port, context).session
    with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
        ask(running.port, context, session)
    assert not ask(running.port, context).reused


@needs_openssl
def test_big_tickets(server, tls_version, tmp_path):
    """A client certificate of many names makes tickets of about 2 KB."""
    running = server(client_certificate=True)
    client_certificate(client_context(), tmp_path, names=60)
    options = ("-cert", str(tmp_path / "client.pem"), "-tls" + tls_version.replace(".", "_"))
    assert 1_800 < ticket_length(s_client(running.port, *options)) < 3_000


@needs_openssl
def test_group_asks_for_a_second_hello(server):
    """A server of one unusual group answers the first ClientHello with HelloRetryRequest."""
    running = server(group="secp384r1")
    printed = s_client(running.port, "-tls1_3", "-msg", "-groups", "X25519:P-384")
    assert len(re.findall(r">>> .*ClientHello", printed)) == 2
    assert reuses(running.port, client_context("1.3")) == [True, True]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_one_version_only(server, version):
    """A server of one version refuses the other."""
    running = server(versions=(version,))
    with connected(running.port, client_context()) as secure:
        assert secure.version() == f"TLSv{version}"
    with pytest.raises(ssl.SSLError):
        ask(running.port, client_context({"1.2": "1.3", "1.3": "1.2"}[version]))
    assert running.wait(2)[-1].error


def test_ciphers(server):
    """TLS 1.2 ciphers are as asked for."""
    running = server(ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
    with connected(running.port, client_context("1.2")) as secure:
        assert "ECDHE-ECDSA-CHACHA20-POLY1305" in (secure.cipher() or ())


@pytest.mark.parametrize("backend", ["pyopenssl", "stdlib"])
def test_alpn(server, backend):
    """The server's first protocol that the client has is selected."""
    running = server(alpn=("h2", "http/1.1"), backend=backend)
    context = client_context()
    for offered, selected in ((["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")):
        context.set_alpn_protocols(offered)
        with connected(running.port, context) as secure:
            assert secure.selected_alpn_protocol() == selected


@pytest.mark.parametrize(
    ("identity", "code"),
    [(certificates.expired, 10), (certificates.wrong_host, 62), (None, 18)],
)
def test_identities(identity, code):
    """Wrong certificates are wrong in the way they claim (X509_V_ERR_*)."""
    with Server(identity=identity and identity()) as running:
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            ask(running.port, client_context())
        assert caught.value.verify_code == code


def test_own_certificate_can_be_trusted():
    """The self-signed certificate verifies for whoever takes it as authority."""
    with Server() as running:
        context = ssl.create_default_context(cadata=running.certificate_pem.decode())
        assert ask(running.port, context).head.startswith(b"HTTP/1.1 200 OK\r\n")


# -------------------------------------------------------------------- connections


def test_answers_name_the_node(server):
    """Each answer says which node gave it, by turns."""
    running = server(nodes=3)
    heads = [ask(running.port, client_context()).head for _ in range(4)]
    nodes = [re.findall(rb"X-Served-By: node(\d)", head) for head in heads]
    assert nodes == [[b"1"], [b"2"], [b"3"], [b"1"]]


def test_get_has_a_body(server):
    """GET is answered with the body that HEAD only measures, and the connection closed."""
    with connected(server().port, client_context()) as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        reply = b""
        while chunk := secure.recv(65_536):
            reply += chunk
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head


def test_no_close_notify(server, tls_version):
    """A server that may not say close_notify just ends the connection."""
    running = server(close_notify=False)
    with connected(running.port, client_context(tls_version)) as secure:
        secure.sendall(LAST_HEAD)
        with pytest.raises(ssl.SSLError, match=ENDED):
            while secure.recv(65_536):
                pass


@pytest.mark.parametrize("forgets", [True, False])
def test_unclean_close(server, forgets):
    """A cached session dies with a connection that was cut, unless told otherwise."""
    running = server(forget_on_unclean_close=forgets)
    context = client_context("1.2", tickets=False)
    session = ask(running.port, context, clean=False).session
    assert not running.wait(1)[0].clean
    assert ask(running.port, context, session).reused is not forgets


def test_one_at_a_time(server, tls_version):
    """A second connection is served only when the first has ended."""
    running = server(one_at_a_time=True)
    context = client_context(tls_version)
    with ExitStack() as first, socket.socket() as plain:
        first.enter_context(connected(running.port, context))
        plain.settimeout(0.1)
        plain.connect(("127.0.0.1", running.port))
        with context.wrap_socket(
            plain, server_hostname="localhost", do_handshake_on_connect=False
        ) as second:
            with pytest.raises(TimeoutError):
                second.do_handshake()
            assert running.connections == 1
            first.close()
            second.settimeout(5)
            second.do_handshake()
            assert second.version()


def test_connections_per_client(server):
    """Connections beyond the limit are reset, and a place that came free is given again."""
    running = server(max_connections_per_client=1)
    context = client_context()
    with connected(running.port, context), pytest.raises(ConnectionError):
        ask(running.port, context)
    running.wait(1)
    assert ask(running.port, context).head


def test_reset_every(server):
    """Each n-th connection is reset, and only that."""
    running = server(reset_every=3)
    context = client_context()
    seen = []
    for _ in range(6):
        try:
            ask(running.port, context)
            seen.append("ok")
        except ConnectionError:
            seen.append("reset")
    assert seen == ["ok", "ok", "reset"] * 2


def test_ipv6():
    """The server listens on ::1 when told to."""
    try:
        running = Server(host="::1", identity=certificates.localhost())
        with running:
            assert ask(running.port, client_context(), host="::1").head
    except OSError:
        pytest.skip("no IPv6 loopback here")


def test_leaving_ends_everything():
    """Leaving the block ends idle connections and all threads, at once."""
    before = threading.active_count()
    running = Server(identity=certificates.localhost())
    with ExitStack() as clients:
        with running:
            clients.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            clients.enter_context(connected(running.port, client_context()))
            started = time.monotonic()
        assert time.monotonic() - started < 1
        assert threading.active_count() == before


def test_log_timeout(server):
    """Waiting for a connection that does not come ends with TimeoutError."""
    with pytest.raises(TimeoutError):
        server().wait(1, timeout=0.01)


# ------------------------------------------------------------------------ observing


class Holding:
    """An Observer that lets nothing leave after the handshake until it is told to."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.tickets = 0
        self.ending = ""

    def beside(self, control: Observer) -> None:
        raise AssertionError("no data connection is made")

    def message(self, sent: bool, content_type: int, raw: bytes) -> None:
        self.tickets += sent and content_type == 22 and raw[:1] == b"\x04"

    def leaving(self, *, established: bool) -> None:
        if established:
            self.reached.set()
            self.go.wait(10)

    def ended(self, served: Served) -> None:
        self.ending = served.ending


def test_an_observer_knows_of_tickets_before_the_client():
    """Tickets are told of before they leave, so no client can be quicker with one."""
    holding = Holding()
    identity = certificates.localhost()
    with (
        Server(identity=identity, observe=lambda _number, _address: holding) as running,
        connected(running.port, client_context("1.3")) as secure,
    ):
        assert holding.reached.wait(10)
        assert holding.tickets == 2
        secure.settimeout(0.2)
        with pytest.raises(TimeoutError):
            secure.recv(1)
        holding.go.set()
        secure.settimeout(5)
        secure.sendall(LAST_HEAD)
        assert secure.recv(65_536)
        secure.unwrap()
    assert holding.ending == "close_notify"
    assert running.log == ()


def test_rotations_and_changes_come_after_handshakes(server):
    """`rotate_after` counts handshakes, not TCP connections; sessions of before are refused."""
    running = server(nodes=2, rotate_after=1)
    socket.create_connection(("127.0.0.1", running.port)).close()
    context = client_context("1.3")
    session = ask(running.port, context).session
    assert [ask(running.port, context, session).reused] == [False]
    assert reuses(running.port, context) == [True, True]
    with pytest.raises(ValueError, match="second node"):
        Behaviour(rotate_after=1)
