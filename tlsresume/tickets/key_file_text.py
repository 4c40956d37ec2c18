"""Ticket keys in the texts in which operators have them.

A key is bytes; a server's configuration has it in base64 or hex, and other tools wrap that
once more: lines broken at 60, 64 or 76 columns, YAML of Envoy, h2o or Kubernetes, JSON of
wangle, HAProxy's own `show tls-keys`. Each form is a row of `_FORMS`, tried from the strict
to the loose. YAML is not parsed: the keys are scalars on lines of their own, and the names
before them say what they are; a line that ought to hold a key and does not is an error.
Every form is linear in the text. Key material is in no repr and in no error.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec.structs import force_setattr

from tlsresume.sessions.unwrap import decode_array, decode_dump
from tlsresume.tickets.yaml_lines import lines_under, pairs_of
from tlsresume.value import Secret, Value

Encoding = Literal["raw", "base64", "hex"]

#: How long a key can be: Go, Apache and nginx, GnuTLS, nginx and HAProxy.
LENGTHS = (32, 48, 64, 80)

#: Which key encrypts: HAProxy's penultimate line, or the first.
Order = Literal["haproxy", "first"]


class KeyText(Value, frozen=True, kw_only=True):
    """Keys as found in a text; `groups` are lists that a server keeps apart, such as the
    files that `show tls-keys` prints one after the other. `form` says where they were found,
    for people; it is empty for plain lines. Each key becomes a Secret. `nameless` keys have zeros for a name."""

    groups: tuple[tuple[bytes, ...], ...]
    encoding: Encoding
    order: Order = "first"
    form: str = ""
    nameless: bool = False
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        secret = tuple(tuple(Secret(key) for key in group) for group in self.groups)
        force_setattr(self, "groups", secret)


class NoKeys(Value, frozen=True):
    """A text that is known and from which no ticket key can be had: what it is, what to do."""

    what: str
    hint: str


def find_keys(text: str) -> KeyText | NoKeys | None:
    """The keys in a text; None where no form fits."""
    return next((found for form in _FORMS if (found := form(text)) is not None), None)


def decode_hex(text: str) -> bytes | None:
    """Hex with or without colons; None where it is none."""
    try:
        return bytes.fromhex(text.replace(":", "")) if text.isascii() else None
    except ValueError:
        return None


def decode_base64(text: str) -> bytes | None:
    """Base64 with its padding; None where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _key(text: str) -> tuple[bytes, Encoding] | None:
    """A key in either encoding. Hex is tried first: 96 digits of it are base64, too."""
    for decode, encoding in _DECODERS:
        key = decode(text)
        if key is not None and len(key) in LENGTHS:
            return key, encoding
    return None


_DECODERS: tuple[tuple[Callable[[str], bytes | None], Encoding], ...] = (
    (decode_hex, "hex"),
    (decode_base64, "base64"),
)


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := each.strip())]


# ------------------------------------------------------------ lines and nothing else


def _key_a_line(text: str) -> KeyText | None:
    """HAProxy's `tls-ticket-keys`, or a key a line in hex; all of one length, or it is one
    key that was wrapped. HAProxy takes no comments, other tools do."""
    lines = [line for line in _lines(text) if not line.startswith("#")]
    for decode, encoding in _DECODERS:
        keys = [key for line in lines if (key := decode(line)) is not None]
        if len(keys) == len(lines) and {len(key) for key in keys} <= set(LENGTHS):
            if len({len(key) for key in keys}) != 1:
                # No server takes keys of different lengths: one key on two lines looks so.
                return None
            return KeyText(
                groups=(tuple(keys),),
                encoding=encoding,
                order="haproxy" if encoding == "base64" else "first",
            )
    return None


#: Characters of a whole key in each encoding, and its length; the longest key first.
_WRAPPED: tuple[tuple[Encoding, int, int], ...] = (
    ("hex", 160, 80),
    ("hex", 128, 64),
    ("hex", 96, 48),
    ("hex", 64, 32),
    ("base64", 108, 80),
    ("base64", 88, 64),
    ("base64", 64, 48),
    ("base64", 44, 32),
)


def _wrapped(text: str) -> KeyText | None:
    """Keys whose text was broken into lines, as `openssl rand -base64 80` and `xxd -p` do."""
    lines = [line for line in _lines(text) if not line.startswith("#")]
    for encoding, width, length in _WRAPPED:
        joined: list[str] = [""]
        for line in lines:
            if len(joined[-1]) >= width:
                joined.append("")
            joined[-1] += line
        decode = decode_hex if encoding == "hex" else decode_base64
        keys = [key for each in joined if len(each) == width and (key := decode(each)) is not None]
        if len(keys) == len(joined) < len(lines) and all(len(key) == length for key in keys):
            per_key = len(lines) // len(keys)
            many = "one" if len(keys) == 1 else str(len(keys))
            plural = "" if len(keys) == 1 else "s"
            warning = (
                f"{many} {length}-byte key{plural} wrapped over {_COUNTS.get(per_key, per_key)}"
                " lines: HAProxy refuses such a file"
            )
            cure = f"; openssl rand {length} | openssl base64 -A makes a key on one line"
            return KeyText(
                groups=(tuple(keys),),
                encoding=encoding,
                order="haproxy" if encoding == "base64" else "first",
                form="wrapped lines",
                warnings=(warning + cure,) if encoding == "base64" else (),
            )
    return None


_COUNTS = {2: "two", 3: "three"}


def _dump(text: str) -> KeyText | None:
    """One key as xxd, hexdump -C or od prints a file, or as an array of a program's source."""
    for form, decode in (("a hex dump", decode_dump), ("an array", decode_array)):
        key = decode(text.strip().encode())
        if key is not None and len(key) in LENGTHS:
            return KeyText(groups=((key,),), encoding="hex", form=form)
    return None


# -------------------------------------------------------------------- HAProxy's list

_SHOW = re.compile(r"(?P<file>\d{1,6})\.(?P<index>\d{1,6})\s+(?P<key>[A-Za-z0-9+/]{40,}={0,2})")


def _show_tls_keys(text: str) -> KeyText | NoKeys | None:
    """HAProxy's `show tls-keys #ID`: the keys really in use, file by file."""
    groups: dict[str, list[bytes]] = {}
    for line in _lines(text):
        if line.startswith("#"):
            continue
        match = _SHOW.fullmatch(line)
        key = decode_base64(match["key"]) if match is not None else None
        if match is None or key is None or len(key) not in LENGTHS:
            return None
        groups.setdefault(match["file"], []).append(key)
    if not groups:
        return _show_list(text)
    return KeyText(
        groups=tuple(map(tuple, groups.values())),
        encoding="base64",
        order="haproxy",
        form="HAProxy's show tls-keys",
    )


def _show_list(text: str) -> NoKeys | None:
    """`show tls-keys` without an ID lists the files, and no key."""
    lines = _lines(text)
    if not lines or lines[0] != "# id (file)":
        return None
    return NoKeys("HAProxy's list of key files", "show tls-keys #0 prints the keys of the first")


# ---------------------------------------------------------------------------- JSON


def _json(text: str) -> KeyText | NoKeys | None:
    """Ticket seeds of wangle (Proxygen, Fizz), and a Kubernetes Secret or Envoy's as JSON."""
    if text.lstrip()[:1] not in "{[":
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and {"old", "current", "new"} & value.keys():
        return _wangle(value)
    found: list[str] = []
    _scalars(value, found, counts=isinstance(value, list | str))
    return _of_values(found, "JSON")


def _wangle(value: dict[str, Any]) -> KeyText | NoKeys:
    """Seeds in hex; where they have the length of a key they are taken for one."""
    seeds = [
        seed
        for part in ("current", "new", "old")
        if isinstance(value.get(part), list)
        for seed in value[part]
        if isinstance(seed, str)
    ]
    keys = [found[0] for seed in seeds if (found := _key(seed.strip())) is not None]
    if keys and len(keys) == len(seeds) and all(len(key) in (48, 80) for key in keys):
        return KeyText(groups=(tuple(keys),), encoding="hex", form="wangle's JSON")
    return NoKeys(
        f"wangle's ticket seeds ({len(seeds)}: old, current and new)",
        "Proxygen and Fizz derive a key from a seed for each ticket; that is not tried here",
    )


#: Nested lists and objects in JSON that are looked into.
_DEPTH = 16


#: What a Kubernetes Secret has its values under; the rest of it is about the Secret.
_OF_A_SECRET = ("data", "stringData")


def _scalars(value: object, found: list[str], depth: int = 0, *, counts: bool) -> None:
    """The strings of a JSON value that are meant as keys, in order: those of a Secret, and those
    under a name that says so. Others are as long by chance, such as hashes and session IDs."""
    if isinstance(value, str):
        if counts:
            found.append(value)
    elif depth >= _DEPTH:
        return
    elif isinstance(value, list):
        for part in value:
            _scalars(part, found, depth + 1, counts=counts)
    elif isinstance(value, dict) and value.get("kind") == "Secret":
        for name in _OF_A_SECRET:
            _scalars(value.get(name), found, depth + 1, counts=True)
    elif isinstance(value, dict):
        for name, part in value.items():
            said = counts or "key" in name.lower() or name in _ENVOY_KEYS
            _scalars(part, found, depth + 1, counts=said)


# ------------------------------------------------------------- YAML and assignments


def _h2o(text: str) -> KeyText | NoKeys | None:
    """h2o's ticket file: entries of name, cipher, hash, key; the key is cipher key and MAC
    key in hex (lib/ssl.c)."""
    entries: list[dict[str, str]] = []
    for name, value in pairs_of(text):
        if name == "name" or not entries:
            entries.append({})
        entries[-1][name] = value
    entries = [entry for entry in entries if {"name", "key"} <= entry.keys()]
    keys = []
    for entry in entries:
        label, key = decode_hex(entry["name"]), decode_hex(entry["key"])
        if label is None or key is None or len(label) != 16:
            return None
        if entry.get("cipher", "aes-256-cbc").lower() != "aes-256-cbc" or len(key) != 96:
            return NoKeys(
                "h2o's ticket file with another cipher than AES-256-CBC",
                "only aes-256-cbc with sha256 is known here",
            )
        keys.append(label + key)
    return KeyText(groups=(tuple(keys),), encoding="hex", form="h2o's YAML") if keys else None


def _stunnel(text: str) -> NoKeys | KeyText | None:
    """The secrets of stunnel, ticketKeySecret and ticketMacSecret, in hex."""
    values = {name.lower(): value for name, value in pairs_of(text)}
    cipher = decode_hex(values.get("ticketkeysecret", ""))
    mac = decode_hex(values.get("ticketmacsecret", ""))
    if not cipher:
        return None
    if mac and len(cipher) == 32 and len(mac) == 32:
        # Its tickets begin with what lies in its memory; zeros stand for a name here.
        return KeyText(
            groups=((bytes(16) + cipher + mac,),),
            encoding="hex",
            form="stunnel's secrets",
            nameless=True,
        )
    return NoKeys(
        "stunnel's secrets, not of 32 bytes each",
        "ticketKeySecret and ticketMacSecret have 64 hexadecimal digits each",
    )


#: Names of scalars that hold a key, in Envoy's configuration.
_ENVOY_KEYS = ("inline_bytes", "inline_string")


def _yaml(text: str) -> KeyText | NoKeys | None:
    """Envoy's `session_ticket_keys`, and Kubernetes Secrets, whose values are base64 of a
    whole key file."""
    pairs = pairs_of(text)
    names = {name for name, _ in pairs}
    if "session_ticket_keys" in names:
        inline = [value for name, value in pairs if name in _ENVOY_KEYS]
        files = [value for name, value in pairs if name == "filename"]
        if not inline and files:
            return NoKeys("Envoy's configuration", f"it names its key files: {', '.join(files)}")
        return _of_values(inline, "Envoy's YAML")
    if ("kind", "Secret") in pairs:
        inside = pairs_of(lines_under(text, _OF_A_SECRET))
        return _of_values([value for _, value in inside if value], "a Kubernetes Secret")
    return None


def _of_values(values: Sequence[str], form: str) -> KeyText | None:
    """The keys among some values: each a key itself, or base64 of a file of keys."""
    groups: list[tuple[bytes, ...]] = []
    singles: list[bytes] = []
    order: Order = "first"
    encoding: Encoding = "base64"
    for value in values:
        if (found := _key(value)) is not None:
            key, encoding = found
            singles.append(key)
            continue
        plain = value
        if (inner := decode_base64("".join(value.split()))) is not None and inner.isascii():
            plain = inner.decode("ascii")
        nested = _key_a_line(plain) or _wrapped(plain)
        if nested is not None:
            groups += nested.groups
            order = nested.order
    if singles:
        groups.insert(0, tuple(singles))
    if not groups:
        return None
    return KeyText(groups=tuple(groups), encoding=encoding, order=order, form=form)


#: From the strict to the loose; the first form that fits counts.
_FORMS: tuple[Callable[[str], KeyText | NoKeys | None], ...] = (
    _key_a_line,
    _wrapped,
    _dump,
    _show_tls_keys,
    _json,
    _stunnel,
    _h2o,
    _yaml,
)
