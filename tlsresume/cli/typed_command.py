"""The command line as it was typed, for reports that are looked at later; without secrets.

Logins in targets and proxies are taken out, and what `--send` and `--early-data` send, which
may hold a cookie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Options whose values may be secret.
_SECRET = ("--send", "--early-data")
_HIDDEN = "..."

_typed: tuple[str, ...] = ()


def remember(arguments: Sequence[str]) -> None:
    """Keep what was typed after the program's name."""
    global _typed  # noqa: PLW0603  there is one command line
    _typed = tuple(arguments)


def typed_command() -> str:
    """The command, quoted for a shell."""
    import shlex

    return shlex.join(("tlsresume", *without_secrets(_typed)))


def without_secrets(arguments: Sequence[str]) -> Iterator[str]:
    """The same arguments, with nothing in them that should not be shown."""
    from tlsresume.targets.endpoints import without_login

    secret = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if secret:
            yield _HIDDEN
        elif name in _SECRET and equals:
            yield f"{name}={_HIDDEN}"
        elif name.startswith("--") and equals:
            yield f"{name}={without_login(value)}"
        else:
            yield without_login(argument)
        secret = not secret and argument in _SECRET
