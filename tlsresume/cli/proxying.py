"""Proxies on the command line: where they are named, and where their passwords come from."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlsresume.targets.proxies import Proxy, ProxyHeader
    from tlsresume.targets.target import Target
    from tlsresume.value import Secret

_LONGEST_LINE = 4096


def first_line(path: str) -> Secret:
    """A secret: the first line of a file, without its end. Raises FileError."""
    from tlsresume.errors import FileError
    from tlsresume.files import LARGEST_PEM, read_held
    from tlsresume.value import Secret

    line = read_held(path, LARGEST_PEM, FileError).partition(b"\n")[0].rstrip(b"\r")
    if len(line) > _LONGEST_LINE:
        raise FileError(f"the first line of {path} is too long for a password", path=path)
    return Secret(line)


def proxy_said(said: dict[str, Any]) -> Proxy | None:
    """What --proxy names, with its password. Raises UsageError."""
    if said["proxy"] is None:
        return None
    from tlsresume.targets.proxies import parse_proxy

    file = said["proxy_password_file"]
    password = first_line(file) if file else os.environ.get("TLSRESUME_PROXY_PASSWORD")
    return parse_proxy(said["proxy"], password=password)


def proxy_header_said(said: dict[str, Any]) -> ProxyHeader | None:
    """What --proxy-protocol asks for. Raises UsageError."""
    if said["proxy_protocol"] is None:
        return None
    from tlsresume.targets.proxies import ProxyHeader, parse_source

    source = parse_source(said["proxy_source"]) if said["proxy_source"] else None
    return ProxyHeader(1 if said["proxy_protocol"] == "v1" else 2, source)


def with_proxy_of_environment(target: Target) -> Target:
    """The same target, through the proxy that the environment names for it, if any."""
    from tlsresume.targets.proxies import proxy_of_environment

    if target.unix:
        return target
    return replace(target, proxy=proxy_of_environment(os.environ, target.host, target.port))
