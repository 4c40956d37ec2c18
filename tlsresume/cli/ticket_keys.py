"""The options that name an operator's ticket keys: shared by probe, resume and inspect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli import values
from tlsresume.cli.grouping import one_argument, option

if TYPE_CHECKING:
    from tlsresume.tickets.key_files import TicketKeyFile

GROUP = "Ticket keys"
_KINDS = ("nginx", "haproxy", "apache", "go", "gnutls")


_OPTIONS = (
    option(
        GROUP, "--ticket-keys", "key_files", reads_file=True, multiple=True, metavar="FILE",
        type=click.Path(), callback=values.file_names,
        help="Tell which key of this file made each ticket: a raw file as for nginx, Apache,"
        " lighttpd or Traffic Server, HAProxy's lines or its show tls-keys, hex, YAML of Envoy, h2o"
        " or Kubernetes. Several files count in the order of nginx's configuration.",
        short="tell which key of this file made a ticket",
    ),
    option(
        GROUP, "--ticket-key-kind", "key_kind", needs="key_files", type=click.Choice(_KINDS),
        help="What the key files are for; without it every order of their parts is tried.",
        short="what the key files are for", short_value="KIND",
    ),
)  # fmt: skip


def _read(said: dict[str, Any]) -> tuple[TicketKeyFile, ...]:
    """The key files; what is odd about them is said on stderr. Raises KeyFileError."""
    paths, kind = said["key_files"], said["key_kind"]
    if not paths:
        return ()
    from tlsresume.cli.console import warn
    from tlsresume.tickets.key_files import read_key_files

    files = read_key_files(paths, kind)
    for file in files:
        for warning in file.warnings:
            warn(warning)
    return files


#: Give a command `--ticket-keys` and `--ticket-key-kind`; it gets them, read, as one
#: `ticket_keys` argument. It stands below `output_options`, so that an unreadable file still
#: leaves a document.
ticket_key_options = one_argument("ticket_keys", _OPTIONS, _read)
