"""The tables `[exporter]` and `[web]` of a configuration file, as values. Pure.

`[modules.NAME]` holds options of `probe`; its reading is in `command_modules`.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tlsresume.configuration import Configuration
from tlsresume.durations import parse_duration
from tlsresume.errors import ConfigurationFileError
from tlsresume.features.exporter.allow import Allow, parse_rule
from tlsresume.value import Secret, Value

if TYPE_CHECKING:
    from tlsresume.features.exporter.probing import Module

#: The module that a scrape gets which names none.
DEFAULT_MODULE = "default"
#: Where it listens unless told otherwise: loopback, so that nobody else can have it connect.
LISTEN = "127.0.0.1:9843"

#: The longest time that a setting may name, in seconds.
_LONGEST = 86_400.0

_Table = TypeVar("_Table", bound=msgspec.Struct)


#: Nothing was said: all but link-local addresses.
_EVERYTHING = Allow()


class _Exporter(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    listen: str | None = None
    allow: tuple[str, ...] | None = None
    concurrency: int = 8
    waiting: int = 100
    timeout: int | float | str = 60
    timeout_offset: int | float | str = 0.5


class _Web(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    tls_cert: str | None = None
    tls_key: str | None = None
    users: dict[str, str] = {}


class ExporterSettings(Value, frozen=True, kw_only=True):
    """What `[exporter]` says.

    At most `concurrency` probes run at a time and `waiting` scrapes wait for a place. A scrape
    takes `timeout` seconds at most, where its header names no shorter time, of which
    `timeout_offset` is kept for the answer's way.
    """

    listen: str | None = None
    allow: Allow = _EVERYTHING
    concurrency: int = 8
    waiting: int = 100
    timeout: float = 60.0
    timeout_offset: float = 0.5


class WebSettings(Value, frozen=True, kw_only=True):
    """What `[web]` says: files for TLS, and the passwords of `users`, who alone are served."""

    certificate: str | None = None
    key: str | None = None
    users: tuple[tuple[str, Secret], ...] = ()

    def __repr__(self) -> str:
        return f"WebSettings(certificate={self.certificate!r}, users={len(self.users)})"


class Setup(Value, frozen=True, kw_only=True):
    """What one reading of the configuration gave; `generation` counts the readings."""

    settings: ExporterSettings
    web: WebSettings
    modules: dict[str, Module]
    generation: int = 0


def exporter_settings(configuration: Configuration) -> ExporterSettings:
    """`[exporter]` of a file. Raises ConfigurationFileError."""
    path = configuration.path
    said = _convert(configuration.table("exporter"), _Exporter, "exporter", path)
    for name, value, least in (("concurrency", said.concurrency, 1), ("waiting", said.waiting, 0)):
        if not least <= value <= 10_000:
            raise wrong(path, f"exporter.{name}", f"{value} is not from {least} to 10000")
    return ExporterSettings(
        listen=said.listen,
        allow=_allow(said.allow, path),
        concurrency=said.concurrency,
        waiting=said.waiting,
        timeout=seconds(said.timeout, "exporter.timeout", path),
        timeout_offset=seconds(said.timeout_offset, "exporter.timeout-offset", path),
    )


def web_settings(configuration: Configuration) -> WebSettings:
    """`[web]` of a file. Raises ConfigurationFileError."""
    path = configuration.path
    said = _convert(configuration.table("web"), _Web, "web", path)
    if said.tls_key is not None and said.tls_cert is None:
        raise wrong(path, "web.tls-key", "needs tls-cert beside it")
    for user, password in said.users.items():
        if not user or ":" in user:
            raise wrong(path, "web.users", "a name is empty, or has a colon in it")
        if not password:
            raise wrong(path, f"web.users.{user}", "the password is empty")
    return WebSettings(
        certificate=configuration_file(configuration, said.tls_cert),
        key=configuration_file(configuration, said.tls_key),
        users=tuple((user, Secret.of(password)) for user, password in said.users.items()),
    )


def configuration_file(configuration: Configuration, name: str | None) -> str | None:
    """A file that a configuration names: relative names start from its own folder."""
    if name is None:
        return None
    return os.path.join(configuration.folder, name)  # noqa: PTH118  a name may be no valid Path


def seconds(value: float | str, key: str, path: str) -> float:
    """Seconds from a number or a length of time such as "5m". Raises ConfigurationFileError."""
    try:
        number = float(parse_duration(value)) if isinstance(value, str) else float(value)
    except ValueError as error:
        raise wrong(path, key, str(error)) from None
    if not (math.isfinite(number) and 0 <= number <= _LONGEST):
        raise wrong(path, key, f"{number:g} is not from 0 to {_LONGEST:g} seconds")
    return number


def _allow(texts: tuple[str, ...] | None, path: str) -> Allow:
    if texts is None:
        return Allow()
    try:
        return Allow(tuple(parse_rule(text) for text in texts))
    except ValueError as error:
        raise wrong(path, "exporter.allow", str(error)) from None


def check_keys(table: Mapping[str, Any], known: tuple[str, ...], name: str, path: str) -> None:
    """Refuse a key that is not known, naming the nearest. Raises ConfigurationFileError."""
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise ConfigurationFileError(
                f"{path}: [{name}] has no key {key[:60]!r}", path=path, hints=(hint,)
            )


def _convert(table: Mapping[str, Any], kind: type[_Table], name: str, path: str) -> _Table:
    check_keys(table, kind.__struct_encode_fields__, name, path)
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        said = str(error)
        raise wrong(path, f"[{name}]", f"{said[:1].lower()}{said[1:]}") from None


def wrong(path: str, key: str, reason: str) -> ConfigurationFileError:
    """The error for a key or a [table]."""
    return ConfigurationFileError(f"{path}: {key}: {reason}", path=path)
