"""What people type who know curl, openssl or nmap better than this tool: what to type instead.

Each mistake is answered with status 2 and one `hint:` line that holds a whole command, made of
the words that were typed. What may be a password in them is left out. Only mistakes are treated
here; nothing is imported that a command line without one would not need.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

import click

from tlsresume.errors import UsageError
from tlsresume.targets.endpoints import without_login

#: Endings of names that are files, and no hosts, where a file of that name is there.
_FILES = (
    ".txt", ".lst", ".list", ".csv", ".tsv", ".json", ".toml", ".yaml", ".yml", ".conf", ".cfg",
    ".targets", ".hosts",
)  # fmt: skip
_SESSIONS = (".pem", ".der", ".session", ".sess")
_CAPTURES = (".pcap", ".pcapng", ".cap")
_ASCII_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):/*([^/].*)"


def click_message(error: click.ClickException) -> str:
    """What click says of a mistake, as our messages are: one line that begins in lower case."""
    text = " ".join(error.format_message().split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def command_line(*words: str) -> str:
    """A command line to type; it begins with the program, and no password is in it."""
    return "tlsresume " + " ".join(shlex.quote(without_login(word)) for word in words)


class _Words(list[str]):
    """The words behind a command, without the option that it does not have; `target` is the
    place of the first argument, which is HOST where none was typed."""

    def __init__(self, words: Sequence[str], command: click.Command) -> None:
        super().__init__(words)
        valued = {
            name
            for each in command.params
            if isinstance(each, click.Option) and not each.is_flag
            for name in each.opts
        }
        self.target = next(
            (
                place
                for place, word in enumerate(words)
                if (not word.startswith("-") or word == "-")
                and (not place or words[place - 1] not in valued)
            ),
            len(self),
        )
        if self.target == len(self):
            self.append("HOST")


# ---------------------------------------------------------------- foreign options


def _with_port(words: _Words, port: str) -> list[str]:
    placed, host = list(words), words[words.target]
    if "://" in host:
        host = f"{host.rstrip('/')}:{port}"
    elif host.startswith("["):
        host = f"{host.partition(']')[0]}]:{port}"
    elif host.count(":") > 1:
        host = f"[{host}]:{port}"
    else:
        host = f"{host.partition(':')[0]}:{port}"
    placed[words.target] = host
    return placed


#: The format that a file's ending stands for; json for all others.
_ENDINGS = {
    "html": "html", "htm": "html", "xml": "junit", "csv": "csv", "txt": "text", "jsonl": "jsonl",
    "prom": "prometheus", "md": "markdown",
}  # fmt: skip


def _with_output(words: _Words, file: str) -> list[str]:
    form = _ENDINGS.get(file.rpartition(".")[2].lower(), "json")
    return [*words, "--format", f"{form}={file}"]


def _over_quic(words: _Words, _value: str) -> list[str]:
    placed = list(words)
    placed[words.target] = f"h3://{words[words.target].removeprefix('https://')}"
    return placed


class _Meant(NamedTuple):
    """What an option of another program is here. `value` stands for its value where none was
    typed, None where it takes none; `words` makes the words of the command of them; `command` is
    another than was typed, `before` stands before the program."""

    why: str
    value: str | None = None
    words: Callable[[_Words, str], list[str]] = lambda words, _value: list(words)
    command: str | None = None
    before: str = ""


_INSECURE = _Meant("no certificate is demanded, unless by --verify")
_PORT = _Meant("the port goes with its host", "PORT", _with_port)
_OUTPUT = _Meant("a file is named with its format", "FILE", _with_output)
_NO_COLOUR = _Meant("colours are the terminal's business", before="NO_COLOR=1 ")
_HTTP3_ONLY = _Meant("HTTP/3 is a kind of target", words=_over_quic)
_HTTP3 = _Meant("HTTP/3 is tested beside HTTPS", words=lambda words, _: ["--quic", *words])

#: Options of other programs. Where a command has an option of that name, this is never asked.
_FOREIGN: dict[str, _Meant] = {
    "--insecure": _INSECURE,
    "-k": _INSECURE,
    "--port": _PORT,
    "-p": _PORT,
    "-o": _OUTPUT,
    "--output": _OUTPUT,
    "--no-color": _NO_COLOUR,
    "--no-colour": _NO_COLOUR,
    "--watch": _Meant("watching is a command", command="watch"),
    "--http3": _HTTP3,
    "--http3-only": _HTTP3_ONLY,
}


def foreign_option(ctx: click.Context, typed: Sequence[str], option: str) -> UsageError | None:
    """The error for an option that another program has; None where it is not known here."""
    meant = _FOREIGN.get(option)
    if meant is None or ctx.parent is None:
        return None
    command = ctx.command_path.partition(" ")[2]
    if meant is _HTTP3 and command != "probe":
        meant = _HTTP3_ONLY
    words, value = _without(typed, option, takes_value=meant.value is not None)
    placed = meant.words(_Words(words, ctx.command), value or meant.value or "")
    line = meant.before + command_line(meant.command or command, *placed)
    return UsageError(f"there is no option {option}: {meant.why}", hints=(line,))


def command_left_out(typed: Sequence[str], option: str) -> click.UsageError | UsageError:
    """The error for an option that stands before any command, where one of `probe` was meant."""
    from tlsresume.cli.root import COMMANDS

    plain = [word for word in typed if not word.startswith("-")]
    command = next((word for word in plain if word in COMMANDS), None)
    words = list(typed)
    if command is not None:
        words.remove(command)
    elif any(is_like_target(word) for word in plain):
        command = "probe"
    else:
        return click.NoSuchOption(option, ctx=click.get_current_context(silent=True))
    return UsageError(
        f"options follow their command: {option}", hints=(command_line(command, *words),)
    )


def _without(
    typed: Sequence[str], option: str, *, takes_value: bool
) -> tuple[list[str], str | None]:
    """The words without an option and its value, and that value."""
    words: list[str] = []
    value: str | None = None
    rest = iter(typed)
    for word in rest:
        if word == option:
            value = next(rest, None) if takes_value else None
        elif option.startswith("--") and word.startswith(f"{option}="):
            value = word.partition("=")[2]
        elif not option.startswith("--") and takes_value and _short_with_value(word, option):
            value = word[2:]
        else:
            words.append(word)
    return words, value


def _short_with_value(word: str, option: str) -> bool:
    return word.startswith(option) and not word.startswith("--") and len(word) > len(option)


# ------------------------------------------------------------------------ targets


def check_target(text: str) -> None:
    """Refuse what is no target but is often typed as one, with the command that was meant.

    Raises UsageError; returns where the text may be a target.
    """
    context = click.get_current_context(silent=True)
    command = "probe" if context is None else context.command_path.partition(" ")[2] or "probe"
    meant = _meant(text, command)
    if meant is not None:
        why, line = meant
        shown = text if text.startswith("@") else without_login(text)
        raise UsageError(f"{shown[:80]!r} is not a target: {why}", hints=(line,))


def _meant(text: str, command: str) -> tuple[str, str] | None:
    listed = "probe" if command in ("line", "") else command
    if text.startswith("@") and len(text) > 1:
        return "a list of targets has an option", command_line("probe", "--targets", text[1:])
    if "," in text and "=" not in text and "/" not in text.partition("://")[2]:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return "targets are set apart by spaces", command_line(listed, *parts)
    if text.endswith(":") and text.count(":") == 1 and len(text) > 1:
        return "no port follows the colon", command_line(listed, text[:-1])
    if len(text.split()) > 1 and text.isprintable():
        return "each target is a word of its own", command_line(listed, *text.split())
    if "://" not in text and (scheme := _half_url(text)) is not None:
        return "a URL has two slashes after its colon", command_line(listed, scheme)
    host, slash, path = text.partition("/")
    if slash and path and "." in host.strip(".") and not os.path.exists(text):  # noqa: PTH110  it may be no valid Path
        return "a path is not part of it", command_line(listed, host)
    return _file(text)


def _half_url(text: str) -> str | None:
    """`https:/host` and `https:host` as a URL; None for what is no scheme that is known."""
    from tlsresume.protocols.table import SCHEMES

    match = re.fullmatch(_ASCII_SCHEME, text)
    if match is None or match[1].lower() not in SCHEMES:
        return None
    # `localhost:443` is no URL, and neither is `imaps:993` of a host called imaps.
    return None if match[2].isdigit() else f"{match[1]}://{match[2]}"


def _file(text: str) -> tuple[str, str] | None:
    """A file that is there, by a name that is no host: what reads it."""
    lower = text.lower()
    named = (
        "." not in lower
        or lower.startswith(("/", "./", "../", "~"))
        or lower.endswith((*_FILES, *_SESSIONS, *_CAPTURES))
    )
    if not named or ":" in text or not os.path.isfile(text):  # noqa: PTH113  it may be no valid Path
        return None
    if lower.endswith(_CAPTURES):
        return "it is a file here", command_line("capture", text)
    if lower.endswith(_SESSIONS):
        return "it is a file here", command_line("resume", text)
    return "it is a file here", command_line("probe", "--targets", text)


def is_like_target(word: str) -> bool:
    """Whether a word that stands where a command goes is a target: it has a dot, colon, slash,
    bracket or @, or is localhost."""
    return any(mark in word for mark in ".:/[]@") or word.strip().lower() == "localhost"
