"""Option values: what click's own types do not check, as click callbacks."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tlsresume.durations import parse_duration, parse_share

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


def callback(check: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """A click callback of a function that checks a value or reads it: its ValueError is a
    BadParameter, and what was not given stays None."""

    @functools.wraps(check)
    def called(_context: click.Context, _option: click.Parameter, value: Any) -> Any:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return called


duration = callback(parse_duration)
share = callback(parse_share)


def seconds(most: float) -> Callable[[Any, Any, Any], Any]:
    """A length of time above 0, such as 5s, 250ms or 10, and no more than `most` seconds."""

    @callback
    def check(value: str) -> float:
        length = parse_duration(value)
        if length > most:
            raise ValueError(f"{value} is more than {most:g} seconds")
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


to_send = callback(unescape)


@callback
def protocols(values: tuple[str, ...]) -> tuple[str, ...] | None:
    """ALPN protocol names (RFC 7301: 1 to 255 bytes); a single empty one means none at all."""
    if not values:
        return None
    if values == ("",):
        return ()
    for value in values:
        if not 1 <= len(value.encode("utf-8", "surrogateescape")) <= 255 or not value.isascii():
            raise ValueError(f"{value!r} is not an ASCII name of 1 to 255 bytes")
    return values


@callback
def openssl_list(value: str) -> str:
    """A list in OpenSSL's syntax: not empty, and of visible ASCII characters."""
    if not re.fullmatch(r"[\x21-\x7e]+( +[\x21-\x7e]+)*", value):
        raise ValueError("the list is empty, or not plain ASCII")
    return value


@callback
def header_name(value: str) -> str:
    """The name of an HTTP header (a token, RFC 9110 section 5.6.2)."""
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of an HTTP header")
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


@callback
def request_line(value: str) -> str:
    """A method, a path, or both."""
    from tlsresume.request_line import parse_request_line

    parse_request_line(value)
    return value


@callback
def file_names(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Names of files, none of them empty, as a shell's unset variable makes them."""
    if "" in ((value,) if isinstance(value, str) else value):
        raise ValueError("the name of a file is empty")
    return value


@callback
def ages(values: tuple[str, ...]) -> tuple[float, ...]:
    """Lengths of time, several in one value set apart by commas; each once, growing."""
    return tuple(sorted({float(parse_duration(p)) for value in values for p in value.split(",")}))


@callback
def host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Host names as they can stand in SNI, each once."""
    from tlsresume.errors import UsageError
    from tlsresume.targets.target import parse_target

    names = []
    for value in values:
        try:
            names.append(parse_target("localhost", servername=value).server_name)
        except UsageError as error:
            raise ValueError(error.message) from None
    return tuple(dict.fromkeys(name for name in names if name))
