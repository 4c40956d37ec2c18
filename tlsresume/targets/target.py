"""What the user names: a host, a port, and how to get there.

Parsing is pure and strict: a string gives one Target or a UsageError. No name
is looked up here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from tlsresume.errors import UsageError
from tlsresume.protocols.rows import HTTP, UNKNOWN, Protocol
from tlsresume.protocols.schemes import Transport
from tlsresume.protocols.table import (
    PROTOCOL_OF_SCHEME,
    PROTOCOLS,
    SCHEME_OF_PORT,
    SCHEMES,
    STARTTLS,
)
from tlsresume.targets.endpoints import (
    NO_LOGIN,
    UNIX,
    UNPRINTABLE,
    bad_target,
    format_endpoint,
    has_login,
    is_address,
    parse_host,
    parse_port,
    split_endpoint,
    without_login,
)
from tlsresume.targets.proxies import Proxy, ProxyHeader
from tlsresume.value import Value

__all__ = [
    "DEFAULT_PORT",
    "SCHEMES",
    "Family",
    "Route",
    "Target",
    "format_endpoint",
    "is_address",
    "parse_host",
    "parse_port",
    "parse_resolve",
    "parse_target",
    "rerouted",
    "split_endpoint",
]

DEFAULT_PORT = 443

#: The longest path of a unix socket (sun_path of unix(7), without its final zero).
_LONGEST_PATH = 107

Family = Literal["any", "ipv4", "ipv6"]


class Target(Value, frozen=True, kw_only=True):
    """A host and port, the name to send, and where to connect instead, if anywhere.

    `host` is a DNS name (ASCII, no trailing dot), an IP address, with a zone for
    link-local IPv6, or `unix:` and the path of a socket, with port 0; `server_name`
    the SNI or None; `connect` an address or name and port to go to instead of `host`;
    `addresses` are taken instead of asking DNS; `family` restricts the addresses used.
    `name_said` says that the user chose the SNI, or none. `starttls` names the prelude that
    TLS starts with (None: TLS from the first byte), `by_port` says that the port alone told
    us so.
    """

    host: str
    port: int
    scheme: str = ""
    server_name: str | None = None
    name_said: bool = False
    connect: tuple[str, int] | None = None
    family: Family = "any"
    addresses: tuple[str, ...] = ()
    starttls: str | None = None
    by_port: bool = False
    proxy: Proxy | None = None
    proxy_header: ProxyHeader | None = None

    @property
    def name(self) -> str:
        """The target in every output: HOST:PORT, with brackets round an IPv6 address, and with
        its scheme before it where it is not of TCP."""
        where = format_endpoint(self.host, self.port)
        return where if self.transport == "tcp" else f"{self.scheme}://{where}"

    @property
    def spelling(self) -> str:
        """Text that `parse_target` makes the same host, port and scheme of."""
        if self.transport != "tcp":
            return self.name
        plain = self.unix or SCHEME_OF_PORT.get(self.port, "") == self.scheme or not self.scheme
        return self.name if plain else f"{self.scheme}://{self.name}"

    @property
    def transport(self) -> Transport:
        """What carries TLS there."""
        return SCHEMES[self.scheme].transport if self.scheme else "tcp"

    @property
    def http(self) -> bool:
        """Whether the target speaks HTTP, as far as its scheme tells."""
        return self.protocol is HTTP

    @property
    def alpn(self) -> tuple[str, ...]:
        """The ALPN protocols that an ordinary client of this scheme offers."""
        return SCHEMES[self.scheme].alpn if self.scheme else ()

    @property
    def protocol(self) -> Protocol:
        """The protocol inside TLS, by STARTTLS or by the scheme, as far as these tell."""
        if self.starttls is not None:
            return PROTOCOLS[self.starttls]
        return PROTOCOL_OF_SCHEME[self.scheme] if self.scheme else UNKNOWN

    @property
    def dial_to(self) -> tuple[str, int]:
        """The host and port whose addresses are connected to."""
        return self.connect or (self.host, self.port)

    @property
    def unix(self) -> bool:
        """Whether the target is a unix socket."""
        return self.host.startswith(UNIX)

    @property
    def own_name(self) -> str | None:
        """The SNI where nothing is said of it."""
        return _server_name(self.host, None, sni=True)

    @property
    def verify_name(self) -> str:
        """The name that the certificate must carry."""
        return self.server_name or ("localhost" if self.unix else self.host)

    @property
    def notes(self) -> tuple[str, ...]:
        """How it is reached, in words, where that is not the plain way."""
        notes = []
        if self.starttls is not None:
            why = f" (the protocol of port {self.port}; --starttls none for none)"
            notes.append(f"STARTTLS {self.starttls}{why if self.by_port else ''}")
        if self.proxy is not None:
            who = "the proxy" if self.proxy.resolves else "this machine"
            notes.append(f"through {self.proxy.name}; {who} looks up the name")
        if self.proxy_header is not None:
            notes.append(f"with a PROXY header, version {self.proxy_header.version}")
        if self.starttls is not None and self.protocol.note is not None:
            notes.append(self.protocol.note)
        return tuple(notes)


class Route(Value, frozen=True, kw_only=True):
    """How a target is reached, as said by `parse_target`."""

    servername: str | None = None
    sni: bool = True
    connect: str | None = None
    family: Family = "any"
    starttls: str = "auto"
    resolve: Sequence[str] = ()
    proxy: Proxy | None = None
    proxy_header: ProxyHeader | None = None


def _split_url(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise bad_target(text, str(error)) from None


def parse_target(
    text: str,
    *,
    servername: str | None = None,
    sni: bool = True,
    connect: str | None = None,
    family: Family = "any",
    starttls: str = "auto",
    resolve: Sequence[str] = (),
    proxy: Proxy | None = None,
    proxy_header: ProxyHeader | None = None,
) -> Target:
    """A Target from `HOST`, `HOST:PORT`, `[V6]:PORT`, `unix:/PATH` or a URL.

    `servername` replaces the name sent as SNI, `sni=False` sends none; `connect` is
    `ADDR[:PORT]` to go to while the name stays. `starttls` is a protocol, `auto` (the
    scheme's, else that of a well-known port) or `none`; `resolve` are rules for
    `parse_resolve`. Port 443 is taken for https. White space around the text does not
    count. Raises UsageError.
    """
    text = text.strip()
    named = "://" in text and not text.startswith(UNIX)
    try:
        scheme, host, port = _split(text, named=named)
    except UsageError as error:
        # The reason may quote a piece of a password, as a port that is none.
        if has_login(text):
            raise bad_target(text, NO_LOGIN, *error.hints) from None
        raise
    route = Route(
        servername=servername,
        sni=sni,
        connect=connect,
        family=family,
        starttls=starttls,
        resolve=resolve,
        proxy=proxy,
        proxy_header=proxy_header,
    )
    return _reached((text, scheme, host, port), route, named=named)


def rerouted(target: Target, route: Route) -> Target:
    """A target reached in another way; the name sent and the prelude stay where nothing is said
    of them. Raises UsageError."""
    text = target.spelling
    parts = text, target.scheme, target.host, target.port
    made = _reached(parts, route, named="://" in text)
    if not made.name_said:
        made = replace(made, server_name=target.server_name)
    if route.starttls == "auto":
        made = replace(made, scheme=target.scheme, starttls=target.starttls, by_port=False)
    return made


def _reached(parts: tuple[str, str, str, int], route: Route, *, named: bool) -> Target:
    """The target of a text with its scheme, host and port; `named`: it is a URL."""
    text, scheme, host, port = parts
    prelude, scheme = _prelude(text, route.starttls, scheme, named=named)
    target = Target(
        host=host,
        port=port,
        scheme=scheme,
        server_name=_server_name(host, route.servername, sni=route.sni),
        name_said=route.servername is not None or not route.sni,
        family=route.family,
        addresses=_pinned(host, port, route.resolve),
        starttls=prelude,
        by_port=prelude is not None and route.starttls == "auto" and not named,
        proxy=route.proxy,
        proxy_header=route.proxy_header,
    )
    if target.unix and (route.proxy is not None or route.connect is not None):
        raise bad_target(text, "a unix socket is local: no --connect, and no proxy leads to it")
    if target.transport != "tcp" and (route.proxy is not None or route.proxy_header is not None):
        what = "no proxy" if route.proxy is not None else "no PROXY header"
        raise bad_target(text, f"{scheme}:// goes over UDP, where {what} is spoken here")
    if route.connect is not None:
        target = replace(target, connect=split_endpoint(route.connect, port))
    return target


def _split(text: str, *, named: bool) -> tuple[str, str, int]:
    """Scheme, host and port of a target; `named`: it is a URL."""
    if UNPRINTABLE.search(text):  # urlsplit would drop some of these without a word
        raise bad_target(text, "it contains white space or control characters")
    if text.startswith(UNIX):
        return "", _socket_path(text), 0
    if not named:
        host, port = split_endpoint(text.removesuffix("/"), DEFAULT_PORT)
        return SCHEME_OF_PORT.get(port, ""), host, port
    url = _split_url(text)
    scheme = url.scheme.lower()
    if scheme not in SCHEMES:
        known = "known: " + ", ".join(sorted(SCHEMES))
        if scheme == "http":
            known = "http:// has no TLS to test; where it does: https://HOST:PORT or HOST:PORT"
        raise bad_target(text, f"unknown scheme {scheme!r}", known)
    host, port = split_endpoint(url.netloc, SCHEMES[scheme].port)
    if not port:
        raise bad_target(text, f"{scheme}:// has no port of its own", f"{scheme}://{host}:PORT")
    return scheme, host, port


def _socket_path(text: str) -> str:
    path = text.removeprefix(UNIX)
    if not path.startswith("/"):
        raise bad_target(text, "after unix: comes the whole path of a socket, from / on")
    if len(path.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
        raise bad_target(text, f"the path of a unix socket has at most {_LONGEST_PATH} bytes")
    return text


def _server_name(host: str, servername: str | None, *, sni: bool) -> str | None:
    if servername is None:
        return None if not sni or is_address(host) or host.startswith(UNIX) else host
    if not sni:
        raise UsageError("--servername and --no-sni exclude each other")
    servername = parse_host(servername, servername)
    if is_address(servername):
        raise UsageError(
            f"{servername} cannot be sent as a server name: it is an address (RFC 6066 section 3)",
            hints=("--no-sni sends no name", "--connect ADDR goes to another address"),
        )
    return servername


def _prelude(text: str, asked: str, scheme: str, *, named: bool) -> tuple[str | None, str]:
    """The prelude's name, and the scheme that is left when another prelude was asked for."""
    own = PROTOCOL_OF_SCHEME[scheme].name if scheme and SCHEMES[scheme].starttls else None
    if asked == "auto":
        return own, scheme
    if asked == "none":
        if named and own is not None:
            raise bad_target(text, f"{scheme}:// starts in clear, and --starttls none forbids it")
        return None, "" if own is not None else scheme
    if asked not in STARTTLS:
        raise UsageError(f"--starttls {asked} is not known", hints=(", ".join(STARTTLS),))
    if named and own != asked:
        how = "speaks TLS from the first byte" if own is None else f"is STARTTLS {own}"
        raise bad_target(text, f"{scheme}:// {how}, and --starttls {asked} says otherwise")
    return asked, scheme if own == asked else ""


def parse_resolve(rule: str) -> tuple[str, int, tuple[str, ...]]:
    """`HOST:PORT:ADDR[,ADDR]...` as in curl: host (`*`: any), port, addresses. Raises
    UsageError."""
    match = _split_rule(rule)
    if match is None:
        raise UsageError(
            f"--resolve {without_login(rule)!r} is not HOST:PORT:ADDR",
            hints=("for example a.example:443:::1",),
        )
    host, port, rest = match
    if has_login(rule):
        raise UsageError(f"--resolve {without_login(rule)!r}: no user or password belongs there")
    host = "*" if host == "*" else parse_host(host, rule)
    addresses = tuple(part.removeprefix("[").removesuffix("]") for part in rest.split(","))
    for address in addresses:
        if not is_address(address):
            raise UsageError(f"--resolve {rule!r}: {address!r} is not an IP address")
    return host, parse_port(port, rule), tuple(parse_host(each, rule) for each in addresses)


def _split_rule(rule: str) -> tuple[str, str, str] | None:
    if rule.startswith("["):
        host, _, rest = rule[1:].partition("]:")
    else:
        host, _, rest = rule.partition(":")
    port, colon, addresses = rest.partition(":")
    return (host, port, addresses) if host and colon and addresses else None


def _pinned(host: str, port: int, rules: Sequence[str]) -> tuple[str, ...]:
    """The addresses that the first rule for a host and port names."""
    for rule in rules:
        name, number, addresses = parse_resolve(rule)
        if name in ("*", host) and number == port:
            return addresses
    return ()
