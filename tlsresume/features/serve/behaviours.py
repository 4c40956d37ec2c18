"""The behaviours that `serve` can show to clients: one row each, in the order in which
`--behaviour all` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from tlsresume.server.behaviour import EARLY_DATA, Behaviour, Version

#: What a client can be held to in one behaviour. `refused`: the client must refuse the server.
State = Literal["resumed", "not-resumed", "offered", "connected", "refused"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One behaviour: what the server does, and what a client that is right does with it.

    `needs`: the TLS versions in which the behaviour shows. `untrusted`: the certificate is of
    an authority that nobody was given. `no_quic`: why QUIC cannot have it, in words.
    """

    about: str
    behaviour: Behaviour
    right: State
    needs: tuple[Version, ...]
    untrusted: bool
    no_quic: str | None

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


def _row(
    about: str,
    *,
    right: State = "connected",
    needs: tuple[Version, ...] = ("1.2", "1.3"),
    untrusted: bool = False,
    no_quic: str | None = None,
    **fields: object,
) -> Row:
    """A row; `fields` are those of its Behaviour."""
    # A session must outlive a connection that its client cut: how it closed is told apart.
    behaviour = Behaviour(forget_on_unclean_close=False, **fields)  # type: ignore[arg-type]  # a row's own fields
    return Row(about=about, behaviour=behaviour, right=right, needs=needs, untrusted=untrusted,
               no_quic=no_quic)  # fmt: skip


BEHAVIOURS: Mapping[str, Row] = {
    "default": _row(
        "issues tickets (and IDs to clients without tickets), and accepts all", right="resumed"
    ),
    "tickets": _row("tickets only, no session IDs", right="resumed", session_ids=False),
    "session-ids": _row(
        "TLS 1.2 with session IDs only",
        right="resumed",
        needs=("1.2",),
        no_quic="QUIC has no TLS 1.2",
        versions=("1.2",),
        tickets=False,
    ),
    "stateful": _row(
        "a cache: IDs in TLS 1.2, short tickets in TLS 1.3", right="resumed", stateful=True
    ),
    "single-use": _row("accepts each TLS 1.3 ticket once", right="resumed", single_use=True),
    "no-tickets": _row("issues no session at all", session_ids=False, tickets=False),
    "refuse": _row("issues sessions and accepts none", honoured=False),
    "short-lifetime": _row("sessions that live 2 seconds", lifetime=2),
    "rotated-key": _row("another ticket key after the first connection", nodes=2, rotate_after=1),
    "changed-certificate": _row(
        "another certificate after the first connection; sessions are accepted",
        change_certificate_after=1,
    ),
    "hello-retry": _row(
        "asks each TLS 1.3 client for another key share (HelloRetryRequest)",
        needs=("1.3",),
        no_quic="aioquic sends no HelloRetryRequest",
        group="secp384r1",
    ),
    "early-data": _row(
        "tickets that allow TLS 1.3 early data, which is accepted",
        needs=("1.3",),
        early_data=EARLY_DATA,
    ),
    "late-tickets": _row(
        "TLS 1.3 tickets come with the first answer, not right after the handshake",
        right="resumed",
        needs=("1.3",),
        tickets_after_data=True,
    ),
    "no-close-notify": _row(
        "ends connections without close_notify",
        no_quic="QUIC has no close_notify",
        close_notify=False,
    ),
    "untrusted": _row(
        "a certificate of an unknown authority; sessions are accepted",
        right="refused",
        untrusted=True,
    ),
}
