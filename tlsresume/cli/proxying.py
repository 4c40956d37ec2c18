"""Proxies on the command line: where they are named, and where their passwords come from."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlsresume.proxies import Proxy, ProxyHeader
    from tlsresume.target import Target

_LONGEST_LINE = 4096


def first_line(path: str) -> str:
    """A secret: the first line of a file, without its end."""
    with open(path, "rb") as stream:  # noqa: PTH123  a bounded read of a file click has checked
        return os.fsdecode(stream.readline(_LONGEST_LINE).rstrip(b"\r\n"))


def proxy_said(said: dict[str, Any]) -> Proxy | None:
    """What --proxy names, with its password. Raises UsageError."""
    if said["proxy"] is None:
        return None
    from tlsresume.proxies import parse_proxy

    file = said["proxy_password_file"]
    password = first_line(file) if file else os.environ.get("TLSRESUME_PROXY_PASSWORD")
    return parse_proxy(said["proxy"], password=password)


def proxy_header_said(said: dict[str, Any]) -> ProxyHeader | None:
    """What --proxy-protocol asks for. Raises UsageError."""
    if said["proxy_protocol"] is None:
        return None
    from tlsresume.proxies import ProxyHeader, parse_source

    source = parse_source(said["proxy_source"]) if said["proxy_source"] else None
    return ProxyHeader(1 if said["proxy_protocol"] == "v1" else 2, source)


def with_proxy_of_environment(target: Target) -> Target:
    """The same target, through the proxy that the environment names for it, if any."""
    from tlsresume.proxies import proxy_of_environment

    if target.unix:
        return target
    return replace(target, proxy=proxy_of_environment(os.environ, target.host, target.port))
