"""Proxies, and the header that tells a server whom a proxy speaks for. Values and parsing."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from msgspec.structs import force_setattr

from tlsresume.endpoints import (
    UNPRINTABLE,
    format_endpoint,
    is_address,
    split_endpoint,
    without_login,
)
from tlsresume.errors import UsageError
from tlsresume.value import Secret, Value

ProxyKind = Literal["http", "socks5", "socks5h"]

#: curl's default for every kind is 1080; a URL of http means 80 (RFC 9110 section 4.2.1).
_PORTS: dict[str, int] = {"http": 80, "socks5": 1080, "socks5h": 1080}


class Proxy(Value, frozen=True):
    """A proxy and how to log in to it; the password is a secret."""

    _hidden: ClassVar = frozenset({"password"})

    kind: ProxyKind
    host: str
    port: int
    user: str | None = None
    password: Secret | str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.password, str):
            force_setattr(self, "password", Secret.of(self.password))

    @property
    def login(self) -> tuple[str, Secret] | None:
        """User and password, None where it wants no login."""
        if self.user is None:
            return None
        return self.user, Secret.of(self.password or "")

    @property
    def name(self) -> str:
        """The proxy in every output: without user and password."""
        return f"{self.kind}://{format_endpoint(self.host, self.port)}"

    @property
    def resolves(self) -> bool:
        """Whether the proxy looks up the target's name, and picks the address."""
        return self.kind != "socks5"


class ProxyHeader(Value, frozen=True):
    """The PROXY protocol's header, sent first; `source` is whom we claim to speak for
    (None: our own address)."""

    version: Literal[1, 2]
    source: tuple[str, int] | None = None


def parse_proxy(
    text: str, *, password: Secret | str | None = None, secrets_in_url: bool = False
) -> Proxy:
    """A Proxy from `http://[USER@]HOST:PORT`, `socks5://` or `socks5h://`; without a scheme it
    is one of http, as in curl.

    A password in the URL is refused unless `secrets_in_url`, as the environment has it.
    Raises UsageError, in which the URL's secrets are left out.
    """
    shown = repr(without_login(text))
    if UNPRINTABLE.search(text):
        raise UsageError("the proxy's URL contains white space or control characters")
    if "://" not in text:
        text = f"http://{text}"
    try:
        url = urlsplit(text)
    except ValueError:
        raise UsageError(f"{shown} is not the URL of a proxy") from None
    kind = url.scheme.lower()
    if kind not in _PORTS:
        raise UsageError(
            f"{shown} is not a proxy that is known here",
            hints=("http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT",),
        )
    if url.path not in ("", "/") or url.query or url.fragment:
        raise UsageError(f"{shown}: nothing may follow the proxy's port")
    login, at, place = url.netloc.rpartition("@")
    user, colon, secret = login.partition(":")
    if colon and not secrets_in_url:
        raise UsageError(
            f"a password in the URL of the proxy {shown} is refused: others can see it",
            hints=("use --proxy-password-file, or $TLSRESUME_PROXY_PASSWORD",),
        )
    host, port = split_endpoint(place, _PORTS[kind])
    return Proxy(
        kind=kind,  # type: ignore[arg-type]  # one of _PORTS
        host=host,
        port=port,
        user=unquote(user) if at else None,
        password=unquote(secret) if colon else password,
    )


def parse_source(text: str) -> tuple[str, int]:
    """`ADDR[:PORT]` of a PROXY header; port 0 without one. Raises UsageError."""
    address, port = split_endpoint(text, 0)
    if not is_address(address) or "%" in address:
        raise UsageError(f"{text!r} is not an address that a PROXY header can carry")
    return address, port


def proxy_of_environment(environment: Mapping[str, str], host: str, port: int) -> Proxy | None:
    """What $HTTPS_PROXY says about a target, unless $NO_PROXY exempts it.

    The lower-case names come first, as in curl. Raises UsageError.
    """
    text = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if not text or _exempt(exempt, host, port):
        return None
    return parse_proxy(text, secrets_in_url=True)


def _exempt(rules: str, host: str, port: int) -> bool:
    """Whether a $NO_PROXY list has a host: names with all below them, addresses, networks."""
    named = rules.replace(",", " ").split()
    return any(rule == "*" or _covers(rule, host, port) for rule in named)


def _covers(rule: str, host: str, port: int) -> bool:
    if is_address(host):
        try:
            network = ipaddress.ip_network(rule.strip("[]"), strict=False)
        except ValueError:
            return False
        address = ipaddress.ip_address(host.partition("%")[0])
        return address.version == network.version and address in network
    name, colon, number = rule.partition(":")
    if colon and number != str(port):
        return False
    name = name.lower().removeprefix("*").removeprefix(".").removesuffix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
