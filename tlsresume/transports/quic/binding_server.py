"""Private names of aioquic's server, for the built-in one: its order of versions, and servers
that take no early data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any


def server_connection(*, takes_early_data: bool, **arguments: Any) -> Any:
    """A server's QuicConnection, that prefers QUIC versions in the order of its configuration,
    where aioquic's goes by the client's (RFC 9368 section 2.3 leaves it to the server). Aioquic's
    takes any early data that is offered; one that does not resumes without it (RFC 8446 section
    4.2.10)."""
    from aioquic.quic.connection import QuicConnection
    from aioquic.tls import Epoch

    class Preferring(QuicConnection):
        """Has an order of versions of its own."""

        def _parse_transport_parameters(self, *arguments: Any, **named: Any) -> None:
            super()._parse_transport_parameters(*arguments, **named)
            theirs = self._remote_version_information
            if theirs is not None:
                ours = self._configuration.supported_versions
                both = [version for version in ours if version in theirs.available_versions]
                self._remote_version_information = replace(theirs, available_versions=both)

    class Declining(Preferring):
        """Resumes, and takes no early data."""

        def _initialize(self, peer_cid: bytes) -> None:
            super()._initialize(peer_cid)
            context = self.tls
            install = context.update_traffic_key_cb

            def told(direction: Any, epoch: Any, suite: Any, secret: bytes) -> None:
                if epoch == Epoch.ZERO_RTT:
                    context.early_data_accepted = False
                else:
                    install(direction, epoch, suite, secret)

            context.update_traffic_key_cb = told

    return (Preferring if takes_early_data else Declining)(**arguments)
