"""The server, or what stands before it, ends handshakes with a session (group C).

No rule here fits before a control (a handshake without a session, after the
failure) has succeeded: else the server, not the session, is the trouble.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlsresume.evidence.fails_without_session import (
    bare,
    blameless,
    breaks_on_both_sides,
    unanswered,
)
from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import AGE, HelloSize
from tlsresume.evidence.summary import unanswered_words
from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import (
    ASK,
    FRESH,
    ask_again,
    controlled,
    failed_for,
    has_alert,
    shown_with_control,
    times,
    with_alert,
)
from tlsresume.findings.wording import failure, said, shown
from tlsresume.results.connection import FailureKind
from tlsresume.tls.registry import AlertDescription, ProtocolVersion
from tlsresume.transports.failures import FailureReason
from tlsresume.units import span

#: What else may break connections now and then, while others resume.
_UNRELIABLE = ("connections that break whatever is offered: load, a limit, the network",)


@rule(
    "no-session-id-context",
    "C",
    "error",
    needs=CONTROLLED | Part.CERTIFICATE,
    mechanisms=("psk", "ticket"),
    cause="The server asks for client certificates, but its OpenSSL was given no session id"
    " context; it then aborts every handshake that offers a session.",
    advice="Look for 'session id context uninitialized' in the server's log and set a context, or"
    " switch tickets and session caching off. Clients can work round it by offering no session.",
    settings=set_in(OpenSSL="SSL_CTX_set_session_id_context"),
    sources=(
        "SSL_CTX_set_session_id_context(3)",
        "sfackler/rust-openssl#1235",
        "eclipse/mosquitto#454",
        "PostgreSQL commit dda04b9",
    ),
)
def no_session_id_context(view: View) -> Match | None:
    """The server aborts when a session is offered: no session id context.

    Alert 80 internal_error before any ServerHello, each time a session is offered; the same
    handshake without it succeeds and shows a CertificateRequest; a fresh session fails too.
    """
    aborted = with_alert(view, AlertDescription.internal_error)
    asks = any(a.certificate_requested for a in view.attempts if a.offer is None)
    if not aborted or not asks:
        return None
    if view.saved is not None and view.fresh_is_accepted:
        return None
    return Match(
        seen=(
            times(aborted, view, "alert 80 internal_error before any ServerHello"),
            "a handshake without a session shows a CertificateRequest",
        ),
        evidence=shown_with_control(view, aborted),
        proven=controlled(view),
        ask=ask_again(view),
    )


@rule(
    "aged-ticket-alert",
    "C",
    "error",
    needs=CONTROLLED,
    mechanisms=("psk", "ticket"),
    cause="The server answers tickets past a certain age with alert 80 instead of a full"
    " handshake; young ones resume.",
    advice="Upgrade the server; until then, let clients drop sessions well before that age.",
    settings=set_in(haproxy="tune.ssl.lifetime"),
    sources=("haproxy/haproxy#3499", "proftpd/proftpd#1931"),
)
def aged_ticket_alert(view: View) -> Match | None:
    """The server aborts on old tickets instead of declining them.

    Alert 80 internal_error for old sessions, while a fresh one resumes: `tlsresume probe
    --age SECONDS`, or `tlsresume resume` with an old file.
    """
    aborted = with_alert(view, AlertDescription.internal_error)
    aged = [
        a
        for a in view.made(*AGE)
        if a.offered and not a.handshake_done and has_alert(a, AlertDescription.internal_error)
    ]
    young = [a for a in (*view.at_once, *view.made(*AGE)) if a.resumed]
    if not (aborted or aged):
        return None
    if view.saved is None and (not aged or not young):
        return None
    if view.saved is not None and view.fresh_is_accepted is False:
        return None
    attempt = (aborted or aged)[0]
    return Match(
        seen=said(
            f"alert 80 internal_error for a session {span(view.age(attempt))} old",
            f"one {span(view.age(young[-1]))} old resumes" if young else None,
        ),
        evidence=shown_with_control(view, aborted or aged),
        proven=bool(young),
        ask=FRESH if aborted else (),
        aside=not aborted,
    )


@rule(
    "mixed-version-pool",
    "C",
    "error",
    needs=CONTROLLED,
    cause="Nodes behind this name speak different TLS versions, so a session of one version meets"
    " nodes that do not speak it.",
    advice="Configure the same TLS versions on every node.",
    settings=set_in(nginx="ssl_protocols", haproxy="ssl-min-ver", httpd="SSLProtocol"),
    sources=("curl/curl#1006", "openssl/openssl#852", "wolfSSL/wolfssl#10015"),
)
def mixed_version_pool(view: View) -> Match | None:
    """Nodes here speak different TLS versions.

    On some connections alert 70 protocol_version or 'wrong version number', on others of
    the same TLS version a finished handshake.
    """
    everything = [a for a in (*view.attempts, *view.elsewhere) if not a.purpose.other_config]
    refused = [
        a
        for a in everything
        if not a.handshake_done
        and (
            has_alert(a, AlertDescription.protocol_version, of_server=True)
            or failed_for(a, FailureReason.WRONG_VERSION, FailureReason.VERSION_NOT_ALLOWED)
        )
    ]
    spoke = [a for a in everything if a.handshake_done]
    numbers = {id(a) for a in refused}
    if not refused or not spoke or not any(id(a) in numbers for a in view.attempts):
        return None
    offers = [a for a in refused if a.offered is not None]
    if len(offers) == len(refused) > 1 and not any(a.offered is not None for a in spoke):
        # Nodes would not sort connections by what they offer.
        return None
    version = {"psk": ProtocolVersion.TLSv1_3}.get(view.mechanism, ProtocolVersion.TLSv1_2)
    return Match(
        seen=said(
            f"{version.label} was refused on {len(refused)} of"
            f" {len(refused) + len(spoke)} connections"
        ),
        evidence=shown(view, refused[0], spoke[0]),
    )


#: How handshakes end that a shorter ClientHello may have saved.
_FOR_ITS_LENGTH: frozenset[FailureKind] = frozenset({"closed", "reset", "timeout", "alert"})


def _ask(view: View, broken: Sequence[Trial]) -> tuple[ExperimentName, ...]:
    """A control; and, where it succeeds, whether it is the length of the ClientHello."""
    lengths = [
        a.hello_size
        for a in broken
        if not a.server_hello_seen
        and a.hello_size is not None
        and a.error is not None
        and a.error.kind in _FOR_ITS_LENGTH
    ]
    return (*ASK, "hello-size") if lengths and controlled(view) and not view.accepted else ASK


def _not_its_length(view: View) -> str | None:
    """What clears the length of the ClientHello, in words (experiment hello-size)."""
    padded = view.made(HelloSize.PADDED)
    if not padded or not all(a.handshake_done for a in padded):
        return None
    return (
        f"not for its length: without a session, padded to {padded[0].hello_size} bytes, it is"
        f" answered {len(padded)} of {len(padded)} times"
    )


@rule(
    "dies-on-session",
    "C",
    "error",
    needs=CONTROLLED,
    cause="The peer ends the connection, without an alert, when a session is offered.",
    advice="Compare with the server's log: an old broker, a missing session id context, or a"
    " middlebox that drops the larger ClientHello. Clients can work round it by offering none.",
    sources=("eclipse/mosquitto#454", "emqx/emqx#16456", "espressif/esp-mqtt#331"),
)
def dies_on_session(view: View) -> Match | None:
    """The connection dies, without a word, when a session is offered.

    FIN, RST or silence where a ServerHello is due, each time a session is offered and never
    without one; no alert.
    """
    broken = view.blamed
    died = [
        a
        for a in broken
        if a.error is not None
        and a.error.kind in ("closed", "reset", "timeout")
        and not any(alert.fatal and alert.sender == "server" for alert in a.alerts)
    ]
    if len(died) < len(broken):
        return None
    if not died:
        return _silent_so_far(view)
    how = died[0].error.kind if died[0].error else "closed"
    what = {"closed": "FIN", "reset": "RST", "timeout": "silence"}[how]
    return Match(
        seen=said(times(died, view, f"{what} instead of an answer"), _not_its_length(view)),
        evidence=shown_with_control(view, died),
        proven=controlled(view) and view.settled("control") and not view.accepted,
        ask=_ask(view, broken),
        candidates=_UNRELIABLE if view.accepted else (),
        not_known=("which device ends the connection: the server, or one on the way",),
    )


#: Silence of so many seconds, and so many times the slowest full handshake, means something.
_TELLING_SILENCE = 1.0
_TELLING_FACTOR = 20


def _silent_so_far(view: View) -> Match | None:
    """Where the run ended while offers were unanswered, far longer than full handshakes take."""
    slowest = max((a.timings.handshake or 0.0 for a in view.full), default=0.0) / 1000
    least = max(_TELLING_SILENCE, _TELLING_FACTOR * slowest)
    silent = [a for a in view.unanswered if (a.timings.total or 0.0) / 1000 >= least]
    if not silent or not view.full or view.accepted or view.declined:
        return None
    return Match(
        seen=(
            (f"{unanswered_words(silent)}; full handshakes take {1000 * slowest:.0f} ms at most"),
        ),
        evidence=shown(view, *silent[:1], *view.full[:1]),
        not_known=(
            "whether an answer would have come: the run ended before",
            "whether a handshake without a session succeeds at the same time",
        ),
        severity="warning",
    )


@rule(
    "breaks-anyway",
    "C",
    "warning",
    needs=CONTROLLED,
    cause="Connections to this address end unanswered with a session and without one, so those"
    " that offered a session say nothing of it. A limit on connections, a ban, load or the"
    " network may be behind it.",
    advice="Except this client's address from limits, or ask for less: --concurrency 1 --tries 2,"
    " and again some minutes later.",
    settings=set_in(
        fail2ban="ignoreip",
        haproxy="stick-table conn_rate, maxconn",
        iptables="hashlimit, connlimit",
        postfix="smtpd_client_connection_rate_limit",
    ),
    sources=("fail2ban jail.conf(5)", "iptables-extensions(8)", "postconf(5)"),
)
def breaks_anyway(view: View) -> Match | None:
    """Connections break here, whether or not they offer a session.

    Tries that offer a session end with FIN, RST or silence, and so do handshakes without
    one; or, from some moment on, no handshake succeeds any more.
    """
    spared = blameless(view.attempts)
    numbers = {id(attempt) for attempt in spared}
    broken = [attempt for attempt in view.broken if id(attempt) in numbers]
    if not broken or (view.saved is not None and view.hopeless):
        return None
    if not breaks_on_both_sides(view.attempts):
        return None  # connections-break says it
    without = [attempt for attempt in view.attempts if bare(attempt)]
    failed = [attempt for attempt in without if not attempt.handshake_done]
    return Match(
        seen=said(
            f"{failure(broken[0])} on {len(broken)} of {len(view.subject)} connections that"
            f" offer the session, and on {len(failed)} of {len(without)} that offer none"
        ),
        evidence=shown(view, *broken[:2], *failed[:1]),
        proven=all(map(unanswered, broken)) and bool(failed),
        not_known=("what ends them: a limit, a ban, a failing server, or the path",),
    )


@rule(
    "fails-with-session",
    "C",
    "error",
    needs=CONTROLLED,
    cause="The handshake fails when the session is offered and succeeds without it, in a way that"
    " fits no cause known to this tool.",
    advice="Look at the server's log at the times that -v lists; clients can work round it by offering no"
    " session.",
    catch_all=True,
    sources=("SSL_set_session(3)", "SSL_get_error(3)"),
)
def fails_with_session(view: View) -> Match | None:
    """The handshake fails only when the session is offered.

    Handshakes that offer the session fail, the same one without it succeeds, and no other
    cause of this group fits.
    """
    broken = list(view.blamed)
    if not broken:
        return None
    return Match(
        seen=(times(broken, view, failure(broken[0])),),
        evidence=shown_with_control(view, broken),
        proven=controlled(view) and not view.accepted,
        ask=_ask(view, broken),
        candidates=_UNRELIABLE if view.accepted else (),
    )
