"""Getting to a target through a proxy, and telling the proxy's failures from the target's.

What the proxy itself does wrong is a failure of the step `proxy`; what it reports of
the target is one of the step `connect`, in its words.
"""

from __future__ import annotations

import socket
from asyncio import get_running_loop

from tlsresume import shortage
from tlsresume.errors import PreludeError, ResolveError
from tlsresume.lab import Route
from tlsresume.network.channel import Stream
from tlsresume.network.dial import Reached, dial, failure_from
from tlsresume.network.link import NetworkLink
from tlsresume.network.prelude import play
from tlsresume.network.resolve import resolve
from tlsresume.protocols.talk import Prelude
from tlsresume.results.connection import Failure, FailureKind
from tlsresume.targets.endpoints import format_endpoint
from tlsresume.targets.proxies import Proxy
from tlsresume.targets.proxying import TargetUnreachedError, connect
from tlsresume.version import USER_AGENT

#: Replies of RFC 1928 section 6 that tell of the target; the others tell of the proxy.
_SOCKS_REPLIES: dict[int, tuple[FailureKind, str]] = {
    3: ("network", "network unreachable"),
    4: ("network", "host unreachable"),
    5: ("refused", "connection refused"),
    6: ("timeout", "TTL expired"),
}

_LOGIN = "the proxy may want a login: USER@ in its URL, and --proxy-password-file"


async def reach_through(proxy: Proxy, route: Route, seconds: float) -> Reached | Failure:
    """A connection to a route through a proxy, or what went wrong, and whose fault it is."""
    loop = get_running_loop()
    started = loop.time()
    try:
        found = await resolve(proxy.host, "any", seconds)
    except ResolveError as error:
        return _failed(proxy, error.message, error.hints)
    last = Failure("proxy", "proxy", f"{proxy.name} has no address")
    for address in found.addresses:
        at = Route(address, proxy.port)
        left = seconds - (loop.time() - started)
        reached = await (_http if proxy.kind == "http" else _socks)(proxy, at, route, left)
        if not isinstance(reached, Failure):
            sock, unread = reached
            return Reached(sock, (loop.time() - started) * 1000, unread)
        last = reached
        if last.step == "connect":
            break
    return last


def _failed(proxy: Proxy, message: str, hints: tuple[str, ...] = ()) -> Failure:
    return Failure("proxy", "proxy", f"proxy {proxy.name}: {message}", hints)


def _unreached(proxy: Proxy, route: Route, kind: FailureKind, said: str) -> Failure:
    where = format_endpoint(route.address, route.port)
    return Failure("connect", kind, f"{where} was not reached: proxy {proxy.name} says: {said}")


async def _http(
    proxy: Proxy, at: Route, route: Route, seconds: float
) -> tuple[socket.socket, bytes] | Failure:
    dialled = await dial(at, seconds)
    if isinstance(dialled, Failure):
        if dialled.ours:
            return dialled
        return _failed(proxy, dialled.message, dialled.hints)
    sock, _ = dialled
    endpoint = format_endpoint(route.address, route.port)
    prelude = Prelude(connect(proxy, endpoint, USER_AGENT), route.address, open_end=True)
    channel = Stream(sock, proxy.name)
    link = NetworkLink(channel, seconds)
    done = False
    try:
        await play(prelude, link)
        done = True
    except TargetUnreachedError as error:
        return _unreached(proxy, route, "network", str(error))
    except PreludeError as error:
        return _failed(proxy, error.message, error.hints)
    except TimeoutError:
        return _failed(proxy, f"no answer to CONNECT {endpoint} within {seconds:g} s")
    except (OSError, MemoryError) as error:
        if shortage.is_shortage(error):
            return failure_from(error, "connect", proxy.name)
        return _failed(proxy, (getattr(error, "strerror", None) or str(error)).lower())
    finally:
        if done:
            channel.detach()
        else:
            link.release()
    return sock, prelude.rest


async def _socks(
    proxy: Proxy, at: Route, route: Route, seconds: float
) -> tuple[socket.socket, bytes] | Failure:
    import python_socks
    from python_socks.async_.asyncio import Proxy as Socks

    socks = Socks(
        python_socks.ProxyType.SOCKS5,
        at.address,
        at.port,
        username=proxy.user,
        password=proxy.login and proxy.login[1].text,
        rdns=proxy.resolves,
    )
    try:
        sock = await socks.connect(route.address, route.port, timeout=max(seconds, 0.001))
    except python_socks.ProxyTimeoutError:
        return _failed(proxy, f"no connection through it within {seconds:g} s")
    except python_socks.ProxyConnectionError as error:
        if shortage.is_shortage(error):
            return failure_from(error, "connect", proxy.name)
        return _failed(proxy, f"not reached: {(error.strerror or str(error)).lower()}")
    except python_socks.ProxyError as error:
        if error.error_code in _SOCKS_REPLIES:
            return _unreached(proxy, route, *_SOCKS_REPLIES[error.error_code])
        said = str(error)
        return _failed(proxy, said, (_LOGIN,) if "auth" in said.lower() else ())
    except (OSError, MemoryError) as error:
        if shortage.is_shortage(error):
            return failure_from(error, "connect", proxy.name)
        return _failed(proxy, (getattr(error, "strerror", None) or str(error)).lower())
    return sock, b""
