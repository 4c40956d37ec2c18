"""Hosts and ports as people write them: `HOST`, `HOST:PORT`, `[V6]:PORT`. Pure and strict.

A string gives one value or a UsageError. No name is looked up here.
"""

from __future__ import annotations

import ipaddress
import re

from tlsresume.errors import UsageError

#: A zone of an IPv6 address, as RFC 6874 section 2 lets it be written unescaped.
_ZONE = r"[A-Za-z0-9._~-]{1,64}"

UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")

_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"

NO_LOGIN = "user and password in a target are refused, and were not sent"

#: How the path of a unix socket begins, where a host or an address is expected.
UNIX = "unix:"


def format_endpoint(host: str, port: int) -> str:
    """HOST:PORT, [HOST]:PORT for an IPv6 address, or the path of a unix socket."""
    if host.startswith(UNIX):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_address(host: str) -> bool:
    """Whether a host is an IP address (a zone is allowed)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that a text names (an address is one of its own), None where it names none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


#: What a name in a list of names may be made of.
_PATTERN = r"[A-Za-z0-9_*.-]{1,253}"


def name_pattern(text: str) -> str | None:
    """A host name that may hold `*`, in lower case and without its last dot; None where a text is
    none, or would be an address."""
    if not re.fullmatch(_PATTERN, text) or re.fullmatch(r"[0-9.]+", text):
        return None
    return text.rstrip(".").lower()


_SCHEME = r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//"
_BETWEEN_WORDS = r"([\s'\"]+)"


def _end_of_login(text: str) -> int:
    """Where what may be a user and a password ends: after the last @, which may be escaped as
    in a URL; 0 where there is none."""
    at = text.rfind("@")
    if at >= 0:
        return at + 1
    lower = text.lower()
    colon, at = lower.find("%3a"), lower.rfind("%40")
    return at + len("%40") if 0 <= colon < at else 0


def has_login(text: str) -> bool:
    """Whether a text that should be a target may hold a user and a password."""
    return _end_of_login(text) > 0


def without_login(text: str) -> str:
    """A text that should be a target or the URL of a proxy, without what may be a password."""
    end = _end_of_login(text)
    scheme = re.match(_SCHEME, text)
    return f"{scheme[0] if scheme else ''}...@{text[end:]}" if end else text


def without_logins(message: str) -> str:
    """A message, with the users and passwords in it left out: of URLs, and of `USER:PASSWORD@`
    where no path stands."""
    words = re.split(_BETWEEN_WORDS, message)
    return "".join(without_login(word) if _looks_like_login(word) else word for word in words)


def _looks_like_login(word: str) -> bool:
    before, at, _ = word.partition("@")
    return "://" in word or (bool(at) and ":" in before and "/" not in before)


def bad_target(text: str, why: str, *hints: str) -> UsageError:
    """The error for a text that names no target; what may be a password in it is left out."""
    text = without_login(text)
    shown = text if len(text) <= 80 else text[:77] + "..."
    return UsageError(f"{shown!r} is not a target: {why}", hints=hints)


def parse_host(text: str, whole: str) -> str:
    """A DNS name in its ASCII form, or an IP address (RFC 1035 section 2.3.4, RFC 5891).

    `whole` is quoted in the UsageError.
    """
    if not text or has_login(text):
        raise bad_target(whole, NO_LOGIN if text else "the host is empty")
    if is_address(text):
        _, percent, zone = text.partition("%")
        if percent and not re.fullmatch(_ZONE, zone):
            raise bad_target(whole, "what follows the % is not the name of a zone")
        return str(ipaddress.ip_address(text))
    if not text.isascii():
        text = _to_ascii(text, whole)
    name = text.removesuffix(".")
    if len(name) > 253:
        raise bad_target(whole, f"the host has {len(name)} characters, DNS allows 253")
    for label in name.split("."):
        if not label:
            raise bad_target(whole, "the host has an empty label")
        if len(label) > 63:
            raise bad_target(
                whole, f"a label of the host has {len(label)} characters, DNS allows 63"
            )
        if not re.fullmatch(_LABEL, label):
            raise bad_target(whole, f"{label!r} cannot be part of a host name")
    if name.isdigit() and name == whole:
        raise bad_target(whole, "it is a number alone", f"a port goes with its host: HOST:{name}")
    if re.fullmatch(r"[0-9.]+", name):
        raise bad_target(whole, "this looks like an IP address, but is none")
    return name.lower()


def _to_ascii(text: str, whole: str) -> str:
    """A name's A-labels, after the mapping of UTS #46 (IDNA 2008, RFC 5891)."""
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        why = str(error).replace("\n", " ")
        raise bad_target(whole, f"the host is not a valid international name ({why})") from None


def parse_port(text: str, whole: str) -> int:
    """A TCP port, 1 to 65535, in decimal digits."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise bad_target(whole, f"{text!r} is not a port (1 to 65535)")
    return int(text)


def split_endpoint(text: str, default_port: int) -> tuple[str, int]:
    """`HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare IPv6 address. Raises UsageError."""
    if UNPRINTABLE.search(text):
        raise bad_target(text, "it contains white space or control characters")
    if has_login(text):
        raise bad_target(text, NO_LOGIN)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise bad_target(text, "the bracket is not closed")
        if not is_address(host) or ":" not in host:
            raise bad_target(text, "brackets hold an IPv6 address")
        if rest and not rest.startswith(":"):
            raise bad_target(text, "what follows the bracket is not :PORT")
        return parse_host(host, text), parse_port(rest[1:], text) if rest else default_port
    if text.count(":") > 1:
        if is_address(text):
            return parse_host(text, text), default_port
        raise bad_target(
            text, "too many colons", "write an IPv6 address with a port as [ADDRESS]:PORT"
        )
    host, colon, port = text.partition(":")
    return parse_host(host, text), parse_port(port, text) if colon else default_port


def perhaps_meant(text: str) -> str | None:
    """`[V6]:PORT` where a bare IPv6 address would be that without its brackets, else None."""
    host, _, port = text.rpartition(":")
    bare = is_address(text) and is_address(host) and ":" in host
    return f"[{host}]:{port}" if bare and re.fullmatch(r"[0-9]{2,5}", port) else None
