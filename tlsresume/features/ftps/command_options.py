"""Who logs in to an FTP server: `--ftp-user` and `--ftp-password-file`."""

from __future__ import annotations

import os
from typing import Any

import click

from tlsresume.cli.grouping import one_argument, option
from tlsresume.cli.proxying import first_line

_GROUP = "FTPS data connections"


_OPTIONS = (
    option(
        _GROUP,
        "--ftp-user",
        metavar="NAME",
        help="Log in as NAME, to try FTPS data connections; the default is anonymous.",
    ),
    option(
        _GROUP,
        "--ftp-password-file",
        needs="ftp_user",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, readable=True),
        help="The password is the first line of this file; else it is taken from"
        " $TLSRESUME_FTP_PASSWORD.",
    ),
)


def _login(said: dict[str, Any]) -> Any:
    from tlsresume.options import FTPLogin

    user, file = said["ftp_user"], said["ftp_password_file"]
    if user is None:
        return FTPLogin()
    password = first_line(file) if file else os.environ.get("TLSRESUME_FTP_PASSWORD")
    if password is None:
        raise click.UsageError(
            "--ftp-user needs a password: --ftp-password-file, or $TLSRESUME_FTP_PASSWORD"
        )
    return FTPLogin(user, password)


#: Give a command the login options; it gets them as one `ftp` argument.
ftp_options = one_argument("ftp", _OPTIONS, _login)
