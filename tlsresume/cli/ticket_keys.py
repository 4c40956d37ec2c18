"""The options that name an operator's ticket keys: shared by probe, resume and inspect."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import values
from tlsresume.cli.grouping import GroupedOption

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

GROUP = "Ticket keys"
_KINDS = ("nginx", "haproxy", "apache", "go", "gnutls")


def ticket_key_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--ticket-keys` and `--ticket-key-kind`; it gets them, read, as one
    `ticket_keys` argument.

    It stands below `output_options`, so that an unreadable file still leaves a document.
    """

    @click.option(
        "--ticket-keys",
        "key_files",
        cls=GroupedOption,
        group=GROUP,
        multiple=True,
        metavar="FILE",
        type=click.Path(),
        callback=values.file_names,
        help="Tell which key of this file made each ticket: a raw file as for nginx, Apache,"
        " lighttpd or Traffic Server, HAProxy's lines or its show tls-keys, hex, YAML of Envoy, h2o"
        " or Kubernetes. Several files count in the order of nginx's configuration.",
    )
    @click.option(
        "--ticket-key-kind",
        "key_kind",
        cls=GroupedOption,
        group=GROUP,
        type=click.Choice(_KINDS),
        help="What the key files are for; without it every order of their parts is tried.",
    )
    @functools.wraps(function)
    def with_keys(*args: Any, key_files: tuple[str, ...], key_kind: Any, **kwargs: Any) -> Any:
        if key_kind is not None and not key_files:
            raise click.UsageError("--ticket-key-kind needs --ticket-keys")
        return function(*args, ticket_keys=_read(key_files, key_kind), **kwargs)

    return with_keys


def _read(paths: tuple[str, ...], kind: Any) -> tuple[TicketKeyFile, ...]:
    """The key files; what is odd about them is said on stderr. Raises KeyFileError."""
    if not paths:
        return ()
    from tlsresume.cli.console import warn
    from tlsresume.tickets.key_files import read_key_files

    files = read_key_files(paths, kind)
    for file in files:
        for warning in file.warnings:
            warn(warning)
    return files
