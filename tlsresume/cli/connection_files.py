"""The files that options of a connection name: certificates, keys, passphrases, key logs."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

import click

from tlsresume.cli.proxying import first_line

if TYPE_CHECKING:
    from tlsresume.value import Secret


def look_at_files(said: dict[str, Any]) -> None:
    """Read the pipes among the files that OpenSSL is given while signals are heard, which the
    event loop would put off; and say it where others can read the key log. Raises FileError."""
    for name in ("cafile", "cert", "key"):
        if said[name] is not None:
            from tlsresume.errors import FileError
            from tlsresume.files import LARGEST_PEM, read_held

            read_held(said[name], LARGEST_PEM, FileError)
    if said["keylogfile"]:
        _warn_of_readers(said["keylogfile"])


def _warn_of_readers(path: str) -> None:
    """Say once that others can read or change the key log, which we only append to."""
    context = click.get_current_context(silent=True)
    meta = {} if context is None else context.meta
    told = meta.setdefault("tlsresume.key logs told of", set())
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  a path may be no valid Path
    except (OSError, ValueError):
        return
    if path in told or not stat.S_ISREG(mode):
        return
    told.add(path)
    from tlsresume.cli.console import warn
    from tlsresume.sessions.file import permission_warnings

    for warning in permission_warnings(path, stat.S_IMODE(mode)):
        warn(f"{path}: {warning}")


def passphrase(key: str, file: str | None) -> Secret | None:
    """The passphrase of an encrypted key: from a file, the environment or the terminal.

    Raises FileError.
    """
    from tlsresume.errors import FileError
    from tlsresume.files import LARGEST_PEM, read_held
    from tlsresume.value import Secret

    if file is not None:
        return first_line(file)
    if b"ENCRYPTED" not in read_held(key, LARGEST_PEM, FileError):
        return None
    given = os.environ.get("TLSRESUME_PASSPHRASE")
    if given is not None:
        return Secret.of(given)
    if not sys.stdin.isatty():
        from tlsresume.errors import UsageError

        raise UsageError(
            f"the key in {key} is encrypted, and there is no terminal to ask for its passphrase",
            hints=("give it with --passphrase-file, or in $TLSRESUME_PASSPHRASE",),
        )
    answer: str = click.prompt(f"Passphrase of {key}", hide_input=True, err=True)
    return Secret.of(answer)
