"""The request that `probe --replay-early-data` sends: a method and a path, marked with an ID.

A leaf: options are checked when they are made, and the command line reads the same text.
"""

from __future__ import annotations

import re

from tlsresume.value import Value

#: RFC 9110 section 9.2.1: methods that ask for nothing to be changed.
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Methods whose request has content; here of length 0 (RFC 9110 section 8.6).
_WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})

_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
#: What a path and a query may hold (RFC 3986 sections 3.3 and 3.4); no fragment.
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,1023}")

#: The name by which the owner finds a request in the log of the server.
MARK = "tlsresume"


class RequestLine(Value, frozen=True):
    """A method and, where the user named one, a path."""

    method: str = "GET"
    path: str | None = None

    @property
    def safe(self) -> bool:
        """Whether the method is safe: sent twice it does no more than sent once."""
        return self.method in SAFE

    def target(self, request_id: str) -> str:
        """The path and query with the ID in it."""
        if self.path is None:
            return f"/?{MARK}={request_id}" if self.safe else f"/{MARK}-{request_id}"
        return f"{self.path}{'&' if '?' in self.path else '?'}{MARK}={request_id}"

    def request(self, host: str, user_agent: str, request_id: str) -> bytes:
        """The whole request, in HTTP/1.1, without content; it asks to close the connection."""
        length = "Content-Length: 0\r\n" if self.method in _WITH_CONTENT else ""
        return (
            f"{self.method} {self.target(request_id)} HTTP/1.1\r\nHost: {host}\r\n"
            f"User-Agent: {user_agent}\r\nAccept: */*\r\n{length}Connection: close\r\n\r\n"
        ).encode("ascii")


def parse_request_line(text: str) -> RequestLine:
    """`METHOD`, `/PATH` or `METHOD /PATH`. Raises ValueError, in words."""
    method, _, path = text.strip().partition(" ")
    if method.startswith("/"):
        method, path = "GET", text.strip()
    method, path = method.upper(), path.strip()
    if not _METHOD.fullmatch(method) or method == "CONNECT":
        raise ValueError(f"{text[:60]!r} is no request such as GET, POST or 'GET /status'")
    if path and not _PATH.fullmatch(path):
        raise ValueError(f"{path[:60]!r} is no path of a URL")
    return RequestLine(method, path or None)
