"""From a route to a connection on which TLS can start: a proxy, a PROXY header, STARTTLS."""

from __future__ import annotations

import socket

from tlsresume.errors import PreludeError
from tlsresume.lab import Route
from tlsresume.network.dial import Reached, dial, failure_from, open_datagram_socket
from tlsresume.network.link import NetworkLink
from tlsresume.results.connection import Failure, FailureKind
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.proxies import Proxy, ProxyHeader
from tlsresume.targets.target import Target
from tlsresume.value import Value


class BeforeTLS(Value, frozen=True, kw_only=True):
    """How to get from here to where TLS starts, whatever the address.

    `host` is the name that a prelude asks for, where its protocol has that.
    """

    host: str = ""
    starttls: str | None = None
    proxy: Proxy | None = None
    header: ProxyHeader | None = None

    @classmethod
    def to(cls, target: Target) -> BeforeTLS:
        """The way to a target."""
        return cls(
            host=target.verify_name,
            starttls=target.starttls,
            proxy=target.proxy,
            header=target.proxy_header,
        )

    def beside(self) -> BeforeTLS:
        """The way of a second connection that belongs to a first one: TLS starts at once."""
        return BeforeTLS(host=self.host, proxy=self.proxy)


async def reach(route: Route, before_tls: BeforeTLS, seconds: float) -> Reached | Failure:
    """A connection to a route, directly or through the proxy. Over UDP it is a socket, and nothing
    is sent."""
    if route.transport != "tcp":
        sock = open_datagram_socket(route)
        return sock if isinstance(sock, Failure) else Reached(sock, None)
    if before_tls.proxy is not None:
        from tlsresume.network.proxy import reach_through

        return await reach_through(before_tls.proxy, route, seconds)
    dialled = await dial(route, seconds)
    return dialled if isinstance(dialled, Failure) else Reached(*dialled)


async def begin(
    link: NetworkLink, sock: socket.socket, route: Route, before_tls: BeforeTLS
) -> None:
    """Say all that comes before TLS. Raises PreludeError; `link.failure` then says more."""
    if before_tls.header is None and before_tls.starttls is None:
        return
    where = format_endpoint(route.address, route.port)
    prelude = None
    try:
        if before_tls.header is not None:
            await link.send(_header(before_tls.header, sock, route))
        if before_tls.starttls is not None:
            from tlsresume.network.prelude import play
            from tlsresume.protocols.table import script_of
            from tlsresume.protocols.talk import Prelude

            prelude = Prelude(script_of(before_tls.starttls), before_tls.host)
            await play(prelude, link)
            link.node, link.greeting, link.after_starttls = prelude.node, prelude.first, True
    except PreludeError as error:
        kind = _KINDS.get(error.why, "starttls")
        said = f"STARTTLS {before_tls.starttls}: {error.message}"
        link.failure = Failure.at(where, "starttls", kind, said, error.hints)
        raise
    except TimeoutError:
        topic = prelude.topic if prelude is not None else "reading of the PROXY header"
        said = f"no {topic.removeprefix('the ').removeprefix('its ')} in time"
        hints = prelude.hints if prelude is not None else ()
        link.failure = Failure.at(where, "starttls", "timeout", said, hints)
        raise PreludeError(link.failure.message, why="closed") from None
    except OSError as error:
        link.failure = failure_from(error, "starttls", where)
        raise PreludeError(link.failure.message, why="closed") from None


#: A server that closes is tried again alone, like one that closes in the handshake.
_KINDS: dict[str, FailureKind] = {
    "closed": "closed",
    "injection": "injection",
    "rate-limit": "rate-limit",
}


def _header(header: ProxyHeader, sock: socket.socket, route: Route) -> bytes:
    """The PROXY header for a connection; what has no address is called unspecified."""
    from tlsresume.targets.proxying import proxy_header

    try:
        here, port, *_ = sock.getsockname()
        source = (str(here), int(port))
    except (OSError, ValueError):
        source = ("0.0.0.0", 0)  # noqa: S104  stands in a header, binds nothing
    try:
        return proxy_header(header, source, (route.address, route.port))
    except ValueError:
        return proxy_header(header, ("127.0.0.1", 0), ("0.0.0.0", route.port))  # noqa: S104  same
