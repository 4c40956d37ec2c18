"""nginx: the default server of the address and port decides on sessions.

nginx takes `ssl_session_cache`, `ssl_session_tickets`, the ticket key and the TLS versions
from the default server of the address and port, whatever the name's own block says. Set
elsewhere they do nothing, or half. The experiment `default-server` shows what that server
does for clients without SNI.
"""

from __future__ import annotations

from tlsresume.evidence.purposes import DefaultServer as Purposes
from tlsresume.evidence.trial import Trial
from tlsresume.experiment_names import ExperimentName
from tlsresume.findings.server_settings import named_by
from tlsresume.findings.software import ServerSetting, Software, set_in
from tlsresume.findings.view import View
from tlsresume.findings.with_and_without_session import has_alert
from tlsresume.findings.wording import said, short
from tlsresume.tickets.key_names import is_stateful
from tlsresume.tls.registry import AlertDescription
from tlsresume.value import Value

_HOW = (
    "nginx takes ssl_session_cache, ssl_session_tickets, the ticket key and ssl_protocols from the"
    " default server of the address and port (default_server, else the first block that listens"
    " there), whatever the block of this name says: set them there, or in http, the same for all."
)

_PERHAPS = (
    "Give the server that issues tickets the means to open them. If this is nginx: sealed tickets"
    " that are never accepted show that the block of this name switches tickets on, and the default"
    " server of the port off. " + _HOW
)

_SETTINGS = set_in(
    nginx=(
        "ssl_session_cache shared:SSL:10m (in the default_server block, or in http)",
        "ssl_session_tickets (the same in the default_server block and in this one)",
    )
)


class DefaultServer(Value, frozen=True, kw_only=True):
    """What a finding says of nginx's default server; nothing where it is not nginx."""

    seen: tuple[str, ...] = ()
    ask: tuple[ExperimentName, ...] = ()
    advice: str | None = None
    settings: tuple[ServerSetting, ...] | None = None


def default_server(view: View) -> DefaultServer:
    """What is known of nginx's default server, for sessions that are not issued or never
    accepted."""
    named = any(a.server_name for a in view.full)
    if not any(is_nginx(attempt) for attempt in view.everything):
        sealed = bool(view.declined) and not view.stateful and view.naming.visible
        return DefaultServer(advice=_PERHAPS) if sealed and named else DefaultServer()
    return DefaultServer(
        seen=_seen(view),
        ask=("default-server",) if named else (),
        advice=_HOW,
        settings=_SETTINGS,
    )


def is_nginx(attempt: Trial) -> bool:
    """Whether an HTTP answer says that nginx, or a relative of it, made it."""
    return Software.NGINX in named_by(attempt)


def _seen(view: View) -> tuple[str, ...]:
    """What the default server did without SNI, where that tells it from this name's."""
    made = [a for a in view.made(Purposes) if a.offer is None]
    if not made:
        return ()
    bare = made[0]
    if not bare.handshake_done:
        if not has_alert(bare, AlertDescription.unrecognized_name):
            return ()
        return said(
            "without a server name the handshake is refused (alert 112 unrecognized_name):"
            " another server block is the default of this port"
        )
    here = next((a.leaf_sha256 for a in view.full if a.leaf_sha256), None)
    what = _behaviour(view, bare)
    if here is not None and bare.leaf_sha256 not in (None, here):
        return said(
            f"without a server name another certificate comes ({short(bare.leaf_sha256)}, not"
            f" {short(here)}), of the default server of this port; {what}"
        )
    if what == _behaviour(view, view.full[0]):
        return ()
    return (f"without a server name: {what}, unlike under this name",)


def _behaviour(view: View, full: Trial) -> str:
    """What a server does with sessions of this mechanism, in words."""
    issued = [s for s in full.sessions if s.mechanism == view.mechanism]
    if not issued:
        return "no session is issued"
    if full.made_for(Purposes):
        offers = [a for a in view.made(Purposes.OFFER) if a.offered]
    else:
        offers = [a for a in view.subject if a.offered]
    taken = "accepted" if any(a.resumed for a in offers) else "not accepted"
    ticket = issued[-1].fields.ticket
    if view.mechanism == "session-id" or ticket is None:
        return f"its sessions are {taken}"
    kind = "stateful" if view.mechanism == "psk" and is_stateful(ticket) else "sealed"
    return f"its tickets ({kind}) are {taken}"
