"""What is said to a proxy, or in a proxy's name: CONNECT and the PROXY header."""

from __future__ import annotations

import base64
import ipaddress
import re
import struct

from tlsresume.preludes.talk import Reading, Script, Talk
from tlsresume.proxies import Proxy, ProxyHeader
from tlsresume.value import Secret

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9]{2})(?: (.*))?")

#: Answers of a proxy that mean that it tried, and the target could not be reached.
_TARGET_FAILED = frozenset({b"502", b"503", b"504"})

#: How much of a proxy's words an error repeats.
_LONGEST_REASON = 200


class TargetUnreachedError(Exception):
    """The proxy did its part, and says that the target could not be reached."""


def connect(proxy: Proxy, endpoint: str, user_agent: str) -> Script:
    """The script of a CONNECT request (RFC 9110 section 9.3.6) with basic authentication."""

    def script(talk: Talk, _host: str) -> Reading[None]:
        login = ""
        if proxy.login is not None:
            user, password = proxy.login
            pair = Secret.of(user) + b":" + password
            login = f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
        talk.say(
            (
                f"CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n"
                f"User-Agent: {user_agent}\r\n{login}\r\n"
            ).encode("ascii"),
            "the proxy's answer to CONNECT",
        )
        head = yield from talk.until(b"\r\n\r\n")
        status = head.split(b"\r\n")[0]
        match = _STATUS.fullmatch(status)
        if match is None:
            raise talk.garbled(status)
        if match[1].startswith(b"2"):
            return
        if match[1] in _TARGET_FAILED:
            said = (match[2] or b"").decode("latin-1")[:_LONGEST_REASON]
            raise TargetUnreachedError(f"{match[1].decode()} {said}")
        if match[1] == b"407":
            raise talk.refused(
                status, "it wants a login: --proxy http://USER@HOST:PORT and its password"
            )
        raise talk.refused(status)

    return script


#: The 12 bytes that begin version 2, and what follows: PROXY command, TCP over IPv4 or IPv6.
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_PROXY_COMMAND = 0x21
_STREAM = {4: 0x11, 6: 0x21}


def proxy_header(
    header: ProxyHeader, source: tuple[str, int], destination: tuple[str, int]
) -> bytes:
    """A PROXY header of either version, from HAProxy's proxy-protocol.txt.

    Where the two addresses are not of one family the IPv4 one is mapped into IPv6.
    """
    (from_, from_port), (to, to_port) = _alike(header.source or source, destination)
    if header.version == 1:
        line = f"PROXY TCP{from_.version} {from_} {to} {from_port} {to_port}\r\n"
        return line.encode("ascii")
    body = from_.packed + to.packed + struct.pack("!HH", from_port, to_port)
    return (
        _SIGNATURE + struct.pack("!BBH", _PROXY_COMMAND, _STREAM[from_.version], len(body)) + body
    )


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _alike(
    *ends: tuple[str, int],
) -> list[tuple[_Address, int]]:
    parsed = [(ipaddress.ip_address(host.partition("%")[0]), port) for host, port in ends]
    if len({address.version for address, _ in parsed}) == 1:
        return parsed
    return [
        (ipaddress.IPv6Address(f"::ffff:{address}"), port)
        if address.version == 4
        else (address, port)
        for address, port in parsed
    ]
