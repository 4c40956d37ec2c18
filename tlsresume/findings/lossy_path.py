"""How many connections of ours broke in the run: a server may have lost sessions with them.

OpenSSL and others drop a session whose connection ended uncleanly, and the client need
not notice that end. So a session that is missing says little while connections break.
"""

from __future__ import annotations

from tlsresume.evidence.purposes import Close
from tlsresume.findings.view import View
from tlsresume.results.connection import FailureKind
from tlsresume.units import connections

_BREAKS: frozenset[FailureKind] = frozenset({"closed", "reset", "timeout", "network"})


def lost_connections(view: View) -> str | None:
    """How many connections to the address broke, in words; None where none did.

    Counted are those of mechanisms whose handshakes succeed at other times: a version that
    the server does not speak breaks always.
    """
    own = [a for a in view.everything if not (a.purpose.other_config or a.made_for(Close))]
    works = {a.mechanism for a in own if a.handshake_done}
    tried = [a for a in own if a.mechanism in works]
    broke = [a for a in tried if a.error is not None and a.error.kind in _BREAKS]
    if not broke:
        return None
    return f"{len(broke)} of {connections(len(tried))} to this address broke in the same run"
