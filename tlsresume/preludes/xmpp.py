"""The prelude of XMPP (RFC 6120 section 5), for clients and for servers.

Of XML only tags are read, one after another; no document is built, and what XMPP
forbids (document types, processing instructions) is refused unread.
"""

from __future__ import annotations

import re

from tlsresume.preludes.talk import Reading, Talk

#: How a tag begins: an end tag's slash, a namespace prefix, and the local name.
_NAME = re.compile(rb"<(/?)(?:[\w.-]+:)?([\w.-]+)(?=[\s/>])")
_DECLARATION = re.compile(rb"<\?xml [^<>]*\?>")

#: What ends a piece of text, of a tag, and of an attribute's value in either quotes. A `<`
#: stands in none of them (XML 1.0 sections 2.4 and 3.1).
_TEXT_END, _TAG_END = re.compile(rb"[<>]"), re.compile(rb"[<>\"']")
_VALUE_END = {b'"': re.compile(rb"[<\"]"), b"'": re.compile(rb"[<']")}


def _markup(talk: Talk) -> Reading[tuple[bytes, bytes]]:
    """The text before the next tag, and the tag from `<` to `>`. A `>` inside an attribute's
    value does not end it. Each byte is read once."""
    text = yield from talk.until_one_of(_TEXT_END)
    if text.endswith(b">"):
        raise talk.garbled(text)
    pieces = [b"<"]
    mark = b""
    while mark != b">":
        pieces.append((yield from talk.until_one_of(_VALUE_END.get(mark, _TAG_END))))
        last = pieces[-1][-1:]
        if last == b"<":
            raise talk.garbled(b"".join(pieces))
        # The second quote ends the value, and is no mark that begins one.
        mark = b"" if mark in _VALUE_END else last
    return text[:-1], b"".join(pieces)


def _tag(talk: Talk) -> Reading[tuple[str, bytes]]:
    """The next tag: its local name, with `/` before an end tag and after an empty one, and
    the text before it."""
    while True:
        text, markup = yield from _markup(talk)
        if not _DECLARATION.fullmatch(markup):
            break
    match = _NAME.match(markup)
    if match is None:
        raise talk.garbled(markup)
    name = match[2].decode("utf-8", "replace")
    return f"{match[1].decode()}{name}{'/' if markup.endswith(b'/>') else ''}", text


def _open_stream(talk: Talk, host: str, namespace: str) -> Reading[bool]:
    """Whether the features of a new stream have STARTTLS in them."""
    from html import escape

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
