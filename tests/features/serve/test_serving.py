"""The servers of `serve`: certificates, protocols, hostile clients, the library and the plugin."""

from __future__ import annotations

import datetime as dt
import ftplib
import imaplib
import os
import poplib
import smtplib
import socket
import ssl
import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

import tlsresume
from tests.features.serve.clients import (
    Script,
    context_for,
    fetch,
    fetch_often,
    hello,
    result,
    ticket,
)
from tests.helpers.rows import assert_complete
from tlsresume.errors import FileError
from tlsresume.features.serve import ledger as ledger_module
from tlsresume.features.serve.authority import (
    LOOPBACK,
    kept_authority,
    make_authority,
    read_certificate,
)
from tlsresume.features.serve.behaviours import BEHAVIOURS
from tlsresume.features.serve.build import build_report
from tlsresume.features.serve.ledger import Place
from tlsresume.features.serve.names import BEHAVIOUR_NAMES, STARTTLS
from tlsresume.features.serve.serving import serve
from tlsresume.features.serve.talks import TALKS
from tlsresume.features.serve.truststore import PASSWORD, truststore
from tlsresume.server.acceptor import Limits
from tlsresume.server.behaviour import Behaviour
from tlsresume.server.server import Server

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]


def test_words_of_the_command_line():
    """The command line names the behaviours and protocols that there are, in their order."""
    names = "tlsresume/features/serve/names.py"
    assert_complete(BEHAVIOUR_NAMES, BEHAVIOURS, f"{names}, BEHAVIOUR_NAMES")
    assert_complete(STARTTLS, TALKS, f"{names}, STARTTLS")
    assert tuple(BEHAVIOURS) == BEHAVIOUR_NAMES
    assert tuple(TALKS) == STARTTLS


def test_a_pipe_is_no_certificate(tmp_path):
    """A certificate's name that stands for a pipe without a writer is refused, not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="holds no certificate"):
        read_certificate(tmp_path / "pipe")


# ---------------------------------------------------------------------- the library


def test_the_library():
    """`with tlsresume.serve("default") as server` gives a url, a cafile and a report."""
    with tlsresume.serve("default") as server:
        assert server.url == f"https://localhost:{server.port}/"
        assert Path(server.cafile).exists()
        fetch_often(server, context_for(server))
        report = server.report()
    assert (report.verdict, result(report).accepted) == ("resumes", 2)
    assert not Path(server.cafile).exists()


def test_the_key_is_in_no_file_that_others_can_read():
    """While a server runs, no file of its folder holds a key, and the folder is ours alone."""
    with tlsresume.serve() as server:
        folder = Path(server.cafile).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in folder.iterdir():
            assert b"PRIVATE KEY" not in file.read_bytes()


def test_the_plugin(pytester: pytest.Pytester):
    """A test gets the fixture `tlsresume_server`, and chooses behaviours by a marker. Until then
    nothing of ours but the plugin is imported: runs that do not use it pay nothing."""
    pytester.makepyfile(
        """
        import sys
        import pytest

        def test_nothing():
            assert not {"OpenSSL", "msgspec", "click"} & set(sys.modules)

        def test_default(tlsresume_server):
            assert list(tlsresume_server.ports) == ["default"]

        @pytest.mark.tlsresume("refuse", "no-tickets", tls="1.2")
        def test_chosen(tlsresume_server):
            assert list(tlsresume_server.ports) == ["refuse", "no-tickets"]
        """
    )
    done = pytester.runpytest_subprocess(
        "-W", "error", "--strict-markers", "-p", "no:cacheprovider"
    )
    done.assert_outcomes(passed=3)


# --------------------------------------------------------------------- certificates


def test_certificates_are_of_an_authority_with_constraints(tmp_path: Path):
    """A leaf is no authority and has the names; its authority may sign for these only."""
    authority = make_authority((*LOOPBACK, "a.test"))
    leaf = x509.load_pem_x509_certificate(authority.issue((*LOOPBACK, "a.test")).certificate_pem)
    leaf.verify_directly_issued_by(authority.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "a.test"]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc - dt.datetime.now(dt.UTC) < dt.timedelta(days=398)
    assert [authority.permits(name) for name in ("a.test", "b.a.test", "127.0.0.1")] == [True] * 3
    assert [authority.permits(name) for name in ("b.test", "xa.test", "127.0.0.2")] == [False] * 3
    key = tmp_path / "ca" / "ca-key.pem"
    made = kept_authority(tmp_path / "ca", LOOPBACK)
    assert kept_authority(tmp_path / "ca", LOOPBACK).certificate == made.certificate
    key.write_bytes(authority.key_pem)
    with pytest.raises(FileError, match="is not the key"):
        kept_authority(tmp_path / "ca", LOOPBACK)


def test_a_truststore_has_the_authority():
    """The PKCS#12 truststore opens with its password and not with another, and holds the
    certificate alone, in clear: Java then needs no password."""
    authority = make_authority(LOOPBACK)
    made = truststore(authority.certificate_pem)
    store = pkcs12.load_pkcs12(made, PASSWORD.encode())
    assert store.key is None
    assert [each.certificate for each in store.additional_certs] == [authority.certificate]
    assert authority.certificate.public_bytes(Encoding.DER) in made
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_pkcs12(made, b"another")


def test_a_certificate_of_the_user(tmp_path: Path):
    """--cert and --key are served, and clients are told to trust that certificate."""
    authority = make_authority(LOOPBACK)
    identity = authority.issue(LOOPBACK)
    (tmp_path / "c.pem").write_bytes(identity.certificate_pem + authority.certificate_pem)
    (tmp_path / "k.pem").write_bytes(identity.key_pem)
    with serve(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem") as server:
        fetch_often(server, context_for(server))
        assert server.report().verdict == "resumes"


def test_client_certificates(tmp_path: Path):
    """With --require-client-cert a client without a certificate is refused."""
    with serve(require_client_cert=True) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            fetch(server, context_for(server, "1.2"))
        assert result(server.report()).failed == 1


def test_a_changed_certificate():
    """In changed-certificate the second connection sees another one, and sessions are good."""
    with serve("changed-certificate") as server:
        seen = []
        for _ in range(3):
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            with context_for(server).wrap_socket(plain, server_hostname="localhost") as tls:
                seen.append(tls.getpeercert(binary_form=True))
                tls.sendall(b"GET / HTTP/1.1\r\n\r\n")  # once answered, the server has seen it
                assert tls.recv(4096)
        assert seen[0] != seen[1] == seen[2]


# ------------------------------------------------------------------------ protocols


def test_starttls_protocols():
    """The clients of the standard library come to TLS, say hello and goodbye, and are seen."""

    def smtp(port: int, context: ssl.SSLContext) -> None:
        with smtplib.SMTP("localhost", port, timeout=10) as client:
            client.starttls(context=context)
            client.sendmail("a@a.test", ["b@b.test"], "Subject: x\r\n\r\nx\r\n.\r\ny")

    def imap(port: int, context: ssl.SSLContext) -> None:
        with imaplib.IMAP4("localhost", port, timeout=10) as client:
            client.starttls(context)
            client.login("me", "secret")
            assert client.select()[0] == "OK"

    def pop3(port: int, context: ssl.SSLContext) -> None:
        client = poplib.POP3("localhost", port, timeout=10)
        client.stls(context)
        client.user("me")
        client.pass_("secret")
        assert client.stat() == (0, 0)
        client.quit()

    def ftp(port: int, context: ssl.SSLContext) -> None:
        client = ftplib.FTP_TLS(context=context, timeout=10)
        client.connect("localhost", port)
        client.login("me", "secret")
        assert client.pwd() == "/"
        client.quit()

    for protocol, use in {"smtp": smtp, "imap": imap, "pop3": pop3, "ftp": ftp}.items():
        with serve(starttls=protocol) as server:
            assert server.url.startswith(f"{protocol}://localhost:")
            for _ in range(2):
                use(server.port, context_for(server))
                server.settle()
            client = result(server.report())
        assert (client.verdict, client.connections, client.handshaken) == ("never-offers", 2, 2)


def test_talks_take_bytes_one_by_one_and_have_an_end():
    """Each STARTTLS protocol comes to TLS byte by byte, and ends a client that says nonsense."""
    asks = {
        "smtp": b"EHLO x\r\nSTARTTLS\r\n",
        "lmtp": b"LHLO x\r\nSTARTTLS\r\n",
        "imap": b"a1 CAPABILITY\r\na2 STARTTLS\r\n",
        "pop3": b"STLS\r\n",
        "ftp": b"AUTH TLS\r\n",
        "nntp": b"STARTTLS\r\n",
        "sieve": b"STARTTLS\r\n",
        "ldap": bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037",
        "postgres": bytes.fromhex("0000000804d2162f"),
        "xmpp": b"<stream:stream to='x'>" + b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    }
    assert_complete(asks.keys() | {"ftps"}, STARTTLS, "the table asks of this test")
    assert not TALKS["ftps"]().clear
    for protocol, asked in asks.items():
        talk = TALKS[protocol]()
        talk.greet()
        replies = [talk.in_clear(bytes((byte,))) for byte in asked]
        assert [reply.start_tls for reply in replies].count(True) == 1, protocol
        assert replies[-1].start_tls, protocol
        for junk in (b"\xff" * 100_000, b"\x00" * 100_000, b"\x30\x84\xff\xff\xff\xff" * 9):
            talk = TALKS[protocol]()
            talk.in_clear(junk)
            for secured in (False, True):
                talk = TALKS[protocol]()
                for _ in range(20):
                    if not talk.last:
                        (talk.answer(junk, reused=False) if secured else talk.in_clear(junk))


# ------------------------------------------------------------------ hostile clients


def careless() -> ssl.SSLContext:
    """A Context that verifies nothing."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_clients_that_take_all_places_make_room():
    """Where all places are taken by clients that say nothing, before or after the handshake,
    one that speaks is served."""
    limits = Limits(connections=8)
    for shake in (False, True):
        with Server(Behaviour(), limits=limits) as server, ExitStack() as stack:
            for _ in range(30):
                plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
                stack.enter_context(plain)
                if shake:
                    stack.enter_context(careless().wrap_socket(plain))
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            with careless().wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                assert tls.recv(4096).startswith(b"HTTP/1.1 200")
            assert server.open_connections() <= limits.connections


def test_slow_and_endless_clients_are_ended():
    """A handshake that does not end, and a request that does not, by size or by time, end the
    connection."""
    with (
        Server(Behaviour(), limits=Limits(handshake=0.2)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow,
    ):
        slow.sendall(b"\x16")
        assert slow.recv(1) == b""
    # A byte now and then is no request, and much at once is none either.
    for limits, piece, pause in (
        (Limits(idle=0.2), b"x", 0.01),
        (Limits(unanswered=50_000), b"x" * 10_000, 0.0),
    ):
        with Server(Behaviour(), limits=limits) as server:
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            with careless().wrap_socket(plain) as tls, pytest.raises(OSError):
                while True:
                    tls.sendall(piece)
                    threading.Event().wait(pause)


def test_garbage_is_counted_and_nothing_else():
    """What is no TLS is counted beside the clients, and hurts none of them."""
    with serve("default", "no-tickets") as server:
        for junk in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\xff\xff" + b"x" * 9,
            b"",
            b"\xff" * 99,
        ):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain:
                plain.sendall(junk)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(4096):
                    pass
        fetch_often(server, context_for(server))
        report = server.report()
    assert (report.servers[0].others, report.verdict) == (4, "resumes")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """However many clients and sessions come, the book keeps so many, and counts the rest."""
    monkeypatch.setattr(ledger_module, "MOST_CLIENTS", 10)
    monkeypatch.setattr(ledger_module, "MOST_SESSIONS", 20)
    place = Place("default", BEHAVIOURS["default"])
    scripted = Script(place)
    for number in range(200):
        scripted.connect(
            hello(name=f"n{number}.test"),
            ticket(b"%d" % number),
            address=f"192.0.2.{number}",
            head=b"GET / HTTP/1.1\r\nUser-Agent: " + b"x" * 100_000,
        )
    report = build_report(scripted.ledger, [place], expected={}, commands={})
    assert len(report.servers[0].clients) == 10
    assert (report.forgotten_clients, report.forgotten_sessions) == (190, 180)
    assert len(report.servers[0].clients[0].label or "") <= 80


def test_one_client_has_bounded_lists():
    """One client under many names and with many oddities keeps a few of each."""
    place = Place("default", BEHAVIOURS["default"])
    scripted = Script(place)
    scripted.connect(hello(), ticket(b"one"))
    for number in range(300):
        scripted.connect(hello(psk=(b"one", 0), name=f"n{number}.test"))
    report = build_report(scripted.ledger, [place], expected={}, commands={})
    client = result(report)
    assert len(client.names) <= 16
    assert all(len(finding.evidence) <= 5 for finding in client.findings)


def test_many_clients_at_once():
    """Sixty clients at the same time are all served, and none is confused with another."""
    with serve("default") as server:
        context = context_for(server)
        failed: list[BaseException] = []

        def go() -> None:
            try:
                plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
                with context.wrap_socket(plain, server_hostname="localhost") as tls:
                    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    while tls.recv(4096):
                        pass
                    tls.unwrap()
            except OSError as error:
                failed.append(error)

        threads = [threading.Thread(target=go) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = server.report(settle=30.0)
    assert failed == []
    assert result(report).handshaken == 60
