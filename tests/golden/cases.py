"""Known results: the cases that every format is printed with."""

from __future__ import annotations

from dataclasses import replace

from tlsresume.error_queue import ErrorEntry, ErrorStack
from tlsresume.results.connection import Timings, Traffic, Verification
from tlsresume.results.judged import Finding, Violation
from tlsresume.results.measured import (
    AddressResult,
    AttemptRow,
    BytesSummary,
    Certificate,
    ErrorResult,
    KeyName,
    MechanismResult,
    Series,
    Skipped,
    TicketSummary,
    TimingSummary,
)
from tlsresume.results.report import Report, ResumeResult, SaveResult, TargetResult, Tool

KEY_A = "3f9a41c0" + "00112233445566778899aabb"
KEY_B = "9a07be11" + "ffeeddccbbaa998877665544"

#: Colours, a title, a backspace, C1 controls, bidi and zero-width marks, markup of rich,
#: quotes of every kind, a new line, wide characters, a code point that is no character.
HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07 \b\x9b2J \u202eevil\u2066 a\u200bb [bold]x[/bold] :smile:"
    " <script> \"'`&\r\nerror: faked line\t漢字 \U000e0001\u2028 \x7f"
)

TOOL = Tool(name="tlsresume", version="0.0.0", openssl="OpenSSL 4.0.0", pyopenssl="26.4.0")

CERTIFICATE = Certificate(
    sha256="ab" * 32,
    subject="CN=example.com",
    not_after="2027-01-31T12:00:00+00:00",
    verify_code=0,
    verify_message="ok",
)


def row(n: int, **fields: object) -> AttemptRow:
    base = AttemptRow(
        n=n,
        time=f"2026-01-31T12:00:0{n}.250+00:00",
        local_port=50000 + n,
        mechanism="psk",
        experiment="tries",
        series="chained",
        offered=True,
        accepted=True,
        reused=True,
        tls_version="TLSv1.3",
        key_name=KEY_A,
        node=None,
        handshake_ms=21.5,
        error=None,
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests know the fields


ATTEMPTS = (
    row(1, series="full", offered=False, accepted=False, reused=False),
    row(2),
    row(3, accepted=False, reused=False, key_name=KEY_B, node="web2"),
    row(4, accepted=None, reused=None, key_name=None, handshake_ms=None, error="reset by peer"),
    row(5, local_port=None, mechanism=None, offered=None, accepted=None, key_name=None),
)


def tickets(*keys: KeyName, **fields: object) -> TicketSummary:
    base = TicketSummary(
        count=2,
        length=208,
        lifetime=7200,
        key_name=keys[0].key_name if keys else None,
        stateful=False,
        max_early_data=0,
        key_names=keys,
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests know the fields


def psk(fixed: str, chained: str, **fields: object) -> MechanismResult:
    base = MechanismResult(
        mechanism="psk",
        tls_version="TLSv1.3",
        state="resumed",
        judged=True,
        fixed=Series.count(fixed),
        chained=Series.count(chained),
        tickets=tickets(KeyName(KEY_A, 11)),
        timing=TimingSummary(41.2, 22.04),
        bytes=BytesSummary(1700, 3600, 1900, 1500),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests know the fields


def ticket(fixed: str, chained: str, **fields: object) -> MechanismResult:
    one = tickets(KeyName(KEY_A, 11), count=1)
    known = {"mechanism": "ticket", "tls_version": "TLSv1.2", "tickets": one}
    return psk(fixed, chained, **(known | fields))


def session_id(fixed: str, chained: str, **fields: object) -> MechanismResult:
    base = psk(fixed, chained, mechanism="session-id", tls_version="TLSv1.2", judged=False)
    return replace(base, tickets=None, **fields)  # type: ignore[arg-type]  # tests know the fields


def address(name: str, *mechanisms: MechanismResult, **fields: object) -> AddressResult:
    base = AddressResult(
        address=name,
        port=443,
        tls_versions=("TLSv1.2", "TLSv1.3"),
        certificate=CERTIFICATE,
        mechanisms=mechanisms,
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests know the fields


GOOD = TargetResult(
    target="example.com:443",
    verdict="resumes",
    connections=35,
    duration_ms=1890.4,
    skipped=(Skipped("2001:db8::10", "no IPv6 route from here", "no-route", "2001:db8::10"),),
    addresses=(
        address(
            "192.0.2.10",
            psk("RRRRR", "RRRRR"),
            ticket("RRRRR", "RRRRR"),
            session_id("RRRRR", "RRRRR"),
            attempts=ATTEMPTS[:2],
        ),
    ),
)

TWO_KEYS = (KeyName(KEY_A, 24), KeyName(KEY_B, 23))

FINDING = Finding(
    code="other-ticket-key",
    severity="error",
    title="nodes here use different ticket keys",
    cause="A ticket that one node sealed cannot be opened by the other.",
    advice="same key file on every node; rotate together",
    address="192.0.2.20",
    mechanism="psk",
    evidence=(
        "key 3f9a41c0 on 24 connections, 9a07be11 on 23, alternating;",
        "tickets under one key are refused where the other is issued",
    ),
    details=(
        "ClientHello.pre_shared_key: 1 identity, 208 bytes, key name 3f9a41c0",
        "ServerHello: no pre_shared_key",
    ),
    directives=("nginx ssl_session_ticket_key", "haproxy tls-ticket-keys"),
    not_known=("node addresses (one VIP)",),
    candidates=("ticket-key-rotated",),
)

PARTLY = TargetResult(
    target="lb.example.com:443",
    verdict="partly",
    connections=72,
    duration_ms=3020.0,
    addresses=(
        address(
            "192.0.2.20",
            psk("NRNRN", "NRRNN", state="partly", tickets=tickets(*TWO_KEYS, after_data=True)),
            ticket(
                "RNRNRNRNRNRN",
                "RRRRRRCERRRR",
                state="partly",
                reason="accepted by the node that issued it only",
            ),
            session_id("NNNNN", "NNNNN", state="not-resumed"),
            attempts=ATTEMPTS,
        ),
        address(
            "2001:db8::20",
            psk("NNNNN", "RRRRR", tickets=tickets(max_early_data=16384, stateful=True)),
            ticket("RRRRR", "RRRRR", tickets=tickets(lifetime=0, count=1)),
            session_id(
                "", "", state="not-issued", reason="the server gave no session ID",
                timing=TimingSummary(),
            ),
            certificate=replace(
                CERTIFICATE, verify_code=18, verify_message="self-signed certificate"
            ),
        ),
    ),
    findings=(FINDING, replace(FINDING, code="single-use", severity="info", cause="", address=None,
        title="each ticket is accepted once", advice="", not_known=(), candidates=(),
        evidence=("5 fresh tickets accepted, 0 of 5 a second time",))),
)  # fmt: skip

REFUSED = ErrorResult(
    kind="refused",
    step="connect",
    message="connection to 192.0.2.30:443 refused",
    hints=("nothing listens there, or a firewall rejects it: check the port",),
)
STACK = ErrorStack(
    call="SSL_do_handshake",
    returned="-1 (SSL_ERROR_SSL)",
    entries=(
        ErrorEntry("SSL routines", "tlsv1 alert internal error", 0x0A000438, "SSL alert number 80"),
        ErrorEntry("BIO routines", "broken pipe", 0x20000067),
    ),
)

UNREACHABLE = TargetResult(
    target="[2001:db8::30]:8443",
    verdict="untested",
    error=REFUSED,
    connections=1,
    duration_ms=12.0,
    addresses=(address("2001:db8::30", certificate=None, error=REFUSED),),
)
UNRESOLVED = TargetResult(
    target="nowhere.invalid:443",
    verdict="untested",
    error=ErrorResult("resolve", "resolve", "nowhere.invalid has no address", ("check the name",)),
)
BROKEN = TargetResult(
    target="broken.example.com:443",
    verdict="does-not-resume",
    connections=9,
    duration_ms=900.0,
    incomplete=True,
    interrupted=True,
    addresses=(
        address("192.0.2.40", psk("EEE", "EEE", state="not-resumed", reason="alert 80")),
        address(
            "192.0.2.41",
            certificate=None,
            error=ErrorResult("alert", "handshake", "alert handshake_failure", (), STACK),
        ),
        address("192.0.2.42", certificate=None),
    ),
)
HOSTILE_TARGET = TargetResult(
    target="evil.example.com:443",
    verdict="untested",
    error=ErrorResult("alert", "handshake", HOSTILE, (HOSTILE,), ErrorStack(
        "SSL_do_handshake", "-1", (ErrorEntry(HOSTILE, HOSTILE, 1, HOSTILE),))),
    skipped=(Skipped(HOSTILE, HOSTILE, address=HOSTILE),),
    addresses=(
        address(
            "192.0.2.50",
            psk("RN", "RN", reason=HOSTILE, tickets=tickets(KeyName(HOSTILE, 1))),
            certificate=replace(CERTIFICATE, subject=HOSTILE, verify_code=1, verify_message=HOSTILE),
            attempts=(row(1, error=HOSTILE, node=HOSTILE),),
        ),
    ),
    findings=(
        replace(FINDING, title=HOSTILE, evidence=(HOSTILE,), advice=HOSTILE, details=(HOSTILE,)),
    ),
)  # fmt: skip


def report(*targets: TargetResult, violations: tuple[Violation, ...] = ()) -> Report:
    return Report(tool=TOOL, targets=targets, violations=violations)


REPORTS: dict[str, Report] = {
    "good": report(GOOD),
    "partly": report(PARTLY),
    "unreachable": report(UNREACHABLE),
    "mixed": report(
        GOOD,
        PARTLY,
        UNRESOLVED,
        BROKEN,
        violations=(Violation(demand="psk=resumed", target=PARTLY.target, message="partly"),),
    ),
    "hostile": report(HOSTILE_TARGET),
    "empty": report(),
}

SAVED = SaveResult(
    target="example.com:443",
    address="192.0.2.10",
    port=443,
    saved=True,
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    alpn="http/1.1",
    mechanism="psk",
    tickets=2,
    lifetime=7200,
    key_name=KEY_A,
    certificate=CERTIFICATE,
    timings=Timings(dns=2.0, connect=10.04, handshake=41.2, first_ticket=52.0, total=90.0),
    traffic=Traffic(1634, 2362, 3),
    files=("example.com_443.session.pem",),
)
SAVES: dict[str, SaveResult] = {
    "saved": SAVED,
    "no-ticket": replace(
        SAVED,
        saved=False,
        reason="no ticket within 3 s",
        hints=("wait longer with --ticket-wait",),
        mechanism=None,
        tickets=0,
        lifetime=None,
        key_name=None,
        files=(),
    ),
    "refused": SaveResult(target="example.com:443", error=REFUSED),
    "hostile": replace(SAVED, files=(HOSTILE,), certificate=replace(CERTIFICATE, subject=HOSTILE)),
}

REUSED = ResumeResult(
    target="example.com:443",
    file="example.com_443.session.pem",
    address="192.0.2.10",
    port=443,
    session_reused=True,
    set_session=1,
    offered=True,
    accepted=True,
    certificate_message=False,
    tls_version="TLSv1.3",
    session_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    group="x25519",
    alpn="http/1.1",
    server_name="example.com",
    mechanism="psk",
    session_age_s=7380.0,
    key_name=KEY_A,
    new_key_name=KEY_B,
    new_tickets=1,
    http_status=200,
    pinned=("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    tries=Series.count("R"),
    verification=Verification(20, "unable to get local issuer certificate", stored=True),
    timings=Timings(connect=10.0, handshake=22.0),
    traffic=Traffic(1827, 1608, 3),
    updated_file="example.com_443.session.pem",
)
NEW = replace(
    REUSED,
    session_reused=False,
    accepted=False,
    certificate_message=True,
    reason="the server does not know the key of this ticket (any more)",
    tries=Series.count("N"),
    verification=Verification(0, "ok"),
    updated_file=None,
)
FAILED = ResumeResult(
    target="example.com:443",
    address="192.0.2.10",
    port=443,
    set_session=1,
    offered=True,
    error=ErrorResult("alert", "handshake", "the server sent alert internal_error", (), STACK),
    error_stack=STACK,
    fails_with_session=True,
)
RESUMES: dict[str, ResumeResult] = {
    "reused": REUSED,
    "new": NEW,
    "tls12": replace(NEW, tls_version="TLSv1.2", session_version="TLSv1.3", findings=(FINDING,)),
    "disagreement": replace(
        REUSED,
        certificate_message=True,
        disagreement="SSL_session_reused says 1, but the server sent a Certificate message",
    ),
    "failed": FAILED,
    "no-reason": replace(
        FAILED,
        fails_with_session=False,
        error=ErrorResult("openssl", "session", "OpenSSL refused the session"),
        error_stack=ErrorStack("SSL_set_session", "0", ()),
    ),
    "each-address": replace(
        NEW,
        each_address=(
            replace(REUSED, tries=Series.count("RRR"), early_data="accepted"),
            replace(NEW, address="192.0.2.11", tries=Series.count("NRN"), hello_retry=True),
        ),
        findings=(FINDING,),
    ),
    "hostile": replace(NEW, reason=HOSTILE, alpn=HOSTILE, server_name=HOSTILE, notes=(HOSTILE,)),
}
