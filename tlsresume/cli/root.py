"""The command group, and the one place where errors become words and an exit status."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from tlsresume import __version__
from tlsresume.cli import typed_command

if TYPE_CHECKING:
    from tlsresume.cli.outputs import Outputs
    from tlsresume.errors import TLSResumeError

INTERRUPTED = 130

#: Options whose text click writes to stdout, not we.
_TOLD_BY_CLICK = frozenset({"-h", "--help", "-V", "--version", "help"})


class Lazy(NamedTuple):
    """Where a command is, and what `--help` says of it without importing it.

    No dataclass, since `--version` would have to import what makes one.
    """

    module: str
    about: str


COMMANDS: dict[str, Lazy] = {
    "probe": Lazy("tlsresume.cli.probe", "Test whether and how well servers resume sessions."),
    "save": Lazy("tlsresume.cli.save", "Connect once and save the session to a file."),
    "resume": Lazy("tlsresume.cli.resume", "Offer a saved session, and tell what became of it."),
    "inspect": Lazy("tlsresume.cli.inspect", "Show what a session file holds, offline."),
    "serve": Lazy("tlsresume.features.serve.command", "Serve TLS, and tell what clients resume."),
    "watch": Lazy(
        "tlsresume.features.watch.command", "Watch ticket keys over time, through rotations."
    ),
    "capture": Lazy(
        "tlsresume.features.capture.command",
        "Tell from captured packets what happened to sessions.",
    ),
    "exporter": Lazy("tlsresume.features.exporter.command", "Probe on demand, for Prometheus."),
    "explain": Lazy("tlsresume.cli.explain", "Explain the code of a finding, or list all."),
    "policy": Lazy("tlsresume.cli.policy", "Check a policy file, and say what it demands."),
    "selftest": Lazy("tlsresume.cli.selftest", "Run the commands against a built-in server."),
    "config": Lazy("tlsresume.cli.config", "Show which options hold, and where they come from."),
    "help": Lazy("tlsresume.cli.help", "Show the help of a command."),
}

#: Commands of two words: the first is a command by itself, too.
SUBCOMMANDS: dict[str, Lazy] = {
    "watch report": Lazy("tlsresume.features.watch.command_report", "Print what watch remembers."),
}


#: The command that a first word which is a target stands for.
PROBE = "probe"


class NoSuchCommand(click.UsageError):
    """A first word that is neither a command nor a target; its hint names the nearest command."""

    def __init__(self, word: str, ctx: click.Context) -> None:
        from difflib import get_close_matches

        super().__init__(f"No such command {word[:80]!r}.", ctx)
        meant = get_close_matches(word.lower(), COMMANDS, 1, 0)
        self.hints = (f"did you mean: tlsresume {meant[0]}",)
        plain = word.isascii() and word.replace("-", "").isalnum()
        if plain and not get_close_matches(word.lower(), COMMANDS, 1):
            self.hints = (f"{self.hints[0]}; to test a host of that name: tlsresume probe {word}",)


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return [*COMMANDS, *SUBCOMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        lazy = COMMANDS.get(cmd_name) or SUBCOMMANDS.get(cmd_name)
        if lazy is None:
            return None
        command: click.Command = import_module(lazy.module).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from tlsresume.cli.mistakes import command_left_out

            raise command_left_out(typed, error.option_name) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        two = " ".join(args[:2])
        if two in SUBCOMMANDS:
            return two, self.get_command(ctx, two), args[2:]
        if self.get_command(ctx, args[0]) is None:
            from tlsresume.cli.mistakes import is_like_target

            if not is_like_target(args[0]):
                raise NoSuchCommand(args[0], ctx)
            return PROBE, self.get_command(ctx, PROBE), args
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        with formatter.section("Commands"):
            # Without those that are found from others, so that it stays one screen.
            formatter.write_dl([(name, lazy.about) for name, lazy in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        # Without an empty line before it, since the commands fill the screen.
        with formatter.indentation():
            formatter.write_text(self.epilog or "")


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="HOST... | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: tlsresume HOST. Without a server at hand: tlsresume selftest.",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Tell whether TLS session resumption works, how well, and if not, why not."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit status. Nothing but this status comes out."""
    outputs: list[Outputs] = []
    typed_command.remember(arguments)
    try:
        status = root.main(
            list(arguments), prog_name="tlsresume", standalone_mode=False, obj=outputs
        )
        return int(status or 0)
    except click.exceptions.Abort:
        return _interrupted(arguments, outputs)
    except KeyboardInterrupt:
        return _interrupted(arguments, outputs)
    except click.ClickException as error:
        return _failed(_usage_error(error), arguments, outputs)
    except Exception as error:  # noqa: BLE001  a bug of ours must not reach a user as a traceback
        if isinstance(error, OSError) and _TOLD_BY_CLICK & set(arguments):
            from tlsresume.cli.console import unwritable

            return _failed(unwritable(error), arguments, outputs)
        return _failed(_known_or_bug(error), arguments, outputs)


def _interrupted(arguments: Sequence[str], outputs: list[Outputs]) -> int:
    from tlsresume.errors import ExitStatus, TLSResumeError

    class Interrupted(TLSResumeError):
        exit_status = ExitStatus.INTERRUPTED

    return _failed(Interrupted("interrupted"), arguments, outputs)


def _usage_error(error: click.ClickException) -> TLSResumeError:
    """Click's own errors in our form."""
    from tlsresume.cli.mistakes import click_message
    from tlsresume.errors import UsageError

    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tlsresume"
    hints = (*getattr(error, "hints", ()), f"see '{path} --help'")
    return UsageError(click_message(error), hints=hints)


def _known_or_bug(error: Exception) -> TLSResumeError:
    from tlsresume.errors import TLSResumeError
    from tlsresume.shortage import is_shortage, local_error

    if os.environ.get("TLSRESUME_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, TLSResumeError):
        return error
    if is_shortage(error):
        return local_error(error, "go on")
    return TLSResumeError(
        f"this is a bug in tlsresume: {type(error).__name__}: {error}",
        hints=("run it again with TLSRESUME_DEBUG=1 to see where, and report that",),
    )


def _failed(error: TLSResumeError, arguments: Sequence[str], outputs: list[Outputs]) -> int:
    """Say what ended the run, on stderr, and as a document where one was asked for."""
    from tlsresume.cli.console import report_error
    from tlsresume.errors import ConfigurationFileError, TLSResumeError
    from tlsresume.targets.endpoints import without_logins

    # Not the hints, which are ours, and may say where a user's name stands in a URL.
    error.message = without_logins(error.message)
    error.details = tuple(map(without_logins, error.details))
    report_error(error)
    if not outputs and isinstance(error, ConfigurationFileError):
        outputs = _asked_documents(arguments)
    try:
        for each in outputs:
            each.fail(error)
    except TLSResumeError as second:
        report_error(second)
    except Exception as second:  # noqa: BLE001  the first error is what the user must see
        report_error(_known_or_bug(second))
    if _speaks_nagios(arguments, outputs):
        return _unknown(error, told=bool(outputs))
    return int(error.exit_status)


def _asked_documents(arguments: Sequence[str]) -> list[Outputs]:
    """The JSON that goes to stdout, where a configuration file ended the run before the options
    were known: a document that was asked for is written whatever happens."""
    from tlsresume.cli.destinations import Choice
    from tlsresume.cli.outputs import Outputs

    line = " ".join(arguments).replace("--format ", "--format=").lower().split()
    for name in ("json", "jsonl"):
        if f"--format={name}" in line or (name == "json" and "--json" in line):
            return [Outputs((Choice(name, None),))]
    return []


def _speaks_nagios(arguments: Sequence[str], outputs: list[Outputs]) -> bool:
    """Whether a plugin's answer was asked for, read where the options may make no sense."""
    if any(each.stdout_is("nagios") for each in outputs):
        return True
    line = " ".join(arguments).replace("--format ", "--format=").lower() + " "
    if "--format=nagios " in line or "--format=nagios=- " in line:
        return True
    said = os.environ.get("TLSRESUME_FORMAT", "").lower().split()
    return "--format=" not in line and not outputs and "nagios" in said


def _unknown(error: TLSResumeError, *, told: bool) -> int:
    """A plugin says UNKNOWN for whatever kept it from an answer, on stdout too."""
    from tlsresume.formats.nagios import failure
    from tlsresume.policy.plugin_state import PluginState

    if not told:
        from tlsresume.cli.console import write_data
        from tlsresume.cli.outputs import error_result
        from tlsresume.cli.tool import this_tool

        write_data(failure(this_tool(), error_result(error)))
    return int(PluginState.UNKNOWN)
