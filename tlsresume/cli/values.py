"""Option values: what click's own types do not check. Each is a click callback."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:  # before click 8.2 it has no parameter
    _Choice = click.Choice

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Version(_Choice):
    """A TLS version, from `1.3`, `13`, `tls1.3` or `TLSv1_3`; the value is as in the choices."""

    def __init__(self) -> None:
        super().__init__(["1.2", "1.3"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        plain = re.sub(r"(?i)^(tls)?v?", "", str(value).strip()).replace("_", ".")
        if plain in ("12", "13"):
            plain = f"1.{plain[1]}"
        if plain not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, self.choices))}.", param, ctx)
        return plain


def seconds(most: float) -> Callable[[click.Context, click.Parameter, str], float]:
    """A length of time above 0, such as 5s, 250ms or 10, and no more than `most` seconds."""

    def check(_context: click.Context, _option: click.Parameter, value: str) -> float:
        from tlsresume.durations import parse_duration

        try:
            length = parse_duration(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if length > most:
            raise click.BadParameter(f"{value} is more than {most:g} seconds")
        return length

    return check


def unescape(text: str) -> bytes:
    r"""The bytes of a text with the escapes \r \n \t \0 \\ and \xHH. Raises BadParameter."""
    pieces = re.split(r"\\(x[0-9A-Fa-f]{2}|.|\Z)", text, flags=re.DOTALL)
    data = pieces[0].encode("utf-8", "surrogateescape")
    for escape, plain in zip(pieces[1::2], pieces[2::2], strict=True):
        if len(escape) == 3:
            data += bytes.fromhex(escape[1:])
        elif escape in _ESCAPES:
            data += _ESCAPES[escape]
        else:
            raise click.BadParameter(rf"'\{escape}' is not one of \r \n \t \0 \\ \xHH")
        data += plain.encode("utf-8", "surrogateescape")
    return data


def to_send(_context: click.Context, _option: click.Parameter, value: str | None) -> bytes | None:
    """Text with escapes, as bytes."""
    return None if value is None else unescape(value)


def protocols(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...] | None:
    """ALPN protocol names (RFC 7301: 1 to 255 bytes); a single empty one means none at all."""
    if not values:
        return None
    if values == ("",):
        return ()
    for value in values:
        if not 1 <= len(value.encode("utf-8", "surrogateescape")) <= 255 or not value.isascii():
            raise click.BadParameter(f"{value!r} is not an ASCII name of 1 to 255 bytes")
    return values


def openssl_list(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> str | None:
    """A list in OpenSSL's syntax: not empty, and of visible ASCII characters."""
    if value is not None and not re.fullmatch(r"[\x21-\x7e]+( +[\x21-\x7e]+)*", value):
        raise click.BadParameter("the list is empty, or not plain ASCII")
    return value


def header_name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The name of an HTTP header (a token, RFC 9110 section 5.6.2)."""
    if value is not None and not _TOKEN.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not the name of an HTTP header")
    return value


def early_data(_context: click.Context, _option: click.Parameter, value: str | None) -> Any:
    """Text with escapes, or `@FILE`, as bytes: at most 64 KiB."""
    if value is None:
        return b""
    if value == "@":
        raise click.BadParameter("no file is named behind the @")
    if value.startswith("@"):
        from tlsresume.errors import FileError
        from tlsresume.files import read_bounded

        try:
            data = read_bounded(value[1:], 65536, FileError)[0]
        except FileError as error:
            raise click.BadParameter(error.message) from None
    else:
        data = unescape(value)
    if not 1 <= len(data) <= 65536:
        raise click.BadParameter("early data is 1 to 65536 bytes")
    return data


def request_line(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> str | None:
    """A method, a path, or both. Raises BadParameter."""
    if value is not None:
        from tlsresume.request_line import parse_request_line

        try:
            parse_request_line(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return value


def file_names(
    _context: click.Context, _option: click.Parameter, value: str | tuple[str, ...]
) -> str | tuple[str, ...]:
    """Names of files, none of them empty, as a shell's unset variable makes them."""
    if "" in ((value,) if isinstance(value, str) else value):
        raise click.BadParameter("the name of a file is empty")
    return value


def ages(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[float, ...]:
    """Lengths of time, several in one value set apart by commas; each once, growing."""
    from tlsresume.durations import parse_duration

    try:
        found = {float(parse_duration(part)) for value in values for part in value.split(",")}
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return tuple(sorted(found))


def host_names(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Host names as they can stand in SNI, each once. Raises BadParameter."""
    from tlsresume.errors import UsageError
    from tlsresume.targets.target import parse_target

    names = []
    for value in values:
        try:
            name = parse_target("localhost", servername=value).server_name
        except UsageError as error:
            raise click.BadParameter(error.message) from None
        if name:
            names.append(name)
    return tuple(dict.fromkeys(names))
