"""The server took the session for too old, or dropped it with its connection (group B).

What separates these from a lost session is the same session at other ages, and after another
end of its connection. Last here is what fits wherever nothing tells why a session was declined.
"""

from __future__ import annotations

from tlsresume.evidence.observation import Part
from tlsresume.evidence.purposes import AGE, Close, SameTicket
from tlsresume.evidence.trial import Trial
from tlsresume.findings.comparisons import (
    leaf_change,
    name_changes,
    outlived,
    same_key,
    share,
)
from tlsresume.findings.engine import Match
from tlsresume.findings.rules import CONTROLLED, TRIES, rule
from tlsresume.findings.software import set_in
from tlsresume.findings.view import View
from tlsresume.findings.wording import said, shown
from tlsresume.units import span


@rule(
    "expired-at-server",
    "B",
    "warning",
    needs=CONTROLLED | Part.TICKETS | Part.CERTIFICATE,
    cause="The server took the session for too old; a fresh one resumes.",
    advice="Raise the lifetime the server enforces, or expect sessions of this age to be refused.",
    settings=set_in(
        nginx="ssl_session_timeout",
        haproxy="tune.ssl.lifetime",
        httpd="SSLSessionCacheTimeout",
        Envoy="session_timeout",
        OpenSSL="SSL_CTX_set_timeout",
        Go=": a key that is not set is dropped 7 days after its making; tls.Config.UnwrapSession",
    ),
    sources=("RFC 8446 section 4.6.1", "RFC 5077 section 3.3"),
)
def expired_at_server(view: View) -> Match | None:
    """Fresh sessions resume, this one is too old for the server.

    The refusing handshake's new ticket names the same key, or the session is older than was
    promised; the certificate is the same, and a fresh session resumes. Or, with `--age` and `--find-lifetime`, young sessions resume
    and older ones do not.
    """
    aged = _refused_at_an_age(view)
    if aged is not None:
        return aged
    if view.saved is None or not view.declined or view.stateful:
        return None
    attempt = view.declined[0]
    same = same_key(view, attempt)
    expired = outlived(view, attempt)
    if leaf_change(view) is not None or name_changes(view) or not (same or expired):
        return None
    if view.fresh_is_accepted is False:
        return None
    return Match(
        seen=said(
            f"the session is {span(view.age(attempt))} old; promised {_promised(view, attempt)}",
            "a fresh session resumes at once" if view.fresh_is_accepted else None,
        ),
        evidence=shown(view, attempt, *view.at_once[:1]),
        proven=bool(view.fresh_is_accepted) and same is True,
        ask=("retry",) if same is False else ("retry", "same-ticket"),
        candidates=_OTHER_KEY[same]
        if not same
        else ()
        if expired
        else said(
            None if view.made(SameTicket) else "consumed",
            "server-policy (client certificate, address binding)",
        ),
    )


#: By what `same_key` says.
_OTHER_KEY = {
    None: ("other-ticket-key: these tickets show no key names",),
    False: ("other-ticket-key: new tickets are under another key",),
}


def _refused_at_an_age(view: View) -> Match | None:
    """--age and --find-lifetime: refused before the promised lifetime was over."""
    offers = view.made(*AGE)
    promised = next((t.lifetime for a in offers for t in a.tickets if a.offer is None), 0)
    young = [view.age(a) for a in offers if a.resumed]
    aged = [a for a in offers if a.offered and a.handshake_done and not a.resumed]
    aged = [a for a in aged if same_key(view, a) is not False]
    if not young or not aged:
        return None
    oldest, refused = max(young), min(view.age(a) for a in aged)
    if refused <= oldest or (promised and refused >= promised):
        return None
    said = f"promised {span(promised)}" if promised else "no lifetime was promised"
    return Match(
        seen=(f"resumed at {span(oldest)}, refused at {span(refused)}; {said}",),
        evidence=shown(view, next(a for a in offers if a.resumed), aged[0]),
        severity="warning" if promised else "info",
        aside=True,
    )


def _promised(view: View, attempt: Trial) -> str:
    session = view.saved.session if view.saved else attempt.offer
    lifetime = session.lifetime if session else None
    return "no lifetime" if lifetime is None else span(lifetime)


@rule(
    "unclean-close",
    "B",
    "warning",
    needs=TRIES,
    mechanisms=("psk", "session-id"),
    cause="The server keeps sessions in a cache and drops one when its connection is cut without"
    " close_notify.",
    advice="Let clients send close_notify (SSL_shutdown), or use stateless tickets.",
    sources=("SSL_shutdown(3)", "aws/s2n-tls#4818", "openssl/openssl#16066"),
)
def unclean_close(view: View) -> Match | None:
    """Resumes after a clean close, not after a cut connection.

    Sessions resume after close_notify and do not after a connection that was cut
    (`tlsresume probe --experiment close`, or `tlsresume resume --unclean-close`, and resume
    once more).
    """
    clean = view.made(Close.AFTER_CLEAN)
    abrupt = view.made(Close.AFTER_ABRUPT)
    kept, lost = sum(bool(a.resumed) for a in clean), sum(bool(a.resumed) for a in abrupt)
    if not clean or not abrupt or kept < len(clean) or lost:
        return None
    return Match(
        seen=(f"{kept} of {len(clean)} after close_notify, {lost} of {len(abrupt)} after a cut",),
        evidence=shown(view, clean[0], abrupt[0]),
        aside=True,
    )


@rule(
    "undetermined",
    "B",
    "warning",
    needs=TRIES | Part.TICKETS,
    cause="The session was declined, and nothing that a client sees separates the causes left.",
    advice="Look at the server's log at the times shown (-v lists them), or ask its operator.",
    catch_all=True,
    sources=("SSL_session_reused(3)", "RFC 8446 section 4.2.11"),
)
def undetermined(view: View) -> Match | None:
    """Not resumed, and a client cannot tell why.

    A full handshake under the same ticket key and certificate, and nothing else that
    differs.
    """
    if not view.declined:
        return _withheld(view)
    return Match(
        seen=(share(view),),
        evidence=shown(view, view.declined[0]),
        proven=False,
        ask=("retry",),
        candidates=("server-policy: client certificates, load shedding, address binding",),
    )


def _withheld(view: View) -> Match | None:
    if not view.withheld or view.session is None:
        return None
    usable, why = view.session.usable(view.withheld[0].time)
    return Match(
        seen=("OpenSSL left the session out of the ClientHello, and gave no reason", why),
        evidence=shown(view, *view.withheld),
        proven=False,
        candidates=() if usable else (why,),
        not_known=("why this OpenSSL withholds it",),
        advice="Save a new session. If the clock of this machine is wrong, mend it first.",
    )
