"""Completions for bash, zsh and fish, as scripts that start no Python.

Each writer is a function from the command line's values to the text of one
script. They complete commands, options, the choices of an option, codes of findings, built-in
policies, files and host names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tree import PROGRAM, Command, Completes, Option, Value, program, read

FOLDER = Path("completions")
HEADER = "# Made by tools/generate_completions.py from the command line itself; do not edit."


def quoted(text: str) -> str:
    """Text in single quotes, for bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def one_line(option: Option) -> str:
    """What an option does: the first sentence of its description, on one line."""
    text = " ".join(option.description.split())
    return text.partition(". ")[0].rstrip(".").partition("  [")[0]


def valued(command: Command) -> list[tuple[Option, Value]]:
    """The options of a command that take a value, with that."""
    return [(option, option.value) for option in command.options if option.value]


# ------------------------------------------------------------------------ bash

_BASH_ACTION = {
    "file": "compopt -o default 2>/dev/null",
    "folder": "compopt -o dirnames 2>/dev/null",
    "host": 'COMPREPLY=($(compgen -A hostname -- "$cur"))',
    "nothing": "",
}

_BASH = """\
{header}

_{program}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
    local command= words= i
    COMPREPLY=()
    # The equals sign of --option=value is a word of its own.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && COMP_CWORD -ge 2 ]]; then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
            {names})
                command=${{COMP_WORDS[i]}}
                break
                ;;
        esac
    done
    case $command:$prev in
{values}
    esac
    case $command in
{words}
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        return
    fi
    case $command in
        '') COMPREPLY=($(compgen -W {commands} -- "$cur")) ;;
{arguments}
    esac
}}

complete -F _{program} {program}
"""


def _bash_action(completes: Completes, words: tuple[str, ...]) -> str:
    """What completes to words, and to files or hosts beside them."""
    if not words:
        return _BASH_ACTION[completes]
    action = f'COMPREPLY=($(compgen -W {quoted(" ".join(words))} -- "$cur"))'
    if completes == "file":
        action += (
            '; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")'
            "; compopt -o filenames 2>/dev/null"
        )
    elif completes == "host":
        action += '; COMPREPLY+=($(compgen -A hostname -- "$cur"))'
    return action


def _bash_values(command: Command, name: str) -> Iterator[str]:
    for option, value in valued(command):
        patterns = "|".join(f"{name}:{flag}" for flag in option.flags)
        action = _bash_action(value.completes, value.choices)
        yield f"        {patterns})"
        if action:
            yield f"            {action}"
        yield "            return"
        yield "            ;;"


def bash(root: Command) -> str:
    """The script for bash 4 or newer."""
    named = [("", root), *((command.name, command) for command in single(root))]
    words = (
        f"        {name or quoted('')}) words="
        f"{quoted(' '.join(flag for option in command.options for flag in option.flags))} ;;"
        for name, command in named
    )
    arguments = (
        f"        {command.name}) {action} ;;"
        for command in single(root)
        for words in [(*argument_words(command), *subcommands(root, command))]
        if (action := _bash_action(argument_kind(command), words))
    )
    return _BASH.format(
        header=HEADER,
        program=PROGRAM,
        names="|".join(command.name for command in single(root)),
        commands=quoted(" ".join(command.name for command in single(root))),
        values="\n".join(line for name, item in named for line in _bash_values(item, name)),
        words="\n".join(words),
        arguments="\n".join(arguments),
    )


def subcommands(root: Command, command: Command) -> tuple[str, ...]:
    """The words that may stand right behind a command, as `report` behind `watch`. Their options
    are among those of the command."""
    return tuple(
        below.path[-1]
        for below in root.commands
        if len(below.path) > len(command.path) and below.path[:-1] == command.path
    )


def single(root: Command) -> tuple[Command, ...]:
    """The commands of one word."""
    return tuple(command for command in root.commands if len(command.path) == len(root.path) + 1)


def argument_kind(command: Command) -> Completes:
    """How bash and fish, which do not count arguments, complete those of a command."""
    kinds: list[Completes] = [argument.value.completes for argument in command.arguments]
    return "file" if "file" in kinds else kinds[0] if kinds else "nothing"


def argument_words(command: Command) -> tuple[str, ...]:
    """The words that an argument of a command can be."""
    return tuple(word for argument in command.arguments for word in argument.value.choices)


# ------------------------------------------------------------------------- zsh

_ZSH_ACTION = {"file": "_files", "folder": "_files -/", "host": "_hosts", "nothing": ""}

_ZSH = """\
#compdef {program}
{header}

_{program}() {{
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C -S \\
{options}
        '1:command:->command' \\
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
{commands}
            )
            _describe command commands
            ;;
        argument)
            case $words[1] in
{cases}
            esac
            ;;
    esac
}}

if [[ $funcstack[1] == _{program} ]]; then
    _{program} "$@"
else
    compdef _{program} {program}
fi
"""


def _zsh_text(text: str) -> str:
    """Text inside an _arguments specification, where brackets and colons have a meaning."""
    for special in "\\[]:":
        text = text.replace(special, "\\" + special)
    return text


def _zsh_action(value: Value) -> str:
    if not value.choices:
        return _ZSH_ACTION[value.completes]
    words = " ".join(value.choices)
    return f"{{_files; compadd -- {words}}}" if value.completes == "file" else f"({words})"


def _zsh_options(command: Command) -> Iterator[str]:
    for option in command.options:
        others = "(- *)" if option.ends else f"({' '.join(option.flags)})"
        prefix = "*" if option.repeatable else others
        for flag in option.flags:
            spec = f"{prefix}{flag}"
            if option.value:
                spec += "=" if flag.startswith("--") else "+"
            spec += f"[{_zsh_text(one_line(option))}]"
            if option.value:
                spec += f":{_zsh_text(option.value.name.lower())}:{_zsh_action(option.value)}"
            yield quoted(spec)


def _zsh_arguments(command: Command) -> Iterator[str]:
    for number, argument in enumerate(command.arguments, 1):
        place = "*" if argument.repeatable else str(number) + ("" if argument.required else ":")
        name = _zsh_text(argument.value.name.lower())
        yield quoted(f"{place}:{name}:{_zsh_action(argument.value)}")


def zsh(root: Command) -> str:
    """The script for zsh, to be found on its fpath or sourced."""
    cases = []
    for command in single(root):
        specs = [*_zsh_options(command), *_zsh_arguments(command)]
        if words := " ".join(subcommands(root, command)):
            specs[-1] = specs[-1].replace(":_hosts'", f":{{_hosts; compadd {words}}}'")
        cases.append(f"                {command.name})")
        cases.append(
            " \\\n".join(["                    _arguments -s -S", *(f"{'':24}{s}" for s in specs)])
        )
        cases.append("                    ;;")
    return _ZSH.format(
        header=HEADER,
        program=PROGRAM,
        options="\n".join(f"        {spec} \\" for spec in _zsh_options(root)),
        commands="\n".join(
            f"                {quoted(command.name + ':' + command.summary.replace(':', chr(92) + ':'))}"
            for command in single(root)
        ),
        cases="\n".join(cases),
    )


# ------------------------------------------------------------------------ fish


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_value(value: Value) -> str:
    if value.choices and value.completes == "file":
        return f" -r -F -a {_fish_quoted(' '.join(value.choices))}"
    if value.choices:
        return f" -x -a {_fish_quoted(' '.join(value.choices))}"
    return {
        "file": " -r -F",
        "folder": " -x -a '(__fish_complete_directories)'",
        "host": " -x -a '(__fish_print_hostnames)'",
        "nothing": " -x",
    }[value.completes]


def _fish_options(command: Command, condition: str) -> Iterator[str]:
    for option in command.options:
        spelled = "".join(
            f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}"
            for flag in option.flags
        )
        value = _fish_value(option.value) if option.value else ""
        text = _fish_quoted(one_line(option))
        yield f"complete -c {PROGRAM} -n {_fish_quoted(condition)}{spelled}{value} -d {text}"


def fish(root: Command) -> str:
    """The script for fish 3 or newer."""
    lines = [HEADER, "", f"complete -c {PROGRAM} -f"]
    alone = "__fish_use_subcommand"
    lines += _fish_options(root, alone)
    for command in single(root):
        text = _fish_quoted(command.summary)
        lines.append(f"complete -c {PROGRAM} -n {alone} -a {command.name} -d {text}")
    for command in single(root):
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines += ["", *_fish_options(command, seen)]
        for word in (*argument_words(command), *subcommands(root, command)):
            lines.append(f"complete -c {PROGRAM} -n {_fish_quoted(seen)} -a {word}")
        kind = argument_kind(command)
        if kind == "file":
            lines.append(f"complete -c {PROGRAM} -n {_fish_quoted(seen)} -F")
        elif kind == "host":
            hosts = "'(__fish_print_hostnames)'"
            lines.append(f"complete -c {PROGRAM} -n {_fish_quoted(seen)} -a {hosts}")
    return "\n".join(lines) + "\n"


#: The script of each shell, by file name.
SHELLS = {f"{PROGRAM}.bash": bash, f"_{PROGRAM}": zsh, f"{PROGRAM}.fish": fish}


def outputs(root: Command | None = None) -> dict[Path, str]:
    """The completion scripts, by path relative to the checkout."""
    found = root or read(program())
    if any(command.commands for command in found.commands):
        raise SystemExit("generate_completions.py: commands below commands are not written")
    return {FOLDER / name: write(found) for name, write in SHELLS.items()}
