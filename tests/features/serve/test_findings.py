"""Each finding about clients: made where a client does it, by clients that do."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.features.serve.clients import (
    Script,
    codes,
    context_for,
    fetch,
    fetch_often,
    hello,
    result,
    ticket,
)
from tests.helpers import certificates
from tlsresume.features.serve.behaviours import BEHAVIOURS
from tlsresume.features.serve.build import build_report
from tlsresume.features.serve.catalogue import ENTRIES, TEXTS, software_of
from tlsresume.features.serve.checks import CHECKS, REMARKS
from tlsresume.features.serve.codes import SEVERITIES
from tlsresume.features.serve.ledger import Place
from tlsresume.features.serve.results import ClientResult
from tlsresume.features.serve.serving import serve
from tlsresume.tls.registry import ExtensionType

pytestmark = pytest.mark.slow


def script(*behaviours: str) -> tuple[Script, list[Place]]:
    places = [Place(name, BEHAVIOURS[name]) for name in behaviours or ("default",)]
    for number, place in enumerate(places):
        place.port = 5000 + number
    return Script(places[0]), places


def told(scripted: Script, places: list[Place], behaviour: int = 0) -> ClientResult:
    report = build_report(scripted.ledger, places, expected={}, commands={})
    (client,) = report.servers[behaviour].clients
    return client


def test_every_code_has_its_severity_text_and_check():
    """Each code has a severity, a text, a page in that order, and a check or remarks."""
    assert list(SEVERITIES) == [entry.code for entry in ENTRIES]
    assert SEVERITIES.keys() == TEXTS.keys() == CHECKS.keys() | REMARKS.keys()


def test_a_healthy_client_has_no_finding_above_info():
    """A client that offers each new ticket once has nothing graver than info, in any behaviour."""
    for version in (None, "1.2"):
        with serve("all", **({} if version is None else {"tls": version})) as serving:
            for name in serving.ports:
                if name != "untrusted":
                    context = context_for(serving, version)
                    fetch_often(serving, context, behaviour=name)
            for server in serving.report().servers:
                for client in server.clients:
                    grave = [each for each in client.findings if each.severity != "info"]
                    assert grave == [], (version, server.behaviour)


def test_never_offers():
    """A client without sessions is told so, on both versions; on TLS 1.3 alone what remains
    unknown is said, and beside a TLS 1.2 server it is not."""
    with serve() as serving:
        context = context_for(serving, "1.3")
        fetch(serving, context)
        fetch(serving, context)
        client = result(serving.report())
    assert (client.verdict, client.could_offer, client.offered) == ("never-offers", 1, 0)
    (finding,) = client.findings
    assert finding.code == "never-offers"
    assert finding.not_known
    with serve("default", "session-ids") as serving:
        context = context_for(serving)
        for name in serving.ports:
            fetch(serving, context, behaviour=name)
            fetch(serving, context, behaviour=name)
        found = {f.code: f for f in result(serving.report(), "default").findings}
    assert not found["never-offers"].not_known


def test_no_psk_modes():
    """A TLS 1.3 client without psk_key_exchange_modes never offers, and the cause is named; one
    whose later hellos have the extension is not blamed."""
    scripted, places = script()
    for number in range(2):
        scripted.connect(hello(modes=False), ticket(b"ticket%d" % number))
    client = told(scripted, places)
    assert (client.verdict, client.could_offer) == ("never-offers", 0)
    assert codes(client) == {"never-offers", "no-psk-modes"}
    scripted, places = script()
    scripted.connect(hello(modes=False), ticket(b"one"))
    scripted.connect(hello(psk=(b"one", 77 + 1000)), reused=True)
    client = told(scripted, places)
    assert (client.verdict, codes(client)) == ("resumes", set())


def test_tls_12_forms():
    """A TLS 1.2 client without the ticket extension, and one that offers no ID, are told of."""
    with serve("tickets", tls="1.2") as serving:
        context = context_for(serving, "1.2", tickets=False)
        fetch(serving, context)
        fetch(serving, context)
        client = result(serving.report())
    assert client.verdict == "never-offers"
    assert codes(client) == {"never-offers", "no-ticket-extension"}
    with serve("session-ids") as serving:
        context = context_for(serving)
        fetch(serving, context)
        fetch(serving, context)
        client = result(serving.report())
    assert codes(client) == {"never-offers", "no-session-ids"}


def test_took_session_too_early():
    """A client that resumes on TLS 1.2 and, taking the session at once, not on TLS 1.3; and one
    that offers what comes with the handshake, and not what comes with the answer."""
    with serve("default", "session-ids") as serving:
        context = context_for(serving)
        for name in serving.ports:
            fetch_often(serving, context, behaviour=name, take="at once")
        report = serving.report()
    assert codes(result(report, "default")) == {"took-session-too-early"}
    assert codes(result(report, "session-ids")) == set()
    scripted, places = script("default", "late-tickets")
    scripted.connect(hello(), ticket(b"one"), place=places[0])
    scripted.connect(hello(psk=(b"one", 1077)), reused=True, place=places[0])
    for number in range(2):
        scripted.connect(hello(), ticket(b"late%d" % number), place=places[1])
    assert codes(told(scripted, places, 1)) == {"took-session-too-early"}


def test_ticket_used_twice():
    """A TLS 1.3 ticket on two connections is told of; in TLS 1.2 that is no fault."""
    for version, expected in (("1.3", {"ticket-used-twice"}), ("1.2", set())):
        with serve(tls=version) as serving:
            context = context_for(serving, version)
            session = fetch(serving, context)
            fetch(serving, context, session)
            fetch(serving, context, session)
            client = result(serving.report())
        assert (client.verdict, client.most_uses, codes(client)) == ("resumes", 2, expected)


def test_ages():
    """An offer past its lifetime, and an age that is wrong by more than two seconds, are told
    of; whole seconds are not."""
    for waited, claimed, expected in (
        (5, 5000, set()),
        (5, 4000, set()),
        (5, 900_000, {"wrong-ticket-age"}),
        (99, 99_000, {"offered-past-lifetime"}),
    ):
        scripted, places = script()
        scripted.connect(hello(), ticket(b"one", lifetime=20))
        scripted.clock.now += waited - 1
        scripted.connect(hello(psk=(b"one", (77 + claimed) % 2**32)), reused=True)
        assert codes(told(scripted, places)) == expected, (waited, claimed)


def test_names_and_ports():
    """A session under another name or at another port than its own is told of."""
    with serve("default", "tickets", names=("other.test",)) as serving:
        context = context_for(serving)
        session = fetch(serving, context)
        fetch(serving, context, session, name="other.test")
        assert "offers-across-names" in codes(result(serving.report(), "default"))
        fetch(serving, context, fetch(serving, context), behaviour="tickets")
        report = serving.report()
    assert codes(result(report, "tickets")) == {"offers-across-ports"}


def test_cuts_connection():
    """A client that closes without close_notify is told of, and resumes all the same."""
    for behaviour in ("default", "stateful"):
        with serve(behaviour) as serving:
            fetch_often(serving, context_for(serving), ask=False, cut=True)
            client = result(serving.report())
        assert "cuts-connection" in codes(client), behaviour
        assert client.verdict == "resumes", behaviour


def test_early_data_unasked():
    """Early data with a ticket that allows none is told of."""
    scripted, places = script()
    scripted.connect(hello(), ticket(b"one"))
    early = (int(ExtensionType.early_data), b"")
    scripted.connect(hello(early, psk=(b"one", 1077)), reused=True)
    client = told(scripted, places)
    assert codes(client) == {"early-data-unasked"}
    assert (client.early_data.offered, client.early_data.accepted) == (1, 0)


def test_gives_up_when_refused():
    """A client that leaves when the ServerHello does not accept its session is told of."""
    with serve("refuse") as serving:
        context = context_for(serving)
        session = fetch(serving, context)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost", session=session)
        with socket.create_connection(("127.0.0.1", serving.port), timeout=5) as plain:
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            plain.sendall(outgoing.read())
            assert plain.recv(4096)
        client = result(serving.report())
    assert "gives-up-when-refused" in codes(client)


def test_fails_here():
    """A client that works in `default` and fails in another behaviour is told of there only."""
    with serve("default", "hello-retry", "refuse") as serving:
        context = context_for(serving, "1.3")
        context.set_ecdh_curve("prime256v1")
        fetch_often(serving, context, behaviour="default")
        with pytest.raises(ssl.SSLError):
            fetch(serving, context, behaviour="hello-retry")
        fetch_often(serving, context, behaviour="refuse")
        report = serving.report()
    assert codes(result(report, "hello-retry")) == {"fails-here"}
    assert codes(result(report, "default")) == codes(result(report, "refuse")) == set()


def test_offers_across_client_certificates(tmp_path: Path):
    """A session of one client certificate, offered by a connection that shows another, is an
    error; with the same certificate it is none."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificates.authority_pem())
    for number, names in enumerate((1, 2)):
        identity = certificates.client(names)
        (tmp_path / f"{number}.pem").write_bytes(identity.certificate_pem + identity.key_pem)
    for second, expected in (("0.pem", set()), ("1.pem", {"offers-across-client-certificates"})):
        with serve("refuse", client_ca=authority) as serving:
            context = context_for(serving)
            context.load_cert_chain(tmp_path / "0.pem")
            session = fetch(serving, context)
            context.load_cert_chain(tmp_path / second)
            fetch(serving, context, session)
            assert codes(result(serving.report())) == expected


def test_offers_after_failed_verification():
    """A session of a connection whose certificate the client refused is an error: by its alert,
    or because it asked nothing there and asks where it trusts."""
    scripted, places = script("untrusted")
    scripted.connect(hello(), ticket(b"one"), alert=48, requests=0, error="unknown ca")
    scripted.connect(hello(psk=(b"one", 1077)), reused=True)
    assert "offers-after-failed-verification" in codes(told(scripted, places))
    for asks, expected in ((True, True), (False, False)):
        with serve("default", "untrusted") as serving:
            context = context_for(serving)
            fetch(serving, context, behaviour="default", ask=asks)
            careless = context_for(serving)
            careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
            session = fetch(serving, careless, behaviour="untrusted", ask=False)
            fetch(serving, careless, session, behaviour="untrusted", ask=False)
            found = codes(result(serving.report(), "untrusted"))
        assert ("offers-after-failed-verification" in found) is expected


def test_offers_unverified_session():
    """A session got without verification that brings a request to {url}strict is an error, and
    the run is not as expected."""
    with serve("untrusted", expect={"": "right"}) as serving:
        context = context_for(serving)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        session = fetch(serving, context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        fetch(serving, context, session, path="/strict")
        report = serving.report()
    assert "offers-unverified-session" in codes(result(report))
    assert report.exit_status == 3


def test_software_is_known_by_its_name():
    """What a client calls itself leads to the setting of its own software."""
    for label, name in (
        ("python-requests/2.31.0", "requests"),
        ("Go-http-client/1.1", "Go"),
        ("Python/3.11 aiohttp/3.9", "aiohttp"),
        ("curl/8.5.0", "curl"),
        ("Java-http-client/17", "Java"),
        ("something else", None),
        (None, None),
    ):
        assert software_of(label) == name
    scripted, places = script()
    for number in range(2):
        head = b"GET / HTTP/1.1\r\nUser-Agent: Go-http-client/1.1"
        scripted.connect(hello(), ticket(b"%d" % number), head=head)
    (finding,) = told(scripted, places).findings
    assert [line.partition(":")[0] for line in finding.directives] == ["Go"]
