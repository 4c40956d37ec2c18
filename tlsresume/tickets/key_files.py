"""Ticket key files as operators have them, and which key of them made a ticket.

A file holds one key as raw bytes (nginx, Apache, Envoy, GnuTLS, Go), several of 48
bytes (Apache Traffic Server, ATS), one behind the times of its use (lighttpd), or text:
one key a line in base64 (HAProxy) or hex, and the forms of `key_text`. Its length says how many bytes each part has, not
their order: 48 bytes are nginx's or Apache's, 80 nginx's or HAProxy's. So without a
declared kind every order is tried, and the ticket itself decides.

Where a file or a list of files has several keys, its place says what a key is for:
HAProxy encrypts with the penultimate line, Traffic Server with the first key; of
nginx's files the first encrypts, in the order in which they are given. Key material is never in a repr, nor in an error.
"""

from __future__ import annotations

import struct
import time as clock
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

from tlsresume.errors import KeyFileError
from tlsresume.files import read_bounded
from tlsresume.sessions.file import permission_warnings
from tlsresume.sessions.identify import name_of_pem
from tlsresume.sessions.unwrap import decode_text
from tlsresume.tickets.key_file_text import (
    Encoding,
    KeyText,
    NoKeys,
    Order,
    decode_base64,
    decode_hex,
    find_keys,
)
from tlsresume.tickets.unseal import (
    GNUTLS_MASTER,
    TicketKey,
    Unsealed,
    gnutls_key,
    gnutls_rotation,
    go_key,
    unseal,
)
from tlsresume.tickets.weak_keys import weakness
from tlsresume.value import Secret, Value

KeyKind = Literal["nginx", "haproxy", "apache", "go", "gnutls"]
KEY_KINDS: tuple[KeyKind, ...] = get_args(KeyKind)
Role = Literal["current", "next", "older", "only"]

#: A thousand lines of HAProxy's; what is larger is not read to its end.
LARGEST = 128 * 1024


class _Order(Value, frozen=True):
    """A row: which kinds of server take a key of that length apart like this."""

    kinds: tuple[KeyKind, ...]
    cipher: slice
    mac: slice
    words: str


#: The orders of the parts behind the name of 16 bytes, by the length of a key.
ORDERS: dict[int, tuple[_Order, ...]] = {
    48: (
        _Order(("nginx", "haproxy"), slice(16, 32), slice(32, 48), "name, AES-128, MAC (nginx)"),
        _Order(("apache",), slice(32, 48), slice(16, 32), "name, MAC, AES-128 (Apache, Node, ATS)"),
    ),
    80: (
        _Order(
            ("nginx",), slice(48, 80), slice(16, 48), "name, MAC, AES-256 (nginx, Envoy, lighttpd)"
        ),
        _Order(("haproxy",), slice(16, 48), slice(48, 80), "name, AES-256, MAC (HAProxy, nghttpx)"),
    ),
}
#: h2o's MAC keys are a block of SHA-256 long. Its file is text, which has the parts in this order.
_H2O, _H2O_ORDER = 112, _Order((), slice(16, 48), slice(48, 112), "name, AES-256, MAC (h2o)")
_GO, _GNUTLS = 32, GNUTLS_MASTER
LENGTHS = (*ORDERS, _GO, _GNUTLS)

#: Traffic Server's file is its keys one after the other: of this length, and at most so many.
_ATS, _ATS_KEYS = 48, 16

#: lighttpd's `ssl.stek-file`: format (0), active from, expires at, as its machine writes
#: integers; then a key of 80 bytes.
_LIGHTTPD = struct.Struct("=III")
_LIGHTTPD_LENGTH = _LIGHTTPD.size + 80
#: The kinds that a length can be of.
KINDS_OF: dict[int, tuple[KeyKind, ...]] = {
    length: tuple(kind for order in orders for kind in order.kinds)
    for length, orders in ORDERS.items()
} | {_GO: ("go",), _GNUTLS: ("gnutls",)}


class FileKey(Value, frozen=True, kw_only=True):
    """One key of a file: its place from 1, its bytes, and what it is for. A nameless one has
    zeros where the name would be, and may have made a ticket of any name."""

    number: int
    data: Secret
    role: Role = "only"
    nameless: bool = False

    def readings(self, kind: KeyKind | None, time: int, lifetime: int) -> list[TicketKey]:
        """The ways in which a server may take the key apart."""
        if len(self.data) == _GO:
            return [go_key(self.data)]
        if len(self.data) == _GNUTLS:
            periods = gnutls_rotation(time, lifetime)
            return [gnutls_key(self.data), *(gnutls_key(self.data, each) for each in periods)]
        if self.nameless:
            parts = b"", Secret(self.data[16:48]), Secret(self.data[48:])
            return [TicketKey("openssl", *parts, "AES-256, MAC, without a name (stunnel)")]
        orders = (_H2O_ORDER,) if len(self.data) == _H2O else ORDERS[len(self.data)]
        return [
            TicketKey(
                "openssl",
                self.data[:16],
                Secret(self.data[order.cipher]),
                Secret(self.data[order.mac]),
                order.words,
            )
            for order in orders
            if kind is None or kind in order.kinds or not order.kinds
        ]


class TicketKeyFile(Value, frozen=True, kw_only=True):
    """The keys of one file. `kind` is what the user declared; `encoding` how it is written;
    `form` what the file is, where it is not just keys."""

    path: str
    keys: tuple[FileKey, ...]
    kind: KeyKind | None = None
    encoding: Encoding = "raw"
    form: str = ""
    warnings: tuple[str, ...] = ()


def read_key_files(paths: Sequence[str], kind: KeyKind | None = None) -> tuple[TicketKeyFile, ...]:
    """The key files at `paths`; of several files of one key each the first encrypts.

    Raises KeyFileError.
    """
    files = [read_key_file(path, kind) for path in paths]
    singles = [file for file in files if len(file.keys) == 1]
    seen: dict[bytes, str] = {}
    found = []
    for file in files:
        keys, warnings = file.keys, file.warnings
        if len(singles) > 1 and file in singles:
            role: Role = "current" if file is singles[0] else "older"
            keys = (replace(keys[0], role=role),)
        for key in keys:
            other = seen.setdefault(key.data, file.path)
            if other != file.path:
                warnings = (*warnings, f"key {key.number} stands in {other} too")
        found.append(replace(file, keys=keys, warnings=warnings))
    return tuple(found)


def read_key_file(path: str, kind: KeyKind | None = None) -> TicketKeyFile:
    """The keys in the file at `path`. Raises KeyFileError."""
    data, mode = read_bounded(path, LARGEST, KeyFileError)
    file = parse_key_file(data, path, kind)
    if mode is None:
        return file
    unused = _out_of_use(data, path, clock.time())
    return replace(file, warnings=(*permission_warnings(path, mode), *file.warnings, *unused))


def parse_key_file(data: bytes, path: str, kind: KeyKind | None = None) -> TicketKeyFile:
    """The keys in `data`, the content of the file called `path`. Raises KeyFileError."""
    if len(data) > LARGEST:
        raise KeyFileError(f"{path} is too large for a file of ticket keys", path=path)
    if not data.strip(b" \t\r\n"):
        raise KeyFileError(f"{path} is empty", path=path, hints=_HINTS)
    text = _decode(data, path)
    keys = [key for group in text.groups for key in group]
    for number, key in enumerate(keys, 1):
        if kind is not None and kind not in KINDS_OF.get(len(key), ()):
            raise KeyFileError(
                f"{path}: key {number} has {len(key)} bytes, which is no {kind} key",
                path=path,
                hints=("leave out --ticket-key-kind to have the kind recognised",),
            )
    roles = [
        _role(number, len(group), text.order)
        for group in text.groups
        for number in range(1, len(group) + 1)
    ]
    return TicketKeyFile(
        path=path,
        keys=tuple(
            FileKey(number=number, data=Secret(key), role=role, nameless=text.nameless)
            for number, (key, role) in enumerate(zip(keys, roles, strict=True), 1)
        ),
        kind=kind,
        encoding=text.encoding,
        form=text.form,
        warnings=(*(f"{path}: {warning}" for warning in text.warnings), *_warnings(keys, path)),
    )


_HINTS = (
    (
        "a file has one raw key of 48 or 80 bytes (nginx, Apache), 32 (Go) or 64 (GnuTLS),"
        " several of 48 (Traffic Server), 12 bytes and one of 80 (lighttpd),"
        " a key a line in base64 (HAProxy) or hex, or YAML or JSON with such keys"
    ),
)


def _decode(data: bytes, path: str) -> KeyText:
    """The keys, and how they are written. Text is tried first: a raw key is random, and
    random bytes are no text."""
    text = _text(data)
    if text is not None and text.startswith("-----BEGIN "):
        label = text.splitlines()[0].removeprefix("-----BEGIN ").partition("-----")[0]
        what = name_of_pem(label)
        raise KeyFileError(f"{path} holds no ticket keys: it is {what}", path=path, hints=_HINTS)
    found = None if text is None else find_keys(text)
    if isinstance(found, NoKeys):
        raise KeyFileError(
            f"{path} holds no ticket keys: it is {found.what}", path=path, hints=(found.hint,)
        )
    found = found or _raw(data, text is not None)
    if found is not None:
        return found
    if text is not None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        lengths = [len(decode_hex(line) or decode_base64(line) or b"") for line in lines]
        bad = next((n for n, length in enumerate(lengths, 1) if length not in LENGTHS), None)
        message = (
            f"{path}: its keys have different lengths, which no server takes"
            if bad is None
            else f"{path}: line {bad} is no ticket key in base64 or hex"
        )
    else:
        message = f"{path} has {len(data)} bytes, which is no length of a ticket key"
    raise KeyFileError(message, path=path, hints=_HINTS)


def _text(data: bytes) -> str | None:
    """The text that a file is, in UTF-8 or UTF-16; None for bytes that are a raw key."""
    if not data.isascii() and len(data) in LENGTHS:
        return None
    try:
        text = decode_text(data)[0].decode()
    except UnicodeDecodeError:
        return None
    return text if all(each.isprintable() or each in "\t\r\n" for each in text) else None


_LINE_END = (
    "{0} bytes, a raw key of {1} and the end of a line, which an editor put there: servers"
    " refuse it; head -c {1} cuts it off"
)


def _raw(data: bytes, text: bool) -> KeyText | None:
    """The keys of a file of bytes: one, or one behind lighttpd's times, or Traffic Server's."""
    if len(data) in LENGTHS:
        return KeyText(groups=((data,),), encoding="raw")
    if _is_lighttpd(data):
        return KeyText(groups=((data[_LIGHTTPD.size :],),), encoding="raw")
    if text:
        return None
    if len(data) % _ATS == 0 and len(data) <= _ATS * _ATS_KEYS:
        keys = tuple(data[at : at + _ATS] for at in range(0, len(data), _ATS))
        return KeyText(groups=(keys,), encoding="raw")
    for end in (b"\r\n", b"\n"):
        bare = data.removesuffix(end)
        if len(bare) < len(data) and len(bare) in LENGTHS:
            return KeyText(
                groups=((bare,),),
                encoding="raw",
                form="a raw key with a line end",
                warnings=(_LINE_END.format(len(data), len(bare)),),
            )
    return None


def _is_lighttpd(data: bytes) -> bool:
    return len(data) == _LIGHTTPD_LENGTH and _LIGHTTPD.unpack_from(data)[0] == 0


def _out_of_use(data: bytes, path: str, now: float) -> list[str]:
    """That lighttpd does not use its key now: it gives no tickets then."""
    if not _is_lighttpd(data):
        return []
    _, active, expires = _LIGHTTPD.unpack_from(data)
    if now < active:
        return [f"{path}: lighttpd uses this key only from {_day(active)} on"]
    return [f"{path}: for lighttpd this key expired on {_day(expires)}"] if now > expires else []


def _day(time: int) -> str:
    return clock.strftime("%Y-%m-%dT%H:%M:%SZ", clock.gmtime(time))


def _role(number: int, of: int, order: Order) -> Role:
    """What a key is for: the lines of a HAProxy file (`tls-ticket-keys`), or the first of
    others."""
    if of == 1 or order != "haproxy":
        return "only" if of == 1 else "current" if number == 1 else "older"
    if number == of:
        return "next"
    return "current" if number == of - 1 else "older"


def _warnings(keys: Sequence[bytes], path: str) -> list[str]:
    found = []
    first_of: dict[bytes, int] = {}
    names: set[bytes] = set()
    for number, key in enumerate(keys, 1):
        first = first_of.setdefault(key, number)
        named = key[:16] in names
        names.add(key[:16])
        if first < number:
            found.append(f"{path}: key {number} is the same as key {first}")
        elif named and len(key) > _GO:
            found.append(f"{path}: key {number} has the name of another key, and cannot be told")
        weak = weakness(key[16:] if key[:16] == bytes(16) else key) or (
            weakness(key[16:]) if len(key) > _GO else None
        )
        if weak is not None:
            found.append(f"{path}: key {number} is no random key: {weak}")
    return found


# ---------------------------------------------------------------------- search


class Opened(Value, frozen=True):
    """A ticket that a key of a file opened."""

    file: TicketKeyFile
    key: FileKey
    unsealed: Unsealed


def open_with(
    ticket: bytes, files: Sequence[TicketKeyFile], *, time: int = 0, lifetime: int = 0
) -> Opened | None:
    """The key that made a ticket; one with the right MAC before one without it.

    `time` (seconds since 1970) and `lifetime` tell GnuTLS's period of rotation.
    """
    second: Opened | None = None
    for file in files:
        for key in file.keys:
            for reading in key.readings(file.kind, time, lifetime):
                unsealed = unseal(ticket, reading)
                if unsealed is None:
                    continue
                if unsealed.mac:
                    return Opened(file, key, unsealed)
                second = second or Opened(file, key, unsealed)
    return second
