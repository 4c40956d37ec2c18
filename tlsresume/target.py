"""What the user names: a host, a port, and how to get there.

Parsing is pure and strict: a string gives one Target or a UsageError. No name
is looked up here.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from tlsresume.errors import UsageError

DEFAULT_PORT = 443

Family = Literal["any", "ipv4", "ipv6"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a URL scheme means: its port (IANA), the ALPN to offer, whether it is HTTP."""

    port: int
    alpn: tuple[str, ...] = ()
    http: bool = False


#: Protocols that speak TLS from the first byte; the ports are IANA's.
SCHEMES: dict[str, Scheme] = {
    "https": Scheme(443, ("http/1.1",), http=True),
    "imaps": Scheme(993),
    "pop3s": Scheme(995),
    "smtps": Scheme(465),
    "ldaps": Scheme(636),
    "nntps": Scheme(563),
    "mqtts": Scheme(8883),
    "amqps": Scheme(5671),
    "rediss": Scheme(6379),
    "ircs": Scheme(6697),
    "xmpps": Scheme(5223),
}

#: A zone of an IPv6 address, as RFC 6874 section 2 lets it be written unescaped.
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")

_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A host and port, the name to send, and where to connect instead, if anywhere.

    `host` is a DNS name (ASCII, no trailing dot) or an IP address, with a zone for
    link-local IPv6; `server_name` the SNI or None; `connect` an address or name and
    port to go to instead of `host`; `family` restricts the addresses used.
    """

    host: str
    port: int
    scheme: str = ""
    server_name: str | None = None
    connect: tuple[str, int] | None = None
    family: Family = "any"

    @property
    def name(self) -> str:
        """HOST:PORT, with brackets round an IPv6 address: the target in every output."""
        return format_endpoint(self.host, self.port)

    @property
    def spelling(self) -> str:
        """Text that `parse_target` makes the same host, port and scheme of."""
        implied = "https" if self.port == DEFAULT_PORT else ""
        return self.name if self.scheme == implied else f"{self.scheme}://{self.name}"

    @property
    def http(self) -> bool:
        """Whether the target speaks HTTP, as far as its scheme tells."""
        scheme = SCHEMES.get(self.scheme)
        return scheme is not None and scheme.http

    @property
    def alpn(self) -> tuple[str, ...]:
        """The ALPN protocols that an ordinary client of this scheme offers."""
        scheme = SCHEMES.get(self.scheme)
        return scheme.alpn if scheme else ()

    @property
    def dial_to(self) -> tuple[str, int]:
        """The host and port whose addresses are connected to."""
        return self.connect or (self.host, self.port)

    @property
    def verify_name(self) -> str:
        """The name that the certificate must carry."""
        return self.server_name or self.host


def format_endpoint(host: str, port: int) -> str:
    """HOST:PORT, or [HOST]:PORT for an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_address(host: str) -> bool:
    """Whether a host is an IP address (a zone is allowed)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bad(text: str, why: str, *hints: str) -> UsageError:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return UsageError(f"{shown!r} is not a target: {why}", hints=hints)


def parse_host(text: str, whole: str) -> str:
    """A DNS name in its ASCII form, or an IP address (RFC 1035 section 2.3.4, RFC 5891).

    `whole` is quoted in the UsageError.
    """
    if not text:
        raise _bad(whole, "the host is empty")
    if is_address(text):
        _, percent, zone = text.partition("%")
        if percent and not _ZONE.fullmatch(zone):
            raise _bad(whole, "what follows the % is not the name of a zone")
        return str(ipaddress.ip_address(text))
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise _bad(whole, f"the host is not a valid international name ({error})") from None
    name = text.removesuffix(".")
    if len(name) > 253:
        raise _bad(whole, f"the host has {len(name)} characters, DNS allows 253")
    for label in name.split("."):
        if not label:
            raise _bad(whole, "the host has an empty label")
        if len(label) > 63:
            raise _bad(whole, f"a label of the host has {len(label)} characters, DNS allows 63")
        if not _LABEL.fullmatch(label):
            raise _bad(whole, f"{label!r} cannot be part of a host name")
    if re.fullmatch(r"[0-9.]+", name):
        raise _bad(whole, "this looks like an IP address, but is none")
    return name.lower()


def parse_port(text: str, whole: str) -> int:
    """A TCP port, 1 to 65535, in decimal digits."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise _bad(whole, f"{text!r} is not a port (1 to 65535)")
    return int(text)


def split_endpoint(text: str, default_port: int) -> tuple[str, int]:
    """`HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare IPv6 address. Raises UsageError."""
    if _UNPRINTABLE.search(text):
        raise _bad(text, "it contains white space or control characters")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise _bad(text, "the bracket is not closed")
        if not is_address(host) or ":" not in host:
            raise _bad(text, "brackets hold an IPv6 address")
        if rest and not rest.startswith(":"):
            raise _bad(text, "what follows the bracket is not :PORT")
        return parse_host(host, text), parse_port(rest[1:], text) if rest else default_port
    if text.count(":") > 1:
        if is_address(text):
            return parse_host(text, text), default_port
        raise _bad(text, "too many colons", "write an IPv6 address with a port as [ADDRESS]:PORT")
    host, colon, port = text.partition(":")
    return parse_host(host, text), parse_port(port, text) if colon else default_port


def _split_url(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise _bad(text, str(error)) from None


def parse_target(
    text: str,
    *,
    servername: str | None = None,
    sni: bool = True,
    connect: str | None = None,
    family: Family = "any",
) -> Target:
    """A Target from `HOST`, `HOST:PORT`, `[V6]:PORT` or a URL such as `https://HOST/`.

    `servername` replaces the name sent as SNI, `sni=False` sends none; `connect` is
    `ADDR[:PORT]` to go to while the name stays. Port 443 is taken for https.
    Raises UsageError.
    """
    scheme = ""
    if _UNPRINTABLE.search(text):  # urlsplit would drop some of these without a word
        raise _bad(text, "it contains white space or control characters")
    if "://" in text:
        url = _split_url(text)
        scheme = url.scheme.lower()
        if scheme not in SCHEMES:
            raise _bad(text, f"unknown scheme {scheme!r}", "known: " + ", ".join(sorted(SCHEMES)))
        if "@" in url.netloc:
            raise _bad(
                text.replace(url.netloc.rpartition("@")[0], "..."),
                "user and password in a URL are refused, and were not sent",
            )
        host, port = split_endpoint(url.netloc, SCHEMES[scheme].port)
    else:
        host, port = split_endpoint(text.removesuffix("/"), DEFAULT_PORT)
        if port == DEFAULT_PORT:
            scheme = "https"
    if servername is not None:
        if not sni:
            raise UsageError("--servername and --no-sni exclude each other")
        servername = parse_host(servername, servername)
        if is_address(servername):
            raise UsageError(
                f"{servername} cannot be sent as a server name: it is an address (RFC 6066"
                " section 3)",
                hints=("--no-sni sends no name", "--connect ADDR goes to another address"),
            )
    elif sni and not is_address(host):
        servername = host
    target = Target(host=host, port=port, scheme=scheme, server_name=servername, family=family)
    if connect is not None:
        target = replace(target, connect=split_endpoint(connect, port))
    return target
