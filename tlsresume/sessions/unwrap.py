r"""Bytes from the texts in which people carry them: base64, hex, dumps, JSON, string literals.

A session is binary, so it travels in a wrapping, and often in two: base64 in YAML, hex in a
log, a Buffer in JSON, PEM with its line ends written as `\n`. `unwrap` gives what is inside,
layer by layer, each with a name for people. It does not know what a session is: whoever asks
tries what comes out. Every step is linear, and there are at most `_DEEPEST` of them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator

from tlsresume.value import Value

#: Layers around each other that are taken off: base64 of a PEM file, as Kubernetes does.
_DEEPEST = 3

#: Objects and lists in each other that are looked into for a Buffer.
_DEEPEST_JSON = 16

#: Long words of base64 that are tried in a text of other things.
_WORDS = 16

#: Less than this is no session, and by chance base64 or hex.
_SHORTEST = 32


class Unwrapped(Value, frozen=True):
    """Bytes, and what they were wrapped in, the outermost first."""

    data: bytes
    wrapping: tuple[str, ...] = ()


def decode_text(data: bytes) -> tuple[bytes, str | None]:
    """UTF-8 from what an editor or a shell made of it, and what that was; None: nothing.

    A byte order mark of UTF-8 is left out; UTF-16 (PowerShell's `>`) is known by its mark, or
    by the zeros of its ASCII.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:], "a byte order mark"
    encoding = None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif len(data) >= 4 and not any(data[1:64:2]) and all(data[0:64:2]):
        encoding = "utf-16-le"
    elif len(data) >= 4 and not any(data[0:64:2]) and all(data[1:64:2]):
        encoding = "utf-16-be"
    if encoding is not None:
        try:
            return data.decode(encoding).removeprefix("\ufeff").encode(), "UTF-16"
        except UnicodeError:
            pass
    return data, None


def unwrap(data: bytes) -> Iterator[Unwrapped]:
    """What is inside `data`, each layer before the one inside it; never `data` itself."""
    layers = [Unwrapped(data)]
    for _ in range(_DEEPEST):
        inner = _take_off(layers[-1].data)
        if inner is None:
            return
        layers.append(Unwrapped(inner.data, layers[-1].wrapping + inner.wrapping))
        yield layers[-1]


def words(text: bytes) -> Iterator[Unwrapped]:
    """The long words of base64 in a text of other things: YAML, environments, logs."""
    for number, match in enumerate(_WORD.finditer(text)):
        if number == _WORDS:
            return
        decoded = _base64(match[0])
        if decoded is not None:
            yield Unwrapped(decoded, ("base64 in a text",))


_WORD = re.compile(rb"[A-Za-z0-9+/_-]{86,}={0,2}")


def _take_off(data: bytes) -> Unwrapped | None:
    """The outermost layer of `data`, if it has one."""
    if not _is_text(data):
        return _from_utf8(data)
    text = data.strip()
    for name, read in (
        ("JSON", _json),
        ("a string literal", _literal),
        ("a hex dump", decode_dump),
        ("hex", _hex),
        ("an array", decode_array),
        ("base64", _base64),
    ):
        inner = read(text)
        if inner is not None and len(inner) >= _SHORTEST:
            return Unwrapped(inner, (name,))
    return None


def _is_text(data: bytes) -> bool:
    return all(byte in b"\t\r\n" or 0x20 <= byte < 0x7F for byte in data)


def _from_utf8(data: bytes) -> Unwrapped | None:
    """Bytes that were written as characters: each above 127 became two of UTF-8."""
    try:
        inner = data.decode().encode("latin-1")
    except UnicodeError:
        return None
    return Unwrapped(inner, ("bytes written as characters",)) if inner != data else None


def _json(text: bytes) -> bytes | None:
    """A JSON string, a list of bytes, or Node's {"type":"Buffer","data":[...]}, which may be the
    only one in an object."""
    if text[:1] not in b'{["':
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    buffers = list(_buffers(value))
    if isinstance(value, dict):
        value = buffers[0] if len(buffers) == 1 else value.get("data")
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list) and all(type(byte) is int and 0 <= byte < 256 for byte in value):
        return bytes(value)
    return None


def _buffers(value: object, depth: int = 0) -> Iterator[object]:
    """The data of each of Node's Buffers in a JSON value."""
    if not isinstance(value, dict | list) or depth > _DEEPEST_JSON:
        return
    if isinstance(value, dict) and value.get("type") == "Buffer":
        yield value.get("data")
        return
    for part in value.values() if isinstance(value, dict) else value:
        yield from _buffers(part, depth + 1)


_ESCAPE = re.compile(
    rb"\\(?:x\{(?P<braced>[0-9A-Fa-f]{1,2})\}|x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})"
    rb"|(?P<one>.))",
    re.DOTALL,
)
#: What escapes stand for; others, such as Perl's \@, for the character itself.
_ONE = dict(zip(b"nrtabfve", b"\n\r\t\a\b\f\v\x1b", strict=True))


def _literal(text: bytes) -> bytes | None:
    """A string of Python, Perl, Ruby or C: quoted, with escapes of bytes."""
    match = re.fullmatch(rb"b?(['\"])(.*)\1;?", text, re.DOTALL)
    if match is None:
        return None

    def byte(escape: re.Match[bytes]) -> bytes:
        if digits := escape["hex"] or escape["braced"]:
            return bytes((int(digits, 16),))
        if escape["octal"]:
            return bytes((int(escape["octal"], 8) & 0xFF,))
        return bytes((_ONE.get(escape["one"][0], escape["one"][0]),))

    return _ESCAPE.sub(byte, match[2])


#: A line of xxd (groups of two), hexdump -C and od -A x -t x1: an offset, then hex, and
#: behind two spaces the characters.
_DUMP_LINE = re.compile(
    rb"(?P<at>[0-9A-Fa-f]{4,16}):? {1,3}(?P<hex>[0-9A-Fa-f]{2}(?: {0,2}[0-9A-Fa-f]{2}){0,31})"
    rb"(?: ? ?$| {2,}.*|[ \t]*\|.*)"
)


def decode_dump(text: bytes) -> bytes | None:
    """The bytes behind a dump of xxd, hexdump -C or od, which counts in octal unless it is told
    otherwise; None where it is none."""
    found = bytearray()
    forms: tuple[str, ...] = ("%x", "%o", "%d")
    for line in text.splitlines():
        match = _DUMP_LINE.fullmatch(line.strip())
        # The last line of hexdump and od is the length alone.
        place = line.strip() if match is None else match["at"]
        number = place.lstrip(b"0").decode("latin-1").lower() or "0"
        forms = tuple(form for form in forms if form % len(found) == number)
        if not forms or (match is None and not found):
            return None
        if match is not None:
            found += bytes.fromhex(match["hex"].decode())
    return bytes(found)


_BYTE = rb"(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,3})"
#: Bytes in a program: an array of C (`xxd -i`), Go's []byte{...}, Rust's [u8; 3] = [...],
#: Python's bytes([...]); what is before them has no brace of its own but in types.
_ARRAY = re.compile(
    rb"[\w\s\[\]<>*=:;&!?]{0,200}?\(?[{\[]\s*+(" + _BYTE + rb"(?:\s*+,\s*+" + _BYTE + rb")*+)"
    rb"(?:\s*+,)?+\s*+[}\]]\)?;?(?:\s*+(?:\w++\s++){1,4}\w++\s*+=\s*+[0-9]++;)?"
)
#: What String() of a Uint8Array gives.
_NUMBERS = re.compile(rb"(" + _BYTE + rb"(?:\s*+,\s*+" + _BYTE + rb")*+)")


def decode_array(text: bytes) -> bytes | None:
    """The bytes of an array in a program's source, or of its numbers alone; None where it is
    none."""
    match = _ARRAY.fullmatch(text) or _NUMBERS.fullmatch(text)
    if match is None:
        return None
    numbers = [
        int(word, 16) if word[:2].lower() == b"0x" else int(word)
        for word in (item.strip() for item in match[1].split(b","))
    ]
    return bytes(numbers) if max(numbers) < 256 else None


_HEX = re.compile(rb"(?:(?:0[xX])?[0-9A-Fa-f]{2}[\s,:;-]*)+")
_BUFFER = re.compile(rb"<Buffer ([0-9a-f ]+)>|\{([^{}]*)\};?|\[([^][]*)\]", re.DOTALL)


def _hex(text: bytes) -> bytes | None:
    """Hex, on one line or many, with or without separators and 0x; Node's <Buffer 30 82>."""
    match = _BUFFER.fullmatch(text)
    if match is not None:
        text = (match[1] or match[2] or match[3] or b"").strip()
    if len(text) < 2 * _SHORTEST or _HEX.fullmatch(text) is None:
        return None
    return bytes.fromhex(re.sub(rb"0[xX]|[\s,:;-]", b"", text).decode())


_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")


def _base64(text: bytes) -> bytes | None:
    """Base64 in either alphabet, with or without padding, on one line or many; `data:` URLs."""
    if text.startswith(b"data:"):
        text = text.partition(b";base64,")[2]
    joined = b"".join(text.split()).strip(b"'\"")
    if len(joined) < _SHORTEST or _BASE64.fullmatch(joined) is None:
        return None
    joined = joined.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(joined + b"=" * (-len(joined) % 4), validate=True)
    except binascii.Error:
        return None
