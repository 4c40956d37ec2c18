"""Who logs in to an FTP server: `--ftp-user` and `--ftp-password-file`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from tlsresume.cli.grouping import GroupedOption
from tlsresume.cli.proxying import first_line

_GROUP = "FTPS data connections"


def ftp_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the login options; it gets them as one `ftp` argument."""

    @click.option(
        "--ftp-user",
        cls=GroupedOption,
        group=_GROUP,
        metavar="NAME",
        help="Log in as NAME, to try FTPS data connections; the default is anonymous.",
    )
    @click.option(
        "--ftp-password-file",
        cls=GroupedOption,
        group=_GROUP,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, readable=True),
        help="The password is the first line of this file; else it is taken from"
        " $TLSRESUME_FTP_PASSWORD.",
    )
    @functools.wraps(function)
    def with_login(
        *args: Any, ftp_user: str | None, ftp_password_file: str | None, **kwargs: Any
    ) -> Any:
        return function(*args, ftp=_login(ftp_user, ftp_password_file), **kwargs)

    return with_login


def _login(user: str | None, file: str | None) -> Any:
    from tlsresume.options import FTPLogin

    if user is None:
        if file is not None:
            raise click.UsageError("--ftp-password-file needs --ftp-user")
        return FTPLogin()
    password = first_line(file) if file else os.environ.get("TLSRESUME_FTP_PASSWORD")
    if password is None:
        raise click.UsageError(
            "--ftp-user needs a password: --ftp-password-file, or $TLSRESUME_FTP_PASSWORD"
        )
    return FTPLogin(user, password)
