"""The behaviours that `serve` can show to clients: one row each, in the order of `all`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from tlsresume.openssl.behaviour import EARLY_DATA, Behaviour, Version

#: What a client can be held to in one behaviour. `refused`: the client must refuse the server.
State = Literal["resumed", "not-resumed", "offered", "connected", "refused"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One behaviour: what the server does, and what a client that is right does with it.

    `needs`: the TLS versions in which the behaviour shows. `untrusted`: the certificate is of
    an authority that nobody was given. `no_quic`: why QUIC cannot have it, in words.
    """

    about: str
    behaviour: Behaviour
    right: State = "connected"
    needs: tuple[Version, ...] = ("1.2", "1.3")
    untrusted: bool = False
    no_quic: str | None = None

    @property
    def issues(self) -> bool:
        """Whether a client can get a session here."""
        return self.behaviour.tickets or self.behaviour.stateful or self.behaviour.session_ids

    @property
    def issues_ids_only(self) -> bool:
        """Whether TLS 1.2 gets session IDs here, and no ticket."""
        return self.behaviour.session_ids and (
            self.behaviour.stateful or not self.behaviour.tickets
        )


def _made(**knobs: object) -> Behaviour:
    # A session must outlive a connection that its client cut: how it closed is told apart.
    return Behaviour(forget_on_unclean_close=False, **knobs)  # type: ignore[arg-type]  # a row's own fields


BEHAVIOURS: Mapping[str, Row] = {
    "default": Row(
        about="issues tickets (and IDs to clients without tickets), and accepts all",
        behaviour=_made(),
        right="resumed",
    ),
    "tickets": Row(
        about="tickets only, no session IDs",
        behaviour=_made(session_ids=False),
        right="resumed",
    ),
    "session-ids": Row(
        about="TLS 1.2 with session IDs only",
        behaviour=_made(versions=("1.2",), tickets=False),
        right="resumed",
        needs=("1.2",),
        no_quic="QUIC has no TLS 1.2",
    ),
    "stateful": Row(
        about="a cache: IDs in TLS 1.2, short tickets in TLS 1.3",
        behaviour=_made(stateful=True),
        right="resumed",
    ),
    "single-use": Row(
        about="accepts each TLS 1.3 ticket once",
        behaviour=_made(single_use=True),
        right="resumed",
    ),
    "no-tickets": Row(
        about="issues no session at all",
        behaviour=_made(session_ids=False, tickets=False),
    ),
    "refuse": Row(
        about="issues sessions and accepts none",
        behaviour=_made(honoured=False),
    ),
    "short-lifetime": Row(
        about="sessions that live 2 seconds",
        behaviour=_made(lifetime=2),
    ),
    "rotated-key": Row(
        about="another ticket key after the first connection",
        behaviour=_made(nodes=2, rotate_after=1),
    ),
    "changed-certificate": Row(
        about="another certificate after the first connection; sessions are accepted",
        behaviour=_made(change_certificate_after=1),
    ),
    "hello-retry": Row(
        about="asks each TLS 1.3 client for another key share (HelloRetryRequest)",
        behaviour=_made(group="secp384r1"),
        needs=("1.3",),
        no_quic="aioquic sends no HelloRetryRequest",
    ),
    "early-data": Row(
        about="tickets that allow TLS 1.3 early data, which is accepted",
        behaviour=_made(early_data=EARLY_DATA),
        needs=("1.3",),
    ),
    "late-tickets": Row(
        about="TLS 1.3 tickets come with the first answer, not right after the handshake",
        behaviour=_made(tickets_after_data=True),
        right="resumed",
        needs=("1.3",),
    ),
    "no-close-notify": Row(
        about="ends connections without close_notify",
        behaviour=_made(close_notify=False),
        no_quic="QUIC has no close_notify",
    ),
    "untrusted": Row(
        about="a certificate of an unknown authority; sessions are accepted",
        behaviour=_made(),
        right="refused",
        untrusted=True,
    ),
}
