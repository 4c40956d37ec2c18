"""Values that pass between a transport and those who use it, cheap to import."""

from __future__ import annotations

import msgspec

from tlsresume.request_line import HTTPRequest

__all__ = ["DatagramFacts", "HTTPRequest"]


class DatagramFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What only a connection over datagrams has.

    `version` is QUIC's (1 or 2; None for DTLS); `retries` counts Retry packets (QUIC), or
    HelloVerifyRequests (DTLS); `token_offered` says that a NEW_TOKEN went with the first
    packet; `token_issued` that the server gave one; `retransmissions` counts the times that
    we had to ask again. `mtu` is the size of datagrams that was answered, where that was not the
    one of the config (DTLS).
    """

    version: int | None = None
    retries: int = 0
    token_offered: bool = False
    token_issued: bool = False
    retransmissions: int = 0
    mtu: int | None = None
