"""The prelude of XMPP (RFC 6120 section 5), for clients and for servers.

Of XML only tags are read, one after another; no document is built, and what XMPP
forbids (document types, processing instructions) is refused unread.
"""

from __future__ import annotations

import re
from html import escape

from tlsresume.preludes.talk import Reading, Talk

_TAG = re.compile(rb"<(/?)(?:[\w.-]+:)?([\w.-]+)((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*?)(/?)>")
_DECLARATION = re.compile(rb"<\?xml [^<>]*\?>")


def _tag(talk: Talk) -> Reading[tuple[str, bytes]]:
    """The next tag: its local name, with `/` before an end tag and after an empty one, and
    the text before it."""
    piece = b""
    while True:
        piece += yield from talk.until(b">")
        start = piece.find(b"<")
        if start < 0:
            raise talk.garbled(piece)
        markup = piece[start:]
        if _DECLARATION.fullmatch(markup):
            piece = b""
            continue
        if markup[1:2] in (b"!", b"?"):
            raise talk.garbled(markup)
        match = _TAG.fullmatch(markup)
        if match is not None:
            name = match[2].decode("utf-8", "replace")
            slash = b"/" if match[4] else b""
            return f"{match[1].decode()}{name}{slash.decode()}", piece[:start]
        if markup.count(b'"') % 2 == 0 and markup.count(b"'") % 2 == 0:
            raise talk.garbled(markup)
        # A > inside an attribute's value: the tag goes on.


def _open_stream(talk: Talk, host: str, namespace: str) -> Reading[bool]:
    """Whether the features of a new stream have STARTTLS in them."""
    talk.say(
        (
            f"<?xml version='1.0'?><stream:stream to=\"{escape(host)}\" xmlns='{namespace}'"
            " xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        ).encode(),
        "its stream features",
    )
    name, _ = yield from _tag(talk)
    if name != "stream":
        raise talk.garbled(name.encode())
    name, _ = yield from _tag(talk)
    if name == "error":
        raise (yield from _stream_error(talk))
    if name == "features/":
        return False
    if name != "features":
        raise talk.garbled(name.encode())
    offered = False
    while name != "/features":
        name, _ = yield from _tag(talk)
        offered = offered or name in ("starttls", "starttls/")
    return offered


def _stream_error(talk: Talk) -> Reading[Exception]:
    """Words of a stream error: its condition and its text."""
    said: list[str] = []
    name = ""
    while name != "/error":
        name, text = yield from _tag(talk)
        said.append(text.decode("utf-8", "replace").strip())
        if not name.startswith("/"):
            said.append(name.removesuffix("/"))
    talk.topic = "its stream features"
    return talk.refused(" ".join(word for word in said if word).encode())


def _starttls(talk: Talk, host: str, namespace: str) -> Reading[None]:
    if not (yield from _open_stream(talk, host, namespace)):
        raise talk.refused(b"starttls is not among its stream features")
    talk.say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "its answer to starttls")
    name, _ = yield from _tag(talk)
    if name == "proceed/":
        return
    if name != "proceed":
        if name == "error":
            raise (yield from _stream_error(talk))
        said = name.removesuffix("/").encode()
        raise talk.refused(said) if said == b"failure" else talk.garbled(said)
    name, _ = yield from _tag(talk)
    if name != "/proceed":
        raise talk.garbled(name.encode())


def xmpp(talk: Talk, host: str) -> Reading[None]:
    """A client's stream."""
    yield from _starttls(talk, host, "jabber:client")


def xmpp_server(talk: Talk, host: str) -> Reading[None]:
    """A server's stream."""
    yield from _starttls(talk, host, "jabber:server")
