"""Requests as values: what `probe --replay-early-data` sends, a method and a path, marked with
an ID; and a request before it takes the form of an HTTP version.

A leaf: options are checked when they are made, and the command line reads the same text.
"""

from __future__ import annotations

import re

from tlsresume.value import Value

#: RFC 9110 section 9.2.1: methods that ask for nothing to be changed.
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
#: Methods whose request has content; here of length 0 (RFC 9110 section 8.6).
_WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})

_METHOD = r"[A-Z][A-Z-]{0,31}"
#: What a path and a query may hold (RFC 3986 sections 3.3 and 3.4); no fragment.
_PATH = r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,1023}"

#: The name by which the owner finds a request in the log of the server.
MARK = "tlsresume"


class HTTPRequest(Value, frozen=True, kw_only=True):
    """A request without a body, before it takes the form of an HTTP version. `fields` are further
    header fields, by name and value."""

    method: str = "HEAD"
    authority: str
    path: str = "/"
    user_agent: str
    fields: tuple[tuple[str, str], ...] = ()


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

    def http3(self, host: str, user_agent: str, request_id: str) -> HTTPRequest:
        """The same for HTTP/3."""
        length = (("content-length", "0"),) if self.method in _WITH_CONTENT else ()
        return HTTPRequest(
            method=self.method,
            authority=host,
            path=self.target(request_id),
            user_agent=user_agent,
            fields=length,
        )


#: Fields of HTTP/1 that HTTP/3 has not, or has in another form (RFC 9114 section 4.2).
_OF_HTTP1 = frozenset({"connection", "host", "keep-alive", "proxy-connection", "upgrade"})
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"


def parse_http1(data: bytes, authority: str, user_agent: str) -> HTTPRequest:
    """A request as it is written for HTTP/1, such as `GET /status`, for HTTP/3.

    What follows the method and the path is optional: the version, and header fields, of which
    Host is the authority. Raises ValueError, in words, also where there is a body: nothing is
    left out that somebody wanted sent.
    """
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    if body.strip():
        raise ValueError("the request has a body, and none is sent over HTTP/3 here")
    try:
        first, *lines = head.decode("ascii").strip("\n").split("\n")
    except UnicodeDecodeError:
        raise ValueError("the request is not ASCII text") from None
    words = first.split(" ")
    if len(words) == 3 and words[2].startswith("HTTP/"):
        words.pop()
    if len(words) != 2 or not words[1].startswith("/"):
        raise ValueError(f"{first[:60]!r} is no request such as 'GET /status'")
    line = parse_request_line(" ".join(words))
    fields = []
    for each in lines:
        name, colon, value = each.partition(":")
        if not colon or not re.fullmatch(_NAME, name):
            raise ValueError(f"{each[:60]!r} is no header field")
        fields.append((name.lower(), value.strip()))
    if any(name in ("transfer-encoding", "content-length") and value != "0"
           for name, value in fields):  # fmt: skip
        raise ValueError("the request announces a body, and none is sent over HTTP/3 here")
    agent = next((value for name, value in fields if name == "user-agent"), user_agent)
    return HTTPRequest(
        method=line.method,
        authority=next((value for name, value in fields if name == "host"), authority),
        path=line.path or "/",
        user_agent=agent,
        fields=tuple(f for f in fields if f[0] not in _OF_HTTP1 and f[0] != "user-agent"),
    )


def parse_request_line(text: str) -> RequestLine:
    """`METHOD`, `/PATH` or `METHOD /PATH`. Raises ValueError, in words."""
    method, _, path = text.strip().partition(" ")
    if method.startswith("/"):
        method, path = "GET", text.strip()
    method, path = method.upper(), path.strip()
    if not re.fullmatch(_METHOD, method) or method == "CONNECT":
        raise ValueError(f"{text[:60]!r} is no request such as GET, POST or 'GET /status'")
    if path and not re.fullmatch(_PATH, path):
        raise ValueError(f"{path[:60]!r} is no path of a URL")
    return RequestLine(method, path or None)
